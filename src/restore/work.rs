//! A restore under way: the steps that fill one database.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::belonging::Belonging;
use super::data::{Load, LoadedAll, TableCopy};
use super::foreign::Dump;
use super::objects::{Failure, Objects, WRITES};
use super::plan::Step;
use super::prepare::{APPLICATION, Prepared};
use super::run::left_out;
use super::stopped;
use super::{Request, analyze, fit, head_start, identity, replace};
use crate::archive::manifest::{Kind, Object};
use crate::conn::{Session, SessionOptions, Type};
use crate::error::{Error, Result};
use crate::report::restore::{Failed, NotValidated, Phase, Restored};
use crate::settings::Target;
use crate::sql::{self, quote_qualified};

const NOT_MADE: &str = "its table was not made";

/// A restore under way.
pub struct Work<'a> {
    request: &'a Request,
    /// What was found out before, and what becomes of every entry.
    pub prepared: Prepared,
    /// How its sessions start.
    pub options: SessionOptions,
    /// What could not be restored.
    pub failed: Vec<Failed>,
    /// Whether the database was changed.
    touched: bool,
    failed_entries: std::collections::HashSet<usize>,
    phases: Vec<Phase>,
    since: Option<(String, Instant)>,
    loaded: LoadedAll,
    rows: u64,
    tables: u64,
    raw_bytes: u64,
    not_validated: Vec<NotValidated>,
}

impl<'a> Work<'a> {
    /// Nothing is done yet.
    pub fn new(request: &'a Request, prepared: Prepared, options: SessionOptions) -> Self {
        Self {
            request,
            prepared,
            options,
            failed: Vec::new(),
            touched: false,
            failed_entries: std::collections::HashSet::new(),
            phases: Vec::new(),
            since: None,
            loaded: LoadedAll::default(),
            rows: 0,
            tables: 0,
            raw_bytes: 0,
            not_validated: Vec::new(),
        }
    }

    /// Begins a phase and ends the one before.
    pub fn phase(&mut self, name: &'static str) {
        self.end_phase();
        self.request.progress.phase(name);
        self.since = Some((name.to_owned(), Instant::now()));
    }

    fn end_phase(&mut self) {
        if let Some((name, since)) = self.since.take() {
            self.phases.push(Phase { name, seconds: since.elapsed().as_secs_f64() });
        }
    }

    /// Something could not be restored.
    pub fn fail(&mut self, index: Option<usize>, error: String, statement: String) {
        let object = index.map(|index| self.prepared.plan.toc.entries[index].label());
        self.failed_entries.extend(index);
        self.failed.push(Failed { object: object.unwrap_or_default(), error, statement });
    }

    fn fail_all(&mut self, failures: Vec<Failure>) {
        for failure in failures {
            self.fail(failure.entry, failure.message, failure.statement);
        }
    }

    /// An error with what it leaves behind.
    pub fn left_half(&self, error: Error) -> Error {
        if !self.touched {
            return error.because("nothing was changed");
        }
        let database = &self.request.into;
        if let Some(dump) = self.request.dump.as_ref().filter(|dump| dump.is_script()) {
            return match dump.commit.is_done() {
                Some(true) if self.request.analyze => error
                    .because(
                        "the file is restored, its statistics for the planner are not complete",
                    )
                    .next(format!("gather them: vacuumdb --analyze-only --dbname={database}")),
                Some(true) => error.because("the file is restored"),
                Some(false) => error
                    .because("plain SQL is one transaction: without its end, all of it is undone"),
                None => error
                    .because("plain SQL is one transaction, whose COMMIT was on its way")
                    .because("whether all of it is there or nothing is not known")
                    .next(format!("look into database {database} before you restore again")),
            };
        }
        let mut error = error
            .because(format!("database {database} holds a part of the backup now"))
            .next(match self.request.overwrite_source {
                true => {
                    "restore again with --clean --overwrite-source, which drops that part before"
                }
                false => "restore again with --clean, which drops that part before",
            });
        for key in &self.prepared.fit.outside.foreign_keys {
            error = error.next(format!("then make the foreign key again: {}", key.add));
        }
        error
    }

    fn unless_stopped(&self) -> Result<()> {
        if self.request.cancel.is_cancelled() { Err(stopped()) } else { Ok(()) }
    }

    /// Fills the database of this session, which holds the lock, with everything that is planned.
    pub async fn fill(&mut self, control: Session) -> Result<()> {
        end_orphans(&control).await?;
        // Further sessions go to this very server, with the password that was typed.
        let place = Target { application_name: None, ..control.same_server() };
        self.drop_first(&control).await?;
        self.touched = true;
        self.create_roles(&control).await;
        let objects = self.objects(&control);
        match &self.request.dump {
            None => self.make_and_load(&control, &objects, &place).await?,
            Some(dump) => self.make_and_load_dump(&control, &objects, dump).await?,
        }
        self.phase("setting sequences");
        let values = self.entries(Step::Values);
        let failures = objects.make_together(&self.prepared.plan, &values).await?;
        self.fail_all(failures);
        self.unless_stopped()?;
        // Up to here nobody waited for the disk. What follows has few commits, which do.
        make_durable(&control).await?;
        self.phase("building indexes and constraints");
        let finish = self.entries(Step::Finish);
        let failures =
            objects.durable(&control).make(&self.prepared.plan, &finish, self.request.jobs).await?;
        self.fail_all(failures);
        self.unless_stopped()?;
        self.restore_outside(control).await;
        if self.request.analyze {
            self.phase("gathering statistics");
            let tables = match &self.request.dump {
                // What it made is not known: everything.
                Some(dump) if dump.is_script() => vec![String::new()],
                _ => analyze::tables(&self.prepared.plan),
            };
            analyze::run(&place, &self.options, tables, self.request).await?;
        }
        self.end_phase();
        Ok(())
    }

