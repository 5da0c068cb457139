//! Everything that can be known before anything is changed.

use std::sync::Arc;

use super::fit::{Fit, fit};
use super::objects::remove_left_over_folders;
use super::plan::Plan;
use super::run::left_out;
use super::safety::{self, Content};
use super::side;
use super::source::Source;
use super::{Mode, Request};
use crate::backup::statements::pins_and_role;
use crate::conn::{self, Session, SessionOptions, Type};
use crate::consent::Danger;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::Programs;
use crate::report::restore::Restored;
use crate::settings::Target;
use crate::sql;

/// The name that sessions of a restore show; what a broken-off one left is found by it.
pub const APPLICATION: &str = "pgtend/restore";

/// A restore that can begin.
#[derive(Debug)]
pub struct Prepared {
    /// The backup.
    pub source: Arc<Source>,
    /// What becomes of every entry.
    pub plan: Plan,
    /// What the operator has to agree to.
    pub danger: Danger,
    /// What will happen, for the operator.
    pub summary: Vec<String>,
    /// Those lines of it that are in no other field of a report.
    notes: Vec<String>,
    /// The server.
    pub address: String,
    /// pg_restore.
    pub programs: Programs,
    /// Where to connect to, and what must answer there.
    pub(super) place: Target,
    identity: Identity,
    pub(super) fit: Fit,
    pub(super) server_major: u32,
    /// Settings of the sessions that load and compare.
    pub(super) settings: Vec<(String, String)>,
}

/// How the sessions of a restore start; `read_only` until there is consent.
pub fn session_options(
    request: &Request,
    settings: Vec<(String, String)>,
    read_only: bool,
) -> SessionOptions {
    SessionOptions {
        application: APPLICATION.into(),
        read_only,
        only_reads: false,
        retry: true,
        settings,
        prompt: Some(crate::settings::ask_password),
        tell: Some(request.progress.listener()),
    }
}

/// Looks at the backup and at the target.
///
/// # Errors
/// Exit 77 where the restore is refused, 69 for a server that cannot be used, 2 for a damaged
/// backup.
pub async fn prepare(request: &Request) -> Result<Prepared> {
    request.progress.phase("looking at the backup and the target");
    remove_left_over_folders();
    let source = Arc::new(match &request.dump {
        None => Source::open(&request.store, request.backup.clone()).await?,
        Some(dump) => dump.source(request)?,
    });
    let pins = pins_and_role(request.role.as_deref());
    let session = conn::connect(&request.target, &session_options(request, pins, true)).await;
    let session = session.map_err(|error| what_about_create(request, error))?;
    let server = session.server();
    if server.in_recovery {
        return Err(Error::new(Exit::Refused, format!("{} is a standby", session.address()))
            .because("nothing can be written there")
            .next("give the primary"));
    }
    if let Some(pooler) = session.sharing_pooler() {
        let refused = Error::new(Exit::Refused, format!("cannot restore through {pooler}"));
        let refused = pooler.evidence.iter().fold(refused, |error, shown| error.because(shown));
        return Err(refused.next("give the server's own address and port"));
    }
    let programs =
        Programs::find_for_restore(&request.environment, source.dump_major(), server.major())?;
    let (settings, note) = session_settings(request, &source, &session).await?;
    if request.dump.is_none() {
        source.all_there().await?;
    }
    let mut view = View::of(request, &source, &session).await?;
    view.plan.notes.extend(note);
    view.plan.notes.extend(side::still_used(&session, request).await?);
    view.plan.notes.extend(request.dump.iter().flat_map(|dump| dump.notes(request)));
    let notes = notes(&view.plan, &view.fit);
    let mut summary = summary(request, &source, &session, &view.plan);
    summary.extend(notes.iter().cloned());
    // The very server that was looked at, with the password that was typed. What a broken-off
    // restore leaves is found by its name, so the operator's own does not count.
    let place = Target { application_name: None, ..session.same_server() };
    Ok(Prepared {
        address: session.address().to_string(),
        identity: Identity::of(&session),
        place,
        server_major: server.major(),
        source,
        plan: view.plan,
        danger: view.danger,
        summary,
        notes,
        programs,
        settings,
        fit: view.fit,
    })
}

/// Which database of which server a session is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    system: u64,
    database: u32,
}

impl Identity {
    fn of(session: &Session) -> Self {
        let server = session.server();
        Self { system: server.system_identifier, database: server.database_oid }
    }
}

/// What a restore means for the target as it is now.
#[derive(Debug)]
struct View {
    plan: Plan,
    fit: Fit,
    danger: Danger,
}

