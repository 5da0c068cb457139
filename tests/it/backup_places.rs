//! Where a backup goes and comes from: full disks, repositories that cannot be written, streams
//! nobody reads, servers with few connections.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::activity::{Client, Way};
use crate::harness::cluster::SUPERUSER;
use crate::harness::command::{self, Finished};
use crate::harness::tools::ServerUser;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend};
use crate::scene::{
    PATIENCE, Repository, assert_nothing_runs, make_table, sum_in_manifest, sum_on_server,
};

/// Runs pgtend as the words in front of it say: `prlimit --fsize=..`.
fn run_behind(words: &[&str], pgtend: &Pgtend) -> Finished {
    let bare = pgtend.command();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(bare.get_program()).args(bare.get_args()).env_clear();
    command.envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command::run(command.current_dir(bare.get_current_dir().unwrap()), "")
}

fn code(finished: &Finished) -> i32 {
    finished.status.code().unwrap_or_else(|| panic!("{}\n{}", finished.status, finished.stderr()))
}

/// A file system of 8 MiB, unmounted when dropped.
#[derive(Debug)]
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where we may not mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("pgt-disk").tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "pgtend-test"]).arg(folder.path());
        let mounted = command::run(&mut mount, "").status.success();
        mounted.then(|| Self(folder))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        command::run(Command::new("umount").arg(self.0.path()), "");
    }
}

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_full_disk_is_told_with_its_path_and_what_was_written_is_removed() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("full");
    make_table(&database, "big", 24);
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("skipped: this user may not mount a small disk (a file size limit is tested)");
        return;
    };
    let repository = disk.0.path();
    let run = |arguments: &[&str]| {
        let run = Pgtend::new().args(["backup", "--url", &database.url(), "--repo"]);
        run.arg(repository).args(arguments).run()
    };
    let output = run(&["-j2", "--compress=none", "--chunk=4MiB"]).expect_code(74);
    assert!(output.stderr.contains(&format!("cannot write {}", repository.display())));
    assert!(output.stderr.contains("No space left on device"), "{}", output.stderr);
    assert!(output.stderr.contains("next:  free space there"), "{}", output.stderr);
    assert_eq!(files(repository), Vec::<PathBuf>::new());
    assert_nothing_runs(&database);
    // The next one finds all of the room again.
    run(&["-T", "big"]).expect_code(0);
}

#[test]
fn a_file_size_limit_is_told_like_a_full_disk() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("limited");
    make_table(&database, "big", 16);
    let repository = Repository::new();
    let run = repository.backup(&database.url()).args(["-j2", "--compress=none"]);
    let finished = run_behind(&["prlimit", "--fsize=4194304"], &run);
    assert_eq!(code(&finished), 74, "{}", finished.stderr());
    assert!(finished.stderr().contains(&format!("cannot write {}", repository.path().display())));
    assert!(finished.stderr().contains("ulimit"), "{}", finished.stderr());
    repository.assert_empty();
    assert_nothing_runs(&database);
}

