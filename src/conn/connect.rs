//! From a target to a session: hosts, addresses, time limits, attributes and retries.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use tokio_postgres::Client;

use super::attempt::{Attempt, Reached};
use super::error::{Cause, Context, Failure, nothing_typed, report};
use super::password::{self, Fetched};
use super::server::Server;
use super::session::Session;
use super::socket::{Address, Endpoint};
use super::tls::{self, Connector};
use crate::error::{Error, Result};
use crate::settings::{Asked, Host, Login, Origin, Secret, SessionAttrs, SslMode, Target};

/// Asks the operator for a password; [`crate::settings::ask_password`] is one.
pub type Prompt = fn(question: String) -> Asked;

/// Hears what is going on while connecting, in words for a verbose operator.
#[derive(Clone)]
pub struct Tell(Arc<dyn Fn(&str) + Send + Sync>);

impl Tell {
    /// Has `hear` called for each line.
    pub fn new(hear: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }
}

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tell")
    }
}

/// How a session starts.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// Shown in `pg_stat_activity`: `pgtend/backup`. The operator's own name goes before it.
    pub application: String,
    /// Sets `default_transaction_read_only`.
    pub read_only: bool,
    /// Server settings by name. One that this version of the server does not have is left
    /// out. None is set behind a transaction pooler, where it would stay on for other clients.
    pub settings: Vec<(String, String)>,
    /// All it does goes through [`Session::read`]: behind a pooler nothing is set for longer than
    /// a transaction, not even where sessions seem to be kept apart.
    pub only_reads: bool,
    /// Tries three times when the cause may pass (refused, reset, starting, too many
    /// connections).
    pub retry: bool,
    /// Called when the server wants a password and none is known.
    pub prompt: Option<Prompt>,
    /// Told why connecting takes longer.
    pub tell: Option<Tell>,
}

impl SessionOptions {
    pub(super) fn tell(&self, text: impl FnOnce() -> String) {
        if let Some(Tell(hear)) = &self.tell {
            hear(&text());
        }
    }
}

/// What a session that only looks starts with: nothing waits long, and no name means something
/// else than it says.
const READING: [(&str, &str); 4] = [
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("search_path", ""),
];

impl SessionOptions {
    /// For a command that only reads: read-only, with time limits and an empty search_path.
    pub fn reading(application: &str) -> Self {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            application: application.to_owned(),
            read_only: true,
            settings: READING.map(own).to_vec(),
            only_reads: true,
            retry: true,
            prompt: None,
            tell: None,
        }
    }
}

/// Connects to the first host of the target that answers and fits `target_session_attrs`.
///
/// A password that is missing is had from the target's `password_command` or secret, else from
/// the operator. One that was had from there before and that is wrong by now (rotated) is had
/// once more. A token of RDS is made for each login.
///
/// # Errors
/// Exit 69 (75 when no connection is free), with the cause for each host that was tried; usage
/// for unusable certificates.
pub async fn connect(target: &Target, options: &SessionOptions) -> Result<Session> {
    let encrypted = target.tls.mode != SslMode::Disable
        && target.hosts.iter().any(|host| host.socket().is_none());
    let connector = if encrypted { Some(tls::connector(&target.tls)?) } else { None };
    let mut target = target.clone();
    if target.prompt_first {
        let mut learned = target.learned.lock().await;
        if learned.is_none() {
            *learned = Some(ask_first(&target, options).await?);
        }
        target.hosts.iter_mut().for_each(|host| host.password.clone_from(&learned));
    } else if let Some(user) = password::user_of_secret(&target, options).await? {
        target.user = user.0;
        target.origins.insert("user", user.1);
    }
    if let Some(known) = target.learned.lock().await.clone() {
        give(&mut target.hosts, &known);
    }
    let mut result = with_retries(&target, options, connector.as_ref()).await;
    let mut asked = None;
    // At most: it was missing, and then it was stale.
    for _ in 0..2 {
        let Err(Stopped::Failed(failures)) = &result else { break };
        let Some(password) = wanted(&target, options, failures).await? else { break };
        give(&mut target.hosts, &password);
        asked = Some(password).filter(|(_, origin)| *origin == Origin::Prompt);
        result = with_retries(&target, options, connector.as_ref()).await;
    }
    if result.is_ok() && asked.is_some() {
        *target.learned.lock().await = asked;
    }
    result.map_err(|stopped| match stopped {
        Stopped::Failed(failures) => report(&failures),
        Stopped::Fault(error) => error,
    })
}

