//! Scripts that would do more than restore, that fail, and what is no dump at all.

use std::fs;

use super::files::{Files, gzip, load_little, restore, verify};
use super::proofs::with_server;
use crate::harness::{Cluster, Pgtend};
use crate::restore_right::Made;

#[test]
fn commands_of_psql_never_run() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("hostile");
    load_little(&db);
    let files = Files::new();
    let plain = fs::read_to_string(files.dump(15, &db, &["-Fp"], "plain")).unwrap();
    let target = cluster.create_db("target");
    let touched = files.path("touched");
    let touch = format!("touch {}", touched.display());
    let data = "COPY public.t (id, v) FROM stdin;\n";
    for (old, new) in [
        ("SET statement_timeout", format!("\\! {touch}\nSET statement_timeout")),
        ("SET statement_timeout", format!("SELECT 1 \\! {touch}\n;SET statement_timeout")),
        ("SET statement_timeout", format!("SELECT 1 \\g | {touch}\nSET statement_timeout")),
        (
            "SET statement_timeout",
            format!("\\copy public.t from program '{touch}'\nSET statement_timeout"),
        ),
        ("SET statement_timeout", format!("\\o | {touch}\nSET statement_timeout")),
        (data, format!("COPY public.t (id, v) FROM PROGRAM '{touch}';\n{data}")),
        (data, format!("SELECT $a$ $a$; \\! {touch}\n{data}")),
        (data, format!("/* ' */ \\! {touch}\n{data}")),
        (
            "-- PostgreSQL database dump complete",
            format!("\\! {touch}\n-- PostgreSQL database dump complete"),
        ),
    ] {
        assert!(plain.contains(old));
        let hostile = plain.replacen(old, &new, 1);
        for bytes in [hostile.clone().into_bytes(), gzip(hostile.as_bytes())] {
            let file = files.write("hostile.sql", &bytes);
            let output = restore(cluster, &file, &["--into", target.name(), "--yes"]).run();
            let output = output.expect_code(2);
            assert!(output.stderr.contains("line "), "{}", output.stderr);
        }
        verify(&files.path("hostile.sql"), &[]).run().expect_code(2);
        assert!(!touched.exists(), "{new}");
    }
    // Within rows and strings the same is data.
    let harmless = plain.replacen(data, &format!("{data}9999\t\\\\\\\\! {touch}\n"), 1);
    let file = files.write("harmless.sql", harmless.as_bytes());
    restore(cluster, &file, &["--into", target.name(), "--yes"]).run().expect_code(0);
    assert_eq!(target.psql("SELECT count(*) FROM t WHERE v LIKE '%! touch%'"), "1");
    assert!(!touched.exists());
}

/// A script with a key of its own, which it gives back where psql takes for a command what looks
/// like a string.
struct Keyed {
    head: String,
    end: String,
    touch: String,
}

impl Keyed {
    fn new(plain: &str, touch: String) -> Self {
        let own = |line: &str| line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ");
        let lines: String =
            plain.lines().filter(|line| !own(line)).map(|l| format!("{l}\n")).collect();
        let (head, end) = lines.split_once("-- PostgreSQL database dump complete").unwrap();
        let head = head.replacen("SET statement", "\\restrict abc\nSET statement", 1);
        let end = format!("-- PostgreSQL database dump complete{end}\\unrestrict abc\n");
        Self { head, end, touch }
    }

    /// `opens` leaves the scanner in a string.
    fn script(&self, changes: &str, opens: &[u8]) -> Vec<u8> {
        let Self { head, end, touch } = self;
        let commands = format!("\n\\unrestrict abc\n\\! {touch}\n\\restrict abc\n-- '\n;\n\n");
        [head.as_bytes(), changes.as_bytes(), opens, commands.as_bytes(), end.as_bytes()].concat()
    }
}

#[test]
fn a_script_that_knows_a_key_and_changes_strings_runs_no_command() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("keyed");
    load_little(&db);
    let files = Files::new();
    let plain = fs::read_to_string(files.dump(15, &db, &["-Fp"], "plain")).unwrap();
    let target = cluster.create_db("target");
    let touched = files.path("touched");
    let keyed = Keyed::new(&plain, format!("touch {}", touched.display()));
    // The same string ends here for psql alone, with backslashes that are none or are some.
    let (backslash, sjis) = (&b"SELECT 'a\\'b';"[..], &b"SELECT E'\x81\\';"[..]);
    let long = format!("/*{}*/", "x".repeat(1 << 20));
    for (changes, opens, code) in [
        ("SET standard_conforming_strings = off;\n", backslash, 77),
        ("SET SESSION standard_conforming_strings = off;\n", backslash, 77),
        ("SET LOCAL standard_conforming_strings TO off;\n", backslash, 77),
        ("SET \"standard_conforming_strings\" = off;\n", backslash, 2),
        ("SET/**/standard_conforming_strings = off;\n", backslash, 2),
        (
            "SELECT pg_catalog.set_config('standard_conforming_strings','off',false);\n",
            backslash,
            2,
        ),
        (
            "SELECT pg_catalog.\"set_config\"('standard_conforming_strings','off',false);\n",
            backslash,
            2,
        ),
        (&format!("SET standard_conforming_strings {long} = off;\n"), backslash, 2),
        ("SET NAMES 'SJIS';\n", sjis, 77),
        ("SET client_encoding = 'sjis';\n", sjis, 77),
        ("SET SESSION client_encoding = win932;\n", sjis, 77),
        ("SELECT set_config('client_encoding', 'SJIS', false);\n", sjis, 2),
        // psql does not see what stands behind a zero on its line.
        ("", b"SELECT 1; \0'\n", 2),
        (&format!("COMMIT {long};\n"), backslash, 2),
        // Nobody can see what these do: psql's key alone keeps the command from being run.
        (
            "DO $$BEGIN PERFORM set_config('standard_conforming_' || 'strings', 'off', false); END$$;\n",
            backslash,
            2,
        ),
        (
            "UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings';\n",
            backslash,
            2,
        ),
    ] {
        let file = files.write("keyed.sql", &keyed.script(changes, opens));
        let run = restore(cluster, &file, &["--into", target.name(), "--yes"]);
        let shown = &changes[..changes.len().min(80)];
        let output = run.run();
        assert!(!touched.exists(), "{shown}");
        assert_eq!(output.code, code, "{shown}: {}", output.stderr);
        let there = target.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
        assert_eq!(there, "0", "{shown}");
    }
    // The last one in a trial, which is a restore too.
    with_server(verify(&files.path("keyed.sql"), &["--level", "restore"])).run().expect_code(2);
    assert!(!touched.exists());
}

