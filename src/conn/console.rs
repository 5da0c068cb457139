//! The admin console of a PgBouncer: a login like any other, but what answers is no PostgreSQL. It
//! knows SHOW and a few commands, in the simple protocol only, and none of a session's facts.

use std::time::Duration;

use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use super::attempt::{Attempt, Reached};
use super::connect::SessionOptions;
use super::error::{Cause, Context, Failure, report};
use super::password;
use super::query_error::QueryError;
use super::socket::{Address, Endpoint};
use super::tls;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::{Host, Login, Origin, SslMode, Target};

/// The database by whose name PgBouncer knows that its console is meant.
const DATABASE: &str = "pgbouncer";

/// How long the console may take for an answer: it computes none.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A login at the console.
pub struct Console {
    client: Client,
    address: Address,
    version: String,
    user: String,
}

impl Console {
    /// Connects to the first host of the target that answers; its database is of no account.
    ///
    /// # Errors
    /// Exit 69, when nobody answers or what answers is no PgBouncer; exit 77, when it does not
    /// let the user into its console.
    pub async fn connect(target: &Target, options: &SessionOptions) -> Result<Self> {
        // It takes no options for a server's command line.
        let target = Target { options: String::new(), ..target.in_database(DATABASE) };
        let mut failures = Vec::new();
        for host in &target.hosts {
            match open(&target, host, options).await? {
                Ok(console) => return console.greet().await,
                Err(failed) => failures.extend(failed),
            }
        }
        Err(explained(&target, &failures))
    }

    /// Where it is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// `PgBouncer 1.18.0`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Runs `SHOW <what>`.
    ///
    /// # Errors
    /// Exit 77 when the user may not see it; exit 69 for all else.
    pub async fn show(&self, what: &str) -> Result<Vec<Shown>> {
        self.ask(what).await.map_err(|error| {
            let what = format!("cannot see SHOW {what} of the PgBouncer at {}", self.address);
            error.map_or_else(
                || {
                    let limit = ANSWER_LIMIT.as_secs();
                    let why = format!("it did not answer within {limit} s");
                    Error::new(Exit::Unavailable, what.clone()).because(why)
                },
                |error| match is_refusal(&error.message()) {
                    true => refused(&self.user, &self.address.to_string()),
                    false => error.into_error(what.clone()),
                },
            )
        })
    }

    /// `None` stands for no answer in time.
    async fn ask(&self, what: &str) -> Result<Vec<Shown>, Option<QueryError>> {
        let question = format!("SHOW {what}");
        let asked = self.client.simple_query(&question);
        let told = tokio::time::timeout(ANSWER_LIMIT, asked).await.map_err(|_| None)?;
        let messages = told.map_err(|error| Some(QueryError::from(error)))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(Shown(row)),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Makes sure that it is one: a database of PostgreSQL may have that name too.
    async fn greet(mut self) -> Result<Self> {
        let told = self.ask("VERSION").await;
        if let Err(Some(error)) = &told
            && is_refusal(&error.message())
        {
            return Err(refused(&self.user, &self.address.to_string()));
        }
        let rows = told.unwrap_or_default();
        let version = rows.first().and_then(|row| row.text("version")).map(str::to_owned);
        match version.filter(|version| version.starts_with("PgBouncer")) {
            Some(version) => {
                self.version = version;
                Ok(self)
            }
            None => Err(no_pgbouncer(&self.address.to_string())
                .because("what answers does not know SHOW VERSION")),
        }
    }
}

/// A row of an answer; columns differ by version.
#[derive(Debug)]
pub struct Shown(SimpleQueryRow);

impl Shown {
    /// A column; `None` where it is null or this version has none of that name.
    pub fn text(&self, column: &str) -> Option<&str> {
        let at = self.0.columns().iter().position(|known| known.name() == column)?;
        self.0.get(at)
    }

