//! The variables that applications are configured with, in one table: names, meaning, unit,
//! and what pgtend does with them.
//!
//! Source: the five guides, and the settings of SQLAlchemy and pydantic that they use. The
//! README's table is made of this one.

use super::env::Environment;
use super::keyword;
use super::origin::Origin;
use crate::error::{Error, Result};

/// What pgtend does with a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The server's connection string. Of several the first of the table is used.
    Url,
    /// One of libpq's keywords, used when no connection string names the server.
    Part(&'static str),
    /// One of libpq's keywords, for every server of the application; what a connection string
    /// says itself wins.
    Keyword(&'static str),
    /// The same, for the server itself only, not for replicas.
    PrimaryKeyword(&'static str),
    /// Raises a weaker `sslmode` to `require`.
    RequireTls,
    /// `required` raises a weaker `sslmode` to `verify-ca` with a CA file, to `require` without.
    VerifyTls,
    /// The connection string of a replica.
    Replica,
    /// The connection strings of replicas, with commas between them.
    Replicas,
    /// How often the replica of that number in [`Effect::Replicas`] is taken; `n` in the name
    /// stands for the number, from 1.
    Weight,
    /// The connection string of the server that `--read-from backup` reads.
    Backup,
    /// The name of the environment.
    Environment,
    /// None on pgtend: `check` judges it.
    Judged,
}

/// How a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Whole, or with a fraction; the unit is in the table.
    Number(&'static str),
    /// true, false, 1, 0, yes, no, on, off.
    Boolean,
    Path,
    /// Never shown.
    Secret,
}

/// A variable that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownVariable {
    pub name: &'static str,
    pub effect: Effect,
    pub kind: Kind,
    /// For people, without a full stop.
    pub meaning: &'static str,
}

const fn row(
    name: &'static str,
    effect: Effect,
    kind: Kind,
    meaning: &'static str,
) -> KnownVariable {
    KnownVariable { name, effect, kind, meaning }
}

const SECONDS: Kind = Kind::Number("seconds");
const MILLISECONDS: Kind = Kind::Number("milliseconds");
const COUNT: Kind = Kind::Number("");

/// Every variable that is known; of two with the same effect the first wins.
pub const KNOWN: &[KnownVariable] = {
    use Effect::{
        Backup, Environment, Judged, Keyword, Part, PrimaryKeyword, Replica, Replicas, RequireTls,
        Url, VerifyTls, Weight,
    };
    use Kind::{Boolean, Path, Secret, Text};
    &[
        row("DATABASE_URL", Url, Secret, "connection string of the server"),
        row("PRIMARY_DB_URL", Url, Secret, "connection string of the server"),
        row("DATABASE_HOST", Part("host"), Text, "host, when no URL is set"),
        row("DATABASE_PORT", Part("port"), COUNT, "port, when no URL is set"),
        row("DATABASE_NAME", Part("dbname"), Text, "database, when no URL is set"),
        row("DATABASE_USER", Part("user"), Text, "role, when no URL is set"),
        row("DATABASE_PASSWORD", Part("password"), Secret, "password, when no URL is set"),
        row("REPLICA_DB_URL", Replica, Secret, "connection string of a replica"),
        row("DB_READ_REPLICA_URLS", Replicas, Secret, "replicas: URLs with commas between them"),
        row("DB_READ_REPLICA_n_WEIGHT", Weight, COUNT, "how often replica n is read, from 1"),
        row("DB_BACKUP_URL", Backup, Secret, "server for --read-from backup; not a repository"),
        row("DB_SSL_MODE", Keyword("sslmode"), Text, "sslmode; of several the strongest"),
        row("DB_PRIMARY_SSL_MODE", PrimaryKeyword("sslmode"), Text, "sslmode, not for replicas"),
        row("DATABASE_SSL_MODE", Keyword("sslmode"), Text, "sslmode; of several the strongest"),
        row("DB_REQUIRE_SSL", RequireTls, Boolean, "true: at least sslmode=require"),
        row("DB_SSL_VERIFY_MODE", VerifyTls, Text, "required: verify-ca with a CA, else require"),
        row("DB_SSL_CERT_PATH", Keyword("sslcert"), Path, "client certificate"),
        row("DB_PRIMARY_SSL_CERT", PrimaryKeyword("sslcert"), Path, "client certificate"),
        row("DATABASE_SSL_CERT", Keyword("sslcert"), Path, "client certificate"),
        row("DB_SSL_KEY_PATH", Keyword("sslkey"), Path, "key of the client certificate"),
        row("DB_PRIMARY_SSL_KEY", PrimaryKeyword("sslkey"), Path, "key of the client certificate"),
        row("DATABASE_SSL_KEY", Keyword("sslkey"), Path, "key of the client certificate"),
        row("DB_SSL_CA_PATH", Keyword("sslrootcert"), Path, "certificates of the authorities"),
        row("DB_SSL_ROOT_CERT", Keyword("sslrootcert"), Path, "certificates of the authorities"),
        row(
            "DB_PRIMARY_SSL_CA",
            PrimaryKeyword("sslrootcert"),
            Path,
            "certificates of the authorities",
        ),
        row("DATABASE_SSL_CA", Keyword("sslrootcert"), Path, "certificates of the authorities"),
        row("DB_CONNECT_TIMEOUT", Keyword("connect_timeout"), SECONDS, "limit for connecting"),
        row(
            "DB_APPLICATION_NAME",
            Keyword("application_name"),
            Text,
            "name of the sessions in pg_stat_activity",
        ),
        row("ENVIRONMENT", Environment, Text, "picks .env.ENVIRONMENT of a folder; shown"),
        row("FLASK_ENV", Judged, Text, "environment of the application"),
        row("DB_COMMAND_TIMEOUT", Judged, SECONDS, "limit for a command"),
        row("DB_READ_TIMEOUT", Judged, SECONDS, "limit for reading an answer"),
        row("DB_STATEMENT_TIMEOUT", Judged, MILLISECONDS, "limit for a statement"),
        row("DB_IDLE_TIMEOUT", Judged, MILLISECONDS, "limit for an idle transaction"),
        row("DB_POOL_SIZE", Judged, COUNT, "connections of the pool"),
        row("DB_MAX_OVERFLOW", Judged, COUNT, "connections beyond the pool"),
        row("DB_POOL_TIMEOUT", Judged, SECONDS, "limit for waiting on the pool"),
        row("DB_POOL_RECYCLE", Judged, SECONDS, "age at which a connection is replaced"),
        row("DB_POOL_PRE_PING", Judged, Boolean, "test a connection before its use"),
        row("DB_POOL_RESET_ON_RETURN", Judged, Text, "what ends a connection's use"),
        row("DB_POOL_USE_LIFO", Judged, Boolean, "take the connection that was used last"),
        row("DB_POOL_VALIDATION_INTERVAL", Judged, SECONDS, "time between tests of connections"),
        row("DB_POOL_OVERFLOW_TIMEOUT", Judged, SECONDS, "limit for a connection beyond the pool"),
        row("DB_POOL_OVERFLOW_SHUTDOWN", Judged, Boolean, "end when that limit passes"),
        row("DB_SLOW_QUERY_THRESHOLD_MS", Judged, MILLISECONDS, "from here a query is slow"),
        row("DB_ENABLE_QUERY_LOGGING", Judged, Boolean, "log queries"),
        row("DB_MAX_QUERY_LOG_SIZE", Judged, COUNT, "queries that the log keeps"),
        row("DB_ENABLE_PERFORMANCE_METRICS", Judged, Boolean, "collect measurements"),
        row("DB_METRICS_COLLECTION_INTERVAL", Judged, SECONDS, "time between measurements"),
        row("DB_ENABLE_CONNECTION_MONITORING", Judged, Boolean, "watch the pool"),
        row("DB_CIRCUIT_BREAKER_THRESHOLD", Judged, COUNT, "failures that open the breaker"),
        row("DB_CIRCUIT_BREAKER_RECOVERY_TIMEOUT", Judged, SECONDS, "time until it tries again"),
        row("DB_VALIDATE_SCHEMA_ON_STARTUP", Judged, Boolean, "compare the schema at the start"),
        row("DB_SCHEMA_VERSION_CHECK", Judged, Boolean, "compare the schema's version"),
        row("DB_AUTO_MIGRATE", Judged, Boolean, "change the schema at the start"),
        row("DB_ENABLE_BACKUP_VERIFICATION", Judged, Boolean, "verify backups"),
        row("DB_BACKUP_VERIFICATION_INTERVAL", Judged, SECONDS, "time between verifications"),
        row("LOG_LEVEL", Judged, Text, "level of the application's log"),
        row("SQL_ECHO", Judged, Boolean, "log every statement"),
        row("JWT_SECRET_KEY", Judged, Secret, "key of the application's tokens"),
        row("JWT_ALGORITHM", Judged, Text, "algorithm of the tokens"),
        row("JWT_ACCESS_TOKEN_EXPIRE_MINUTES", Judged, Kind::Number("minutes"), "life of a token"),
        row(
            "JWT_REFRESH_TOKEN_EXPIRE_DAYS",
            Judged,
            Kind::Number("days"),
            "life of a token that gets new ones",
        ),
        row("VAULT_URL", Judged, Text, "address of the Vault"),
        row("VAULT_ROLE_ID", Judged, Text, "role in the Vault"),
        row("VAULT_SECRET_ID", Judged, Secret, "secret for the Vault"),
        row("DATA_SOURCE_NAME", Judged, Secret, "connection string of postgres_exporter"),
    ]
};

/// A known variable as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub known: &'static KnownVariable,
    /// The `n` of [`Effect::Weight`].
    pub number: Option<usize>,
    /// It was found under the name that pydantic reads with `env_prefix = "DB_"`:
    /// `DB_DB_POOL_SIZE` for the field `db_pool_size`.
    pub prefixed: bool,
}

