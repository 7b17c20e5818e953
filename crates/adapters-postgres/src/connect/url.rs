//! Where the database is.

use std::fmt;

use super::endpoint::Endpoint;
use super::error::UrlError;
use super::syntax::UrlSettings;
use super::tls::{TlsSupport, ssl_mode};

/// Where libpq's client programs look for the server's socket: Debian's folder, and PostgreSQL's own default.
const SOCKET_FOLDERS: &str = "/var/run/postgresql,/tmp";
/// What texts are in, whatever the URL or the environment say.
const CLIENT_ENCODING: (&str, &str) = ("client_encoding", "UTF8");
/// Settings that the URL may change, with the environment variables that may do so, too.
const DEFAULTS: [(&str, &str, &str); 3] = [
    ("connect_timeout", "PGCONNECT_TIMEOUT", "3"),
    ("application_name", "PGAPPNAME", "prediction-api"),
    // Milliseconds after which a machine that no longer answers, not even to say no, counts as gone.
    ("tcp_user_timeout", "", "10000"),
];

/// Where a PostgreSQL database is, and how it is spoken to. Shown without password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    settings: UrlSettings,
    endpoints: Vec<Endpoint>,
}

impl PostgresUrl {
    /// Reads a URL as libpq does: several hosts, sockets (`postgres://%2Frun%2Fpg/db` or `?host=/run/pg`), parameters.
    ///
    /// `environment` gives the value of an environment variable: `PGHOST`, `PGHOSTADDR` and `PGPORT` say where the
    /// database is if the URL does not. libpq itself looks at those that are about the user, such as `PGPASSWORD`.
    ///
    /// Nothing is spoken in clear to another machine unless the URL says `sslmode=disable`; `PGSSLMODE` can ask for
    /// more than that, but not for less.
    pub fn parse(url: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Self, UrlError> {
        Self::parse_for(url, environment, TlsSupport::OF_THIS_BUILD)
    }

    /// `host:port` of each place where the database may be.
    #[must_use]
    pub fn address(&self) -> String {
        self.endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Whether all of these places are on this machine. A name is not looked up: what cannot be told is elsewhere.
    #[must_use]
    pub fn is_on_this_machine(&self) -> bool {
        self.endpoints.iter().all(Endpoint::is_local)
    }

    /// What libpq connects with. It holds the password. Options for the server come before those of the URL.
    pub(crate) fn connection_string(&self, options: Option<&str>) -> String {
        let Some(options) = options else { return self.settings.to_connection_string() };
        let mut settings = self.settings.clone();
        let given = settings.get("options").unwrap_or_default();
        settings.set("options", format!("{options} {given}"));
        settings.to_connection_string()
    }

    /// Whether only a server that takes writes will do.
    pub(super) fn wants_the_primary(&self) -> bool {
        self.settings.get("target_session_attrs").is_some_and(|wanted| ["read-write", "primary"].contains(&wanted))
    }

    pub(super) fn host_count(&self) -> usize {
        self.endpoints.len()
    }

    /// The same hosts in the same order, from that one on and around.
    pub(super) fn beginning_with(&self, first: usize) -> Self {
        let mut turned = self.clone();
        turned.endpoints.rotate_left(first);
        for name in ["host", "hostaddr", "port"] {
            let mut items: Vec<&str> = self.settings.get(name).unwrap_or_default().split(',').collect();
            // One port for all hosts is written once.
            if items.len() == self.endpoints.len() {
                items.rotate_left(first);
                turned.settings.set(name, items.join(","));
            }
        }
        turned
    }

    fn parse_for(
        url: &str,
        environment: impl Fn(&str) -> Option<String>,
        support: TlsSupport,
    ) -> Result<Self, UrlError> {
        let environment = |name: &str| environment(name).filter(|value| !value.is_empty());
        let mut settings = UrlSettings::parse(url)?;
        let names_service = settings.get("service").is_some() || settings.get("servicefile").is_some();
        if names_service || environment("PGSERVICE").is_some() {
            return Err(UrlError::Service);
        }

        // libpq would take each of these from the environment by itself, also an address there for a host named here.
        if settings.get("host").is_none() && settings.get("hostaddr").is_none() {
            settings.set("hostaddr", environment("PGHOSTADDR").unwrap_or_default());
            let host = environment("PGHOST");
            let is_unknown = host.is_none() && settings.get("hostaddr") == Some("");
            settings.set("host", host.unwrap_or_else(|| (if is_unknown { SOCKET_FOLDERS } else { "" }).to_owned()));
        }
        if settings.get("port").is_none() {
            settings.set("port", environment("PGPORT").unwrap_or_default());
        }
        for name in ["host", "hostaddr"] {
            if settings.get(name).is_none() {
                settings.set(name, String::new());
            }
        }
        let list = |name: &str| settings.get(name).unwrap_or_default();
        let endpoints = Endpoint::list(list("host"), list("hostaddr"), list("port"))?;

        let roots = settings.get("sslrootcert").map(str::to_owned).or_else(|| environment("PGSSLROOTCERT"));
        let from_environment = || environment("PGSSLMODE").filter(|mode| asks_for_tls(mode));
        let given = settings.get("sslmode").map(str::to_owned).or_else(from_environment);
        let mode = ssl_mode(given.as_deref(), &endpoints, roots.as_deref() == Some("system"), support)?;
        // Always said, since libpq would else ask PGSSLMODE.
        settings.set("sslmode", mode.to_owned());

        if let (None, Some(options)) = (settings.get("options"), environment("PGOPTIONS")) {
            settings.set("options", options);
        }
        settings.set(CLIENT_ENCODING.0, CLIENT_ENCODING.1.to_owned());
        for (name, variable, value) in DEFAULTS {
            if settings.get(name).is_none() && environment(variable).is_none() {
                settings.set(name, value.to_owned());
            }
        }
        Ok(Self { settings, endpoints })
    }
}

fn asks_for_tls(mode: &str) -> bool {
    ["require", "verify-ca", "verify-full"].contains(&mode)
}

/// User, places and database: no password, and no parameters, since some of them are secret.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.settings.get("user") {
            write!(f, "{user}@")?;
        }
        for (index, endpoint) in self.endpoints.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{endpoint}")?;
        }
        match self.settings.get("dbname") {
            Some(database) => write!(f, "/{database}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: [(&str, &str); 0] = [];

    fn parse<const N: usize>(url: &str, environment: [(&str, &str); N]) -> Result<PostgresUrl, UrlError> {
        parse_with(url, environment, TlsSupport::Absent)
    }

    fn parse_with<const N: usize>(
        url: &str,
        environment: [(&str, &str); N],
        support: TlsSupport,
    ) -> Result<PostgresUrl, UrlError> {
        let find =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        PostgresUrl::parse_for(url, find, support)
    }

    fn setting(url: &str, name: &str) -> Option<String> {
        parse(url, NOTHING).unwrap().settings.get(name).map(str::to_owned)
    }

    #[test]
    fn every_part_of_a_url_is_read() {
        let url = "postgresql://us%65r:p%40%3A%2F%25ss@localhost:5433/my%20db?connect_timeout=7&options=-c%20a%3Db";
        let expected = [
            ("user", "user"),
            ("password", "p@:/%ss"),
            ("host", "localhost"),
            ("hostaddr", ""),
            ("port", "5433"),
            ("dbname", "my db"),
            ("connect_timeout", "7"),
            ("options", "-c a=b"),
            ("application_name", "prediction-api"),
            ("sslmode", "disable"),
        ];
        for (name, value) in expected {
            assert_eq!(setting(url, name).as_deref(), Some(value), "{name}");
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for url in
            ["", "sqlite://x", "postgres:/x", "POSTGRES://localhost", "host=localhost", "postgres+ssl://localhost"]
        {
            assert_eq!(parse(url, NOTHING), Err(UrlError::OtherScheme), "{url}");
        }
    }

    #[test]
    fn the_short_forms_are_read() {
        assert_eq!(parse("postgres://", NOTHING).unwrap().address(), "/var/run/postgresql:5432, /tmp:5432");
        assert_eq!(parse("postgres:///db", NOTHING).unwrap().address(), "/var/run/postgresql:5432, /tmp:5432");
        assert_eq!(parse("postgres://user@localhost", NOTHING).unwrap().address(), "localhost:5432");
        assert_eq!(parse("postgres://localhost:1/db", NOTHING).unwrap().address(), "localhost:1");
        assert_eq!(parse("postgres://[::1]:1/db", NOTHING).unwrap().address(), "[::1]:1");
        assert_eq!(setting("postgres://localhost/a/b", "dbname").as_deref(), Some("a/b"));
    }

    #[test]
    fn several_hosts_are_read() {
        let url =
            parse("postgres://localhost:1,127.0.0.1,[::1]:3/db?target_session_attrs=read-write", NOTHING).unwrap();
        assert_eq!(url.address(), "localhost:1, 127.0.0.1:5432, [::1]:3");
        assert_eq!(url.settings.get("host"), Some("localhost,127.0.0.1,::1"));
        assert_eq!(url.settings.get("port"), Some("1,,3"));
    }

    #[test]
    fn sockets_are_read() {
        assert_eq!(parse("postgres://%2Frun%2Fpg/db", NOTHING).unwrap().address(), "/run/pg:5432");
        assert_eq!(parse("postgres:///db?host=/run/pg&port=1", NOTHING).unwrap().address(), "/run/pg:1");
        assert_eq!(parse("postgres://%40abstract/db", NOTHING).unwrap().address(), "@abstract:5432");
    }

    #[test]
    fn parameters_override_the_authority_and_are_judged() {
        assert_eq!(
            parse("postgres://localhost/db?host=db.example.com", NOTHING),
            Err(UrlError::InClear { host: "db.example.com".to_owned() })
        );
        assert_eq!(
            parse("postgres://localhost/db?hostaddr=10.0.0.1", NOTHING),
            Err(UrlError::InClear { host: "10.0.0.1".to_owned() })
        );
        assert_eq!(
            parse("postgres://localhost/db?host=localhost,db", NOTHING),
            Err(UrlError::InClear { host: "db".to_owned() })
        );
        assert_eq!(
            parse("postgres://localhost/db?host=localhost&h%6Fst=db", NOTHING),
            Err(UrlError::InClear { host: "db".to_owned() })
        );
        assert_eq!(
            parse("postgres://db.example.com/db?hostaddr=127.0.0.1", NOTHING).unwrap().address(),
            "127.0.0.1:5432"
        );
        assert_eq!(parse("postgres://db.example.com/db?host=localhost", NOTHING).unwrap().address(), "localhost:5432");
    }

    #[test]
    fn an_encoded_comma_hides_no_host() {
        assert_eq!(parse("postgres://localhost%2Cdb/x", NOTHING), Err(UrlError::InClear { host: "db".to_owned() }));
    }

    #[test]
    fn a_comma_without_hosts_is_the_default_socket_each_time() {
        assert_eq!(parse("postgres://,/x", NOTHING).unwrap().settings.get("host"), Some(","));
    }

    #[test]
    fn a_url_without_host_takes_it_from_the_environment() {
        assert_eq!(parse("postgres:///db", [("PGHOST", "/run/pg"), ("PGPORT", "6")]).unwrap().address(), "/run/pg:6");
        for variable in ["PGHOST", "PGHOSTADDR"] {
            assert_eq!(
                parse("postgres:///db", [(variable, "10.0.0.1")]),
                Err(UrlError::InClear { host: "10.0.0.1".to_owned() }),
                "{variable}"
            );
        }
        assert_eq!(
            parse("postgres:///db", [("PGHOST", "localhost"), ("PGHOSTADDR", "10.0.0.1")]),
            Err(UrlError::InClear { host: "10.0.0.1".to_owned() })
        );
        assert_eq!(parse("postgres:///db", [("PGHOST", "")]).unwrap().address(), "/var/run/postgresql:5432, /tmp:5432");
    }

    #[test]
    fn the_environment_does_not_redirect_a_url_that_names_a_host() {
        let url = parse("postgres://localhost/db", [("PGHOST", "db"), ("PGHOSTADDR", "10.0.0.1")]).unwrap();
        assert!(url.connection_string(None).contains("host='localhost'"));
        assert!(url.connection_string(None).contains("hostaddr=''"));
        let url = parse("postgres:///db?hostaddr=127.0.0.1", [("PGHOST", "db")]).unwrap();
        assert!(url.connection_string(None).contains("host=''"));
    }

    #[test]
    fn the_mode_is_always_said() {
        for url in ["postgres://localhost", "postgres:///db", "postgres://db?sslmode=disable"] {
            assert!(
                parse(url, [("PGSSLMODE", "prefer")]).unwrap().connection_string(None).contains("sslmode='disable'"),
                "{url}"
            );
        }
        let raised =
            parse_with("postgres://db/x?sslmode=prefer", [("PGSSLMODE", "disable")], TlsSupport::Present).unwrap();
        assert!(raised.connection_string(None).contains("sslmode='require'"));
        let java = parse_with("postgres://db/x?ssl=true", NOTHING, TlsSupport::Present).unwrap();
        assert!(java.connection_string(None).contains("sslmode='require'"));
        let last =
            parse_with("postgres://db/x?sslmode=disable&sslmode=verify-full", NOTHING, TlsSupport::Present).unwrap();
        assert!(last.connection_string(None).contains("sslmode='verify-full'"));
        let system = parse_with("postgres://db/x?sslrootcert=system", NOTHING, TlsSupport::Present).unwrap();
        assert!(system.connection_string(None).contains("sslmode='verify-full'"));
    }

    #[test]
    fn services_are_refused() {
        for url in ["postgres://localhost?service=x", "postgres:///?servicefile=x", "postgres://localhost?service="] {
            assert_eq!(parse(url, NOTHING), Err(UrlError::Service), "{url}");
        }
        assert_eq!(parse("postgres://localhost", [("PGSERVICE", "x")]), Err(UrlError::Service));
    }

    #[test]
    fn defaults_give_way() {
        assert_eq!(setting("postgres://localhost", "connect_timeout").as_deref(), Some("3"));
        assert_eq!(setting("postgres://localhost?application_name=x", "application_name").as_deref(), Some("x"));
        let url = parse("postgres://localhost", [("PGCONNECT_TIMEOUT", "9"), ("PGAPPNAME", "y")]).unwrap();
        assert_eq!(url.settings.get("connect_timeout"), None);
        assert_eq!(url.settings.get("application_name"), None);
    }

    #[test]
    fn malformed_urls_are_refused() {
        let cases = [
            ("postgres://u:p@ss@localhost/db", UrlError::UnescapedAt),
            ("postgres://u:1/p@localhost/db", UrlError::UnescapedSlash),
            ("postgres://u:p/s@s@localhost/db", UrlError::UnescapedSlash),
            ("postgres://localhost/d@b", UrlError::UnescapedSlash),
            ("postgres://localhost/db#x", UrlError::Fragment),
            ("postgres://localhost/db\n", UrlError::WhiteSpace),
            ("postgres://localhost/my db", UrlError::WhiteSpace),
            ("postgres://u:p s@localhost/db", UrlError::WhiteSpace),
            ("postgres://localhost/db\u{a0}", UrlError::WhiteSpace),
            ("postgres://localhost/db?currentSchema=x", UrlError::SearchPath),
            ("postgres://localhost/db?schema=x", UrlError::SearchPath),
            ("postgres://localhost/db?search_path=x", UrlError::SearchPath),
            ("postgres://localhost/db?sslMode=require", UrlError::UnknownParameter { near: Some("sslmode") }),
            ("postgres://localhost/db?conect_timeout=3", UrlError::UnknownParameter { near: Some("connect_timeout") }),
            ("postgres://localhost/db?pgbouncer=true", UrlError::UnknownParameter { near: None }),
            ("postgres://u:pa/ss/db", UrlError::Port),
            ("postgres://localhost:port/db", UrlError::Port),
            ("postgres://localhost:65536/db", UrlError::Port),
            ("postgres://localhost:0/db", UrlError::Port),
            ("postgres://%20localhost/db", UrlError::InClear { host: " localhost".to_owned() }),
            ("postgres://localhost,%20%2Ftmp/db", UrlError::InClear { host: " /tmp".to_owned() }),
            ("postgres://localhost/%", UrlError::Encoding),
            ("postgres://localhost/%4", UrlError::Encoding),
            ("postgres://localhost/%zz", UrlError::Encoding),
            ("postgres://localhost/%00", UrlError::Encoding),
            ("postgres://localhost/%ff", UrlError::Encoding),
            ("postgres://[::1/db", UrlError::Host),
            ("postgres://[]/db", UrlError::Host),
            ("postgres://[::1]x/db", UrlError::Host),
            ("postgres://localhost?x", UrlError::Parameter),
            ("postgres://localhost?=x", UrlError::Parameter),
            ("postgres://localhost?host%3Ddb%20x=y", UrlError::Parameter),
            ("postgres://localhost?hostaddr=127.0.0.1,127.0.0.2", UrlError::ListLengths),
            ("postgres://localhost?port=1,2", UrlError::ListLengths),
            ("postgres://localhost?sslmode=Disable", UrlError::UnknownSslMode),
        ];
        for (url, error) in cases {
            assert_eq!(parse(url, NOTHING), Err(error), "{url}");
        }
    }

    #[test]
    fn values_cannot_break_out_of_their_quotes() {
        let url = parse(r"postgres://u:a'%20host='db%5C@localhost/x", NOTHING).unwrap();
        assert!(
            url.connection_string(None).contains(r"password='a\' host=\'db\\' host='localhost'"),
            "{}",
            url.connection_string(None)
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let url = "postgres://user:hush1@localhost:1/db?password=hush2&sslpassword=hush3&options=hush4";
        let url = parse(url, NOTHING).unwrap();
        assert_eq!(url.to_string(), "postgres://user@localhost:1/db");
        assert_eq!(format!("{url:?}"), "PostgresUrl(postgres://user@localhost:1/db)");
        let secret = "hush";
        for url in [
            "postgres://u:hush@x@localhost/db",
            "postgres://u:hush@db/x",
            "postgres://u:hush@localhost:hush/x",
            "postgres://u:hush/@localhost/db",
            "postgres://u:hush@localhost/db?sslmode=hush",
            "hush://u:hush@localhost",
            "postgres://u:hu%zzsh@localhost",
            "postgres://localhost?hush",
            "postgres://u:hu/sh@localhost/db",
            "postgres://u:a/hush?hush=x@localhost/db",
            "postgres://u:hush\n@localhost/db",
            "postgres://localhost/db?hush=hush",
        ] {
            let error = parse(url, NOTHING).unwrap_err();
            assert!(!format!("{error} {error:?}").contains(secret), "{url}: {error}");
        }
    }
}
