//! What can be said on the command line and in the environment: one list for both, and for the help.

mod console;
mod usage;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use prediction_adapters_postgres::Settings as PostgresSettings;
use prediction_adapters_web::Transport;
use prediction_cli::{DEFAULT_DATA_FOLDER, Verb};
use prediction_domain::model::{OrganisationId, Permission, nearest};
use prediction_identity::profile::TokenProfile;

pub(crate) use self::console::ConsoleOptions;
pub(crate) use self::usage::UsageOptions;

/// Register predictive models, publish immutable versions of their contracts, and configure them as jobs for customers.
///
/// Without a command, the service is served.
#[derive(Debug, Parser)]
#[command(name = "prediction-api", version, args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
// What the environment says of one command need not be complete for another.
#[command(subcommand_negates_reqs = true)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: ServeOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the API (the default)
    Serve(ServeOptions),
    /// Print an access token that the server with the same data folder accepts
    Token(TokenOptions),
    /// Apply what is missing of the database schema, and end
    Migrate(MigrateOptions),
    /// Print the OpenAPI document
    Openapi,
    /// What the command `prediction` does, so that one download is enough
    #[command(flatten)]
    Client(Verb),
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct ServeOptions {
    /// Address and port to listen on
    #[arg(long, env = "PREDICTION_API_LISTEN", default_value = "127.0.0.1:8000", value_name = "ADDRESS:PORT")]
    pub(crate) listen: String,
    /// Address and port for health and metrics, which are then served there only, for the operator [default: they are
    /// served with the rest]
    #[arg(long, env = "PREDICTION_API_LISTEN_INTERNAL", value_name = "ADDRESS:PORT")]
    pub(crate) listen_internal: Option<String>,
    /// How many connections of clients there can be at a time; the next one is answered with 503 and closed
    #[arg(long, env = "PREDICTION_API_MAX_CONNECTIONS", default_value = "4096", value_name = "NUMBER")]
    pub(crate) max_connections: NonZeroU32,
    /// How many of them can come from one network address (an IPv4 address, or the /64 of an IPv6 address) [default: no
    /// limit]
    #[arg(long, env = "PREDICTION_API_MAX_CONNECTIONS_PER_PEER", value_name = "NUMBER")]
    pub(crate) max_connections_per_peer: Option<NonZeroU32>,
    #[command(flatten)]
    pub(crate) database: DatabaseOptions,
    /// Show what the service does: three models and forty jobs of five customers that have run for two weeks, in a
    /// folder that is removed at the end
    #[arg(
        long,
        env = "PREDICTION_API_DEMO",
        conflicts_with_all = ["database_url", "data_dir", "no_migrate", "issuer"]
    )]
    pub(crate) demo: bool,
    /// Do not touch the database schema; the service is not ready until another process has migrated it
    #[arg(long, env = "PREDICTION_API_NO_MIGRATE")]
    pub(crate) no_migrate: bool,
    /// How often to look for predictions that have expired, to delete them: a number with s, m or h, at most 24h
    #[arg(long, env = "PREDICTION_API_PURGE_EVERY", default_value = "1m", value_name = "TIME", value_parser = time)]
    pub(crate) purge_every: Duration,
    /// Leave deleting what has expired to other replicas; it is hidden all the same
    #[arg(long, env = "PREDICTION_API_NO_PURGE")]
    pub(crate) no_purge: bool,
    /// How many requests per second tokens of one subject may send, as many at once after a second of silence; more are
    /// answered with 429 [default: no limit]
    #[arg(long, env = "PREDICTION_API_LIMIT_PER_SUBJECT", value_name = "NUMBER")]
    pub(crate) limit_per_subject: Option<NonZeroU32>,
    /// The same for requests from one network address (an IPv4 address, or the /64 of an IPv6 address). Behind a proxy
    /// all requests come from the proxy [default: no limit]
    #[arg(long, env = "PREDICTION_API_LIMIT_PER_PEER", value_name = "NUMBER")]
    pub(crate) limit_per_peer: Option<NonZeroU32>,
    #[command(flatten)]
    pub(crate) usage: UsageOptions,
    /// Refuse to bind a job to an input that its organisation has not registered: see /api/v1/inputs
    #[arg(long, env = "PREDICTION_API_REQUIRE_KNOWN_INPUTS")]
    pub(crate) require_known_inputs: bool,
    #[arg(
        long = "cors-origin",
        help = "An origin whose pages may call the service from a browser, such as https://app.example, or * for all; can be given \
                several times. Cookies are never let in [default: none]",
        env = "PREDICTION_API_CORS_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN",
        value_parser = origin
    )]
    pub(crate) cors_origins: Vec<String>,
    /// Compress answers of 1 KiB and more (br, gzip) for clients that accept it
    #[arg(long, env = "PREDICTION_API_COMPRESS")]
    pub(crate) compress: bool,
    /// How long to serve on after SIGTERM or Ctrl-C while saying that the service is not ready, so that load balancers
    /// notice: a number with s, m or h. A second signal ends it
    #[arg(long, env = "PREDICTION_API_DRAIN_DELAY", default_value = "0s", value_name = "TIME", value_parser = delay)]
    pub(crate) drain_delay: Duration,
    /// How the log is written [default: pretty on a terminal, else json]
    #[arg(long, env = "PREDICTION_API_LOG_FORMAT", value_name = "FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
    /// What is logged: a level, or a list such as "info,access=off"
    // What is not HTTP at all, a port scan for instance, is an error to actix_http. The operator need not see it.
    #[arg(
        long,
        env = "PREDICTION_API_LOG",
        default_value = "info,actix_server=warn,actix_http=off",
        value_name = "FILTER"
    )]
    pub(crate) log: String,
    // The variable is OpenTelemetry's. Empty is as good as absent, it says.
    #[arg(
        long,
        help = "Collector that traces are sent to by OTLP over HTTP, such as http://localhost:4318 [default: none are made]",
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) otlp_endpoint: Option<String>,
    #[command(flatten)]
    pub(crate) console: ConsoleOptions,
    #[command(flatten)]
    pub(crate) identity: IdentityOptions,
    #[command(flatten)]
    pub(crate) issuer: IssuerOptions,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateOptions {
    #[command(flatten)]
    pub(crate) database: DatabaseOptions,
    /// Then distribute the tables over the servers of a Citus cluster, whose coordinator the database URL names
    #[arg(long, env = "PREDICTION_API_DISTRIBUTED")]
    pub(crate) distributed: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DataFolder {
    /// Folder for the secret, and for the embedded database
    #[arg(long, env = "PREDICTION_API_DATA_DIR", default_value = DEFAULT_DATA_FOLDER, value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct DatabaseOptions {
    #[arg(
        long,
        help = "Database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME [default: an SQLite file in the data folder]",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: Option<String>,
    /// The most connections to PostgreSQL
    #[arg(
        long,
        env = "PREDICTION_API_DATABASE_CONNECTIONS",
        default_value_t = PostgresSettings::DEFAULT_POOL_SIZE,
        value_name = "NUMBER"
    )]
    pub(crate) database_connections: NonZeroU32,
    /// How a connection pooler before PostgreSQL shares out the server's sessions
    #[arg(long, env = "PREDICTION_API_DATABASE_POOLING", default_value = "auto", value_name = "MODE")]
    pub(crate) database_pooling: DatabasePooling,
    #[command(flatten)]
    pub(crate) data: DataFolder,
}

