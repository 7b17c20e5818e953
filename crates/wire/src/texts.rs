//! What texts consist of, as regular expressions that mean the same to ECMA 262, Python and Rust. `\s` and `\S` do not.

const CONTROL: &str = r"\x00-\x1f\x7f-\x9f";
/// White space that is neither a control character nor in Latin-1.
const SPACE: &str = r"\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/// Text that is trimmed: white space around it, line ends included, counts for nothing, and something else has to be
/// there.
#[must_use]
pub fn trimmed() -> String {
    let around = format!(r"[\t-\r \x85\xa0{SPACE}]*");
    let solid = format!(r"[^{CONTROL} \xa0{SPACE}]");
    format!("^{around}{solid}([^{CONTROL}]*{solid})?{around}$")
}

/// Text without control characters.
pub(crate) fn word() -> String {
    format!("^[^{CONTROL}]*$")
}

/// Text with tabs and line ends, and no other control characters.
pub(crate) fn prose() -> String {
    r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$".to_owned()
}

/// The digest of a contract.
pub(crate) fn digest() -> String {
    "^sha256:[0-9a-f]{64}$".to_owned()
}

/// `*`, or a list of entity tags (RFC 9110, sections 8.8.3 and 13.1.1).
#[must_use]
pub fn entity_tags() -> String {
    let tag = r#"(W/)?"[!#-~]*""#;
    format!(r"^(\*|{tag}([ \t]*,[ \t]*{tag})*)$")
}
