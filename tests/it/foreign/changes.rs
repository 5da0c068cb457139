//! What happens to a file, and to its run, between its two readings and after.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use super::files::{Files, gzip, load_little, restore};
use super::stored::at;
use crate::harness::s3::{Fault, Faults, Kind, S3Server};
use crate::harness::{Cluster, Database, command};
use crate::scene::{PATIENCE, Psql, wait_for};

/// Waits until something of pgtend's waits for a lock.
fn wait_for_wait(database: &Database<'_>) {
    wait_for(
        database,
        "the wait for a lock",
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
         AND application_name LIKE 'pgtend%' AND wait_event_type = 'Lock'",
    );
}

/// A session that holds what this statement takes.
fn holder(database: &Database<'_>, statement: &str) -> Psql {
    let mut holder = Psql::start(database.cluster(), database.name());
    holder.send(&format!("BEGIN; {statement};"));
    wait_for(
        database,
        "the other session",
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
         AND application_name = 'application' AND state = 'idle in transaction'",
    );
    holder
}

#[test]
fn a_script_that_was_committed_is_not_said_to_be_undone() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("whole");
    load_little(&db);
    let (files, target) = (Files::new(), cluster.create_db("committed"));
    let file = files.dump(15, &db, &["-Fp"], "plain");
    // ANALYZE of everything waits for it.
    let holder = holder(
        &target,
        "LOCK TABLE pg_catalog.pg_statistic_ext_data IN SHARE UPDATE EXCLUSIVE MODE",
    );
    let run = restore(cluster, &file, &["--into", target.name(), "--yes"]).spawn();
    wait_for_wait(&target);
    run.signal(Signal::INT);
    let output = run.wait().expect_code(130);
    assert!(output.stderr.contains("the file is restored"), "{}", output.stderr);
    assert!(output.stderr.contains("--analyze-only"), "{}", output.stderr);
    assert!(!output.stderr.contains("undone"), "{}", output.stderr);
    holder.finish();
    assert_eq!(target.psql("SELECT count(*) FROM t"), "700");
}

#[test]
fn a_file_that_is_exchanged_before_it_is_loaded_is_no_success() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("exchanged");
    load_little(&db);
    let files = Files::new();
    let custom = fs::read(files.dump(15, &db, &["-Fc"], "c")).unwrap();
    let folder = files.dump(15, &db, &["-Fd"], "d");
    db.psql("UPDATE u SET note = 'of another day' WHERE t_id > 3");
    let later = fs::read(files.dump(15, &db, &["-Fc"], "c2")).unwrap();
    let later_folder = files.dump(15, &db, &["-Fd"], "d2");
    let cases = [(custom.clone(), later.clone()), (gzip(&custom), gzip(&later)), (vec![], vec![])];
    for (first, second) in cases {
        let target = cluster.create_db("target");
        let file = match first.is_empty() {
            true => folder.clone(),
            false => files.write("dump", &first),
        };
        // pg_restore cannot make its table as long as nobody knows whether there is one.
        let mut holder = holder(&target, "CREATE TABLE t (mine int)");
        let run = restore(cluster, &file, &["--into", target.name(), "--yes"]).spawn();
        wait_for_wait(&target);
        let marks = fs::read_dir("/").unwrap().map(|entry| entry.unwrap().file_name());
        let marks: Vec<_> = marks.filter(|n| n.to_string_lossy().starts_with("in-use-")).collect();
        assert!(marks.is_empty(), "no repository is at /: {marks:?}");
        match first.is_empty() {
            true => {
                fs::rename(&folder, files.path("before")).unwrap();
                fs::rename(&later_folder, &folder).unwrap();
            }
            false => fs::rename(files.write("new", &second), &file).unwrap(),
        }
        holder.send("ROLLBACK;");
        holder.finish();
        let output = run.wait().expect_code(74);
        assert!(output.stderr.contains("changed while it was restored"), "{}", output.stderr);
        assert!(output.stderr.contains("another file than a moment ago"), "{}", output.stderr);
    }
}

#[test]
fn a_run_that_is_stopped_while_it_copies_leaves_no_copy() {
    let db = Cluster::shared().create_db("copied");
    load_little(&db);
    let (files, server) = (Files::new(), S3Server::start());
    for entry in fs::read_dir(files.dump(15, &db, &["-Fd"], "d")).unwrap().map(Result::unwrap) {
        let key = format!("d/{}", entry.file_name().into_string().unwrap());
        server.put(&key, fs::read(entry.path()).unwrap());
    }
    server.fail(Faults::none().always(Kind::Get, Fault::Silence).only_keys_with(".dat.gz"));
    let temporary = tempfile::tempdir().unwrap();
    let address = server.repository("d");
    let run = restore(db.cluster(), Path::new(&address), &["--into", "x", "--create", "--yes"]);
    let run = at(&server, run).env("TMPDIR", temporary.path()).spawn();
    let asked = || server.requests_of(Kind::Get).iter().any(|get| get.key.ends_with(".dat.gz"));
    assert!(command::until(PATIENCE, || asked().then_some(())).is_some());
    let left = || fs::read_dir(temporary.path()).unwrap().count();
    assert_eq!(left(), 1, "a copy is under way");
    run.signal(Signal::INT);
    let output = run.wait().expect_code(130);
    assert!(output.stderr.contains("nothing was changed"), "{}", output.stderr);
    assert_eq!(left(), 0);
}
