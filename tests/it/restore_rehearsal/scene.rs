//! A backup, a target, and stock pg_restore in between.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use pgtend::archive::toc::Toc;
use pgtend::conn::{SessionOptions, connect};
use pgtend::restore::plan::{Fate, Plan, Step, Weight};
use pgtend::restore::rehearsal::{Wishes, rehearse};
use pgtend::restore::target::Facts;
use pgtend::settings::{ConnectArgs, Environment, Settings};
use tempfile::TempDir;

use crate::backup_right::repo::{Backup, Repo, program};
use crate::harness::cluster::conninfo_quoted;
use crate::harness::database::quoted;
use crate::harness::{Cluster, Database, command};

/// A role that may log in and no more.
pub const PLAIN: &str = "plain";

/// The plan of a backup, before any rehearsal.
pub fn plan_of(backup: &Backup) -> Plan {
    let bytes = fs::read(backup.folder.join("toc.dat")).unwrap();
    Plan::new(Toc::read(&mut &bytes[..]).expect("a table of contents"))
}

/// A new database for a restore as `role`; whoever is not the superuser owns it.
pub fn target<'a>(cluster: &'a Cluster, role: &str) -> Database<'a> {
    let db = cluster.create_db("target");
    make_role(cluster, role);
    let name = quoted(db.name());
    cluster.psql("postgres", &format!("ALTER DATABASE {name} OWNER TO {role}"));
    db
}

/// Makes a login role unless it is there.
pub fn make_role(cluster: &Cluster, role: &str) {
    let there = format!("SELECT to_regrole('{role}') IS NOT NULL");
    if cluster.psql("postgres", &there) == "f" {
        cluster.psql("postgres", &format!("CREATE ROLE {role} LOGIN"));
    }
}

/// What `role` finds on a target.
pub fn facts(db: &Database<'_>, role: &str, plan: &Plan) -> Facts {
    let environment = Environment::from_list(Path::new("/"), []);
    let settings = Settings::load(environment, None).unwrap();
    let url = format!("postgresql://{role}@127.0.0.1:{}/{}", db.cluster().port(), db.name());
    let args = ConnectArgs { url: Some(url), ..ConnectArgs::default() };
    let target = settings.target(&args).unwrap().target;
    let settings = pgtend::backup::statements::pins_and_role(None);
    let options = SessionOptions { settings, ..SessionOptions::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let session = connect(&target, &options).await.unwrap();
        Facts::read(&session, plan).await.unwrap()
    })
}

/// A rehearsed restore of a backup, and what stock pg_restore said to it.
pub struct Rehearsed {
    pub plan: Plan,
    /// Errors of pg_restore, but the known-harmless one.
    pub errors: Vec<String>,
}

impl Rehearsed {
    /// Rehearses, then restores with programs of this major what is planned, step by step.
    #[track_caller]
    pub fn run(
        backup: &Backup,
        client: u32,
        db: &Database<'_>,
        role: &str,
        wishes: &Wishes,
    ) -> Self {
        Self::run_knowing(&facts(db, role, &plan_of(backup)), backup, client, db, role, wishes)
    }

    /// As [`Self::run`], with what was found before.
    #[track_caller]
    pub fn run_knowing(
        facts: &Facts,
        backup: &Backup,
        client: u32,
        db: &Database<'_>,
        role: &str,
        wishes: &Wishes,
    ) -> Self {
        let mut plan = plan_of(backup);
        rehearse(&mut plan, facts, wishes);
        let folder = archive(backup, &plan);
        let mut errors = Vec::new();
        for step in [Step::Before, Step::Load, Step::Values, Step::Finish] {
            errors.extend(restore(&folder, &plan.list(&plan.in_order(step)), client, db, role));
        }
        Self { plan, errors }
    }

    /// Fails when pg_restore met anything that was not foreseen.
    #[track_caller]
    pub fn expect_no_surprise(mut self) -> Self {
        // Rows may name roles, too: there is a note, and only loading them tells.
        let noted = self.plan.notes.iter().any(|note| note.ends_with("fail: TABLE public.allt"));
        let in_row =
            ["table \"allt\": ERROR:  role \"reader\" does not exist", "COPY allt, line 1,"];
        self.errors.retain(|line| !(noted && in_row.iter().any(|part| line.contains(part))));
        assert!(self.errors.is_empty(), "{}\n{}", self.errors.join("\n"), self.told());
        self
    }

    /// Everything that the rehearsal says, for people.
    pub fn told(&self) -> String {
        let mut text = String::new();
        for (entry, left) in self.plan.left_out() {
            writeln!(text, "{:?} {}: {}", left.weight, entry.label(), left.reason).unwrap();
        }
        for note in &self.plan.notes {
            writeln!(text, "note {note}").unwrap();
        }
        text
    }

    /// Why the entry with this label is left out; `None` when it is planned.
    #[track_caller]
    pub fn fate(&self, label: &str) -> Option<(Weight, &str)> {
        let entries = self.plan.toc.entries.iter();
        let index = entries.clone().position(|entry| entry.label() == label);
        let index = index.unwrap_or_else(|| {
            let all: Vec<String> = entries.map(|entry| entry.label()).collect();
            panic!("no {label} among\n{}", all.join("\n"))
        });
        match self.plan.fate(index) {
            Fate::LeftOut(left) => Some((left.weight, &left.reason)),
            Fate::Planned(_) | Fate::Setting => None,
        }
    }

    /// Fails unless the entry is left out as missing, for a reason that holds `part`.
    #[track_caller]
    pub fn expect_missing(&self, label: &str, part: &str) {
        let fate = self.fate(label);
        let right =
            fate.is_some_and(|(weight, why)| weight == Weight::Missing && why.contains(part));
        assert!(right, "{label}: {fate:?} instead of {part:?}");
    }

    /// Fails unless one note says this.
    #[track_caller]
    pub fn expect_note(&self, text: &str) {
        let count = self.plan.notes.iter().filter(|note| *note == text).count();
        assert_eq!(count, 1, "{text:?} in {:#?}", self.plan.notes);
    }
}

/// A copy of the backup with the table of contents as the rehearsal left it.
fn archive(backup: &Backup, plan: &Plan) -> TempDir {
    let folder = backup.expanded_copy();
    fs::write(folder.path().join("toc.dat"), plan.toc.to_directory()).unwrap();
    folder
}

fn restore(
    folder: &TempDir,
    list: &str,
    client: u32,
    db: &Database<'_>,
    role: &str,
) -> Vec<String> {
    let file = folder.path().join("list");
    fs::write(&file, list).unwrap();
    let mut restore = program(client, "pg_restore", db.cluster());
    restore.args(["-Fd", "-d", &conninfo_quoted(db.name()), "-U", role, "-L"]);
    let finished = command::run(restore.arg(&file).arg(folder.path()), "");
    let stderr = finished.stderr();
    let unknown = "unrecognized configuration parameter \"transaction_timeout\"";
    // The statement follows its error.
    let lines = stderr.lines().filter(|line| !line.is_empty() && !line.ends_with(unknown));
    let known = ["warning: errors ignored", "Command was: SET transaction_timeout"];
    lines
        .filter(|line| !known.iter().any(|known| line.contains(known)))
        .map(str::to_owned)
        .collect()
}

/// A backup by programs of this major, with warnings or not.
#[track_caller]
pub fn backup(repo: &Repo, db: &Database<'_>, client: u32) -> Backup {
    let arguments = ["-j1", "--no-globals"];
    let run = repo.backup_command(db.cluster(), db.name(), &arguments).client(client).run();
    repo.done(run)
}