impl View {
    async fn of(request: &Request, source: &Source, session: &Session) -> Result<Self> {
        let mut plan = Plan::new(source.toc.clone());
        let danger = judge(request, source, session).await?;
        let fit = fit(request, source, &mut plan, session).await?;
        Ok(Self { plan, fit, danger })
    }
}

impl Prepared {
    /// Connects to the place that was looked at.
    ///
    /// # Errors
    /// Exit 77 when another server answers there now.
    pub(super) async fn connect(&self, options: &SessionOptions) -> Result<Session> {
        let session = conn::connect(&self.place, options).await?;
        if Identity::of(&session) == self.identity {
            return Ok(session);
        }
        Err(Error::new(Exit::Refused, format!("another database answers at {}", session.address()))
            .because("it is not the one that the question was about")
            .next("look at which server is meant, and restore again"))
    }

    /// Looks again, under the lock of a restore: what was agreed to must still be what happens.
    pub(super) async fn look_again(&self, request: &Request, session: &Session) -> Result<()> {
        let view = View::of(request, &self.source, session).await?;
        if view.danger == self.danger
            && view.plan.fates() == self.plan.fates()
            && view.fit.drops == self.fit.drops
            && view.fit.outside == self.fit.outside
        {
            return Ok(());
        }
        Err(Error::new(Exit::Refused, format!("database {} has changed", request.into))
            .because("what the restore would do there is not what the question was about")
            .next("restore again, and look at what it says"))
    }
}

impl Prepared {
    /// What the restore would do.
    pub fn report(&self, request: &Request) -> Restored {
        let manifest = &self.source.manifest;
        let (asked, planned) = request.counts(&self.plan);
        let mut notes = self.notes.clone();
        notes.push(match &self.danger {
            Danger::Adds => "it asks before it begins; --yes answers".to_owned(),
            Danger::Replaces(name) | Danger::Destroys { name, .. } => {
                format!("it asks for the name {name} before it begins; --confirm answers")
            }
        });
        Restored {
            id: manifest.id.clone(),
            source: manifest.database.name.clone(),
            taken: request.taken(manifest),
            address: self.address.clone(),
            database: request.into.clone(),
            dry_run: true,
            complete: false,
            objects: asked,
            restored: planned,
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
            notes,
            previous: None,
            kept_as: None,
            dump: request.dump.as_ref().map(|dump| dump.facts()),
        }
    }
}

/// The error for a database that is not there, with what makes it.
fn what_about_create(request: &Request, error: Error) -> Error {
    let lacking = format!("database \"{}\" does not exist", request.into);
    if request.mode == Mode::Existing && error.causes().contains(&lacking) {
        return error.next("or, if --into is to be a new database: --create");
    }
    error
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
    // A manifest may come from anybody: of what it says only this is set, the others are pinned.
    let others = source.manifest.database.settings.iter();
    for (name, value) in others.filter(|(name, _)| name == "lc_monetary") {
        let parameters: [(&(dyn conn::ToSql + Sync), Type); 2] =
            [(name, Type::TEXT), (value, Type::TEXT)];
        match session.rows(sql::SETTING.text, &parameters).await {
            Ok(_) => settings.push((name.clone(), value.clone())),
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
    // A database may be set to be read-only; durable all the same, see `make_durable`.
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

fn summary(request: &Request, source: &Source, session: &Session, plan: &Plan) -> Vec<String> {
    let manifest = &source.manifest;
    let how = match request.mode {
        Mode::Existing if request.clean => "over what is there, into",
        Mode::Existing => "into",
        Mode::Create => "into the new",
        Mode::Swap => "in the place of",
    };
    let (asked, planned) = request.counts(plan);
    vec![
        format!(
            "backup {} of {} ({}) goes {how} database {} at {}",
            manifest.id,
            manifest.database.name,
            request.taken(manifest).map_or_else(
                || "of an unknown time".to_owned(),
                |taken| taken.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
            ),
            request.into,
            session.address()
        ),
        format!("{planned} of {asked} objects{}", reasons(plan)),
    ]
}

fn notes(plan: &Plan, fit: &Fit) -> Vec<String> {
    let mut lines = Vec::new();
    if !fit.drops.is_empty() {
        lines.push(format!("{} objects are dropped before, where they are there", fit.drops.len()));
    }
    for key in &fit.outside.foreign_keys {
        lines.push(format!(
            "the foreign key {} of {}.{} is dropped too and comes back unchecked: {}",
            key.name, key.schema, key.table, key.add
        ));
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
