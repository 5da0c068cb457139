//! The steps of a restore, in their order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::data::{Load, LoadedAll};
use super::dependents::ForeignKey;
use super::dressing::Dressing;
use super::fit::Fit;
use super::head_start;
use super::objects::{Failure, Objects};
use super::plan::{Plan, Step};
use super::prepare::{APPLICATION, Prepared, session_options};
use super::side::{self, Side, Wanted};
use super::{Mode, Request, analyze};
use crate::archive::manifest::Object;
use crate::conn::{self, Session, SessionOptions, Type};
use crate::consent::Consent;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::restore::{Failed, LeftOut, NotValidated, Phase, Restored};
use crate::settings::Target;
use crate::sql::{self, quote_name, quote_qualified};

/// Longest wait for a lock on what is dropped.
const LOCK_WAIT: &str = "60s";

/// Restores. Without an error everything that was planned was tried; what failed is in the report.
///
/// # Errors
/// What ends a restore: server, store or pg_restore cannot be used any more, or it was stopped.
/// The error says what is left where.
pub async fn run(request: &Request, prepared: Prepared, _consent: &Consent) -> Result<Restored> {
    let clock = Instant::now();
    let options = session_options(prepared.settings.clone(), false);
    match request.mode {
        Mode::Existing => {
            let mut work = Work::new(request, prepared, options);
            let result = work.fill(&request.target).await;
            result.map_err(|error| left_half(error, request))?;
            Ok(work.report(clock, None, None))
        }
        Mode::Create | Mode::Swap => beside(request, prepared, options, clock).await,
    }
}

fn left_half(error: Error, request: &Request) -> Error {
    error
        .because(format!("database {} holds a part of the backup now", request.into))
        .next("restore again with --clean, which drops that part before")
}

/// Restores into a database beside, which gets its name at the end.
async fn beside(
    request: &Request,
    prepared: Prepared,
    options: SessionOptions,
    clock: Instant,
) -> Result<Restored> {
    let maintenance = conn::connect(&request.target, &options).await?;
    let plan = &prepared.plan;
    let database = plan.step(Step::Database).map(|index| &plan.toc.entries[index]);
    let definition =
        database.map(|entry| entry.definition()).find(|d| d.contains("CREATE DATABASE "));
    let definition = definition.map(str::to_owned);
    let wanted = Wanted {
        name: &request.into,
        backup: &prepared.source.manifest.id,
        definition: definition.as_deref(),
        replaces: request.mode == Mode::Swap,
    };
    let mut side = Side::create(maintenance, &request.target, &options, &wanted).await?;
    let target = Target { database: side.name.clone(), ..request.target.clone() };
    let mut work = Work::new(request, prepared, options);
    work.plan.notes.append(&mut side.notes);
    if let Err(error) = work.fill(&target).await {
        return Err(side.abandon(error).await);
    }
    if !work.failed.is_empty() {
        // What is incomplete never gets the name, but may be looked at.
        let kept = Some(side.name.clone());
        return Ok(work.report(clock, None, kept));
    }
    let previous = (request.mode == Mode::Swap)
        .then(|| side::name_before(&request.into, jiff::Timestamp::now()));
    work.phase("giving it its name");
    let dressing = Dressing::new(&work.plan, !request.no_owner, &request.into);
    for undone in side.finish(previous.as_deref(), &dressing).await? {
        work.fail(Some(undone.entry), undone.error, undone.sql);
    }
    Ok(work.report(clock, previous, None))
}

/// A restore under way.
struct Work<'a> {
    request: &'a Request,
    prepared: Prepared,
    plan: Plan,
    options: SessionOptions,
    failed: Vec<Failed>,
    failed_entries: std::collections::HashSet<usize>,
    phases: Vec<Phase>,
    since: Option<(String, Instant)>,
    loaded: LoadedAll,
    rows: u64,
    tables: u64,
    not_validated: Vec<NotValidated>,
}

impl<'a> Work<'a> {
    fn new(request: &'a Request, prepared: Prepared, options: SessionOptions) -> Self {
        Self {
            request,
            plan: prepared.plan.clone(),
            prepared,
            options,
            failed: Vec::new(),
            failed_entries: std::collections::HashSet::new(),
            phases: Vec::new(),
            since: None,
            loaded: LoadedAll::default(),
            rows: 0,
            tables: 0,
            not_validated: Vec::new(),
        }
    }

    /// Begins a phase and ends the one before.
    fn phase(&mut self, name: &'static str) {
        self.end_phase();
        self.request.progress.phase(name);
        self.since = Some((name.to_owned(), Instant::now()));
    }

    fn end_phase(&mut self) {
        if let Some((name, since)) = self.since.take() {
            self.phases.push(Phase { name, seconds: since.elapsed().as_secs_f64() });
        }
    }

    fn fail(&mut self, index: Option<usize>, error: String, statement: String) {
        let object = index.map(|index| self.plan.toc.entries[index].label());
        self.failed_entries.extend(index);
        self.failed.push(Failed { object: object.unwrap_or_default(), error, statement });
    }

