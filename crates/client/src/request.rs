use serde_json::Value;
use ureq::http::Method;

use crate::address::BaseUrl;
use crate::error::ClientError;

/// A request that can be sent more than once.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
    /// Whether the service does it once, however often it comes.
    pub(crate) is_repeatable: bool,
    /// Whether it is only done if something is as it was. Such a write is refused when it comes again, because it was
    /// done: it changed what it asks for.
    pub(crate) is_conditional: bool,
    /// Whether nothing is kept of it.
    pub(crate) is_dry_run: bool,
}

impl Request {
    pub(crate) fn new<'a>(
        base: &BaseUrl,
        method: Method,
        path: &str,
        query: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Self, ClientError> {
        let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !is_path {
            return Err(ClientError::Request(format!(
                "\"{path}\" is not a path: it begins with a slash, and other characters than those of a URL are written as %XX"
            )));
        }
        for (name, value) in headers {
            if name.eq_ignore_ascii_case("authorization") {
                return Err(ClientError::Request("the token is said by the credentials of the client".to_owned()));
            }
            if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
                return Err(ClientError::Request(format!("the header {name} has a control character in it")));
            }
        }
        let mut url = format!("{base}{path}");
        for (name, value) in query {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&encoded(name));
            url.push('=');
            url.push_str(&encoded(value));
        }
        let is_dry_run =
            url.split_once('?').is_some_and(|(_, query)| query.split('&').any(|pair| pair == "dry_run=true"));
        let is_repeatable = is_dry_run || is_repeatable(&method, path, body);
        let is_conditional = !is_dry_run && is_conditional(&method, path, body, headers);
        let mut headers: Vec<_> = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut default = |name: &str, value: &str| {
            if !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        };
        default("accept", "application/json");
        if body.is_some() {
            default("content-type", "application/json");
        }
        Ok(Self {
            method,
            url,
            headers,
            body: body.map(|body| body.to_string().into_bytes()),
            is_repeatable,
            is_conditional,
            is_dry_run,
        })
    }
}

/// Every write has a natural key by which the service recognizes it, but a report of a run that leaves it to the
/// service when it was issued: a second one would be another run.
fn is_repeatable(method: &Method, path: &str, body: Option<&Value>) -> bool {
    let is_report = *method == Method::POST && path.split('?').next().is_some_and(|path| path.ends_with("/runs"));
    !is_report || body.is_some_and(|body| body.get("issued_at").is_some_and(Value::is_string))
}

/// Whether a write says what has to be there for it to be done: an entity tag, a revision, or a plan.
fn is_conditional(method: &Method, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> bool {
    let says = |member: &str| body.and_then(|body| body.get(member)).is_some_and(|value| !value.is_null());
    // The revision of a restoration is what is restored.
    let is_restoration = path.split('?').next().is_some_and(|path| path.ends_with("/restore"));
    let has_tag = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("if-match"));
    let is_read = [Method::GET, Method::HEAD].contains(method);
    !is_read && (has_tag || says("expect_plan") || says("revision") && !is_restoration)
}

/// A text as a segment of a path, or as a name or a value in a query.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    // A segment of dots would be taken for a step up.
    if encoded.bytes().all(|byte| byte == b'.') { encoded.replace('.', "%2E") } else { encoded }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(path: &str, query: &[(&str, &str)], headers: &[(&str, &str)]) -> Result<Request, ClientError> {
        let base = BaseUrl::parse("https://predictions.example/behind/").unwrap();
        Request::new(&base, Method::GET, path, query.iter().copied(), None, headers)
    }

    #[test]
    fn a_query_is_encoded_and_added() {
        let url = |path, query: &[_]| request(path, query, &[]).unwrap().url;
        assert_eq!(
            url("/api/v1/jobs", &[("name", "Frost & Müller"), ("cursor", "a=b")]),
            "https://predictions.example/behind/api/v1/jobs?name=Frost%20%26%20M%C3%BCller&cursor=a%3Db"
        );
        assert_eq!(url("/jobs?limit=1", &[("a", "b")]), "https://predictions.example/behind/jobs?limit=1&a=b");
        assert_eq!(encoded(".."), "%2E%2E");
        assert_eq!(encoded("1.0"), "1.0");
    }

    #[test]
    fn what_would_be_another_request_is_not_sent() {
        for path in ["", "jobs", "https://elsewhere.example/", "/a b", "/a\r\nX: y", "/a#b", "/é"] {
            assert!(matches!(request(path, &[], &[]), Err(ClientError::Request(_))), "{path}");
        }
        for header in [("Authorization", "Bearer other"), ("If-Match", "\"1\"\r\nX: y")] {
            assert!(matches!(request("/a", &[], &[header]), Err(ClientError::Request(_))), "{header:?}");
        }
    }

    #[test]
    fn only_a_report_without_its_time_is_another_one_each_time() {
        let path = "/api/v1/jobs/1/runs";
        assert!(is_repeatable(&Method::POST, path, Some(&json!({ "issued_at": "2026-06-01T12:00:00Z" }))));
        assert!(!is_repeatable(&Method::POST, path, Some(&json!({ "status": "failed" }))));
        assert!(!is_repeatable(&Method::POST, path, Some(&json!({ "issued_at": null }))));
        assert!(is_repeatable(&Method::GET, path, None));
        let dry_run = |path: &str, query: &[_]| {
            Request::new(
                &BaseUrl::parse("http://localhost").unwrap(),
                Method::POST,
                path,
                query.iter().copied(),
                None,
                &[],
            )
            .unwrap()
        };
        assert!(dry_run("/api/v1/jobs/1/runs", &[("dry_run", "true")]).is_repeatable);
        assert!(dry_run("/api/v1/jobs/1/runs?dry_run=true", &[]).is_dry_run);
        assert!(!dry_run("/api/v1/jobs/1/runs", &[("dry_run", "false")]).is_dry_run);
        assert!(is_repeatable(&Method::POST, "/api/v1/jobs/setup", Some(&json!({}))));
    }

    #[test]
    fn a_write_with_a_condition_is_known() {
        let tag = [("If-Match", "\"3\"")];
        let is_conditional = |method: &Method, path: &str, body: Value, headers: &[(&str, &str)]| {
            is_conditional(method, path, Some(&body), headers)
        };
        assert!(is_conditional(&Method::PUT, "/api/v1/jobs/1", json!({}), &tag));
        assert!(is_conditional(&Method::PUT, "/api/v1/jobs/1", json!({ "revision": 3 }), &[]));
        assert!(is_conditional(&Method::POST, "/api/v1/apply", json!({ "expect_plan": "sha256:1" }), &[]));
        assert!(!is_conditional(&Method::PUT, "/api/v1/jobs/1", json!({ "revision": null }), &[]));
        assert!(!is_conditional(&Method::POST, "/api/v1/jobs/1/restore", json!({ "revision": 3 }), &[]));
        assert!(!is_conditional(&Method::GET, "/api/v1/jobs/1", json!({}), &tag));
    }
}
