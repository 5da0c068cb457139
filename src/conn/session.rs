//! A session: one login at one server.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{CancelToken, Client, Row, SimpleQueryMessage};

use super::attempt::{self, Login};
use super::child::ChildConnection;
use super::connect::SessionOptions;
use super::copy::{CopyIn, CopyOut, PreparedCopy};
use super::error::{Cause, Context, Failure, Stage, report};
use super::pooler::{self, Signs, Way};
use super::probe;
use super::query_error::{QueryError, chain};
use super::route::Replay;
use super::server::Server;
use super::socket::{Address, Endpoint};
use super::tls::{Certificate, Ready, Seen};
use crate::error::Result;
use crate::settings::{Between, Pooler, Target};

const FACTS: &str = include_str!("../sql/conn/facts.sql");
pub(super) const POSITION: &str = include_str!("../sql/conn/position.sql");
const LAG: &str = include_str!("../sql/conn/lag.sql");
const SET: &str = include_str!("../sql/conn/set.sql");

/// Begins a transaction whose statements have time.
const PATIENT: &str = "BEGIN READ ONLY; SET LOCAL statement_timeout = '30s'";
/// How often that is tried: on a busy machine it may itself take longer than it was given.
const PATIENT_TRIES: u32 = 5;

/// A cancel request that gets no answer in this time is given up.
const CANCEL_LIMIT: Duration = Duration::from_secs(5);

/// What ended a connection, when something did.
#[derive(Debug, Default)]
pub(super) struct Fate(OnceLock<String>);

impl Fate {
    pub fn set(&self, error: &tokio_postgres::Error) {
        self.0.get_or_init(|| match error.as_db_error() {
            Some(server) => server.message().to_owned(),
            None => chain(error),
        });
    }

    pub fn told(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

/// A login at a server. All statements are unnamed, so that they work behind a pooler; futures
/// of one session that run together (`join!`) are sent together, in their order.
pub struct Session {
    client: Client,
    fate: Arc<Fate>,
    server: Server,
    address: Address,
    endpoint: Endpoint,
    connector: Option<Ready>,
    seen: Option<Arc<Seen>>,
    target: Target,
    application: String,
    connect_time: Duration,
    signs: Signs,
    between: Between,
    /// What a transaction behind a sharing pooler starts with.
    pub(super) wanted: Vec<(String, String)>,
    pub(super) read_only: bool,
    /// The settings are those of the session; else each transaction needs them.
    pub(super) is_set_up: bool,
}

impl Session {
    /// Reads the facts; `target` has the one host that was dialled.
    pub(super) async fn open(
        login: Login,
        target: Target,
        address: Address,
        endpoint: Endpoint,
        connector: Option<Ready>,
    ) -> Result<Self, tokio_postgres::Error> {
        let Login { client, fate, seen, local_port, greeted, began } = login;
        let server = facts(&client).await?;
        let elapsed = began.elapsed();
        let way = Way {
            host: address.host.clone(),
            port: address.port,
            local_port,
            greeted,
            elapsed: elapsed.as_secs_f64(),
        };
        let signs = match target.between.clone() {
            Some(between) => Signs::Settled(between),
            None => pooler::judge(&server, &way),
        };
        Ok(Self {
            client,
            fate,
            server,
            address,
            endpoint,
            connector,
            seen,
            target,
            application: String::new(),
            connect_time: elapsed,
            between: signs.settled(),
            signs,
            wanted: Vec::new(),
            read_only: false,
            is_set_up: false,
        })
    }

    /// Finds out what stands in between when the signs do not settle it; `second` opens a
    /// session beside this one.
    pub(super) async fn look_between<E: fmt::Display>(
        &mut self,
        second: impl AsyncFn() -> Result<Client, E>,
    ) {
        if let Signs::Suspicion(pooler) = self.signs.clone() {
            let found = probe::find_mode(pooler, &self.client, self.server.pid, second).await;
            self.between = Between::Pooler(found);
        }
    }

    /// Sets what the session starts with, unless that would stay on for others: then it is
    /// kept for the transactions of [`read`](Self::read).
    pub(super) async fn start(&mut self, options: &SessionOptions) -> Result<()> {
        self.application =
            self.target.application_name.clone().unwrap_or_else(|| options.application.clone());
        self.read_only = options.read_only;
        self.wanted.clone_from(&options.settings);
        // The database's owner may have put other names before pg_catalog's.
        if !self.wanted.iter().any(|(name, _)| name == "search_path") {
            self.wanted.push(("search_path".to_owned(), String::new()));
        }
        let pooled = self.is_pooled();
        if self.is_shared() || (pooled && options.only_reads) {
            return Ok(());
        }
        self.is_set_up = true;
        let mut wanted = self.wanted.clone();
        if options.read_only {
            wanted.push(("default_transaction_read_only".to_owned(), "on".to_owned()));
        }
        let mut set = self.set(&wanted, false).await;
        for _ in 0..PATIENT_TRIES {
            if !set.as_ref().is_err_and(|error| error.sqlstate() == Some("57014")) {
                break;
            }
            // See `facts`. What is set within a transaction that commits stays.
            let (begun, again, ended) =
                tokio::join!(self.batch(PATIENT), self.set(&wanted, false), self.batch("COMMIT"));
            set = begun.and(again).and(ended);
        }
        set.map_err(|error| {
            error.into_error(format!("cannot set the session at {} up", self.address))
        })
    }

    /// Sets settings, for the session or for its transaction.
    pub(super) async fn set(
        &self,
        settings: &[(String, String)],
        local: bool,
    ) -> Result<(), QueryError> {
        let (names, values): (Vec<&str>, Vec<&str>) =
            settings.iter().map(|(name, value)| (&**name, &**value)).unzip();
        let params: [(&(dyn ToSql + Sync), Type); 3] =
            [(&names, Type::TEXT_ARRAY), (&values, Type::TEXT_ARRAY), (&local, Type::BOOL)];
        self.rows(SET, &params).await.map(|_| ())
    }

    /// What is known of the server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Where the session is really connected to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Whether the session is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.began())
    }

    /// The server's certificate; `None` without TLS.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.seen.as_ref().and_then(|seen| seen.certificate())
    }

