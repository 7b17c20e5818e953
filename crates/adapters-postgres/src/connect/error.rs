//! What may be wrong with the URL of a database.

/// Why a URL is not used. The message is one sentence for the person who wrote the URL, and quotes no part of it that
/// may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a PostgreSQL URL.
    #[error("the URL of a PostgreSQL database begins with \"postgres://\" or \"postgresql://\"")]
    OtherScheme,
    /// White space or a control character.
    #[error(
        "the database URL has a space, a line break or another control character in it: remove it, or write it as \"%20\", \"%0A\" and so on"
    )]
    WhiteSpace,
    /// A `/` in user or password, or an `@` behind them.
    #[error(
        "the database URL has an \"@\" behind a \"/\": write \"/\" in a user name or password as \"%2F\", and \"@\" anywhere but behind them as \"%40\""
    )]
    UnescapedSlash,
    /// A `#`, which begins a fragment in other URLs.
    #[error("the database URL has a \"#\" behind the host: write it as \"%23\"")]
    Fragment,
    /// An `@` that is not the one behind user and password.
    #[error("the database URL has more than one \"@\": write one in a user name or password as \"%40\"")]
    UnescapedAt,
    /// Wrong percent-encoding.
    #[error(
        "the database URL has a \"%\" that is not followed by the two hexadecimal digits of a character: write \"%\" itself as \"%25\""
    )]
    Encoding,
    /// A host that cannot be read.
    #[error("the database URL has a host that cannot be read: an IPv6 address is written as \"[::1]\"")]
    Host,
    /// A port that is none.
    #[error(
        "the database URL has a port that is not a number from 1 to 65535: write \":\" in a user name or password as \"%3A\" and \"/\" as \"%2F\""
    )]
    Port,
    /// Lists that do not fit together.
    #[error("the database URL has lists of hosts, addresses and ports of different lengths")]
    ListLengths,
    /// A parameter that cannot be read.
    #[error("the database URL has a parameter that is not of the form \"name=value\"")]
    Parameter,
    /// As drivers of other languages call the schema.
    #[error(
        "the schema is not chosen by a parameter of its own: write \"options=-csearch_path%3DNAME\" into the database URL, or ALTER ROLE … SET search_path"
    )]
    SearchPath,
    /// A parameter that libpq does not know.
    #[error(
        "the database URL has a parameter that libpq does not know{}",
        .near.map_or_else(String::new, |near| format!(": did you mean \"{near}\"?"))
    )]
    UnknownParameter {
        /// The known one that looks most like it.
        near: Option<&'static str>,
    },
    /// A service could name another host than the one that was judged.
    #[error(
        "a connection service file (\"service\", PGSERVICE) is not supported: write its settings into the database URL"
    )]
    Service,
    /// No mode of libpq.
    #[error(
        "the database URL has an unknown sslmode: it is one of disable, allow, prefer, require, verify-ca, verify-full"
    )]
    UnknownSslMode,
    /// TLS is asked for, and this program has none.
    #[error(
        "sslmode={mode} is asked for, but this program was built without TLS to PostgreSQL: build it with the feature \"tls\""
    )]
    TlsNotBuiltIn {
        /// What was asked for.
        mode: &'static str,
    },
    /// The password and everything else would go over a network in clear.
    #[error(
        "the database host \"{host}\" is another machine, and this program was built without TLS to PostgreSQL: build it with the feature \"tls\", or add \"sslmode=disable\" to the database URL if the network between them is trusted"
    )]
    InClear {
        /// The host.
        host: String,
    },
}