/// What a name stands for.
pub(super) fn find(name: &str) -> Option<Found> {
    let exactly = |name: &str| KNOWN.iter().find(|known| known.name == name);
    if let Some(known) = exactly(name) {
        return Some(Found { known, number: None, prefixed: false });
    }
    if let Some(number) = replica_number(name) {
        let known = exactly("DB_READ_REPLICA_n_WEIGHT")?;
        return Some(Found { known, number: Some(number), prefixed: false });
    }
    let field = name.strip_prefix("DB_").filter(|field| is_ours(field))?;
    exactly(field).map(|known| Found { known, number: None, prefixed: true })
}

/// Refuses variables that are read as text and are not UTF-8: taken for unset, they would leave
/// the choice of the server to others.
pub(super) fn refuse_unreadable(env: &Environment) -> Result<()> {
    let unreadable = env.variables().find_map(|(name, value)| {
        let name = name.to_str()?;
        (value.to_str().is_none() && is_text(name)).then_some(name)
    });
    match unreadable {
        Some(name) => Err(Error::usage(format!("{name} is not UTF-8"))
            .because("what it means is not known, and without it another server could be meant")
            .next(format!("set {name} in UTF-8, or unset it"))),
        None => Ok(()),
    }
}

/// Whether a variable matters here and is read as text, not as a path.
fn is_text(name: &str) -> bool {
    let as_path = ["PGSERVICEFILE", "PGTEND_CONFIG", "PGTEND_PG_BINDIR"];
    let of_libpq = keyword::KEYWORDS.iter().filter_map(|keyword| keyword.variable);
    let known =
        of_libpq.chain(["PGREQUIRESSL", "PGTEND_REPO", "PGTEND_PING"]).any(|known| known == name);
    let effect = find(name).map(|found| found.known.effect);
    (known && !as_path.contains(&name)) || effect.is_some_and(|effect| effect != Effect::Judged)
}

