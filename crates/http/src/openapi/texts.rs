//! What texts consist of, as regular expressions that mean the same to ECMA 262, Python and Rust. `\s` and `\S` do not.

use prediction_domain::model::{MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, MAX_WORD_CHARS};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Components, RefOr};

const CONTROL: &str = r"\x00-\x1f\x7f-\x9f";
/// White space that is neither a control character nor in Latin-1.
const SPACE: &str = r"\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";

/// Text that is trimmed: white space around it, line ends included, counts for nothing, and something else has to be there.
pub(super) fn trimmed() -> String {
    let around = format!(r"[\t-\r \x85\xa0{SPACE}]*");
    let solid = format!(r"[^{CONTROL} \xa0{SPACE}]");
    format!("^{around}{solid}([^{CONTROL}]*{solid})?{around}$")
}

/// Text without control characters.
pub(super) fn word() -> String {
    format!("^[^{CONTROL}]*$")
}

/// Text with tabs and line ends, and no other control characters.
fn prose() -> String {
    r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$".to_owned()
}

/// A list of entity tags (RFC 9110, section 8.8.3).
pub(super) fn entity_tags() -> String {
    let tag = r#"(W/)?"[!#-~]*""#;
    format!(r"^{tag}([ \t]*,[ \t]*{tag})*$")
}

/// Says of every member that is text of ours what it consists of. Which kind of text it is, its greatest length tells.
pub(super) fn describe(components: &mut Components) {
    for schema in components.schemas.values_mut() {
        let RefOr::T(Schema::Object(object)) = schema else { continue };
        for (name, member) in &mut object.properties {
            let RefOr::T(Schema::Object(text)) = member else { continue };
            text.pattern = match text.max_length {
                Some(MAX_NAME_CHARS) => Some(trimmed()),
                Some(MAX_WORD_CHARS) if name == "version" => Some(trimmed()),
                Some(MAX_WORD_CHARS) => Some(word()),
                Some(MAX_DESCRIPTION_CHARS) => Some(prose()),
                _ => continue,
            };
        }
    }
}