    fn fail_all(&mut self, failures: Vec<Failure>) {
        for failure in failures {
            self.fail(failure.entry, failure.message, failure.statement);
        }
    }

    /// Fills a database with everything that is planned.
    async fn fill(&mut self, target: &Target) -> Result<()> {
        let control = conn::connect(target, &self.options).await?;
        if !side::lock(&control, &target.database).await? {
            let what = format!("another restore works on {}", target.database);
            return Err(Error::new(Exit::Busy, what).next("try again when it has ended"));
        }
        end_orphans(&control).await?;
        // Further sessions go to this very server, with the password that was typed.
        let place = control.same_server();
        if !self.prepared.fit.drops.is_empty() {
            self.phase("dropping what comes back");
            drop_first(&control, &self.prepared.fit).await?;
        }
        self.create_roles(&control).await;
        self.phase("making objects");
        let start = head_start::choose(&self.plan, &self.prepared.source.manifest);
        let objects = self.objects(&control);
        let failures = objects.make_together(&self.plan, &start.first).await?;
        self.fail_all(failures);
        self.phase("making objects and loading rows");
        let load = Arc::new(self.load(place.clone(), start.objects)?);
        let (failures, loaded) = tokio::try_join!(
            async {
                let failures = objects.make_together(&self.plan, &start.rest).await;
                match &failures {
                    Ok(_) => load.release(),
                    Err(_) => load.stop.cancel(),
                }
                failures
            },
            load.run(self.request.jobs)
        )?;
        self.fail_all(failures);
        self.judge_rows(&load, loaded);
        self.phase("setting sequences");
        let values = self.plan.in_order(Step::Values);
        let failures = objects.make_together(&self.plan, &values).await?;
        self.fail_all(failures);
        self.phase("building indexes and constraints");
        let finish = self.plan.in_order(Step::Finish);
        let failures = objects.make(&self.plan, &finish, self.request.jobs).await?;
        self.fail_all(failures);
        self.restore_outside(&control).await;
        if self.request.analyze {
            self.phase("gathering statistics");
            let tables = analyze::tables(&self.plan);
            analyze::run(&place, &self.options, tables, self.request).await?;
        }
        make_durable(&control).await?;
        self.end_phase();
        Ok(())
    }

    /// Roles that the server lacks; what fails is told, and the rest goes on.
    async fn create_roles(&mut self, control: &Session) {
        for statement in std::mem::take(&mut self.prepared.fit.roles.statements) {
            if let Err(error) = control.batch(&statement).await {
                self.failed.push(Failed {
                    object: "ROLE".into(),
                    error: error.to_string(),
                    statement,
                });
            }
        }
    }

    /// Foreign keys of other tables that were in the way and that the backup does not know.
    async fn restore_outside(&mut self, control: &Session) {
        for key in std::mem::take(&mut self.prepared.fit.outside.foreign_keys) {
            let known = self.prepared.fit.incoming.iter().any(|incoming| {
                self.plan.entry(incoming.index).definition().contains(&key.name)
                    && self.plan.entry(incoming.table).name() == key.table
            });
            if known {
                continue;
            }
            match control.batch(&key.add).await {
                Ok(()) if key.partitioned => {}
                Ok(()) => self.not_validated.push(not_validated(&key)),
                Err(error) => self.failed.push(Failed {
                    object: format!("FK CONSTRAINT {}.{} {}", key.schema, key.table, key.name),
                    error: error.to_string(),
                    statement: key.add,
                }),
            }
        }
    }

