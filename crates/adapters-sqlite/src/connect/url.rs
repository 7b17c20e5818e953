//! Which file a `sqlite:` URL names.

use std::path::PathBuf;

use super::SCHEME;
use super::error::UrlError;

/// The file that a URL names:
///
/// | URL | file |
/// | --- | --- |
/// | `sqlite:data/predictions.db` | `data/predictions.db`, from the current folder |
/// | `sqlite:/var/lib/predictions.db` | `/var/lib/predictions.db` |
/// | `sqlite:///var/lib/predictions.db` | `/var/lib/predictions.db`: an empty authority (RFC 3986, section 3.2) |
///
/// The path is taken as it stands, without percent-decoding. `sqlite://data.db` is refused: tools do not agree whether
/// `data.db` is then a file or a host.
///
/// ```
/// use prediction_adapters_sqlite::path_of_url;
///
/// assert_eq!(path_of_url("sqlite:data.db")?.to_str(), Some("data.db"));
/// assert!(path_of_url("sqlite::memory:").is_err());
/// # Ok::<(), prediction_adapters_sqlite::UrlError>(())
/// ```
pub fn path_of_url(url: &str) -> Result<PathBuf, UrlError> {
    let rest = url.strip_prefix(SCHEME).ok_or(UrlError::OtherScheme)?;
    let path = match rest.strip_prefix("//") {
        Some("") => return Err(UrlError::NoFile),
        Some(path) if path == ":memory:" => path,
        Some(path) if path.starts_with('/') => path,
        Some(path) => return Err(UrlError::Ambiguous { path: path.to_owned() }),
        None => rest,
    };
    match path {
        "" => Err(UrlError::NoFile),
        ":memory:" => Err(UrlError::InMemory),
        _ if path.contains(['?', '#']) => Err(UrlError::Options),
        _ if path.contains(char::is_control) => Err(UrlError::ControlCharacter),
        _ if path.trim() != path => Err(UrlError::Space),
        _ => Ok(PathBuf::from(path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_stands() {
        for (url, path) in [
            ("sqlite:data.db", "data.db"),
            ("sqlite:./a b/%20.db", "./a b/%20.db"),
            ("sqlite:/var/lib/data.db", "/var/lib/data.db"),
            ("sqlite:///var/lib/data.db", "/var/lib/data.db"),
        ] {
            assert_eq!(path_of_url(url), Ok(PathBuf::from(path)), "{url}");
        }
    }

    #[test]
    fn what_names_no_file_is_refused_with_what_to_write() {
        for (url, error) in [
            ("postgres://localhost/x", UrlError::OtherScheme),
            ("sqlite", UrlError::OtherScheme),
            ("sqlite:", UrlError::NoFile),
            ("sqlite://", UrlError::NoFile),
            ("sqlite::memory:", UrlError::InMemory),
            ("sqlite://:memory:", UrlError::InMemory),
            ("sqlite://data.db", UrlError::Ambiguous { path: "data.db".to_owned() }),
            ("sqlite:data.db?mode=ro", UrlError::Options),
            ("sqlite:a\0b", UrlError::ControlCharacter),
            ("sqlite:a\n", UrlError::ControlCharacter),
            ("sqlite: a", UrlError::Space),
            ("sqlite:a ", UrlError::Space),
        ] {
            assert_eq!(path_of_url(url), Err(error), "{url}");
        }
        assert_eq!(
            UrlError::Ambiguous { path: "data.db".to_owned() }.to_string(),
            "the database URL is ambiguous: write sqlite:data.db for a file below the current folder or \
             sqlite:///data.db for an absolute path"
        );
    }
}
