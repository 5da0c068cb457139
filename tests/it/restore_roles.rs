//! Restores by a role that owns a database and nothing else (what RDS gives), and roles that the
//! server lacks.

use serde_json::Value;

use crate::backup_right::repo::Repo;
use crate::harness::database::data;
use crate::harness::{ClusterSpec, compare};
use crate::restore_right::restore;

fn names(report: &Value, list: &str) -> Vec<String> {
    let all = report[list].as_array().unwrap().iter();
    all.map(|one| one["object"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_plain_owner_restores_what_it_may_and_the_rest_is_listed() {
    for major in [15, 18] {
        let cluster = ClusterSpec::major(major).start();
        let source = cluster.create_db("managed");
        source.psql_file(&data("managed.sql"));
        let repo = Repo::new();
        let backup = repo.backup(&source, &[]);
        cluster.psql("postgres", "CREATE ROLE plain LOGIN CREATEDB");
        let output =
            restore(&repo, &cluster, &["latest", "--into", "restored", "--create", "--yes"])
                .env("PGUSER", "plain")
                .client(if major == 15 { 15 } else { 18 })
                .run();
        assert!([0, 1].contains(&output.code), "{}\n{}", output.stdout, output.stderr);
        let report = output.json()["report"].take();
        assert_eq!(names(&report, "failed"), Vec::<String>::new());
        let missing =
            report["left_out"].as_array().unwrap().iter().any(|left| left["missing"] == true);
        assert_eq!(output.code, i32::from(missing), "{report}");
        // Extensions and what hangs on them, whose comments are the most frequent false alarm.
        let left = names(&report, "left_out");
        assert!(left.iter().any(|name| name.starts_with("COMMENT EXTENSION")), "{left:?}");
        assert_eq!(
            cluster.psql(
                "restored",
                "SELECT count(*) > 0 FROM pg_extension WHERE extname <> 'plpgsql'"
            ),
            "t"
        );
        let tables = backup.manifest.totals.tables;
        let lost = left.iter().filter(|name| name.starts_with("TABLE DATA")).count() as u64;
        assert_eq!(report["tables"].as_u64().unwrap() + lost, tables, "{report}");
        assert!(!report["notes"].as_array().unwrap().is_empty(), "owners are noted: {report}");
        // What the operator reads.
        assert!(output.stderr.contains(" objects, "), "{}", output.stderr);
    }
}

#[test]
fn roles_that_are_missing_come_back_with_globals() {
    let cluster = ClusterSpec::major(15).start();
    let source = cluster.create_db("roles");
    source.psql(
        "CREATE ROLE writer LOGIN CREATEROLE; CREATE ROLE \"Team x\"; GRANT \"Team x\" TO writer;
         CREATE TABLE t (id int); INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO writer;
         GRANT SELECT ON t TO \"Team x\"",
    );
    let repo = Repo::new();
    repo.backup(&source, &[]);
    let other = ClusterSpec::major(15).start();
    let run = |more: &[&str], code| {
        let words = ["latest", "--into", "copy", "--create", "--yes"];
        let output = restore(&repo, &other, &[&words[..], more].concat()).run().expect_code(code);
        (output.json()["report"].take(), output.stderr)
    };
    // Without them the rows are there, and what is not is told.
    let (report, stderr) = run(&[], 1);
    assert_eq!(report["rows"], 1);
    assert!(stderr.contains("--globals") && stderr.contains("writer"), "{stderr}");
    let told = report.to_string();
    assert!(told.contains("role writer does not exist"), "{told}");
    other.psql("postgres", "DROP DATABASE copy");
    let (report, stderr) = run(&["--globals"], 0);
    assert!(stderr.contains("Team x, writer"), "{stderr}");
    assert!(stderr.contains("may more than this database: writer (CREATEROLE)"), "{stderr}");
    assert_eq!(report["restored"], report["objects"]);
    let member = "SELECT pg_has_role('writer', 'Team x', 'MEMBER')";
    assert_eq!(other.psql("postgres", member), "t");
    compare::assert_equal(&cluster, source.name(), &other, "copy");
    let repo = Repo::new();
    repo.backup(&source, &["--no-globals"]);
    let words = ["latest", "--into", "more", "--create", "--yes", "--globals"];
    let output = restore(&repo, &other, &words).run().expect_code(64);
    assert!(output.stderr.contains("--no-globals"), "{}", output.stderr);
}
