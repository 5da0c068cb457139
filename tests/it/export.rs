//! A backup as one file in custom format: stock pg_restore makes an equal database of it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::backup_right::repo::{self, Repo};
use crate::harness::cluster::conninfo_quoted;
use crate::harness::{Cluster, Database, Pgtend, command, compare, tools};

fn load(db: &Database<'_>) {
    db.load_awkward();
    db.psql(
        "CREATE TABLE many_pages (id int PRIMARY KEY, v text);
         INSERT INTO many_pages SELECT g, repeat(md5(g::text), 1 + g % 7)
         FROM generate_series(1, 15000) g",
    );
}

fn export(repo: &Repo, output: &Path, arguments: &[&str]) -> Pgtend {
    repo.pgtend([&["backup", "export", "latest"], arguments].concat()).arg("-o").arg(output)
}

/// What stock pg_restore says to this; nothing but the one known-harmless error may come.
#[track_caller]
fn restored(client: u32, target: &Database<'_>, restore: &mut Command) {
    restore.args(["-d", &conninfo_quoted(target.name())]);
    let finished = command::run(restore, "");
    let stderr = finished.stderr();
    // From 17 on pg_restore sets it whatever the server: backup-experiments.md, E10.
    let unknown = "ERROR:  unrecognized configuration parameter \"transaction_timeout\"";
    let errors: Vec<&str> = stderr.lines().filter(|line| line.contains("ERROR:")).collect();
    if client >= 17 && target.cluster().major() < 17 {
        assert!(errors.iter().all(|line| line.ends_with(unknown)), "{stderr}");
    } else {
        finished.expect_success("pg_restore");
        assert_eq!(stderr, "");
    }
}

fn exports_with(client: u32) {
    let cluster = Cluster::shared();
    let source = cluster.create_db("exported");
    load(&source);
    let repo = Repo::new();
    let output = repo
        .backup_command(cluster, source.name(), &["--chunk=64kB", "--no-globals"])
        .env("PGTEND_PG_BINDIR", tools::client_bindir(client))
        .run()
        .expect_code(0);
    let backup = repo.done(output);
    let folder = tempfile::tempdir().unwrap();
    for compress in ["gzip:1", "none"] {
        let file = folder.path().join(format!("{compress}.dump"));
        let output = export(&repo, &file, &["--compress", compress]).run().expect_code(0);
        let report = output.json()["report"].take();
        assert_eq!(report["rows"], backup.manifest.totals.rows, "{report}");
        assert_eq!(report["tables"], backup.manifest.totals.tables);
        assert_eq!(report["large_objects"], backup.manifest.totals.large_objects);
        assert_eq!(report["offsets"], true);
        assert_eq!(report["bytes"], file.metadata().unwrap().len());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(repo::list(client, &file), backup.listed(client));
        let copy = cluster.create_db("of_file");
        restored(client, &copy, repo::program(client, "pg_restore", cluster).arg("-j2").arg(&file));
        compare::assert_equal(cluster, source.name(), cluster, copy.name());
    }
    // Without offsets, from a pipe.
    let run = export(&repo, Path::new("-"), &["--compress=none"]);
    let piped = folder.path().join("piped.dump");
    let finished = command::run(&mut run.command(), "").expect_success("backup export -o -");
    assert!(finished.stderr().contains("without the offsets"), "{}", finished.stderr());
    fs::write(&piped, finished.stdout).unwrap();
    let copy = cluster.create_db("of_pipe");
    let restore = repo::program(client, "pg_restore", cluster);
    let mut shell = Command::new("sh");
    shell.args(["-c", "cat \"$0\" | \"$@\"", piped.to_str().unwrap()]).arg(restore.get_program());
    shell.envs(restore.get_envs().filter_map(|(name, value)| Some((name, value?))));
    restored(client, &copy, &mut shell);
    compare::assert_equal(cluster, source.name(), cluster, copy.name());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3, "no file beside them");
}

#[test]
fn pg_restore_15_makes_an_equal_database_of_the_file() {
    exports_with(15);
}

