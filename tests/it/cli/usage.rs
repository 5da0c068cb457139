//! Help, and command lines that are wrong.

use crate::harness::Pgtend;
use crate::harness::pgtend::Output;

fn run(arguments: &[&str]) -> Output {
    Pgtend::new().args(arguments).run()
}

#[test]
fn help_is_an_answer() {
    for arguments in [
        &["--help"][..],
        &["-?"],
        &["backup", "--help"],
        &["backup", "-?"],
        &["backup", "list", "--help"],
        &["restore", "--help"],
        &["verify-backup", "--help"],
        &["--version"],
    ] {
        let output = run(arguments).expect_code(0);
        assert!(output.stdout.contains("pgtend"), "{arguments:?}: {}", output.stdout);
        assert_eq!(output.stderr, "", "{arguments:?}");
        let longest = output.stdout.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= 100, "{arguments:?}: a line of {longest} columns");
    }
    let help = run(&["--help"]).stdout;
    for (exit, _) in pgtend::exit::Exit::ALL {
        assert!(help.contains(&exit.code().to_string()), "{} in {help}", exit.code());
    }
}

#[test]
fn help_fits_a_narrow_terminal() {
    let output = Pgtend::new().args(["backup", "--help"]).env("COLUMNS", "80").run();
    let longest = output.stdout.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(longest <= 80, "a line of {longest} columns in\n{}", output.stdout);
}

/// Somebody who wants help gets it, but a script that forgot the host gets no all-clear.
#[test]
fn a_bare_h_is_help_but_not_good() {
    for arguments in [&["-h"][..], &["backup", "-h"], &["restore", "-h"], &["verify-backup", "-h"]]
    {
        let output = run(arguments).expect_code(64);
        assert_eq!(output.stdout, "");
        assert!(output.stderr.contains("Usage: pgtend"), "{}", output.stderr);
        assert!(output.stderr.ends_with("error: -h needs a host; help is --help or -?\n"));
    }
}

#[test]
fn wrong_command_lines_exit_64_and_say_what_is_wrong() {
    for (arguments, words) in [
        (&[][..], "Usage: pgtend"),
        (&["bakcup"], "a similar subcommand exists: 'backup'"),
        (&["tune"], "unrecognized subcommand 'tune'"),
        (&["restore"], "<ID>"),
        (&["restore", "latest"], "--into <DATABASE>"),
        (&["restore", "latest", "--into", "x", "--create", "--clean"], "cannot be used with"),
        (&["restore", "latest", "--into", "x", "--if-exists"], "--clean"),
        (&["backup", "--job", "2"], "--jobs"),
        (&["backup", "-j", "0"], "1..=256"),
        (&["backup", "-p", "70000"], "70000 is not in 1..=65535"),
        (&["backup", "--compress", "lz4"], "lz4"),
        (&["backup", "--compress", "zstd:99"], "zstd"),
        (&["backup", "--chunk", "many"], "many"),
        (&["backup", "--lock-wait", "soon"], "soon"),
        (&["backup", "-q", "-v", "-r", "x"], "cannot be used with"),
        (&["backup", "show"], "<ID>"),
        (&["backup", "--dry-run", "list"], "flags of a backup stand before another action"),
        (&["verify-backup"], "<ID>"),
        (&["verify-backup", "latest", "--level", "all"], "expected manifest, content or restore"),
        (&["backup"], "no backup repository is known"),
        (&["backup", "--repo", "gs://bucket/x"], "cannot use a gs:// repository"),
    ] {
        let output = run(arguments).expect_code(64);
        assert_eq!(output.stdout, "", "{arguments:?}");
        assert!(output.stderr.contains(words), "{arguments:?}: no '{words}' in {}", output.stderr);
    }
}

