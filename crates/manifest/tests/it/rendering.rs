//! What mistakes look like.

use prediction_manifest::{Mistake, Style, read, render};

use crate::support::{SHAPE, bytes, plain, read_text};

fn shown(mistakes: &[Mistake], width: usize) -> String {
    render(mistakes, &Style { width, color: false })
}

fn two_files() -> Vec<Mistake> {
    let jobs =
        "set: farm\njobs:\n  - name: rain\n    version: 1.10\n  - name: wind\n    version: '2'\n    version: '3'\n";
    let more = "set: garden\njobs:\n  - name: rain\n";
    read(&[bytes("jobs.yaml", jobs), bytes("more/jobs.yaml", more)], &SHAPE).unwrap_err()
}

#[test]
fn four_mistakes_in_two_files() {
    insta::assert_snapshot!(shown(&two_files(), 100));
}

#[test]
fn forty_columns_are_enough() {
    insta::assert_snapshot!(shown(&two_files(), 40));
}

#[test]
fn long_lines_are_cut() {
    let long = "word ".repeat(400);
    let text = format!("anything: [\"{long}\", 0777, \"{long}\"]\njob: \"{long}\"\n");
    let mistakes = read_text(&text).unwrap_err();
    let text = shown(&mistakes, 60);
    assert!(text.lines().all(|line| line.chars().count() <= 62), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn wide_characters_are_underlined() {
    let text = "anything: {気温: 0777, 🌧️: 1_000, مطر: 00, e\u{301}: .nan, \"\t\": 01}\n";
    insta::assert_snapshot!(shown(&read_text(text).unwrap_err(), 80));
}

#[test]
fn only_the_first_line_of_a_long_text_is_shown() {
    let manifest = read_text("anything: |\n  first\n  second\n  third\n").unwrap();
    let mistake = Mistake::new("too_long", "is too long").at(manifest.locate("/anything").place);
    insta::assert_snapshot!(plain(&[mistake]));
}

#[test]
fn nothing_of_a_text_reaches_the_terminal_raw() {
    let evil = "\u{1b}[31mred\u{7}\u{9b}1m\u{202e}abc\u{2066}\u{200f}\r\n\u{2028}\u{feff}";
    let json = serde_json::json!({ (evil.replace(['\n', '\r'], "")): 1, "set": evil }).to_string();
    let mut mistakes = read(&[bytes("a\u{1b}[2J.json\u{202e}", json)], &SHAPE).unwrap_err();
    let manifest = read(&[bytes(evil, "anything: \"\u{9b}\u{202e}\"".replace('\u{9b}', "é"))], &SHAPE).unwrap();
    let place = manifest.locate("/anything").place;
    mistakes.push(Mistake::new(evil.to_owned(), evil).hint(evil).label(evil).at(place.clone()).note(evil, place));
    mistakes.extend(read(&[bytes("nul.yaml", "set: \u{1b}[31m\u{0}\u{9b}")], &SHAPE).unwrap_err());
    let text = plain(&mistakes);
    let is_raw =
        |sign: char| sign.is_control() && sign != '\n' || "\u{202e}\u{2066}\u{200f}\u{2028}\u{feff}".contains(sign);
    assert!(!text.contains(is_raw), "{text:?}");
    insta::assert_snapshot!(text);
}

#[test]
fn colours_are_only_there_when_asked_for() {
    let mistakes = two_files();
    let coloured = render(&mistakes, &Style { width: 80, color: true });
    let mut parts = coloured.split("\u{1b}[");
    let first = parts.next().unwrap().to_owned();
    let without: String = parts.fold(first, |text, part| text + part.split_once('m').unwrap().1);
    assert!(coloured.len() > without.len());
    assert_eq!(without, shown(&mistakes, 80));
}

#[test]
fn columns_are_those_of_the_file() {
    let text = format!("anything: [\"\u{202e}\t{}\", 0777]\n", "é".repeat(3000));
    let text = shown(&read_text(&text).unwrap_err(), 60);
    assert!(text.contains("<stdin>:1:3018\n"), "{text}");
}

#[test]
fn nothing_is_shown_for_no_mistake() {
    assert_eq!(shown(&[], 80), "");
    assert_eq!(shown(&[Mistake::new("busy", "try again")], 80), "error[busy]: try again\n\n1 mistake\n");
}

#[test]
fn what_cannot_be_read_has_no_snippet() {
    let input = prediction_manifest::Input::Path("no/such.yaml".into());
    insta::assert_snapshot!(plain(&read(&[input, bytes("b.yaml", "a: [")], &SHAPE).unwrap_err()));
}
