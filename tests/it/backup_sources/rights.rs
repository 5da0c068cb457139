//! Roles that may not see everything: refused with names, and right after the GRANT that is told.

use crate::backup_right::repo::Repo;
use crate::harness::{Cluster, ClusterSpec, Pgtend};

fn as_role(repo: &Repo, cluster: &Cluster, role: &str, arguments: &[&str]) -> Pgtend {
    repo.backup_command(cluster, "postgres", arguments).env("PGUSER", role)
}

#[test]
fn an_unreadable_table_is_refused_and_the_told_grant_helps() {
    let cluster = ClusterSpec::default().start();
    cluster.psql(
        "postgres",
        "CREATE ROLE \"back up\" LOGIN; CREATE SCHEMA \"hid den\"; CREATE SCHEMA closed;
         CREATE TABLE open (a int); GRANT SELECT ON open TO \"back up\";
         CREATE TABLE \"hid den\".\"ta ble\" (a int); INSERT INTO \"hid den\".\"ta ble\" VALUES (1);
         CREATE TABLE closed.t (a int); INSERT INTO closed.t VALUES (1), (2);
         GRANT SELECT ON closed.t TO \"back up\";
         CREATE SCHEMA counted; GRANT USAGE ON SCHEMA counted TO \"back up\";
         CREATE TABLE counted.s (a serial, b int GENERATED ALWAYS AS IDENTITY);
         GRANT SELECT ON counted.s TO \"back up\"; INSERT INTO counted.s DEFAULT VALUES;
         SELECT lo_from_bytea(77, 'x')",
    );
    let repo = Repo::new();
    let refused = as_role(&repo, &cluster, "back up", &[]).run().expect_code(77);
    assert_eq!(repo.files(), Vec::<String>::new());
    let error = &refused.json()["error"];
    let told = error["causes"].to_string();
    assert!(told.contains("hid den.ta ble") && told.contains("closed.t"), "{told}");
    // A right on a table is none on its sequences, and pg_dump reads those too.
    assert!(told.contains("counted.s_a_seq") && told.contains("counted.s_b_seq"), "{told}");
    assert!(error["what"].as_str().unwrap().contains("2 tables and 2 sequences"), "{error}");
    assert!(!told.contains("open"), "{told}");
    let steps: Vec<&str> =
        error["next"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    let grants: Vec<&&str> = steps.iter().filter(|step| step.starts_with("GRANT")).collect();
    assert_eq!(grants.len(), 3, "{steps:?}");
    for grant in grants {
        cluster.psql("postgres", grant);
    }

    // The next thing that it may not read.
    let refused = as_role(&repo, &cluster, "back up", &[]).run().expect_code(77);
    assert!(refused.stderr.contains("77") && refused.stderr.contains("large object"));
    assert!(refused.stderr.contains("--no-large-objects"), "{}", refused.stderr);
    assert_eq!(repo.files(), Vec::<String>::new());
    cluster.psql("postgres", "GRANT SELECT ON LARGE OBJECT 77 TO \"back up\"");

    let backup = repo.done(as_role(&repo, &cluster, "back up", &[]).run().expect_code(0));
    assert_eq!(backup.rows("hid den", "ta ble"), 1);
    assert_eq!(backup.rows("closed", "t"), 2);
    assert_eq!(backup.manifest.totals.large_objects, 1);
}

/// With filters pg_dump alone knows what it locks: its refusal is one of a right all the same.
#[test]
fn an_unreadable_table_behind_a_filter_is_refused_too() {
    let cluster = ClusterSpec::default().start();
    cluster.psql(
        "postgres",
        "CREATE ROLE reader LOGIN; CREATE TABLE seen (a int); CREATE TABLE unseen (a int);
         GRANT SELECT ON seen TO reader",
    );
    let repo = Repo::new();
    let refused = as_role(&repo, &cluster, "reader", &["-t", "*seen"]).run().expect_code(77);
    assert!(refused.stderr.contains("unseen"), "{}", refused.stderr);
    assert!(refused.stderr.to_lowercase().contains("grant"), "{}", refused.stderr);
    assert_eq!(repo.files(), Vec::<String>::new());
    as_role(&repo, &cluster, "reader", &["-T", "unseen"]).run().expect_code(0);
}

#[test]
fn row_level_security_that_hides_rows_is_refused_with_the_tables() {
    let cluster = ClusterSpec::default().start();
    cluster.psql(
        "postgres",
        "CREATE ROLE tenant LOGIN; CREATE ROLE bypass LOGIN BYPASSRLS;
         CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO tenant, bypass;
         CREATE TABLE app.forced (a int); CREATE TABLE app.owned (a int);
         CREATE TABLE app.plain (a int);
         INSERT INTO app.forced SELECT generate_series(1, 10);
         INSERT INTO app.owned SELECT generate_series(1, 10);
         ALTER TABLE app.forced OWNER TO tenant; ALTER TABLE app.owned OWNER TO tenant;
         ALTER TABLE app.plain OWNER TO tenant;
         ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         ALTER TABLE app.owned ENABLE ROW LEVEL SECURITY;
         CREATE POLICY half ON app.forced USING (a <= 5);
         CREATE POLICY half ON app.owned USING (a <= 5);
         GRANT SELECT ON ALL TABLES IN SCHEMA app TO bypass;
         ALTER ROLE tenant SET row_security = on",
    );
    let repo = Repo::new();
    for filter in [[].as_slice(), &["-n", "app"], &["--chunk=8kB", "-t", "app.*"]] {
        let refused = as_role(&repo, &cluster, "tenant", filter).run().expect_code(77);
        assert!(refused.stderr.contains("app.forced"), "{}", refused.stderr);
        assert!(refused.stderr.contains("BYPASSRLS"), "{}", refused.stderr);
        // An owner is not kept from his own rows unless he asks for it.
        assert!(!refused.stderr.contains("app.owned"), "{}", refused.stderr);
        assert_eq!(repo.files(), Vec::<String>::new());
    }
    let without = ["--exclude-table-data", "app.forced"];
    let backup = repo.done(as_role(&repo, &cluster, "tenant", &without).run().expect_code(0));
    assert_eq!(backup.rows("app", "owned"), 10);
    let backup = repo.done(as_role(&repo, &cluster, "bypass", &[]).run().expect_code(0));
    assert_eq!((backup.rows("app", "forced"), backup.rows("app", "owned")), (10, 10));
}
