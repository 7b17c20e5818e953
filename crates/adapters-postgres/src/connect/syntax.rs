//! The syntax of connection URLs: what libpq reads
//! (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).

use prediction_domain::model::nearest;

use super::error::UrlError;

/// What libpq knows (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>). Whether it is
/// built for one of them, it says itself.
const PARAMETERS: [&str; 46] = [
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "options",
    "passfile",
    "password",
    "port",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
];

/// The settings that a URL gives, decoded, by libpq's names for them. A later one overrides an earlier one, as in
/// libpq.
///
/// libpq never sees the URL: it gets these settings as they were understood here, so that what was judged is what is
/// done.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct UrlSettings(Vec<(String, String)>);

impl UrlSettings {
    pub(super) fn parse(url: &str) -> Result<Self, UrlError> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let rest = rest.ok_or(UrlError::OtherScheme)?;
        if rest.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err(UrlError::WhiteSpace);
        }
        let mut settings = Self(Vec::new());

        let (user_info, rest) = split_user_info(rest);
        let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
        settings.set_unless_empty("user", decode(user)?);
        settings.set_unless_empty("password", decode(password)?);

        let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before_query.split_once('/').unwrap_or((before_query, ""));
        if before_query.contains('@') {
            let has_user_info = !user_info.is_empty();
            return Err(if has_user_info { UrlError::UnescapedAt } else { UrlError::UnescapedSlash });
        }
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (hosts, ports) = split_authority(authority)?;
        settings.set_unless_empty("host", hosts);
        settings.set_unless_empty("port", ports);
        settings.set_unless_empty("dbname", decode(database)?);

        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(UrlError::Parameter)?;
            let (name, value) = (decode(name)?, decode(value)?);
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(UrlError::Parameter);
            }
            match (name.as_str(), value.as_str()) {
                // As drivers for Java write it.
                ("ssl", "true") => settings.set("sslmode", "require".to_owned()),
                ("currentSchema" | "schema" | "search_path", _) => return Err(UrlError::SearchPath),
                (name, _) if PARAMETERS.contains(&name) => settings.set(name, value),
                (name, _) => return Err(UrlError::UnknownParameter { near: nearest(name, PARAMETERS) }),
            }
        }
        Ok(settings)
    }

    /// What was given, the empty text included.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value));
    }

    /// libpq's other form, which leaves nothing to interpretation: `name='value' …`.
    pub(super) fn to_connection_string(&self) -> String {
        let quote = |value: &str| value.replace('\\', r"\\").replace('\'', r"\'");
        self.0.iter().map(|(name, value)| format!("{name}='{}'", quote(value))).collect::<Vec<_>>().join(" ")
    }

    fn set_unless_empty(&mut self, name: &str, value: String) {
        if !value.is_empty() {
            self.set(name, value);
        }
    }
}

/// libpq looks for the `@` as far as the first `/`, so a password may contain an unescaped `?`.
fn split_user_info(rest: &str) -> (&str, &str) {
    match rest.find(['@', '/']) {
        Some(end) if rest[end..].starts_with('@') => (&rest[..end], &rest[end + 1..]),
        _ => ("", rest),
    }
}

/// Reads `host:port,host:port,…` into the list of hosts and the list of ports.
fn split_authority(authority: &str) -> Result<(String, String), UrlError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for endpoint in authority.split(',') {
        let (host, port) = match endpoint.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']').ok_or(UrlError::Host)?;
                if address.is_empty() {
                    return Err(UrlError::Host);
                }
                match rest.strip_prefix(':') {
                    Some(port) => (address, port),
                    None if rest.is_empty() => (address, ""),
                    None => return Err(UrlError::Host),
                }
            }
            None => endpoint.split_once(':').unwrap_or((endpoint, "")),
        };
        hosts.push(decode(host)?);
        ports.push(decode(port)?);
    }
    if ports.iter().all(String::is_empty) {
        ports.clear();
    }
    Ok((hosts.join(","), ports.join(",")))
}

/// Percent-decoding. Unlike in forms, `+` is itself.
fn decode(text: &str) -> Result<String, UrlError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
            let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
            let value = value.and_then(|value| u8::try_from(value).ok()).ok_or(UrlError::Encoding)?;
            decoded.push(value);
        } else {
            decoded.push(byte);
        }
    }
    if decoded.contains(&0) {
        return Err(UrlError::Encoding);
    }
    String::from_utf8(decoded).map_err(|_| UrlError::Encoding)
}