    /// Drops what the backup has too, in one transaction; only once the backup's own bytes were
    /// looked at.
    async fn drop_first(&mut self, control: &Session) -> Result<()> {
        if self.prepared.fit.drops.is_empty() {
            return Ok(());
        }
        self.phase("reading what will be loaded");
        let source = &self.prepared.source;
        let wanted: BTreeSet<i32> = self
            .prepared
            .plan
            .step(Step::Load)
            .map(|index| self.prepared.plan.entry(index).id)
            .collect();
        let objects: Vec<usize> = (0..source.manifest.objects.len())
            .filter(|at| source.manifest.objects[*at].entry.is_some_and(|id| wanted.contains(&id)))
            .collect();
        tokio::select! {
            read = source.read_through(&objects) => read?,
            () = self.request.cancel.cancelled() => return Err(stopped()),
        }
        self.phase("dropping what comes back");
        replace::drop_first(control, &self.prepared.fit, &self.request.cancel).await
    }

    /// Makes objects and loads rows: large tables first, the rest of the objects beside them.
    async fn make_and_load(
        &mut self,
        control: &Session,
        objects: &Objects<'_>,
        place: &Target,
    ) -> Result<()> {
        self.phase("making objects");
        let start = head_start::choose(&self.prepared.plan, &self.prepared.source.manifest);
        let failures = objects.make_together(&self.prepared.plan, &start.first).await?;
        let load = Arc::new(self.load(place.clone(), start.objects)?);
        load.give_up(&self.tables_of(&failures, &load), NOT_MADE);
        self.fail_all(failures);
        self.phase("making objects and loading rows");
        let others = async {
            let made = objects.make_together(&self.prepared.plan, &start.rest).await;
            match &made {
                Ok(failures) => {
                    load.give_up(&self.tables_of(failures, &load), NOT_MADE);
                    load.release();
                }
                Err(_) => load.stop.cancel(),
            }
            made
        };
        let work = async { tokio::try_join!(others, load.run(self.request.jobs)) };
        let (failures, loaded) = tokio::select! {
            done = work => done?,
            lost = replace::keep_alive(control) => return Err(lost),
        };
        self.fail_all(failures);
        self.judge_rows(&load, loaded);
        Ok(())
    }

    /// The same for a file of pg_dump: one after the other.
    async fn make_and_load_dump(
        &mut self,
        control: &Session,
        objects: &Objects<'_>,
        dump: &Arc<Dump>,
    ) -> Result<()> {
        self.phase("making objects");
        let before = self.prepared.plan.in_order(Step::Before);
        let failures = objects.make_together(&self.prepared.plan, &before).await?;
        self.fail_all(failures);
        self.phase(if dump.is_script() { "running the script" } else { "loading rows" });
        let rows = self.entries(Step::Load);
        let tables = rows.iter().filter(|at| self.prepared.plan.entry(**at).is_table_data());
        self.tables = tables.count() as u64;
        let work = objects.load_dump(&self.prepared.plan, &rows, dump, self.request);
        let failures = tokio::select! {
            done = work => done?,
            lost = replace::keep_alive(control) => return Err(lost),
        };
        let failed_tables = failures.iter().filter_map(|failure| failure.entry).count() as u64;
        self.tables = self.tables.saturating_sub(failed_tables);
        self.fail_all(failures);
        Ok(())
    }

    /// Objects of the manifest whose tables are among what failed.
    fn tables_of(&self, failures: &[Failure], load: &Load) -> BTreeSet<usize> {
        let failed: BTreeSet<(&str, &str)> = failures
            .iter()
            .filter_map(|failure| Some(self.prepared.plan.entry(failure.entry?)))
            .filter(|entry| entry.kind() == "TABLE")
            .map(|entry| (entry.schema(), entry.name()))
            .collect();
        let of_failed = |table: &TableCopy| {
            let rows = self.prepared.plan.entry(table.entry);
            failed.contains(&(rows.schema(), rows.name()))
        };
        load.copies.iter().filter(|(_, t)| of_failed(t)).map(|(object, _)| *object).collect()
    }

