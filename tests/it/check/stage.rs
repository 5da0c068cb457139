//! Faults, staged on a real server, and what a check has to say before and after.

use std::any::Any;
use std::fs;

use serde_json::Value;

use crate::harness::{Cluster, Database, Pgtend, command};

/// The fault of one check.
pub struct Stage {
    pub id: &'static str,
    /// What is there before the fault, and is healthy.
    pub before: &'static str,
    pub fault: Fault,
    /// The start of the finding's object.
    pub object: &'static str,
    pub level: &'static str,
    /// Lines of pgtend.toml, from `[check]` on: lower limits.
    pub settings: &'static str,
    pub arguments: &'static [&'static str],
    /// What is done before, beyond statements.
    pub prepared: fn(&Database<'_>),
    /// Whether the look after the fault is compared with the one before it.
    pub is_rate: bool,
    /// Whether it is worth knowing before the fault too: the fault is what gives it weight.
    pub is_known: bool,
}

/// How a fault comes about.
pub enum Fault {
    /// Statements in the database of the stage.
    Sql(&'static str),
    /// Anything else; what it gives back lives until the check has looked.
    Acted(fn(&Database<'_>) -> Box<dyn Any>),
    /// What an application declares, before and after: files for `--env-file`.
    EnvFile { healthy: &'static str, faulty: &'static str },
    /// The same as Acted, to be seen on another server or database: its URL.
    There(fn(&Database<'_>) -> (Box<dyn Any>, String)),
    /// It cannot be staged within 30 s: rows of one question, as such a server gave them.
    Recorded { question: &'static str, rows: &'static str },
    /// The same for a fact beside those of the server.
    Beside { name: &'static str, value: &'static str },
}

impl Stage {
    /// A stage without anything before it, with standard limits.
    pub const fn new(
        id: &'static str,
        level: &'static str,
        object: &'static str,
        fault: Fault,
    ) -> Self {
        Self {
            id,
            before: "",
            fault,
            object,
            level,
            settings: "",
            arguments: &[],
            prepared: |_| {},
            is_rate: false,
            is_known: false,
        }
    }

    /// With this there before.
    #[must_use]
    pub const fn after(self, before: &'static str) -> Self {
        Self { before, ..self }
    }

    /// With these lines of pgtend.toml.
    #[must_use]
    pub const fn with(self, settings: &'static str) -> Self {
        Self { settings, ..self }
    }

    /// With this done before.
    #[must_use]
    pub const fn prepared(self, prepared: fn(&Database<'_>)) -> Self {
        Self { prepared, ..self }
    }

    /// With the look before the fault as the earlier sample.
    #[must_use]
    pub const fn rate(self) -> Self {
        Self { is_rate: true, ..self }
    }

    /// Told as worth knowing before the fault.
    #[must_use]
    pub const fn known(self) -> Self {
        Self { is_known: true, ..self }
    }

    /// With these arguments.
    #[must_use]
    pub const fn args(self, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..self }
    }
}

/// The exit code of a verdict.
fn code(status: &str) -> i32 {
    match status {
        "warning" => 1,
        "critical" => 2,
        "unknown" => 3,
        _ => 0,
    }
}

/// Runs one check against a database, or judges what was saved of one, and gives what it says: the
/// code has to fit.
#[track_caller]
pub fn checked(url: &str, id: &str, settings: &str, arguments: &[&str]) -> Value {
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("check.toml");
    fs::write(&config, settings).unwrap();
    let server = if arguments.contains(&"--from") { vec![] } else { vec!["--url", url] };
    let pgtend = pgtend.args(["check", "--format=json", "--only", id]).args(server).arg("--config");
    let output = pgtend.arg(&config).args(arguments).run();
    assert!(output.code < 4, "{id}: exit {}\n{}", output.code, output.stderr);
    let mut document = output.json();
    let check = document["report"]["servers"][0]["checks"][0].take();
    assert_eq!(check["id"], id, "{document}");
    assert_eq!(output.code, code(check["status"].as_str().unwrap()), "{check}");
    check
}

/// The findings about this object.
fn about<'a>(check: &'a Value, object: &str) -> Vec<&'a Value> {
    let findings = check["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["object"].as_str().unwrap().starts_with(object)).collect()
}

/// Plays all stages, each in a database of its own: silent before the fault, and not after it.
#[track_caller]
pub fn play(cluster: &Cluster, stages: &[Stage]) {
    let mut failed = Vec::new();
    for stage in stages {
        let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(cluster, stage)));
        if played.is_err() {
            failed.push(stage.id);
        }
    }
    assert!(failed.is_empty(), "{failed:?}; see above");
}

fn one(cluster: &Cluster, stage: &Stage) {
    let Stage { id, object, level, settings, .. } = *stage;
    let home = Pgtend::new();
    let state = home.home().join("state.json");
    let arguments = match stage.is_rate {
        true => [stage.arguments, &["--state", state.to_str().unwrap()]].concat(),
        false => stage.arguments.to_vec(),
    };
    let arguments = arguments.as_slice();
    let db = cluster.create_db("check");
    if !stage.before.is_empty() {
        db.psql(stage.before);
    }
    (stage.prepared)(&db);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app");
    let of_file = [arguments, &["--env-file", file.to_str().unwrap()]].concat();
    let arguments = match &stage.fault {
        Fault::EnvFile { healthy, .. } => {
            fs::write(&file, healthy).unwrap();
            &of_file
        }
        _ => arguments,
    };
    let healthy = checked(&db.url(), id, settings, arguments);
    let mut before = about(&healthy, object);
    before.retain(|finding| !stage.is_known || finding["level"] != "info");
    assert_eq!(before, Vec::<&Value>::new(), "{id} before the fault");
    assert_ne!(healthy["status"], "unknown", "{id} before the fault: {healthy}");
    let (fired, kept) = match &stage.fault {
        Fault::Sql(sql) => {
            db.psql(sql);
            (checked(&db.url(), id, settings, arguments), None)
        }
        Fault::Acted(act) => {
            let kept = act(&db);
            (checked(&db.url(), id, settings, arguments), Some(kept))
        }
        Fault::EnvFile { faulty, .. } => {
            fs::write(&file, faulty).unwrap();
            (checked(&db.url(), id, settings, arguments), None)
        }
        Fault::There(act) => {
            let (kept, url) = act(&db);
            (checked(&url, id, settings, arguments), Some(kept))
        }
        Fault::Recorded { question, rows } => (recorded(&db, stage, question, rows), None),
        Fault::Beside { name, value } => {
            let put =
                |facts: &mut Value| facts["beside"][name] = serde_json::from_str(value).unwrap();
            (replayed(&db, stage, put), None)
        }
    };
    drop(kept);
    let found = about(&fired, object);
    assert!(!found.is_empty(), "{id} says nothing about {object}: {fired}");
    assert_eq!(found[0]["level"], level, "{id}: {fired}");
    assert_eq!(found[0]["key"], format!("{id}:{}", found[0]["object"].as_str().unwrap()));
    assert!(!found[0]["says"].as_str().unwrap().is_empty(), "{id}: {fired}");
}

/// The facts of this database with other rows for one question, judged from the file.
fn recorded(db: &Database<'_>, stage: &Stage, question: &str, rows: &str) -> Value {
    replayed(db, stage, |facts| {
        let answer = &mut facts["answers"][question];
        assert!(answer["rows"].is_array(), "{}: {question} was not answered: {answer}", stage.id);
        answer["rows"] = serde_json::from_str(rows).unwrap();
    })
}

/// The facts of this database with a change, judged from the file.
fn replayed(db: &Database<'_>, stage: &Stage, change: impl FnOnce(&mut Value)) -> Value {
    let home = Pgtend::new();
    let path = home.home().join("facts.json");
    let file = path.to_str().unwrap();
    let arguments = [stage.arguments, &["--save", file]].concat();
    checked(&db.url(), stage.id, stage.settings, &arguments);
    let mut facts: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    change(&mut facts);
    fs::write(&path, facts.to_string()).unwrap();
    checked(&db.url(), stage.id, stage.settings, &[stage.arguments, &["--from", file]].concat())
}

/// Waits for a state, as statistics come late: a statement that says `t` then.
#[track_caller]
pub fn until(db: &Database<'_>, sql: &str) {
    until_in(db.cluster(), db.name(), sql);
}

/// The same in any database.
#[track_caller]
pub fn until_in(cluster: &Cluster, db: &str, sql: &str) {
    let come = command::until(command::LIMIT, || (cluster.psql(db, sql) == "t").then_some(()));
    assert!(come.is_some(), "it does not come to: {sql}");
}
