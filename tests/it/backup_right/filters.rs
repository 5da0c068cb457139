//! Filters mean what they mean to pg_dump, and what they leave is whole.

use std::collections::BTreeSet;

use crate::backup_right::repo::{Repo, list, program};
use crate::harness::cluster::conninfo_quoted;
use crate::harness::{Cluster, command, compare};

/// pgtend's flags, and pg_dump's where its spelling differs.
const FILTERS: &[(&[&str], &[&str])] = &[
    (&["-n", "app"], &[]),
    (&["-n", "app", "-n", "public", "-N", "pub*"], &[]),
    (&["-N", "public"], &[]),
    (&["-t", "public.f?", "-t", "app.p0"], &[]),
    (&["-t", "\"we\"\"ird (s\".*"], &[]),
    (&["-T", "toast*", "-T", "app.*"], &[]),
    (&["--exclude-table-data", "public.par", "--exclude-table-data", "app.p1"], &[]),
    (&["-s"], &[]),
    (&["--no-large-objects"], &["--no-blobs"]),
    (&["-n", "app", "-b"], &[]),
    (&["--no-unlogged-table-data"], &[]),
    (&["-O", "-x"], &[]),
    (&["-e", "hstore"], &[]),
    (&["--role", "postgres"], &[]),
];

#[test]
fn the_contents_are_those_that_pg_dump_lists_with_the_same_flags() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("filters");
    db.load_awkward();
    let folder = tempfile::tempdir().unwrap();
    let mut lists = BTreeSet::new();
    for (number, (ours, theirs)) in FILTERS.iter().enumerate() {
        let backup = Repo::new().backup(&db, &[ours, ["--no-globals"].as_slice()].concat());
        let file = folder.path().join(number.to_string());
        let mut dump = program(15, "pg_dump", cluster);
        dump.args(["-Fc", "-Z0", "-d", &conninfo_quoted(db.name()), "-f"]).arg(&file);
        dump.args(*if theirs.is_empty() { ours } else { theirs });
        command::run(&mut dump, "").expect_success("pg_dump");
        let expected = list(15, &file);
        assert_eq!(backup.listed(15), expected, "{ours:?}");
        // An object for each table that the list says has rows, and for nothing else.
        let data = expected.iter().filter(|line| line.contains(" TABLE DATA ")).count();
        assert_eq!(backup.manifest.totals.tables, data as u64, "{ours:?}");
        let large = if expected.iter().any(|line| line.contains(" BLOBS ")) { 302 } else { 0 };
        assert_eq!(backup.manifest.totals.large_objects, large, "{ours:?}");
        let recorded = &backup.manifest.options.filters;
        assert!(!recorded.is_empty(), "{ours:?} is recorded");
        lists.insert((expected, data, large));
    }
    // Each filter changes something; the two that change the text of entries alone do not count.
    assert!(lists.len() >= FILTERS.len() - 2, "{} of {}", lists.len(), FILTERS.len());
}

#[test]
fn what_a_filter_leaves_restores_to_the_rows_of_the_source() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("filters");
    db.psql(
        "CREATE SCHEMA a; CREATE SCHEMA b;
         CREATE TABLE a.one (id int PRIMARY KEY, v text);
         INSERT INTO a.one SELECT g, md5(g::text) FROM generate_series(1, 2000) g;
         CREATE TABLE a.two (v bytea); INSERT INTO a.two VALUES ('\\x00ff'), (NULL);
         CREATE TABLE b.three (v int); INSERT INTO b.three VALUES (3);
         CREATE SEQUENCE b.s; SELECT setval('b.s', 77);
         SELECT lo_from_bytea(42, 'forty-two')",
    );
    let whole: BTreeSet<String> =
        compare::content(cluster, db.name()).lines().map(str::to_owned).collect();
    assert_eq!(whole.len(), 5, "{whole:?}");
    for (filter, kept, emptied) in [
        (["-n", "a"], ["a.one", "a.two"].as_slice(), [].as_slice()),
        (["-N", "a"], &["b.three", "sequence \"b.s\"", "large object"], &[]),
        (["-T", "a.one"], &["a.two", "b.three", "sequence \"b.s\"", "large object"], &[]),
        (
            ["--exclude-table-data", "a.*"],
            &["b.three", "sequence \"b.s\"", "large object"],
            &["a.one", "a.two"],
        ),
        (["-s", "-q"], &[], &["a.one", "a.two", "b.three"]),
    ] {
        let backup = Repo::new().backup(&db, &[&filter, ["--chunk=8kB"].as_slice()].concat());
        let copy = cluster.create_db("copy");
        backup.restore(15, &copy);
        let content = compare::content(cluster, copy.name());
        for line in &whole {
            let expected = kept.iter().any(|name| line.contains(name));
            assert_eq!(content.lines().any(|other| other == line), expected, "{filter:?}: {line}");
        }
        for name in emptied {
            assert!(content.contains(&format!("rows \"{name}\"|0|0")), "{filter:?}: {content}");
        }
    }
}

#[test]
fn a_pattern_that_matches_nothing_is_one_clear_error_and_leaves_nothing() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("filters");
    db.psql("CREATE TABLE t (a int)");
    for (filter, said) in
        [(["-t", "nosuch"], "no matching tables"), (["-n", "nosuch"], "no matching schemas")]
    {
        let repo = Repo::new();
        let output = repo.backup_command(cluster, db.name(), &filter).run().expect_code(69);
        assert_eq!(output.stderr.matches("error:").count() - 1, 1, "{}", output.stderr);
        assert!(output.stderr.contains(said), "{}", output.stderr);
        assert!(output.stderr.contains("correct the pattern"), "{}", output.stderr);
        let error = &output.json()["error"];
        let causes = error["causes"].as_array().expect("causes");
        assert!(causes.iter().any(|cause| cause.as_str().unwrap().contains(said)), "{error}");
        assert_eq!(repo.files(), Vec::<String>::new());
        // Not even a folder for a backup that never was.
        assert_eq!(std::fs::read_dir(repo.path()).unwrap().count(), 0);
    }
}

#[test]
fn an_empty_choice_is_a_backup_without_rows() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("filters");
    db.psql("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let repo = Repo::new();
    let backup = repo.backup(&db, &["-N", "public"]);
    assert_eq!((backup.manifest.totals.tables, backup.manifest.totals.rows), (0, 0));
    repo.pgtend(["verify-backup", "latest"]).run().expect_code(0);
}

#[test]
fn a_role_is_taken_for_the_rows_too() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("filters");
    let role = format!("reader_of_{}", db.name());
    db.psql(&format!(
        "CREATE TABLE may (a int); INSERT INTO may VALUES (1); CREATE TABLE may_not (a int);
         CREATE ROLE {role}; GRANT SELECT ON may TO {role}"
    ));
    let repo = Repo::new();
    let run = |arguments: &[&str]| repo.backup_command(cluster, db.name(), arguments).run();
    let refused = run(&["--role", &role]);
    let allowed = run(&["--role", &role, "-t", "may"]);
    let nobody = run(&["--role", "no such role"]);
    db.psql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let refused = refused.expect_code(77);
    assert!(refused.stderr.contains("public.may_not"), "{}", refused.stderr);
    assert!(!refused.stderr.contains("public.may,"), "{}", refused.stderr);
    assert_eq!(repo.done(allowed.expect_code(0)).rows("public", "may"), 1);
    let nobody = nobody.expect_code(69);
    assert!(nobody.stderr.contains("role \"no such role\" does not exist"), "{}", nobody.stderr);
}