    /// The end of the life of the server's certificate; `None` without TLS.
    pub fn certificate_expiry(&self) -> Option<Timestamp> {
        self.certificate().and_then(|certificate| certificate.expires)
    }

    /// From dialling to the answer to the first statement.
    pub fn connect_time(&self) -> Duration {
        self.connect_time
    }

    /// A target with nothing but this session's server: the one host, pinned to the address
    /// that was dialled, with the password that was typed and what was found in between. For
    /// further sessions of one run.
    pub fn same_server(&self) -> Target {
        let mut target = self.target.clone();
        for host in &mut target.hosts {
            host.address = self.address.ip.map(|ip| ip.to_string());
        }
        target.between = Some(self.between.clone());
        target
    }

    /// What stands between us and the server.
    pub fn between(&self) -> &Between {
        &self.between
    }

    /// The pooler that may give this session's next transaction to another server process:
    /// whatever needs a session of its own (locks, snapshots, `SET`) cannot work.
    pub fn sharing_pooler(&self) -> Option<&Pooler> {
        self.between.sharing_pooler()
    }

    /// Whether a pooler is in between, of whatever mode: its server processes are counted.
    pub fn is_pooled(&self) -> bool {
        matches!(self.between, Between::Pooler(_))
    }

    pub(super) fn is_shared(&self) -> bool {
        self.sharing_pooler().is_some()
    }

    /// How far behind this standby is; `position` is where the primary was a moment ago.
    pub(super) async fn lag(&self, position: Option<&str>) -> Result<Replay, QueryError> {
        let rows = self.rows(LAG, &[(&position, Type::TEXT)]).await?;
        let Some(row) = rows.first() else { return Ok(Replay::default()) };
        Ok(Replay {
            caught_up: row.try_get("caught_up")?,
            replayed: row.try_get("replayed")?,
            receiving: row.try_get("receiving")?,
            behind: row.try_get("behind")?,
        })
    }

