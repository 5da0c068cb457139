//! A whole trial, by the command line.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::backup_right::repo::{Repo, client_major};
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, ClusterSpec, Pgtend, tools};

/// `verify-backup latest --level restore`, with programs that fit this server.
pub fn trial<S: AsRef<std::ffi::OsStr>>(
    repo: &Repo,
    cluster: &Cluster,
    arguments: impl IntoIterator<Item = S>,
) -> Pgtend {
    let run = repo.pgtend(["verify-backup", "latest", "--level", "restore", "-j2"]);
    let client = tools::client_bindir(client_major(cluster)).display().to_string();
    let server = tools::server_bindir(cluster.major()).display().to_string();
    run.args(arguments)
        .env("PATH", format!("{client}:{server}:/usr/sbin:/usr/bin:/sbin:/bin"))
        .time_limit(Duration::from_secs(180))
}

/// The report of the one backup.
#[track_caller]
pub fn report(output: &Output) -> Value {
    output.json()["report"]["backups"][0].take()
}

#[test]
fn everything_that_is_hard_to_dump_passes_a_trial() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("trial");
    db.load_awkward();
    let repo = Repo::new();
    repo.backup(&db, &["-j2"]);
    let output = trial(&repo, cluster, [""; 0]).run().expect_code(0);
    let report = report(&output);
    assert_eq!((&report["passed"], &report["level"]), (&true.into(), &"restore".into()));
    let trial = &report["trial"];
    for (count, least) in [
        ("tables", 20),
        ("rows", 500),
        ("sequences", 3),
        ("large_objects", 2),
        ("objects_found", 40),
        ("indexes_checked", 5),
        ("heaps_checked", 20),
    ] {
        assert!(trial[count].as_u64() >= Some(least), "{count}: {trial}");
    }
    assert_eq!(trial["objects"], trial["restored"], "{trial}");
    assert!(trial["restore_seconds"].as_f64() > Some(0.0), "{trial}");
    assert!(trial["scratch"].as_str().unwrap().contains("PostgreSQL 15."), "{trial}");
    let proof = repo.pgtend(["backup", "list"]).run().expect_code(0).json();
    let proof = &proof["report"]["backups"][0]["verified"];
    assert_eq!((&proof["level"], &proof["passed"]), (&"restore".into(), &true.into()), "{proof}");
    // A later and weaker proof does not hide it.
    repo.pgtend(["verify-backup", "latest"]).run().expect_code(0);
    let proof = repo.pgtend(["backup", "list"]).run().expect_code(0).json();
    assert_eq!(proof["report"]["backups"][0]["verified"]["level"], "restore");
}

