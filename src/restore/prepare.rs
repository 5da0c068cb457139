//! Everything that can be known before anything is changed.

use super::fit::{Fit, fit};
use super::plan::Plan;
use super::run::left_out;
use super::safety::{self, Content};
use super::side;
use super::source::Source;
use super::{Mode, Request};
use crate::backup::statements::{PINS, pins_and_role};
use crate::conn::{self, Session, SessionOptions};
use crate::consent::Danger;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::Programs;
use crate::report::restore::Restored;
use crate::sql::quote_literal;

/// The name that sessions of a restore show; what a broken-off one left is found by it.
pub const APPLICATION: &str = "pgtend/restore";

/// A restore that can begin.
#[derive(Debug)]
pub struct Prepared {
    /// The backup.
    pub source: Source,
    /// What becomes of every entry.
    pub plan: Plan,
    /// What the operator has to agree to.
    pub danger: Danger,
    /// What will happen, for the operator.
    pub summary: Vec<String>,
    /// The server.
    pub address: String,
    /// pg_restore.
    pub programs: Programs,
    pub(super) fit: Fit,
    pub(super) server_major: u32,
    /// Settings of the sessions that load and compare.
    pub(super) settings: Vec<(String, String)>,
}

/// How the sessions of a restore start; `read_only` until there is consent.
pub fn session_options(settings: Vec<(String, String)>, read_only: bool) -> SessionOptions {
    SessionOptions {
        application: APPLICATION.into(),
        read_only,
        retry: true,
        settings,
        prompt: Some(crate::settings::ask_password),
    }
}

/// Looks at the backup and at the target.
///
/// # Errors
/// Exit 77 where the restore is refused, 69 for a server that cannot be used, 2 for a damaged
/// backup.
pub async fn prepare(request: &Request) -> Result<Prepared> {
    request.progress.phase("looking at the backup and the target");
    let source = Source::open(&request.store, request.backup.clone()).await?;
    let pins = pins_and_role(request.role.as_deref());
    let session = conn::connect(&request.target, &session_options(pins, true)).await?;
    let server = session.server();
    if server.in_recovery {
        return Err(Error::new(Exit::Refused, format!("{} is a standby", session.address()))
            .because("nothing can be written there")
            .next("give the primary"));
    }
    if let Some(how) = session.behind_pooler() {
        return Err(Error::new(Exit::Refused, "cannot restore through a connection pooler")
            .because(how)
            .next("connect to the server itself"));
    }
    let programs =
        Programs::find_for_restore(&request.environment, source.dump_major(), server.major())?;
    let mut plan = Plan::new(source.toc.clone());
    let (settings, note) = session_settings(request, &source, &session).await?;
    plan.notes.extend(note);
    let danger = judge(request, &source, &session).await?;
    let fit = fit(request, &source, &mut plan, &session).await?;
    let summary = summary(request, &source, &session, &plan, &fit);
    Ok(Prepared {
        address: session.address().to_string(),
        server_major: server.major(),
        source,
        plan,
        danger,
        summary,
        programs,
        settings,
        fit,
    })
}

impl Prepared {
    /// What the restore would do.
    pub fn report(&self, request: &Request) -> Restored {
        let manifest = &self.source.manifest;
        let (asked, planned) = self.plan.counts();
        Restored {
            id: manifest.id.clone(),
            source: manifest.database.name.clone(),
            taken: manifest.snapshot.taken,
            address: self.address.clone(),
            database: request.into.clone(),
            dry_run: true,
            complete: false,
            objects: asked as u64,
            restored: planned as u64,
            left_out: left_out(&self.plan),
            failed: Vec::new(),
            not_validated: Vec::new(),
            tables: 0,
            rows: 0,
            raw_bytes: 0,
            large_objects: 0,
            sessions_lost: 0,
            jobs: request.jobs,
            pg_restore: self.programs.major,
            phases: Vec::new(),
            seconds: 0.0,
            notes: self.plan.notes.clone(),
            previous: None,
            kept_as: None,
        }
    }
}