    /// Runs one statement with parameters of the given types. Cast columns of types that are
    /// not built in to text: reading those would need a named statement.
    pub async fn rows(
        &self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, QueryError> {
        self.client.query_typed(sql, params).await.map_err(|error| self.fault(error))
    }

    /// Runs one or several statements without parameters (simple protocol), for their effect.
    pub async fn batch(&self, sql: &str) -> Result<(), QueryError> {
        self.client.batch_execute(sql).await.map_err(|error| self.fault(error))
    }

    /// Runs statements without parameters (simple protocol); the rows of all of them as text.
    pub async fn simple(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>, QueryError> {
        let messages = self.client.simple_query(sql).await.map_err(|error| self.fault(error))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Sends a `ROLLBACK` without waiting for its answer, where nothing can be awaited.
    pub(super) fn send_rollback(&self) {
        // The first poll sends it. Should the connection be gone, the transaction is too.
        drop(self.client.batch_execute("ROLLBACK").now_or_never());
    }

    /// Starts a `COPY .. TO STDOUT`.
    pub async fn copy_out(&self, sql: &str) -> Result<CopyOut, QueryError> {
        self.copy_out_prepared(&self.prepare_copy(sql).await?).await
    }

    /// Has the server parse a COPY. Join it with the batch that begins the
    /// transaction, and both take one round trip.
    ///
    /// This is a named statement, the only kind that can be copied from: not for a transaction
    /// pooler.
    pub async fn prepare_copy(&self, sql: &str) -> Result<PreparedCopy, QueryError> {
        self.client.prepare(sql).await.map(PreparedCopy).map_err(|error| self.fault(error))
    }

    /// Starts a COPY that was prepared in this session.
    pub async fn copy_out_prepared(&self, copy: &PreparedCopy) -> Result<CopyOut, QueryError> {
        match self.client.copy_out(&copy.0).await {
            Ok(stream) => Ok(CopyOut::new(stream, Arc::clone(&self.fate))),
            Err(error) => Err(self.fault(error)),
        }
    }

    /// Starts a `COPY .. FROM STDIN` that was prepared in this session.
    pub async fn copy_in_prepared(&self, copy: &PreparedCopy) -> Result<CopyIn, QueryError> {
        match self.client.copy_in(&copy.0).await {
            Ok(sink) => Ok(CopyIn::new(sink, Arc::clone(&self.fate))),
            Err(error) => Err(self.fault(error)),
        }
    }

    /// Asks the server to cancel the statement that runs now. It says nothing back: the
    /// statement itself fails with 57014, or has ended before.
    ///
    /// # Errors
    /// Exit 69, when the request could not be sent within five seconds.
    pub async fn cancel(&self) -> Result<()> {
        let token: CancelToken = self.client.cancel_token();
        let name = self.target.hosts.first().map_or("", |host| host.tls_name());
        let tls = self.connector.as_ref().map(|connector| (connector, name));
        let sent = attempt::cancel(&token, &self.target, &self.endpoint, tls);
        let cause = match tokio::time::timeout(CANCEL_LIMIT, sent).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(cause)) => cause,
            Err(_) => Cause::Silent(CANCEL_LIMIT, Stage::Dialling),
        };
        let context = Context {
            place: self.address.to_string(),
            host: self.address.host.clone(),
            socket: self.address.ip.is_none(),
            ipv6: self.address.ip.is_some_and(|ip| ip.is_ipv6()),
            user: self.target.user.clone(),
            database: self.target.database.clone(),
            password: None,
            mode: self.target.tls.mode,
        };
        Err(report(&[Failure { context, cause }]))
    }

    /// The same connection for `pg_dump` and its kin.
    pub fn child(&self) -> ChildConnection {
        ChildConnection::new(&self.same_server(), &self.address, &self.application)
    }

    /// Whether the connection is known to be gone.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    fn fault(&self, error: tokio_postgres::Error) -> QueryError {
        QueryError::new(error, self.fate.told())
    }
}

/// Reads the facts. A role or a database may have a statement_timeout that is too short even for
/// that: it is lifted for further tries.
async fn facts(client: &Client) -> Result<Server, tokio_postgres::Error> {
    let mut row = client.query_typed_one(FACTS, &[]).await;
    for _ in 0..PATIENT_TRIES {
        if !row.as_ref().is_err_and(|error| error.code() == Some(&SqlState::QUERY_CANCELED)) {
            break;
        }
        let (begun, again, ended) = tokio::join!(
            client.batch_execute(PATIENT),
            client.query_typed_one(FACTS, &[]),
            client.batch_execute("COMMIT"),
        );
        row = begun.and(again).and_then(|row| ended.map(|()| row));
    }
    Server::from_row(&row?)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("address", &self.address)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_can_be_shared_with_other_threads() {
        fn check<T: Send + Sync>() {}
        check::<Session>();
        check::<QueryError>();
    }
}
