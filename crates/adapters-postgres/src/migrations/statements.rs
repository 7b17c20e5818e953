//! The statements of a migration, one by one: of several that are sent together, a database whose tables are
//! distributed takes some only alone.

/// The statements in a text of SQL, without what is between them.
pub(super) fn statements(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut begin, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        at += if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(quote) = ["'", "\""].into_iter().find(|quote| rest.starts_with(quote)) {
            // One that is written twice ends and begins anew.
            length_to(rest, 1, quote)
        } else if let Some(tag) = dollar_quote(rest) {
            length_to(rest, tag.len(), tag)
        } else {
            if rest.starts_with(';') {
                found.push(&text[begin..at]);
                begin = at + 1;
            }
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    found.push(&text[begin..]);
    found.retain(|statement| !is_empty(statement));
    found
}

/// How long it is up to the end that comes behind so much of the beginning.
fn length_to(text: &str, beginning: usize, end: &str) -> usize {
    text[beginning..].find(end).map_or(text.len(), |length| beginning + length + end.len())
}

/// `$$`, or `$word$`.
fn dollar_quote(text: &str) -> Option<&str> {
    let word = text.strip_prefix('$')?.find('$')?;
    let tag = &text[..word + 2];
    tag[1..=word].bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_').then_some(tag)
}

/// Whether there is nothing but comments.
fn is_empty(statement: &str) -> bool {
    statement.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with("--"))
}

#[cfg(test)]
mod tests {
    use super::statements;

    #[test]
    fn statements_end_at_a_semicolon_that_is_not_quoted() {
        let text = "-- It's one; not two.\nSELECT ';', 'it''s; so', \";\";\n\nDO $$ BEGIN NULL; END; $$; \
                    SELECT $body$ $$;$$ $body$, $1;\n-- The end;\n";
        let found: Vec<&str> = statements(text).into_iter().map(str::trim).collect();
        assert_eq!(
            found,
            [
                "-- It's one; not two.\nSELECT ';', 'it''s; so', \";\"",
                "DO $$ BEGIN NULL; END; $$",
                "SELECT $body$ $$;$$ $body$, $1",
            ]
        );
    }

    #[test]
    fn the_last_statement_needs_no_semicolon() {
        assert_eq!(statements("SELECT 1; SELECT 'ä'"), ["SELECT 1", " SELECT 'ä'"]);
        assert!(statements(" ;; -- nothing").is_empty());
    }
}