    /// pg_restore, aimed at the database of this session.
    fn objects(&self, control: &Session) -> Objects<'a> {
        let mut connection = control.child();
        connection.add_options(&["default_transaction_read_only=off", "synchronous_commit=off"]);
        let mut flags = Vec::new();
        flags.extend(self.request.no_owner.then(|| "--no-owner".to_owned()));
        flags.extend(self.request.no_privileges.then(|| "--no-privileges".to_owned()));
        flags.extend(self.request.role.iter().map(|role| format!("--role={role}")));
        Objects {
            programs: self.prepared.programs.clone(),
            connection,
            environment: &self.request.environment,
            server_major: self.prepared.server_major,
            flags,
            cancel: self.request.cancel.clone(),
        }
    }

    fn load(&self, place: Target, early: BTreeSet<usize>) -> Result<Load> {
        let source = &self.prepared.source;
        Load::new(
            place,
            self.options.clone(),
            source.store.clone(),
            source.found.folder.clone(),
            source.manifest.clone(),
            &self.plan,
            early,
            self.request.jobs,
            Arc::clone(&self.request.progress),
            self.request.cancel.child_token(),
        )
    }

    /// Compares what was loaded with the backup's record.
    fn judge_rows(&mut self, load: &Load, loaded: LoadedAll) {
        self.loaded = loaded;
        let tables = std::mem::take(&mut self.loaded.tables);
        let mut objects: Vec<_> = tables.iter().collect();
        objects.sort_by_key(|(object, _)| **object);
        for (object, loaded) in objects {
            let entry = load.copies[object].entry;
            let record: &Object = &load.manifest.objects[*object];
            let Some(table) = &record.table else { continue };
            if let Some(error) = &loaded.failed {
                self.fail(Some(entry), error.clone(), String::new());
            } else if (loaded.sum.rows, loaded.sum.hash) != (table.rows, table.row_hash) {
                let what = format!(
                    "{} rows with hash {} were loaded, the backup has {} with hash {}",
                    loaded.sum.rows, loaded.sum.hash, table.rows, table.row_hash
                );
                self.fail(Some(entry), what, String::new());
            } else {
                self.tables += 1;
                self.rows += table.rows;
            }
        }
        for error in std::mem::take(&mut self.loaded.large_objects_failed) {
            let entry =
                self.plan.step(Step::Load).find(|i| self.plan.toc.entries[*i].is_large_objects());
            self.fail(entry, error, String::new());
        }
    }

    fn report(
        mut self,
        clock: Instant,
        previous: Option<String>,
        kept_as: Option<String>,
    ) -> Restored {
        self.end_phase();
        let manifest = &self.prepared.source.manifest;
        let (asked, planned) = self.plan.counts();
        let back = self.prepared.fit.incoming.iter().filter(|key| {
            key.not_valid
                && self.plan.is_planned(key.index)
                && !self.failed_entries.contains(&key.index)
        });
        self.not_validated.extend(back.map(|key| NotValidated {
            constraint: key.label.clone(),
            statement: key.statement.clone(),
        }));
        Restored {
            id: manifest.id.clone(),
            source: manifest.database.name.clone(),
            taken: manifest.snapshot.taken,
            address: self.prepared.address.clone(),
            database: self.request.into.clone(),
            dry_run: false,
            complete: self.failed.is_empty(),
            objects: asked as u64,
            restored: planned.saturating_sub(self.failed_entries.len()) as u64,
            left_out: left_out(&self.plan),
            failed: self.failed,
            not_validated: self.not_validated,
            tables: self.tables,
            rows: self.rows,
            raw_bytes: self.request.progress.reading().raw,
            large_objects: self.loaded.large_objects,
            sessions_lost: self.loaded.sessions_lost,
            jobs: self.request.jobs,
            pg_restore: self.prepared.programs.major,
            phases: self.phases,
            seconds: clock.elapsed().as_secs_f64(),
            notes: self.plan.notes.clone(),
            previous,
            kept_as,
        }
    }
}

/// Drops what the backup has too, in one transaction: when something cannot be dropped, nothing is.
async fn drop_first(control: &Session, fit: &Fit) -> Result<()> {
    let keys = fit.outside.foreign_keys.iter().map(|key| key.drop.as_str());
    let drops = fit.drops.iter().map(|drop| drop.sql.as_str());
    let all: Vec<&str> = keys.chain(drops).collect();
    let batch =
        format!("BEGIN; SET LOCAL lock_timeout = '{LOCK_WAIT}'; {}; COMMIT", all.join("\n"));
    let Err(error) = control.batch(&batch).await else { return Ok(()) };
    let locks = error.sqlstate() == Some("53200");
    let failure =
        error.into_error("cannot drop what the backup has too").because("nothing was dropped");
    Err(if locks {
        failure.next("raise max_locks_per_transaction on the server, or use --swap")
    } else {
        failure.next("restore beside it: --swap, or --into another database with --create")
    })
}

fn not_validated(key: &ForeignKey) -> NotValidated {
    let table = quote_qualified(&key.schema, &key.table);
    NotValidated {
        constraint: format!("{}.{} {}", key.schema, key.table, key.name),
        statement: format!("ALTER TABLE {table} VALIDATE CONSTRAINT {};", quote_name(&key.name)),
    }
}

/// What a restore would do, or what it left out.
pub fn left_out(plan: &Plan) -> Vec<LeftOut> {
    let one = |(entry, left): (&crate::archive::toc::Entry, &super::plan::LeftOut)| LeftOut {
        object: entry.label(),
        reason: left.reason.clone(),
        missing: left.weight == super::plan::Weight::Missing,
    };
    plan.left_out().map(one).collect()
}

/// Ends sessions of a restore that was broken off. We hold the lock: none of them is of a run
/// that lives.
async fn end_orphans(control: &Session) -> Result<()> {
    let application = APPLICATION;
    control
        .rows(sql::END_ORPHANS.text, &[(&application, Type::TEXT)])
        .await
        .map(drop)
        .map_err(|error| error.into_error("cannot end sessions of an earlier restore"))
}

/// Commits once more, and waits for the disk: the log is written in order, so everything that was
/// committed without waiting is durable then.
async fn make_durable(control: &Session) -> Result<()> {
    control
        .batch("SET synchronous_commit = on; SELECT pg_current_xact_id()")
        .await
        .map_err(|error| error.into_error("cannot make the restore durable"))
}