    /// The same as a number.
    pub fn number(&self, column: &str) -> Option<i64> {
        self.text(column)?.parse().ok()
    }
}

/// Logs in at one host; asks for a password once, when one is wanted and none is known.
async fn open(
    target: &Target,
    host: &Host,
    options: &SessionOptions,
) -> Result<Result<Console, Vec<Failure>>> {
    let mut host = password::with_token(target, host).await?;
    let connector = match target.tls.mode != SslMode::Disable && host.socket().is_none() {
        true => Some(tls::connector(&target.tls)?),
        false => None,
    };
    if host.password.is_none() {
        host.password = learn(target).await?;
    }
    let failure = |host: &Host, cause| Failure { context: context(target, host), cause };
    let endpoints = match Endpoint::of(&host).await {
        Ok(endpoints) => endpoints,
        Err(error) => return Ok(Err(vec![failure(&host, Cause::Lookup(error.to_string()))])),
    };
    let mut failures = Vec::new();
    for endpoint in &endpoints {
        for asked in [false, true] {
            let reached = Reached::default();
            let attempt = Attempt {
                target,
                host: &host,
                application: target.application_name.as_deref().unwrap_or(&options.application),
                password: host.password.as_ref().map(|(password, _)| password),
                connector: connector.as_ref(),
                any_version: true,
                reached: &reached,
            };
            let limit = target.connect_timeout.unwrap_or(ANSWER_LIMIT);
            let causes = match tokio::time::timeout(limit, attempt.run(endpoint)).await {
                Ok(Ok(login)) => {
                    return Ok(Ok(Console {
                        client: login.client,
                        address: Address {
                            host: host.tls_name().to_owned(),
                            port: host.port,
                            ip: endpoint.ip(),
                        },
                        version: String::new(),
                        user: target.user.clone(),
                    }));
                }
                Ok(Err(causes)) => causes,
                Err(_) => vec![Cause::Silent(limit, reached.stage())],
            };
            if !asked
                && causes.contains(&Cause::PasswordMissing)
                && let Some(prompt) = options.prompt.filter(|_| target.may_prompt)
            {
                let question = format!("Password for user {} at {host}: ", target.user);
                let typed = prompt(question).await.map_err(|error| {
                    Error::usage("cannot ask for a password on the terminal").caused_by(&error)
                })?;
                host.password = typed.map(|password| (password, Origin::Prompt));
                if host.password.is_some() {
                    continue;
                }
            }
            failures.extend(causes.into_iter().map(|cause| failure(&host, cause)));
            break;
        }
    }
    Ok(Err(failures))
}

/// The password that a command or a secret has.
async fn learn(target: &Target) -> Result<Option<(crate::settings::Secret, Origin)>> {
    match &target.login {
        None | Some(Login::Iam(_)) => Ok(None),
        Some(login) => {
            let fetched = password::fetch(login).await?;
            Ok(Some((fetched.password, fetched.origin)))
        }
    }
}

fn context(target: &Target, host: &Host) -> Context {
    Context {
        place: host.to_string(),
        host: host.tls_name().to_owned(),
        socket: host.socket().is_some(),
        ipv6: false,
        user: target.user.clone(),
        database: target.database.clone(),
        password: host.password.as_ref().map(|(_, origin)| origin.clone()),
        mode: target.tls.mode,
    }
}

/// What PgBouncer says to who may not use the console, or not this part of it.
fn is_refusal(message: &str) -> bool {
    message.contains("not allowed") || message.contains("admin access needed")
}

fn refused(user: &str, place: &str) -> Error {
    let what = format!("the PgBouncer at {place} does not let {user} into its console");
    Error::new(Exit::Refused, what)
        .because(format!("{user} is in neither stats_users nor admin_users"))
        .next("add the user to stats_users in pgbouncer.ini, then RELOAD; it can only look then")
}

fn no_pgbouncer(place: &str) -> Error {
    Error::new(Exit::Unavailable, format!("what answers at {place} is not PgBouncer"))
        .next("give the address of a PgBouncer: --pgbouncer postgresql://USER@HOST:6432/pgbouncer")
}

/// The error of a login that no host took.
fn explained(target: &Target, failures: &[Failure]) -> Error {
    for Failure { context, cause } in failures {
        if let Cause::Server(state, message) = cause {
            if is_refusal(message) {
                return refused(&target.user, &context.place);
            }
            // A server of PostgreSQL says this; a PgBouncer has that database always.
            if state == "3D000" {
                return no_pgbouncer(&context.place).because(message.clone());
            }
        }
    }
    report(failures)
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("address", &self.address).finish_non_exhaustive()
    }
}
