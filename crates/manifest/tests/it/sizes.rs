//! Files of very many parts. If the whole were looked at for each of its parts, one of them would take minutes.

use prediction_manifest::{Style, read, render};

use crate::support::{SHAPE, bytes};

const BYTES: usize = 256 << 10;

/// A text of a beginning, and of as many repetitions as there is room for.
fn large(head: &str, part: &str) -> String {
    let times = (BYTES - head.len()) / part.len();
    format!("{head}{}", part.repeat(times))
}

#[test]
fn a_large_file_is_read_once() {
    let half = "x".repeat(BYTES / 2);
    let cases = [
        ("anchors", large("anything: [", "&a,")),
        ("anchors of one text", large("anything: [", "&a x,")),
        ("tags", large("anything: [", "!a,")),
        ("aliases", large("anything: [", "*a,")),
        ("keys", large("anything: {", "? [a],")),
        ("items", large("anything:\n", "- a\n")),
        ("comments", large("", "# a\n")),
        ("documents", large("", "---\n")),
        ("scalars", large("", "---\nset: a\n")),
        ("scalars after a long one", large(&format!("set: {half}\n"), "---\nset: a\n")),
        ("scalars after a large one", large(&format!("set: [{}]\n", "a,".repeat(BYTES / 4)), "---\nset: a\n")),
        ("items after a long one", large(&format!("jobs:\n- description: {half}\n  name: a\n"), "- name: a\n")),
        ("items of a long organisation", large(&format!("organisation_id: {half}\njobs:\n"), "- name: a\n")),
        ("numbers", large("jobs:\n", "- name: 1\n")),
        ("numbers in a line", large("jobs: [", "{name: 1},")),
        ("unknown members", large("", "---\nsett: a\n")),
        ("members of no list", large("jobs: [{}]\n", "---\njobs: a\n")),
        ("tabs", large("anything: a", "\t")),
        ("quotes", large("anything: ", "\"a\" ")),
        ("folded", large("anything: >\n", "  a\n\n")),
        ("a long key", format!("? {half}\n: a\nset: b")),
        ("carriage returns", large("anything:\n", "\r")),
        ("controls", large("anything: ", "\u{7}")),
        ("wide characters", large("anything:\n", "- é\n")),
        ("deep keys", large(&format!("anything: {{{half}: ["), "1,")),
        ("brackets", large("anything: ", "[],")),
    ];
    for (name, text) in cases {
        if let Err(mistakes) = read(&[bytes(name, &text)], &SHAPE) {
            let shown = render(&mistakes, &Style { width: 100, color: false });
            assert!(shown.len() < 200 * 1024, "{name}: {}", shown.len());
        }
    }
}
