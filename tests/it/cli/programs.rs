//! pg_dump: the right one is found, and its absence names the package.

use std::fs;

use crate::harness::{Cluster, ClusterSpec, Pgtend, tools};

#[test]
fn no_pg_dump_names_the_package() {
    let folder = tempfile::tempdir().unwrap();
    let db = Cluster::shared().create_db("cli_programs");
    let repo = folder.path().join("repo");
    let bindir = folder.path().join("bin");
    fs::create_dir(&bindir).unwrap();
    let pgtend = Pgtend::new().args(["backup", "-q", "--url", &db.url(), "-r"]).arg(&repo);
    let output = pgtend.env("PGTEND_PG_BINDIR", &bindir).env("PATH", "").run().expect_code(69);
    let expected = format!(
        "error: no pg_dump of PostgreSQL 15 or newer is installed
  while: looking at the server
  cause: no pg_dump was found in {0}
  next:  install the package postgresql-client-15 (Debian, Ubuntu) or postgresql15 (Red Hat, Amazon Linux)
  next:  or set PGTEND_PG_BINDIR to the folder that holds it: it is {0} now, and nothing else is looked at
  also:  there is no complete backup of {1} in {2}
  exit:  69
",
        bindir.display(),
        db.name(),
        repo.display(),
    );
    assert_eq!(output.stderr, expected);
    assert!(!repo.exists());
}

/// An older pg_dump may not know what a newer server has: it is never used.
#[test]
fn a_pg_dump_older_than_the_server_is_refused() {
    let cluster = ClusterSpec::major(18).start();
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    let run = |client: u32| {
        let url = cluster.url("postgres");
        let pgtend = Pgtend::new().args(["backup", "-q", "-j1", "--url", &url, "-r"]).arg(&repo);
        pgtend.env("PGTEND_PG_BINDIR", tools::client_bindir(client)).run()
    };
    let output = run(15).expect_code(69);
    let folder = tools::client_bindir(15);
    let expected = format!(
        "error: no pg_dump of PostgreSQL 18 or newer is installed
  while: looking at the server
  cause: found only older ones: 15 in {0}
  next:  install the package postgresql-client-18 (Debian, Ubuntu) or postgresql18 (Red Hat, Amazon Linux)
  next:  or set PGTEND_PG_BINDIR to the folder that holds it: it is {0} now, and nothing else is looked at
  also:  there is no complete backup of postgres in {1}
  exit:  69
",
        folder.display(),
        repo.display(),
    );
    assert_eq!(output.stderr, expected);
    assert!(!repo.exists());
    run(18).expect_code(0);
}

/// What PATH has is found where the usual folders have none that fits.
#[test]
fn pg_dump_is_found_on_path() {
    let db = Cluster::shared().create_db("cli_path");
    let folder = tempfile::tempdir().unwrap();
    let pgtend = Pgtend::new().args(["backup", "--format=json", "--url", &db.url(), "-r"]);
    let output = pgtend.arg(folder.path()).client(16).run().expect_code(0);
    // The server's own major is taken before a newer one.
    let version = output.json()["report"]["pg_dump"].as_str().unwrap().to_owned();
    assert!(version.starts_with("15."), "{version}");
}
