//! The application's own settings (`--env-file`), judged against the server.

mod budget;
mod declared;
mod pool;
mod replicas;
mod secrets;
mod times;
mod url;

pub use declared::APPLICATION;

use super::conf::{LOGIN_ROLES, ROLE_SETTINGS, SETTINGS, THIS_DATABASE};
use super::limits::LimitSpec;
use super::look::Look;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::Judged;
use crate::report::check::Unit;

/// One about the file.
const fn app(
    id: &'static str,
    title: &'static str,
    why: &'static str,
    remedy: &'static str,
    asks: &'static [&'static Question],
    judge: fn(&Look<'_>) -> Judged,
) -> Check {
    Check {
        id,
        kind: Kind::Static,
        title,
        why,
        remedy,
        limits: &[],
        needs: &[],
        since: 130_000,
        asks,
        judge,
    }
}

/// The family, and `conn.budget`, which needs the same facts.
pub const CHECKS: &[Check] = &[
    Check {
        limits: &[LimitSpec::share("usable connections", Unit::Count, 70.0, 100.0)],
        ..app(
            "conn.budget",
            "connections that the application's pools may open",
            "Every process has a pool of its own, and a rolling deployment runs the old and the \
             new ones side by side: pools that fit one process take the last connection of the \
             server on the day of the deployment.",
            "Lower pool_size and max_overflow, put a pooler in front, or raise max_connections; \
             say how many processes and instances there are in [check.application].",
            &[&SETTINGS],
            budget::judge,
        )
    },
    app(
        "app.tls",
        "encryption of the application's connections",
        "Below sslmode=require the connection falls back to clear text; require encrypts, but \
         whoever is in between can be the server. Only verify-ca and verify-full look at the \
         certificate.",
        "Set sslmode=verify-full and sslrootcert (RDS: global-bundle.pem).",
        &[],
        url::tls,
    ),
    app(
        "app.url",
        "connection strings that cannot be read",
        "The application fails with the first connection.",
        "Write postgresql://user:password@host:port/database.",
        &[],
        url::readable,
    ),
    app(
        "app.url_encoding",
        "characters that have to be percent-encoded",
        "An @, a % or a blank inside a user name or a password ends it where nobody meant it: the \
         connection goes to another host, or nowhere.",
        "Write %40 for @, %25 for %, %2F for /, %20 for a blank.",
        &[],
        url::encoding,
    ),
    app(
        "app.url_parameters",
        "parameters of the pool in a connection string",
        "libpq and its drivers refuse parameters that they do not know (invalid URI query \
         parameter: \"pool_size\"); the pool does not see them either.",
        "Take them off the URL, and give them to create_engine or set DB_POOL_SIZE and its kind.",
        &[],
        url::parameters,
    ),
    app(
        "app.driver",
        "schemes and drivers of connection strings",
        "mysql:// is not PostgreSQL; SQLAlchemy does not know postgres:// since 1.4; asyncpg does \
         not know sslmode.",
        "Write postgresql://, postgresql+psycopg:// or postgresql+asyncpg://..?ssl=verify-full.",
        &[],
        url::driver,
    ),
    app(
        "app.supabase_ports",
        "ports and hosts of Supabase's poolers",
        "Port 6543 of the pooler is its transaction mode, 5432 its session mode, and both are at \
         .pooler.supabase.com: with the wrong one prepared statements and session settings fail.",
        "Use port 5432 for sessions (SQLAlchemy's own pool, migrations), 6543 for serverless \
         functions without prepared statements.",
        &[],
        url::supabase,
    ),
    app(
        "app.pooler_features",
        "what a transaction pooler does not allow",
        "Behind a pooler in transaction mode the next transaction may run on another server \
         process: prepared statements and startup options are not there any more.",
        "asyncpg: statement_cache_size=0 and prepared_statement_cache_size=0; Prisma: \
         pgbouncer=true; set options by ALTER ROLE; or use session mode.",
        &[],
        url::pooler,
    ),
    app(
        "app.placeholder",
        "words of a guide that were never filled in",
        "The application cannot connect, or connects to what somebody else has put there.",
        "Fill them in.",
        &[],
        secrets::placeholders,
    ),
    app(
        "app.secret",
        "secrets that can be guessed",
        "A password of a guide is the first that is tried; a short key of tokens can be found by \
         trying all, and then anybody is logged in as anybody.",
        "Take a random one (openssl rand -base64 33), from a secrets manager.",
        &[],
        secrets::secrets,
    ),
    app(
        "app.debug",
        "debug settings in production",
        "Every statement with its values in the log costs time and disk, and puts what customers \
         typed where it does not belong.",
        "Set SQL_ECHO=false, DEBUG=false and LOG_LEVEL=INFO or WARNING.",
        &[],
        secrets::debug,
    ),
    app(
        "app.pool",
        "the pool against the limits of role and database",
        "CONNECTION LIMIT of a role or a database refuses clients long before the server is full; \
         a pool without an end takes all of it.",
        "Lower the pool, or ALTER ROLE .. CONNECTION LIMIT.",
        &[&LOGIN_ROLES, &THIS_DATABASE],
        pool::judge,
    ),
    app(
        "app.pool_recycle",
        "age of pooled connections against the server's limit for idle ones",
        "The server ends idle sessions after idle_session_timeout; a pool that keeps them longer \
         gives out dead connections.",
        "Set pool_recycle below idle_session_timeout, or pool_pre_ping = true.",
        &[&SETTINGS, &ROLE_SETTINGS],
        times::recycle,
    ),
    app(
        "app.pre_ping",
        "whether pooled connections are tested before their use",
        "After a failover or a restart every pooled connection is dead: without a test each \
         fails one request.",
        "Set pool_pre_ping = true (DB_POOL_PRE_PING=true).",
        &[],
        times::pre_ping,
    ),
    app(
        "app.timeouts",
        "time limits of the application",
        "A limit that is missing, in the wrong unit or longer than the one behind it does not \
         limit: requests pile up, and statements run on that nobody waits for.",
        "Connect within 10 s, end statements in the server first and give up reading a little \
         later.",
        &[&SETTINGS, &ROLE_SETTINGS],
        times::timeouts,
    ),
    app(
        "app.replicas",
        "replicas and their weights",
        "A replica that is the primary, or the same twice, adds nothing but looks like it; a \
         weight that is no number leaves a replica without reads.",
        "Name each replica once, by its own address, with a weight from 1.",
        &[],
        replicas::judge,
    ),
    app(
        "app.prefix",
        "variables with pydantic's prefix twice",
        "With env_prefix = \"DB_\" the field db_pool_size is read from DB_DB_POOL_SIZE, and \
         DB_POOL_SIZE has no effect: the pool has its default size and nobody notices.",
        "Take env_prefix away, or name the fields pool_size and its kind.",
        &[],
        replicas::prefix,
    ),
    app(
        "app.conflict",
        "variables that contradict each other",
        "The application uses one of them, tools another: a migration or a backup goes to another \
         database than the one that is meant.",
        "Leave one of them.",
        &[],
        replicas::conflicts,
    ),
];