#[test]
fn pg_restore_16_makes_an_equal_database_of_the_file() {
    exports_with(16);
}

#[test]
fn pg_restore_18_makes_an_equal_database_of_the_file() {
    exports_with(18);
}

#[test]
fn a_file_has_its_name_only_when_it_is_whole_and_nobody_else_has_it() {
    let db = Cluster::shared().create_db("export_faults");
    db.psql(
        "CREATE TABLE orders (v text);
         INSERT INTO orders SELECT md5(g::text) FROM generate_series(1, 50000) g",
    );
    let repo = Repo::new();
    let backup = repo.backup(&db, &[]);
    let folder = tempfile::tempdir().unwrap();
    let left =
        || fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    let file = folder.path().join("app.dump");
    // A full disk.
    let bare = export(&repo, &file, &["--compress=none"]).command();
    let mut limited = Command::new("prlimit");
    limited.arg("--fsize=1000000").arg(bare.get_program()).args(bare.get_args()).env_clear();
    limited.envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let finished = command::run(&mut limited, "");
    assert_eq!(finished.status.code(), Some(74), "{}", finished.stderr());
    assert_eq!(left(), [""; 0]);
    // A damaged backup.
    let path = backup.folder.join(&backup.table("public", "orders").name);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    fs::write(&path, flipped).unwrap();
    let output = export(&repo, &file, &[]).run().expect_code(2);
    assert!(output.stderr.contains("checksum"), "{}", output.stderr);
    assert_eq!(left(), [""; 0]);
    fs::write(&path, whole).unwrap();
    // A name that is taken.
    fs::write(&file, "mine").unwrap();
    let output = export(&repo, &file, &[]).run().expect_code(64);
    assert!(output.stderr.contains("is there already"), "{}", output.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    export(&repo, &file, &["--force"]).run().expect_code(0);
    assert!(fs::read(&file).unwrap().starts_with(b"PGDMP"));
    assert_eq!(left(), ["app.dump"]);
    let output = export(&repo, &file, &["--compress=zstd"]).run().expect_code(64);
    assert!(output.stderr.contains("gzip"), "{}", output.stderr);
}

/// Replaced, `/dev/null` would be a file for everybody.
#[test]
fn what_is_no_file_is_written_to_and_stays_what_it_is() {
    let db = Cluster::shared().create_db("export_pipe");
    db.psql("CREATE TABLE orders AS SELECT g, md5(g::text) FROM generate_series(1, 30000) g");
    let repo = Repo::new();
    repo.backup(&db, &[]);
    let folder = tempfile::tempdir().unwrap();
    let (fifo, read) = (folder.path().join("fifo"), folder.path().join("read"));
    command::run(Command::new("mkfifo").arg(&fifo), "").expect_success("mkfifo");
    for arguments in [&[][..], &["--force"]] {
        let run = export(&repo, &fifo, arguments).spawn();
        let mut cat = Command::new("cat");
        let mut cat = cat.arg(&fifo).stdout(fs::File::create(&read).unwrap()).spawn().unwrap();
        let report = run.wait().expect_code(0).json()["report"].take();
        assert!(cat.wait().unwrap().success());
        assert_eq!((&report["offsets"], &report["rows"]), (&false.into(), &30000.into()));
        assert_eq!(report["bytes"], read.metadata().unwrap().len());
        assert!(repo::list(15, &read).iter().any(|entry| entry.contains("orders")));
        assert!(fs::symlink_metadata(&fifo).unwrap().file_type().is_fifo());
    }
    // Nobody reads it: a signal is heard all the same.
    let run = export(&repo, &fifo, &[]).spawn();
    run.until_it_catches(Signal::INT);
    run.signal(Signal::INT);
    run.wait().expect_code(130);
    let output = export(&repo, folder.path(), &["--force"]).run().expect_code(64);
    assert!(output.stderr.contains("neither a file nor a pipe"), "{}", output.stderr);
    let mut left: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["fifo", "read"]);
}