/// Settings of the sessions that load: the pinned ones, and what of the source's decides how text
/// is read. One that this server does not know is a note.
async fn session_settings(
    request: &Request,
    source: &Source,
    session: &Session,
) -> Result<(Vec<(String, String)>, Option<String>)> {
    let mut settings = pins_and_role(request.role.as_deref());
    let mut note = None;
    let others = source.manifest.database.settings.iter();
    for (name, value) in others.filter(|(name, _)| !PINS.iter().any(|(pinned, _)| pinned == name)) {
        let try_it = format!("SET {name} = {}", quote_literal(value));
        match session.batch(&try_it).await {
            Ok(()) => settings.push((name.clone(), value.clone())),
            Err(error) if error.is_lost() => {
                return Err(error.into_error("cannot set a session up"));
            }
            Err(error) => {
                note = Some(format!(
                    "this server does not take the source's {name} = '{value}' ({error}): values \
                     that depend on it may not load"
                ));
            }
        }
    }
    // A database may be set to be read-only; durable all the same, see `run::make_durable`.
    settings.push(("default_transaction_read_only".into(), "off".into()));
    settings.push(("synchronous_commit".into(), "off".into()));
    Ok((settings, note))
}

async fn judge(request: &Request, source: &Source, session: &Session) -> Result<Danger> {
    let server = session.server();
    if request.mode == Mode::Existing {
        let content = Content::of(session).await?;
        let own = safety::is_source(source, session, server.database_oid, &server.database);
        return safety::judge(request, &content, own);
    }
    let known = side::look_up(session, &request.into).await?;
    match (request.mode, known) {
        (Mode::Swap, None) => {
            Err(Error::usage(format!("there is no database {} to swap with", request.into))
                .next("make it: --create instead of --swap"))
        }
        (Mode::Swap, Some(known)) => {
            let own = safety::is_source(source, session, known.oid, &request.into);
            // It is replaced whatever it holds.
            let content = Content { objects: 1, names: Vec::new() };
            safety::judge(request, &content, own)
        }
        (_, Some(_)) => Err(Error::new(Exit::Refused, format!("database {} exists", request.into))
            .because("--create makes a new one")
            .next("give another name to --into")
            .next("or restore beside it and take its place at the end: --swap")
            .next("or restore into it, if it is empty: leave --create out")),
        (_, None) => Ok(Danger::Adds),
    }
}

fn summary(
    request: &Request,
    source: &Source,
    session: &Session,
    plan: &Plan,
    fit: &Fit,
) -> Vec<String> {
    let manifest = &source.manifest;
    let how = match request.mode {
        Mode::Existing if request.clean => "into, after dropping what the backup has too,",
        Mode::Existing => "into",
        Mode::Create => "into the new",
        Mode::Swap => "in the place of",
    };
    let (asked, planned) = plan.counts();
    let mut lines = vec![
        format!(
            "backup {} of {} ({}) goes {how} database {} at {}",
            manifest.id,
            manifest.database.name,
            manifest.snapshot.taken.strftime("%Y-%m-%d %H:%M:%S UTC"),
            request.into,
            session.address()
        ),
        format!("{planned} of {asked} objects{}", reasons(plan)),
    ];
    if !fit.drops.is_empty() {
        lines.push(format!("{} objects are dropped before, where they are there", fit.drops.len()));
    }
    if !fit.roles.roles.is_empty() {
        lines.push(format!(
            "roles that are created, without passwords: {}",
            fit.roles.roles.join(", ")
        ));
    }
    if !fit.roles.powerful.is_empty() {
        let powerful = fit.roles.powerful.join(", ");
        lines.push(format!("of these, roles that may more than this database: {powerful}"));
    }
    lines.extend(fit.roles.left_out.iter().map(|(what, why)| format!("{what} is left out: {why}")));
    if !fit.missing_roles.is_empty() {
        lines.push(format!(
            "roles that this server lacks: {} (--globals creates them)",
            fit.missing_roles.join(", ")
        ));
    }
    lines.extend(plan.notes.iter().cloned());
    lines
}

/// `, 3 left out: EXTENSION pg_cron (not available), ..`
fn reasons(plan: &Plan) -> String {
    const SHOWN: usize = 3;
    let left: Vec<String> = plan
        .left_out()
        .map(|(entry, left)| format!("{} ({})", entry.label(), left.reason))
        .collect();
    if left.is_empty() {
        return String::new();
    }
    let more = if left.len() > SHOWN { ", .." } else { "" };
    format!(", {} left out: {}{more}", left.len(), left[..left.len().min(SHOWN)].join(", "))
}