/// Fingers know pg_dump: its flags get a hint, not a riddle.
#[test]
fn habits_of_pg_dump_get_a_hint() {
    for (arguments, said) in [
        (
            &["-Fc"][..],
            "error: -F is pg_dump's
  cause: a backup is always a directory-format archive with a manifest beside it
  next:  leave -F out; restore it with pg_restore -Fd, or copy the folder
  exit:  64
",
        ),
        (
            &["-f", "x.dump"],
            "error: -f is pg_dump's
  cause: a backup goes into a folder of its own in a repository
  next:  give the repository instead: --repo DIR
  exit:  64
",
        ),
        (
            &["-Z", "9"],
            "error: -Z is pg_dump's
  cause: pgtend compresses itself
  next:  give --compress zstd:2, gzip:6 or none
  exit:  64
",
        ),
    ] {
        let output = Pgtend::new().arg("backup").args(arguments).run().expect_code(64);
        assert_eq!(output.stderr, said);
    }
    let output = run(&["backup", "--format=custom"]).expect_code(64);
    assert!(output.stderr.contains("a backup is always a directory that pg_restore -Fd reads"));
}

/// Who asked for JSON gets an error as JSON, too, even before the command line is understood.
#[test]
fn usage_errors_are_json_when_json_was_asked_for() {
    for arguments in [
        &["backup", "--format", "json", "--jobs", "many"][..],
        &["--format=json", "bakcup"],
        &["verify-backup", "--format=json"],
        &["backup", "--format=json", "-Fc"],
    ] {
        let output = run(arguments).expect_code(64);
        let document = output.json();
        assert_eq!(document["schema"], "pgtend/1", "{arguments:?}");
        assert_eq!(document["exit"], 64);
        assert!(!document["error"]["what"].as_str().unwrap().is_empty());
    }
}

/// A monitoring system knows 0 to 3 and reads the first line, whatever is wrong.
#[test]
fn nagios_gets_its_codes_and_its_line_for_every_mistake() {
    for (arguments, line) in [
        (
            &["connections", "--format=nagios", "--jbos"][..],
            "PGTEND UNKNOWN: unexpected argument '--jbos' found\n",
        ),
        (
            &["--format", "nagios", "conections"],
            "PGTEND UNKNOWN: unrecognized subcommand 'conections'\n",
        ),
        (
            &["connections", "--format", "nagios", "-h"],
            "PGTEND UNKNOWN: -h needs a host; help is --help or -?\n",
        ),
        (
            &["backup", "list", "--format", "nagios"],
            "PGTEND BACKUP UNKNOWN: backup has no --format nagios: its forms are table, json\n",
        ),
        (
            &["connections", "--format", "nagios", "postgresql://u:hunter2@h/d"],
            "PGTEND UNKNOWN: the subcommand '***' cannot be used with '--format <FORM>'\n",
        ),
    ] {
        let output = run(arguments).expect_code(3);
        assert_eq!(output.stdout, line, "{arguments:?}");
        assert!(output.stderr.contains("error: "), "{arguments:?}: {}", output.stderr);
    }
    let lost = ["connections", "--format=nagios", "-h", "127.0.0.1", "-p", "1"];
    let output = run(&lost).expect_code(3);
    let start = "PGTEND CONNECTIONS UNKNOWN: cannot connect to 127.0.0.1:1: ";
    assert!(output.stdout.starts_with(start), "{}", output.stdout);
    // Not even a line that cannot be written is another code.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let pgtend = Pgtend::new().args(lost);
    assert_eq!(pgtend.command().stdout(full).output().unwrap().status.code(), Some(3));
}

#[test]
fn a_command_can_be_looked_at_without_what_it_needs_to_run() {
    for command in ["backup", "restore", "verify-backup"] {
        let shown = Pgtend::new().args([command, "--show-settings", "-h", "db.example.com"]).run();
        assert!(shown.expect_code(0).stdout.contains("db.example.com"), "{command}");
    }
    for command in [&["restore"][..], &["restore", "latest"], &["verify-backup"]] {
        let output = Pgtend::new().args(command).run().expect_code(64);
        assert!(output.stderr.contains("required"), "{}", output.stderr);
    }
}