/// `--password`: what is typed stands above all that is known.
async fn ask_first(target: &Target, options: &SessionOptions) -> Result<(Secret, Origin)> {
    let nobody = || {
        Error::usage("--password needs one that is typed on a terminal")
            .next("put the password into ~/.pgpass or PGPASSWORD")
    };
    let Some(prompt) = options.prompt else { return Err(nobody()) };
    let password = prompt(format!("Password for user {}: ", target.user))
        .await
        .map_err(|error| nobody().caused_by(&error))?;
    let password = password.ok_or_else(nobody)?;
    if password.expose().is_empty() {
        return Err(Error::usage("--password asked for a password, and nothing was typed")
            .next("type it at the question, or run it without --password"));
    }
    Ok((password, Origin::Prompt))
}

/// Fills in what was learned: where nothing is known, or an older output of the command.
fn give(hosts: &mut [Host], learned: &(Secret, Origin)) {
    for host in hosts {
        match &host.password {
            Some((_, Origin::Command(_) | Origin::SecretsManager(_) | Origin::Prompt)) | None => {
                host.password = Some(learned.clone());
            }
            Some(_) => {}
        }
    }
}

/// Why there is no session.
enum Stopped {
    Failed(Vec<Failure>),
    /// After a login that worked.
    Fault(Error),
}

async fn with_retries(
    target: &Target,
    options: &SessionOptions,
    connector: Option<&Connector>,
) -> Result<Session, Stopped> {
    let more = if options.retry { 2 } else { 0 };
    let delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_factor(2.0)
        .with_max_times(more)
        .with_jitter();
    (|| all_hosts(target, options, connector))
        .retry(delays)
        .when(|stopped| match stopped {
            Stopped::Failed(failures) => may_pass(failures),
            Stopped::Fault(_) => false,
        })
        .notify(|stopped, pause| {
            if let Stopped::Failed(failures) = stopped {
                options.tell(|| {
                    format!("{}; trying again in {:.1} s", report(failures), pause.as_secs_f64())
                });
            }
        })
        .await
}

/// Whether another try may end otherwise: a login that was refused never does, and tries of a
/// wrong password may lock the role out.
fn may_pass(failures: &[Failure]) -> bool {
    failures.iter().any(|failure| failure.cause.can_pass())
        && !failures.iter().any(|failure| failure.cause.is_final())
}

/// A password that would help, when one would: out of the command, else out of the operator.
async fn wanted(
    target: &Target,
    options: &SessionOptions,
    failures: &[Failure],
) -> Result<Option<(Secret, Origin)>> {
    // A token is made for each login.
    let login = target.login.as_ref().filter(|login| !matches!(login, Login::Iam(_)));
    for Failure { context, cause } in failures {
        let had = matches!(context.password, Some(Origin::Command(_) | Origin::SecretsManager(_)));
        let stale = cause.is_wrong_password() && had;
        match login {
            Some(login) if stale || *cause == Cause::PasswordMissing => {
                return learn(target, login, options).await;
            }
            _ => {}
        }
        if *cause == Cause::PasswordMissing
            && let Some(prompt) = options.prompt.filter(|_| target.may_prompt)
        {
            let question = format!("Password for user {} at {}: ", context.user, context.place);
            let password = prompt(question).await.map_err(|error| {
                Error::usage("cannot ask for a password on the terminal").caused_by(&error)
            })?;
            if password.as_ref().is_some_and(|password| password.expose().is_empty()) {
                return Err(nothing_typed(context));
            }
            return Ok(password.map(|password| (password, Origin::Prompt)));
        }
    }
    Ok(None)
}

/// Fetches the password, unless somebody else of this run has done so in the meantime; `None`
/// when it is what has failed already.
async fn learn(
    target: &Target,
    login: &Login,
    options: &SessionOptions,
) -> Result<Option<(Secret, Origin)>> {
    let mut learned = target.learned.lock().await;
    let is_tried = |password: &Secret| {
        target.hosts.iter().any(|host| host.password.as_ref().is_some_and(|(p, _)| p == password))
    };
    if let Some(known) = learned.as_ref().filter(|(password, _)| !is_tried(password)) {
        return Ok(Some(known.clone()));
    }
    options.tell(|| password::telling(login));
    let Fetched { password, origin, .. } = password::fetch(login).await?;
    if is_tried(&password) {
        return Ok(None);
    }
    *learned = Some((password, origin));
    Ok(learned.clone())
}