#[derive(Debug, Args)]
pub(crate) struct IdentityOptions {
    /// The claim of a token that holds its organisations, or its groups where a prefix of theirs is told: its name, or
    /// for tokens of an issuer also a JSON pointer, which begins with a slash [default: organisations, or the issuer's
    /// claim of groups]
    #[arg(
        long,
        env = "PREDICTION_API_ORGANISATIONS_CLAIM",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) organisations_claim: Option<String>,
}

/// Whose tokens a server accepts instead of its own: the issuer, the audience, and where the keys are if not where the
/// issuer says.
#[derive(Debug, Args)]
pub(crate) struct IssuerOptions {
    /// The issuer that the tokens name (iss), to the letter; only its tokens are accepted then. Its keys are fetched
    /// from where its description (OpenID Connect Discovery) says, unless another option says where they are
    #[arg(
        long,
        env = "PREDICTION_API_ISSUER",
        value_name = "URL",
        requires = "audience",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) issuer: Option<String>,
    /// What the issuer's tokens call this service (aud), to the letter; needed with the issuer. Can be given several
    /// times. With the profile cognito it is the client of a token (`client_id`) that has to be one of them
    #[arg(
        long,
        env = "PREDICTION_API_AUDIENCE",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "issuer",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) audience: Vec<String>,
    /// Where the public keys of the issuer (a JWK set) are fetched from
    #[arg(long, env = "PREDICTION_API_JWKS_URL", value_name = "URL", requires_all = ["issuer", "audience"])]
    pub(crate) jwks_url: Option<String>,
    /// File with the public keys of the issuer (a JWK set), read once at the start
    #[arg(
        long,
        env = "PREDICTION_API_JWKS_FILE",
        value_name = "FILE",
        requires_all = ["issuer", "audience"],
        conflicts_with = "jwks_url"
    )]
    pub(crate) jwks_file: Option<PathBuf>,
    /// How old fetched keys may be: a number with s, m or h, at most 24h. They are fetched again a fifth of it earlier
    #[arg(long, env = "PREDICTION_API_JWKS_MAX_AGE", default_value = "10m", value_name = "TIME", value_parser = time)]
    pub(crate) jwks_max_age: Duration,
    /// Fetch keys in plain text, too, if the URL is one of this machine (localhost, 127.0.0.1): for trying things out
    #[arg(long, env = "PREDICTION_API_ISSUER_OVER_HTTP")]
    pub(crate) issuer_over_http: bool,
    /// How the issuer tells access tokens from other tokens [default: rfc9068]
    #[arg(long, env = "PREDICTION_API_TOKEN_PROFILE", value_name = "PROFILE")]
    pub(crate) token_profile: Option<Profile>,
    /// The claim of the issuer's tokens that says what is allowed: a text with spaces, or a list. Can be given several
    /// times: the first one that a token has counts [default: as the profile has it]
    #[arg(
        long,
        env = "PREDICTION_API_SCOPE_CLAIM",
        value_name = "NAME",
        value_delimiter = ',',
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) scope_claim: Vec<String>,
    /// What the issuer writes before the name of each scope of this service, such as predictions/; scopes without it do
    /// not count
    #[arg(
        long,
        env = "PREDICTION_API_SCOPE_PREFIX",
        value_name = "TEXT",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) scope_prefix: Option<String>,
    /// The organisations are groups whose names are this and a UUID, in the claim of groups
    #[arg(
        long,
        env = "PREDICTION_API_ORGANISATIONS_GROUP_PREFIX",
        value_name = "TEXT",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) organisations_group_prefix: Option<String>,
    /// File that says which organisations the values of claims stand for, read once at the start: docs/auth.md
    #[arg(long, env = "PREDICTION_API_ORGANISATIONS_FILE", value_name = "FILE")]
    pub(crate) organisations_file: Option<PathBuf>,
}

