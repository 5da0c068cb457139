//! psql is the oracle for connecting: where psql connects, pgtend connects, to the same database
//! as the same user, encrypted or not alike; where psql does not, neither does pgtend. Differences
//! on purpose carry their reason, and must be differences.

mod environment;
mod keywords;
mod passfile;
mod service;
mod tls;
mod tls_more;

use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::harness::Pgtend;
use crate::harness::command::{self, Finished};
use crate::harness::oracle::Libpq;

/// Cells at a time: most of each is waiting.
const THREADS: usize = 4;

/// One way of asking for a connection, for both programs.
#[derive(Clone, Debug)]
struct Cell {
    /// What is special about it.
    name: String,
    /// A connection string; none leaves all to the environment.
    conninfo: String,
    env: Vec<(String, String)>,
    /// The home folder; an empty one when there is none.
    home: Option<PathBuf>,
    libpq: Libpq,
    /// Why pgtend differs here on purpose.
    differs: Option<&'static str>,
}

impl Cell {
    fn new(name: impl Into<String>, conninfo: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            conninfo: conninfo.into(),
            env: Vec::new(),
            home: None,
            libpq: Libpq::System,
            differs: None,
        }
    }

    fn env(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }

    fn home(mut self, home: &Path) -> Self {
        self.home = Some(home.to_owned());
        self
    }

    fn newest(mut self) -> Self {
        self.libpq = Libpq::Newest;
        self
    }

    fn differs(mut self, why: &'static str) -> Self {
        self.differs = Some(why);
        self
    }

    fn psql(&self, empty: &Path) -> Finished {
        let mut psql = self.libpq.psql();
        psql.args([
            "-c",
            "SELECT current_database(), current_user, ssl FROM pg_stat_ssl \
                          WHERE pid = pg_backend_pid()",
        ]);
        if !self.conninfo.is_empty() {
            psql.args(["-d", &self.conninfo]);
        }
        self.surround(&mut psql, empty);
        command::run(&mut psql, "")
    }

    fn pgtend(&self, empty: &Path) -> Finished {
        let pgtend = Pgtend::new().args(["--show-server", "--no-password", "--format=json"]);
        let mut pgtend = pgtend.command();
        if !self.conninfo.is_empty() {
            pgtend.args(["--url", &self.conninfo]);
        }
        // Building a connector loads the system's authorities, and nothing here is from them.
        pgtend.env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", "/nowhere");
        self.surround(&mut pgtend, empty);
        command::run(&mut pgtend, "")
    }

    fn surround(&self, command: &mut Command, empty: &Path) {
        // Names of files may be relative: there is nothing here, and nothing is left behind.
        command.current_dir(empty);
        command.env("HOME", self.home.as_deref().unwrap_or(empty));
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
    }
}

/// How a program fared.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// `database user encrypted`.
    Connected(String),
    Failed,
}

fn of_psql(finished: &Finished) -> Outcome {
    match finished.status.code() {
        Some(0) => Outcome::Connected(finished.stdout().trim_end().replace('|', " ")),
        Some(2) => Outcome::Failed,
        _ => panic!("psql did not end as it should: {}", finished.stderr()),
    }
}

fn of_pgtend(finished: &Finished) -> Outcome {
    match finished.status.code() {
        Some(0) => {
            let answer: serde_json::Value = serde_json::from_slice(&finished.stdout).unwrap();
            let report = &answer["report"];
            let encrypted = if report["encrypted"].as_bool().unwrap() { "t" } else { "f" };
            let text = |name: &str| report[name].as_str().unwrap().to_owned();
            Outcome::Connected(format!("{} {} {encrypted}", text("database"), text("user")))
        }
        Some(64 | 69 | 75) => Outcome::Failed,
        _ => panic!("pgtend did not end as it should: {}", finished.stderr()),
    }
}

/// Tries every cell with both programs and shows all disagreements at once; gives psql's outcomes.
#[track_caller]
fn compare(cells: &[Cell]) -> Vec<Outcome> {
    let empty = tempfile::tempdir().unwrap();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, cell)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            cells.get(at).map(|cell| (at, cell))
        } {
            let (theirs, ours) = (cell.psql(empty.path()), cell.pgtend(empty.path()));
            let (psql, pgtend) = (of_psql(&theirs), of_pgtend(&ours));
            let fault = match (psql == pgtend, cell.differs) {
                (true, None) => None,
                (false, Some(_)) => None,
                (true, Some(why)) => Some(format!("no difference, but: {why}")),
                (false, _) => Some(format!(
                    "{psql:?}, but pgtend: {pgtend:?}\n{}{}",
                    theirs.stderr(),
                    ours.stderr()
                )),
            };
            done.lock().unwrap().push((at, psql, fault));
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, ..)| *at);
    let mut report = String::new();
    let mut count = 0;
    for (at, _, fault) in &done {
        if let Some(fault) = fault {
            count += 1;
            let Cell { name, conninfo, env, .. } = &cells[*at];
            // Hundreds of the same kind would bury the rest.
            if count <= 60 {
                writeln!(report, "--- {name}\n{conninfo} {env:?}\npsql: {fault}").unwrap();
            } else {
                writeln!(report, "--- {name}").unwrap();
            }
        }
    }
    assert_eq!(done.len(), cells.len());
    assert!(report.is_empty(), "{count} of {} cells differ:\n{report}", cells.len());
    done.into_iter().map(|(_, psql, _)| psql).collect()
}

/// A test that never connects, or always, has lost its subject.
#[track_caller]
fn expect_a_mix(outcomes: &[Outcome]) {
    let connected = outcomes.iter().filter(|outcome| **outcome != Outcome::Failed).count();
    let share = connected * 100 / outcomes.len();
    assert!((5..=95).contains(&share), "{connected} of {} connect", outcomes.len());
}