async fn all_hosts(
    target: &Target,
    options: &SessionOptions,
    connector: Option<&Connector>,
) -> Result<Session, Stopped> {
    // prefer-standby takes any server when no standby is found.
    let passes: &[SessionAttrs] = match target.session_attrs {
        SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
        SessionAttrs::Any => &[SessionAttrs::Any],
        SessionAttrs::ReadWrite => &[SessionAttrs::ReadWrite],
        SessionAttrs::ReadOnly => &[SessionAttrs::ReadOnly],
        SessionAttrs::Primary => &[SessionAttrs::Primary],
        SessionAttrs::Standby => &[SessionAttrs::Standby],
    };
    let mut failures = Vec::new();
    let mut hosts: Vec<&Host> = target.hosts.iter().collect();
    shuffle(target, &mut hosts);
    for wanted in passes {
        failures.clear();
        // The second pass leaves out who was silent or dead a moment ago: libpq waits for them
        // again, with the same outcome.
        let mut answered = Vec::new();
        for host in hosts {
            let place = Place { target, host, options, connector, wanted: *wanted };
            match place.connect(&mut failures).await {
                Ok(Some(session)) => return Ok(session),
                Ok(None) => {}
                Err(error) => return Err(Stopped::Fault(error)),
            }
            match failures.last().map(|failure| &failure.cause) {
                Some(Cause::WrongKind(_)) => answered.push(host),
                Some(cause) if cause.is_final() => return Err(Stopped::Failed(failures)),
                _ => {}
            }
        }
        if answered.is_empty() {
            break;
        }
        hosts = answered;
    }
    Err(Stopped::Failed(failures))
}

/// `load_balance_hosts=random`.
fn shuffle<T>(target: &Target, list: &mut Vec<T>) {
    if target.load_balance {
        let state = RandomState::new();
        let mut mixed: Vec<(u64, T)> =
            list.drain(..).enumerate().map(|(at, item)| (state.hash_one(at), item)).collect();
        mixed.sort_by_key(|(key, _)| *key);
        list.extend(mixed.into_iter().map(|(_, item)| item));
    }
}

/// One host of one pass.
struct Place<'a> {
    target: &'a Target,
    host: &'a Host,
    options: &'a SessionOptions,
    connector: Option<&'a Connector>,
    wanted: SessionAttrs,
}