impl IssuerOptions {
    /// How the issuer may be reached.
    pub(crate) fn transport(&self) -> Transport {
        if self.issuer_over_http { Transport::HttpToThisMachine } else { Transport::Https }
    }
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("whose").required(true).args(["organisations", "all_organisations"])))]
pub(crate) struct TokenOptions {
    /// An organisation whose jobs the bearer may see; can be given several times
    #[arg(
        long = "organisation",
        env = "PREDICTION_API_TOKEN_ORGANISATIONS",
        value_delimiter = ',',
        value_name = "UUID",
        value_parser = organisation
    )]
    pub(crate) organisations: Vec<OrganisationId>,
    /// All organisations: for platform operators and runners
    #[arg(long, env = "PREDICTION_API_TOKEN_ALL_ORGANISATIONS")]
    pub(crate) all_organisations: bool,
    /// What the bearer may do: scopes with spaces between them
    #[arg(
        long,
        env = "PREDICTION_API_TOKEN_SCOPE",
        default_value = "catalog:write inputs:read inputs:write jobs:read jobs:write predictions:read predictions:write",
        value_name = "SCOPES",
        value_parser = scopes
    )]
    pub(crate) scope: Scopes,
    /// The subject that the token identifies
    #[arg(long, env = "PREDICTION_API_TOKEN_SUBJECT", default_value = "local", value_name = "NAME")]
    pub(crate) subject: String,
    /// How long the token is good: a number with s, m or h, at most 24h
    #[arg(
        long,
        env = "PREDICTION_API_TOKEN_EXPIRES_IN",
        default_value = "1h",
        value_name = "TIME",
        value_parser = time
    )]
    pub(crate) expires_in: Duration,
    #[command(flatten)]
    pub(crate) data: DataFolder,
    #[command(flatten)]
    pub(crate) identity: IdentityOptions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatabasePooling {
    /// Find it out: whatever is not proved to be direct is taken for a pooler that shares sessions
    Auto,
    /// One to each connection as long as it lasts; that is checked in each transaction
    Session,
    /// One to each transaction
    Transaction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Pretty,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// By the type in the header, at+jwt
    Rfc9068,
    /// As Keycloak does: JWT in the header, Bearer in the claim typ
    Keycloak,
    /// Microsoft Entra ID, tokens of version 2.0: scopes in scp, or in roles
    Entra,
    /// Authorization servers of Okta: scopes in scp
    Okta,
    /// Auth0: scopes in permissions, or in scope
    Auth0,
    /// User pools of Amazon Cognito: access in the claim `token_use`
    Cognito,
}