#[test]
fn a_script_that_fails_leaves_nothing_and_names_its_line() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("fails");
    load_little(&db);
    let files = Files::new();
    let plain = fs::read_to_string(files.dump(15, &db, &["-Fp"], "plain")).unwrap();
    let target = cluster.create_db("target");
    // A row that comes twice: the primary key, far behind it, cannot be made.
    let data = "COPY public.t (id, v) FROM stdin;\n";
    let twice = plain.replacen(data, &format!("{data}7\tagain\n"), 1);
    let file = files.write("twice.sql", twice.as_bytes());
    let output = restore(cluster, &file, &["--into", target.name(), "--yes"]).run().expect_code(2);
    let report = output.json()["report"].take();
    assert_eq!((&report["complete"], &report["restored"]), (&false.into(), &0.into()));
    let error = report["failed"][0]["error"].as_str().unwrap();
    let key = twice.lines().position(|line| line.contains("ADD CONSTRAINT t_pkey")).unwrap() + 1;
    assert!(error.contains("could not create unique index"), "{error}");
    assert!(error.contains(&format!("line {key} ")), "{error}, it is line {key}");
    assert_eq!(target.psql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    // The same beside: nothing gets the name.
    let copy = Made::new(cluster, "copy");
    restore(cluster, &file, &["--into", &copy.name, "--create", "--yes"]).run().expect_code(2);
    let there = format!("SELECT count(*) FROM pg_database WHERE datname = '{}'", copy.name);
    assert_eq!(cluster.psql("postgres", &there), "0");
}

#[test]
fn an_archive_whose_rows_do_not_load_is_a_failure() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("fails");
    load_little(&db);
    let files = Files::new();
    let file = files.dump(15, &db, &["-Fc", "-Z0"], "dump");
    let mut bytes = fs::read(&file).unwrap();
    let at = bytes.windows(4).position(|w| w == b"300\t").unwrap();
    bytes[at] = b'x';
    for bytes in [bytes.clone(), gzip(&bytes)] {
        let copy = Made::new(cluster, "copy");
        let file = files.write("dump", &bytes);
        let run = restore(cluster, &file, &["--into", &copy.name, "--create", "--yes", "-j2"]);
        let report = run.run().expect_code(2).json()["report"].take();
        let failed = &report["failed"][0];
        assert_eq!(
            (&report["complete"], &failed["object"]),
            (&false.into(), &"TABLE DATA public.t".into())
        );
        assert!(failed["error"].as_str().unwrap().contains("invalid input syntax"), "{report}");
    }
}

#[test]
fn what_is_no_dump_is_told_by_its_name() {
    let cluster = Cluster::shared();
    let (files, target) = (Files::new(), cluster.create_db("nothing"));
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"SELECT 1;\n", "first lines of pg_dump"),
        (b"-- MySQL dump 10.13\n", "MySQL"),
        (b"\x04\x22\x4d\x18rest", "lz4"),
        (b"pg_dump: error: connection to server failed\n", "first lines of pg_dump"),
        (&gzip(b""), "empty"),
    ] {
        let file = files.write("app.dump", bytes);
        let output = verify(&file, &["--level", "manifest"]).run().expect_code(2);
        let what = output.json()["report"]["backups"][0]["problems"][0]["what"].to_string();
        assert!(what.contains(word), "{what}");
        let output = restore(cluster, &file, &["--into", target.name(), "--yes"]).run();
        let output = output.expect_code(2);
        assert!(output.stderr.contains(word), "{}", output.stderr);
    }
    fs::create_dir(files.path("folder")).unwrap();
    fs::write(files.path("folder/3357.dat"), "1\n").unwrap();
    for name in ["folder", "not-there"] {
        verify(&files.path(name), &[]).run().expect_code(64);
    }
    // Without a `/`, and without a repository.
    let file = files.write("app.dump", b"");
    let run = Pgtend::new().args(["verify-backup", "app.dump"]);
    run.current_dir(file.parent().unwrap()).run().expect_code(2);
}