/// Whether a value is from a variable that sets a keyword of libpq.
pub(super) fn is_keyword(origin: &Origin) -> bool {
    let name = match origin {
        Origin::Variable(name) => name.as_ref(),
        Origin::File { name, .. } => name.as_str(),
        _ => return false,
    };
    let effect = find(name).map(|found| found.known.effect);
    matches!(effect, Some(Effect::Keyword(_) | Effect::PrimaryKeyword(_)))
}

fn replica_number(name: &str) -> Option<usize> {
    let number = name.strip_prefix("DB_READ_REPLICA_")?.strip_suffix("_WEIGHT")?;
    number.parse().ok().filter(|number| *number > 0)
}

/// Whether a name looks as if it were meant for the database.
pub(super) fn is_ours(name: &str) -> bool {
    name.starts_with("DB_") || name.starts_with("DATABASE_")
}

/// Of the known names the one nearest to one that is not known.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    keyword::nearest(name, KNOWN.iter().map(|known| known.name))
}

/// What a word means as a boolean.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl Kind {
    /// Why a value is not of this kind.
    pub(super) fn fault(self, value: &str) -> Option<&'static str> {
        let number = |text: &str| text.parse::<f64>().is_ok_and(f64::is_finite);
        match self {
            Self::Boolean if boolean(value).is_none() => {
                Some("it is one of true, false, 1, 0, yes, no, on, off")
            }
            Self::Number(_) if !number(value) => Some("it is not a number"),
            _ => None,
        }
    }
}