impl Profile {
    pub(crate) fn token_profile(self) -> TokenProfile {
        match self {
            Self::Rfc9068 => TokenProfile::Rfc9068,
            Self::Keycloak => TokenProfile::Keycloak,
            Self::Entra => TokenProfile::Entra,
            Self::Okta => TokenProfile::Okta,
            Self::Auth0 => TokenProfile::Auth0,
            Self::Cognito => TokenProfile::Cognito,
        }
    }
}

/// What a token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scopes(pub(crate) Vec<Permission>);

fn organisation(text: &str) -> Result<OrganisationId, String> {
    OrganisationId::parse(text).map_err(|problem| problem.to_string())
}

fn scopes(text: &str) -> Result<Scopes, String> {
    let known = Permission::ALL.map(Permission::as_str);
    let parse = |word: &str| {
        Permission::parse(word).ok_or_else(|| match nearest(word, known) {
            Some(near) => format!("\"{word}\" is no scope; did you mean \"{near}\"?"),
            None => format!("\"{word}\" is no scope; there are {}", known.join(", ")),
        })
    };
    text.split_whitespace().map(parse).collect::<Result<Vec<_>, _>>().map(Scopes)
}

/// As browsers write it (RFC 6454): a scheme, a host in small letters, a port if it is not the usual one, and nothing
/// else.
pub(crate) fn origin(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_host = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:[]".contains(&byte);
    if text == "*" || host.is_some_and(|host| !host.is_empty() && host.bytes().all(is_host)) {
        return Ok(text.to_owned());
    }
    Err("an origin such as https://app.example is needed, in small letters and without a path, or *".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("a number with s, m or h is needed, such as 30m".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a number with s, m or h is needed, such as 30m".to_owned())?;
    let seconds = number.checked_mul(seconds).filter(|seconds| (1..=24 * 3_600).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| "at least 1s and at most 24h are possible".to_owned())
}

fn delay(text: &str) -> Result<Duration, String> {
    if text == "0s" { Ok(Duration::ZERO) } else { time(text) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_option_has_an_environment_variable() {
        let all = CommandLine::command();
        // What a verb of `prediction` is told is about one call, not about an installation.
        let own = all.get_subcommands().filter(|command| !Verb::is_one(command.get_name()));
        for command in std::iter::once(&all).chain(own) {
            for option in command.get_opts() {
                let name = option.get_id().as_str();
                assert!(option.get_env().is_some(), "{} --{name}", command.get_name());
            }
        }
    }

    #[test]
    fn an_issuer_is_told_whole_or_not_at_all() {
        let options = [
            ["--issuer", "https://issuer.example"],
            ["--audience", "api"],
            ["--jwks-file", "keys.json"],
            ["--jwks-url", "https://issuer.example/keys"],
        ];
        for command in [&["prediction-api"][..], &["prediction-api", "serve"]] {
            for chosen in 0..16_usize {
                let given = options.iter().enumerate().filter(|(place, _)| chosen & (1 << place) != 0);
                let arguments = command.iter().copied().chain(given.flat_map(|(_, option)| *option));
                let parsed = CommandLine::try_parse_from(arguments);
                assert_eq!(
                    parsed.is_ok(),
                    [0b0000, 0b0011, 0b0111, 0b1011].contains(&chosen),
                    "{chosen:04b}: {parsed:?}"
                );
            }
        }
        for empty in ["--issuer", "--audience"] {
            let arguments =
                options[..2].iter().flat_map(|[name, value]| [*name, if *name == empty { "" } else { value }]);
            assert!(CommandLine::try_parse_from(["prediction-api"].into_iter().chain(arguments)).is_err(), "{empty}");
        }
    }

    #[test]
    fn an_origin_is_as_browsers_write_it() {
        for text in
            ["*", "https://app.example", "http://localhost:3000", "https://[::1]:8443", "https://xn--mller-kva.example"]
        {
            assert_eq!(origin(text).as_deref(), Ok(text));
        }
        for text in
            ["", "app.example", "https://", "https://App.example", "https://a.example/", "null", "https://*.example"]
        {
            assert!(origin(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_has_a_unit_and_a_limit() {
        assert_eq!(time("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(time("24h"), Ok(Duration::from_hours(24)));
        for refused in ["", "h", "1", "1d", "25h", "0s", "-1h", "99999999999999999999h", "1é"] {
            assert!(time(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn a_misspelt_scope_is_told_with_the_nearest() {
        assert_eq!(scopes("jobs:read jobs:write").unwrap().0, [Permission::JobsRead, Permission::JobsWrite]);
        assert_eq!(scopes("job:read").unwrap_err(), "\"job:read\" is no scope; did you mean \"jobs:read\"?");
    }
}