impl Place<'_> {
    /// Tries each address; failures are added to the list. An error is one after the login.
    async fn connect(&self, failures: &mut Vec<Failure>) -> Result<Option<Session>> {
        let endpoints = self
            .limited(&Reached::default(), async {
                Endpoint::of(self.host)
                    .await
                    .map_err(|error| vec![Cause::Lookup(error.to_string())])
            })
            .await;
        let mut endpoints = match endpoints {
            Ok(endpoints) => endpoints,
            Err(causes) => {
                let causes = causes.into_iter().map(|cause| match cause {
                    Cause::Silent(limit, _) => {
                        Cause::Lookup(format!("no answer within {} s", limit.as_secs()))
                    }
                    cause => cause,
                });
                failures.extend(causes.map(|cause| self.failure(cause, None)));
                return Ok(None);
            }
        };
        shuffle(self.target, &mut endpoints);
        for endpoint in &endpoints {
            let reached = Reached::default();
            let host = &password::with_token(self.target, self.host).await?;
            match self.limited(&reached, self.open(host, endpoint, &reached)).await {
                Ok(mut session) => {
                    session.look_between(async || self.beside(endpoint).await).await;
                    self.options.tell(|| format!("{}: {}", self.host, session.between()));
                    let start = async { Ok(session.start(self.options).await) };
                    match self.limited(&reached, start).await {
                        Ok(started) => return started.map(|()| Some(session)),
                        Err(causes) => {
                            let failure = |cause| self.failure(cause, Some(endpoint));
                            failures.extend(causes.into_iter().map(failure));
                        }
                    }
                }
                Err(causes) => {
                    let failure = |cause| self.failure(cause, Some(endpoint));
                    failures.extend(causes.into_iter().map(failure));
                }
            }
            if failures.last().is_some_and(|failure| failure.cause.is_final()) {
                break;
            }
        }
        Ok(None)
    }

    /// Login and facts; the facts are within the time limit because a pooler answers the login
    /// before it has a server.
    async fn open(
        &self,
        host: &Host,
        endpoint: &Endpoint,
        reached: &Reached,
    ) -> Result<Session, Vec<Cause>> {
        let attempt = self.attempt(host, reached);
        let login = attempt.run(endpoint).await?;
        let address = Address {
            host: self.host.tls_name().to_owned(),
            port: self.host.port,
            ip: endpoint.ip(),
        };
        let connector = attempt.ready().cloned();
        let target = self.target.at(self.host.clone());
        let session = Session::open(login, target, address, endpoint.clone(), connector)
            .await
            .map_err(|error| vec![Cause::of(&error)])?;
        match unfit(self.wanted, session.server()) {
            Some(what) => Err(vec![Cause::WrongKind(what)]),
            None => Ok(session),
        }
    }

    /// A second login, to compare with the first; the error is in words.
    async fn beside(&self, endpoint: &Endpoint) -> Result<Client, String> {
        let host = password::with_token(self.target, self.host).await;
        let host = host.map_err(|error| error.to_string())?;
        match self.attempt(&host, &Reached::default()).run(endpoint).await {
            Ok(login) => Ok(login.client),
            Err(causes) => {
                let failure = |cause| self.failure(cause, Some(endpoint));
                let failures: Vec<Failure> = causes.into_iter().map(failure).collect();
                Err(report(&failures).causes().join(", "))
            }
        }
    }

    fn attempt<'a>(&'a self, host: &'a Host, reached: &'a Reached) -> Attempt<'a> {
        Attempt {
            target: self.target,
            host,
            application: self
                .target
                .application_name
                .as_deref()
                .unwrap_or(&self.options.application),
            password: host.password.as_ref().map(|(password, _)| password),
            connector: self.connector.filter(|_| self.host.socket().is_none()),
            any_version: false,
            reached,
        }
    }

    async fn limited<T>(
        &self,
        reached: &Reached,
        work: impl Future<Output = Result<T, Vec<Cause>>>,
    ) -> Result<T, Vec<Cause>> {
        match self.target.connect_timeout {
            None => work.await,
            Some(limit) => match tokio::time::timeout(limit, work).await {
                Ok(result) => result,
                Err(_) => Err(vec![Cause::Silent(limit, reached.stage())]),
            },
        }
    }

    fn failure(&self, cause: Cause, endpoint: Option<&Endpoint>) -> Failure {
        let place =
            match endpoint.and_then(Endpoint::ip).filter(|ip| ip.to_string() != self.host.name) {
                Some(ip) if !self.host.name.is_empty() => format!("{} ({ip})", self.host),
                _ => self.host.to_string(),
            };
        let context = Context {
            host: self.host.tls_name().to_owned(),
            place,
            socket: self.host.socket().is_some(),
            ipv6: endpoint.and_then(Endpoint::ip).is_some_and(|ip| ip.is_ipv6()),
            user: self.target.user.clone(),
            database: self.target.database.clone(),
            password: match &self.target.login {
                Some(Login::Iam(cloud)) => Some(Origin::Iam(Box::new(cloud.origin.clone()))),
                _ => self.host.password.as_ref().map(|(_, origin)| origin.clone()),
            },
            mode: self.target.tls.mode,
        };
        Failure { context, cause }
    }
}

/// What a server is when it does not fit; `None` when it does.
fn unfit(wanted: SessionAttrs, server: &Server) -> Option<&'static str> {
    let read_only = server.in_recovery || server.read_only;
    match wanted {
        SessionAttrs::ReadWrite if server.in_recovery => Some("the server is in recovery"),
        SessionAttrs::ReadWrite if read_only => Some("its sessions are read-only"),
        SessionAttrs::ReadOnly if !read_only => Some("its sessions are read-write"),
        SessionAttrs::Primary if server.in_recovery => Some("the server is in recovery"),
        SessionAttrs::Standby if !server.in_recovery => Some("the server is not in recovery"),
        _ => None,
    }
}
