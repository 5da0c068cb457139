//! Parts of a backup and the drop pass, on archives of real pg_dumps: stock pg_restore runs the
//! plan's lists, and the database is compared with one that never lost anything.

mod beside;
mod chosen;
mod dropped;
mod drops;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use pgtend::archive::toc::Toc;
use pgtend::restore::parts::{Narrowed, Parts, narrow};
use pgtend::restore::plan::{Fate, Plan, Step, Weight};
use pgtend::restore::turns::take_turns;
use tempfile::TempDir;

use crate::backup_right::repo::program;
use crate::harness::cluster::{Cluster, conninfo_quoted};
use crate::harness::database::{data, quoted};
use crate::harness::{Database, command};

/// A `pg_dump -Fd` of a database.
pub struct Dump {
    folder: TempDir,
    client: u32,
    /// For the last step.
    pub jobs: u32,
}

impl Dump {
    pub fn of(db: &Database<'_>, client: u32) -> Self {
        let folder = tempfile::Builder::new().prefix("pgt-dump").tempdir().unwrap();
        let mut dump = program(client, "pg_dump", db.cluster());
        dump.args(["-Fd", "-Z0", "-d", &conninfo_quoted(db.name()), "-f"]);
        command::run(dump.arg(folder.path().join("d")), "").expect_success("pg_dump");
        // Both ways are tried, over the clients.
        Self { folder, client, jobs: if client == 16 { 1 } else { 3 } }
    }

    fn toc_file(&self) -> PathBuf {
        self.folder.path().join("d/toc.dat")
    }

    pub fn plan(&self) -> Plan {
        let bytes = fs::read(self.toc_file()).unwrap();
        Plan::new(Toc::read(&mut &bytes[..]).expect("a table of contents"))
    }

    /// Makes what the plan says, step by step, with the plan's own table of contents.
    pub fn restore(&self, plan: &Plan, target: &Database<'_>) {
        let before = fs::read(self.toc_file()).unwrap();
        let mut plan = plan.clone();
        take_turns(&mut plan);
        fs::write(self.toc_file(), plan.toc.to_directory()).unwrap();
        for step in [Step::Before, Step::Load, Step::Values, Step::Finish] {
            let list = self.folder.path().join("list");
            fs::write(&list, plan.list(&plan.in_order(step))).unwrap();
            let mut restore = program(self.client, "pg_restore", target.cluster());
            restore.args(["-Fd", "-d", &conninfo_quoted(target.name()), "-L"]).arg(&list);
            if step == Step::Finish && self.jobs > 1 {
                restore.arg(format!("-j{}", self.jobs));
            }
            run_restore(restore.arg(self.folder.path().join("d")), self.client, target, step);
        }
        fs::write(self.toc_file(), before).unwrap();
    }
}

fn run_restore(restore: &mut Command, client: u32, target: &Database<'_>, step: Step) {
    let finished = command::run(restore, "");
    let stderr = finished.stderr();
    if client >= 17 && target.cluster().major() < 17 {
        // backup-experiments.md, E10
        let unknown = "ERROR:  unrecognized configuration parameter \"transaction_timeout\"";
        let errors: Vec<&str> = stderr.lines().filter(|line| line.contains("ERROR:")).collect();
        assert!(errors.iter().all(|line| line.ends_with(unknown)), "{step:?}: {stderr}");
    } else {
        assert_eq!(stderr, "", "{step:?}");
        finished.expect_success("pg_restore");
    }
}

/// A database of parts.sql.
pub fn shop(cluster: &Cluster) -> Database<'_> {
    let db = cluster.create_db("shop");
    db.psql_file(&data("parts.sql"));
    db
}

/// A copy of a database that nobody is connected to.
pub fn copy<'a>(db: &Database<'a>) -> Database<'a> {
    let copy = db.cluster().create_db("copy");
    let (from, to) = (quoted(db.name()), quoted(copy.name()));
    db.cluster().psql("postgres", &format!("DROP DATABASE {to}"));
    db.cluster().psql("postgres", &format!("CREATE DATABASE {to} TEMPLATE {from}"));
    copy
}

pub fn tables(names: &[&str]) -> Parts {
    Parts { tables: names.iter().map(|name| (*name).to_owned()).collect(), ..Parts::default() }
}

pub fn schemas(names: &[&str]) -> Parts {
    Parts { schemas: names.iter().map(|name| (*name).to_owned()).collect(), ..Parts::default() }
}

/// Narrows and must succeed.
#[track_caller]
pub fn narrowed(plan: &mut Plan, parts: &Parts) -> Narrowed {
    narrow(plan, parts).expect("the part is found")
}

/// Labels of the entries that are planned.
pub fn planned(plan: &Plan) -> Vec<String> {
    let mut labels: Vec<String> = (0..plan.toc.entries.len())
        .filter(|index| plan.is_planned(*index))
        .map(|index| plan.entry(index).label())
        .collect();
    labels.sort();
    labels
}

/// Labels of some entries, sorted.
pub fn labels(plan: &Plan, indexes: &[usize]) -> Vec<String> {
    let mut labels: Vec<String> = indexes.iter().map(|at| plan.entry(*at).label()).collect();
    labels.sort();
    labels
}

/// What is left out as missing: label and reason.
pub fn missing(plan: &Plan) -> Vec<String> {
    (0..plan.toc.entries.len())
        .filter_map(|index| match plan.fate(index) {
            Fate::LeftOut(left) if left.weight == Weight::Missing => {
                Some(format!("{}: {}", plan.entry(index).label(), left.reason))
            }
            _ => None,
        })
        .collect()
}

pub const CLIENTS: [u32; 3] = [15, 16, 18];