    /// Entries of a step, without those that belong to what could not be made: what has its name
    /// is somebody else's.
    fn entries(&mut self, step: Step) -> Vec<usize> {
        let belonging = Belonging::new(&self.prepared.plan);
        let lost: Vec<usize> = self
            .prepared
            .plan
            .step(step)
            .filter(|at| {
                belonging.chain(*at).any(|owner| {
                    self.failed_entries.contains(&owner)
                        && self.prepared.plan.entry(owner).kind() == "TABLE"
                })
            })
            .collect();
        for index in lost {
            self.fail(Some(index), NOT_MADE.into(), String::new());
        }
        let mut entries = self.prepared.plan.in_order(step);
        entries.retain(|index| !self.failed_entries.contains(index));
        entries
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
    async fn restore_outside(&mut self, control: Session) {
        let keys = std::mem::take(&mut self.prepared.fit.outside.foreign_keys);
        if keys.is_empty() {
            return;
        }
        for key in keys {
            let known = self.prepared.fit.incoming.iter().any(|incoming| {
                self.prepared.plan.is_planned(incoming.index)
                    && fit::place_of(&self.prepared.plan, incoming).is_some_and(|(table, name)| {
                        table == quote_qualified(&key.schema, &key.table) && name == key.name
                    })
            });
            if known {
                continue;
            }
            match control.batch(&key.add).await {
                Ok(()) if key.partitioned => {}
                Ok(()) => self.not_validated.push(replace::not_validated(&key)),
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
        connection.add_options(&[WRITES, "synchronous_commit=off"]);
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
        let source = Arc::clone(&self.prepared.source);
        Load::new(self.request, place, self.options.clone(), source, &self.prepared.plan, early)
    }

    /// Compares what was loaded with the backup's record.
    fn judge_rows(&mut self, load: &Load, loaded: LoadedAll) {
        self.loaded = loaded;
        self.raw_bytes = 0;
        let tables = std::mem::take(&mut self.loaded.tables);
        let mut objects: Vec<_> = tables.iter().collect();
        objects.sort_by_key(|(object, _)| **object);
        for (object, loaded) in objects {
            let entry = load.copies[object].entry;
            let record: &Object = &load.source.manifest.objects[*object];
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
                self.raw_bytes += record.raw_bytes;
            }
        }
        self.judge_large_objects(load);
        for error in std::mem::take(&mut self.loaded.large_objects_failed) {
            let entry = self
                .prepared
                .plan
                .step(Step::Load)
                .find(|i| self.prepared.plan.toc.entries[*i].is_large_objects());
            self.fail(entry, error, String::new());
        }
    }

    /// As many large objects must have been made as the backup has bytes of; a part has none.
    fn judge_large_objects(&mut self, load: &Load) {
        if !self
            .prepared
            .plan
            .step(Step::Load)
            .any(|at| self.prepared.plan.entry(at).is_large_objects())
        {
            return;
        }
        let objects = &load.source.manifest.objects;
        let large = objects.iter().filter(|object| object.kind == Kind::LargeObject);
        self.raw_bytes += large.clone().map(|object| object.raw_bytes).sum::<u64>();
        let made: usize = self
            .prepared
            .plan
            .step(Step::Before)
            .map(|index| identity::large_objects_made_by(self.prepared.plan.entry(index)).len())
            .sum();
        if made != large.count() {
            let what =
                format!("{made} large objects were made, the backup has the bytes of others");
            self.fail(None, what, String::new());
        }
    }

    /// The end.
    pub fn report(
        mut self,
        clock: Instant,
        previous: Option<String>,
        kept_as: Option<String>,
    ) -> Restored {
        self.end_phase();
        let manifest = &self.prepared.source.manifest;
        let (asked, planned) = self.request.counts(&self.prepared.plan);
        // A script is one transaction: all of it or nothing.
        let script = self.request.dump.as_ref().is_some_and(|dump| dump.is_script());
        let planned = if script && !self.failed.is_empty() { 0 } else { planned };
        let back = self.prepared.fit.incoming.iter().filter(|key| {
            key.not_valid
                && self.prepared.plan.is_planned(key.index)
                && !self.failed_entries.contains(&key.index)
        });
        self.not_validated.extend(back.map(|key| NotValidated {
            constraint: key.label.clone(),
            statement: key.statement.clone(),
        }));
        Restored {
            id: manifest.id.clone(),
            source: manifest.database.name.clone(),
            taken: self.request.taken(manifest),
            address: self.prepared.address.clone(),
            database: self.request.into.clone(),
            dry_run: false,
            complete: self.failed.is_empty(),
            objects: asked,
            restored: planned.saturating_sub(self.failed_entries.len() as u64),
            left_out: left_out(&self.prepared.plan),
            failed: self.failed,
            not_validated: self.not_validated,
            tables: self.tables,
            rows: self.rows,
            raw_bytes: self.raw_bytes,
            large_objects: self.loaded.large_objects,
            sessions_lost: self.loaded.sessions_lost,
            jobs: self.request.jobs,
            pg_restore: self.prepared.programs.major,
            phases: self.phases,
            seconds: clock.elapsed().as_secs_f64(),
            notes: self.prepared.plan.notes.clone(),
            previous,
            kept_as,
            dump: self.request.dump.as_ref().map(|dump| dump.facts()),
        }
    }
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
