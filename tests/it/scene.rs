//! What the tests of faults share: a repository to look into, runs of backup and verify-backup,
//! and what is left on the server.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pgtend::archive::rowhash::RowSum;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Cluster, Database, Pgtend, Proxy, command};

/// How long anything that must happen may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A repository of backups.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("pgt-repo").tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A backup of the database behind this URL, with its report as JSON.
    pub fn backup(&self, url: &str) -> Pgtend {
        Pgtend::new()
            .args(["backup", "--format", "json", "--url", url])
            .arg("--repo")
            .arg(self.path())
            .time_limit(Duration::from_secs(180))
    }

    /// Reads every byte of the newest backup; fails unless all of it is right.
    #[track_caller]
    pub fn verify(&self) {
        let run = Pgtend::new().args(["verify-backup", "latest", "--level", "content", "--repo"]);
        run.arg(self.path()).run().expect_code(0);
    }

    /// The folders of backups, whole or not.
    pub fn backups(&self) -> Vec<PathBuf> {
        let mut level = vec![self.path().to_owned()];
        for _ in 0..3 {
            level = level.iter().flat_map(|folder| entries(folder)).collect();
        }
        level.sort();
        level
    }

    /// The one backup that is there.
    #[track_caller]
    pub fn only(&self) -> PathBuf {
        let backups = self.backups();
        assert_eq!(backups.len(), 1, "{backups:?}");
        backups[0].clone()
    }

    /// The record of the one backup that is there.
    #[track_caller]
    pub fn manifest(&self) -> Value {
        let path = self.only().join("manifest.json");
        serde_json::from_slice(&fs::read(path).expect("the backup is published")).unwrap()
    }

    /// Fails when anything of a backup is there.
    #[track_caller]
    pub fn assert_empty(&self) {
        let backups = self.backups();
        assert!(backups.is_empty(), "left behind: {:?}", backups.iter().map(|b| (b, entries(b))));
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).map(|all| all.map(|entry| entry.unwrap().path()).collect());
    listed.unwrap_or_default()
}

/// Every file below a folder, sorted, by its path in it.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, files) } else { files.push(path) }
        }
    }
    let mut files = Vec::new();
    walk(folder, &mut files);
    files.iter_mut().for_each(|file| *file = file.strip_prefix(folder).unwrap().to_owned());
    files.sort();
    files
}

/// The URL of a database behind a proxy.
pub fn through(proxy: &Proxy, database: &Database<'_>) -> String {
    format!("postgresql://postgres@127.0.0.1:{}/{}", proxy.port(), database.name())
}

/// Rows and hash of a table, from the server's own COPY through psql.
#[track_caller]
pub fn sum_on_server(database: &Database<'_>, table: &str) -> RowSum {
    let copy = format!("COPY {table} TO STDOUT");
    let arguments = ["-XAtq", "-d", database.name(), "-c", &copy];
    let rows = database.cluster().run_client("psql", &arguments).expect_success("psql").stdout;
    let mut sum = RowSum::default();
    sum.add_lines(&rows);
    sum
}

/// Rows and hash of a table, as a manifest tells them.
#[track_caller]
pub fn sum_in_manifest(manifest: &Value, table: &str) -> RowSum {
    let objects = manifest["objects"].as_array().expect("objects");
    let found: Vec<&Value> =
        objects.iter().map(|object| &object["table"]).filter(|t| t["name"] == table).collect();
    assert_eq!(found.len(), 1, "{table} in {objects:?}");
    sum_of(found[0])
}

/// Rows and hash of one object's table.
pub fn sum_of(table: &Value) -> RowSum {
    RowSum {
        rows: table["rows"].as_u64().unwrap(),
        hash: table["row_hash"].as_str().unwrap().parse().expect("a hash"),
    }
}

/// Makes a table of so many MiB of plain text, 1000 bytes a row, never compressed by the server.
pub fn make_table(database: &Database<'_>, table: &str, mebibytes: u32) {
    let rows = mebibytes * 1024;
    database.psql(&format!(
        "CREATE TABLE {table} (id int, pad text);
         INSERT INTO {table} SELECT i, repeat(md5(i::text), 31) FROM generate_series(1, {rows}) i"
    ));
}

/// Backends of pgtend and pg_dump in a database, as `pid state wait query`.
pub fn backends(database: &Database<'_>) -> String {
    database.cluster().psql(
        "postgres",
        &format!(
            "SELECT pid, application_name, state, wait_event, left(query, 60)
               FROM pg_stat_activity
              WHERE datname = '{}' AND application_name ~ 'pgtend|pg_dump'",
            database.name()
        ),
    )
}

/// Fails unless pgtend's backends and pg_dump's processes go away, long before a time limit of
/// theirs ends them.
#[track_caller]
pub fn assert_nothing_runs(database: &Database<'_>) {
    const SOON: Duration = Duration::from_secs(20);
    let left = || (backends(database), dumps_of(database));
    let gone = command::until(SOON, || {
        let (backends, dumps) = left();
        (backends.is_empty() && dumps.is_empty()).then_some(())
    });
    assert!(gone.is_some(), "still there after {SOON:?}: {:?}", left());
}

/// Command lines of pg_dump and pg_dumpall that name the database or its port.
fn dumps_of(database: &Database<'_>) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains("pg_dump") && line.contains(database.name()))
        .collect()
}