impl Effect {
    /// For people: what pgtend does with it.
    pub fn words(self) -> String {
        match self {
            Self::Url | Self::Part(_) => "names the server".to_owned(),
            Self::Keyword(keyword) => keyword.to_owned(),
            Self::PrimaryKeyword(keyword) => format!("{keyword}, not of replicas"),
            Self::RequireTls | Self::VerifyTls => "raises sslmode".to_owned(),
            Self::Replica | Self::Replicas | Self::Weight => "--read-from replica".to_owned(),
            Self::Backup => "--read-from backup".to_owned(),
            Self::Environment => "shown".to_owned(),
            Self::Judged => "none; shown".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unique_and_told() {
        let mut seen = std::collections::BTreeSet::new();
        for known in KNOWN {
            assert!(seen.insert(known.name), "{}", known.name);
            assert!(!known.meaning.is_empty() && !known.meaning.ends_with('.'), "{}", known.name);
            if let Effect::Part(name) | Effect::Keyword(name) | Effect::PrimaryKeyword(name) =
                known.effect
            {
                assert!(keyword::find(name).is_some(), "{}: {name}", known.name);
            }
            let secret = ["URL", "PASSWORD", "SECRET", "DATA_SOURCE"];
            let secret = secret.iter().any(|part| known.name.contains(part));
            assert_eq!(known.kind == Kind::Secret, secret && known.name != "VAULT_URL");
        }
    }

    #[test]
    fn names_are_found_in_every_spelling() {
        let name = |name| find(name).map(|found| (found.known.name, found.number, found.prefixed));
        assert_eq!(name("DB_POOL_SIZE"), Some(("DB_POOL_SIZE", None, false)));
        assert_eq!(name("DB_DB_POOL_SIZE"), Some(("DB_POOL_SIZE", None, true)));
        assert_eq!(name("DB_DATABASE_URL"), Some(("DATABASE_URL", None, true)));
        assert_eq!(
            name("DB_READ_REPLICA_12_WEIGHT"),
            Some(("DB_READ_REPLICA_n_WEIGHT", Some(12), false))
        );
        assert_eq!(name("DB_READ_REPLICA_0_WEIGHT"), None);
        assert_eq!(name("DB_LOG_LEVEL"), None);
        assert_eq!(name("DB_POOLSIZE"), None);
        assert_eq!(nearest("DB_POOLSIZE"), Some("DB_POOL_SIZE"));
    }

    #[test]
    fn what_is_not_utf8_is_no_unset_variable() {
        use std::ffi::OsString;
        use std::os::unix::ffi::OsStringExt;
        use std::path::Path;

        let load = |name: &str| {
            let env = Environment::from_list(Path::new("/nowhere"), [("USER", "me")]);
            let value = OsString::from_vec(b"postgresql://u:caf\xe9@staging/app".to_vec());
            crate::settings::Settings::load(env.with(name, value), None).map(|_| ())
        };
        for name in [
            "DATABASE_URL",
            "DB_DATABASE_HOST",
            "DB_SSL_MODE",
            "PGHOST",
            "PGSERVICE",
            "PGTEND_REPO",
        ] {
            let error = load(name).unwrap_err();
            assert_eq!(error.what(), format!("{name} is not UTF-8"));
            assert_eq!(error.exit(), crate::exit::Exit::Usage);
            assert!(!format!("{error:?}").contains("caf"));
        }
        // What is nobody's, only judged, or a path.
        for name in ["LESSCLOSE", "JWT_SECRET_KEY", "PGTEND_PG_BINDIR", "PGSERVICEFILE"] {
            load(name).unwrap();
        }
    }

    #[test]
    fn a_boolean_is_one_of_eight_words() {
        for word in ["true", "1", "yes", "on", "True", "YES"] {
            assert_eq!(boolean(word), Some(true), "{word}");
        }
        for word in ["false", "0", "no", "off", "FALSE"] {
            assert_eq!(boolean(word), Some(false), "{word}");
        }
        for word in ["", "t", "y", "2", "enabled"] {
            assert_eq!(boolean(word), None, "{word}");
        }
    }
}