/// pgtend as somebody whom file permissions bind.
fn as_nobody_special(pgtend: &Pgtend, folder: &Path) -> Finished {
    let Some(user) = ServerUser::needed() else { return run_behind(&["env"], pgtend) };
    // Its home and program must be within that user's reach.
    fs::set_permissions(pgtend.home(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = folder.join("pgtend");
    if !program.exists() {
        // Not by ourselves: a child that another test starts meanwhile would hold the file open
        // for writing, and what is written cannot be run.
        let mut copy = Command::new("cp");
        copy.arg("-p").arg(env!("CARGO_BIN_EXE_pgtend")).arg(&program);
        command::run(&mut copy, "").expect_success("cp");
    }
    let bare = pgtend.command();
    let words = user.prefix();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).arg(&program).args(bare.get_args()).env_clear();
    command.envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command::run(command.current_dir("/"), "")
}

fn give(path: &Path, mode: u32) {
    if let Some(user) = ServerUser::needed() {
        chown(path, Some(user.uid), Some(user.gid)).unwrap();
    }
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_repository_that_cannot_be_written_is_told_with_the_next_step() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("unwritable");
    make_table(&database, "big", 1);
    let folder = tempfile::Builder::new().prefix("pgt-places").tempdir().unwrap();
    give(folder.path(), 0o755);
    let place = |name: &str| folder.path().join(name);
    fs::create_dir(place("readonly")).unwrap();
    give(&place("readonly"), 0o555);
    fs::create_dir(place("closed")).unwrap();
    give(&place("closed"), 0o000);
    fs::write(place("file"), "x").unwrap();
    give(&place("file"), 0o644);
    fs::create_dir(place("good")).unwrap();
    give(&place("good"), 0o755);

    let run = |repository: &Path| {
        let run = Pgtend::new().args(["backup", "--url", &database.url(), "--repo"]);
        as_nobody_special(&run.arg(repository), folder.path())
    };
    for (name, text, next) in [
        ("readonly", "Permission denied", "next:  run as a user that may"),
        ("readonly/below/it", "Permission denied", "next:  run as a user that may"),
        ("closed", "Permission denied", "next:  run as a user that may"),
        ("file", "Not a directory", "next:  give a directory as --repo"),
        ("file/below", "Not a directory", "next:  give a directory as --repo"),
    ] {
        let finished = run(&place(name));
        let stderr = finished.stderr();
        assert_eq!(code(&finished), 74, "{name}: {stderr}");
        let path = place(name.split('/').next().unwrap()).display().to_string();
        assert!(stderr.contains(&path) && stderr.contains(text), "{name}: {stderr}");
        assert!(stderr.contains(next), "{name}: {stderr}");
    }
    assert_eq!(fs::read_to_string(place("file")).unwrap(), "x");
    // Parents that are missing are made; for ourselves alone.
    let finished = run(&place("good/made/on/the/way"));
    assert_eq!(code(&finished), 0, "{}", finished.stderr());
    let mode = fs::metadata(place("good/made")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    give(&place("closed"), 0o755);
}

#[test]
fn a_read_only_repository_is_listed_and_verified_but_not_written() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("frozen");
    make_table(&database, "big", 1);
    let folder = tempfile::Builder::new().prefix("pgt-places").tempdir().unwrap();
    give(folder.path(), 0o755);
    let repository = folder.path().join("repo");
    let run = |words: &[&str]| {
        let run = Pgtend::new().args(words).arg("--repo").arg(&repository);
        as_nobody_special(&run, folder.path())
    };
    let url = database.url();
    assert_eq!(code(&run(&["backup", "--url", &url])), 0);
    let all = |mode: &str| {
        let mut chmod = Command::new("chmod");
        command::run(chmod.args(["-R", mode]).arg(&repository), "").expect_success("chmod");
    };
    all("a-w");
    let finished = run(&["backup", "--url", &url]);
    assert_eq!(code(&finished), 74, "{}", finished.stderr());
    assert_eq!(code(&run(&["backup", "list"])), 0);
    let finished = run(&["verify-backup", "latest"]);
    assert_eq!(code(&finished), 74, "{}", finished.stderr());
    assert!(finished.stderr().contains("--no-record"), "{}", finished.stderr());
    let finished = run(&["verify-backup", "latest", "--no-record"]);
    assert_eq!(code(&finished), 0, "{}", finished.stderr());
    all("u+w");
}

#[test]
fn nobody_reading_the_answer_changes_no_verdict() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("streams");
    make_table(&database, "big", 1);
    let repository = Repository::new();
    repository.backup(&database.url()).run().expect_code(0);
    let list = Pgtend::new().args(["backup", "list", "--repo"]).arg(repository.path());
    let status = |stdout: Stdio| {
        let mut child = list.command().stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = command::read_all(child.stderr.take().unwrap());
        let status = command::wait(&mut child, PATIENCE).expect("it ends");
        let stderr = String::from_utf8(stderr.join().unwrap()).unwrap();
        assert!(!stderr.contains("panic"), "{stderr}");
        (status.code(), stderr)
    };
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    assert_eq!(status(writer.into()), (Some(0), String::new()));
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (code, stderr) = status(full.into());
    assert_eq!(code, Some(74), "{stderr}");
    assert!(stderr.contains("cannot write to standard output"), "{stderr}");

    let shell = |script: &str| {
        let words = ["sh", "-c", script, "sh"];
        run_behind(&words, &list)
    };
    let closed = shell(r#"exec "$@" >&-"#);
    assert_eq!((self::code(&closed), closed.stderr()), (0, String::new()));
    let everything = shell(r#"exec "$@" <&- >&- 2>&-"#);
    assert_eq!(self::code(&everything), 0);
    // A backup that nobody listens to is made all the same.
    let backup = Repository::new();
    let run = backup.backup(&database.url());
    let finished = run_behind(&["sh", "-c", r#"exec "$@" >&- 2>&-"#, "sh"], &run);
    assert_eq!(self::code(&finished), 0);
    backup.verify();
}

fn limited_role(database: &Database<'_>, name: &str, limit: u32) -> String {
    database.psql(&format!(
        "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN CONNECTION LIMIT {limit};
         GRANT pg_read_all_data TO {name}"
    ));
    format!("postgresql://{name}@127.0.0.1:{}/{}", database.cluster().port(), database.name())
}

#[test]
fn few_connections_mean_fewer_readers_or_a_clear_end() {
    let cluster = ClusterSpec::default()
        .set("max_connections", "13")
        .set("superuser_reserved_connections", "3")
        .start();
    let database = cluster.create_db("few");
    make_table(&database, "big", 8);
    let expected = sum_on_server(&database, "big");
    // A session of psql lives on for a moment after its psql, and would count.
    let mut observer = Client::start_in(&cluster, "postgres", SUPERUSER, "observer", Way::Socket);
    let others = "SELECT count(*) FROM pg_stat_activity
                   WHERE datid IS NOT NULL AND pid <> pg_backend_pid()";
    let mut until_alone = || {
        let alone = command::until(PATIENCE, || (observer.ask(others) == "0").then_some(()));
        alone.expect("the others' sessions end");
    };
    // 9 for all beside the observer's, one of them the coordinator's and one pg_dump's: 7 readers
    // at most. For a role or a database with a limit of its own that counts.
    for (limit, readers) in [(99, 7), (5, 3), (3, 1)] {
        let url = limited_role(&database, "reader", limit);
        until_alone();
        let repository = Repository::new();
        let run = repository.backup(&url).args(["-j16", "--chunk=128KiB", "--no-globals"]);
        let output = run.run();
        assert_eq!(output.code, 1, "limit {limit}: {}", output.stderr);
        assert_eq!(output.json()["report"]["jobs"], readers, "limit {limit}");
        assert!(output.stderr.contains(&format!("reading with -j {readers}")), "{}", output.stderr);
        assert_eq!(sum_in_manifest(&repository.manifest(), "big"), expected);
        assert_nothing_runs(&database);
    }
    for limit in [2, 1] {
        let url = limited_role(&database, "reader", limit);
        until_alone();
        let repository = Repository::new();
        let output = repository.backup(&url).arg("-j2").run();
        assert_eq!(output.code, 75, "limit {limit}: {}", output.stderr);
        assert!(output.stderr.contains("connections"), "{}", output.stderr);
        assert!(output.stderr.contains("CONNECTION LIMIT"), "{}", output.stderr);
        repository.assert_empty();
        assert_nothing_runs(&database);
    }
    let url = limited_role(&database, "reader", 0);
    let output = Repository::new().backup(&url).run();
    assert_eq!(output.code, 75, "{}", output.stderr);
    database.psql("DROP ROLE reader");
}