/// Waits until a query on the server gives `t`.
#[track_caller]
pub fn wait_for(database: &Database<'_>, what: &str, sql: &str) {
    let come = command::until(PATIENCE, || (database.psql(sql) == "t").then_some(()));
    assert!(come.is_some(), "{what} did not come within {PATIENCE:?}");
}

/// Waits until so many bytes came down through the proxy.
#[track_caller]
pub fn wait_for_bytes(proxy: &Proxy, bytes: u64) {
    let come = command::until(PATIENCE, || (proxy.bytes_down() >= bytes).then_some(()));
    assert!(come.is_some(), "only {} bytes came, not {bytes}", proxy.bytes_down());
}

/// The same, and then lets next to nothing follow until the test sets another rate: what it does
/// before that, it does in the middle.
#[track_caller]
pub fn slow_down_after(proxy: &Proxy, bytes: u64) {
    wait_for_bytes(proxy, bytes);
    proxy.rate_limit(Some(64 << 10));
}

/// The backend that holds pgtend's advisory lock in the database: the coordinator's.
#[track_caller]
pub fn coordinator_pid(database: &Database<'_>) -> String {
    let sql = "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()";
    let pid = command::until(PATIENCE, || Some(database.psql(sql)).filter(|pid| !pid.is_empty()));
    pid.expect("a coordinator")
}

/// A session of the application: psql that is given statement after statement.
#[derive(Debug)]
pub struct Psql {
    child: Child,
    stdin: Option<ChildStdin>,
    streams: Option<[JoinHandle<Vec<u8>>; 2]>,
    started: Instant,
}

impl Psql {
    /// Its statements end with an error after 60 s.
    pub fn start(cluster: &Cluster, database: &str) -> Self {
        let mut psql = cluster.client("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database]);
        psql.env("PGOPTIONS", "-c statement_timeout=60s").env("PGAPPNAME", "application");
        let streams = psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = streams.spawn().unwrap();
        let stdin = child.stdin.take();
        let streams = Some([
            command::read_all(child.stdout.take().unwrap()),
            command::read_all(child.stderr.take().unwrap()),
        ]);
        Self { child, stdin, streams, started: Instant::now() }
    }

    /// Gives it statements; does not wait for them.
    pub fn send(&mut self, sql: &str) {
        writeln!(self.stdin.as_mut().unwrap(), "{sql}").expect("psql listens");
    }

    /// True once it has ended, which it does only after [`Self::close`] or an error.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// No more statements will come.
    pub fn close(&mut self) {
        self.stdin = None;
    }

    /// Waits until all statements are done; gives what they printed and how long all took.
    #[track_caller]
    pub fn finish(mut self) -> (String, Duration) {
        self.close();
        let status = command::wait(&mut self.child, PATIENCE * 2);
        let [stdout, stderr] = self.streams.take().unwrap();
        let took = self.started.elapsed();
        let status = status.unwrap_or_else(|| panic!("psql is still there after {took:?}"));
        let text = |bytes: JoinHandle<Vec<u8>>| String::from_utf8(bytes.join().unwrap()).unwrap();
        let stderr = text(stderr);
        assert!(status.success(), "psql: {stderr}");
        (text(stdout).trim_end().to_owned(), took)
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        self.stdin = None;
        if self.streams.is_some() && self.child.kill().is_ok() {
            self.child.wait().unwrap();
        }
    }
}

/// How long a churn may go on.
const CHURN: Duration = Duration::from_secs(1200);

/// Calls a procedure that runs until its table `stop` has a row; see [`Churn::end`].
#[derive(Debug)]
pub struct Churn<'a> {
    database: &'a Database<'a>,
    thread: Option<JoinHandle<Result<String, String>>>,
}

impl<'a> Churn<'a> {
    /// `body` is PL/pgSQL that is run again and again, with a pause of 0 to `pause` after each.
    pub fn start(database: &'a Database<'a>, body: &str, pause: Duration) -> Self {
        let pause = pause.as_secs_f64();
        database.psql(&format!(
            "CREATE SCHEMA churn; CREATE TABLE churn.stop (); CREATE TABLE churn.rounds (n bigint);
             CREATE PROCEDURE churn.go() LANGUAGE plpgsql AS $$
             DECLARE n bigint := 0;
             BEGIN
                WHILE NOT EXISTS (SELECT FROM churn.stop) LOOP
                    {body}
                    COMMIT;
                    PERFORM pg_sleep(random() * {pause});
                    n := n + 1;
                END LOOP;
                INSERT INTO churn.rounds VALUES (n);
             END $$"
        ));
        let mut psql = database.cluster().client("psql");
        psql.args(["-XAtq", "-d", database.name(), "-c", "CALL churn.go()"]);
        let thread = thread::spawn(move || {
            let finished = command::run_within(CHURN, &mut psql, "");
            if finished.status.success() { Ok(finished.stdout()) } else { Err(finished.stderr()) }
        });
        Self { database, thread: Some(thread) }
    }

    /// Ends it; gives the number of rounds.
    #[track_caller]
    pub fn end(mut self) -> u64 {
        self.database.psql("INSERT INTO churn.stop DEFAULT VALUES");
        self.thread.take().unwrap().join().unwrap().expect("the churn goes on to its end");
        self.database.psql("SELECT n FROM churn.rounds").parse().unwrap()
    }
}
