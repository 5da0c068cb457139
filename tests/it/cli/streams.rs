//! The answer on stdout, talk on stderr; JSON for programs.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::harness::{Cluster, Database, Pgtend, command};

fn with_rows(prefix: &str) -> Database<'static> {
    let db = Cluster::shared().create_db(prefix);
    db.psql("CREATE TABLE t AS SELECT n, md5(n::text) AS text FROM generate_series(1, 5000) AS n");
    db
}

fn backup(db: &Database<'_>, repo: &Path) -> Pgtend {
    Pgtend::new().args(["backup", "-j2", "--url", &db.url()]).arg("-r").arg(repo)
}

#[test]
fn quiet_says_nothing_but_the_answer() {
    let db = with_rows("cli_quiet");
    let folder = tempfile::tempdir().unwrap();
    let output = backup(&db, folder.path()).arg("-q").run().expect_code(0);
    assert_eq!(output.stderr, "");
    assert!(output.stdout.contains("is complete\n"), "{}", output.stdout);
    let verify = Pgtend::new().args(["verify-backup", "latest", "-q", "-r"]).arg(folder.path());
    let output = verify.run().expect_code(0);
    assert_eq!(output.stderr, "");
    assert!(!output.stdout.is_empty());
}

#[test]
fn normal_talk_says_which_server_and_what_next() {
    let db = with_rows("cli_talk");
    let folder = tempfile::tempdir().unwrap();
    let output = backup(&db, folder.path()).run().expect_code(0);
    let port = db.cluster().port();
    let lines: Vec<_> = output.stderr.lines().collect();
    let using = format!("note: using --url, 127.0.0.1:{port}/{} as postgres", db.name());
    assert_eq!(lines[0], using);
    assert!(lines.last().unwrap().starts_with("note: next: pgtend verify-backup 2"), "{lines:?}");
    // What is suggested works as it stands.
    let next = lines.last().unwrap().strip_prefix("note: next: pgtend ").unwrap();
    Pgtend::new().args(next.split(' ')).run().expect_code(0);
    let verbose = backup(&db, folder.path()).arg("-v").run().expect_code(0);
    assert!(verbose.stderr.contains(" s  copying\n"), "{}", verbose.stderr);
}

#[test]
fn json_is_one_document_with_the_values() {
    let db = with_rows("cli_json");
    let folder = tempfile::tempdir().unwrap();
    let made = backup(&db, folder.path()).arg("--format=json").run().expect_code(0).json();
    assert_eq!(made["schema"], "pgtend/1");
    assert_eq!(made["pgtend"], env!("CARGO_PKG_VERSION"));
    assert_eq!(made["command"], "backup");
    assert_eq!(made["target"], serde_json::Value::Null);
    assert_eq!(made["exit"], 0);
    made["at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let report = &made["report"];
    assert_eq!(report["database"], db.name());
    assert_eq!(report["totals"]["rows"], 5000);
    assert_eq!(report["totals"]["tables"], 1);
    assert_eq!(report["jobs"], 2);

    let path = folder.path().join(report["folder"].as_str().unwrap()).join("manifest.json");
    let manifest: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(manifest["id"], report["id"]);
    assert_eq!(manifest["totals"], report["totals"]);

    let repo = folder.path().to_str().unwrap();
    let json = |arguments: &[&str]| {
        Pgtend::new()
            .args(arguments)
            .args(["--format=json", "-r", repo])
            .run()
            .expect_code(0)
            .json()
    };
    let verified = json(&["verify-backup", "latest"]);
    assert_eq!(verified["command"], "verify-backup");
    assert_eq!(verified["exit"], 0);
    let listed = json(&["backup", "list"]);
    assert_eq!(listed["report"]["backups"][0]["id"], report["id"]);
    assert_eq!(listed["report"]["backups"][0]["state"], "complete");
    let shown = json(&["backup", "show", "latest"]);
    assert_eq!(shown["report"]["manifest"]["totals"], report["totals"]);
}

/// Off a terminal there is no colour, whether NO_COLOR is set or not.
#[test]
fn no_escape_codes_off_a_terminal() {
    let db = with_rows("cli_plain");
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["backup", "-v"][..],
        &["backup", "list"],
        &["backup", "show", "latest"],
        &["verify-backup", "latest", "-v"],
        &["verify-backup", "nothing"],
        &["bakcup"],
        &["--help"],
        &["-h"],
    ] {
        let pgtend = Pgtend::new().args(arguments).env("PGTEND_REPO", folder.path());
        let output = pgtend.env("DATABASE_URL", db.url()).env("NO_COLOR", "").run();
        let text = output.stdout + &output.stderr;
        assert!(!text.contains('\x1b') && !text.contains('\r'), "{arguments:?}: {text:?}");
    }
}

/// A reader that has seen enough ends nothing but the printing.
#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let pgtend = Pgtend::new().args(["backup", "list", "-r"]).arg(folder.path());
    let mut child = pgtend.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let stderr = command::read_all(child.stderr.take().unwrap());
    assert!(child.wait().unwrap().success());
    assert_eq!(String::from_utf8(stderr.join().unwrap()).unwrap(), "");
}

/// What cannot be written is not passed over.
#[test]
fn a_full_stdout_is_exit_74() {
    let folder = tempfile::tempdir().unwrap();
    let pgtend = Pgtend::new().args(["backup", "list", "-r"]).arg(folder.path());
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let finished = pgtend.command().stdout(full).output().unwrap();
    assert_eq!(finished.status.code(), Some(74));
    let said = String::from_utf8(finished.stderr).unwrap();
    assert!(said.starts_with("error: cannot write to standard output\n"), "{said}");
}
