//! Nothing is said in clear to another machine unless the URL says so.

use super::endpoint::Endpoint;
use super::error::UrlError;

/// Whether libpq was compiled with TLS: the feature `tls` of this crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsSupport {
    Present,
    Absent,
}

impl TlsSupport {
    pub(super) const OF_THIS_BUILD: Self = if cfg!(feature = "tls") { Self::Present } else { Self::Absent };
}

/// Decides on the `sslmode` to connect with.
///
/// libpq's own default, `prefer`, speaks in clear when the other side (or an attacker in between) says that it knows no
/// TLS. So does `allow`. `system_roots` tells that the system's list of authorities is trusted, for which libpq accepts
/// no mode that does not compare the name in the certificate.
pub(super) fn ssl_mode(
    given: Option<&str>,
    endpoints: &[Endpoint],
    system_roots: bool,
    support: TlsSupport,
) -> Result<&'static str, UrlError> {
    let given = match given {
        None | Some("") => None,
        Some(mode) => Some(known(mode)?),
    };
    let remote = endpoints.iter().find(|endpoint| !endpoint.is_local());
    let least = if system_roots { "verify-full" } else { "require" };
    match (support, given, remote) {
        (_, Some("disable"), _) => Ok("disable"),
        (TlsSupport::Absent, Some(mode @ ("require" | "verify-ca" | "verify-full")), _) => {
            Err(UrlError::TlsNotBuiltIn { mode })
        }
        (TlsSupport::Absent, _, Some(remote)) => Err(UrlError::InClear { host: remote.target().to_owned() }),
        (TlsSupport::Absent, _, None) => Ok("disable"),
        (TlsSupport::Present, None | Some("allow" | "prefer"), Some(_)) => Ok(least),
        (TlsSupport::Present, None, None) => Ok(if system_roots { least } else { "prefer" }),
        (TlsSupport::Present, Some(mode), _) => Ok(mode),
    }
}

fn known(mode: &str) -> Result<&'static str, UrlError> {
    ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]
        .into_iter()
        .find(|known| *known == mode)
        .ok_or(UrlError::UnknownSslMode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(hosts: &str) -> Vec<Endpoint> {
        Endpoint::list(hosts, "", "").unwrap()
    }

    #[test]
    fn what_is_local_is_told_by_the_spelling_alone() {
        for local in ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "/var/run/postgresql", "@abstract", ""]
        {
            assert!(endpoints(local)[0].is_local(), "{local}");
        }
        for remote in [
            "db",
            "10.0.0.1",
            "128.0.0.1",
            "127.1",
            "127.0.0.1.example.com",
            "localhost.example.com",
            "localhost.",
            "::2",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "::",
            "2130706433",
            "0x7f.1",
        ] {
            assert!(!endpoints(remote)[0].is_local(), "{remote}");
        }
    }

    #[test]
    fn without_tls_no_other_machine_is_spoken_to_unless_the_url_says_so() {
        let judge = |given, hosts| ssl_mode(given, &endpoints(hosts), false, TlsSupport::Absent);
        for local in ["localhost", "127.0.0.1,/tmp"] {
            for given in [None, Some(""), Some("disable"), Some("allow"), Some("prefer")] {
                assert_eq!(judge(given, local), Ok("disable"), "{local} {given:?}");
            }
        }
        for remote in ["db", "localhost,db", "db,localhost", "10.0.0.1"] {
            for given in [None, Some(""), Some("allow"), Some("prefer")] {
                assert!(matches!(judge(given, remote), Err(UrlError::InClear { .. })), "{remote} {given:?}");
            }
            assert_eq!(judge(Some("disable"), remote), Ok("disable"));
        }
        for host in ["localhost", "db"] {
            for mode in ["require", "verify-ca", "verify-full"] {
                assert_eq!(judge(Some(mode), host), Err(UrlError::TlsNotBuiltIn { mode }));
            }
        }
    }

    #[test]
    fn with_tls_a_weak_mode_is_raised_for_another_machine() {
        let judge = |given, hosts, roots| ssl_mode(given, &endpoints(hosts), roots, TlsSupport::Present);
        for given in [None, Some("allow"), Some("prefer")] {
            assert_eq!(judge(given, "db", false), Ok("require"));
            assert_eq!(judge(given, "localhost,db", false), Ok("require"));
            assert_eq!(judge(given, "db", true), Ok("verify-full"));
        }
        for mode in ["require", "verify-ca", "verify-full", "disable"] {
            assert_eq!(judge(Some(mode), "db", false), Ok(mode));
            assert_eq!(judge(Some(mode), "localhost", false), Ok(mode));
        }
        assert_eq!(judge(None, "localhost", false), Ok("prefer"));
        assert_eq!(judge(Some("allow"), "localhost", false), Ok("allow"));
        assert_eq!(judge(None, "localhost", true), Ok("verify-full"));
    }

    #[test]
    fn unknown_modes_are_refused() {
        for support in [TlsSupport::Absent, TlsSupport::Present] {
            for mode in ["Require", "disabled", "no", "disable "] {
                assert_eq!(ssl_mode(Some(mode), &endpoints("db"), false, support), Err(UrlError::UnknownSslMode));
            }
        }
    }
}
