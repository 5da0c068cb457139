//! What a session may do and what it can see, asked once and only when it is wanted.

use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::flavour::Provider;
use super::query_error::QueryError;
use super::session::Session;
use crate::error::{Error, Result};
use crate::exit::Exit;

const CAPABILITIES: &str = include_str!("../sql/conn/capabilities.sql");

/// How long a server may take for a question that every server answers at once: one that hangs
/// must not hang who only looks.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

const UNKNOWN: &str = "cannot find out what this session may do";

/// How the server knows who logged in; PostgreSQL 16 and newer can say it.
const SYSTEM_USER: &str = "SELECT system_user::text";
const SYSTEM_USER_SINCE: u32 = 16;

/// Roles of providers whose membership counts, beside PostgreSQL's own `pg_*`.
const TELLING_ROLES: [&str; 8] = [
    "rds_superuser",
    "rds_replication",
    "rds_iam",
    "cloudsqlsuperuser",
    "alloydbsuperuser",
    "azure_pg_admin",
    "neon_superuser",
    "supabase_admin",
];

/// What a session may do and what it can see. Sources: `pg_roles`, `pg_extension`,
/// `pg_stat_ssl`, `pg_settings`; see `sql/conn/capabilities.sql`. Needs no privilege.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// `current_user`.
    pub role: String,
    /// `session_user`: differs from `role` after a `SET ROLE`.
    pub login: String,
    /// `scram-sha-256:app`: method and name at the login. `None` before PostgreSQL 16, and for
    /// a login without authentication (`trust`).
    pub authenticated: Option<String>,
    pub superuser: bool,
    pub create_db: bool,
    pub create_role: bool,
    pub replication: bool,
    pub bypass_rls: bool,
    /// Roles of PostgreSQL (`pg_monitor`) and of providers (`rds_superuser`) whose privileges
    /// it has. Empty for a superuser, who has them all.
    pub held: Vec<String>,
    /// Sees the statements of others in `pg_stat_activity`.
    pub sees_activity: bool,
    /// Sees every setting.
    pub sees_settings: bool,
    pub statements: Statements,
    /// Name and version, by name.
    pub extensions: Vec<(String, String)>,
    pub provider: Provider,
    /// `version()`.
    pub version_text: String,
    /// `TLSv1.3` and `TLS_AES_256_GCM_SHA384`: of the connection that the server sees, which is
    /// a pooler's when there is one.
    pub tls: Option<(String, String)>,
}

/// Whether `pg_stat_statements` can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statements {
    /// Loaded, with its extension in this database.
    Ready,
    /// The server counts, but this database lacks the extension.
    NoExtension,
    /// The extension is there, but the server does not load the library.
    NotLoaded,
    Absent,
}

impl Session {
    /// Asks for what the session may do and can see: one round trip.
    ///
    /// # Errors
    /// Exit 69, when the server does not answer within 30 s.
    pub async fn capabilities(&self) -> Result<Capabilities> {
        match tokio::time::timeout(ANSWER_LIMIT, self.ask_capabilities()).await {
            Ok(told) => told,
            Err(_) => Err(Error::new(Exit::Unavailable, UNKNOWN)
                .because(format!("the server did not answer within {} s", ANSWER_LIMIT.as_secs()))),
        }
    }

    async fn ask_capabilities(&self) -> Result<Capabilities> {
        let failed = |error: QueryError| error.into_error(UNKNOWN);
        let [roles, settings, functions] = Provider::questions();
        let telling = TELLING_ROLES.as_slice();
        let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 4] = [
            (&telling, Type::TEXT_ARRAY),
            (&roles, Type::TEXT_ARRAY),
            (&settings, Type::TEXT_ARRAY),
            (&functions, Type::TEXT_ARRAY),
        ];
        let (rows, authenticated) =
            tokio::join!(self.read(CAPABILITIES, &params), self.system_user());
        let rows = rows.map_err(failed)?;
        let row =
            rows.first().ok_or_else(|| Error::bug("the session's role is not in pg_roles"))?;
        let authenticated = authenticated.map_err(failed)?;
        Capabilities::from_row(row, &self.address().host, authenticated)
            .map_err(|error| failed(error.into()))
    }

    async fn system_user(&self) -> Result<Option<String>, QueryError> {
        if self.server().major() < SYSTEM_USER_SINCE {
            return Ok(None);
        }
        let rows = self.read(SYSTEM_USER, &[]).await?;
        let user = rows.first().map(|row| row.try_get(0)).transpose()?;
        Ok(user.flatten())
    }
}

impl Capabilities {
    fn from_row(
        row: &Row,
        host: &str,
        authenticated: Option<String>,
    ) -> Result<Self, tokio_postgres::Error> {
        let list = |column| row.try_get::<_, Vec<String>>(column);
        let extensions: Vec<(String, String)> =
            list("extension_names")?.into_iter().zip(list("extension_versions")?).collect();
        let created = extensions.iter().any(|(name, _)| name == "pg_stat_statements");
        let tls: (Option<String>, Option<String>) =
            (row.try_get("tls_version")?, row.try_get("tls_cipher")?);
        Ok(Self {
            role: row.try_get("role")?,
            login: row.try_get("login")?,
            authenticated,
            superuser: row.try_get("superuser")?,
            create_db: row.try_get("create_db")?,
            create_role: row.try_get("create_role")?,
            replication: row.try_get("replication")?,
            bypass_rls: row.try_get("bypass_rls")?,
            held: list("held")?,
            sees_activity: row.try_get("sees_activity")?,
            sees_settings: row.try_get("sees_settings")?,
            statements: match (row.try_get("statements_loaded")?, created) {
                (true, true) => Statements::Ready,
                (true, false) => Statements::NoExtension,
                (false, true) => Statements::NotLoaded,
                (false, false) => Statements::Absent,
            },
            extensions,
            provider: Provider::of(
                host,
                &list("provider_roles")?,
                &list("provider_settings")?,
                &list("provider_functions")?,
            ),
            version_text: row.try_get("version_text")?,
            tls: tls.0.zip(tls.1),
        })
    }
}
