//! Which form of an answer is wanted (RFC 9110, section 12.5.1).

use std::cmp::Reverse;

use actix_web::http::header::{ACCEPT, HeaderMap, Quality, QualityItem};
use actix_web::mime::{self, Mime};

use crate::problem::Form;

/// How much a form is wanted, and how exactly that is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Wish {
    quality: Quality,
    precision: u8,
    /// What stands earlier is meant first, where nothing else tells.
    place: Reverse<usize>,
}

/// Whether CSV is wanted rather than JSON. What accepts neither is answered with JSON, too: it tells more than a
/// refusal.
pub(super) fn prefers_csv(headers: &HeaderMap) -> bool {
    let accepted = accepted(headers);
    let csv = wish(&accepted, mime::TEXT, mime::CSV);
    let json = wish(&accepted, mime::APPLICATION, mime::JSON);
    match (csv, json) {
        // A client that takes anything is given JSON.
        (Some(csv), Some(json)) => csv.quality > Quality::ZERO && csv > json && csv.place != json.place,
        (Some(csv), None) => csv.quality > Quality::ZERO,
        (None, _) => false,
    }
}

fn accepted(headers: &HeaderMap) -> Vec<QualityItem<Mime>> {
    headers
        .get_all(ACCEPT)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.trim().parse().ok())
        .collect()
}

/// In which form a client is told a problem. One that takes anything, and names no JSON, is probably a person at a
/// terminal.
pub(crate) fn form_of_problems(headers: &HeaderMap) -> Form {
    let accepted = accepted(headers);
    let is_json = |range: &QualityItem<Mime>| {
        range.item.type_() == mime::APPLICATION
            && (range.item.subtype() == mime::JSON || range.item.suffix() == Some(mime::JSON))
    };
    let is_anything = |range: &QualityItem<Mime>| range.item == mime::STAR_STAR;
    if accepted.iter().any(is_anything) && !accepted.iter().any(is_json) { Form::Indented } else { Form::Compact }
}

/// What is said of a type: by the range that fits it most exactly, whatever others say.
fn wish(accepted: &[QualityItem<Mime>], kind: mime::Name<'_>, subtype: mime::Name<'_>) -> Option<Wish> {
    let fitting = accepted.iter().enumerate().filter_map(|(place, range)| {
        let precision = match (range.item.type_(), range.item.subtype()) {
            (mime::STAR, mime::STAR) => 0,
            (found, mime::STAR) if found == kind => 1,
            (found, exactly) if found == kind && exactly == subtype => 2,
            _ => return None,
        };
        Some(Wish { quality: range.quality, precision, place: Reverse(place) })
    });
    fitting.max_by_key(|wish| (wish.precision, wish.quality))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn csv(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, HeaderValue::from_static(value));
        }
        prefers_csv(&headers)
    }

    #[test]
    fn csv_is_given_to_a_client_that_prefers_it_to_json() {
        for accept in [
            "text/csv",
            "text/CSV; charset=utf-8",
            "text/*",
            "text/csv, */*;q=0.1",
            "*/*, text/csv",
            "text/csv, application/json",
            "text/csv, application/json;q=0.9",
            "application/json;q=0.5, text/csv;q=0.6",
            "application/json;q=0, text/csv;q=0.001",
            "application/*, text/csv",
            "text/csv;q=0.5, application/xml",
            "*/*;q=0.1, application/json;q=0",
            "text/csv, nonsense, application/json;q=2",
        ] {
            assert!(csv(&[accept]), "{accept}");
        }
        assert!(csv(&["application/json;q=0.1", "text/csv"]));
    }

    #[test]
    fn problems_are_indented_for_a_client_that_takes_anything() {
        let form = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(ACCEPT, HeaderValue::from_static(value));
            form_of_problems(&headers)
        };
        for accept in ["*/*", "text/html, application/xhtml+xml, */*;q=0.8", "text/csv, */*"] {
            assert_eq!(form(accept), Form::Indented, "{accept}");
        }
        for accept in
            ["", "application/json", "application/json, */*", "application/problem+json, */*;q=0.1", "text/html"]
        {
            assert_eq!(form(accept), Form::Compact, "{accept}");
        }
        assert_eq!(form_of_problems(&HeaderMap::new()), Form::Compact);
    }

    #[test]
    fn json_is_given_to_all_other_clients() {
        for accept in [
            "",
            "*/*",
            "application/json",
            "application/json, text/csv",
            "text/csv;q=0",
            "text/csv;q=0.000",
            "text/csv;q=0, */*",
            "text/csv;q=0, text/*",
            "text/*;q=0",
            "text/csv;q=0.5, application/json",
            "text/csv;q=0.5, */*",
            "text/csv;q=0.5, application/*;q=0.6",
            "application/xml",
            "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8",
            "text",
            "text/csv;q=2",
            "text/csv;q=nonsense",
        ] {
            assert!(!csv(&[accept]), "{accept}");
        }
        assert!(!csv(&[]));
        assert!(!csv(&["application/json", "text/csv;q=0"]));
    }
}