#[test]
fn a_trial_is_told_to_people() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("told");
    db.psql("CREATE TABLE t (id serial PRIMARY KEY, v text); INSERT INTO t (v) VALUES ('x')");
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let run =
        Pgtend::new().args(["verify-backup", "latest", "--level=restore", "--no-record", "-r"]);
    let text = run.arg(repo.path()).run().expect_code(0).stdout;
    eprintln!("{text}");
    for word in [
        "passed verification at level restore",
        "restored ",
        "compared ",
        "amcheck ",
        "2 btree indexes, 1 table",
        "1 sequence,",
        "proves ",
        "not proved ",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn every_major_passes_a_trial() {
    for major in [13, 14, 16, 17, 18] {
        let cluster = ClusterSpec::major(major).start();
        let db = cluster.create_db("trial");
        db.psql(
            "CREATE TABLE t (id serial PRIMARY KEY, v text, c char(5) DEFAULT 'x');
             INSERT INTO t (v) SELECT md5(g::text) FROM generate_series(1, 2000) g;
             CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
             CREATE TABLE root (k mood, v int) PARTITION BY HASH (k);
             CREATE TABLE p0 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE p1 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             CREATE INDEX ON root (v);
             INSERT INTO root SELECT (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood, g
             FROM generate_series(1, 300) g;
             CREATE VIEW v AS SELECT * FROM t;
             SELECT lo_from_bytea(5, decode(repeat('ab', 700000), 'hex'));
             ALTER TABLE t ADD CONSTRAINT unchecked CHECK (length(v) > 100) NOT VALID",
        );
        let repo = Repo::new();
        repo.backup(&db, &["-j2"]);
        let output = trial(&repo, &cluster, ["--no-record"]).run().expect_code(0);
        let scratch = report(&output)["trial"]["scratch"].take();
        assert!(scratch.as_str().unwrap().contains(&format!("PostgreSQL {major}")), "{scratch}");
    }
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("flipped");
    db.psql("CREATE TABLE t AS SELECT generate_series(1, 100) AS a");
    let repo = Repo::new();
    let backup = repo.backup(&db, &[]);
    let path = backup.folder.join(&backup.table("public", "t").name);
    let mut bytes = fs::read(&path).unwrap();
    bytes[9] ^= 4;
    fs::write(&path, bytes).unwrap();
    let output = trial(&repo, cluster, ["--no-record"]).run().expect_code(2);
    let report = report(&output);
    assert_eq!(report["problems"][0]["table"], "public.t");
    assert!(report["trial"].is_null(), "{report}");
    assert!(output.stderr.contains("it is not restored"), "{}", output.stderr);
}

#[test]
fn assertions_hold_or_are_told_by_number_and_line() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("asserted");
    db.psql("CREATE TABLE t AS SELECT generate_series(1, 100) AS a; CREATE TABLE nothing (a int)");
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let run = |text: &str| {
        let run = trial(&repo, cluster, ["--no-record", "--assert"]);
        let file = run.home().join("must_hold.sql");
        fs::write(&file, text).unwrap();
        run.arg(file).run()
    };
    let good = run("-- all of it\nSELECT count(*) = 100 FROM t;\nSELECT true FROM nothing;")
        .expect_code(0);
    assert_eq!(report(&good)["trial"]["assertions"], 2);
    let bad = run("SELECT count(*) = 100 FROM t;
        SELECT count(*) > 100,
               count(*) FROM t;
        SELECT no_such FROM t;
        DELETE FROM t;
        SELECT max(a) > 3 FROM nothing;
        SELECT current_setting('TimeZone') = 'UTC'")
    .expect_code(2);
    let problems = report(&bad)["problems"].take();
    let told: Vec<&str> =
        problems.as_array().unwrap().iter().map(|p| p["what"].as_str().unwrap()).collect();
    assert_eq!(told.len(), 4, "{problems}");
    assert!(told[0].starts_with("assertion 2 of ") && told[0].contains("false: 100"), "{problems}");
    assert!(told[0].contains("must_hold.sql failed: SELECT count(*) > 100, .."), "{problems}");
    assert!(told[1].contains("\"no_such\" does not exist"), "{problems}");
    assert!(told[2].contains("read-only transaction"), "{problems}");
    assert!(told[3].ends_with("(NULL)"), "{problems}");
    let none = run("-- nothing").expect_code(64);
    assert!(none.stderr.contains("no statement in"), "{}", none.stderr);
    let run = repo.pgtend(["verify-backup", "latest", "--assert", "/nowhere"]).run();
    assert!(run.expect_code(64).stderr.contains("--level restore"));
}

#[test]
fn roles_and_tablespaces_of_the_backup_need_not_be_anywhere() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("owned");
    db.psql(
        r#"CREATE ROLE "app owner" LOGIN PASSWORD 'hunter2'; CREATE ROLE reader;
         SET ROLE "app owner"; RESET ROLE;
         CREATE TABLE t (a int); INSERT INTO t VALUES (1);
         ALTER TABLE t OWNER TO "app owner";
         GRANT SELECT ON t TO reader WITH GRANT OPTION;
         ALTER TABLE t ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON t TO reader, "app owner" USING (a > 0);
         ALTER DEFAULT PRIVILEGES FOR ROLE "app owner" GRANT SELECT ON TABLES TO reader;
         ALTER ROLE postgres SET search_path = nowhere;
         ALTER ROLE postgres SET datestyle = 'German'"#,
    );
    let folder = tempfile::Builder::new().prefix("pgt-space").tempdir_in("/tmp").unwrap();
    if let Some(user) = tools::ServerUser::needed() {
        std::os::unix::fs::chown(folder.path(), Some(user.uid), Some(user.gid)).unwrap();
    }
    let place = folder.path().display();
    db.psql(&format!("CREATE TABLESPACE \"far away\" LOCATION '{place}'"));
    db.psql(
        "CREATE TABLE public.far (a int PRIMARY KEY USING INDEX TABLESPACE \"far away\")
         TABLESPACE \"far away\"; INSERT INTO public.far VALUES (1)",
    );
    for globals in [None, Some("--no-globals")] {
        let repo = Repo::new();
        repo.backup(&db, globals.as_slice());
        let output = trial(&repo, &cluster, ["--no-record"]).run().expect_code(0);
        let trial = report(&output)["trial"].take();
        assert_eq!(trial["objects"], trial["restored"], "{trial}");
    }
}
