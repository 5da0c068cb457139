//! Copies of backups in other repositories: equal to the byte, or not there.

mod together;

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::backup_right::repo::{Backup, Repo};
use crate::encryption::Key;
use crate::harness::s3::S3Server;
use crate::harness::{Cluster, Database, Pgtend, command, compare};
use crate::restore_right::{Made, restore};
use crate::scene::make_table;

fn load(db: &Database<'_>) {
    db.psql(
        "CREATE TABLE orders (id int PRIMARY KEY, v text);
         INSERT INTO orders SELECT g, md5(g::text) FROM generate_series(1, 3000) g;
         CREATE TABLE no_rows (a int);
         SELECT lo_from_bytea(0, 'a large object')",
    );
}

/// `backup copy` from one repository into another.
fn copy(from: &Repo, to: &Path, arguments: &[&str]) -> Pgtend {
    from.pgtend([&["backup", "copy", "latest"], arguments].concat()).arg("--to").arg(to)
}

/// A run that finds the server.
fn with_s3(server: &S3Server, run: Pgtend) -> Pgtend {
    server.environment().into_iter().fold(run, |run, (name, value)| run.env(name, value))
}

/// Every file below a folder with its bytes.
fn contents(repo: &Repo) -> Vec<(String, Vec<u8>)> {
    let read = |name: String| {
        let bytes = fs::read(repo.path().join(&name)).unwrap();
        (name, bytes)
    };
    repo.files().into_iter().map(read).collect()
}

fn some_data_file(backup: &Backup) -> std::path::PathBuf {
    backup.folder.join(&backup.table("public", "orders").name)
}

#[test]
fn a_copy_is_equal_to_the_byte_and_the_second_one_is_nothing_to_do() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("copied");
    load(&db);
    let (here, there) = (Repo::new(), Repo::new());
    let backup = here.backup(&db, &[]);
    let report = copy(&here, there.path(), &["-j2"]).run().expect_code(0).json()["report"].take();
    assert_eq!(report["already_there"], false, "{report}");
    assert_eq!(report["objects"], backup.manifest.totals.objects);
    assert_eq!(report["bytes"], backup.manifest.totals.bytes);
    assert_eq!(report["id"], backup.report["id"]);
    assert_eq!(contents(&here), contents(&there));
    // The proofs follow, also when they are made later.
    here.pgtend(["verify-backup", "latest"]).run().expect_code(0);
    let report = copy(&here, there.path(), &[]).run().expect_code(0).json()["report"].take();
    assert_eq!(report["already_there"], true, "{report}");
    assert_eq!((&report["objects"], &report["verifications"]), (&0.into(), &1.into()));
    assert_eq!(contents(&here), contents(&there));
    let report = copy(&here, there.path(), &[]).run().expect_code(0).json()["report"].take();
    assert_eq!(report["verifications"], 0);
    // And it is a backup.
    let made = Made::new(cluster, "copied_back");
    restore(&there, cluster, &["latest", "--into", &made.name, "--create", "--yes"])
        .run()
        .expect_code(0);
    compare::assert_equal(cluster, db.name(), cluster, &made.name);
}

#[test]
fn what_is_damaged_is_not_copied() {
    let db = Cluster::shared().create_db("damaged_copy");
    load(&db);
    let (here, there) = (Repo::new(), Repo::new());
    let backup = here.backup(&db, &[]);
    let path = some_data_file(&backup);
    let whole = fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut longer = whole.clone();
    longer.push(0);
    for bytes in [&flipped, &longer, &whole[1..].to_vec()] {
        fs::write(&path, bytes).unwrap();
        let output = copy(&here, there.path(), &[]).run().expect_code(2);
        assert!(
            output.stderr.contains("not those that were written (SHA-256)"),
            "{}",
            output.stderr
        );
        assert_eq!(there.files(), [""; 0]);
    }
    fs::remove_file(&path).unwrap();
    let output = copy(&here, there.path(), &[]).run().expect_code(2);
    assert!(output.stderr.contains("is not in the store"), "{}", output.stderr);
    fs::write(&path, whole).unwrap();
    // Without a record it is no backup.
    let manifest = backup.folder.join("manifest.json");
    fs::rename(&manifest, backup.folder.join("gone")).unwrap();
    let id = backup.report["id"].as_str().unwrap();
    let to = format!("--to={}", there.path().display());
    let run = here.pgtend(["backup", "copy", id, &to]);
    assert!(run.run().expect_code(2).stderr.contains("is incomplete"));
    assert_eq!(there.files(), [""; 0]);
}

#[test]
fn leftovers_of_a_broken_copy_are_replaced_and_another_backup_is_not() {
    let db = Cluster::shared().create_db("leftovers");
    load(&db);
    let (here, there) = (Repo::new(), Repo::new());
    let backup = here.backup(&db, &[]);
    let folder = there.path().join(backup.report["folder"].as_str().unwrap());
    fs::create_dir_all(&folder).unwrap();
    copy(&here, there.path(), &[]).run().expect_code(0);
    assert_eq!(contents(&here), contents(&there));
    // As a kill -9 leaves it.
    fs::remove_file(folder.join("manifest.json")).unwrap();
    fs::write(folder.join(&backup.table("public", "orders").name), "half").unwrap();
    let output = copy(&here, there.path(), &[]).run().expect_code(0);
    assert!(output.stderr.contains("broken off"), "{}", output.stderr);
    assert_eq!(contents(&here), contents(&there));
    // Another run may be at work there; its sign grows old when it was killed.
    fs::remove_file(folder.join("manifest.json")).unwrap();
    let sign = jiff::Timestamp::now().strftime("copying-%Y%m%dT%H%M%SZ.json").to_string();
    fs::write(folder.join(&sign), "{}").unwrap();
    let before = contents(&there);
    let output = copy(&here, there.path(), &[]).run().expect_code(75);
    assert!(output.stderr.contains("another run"), "{}", output.stderr);
    assert_eq!(contents(&there), before);
    fs::rename(folder.join(&sign), folder.join("copying-20200101T000000Z.json")).unwrap();
    copy(&here, there.path(), &[]).run().expect_code(0);
    assert_eq!(contents(&here), contents(&there));
    // What has a record of its own is never touched.
    fs::write(folder.join("manifest.json"), "another").unwrap();
    let before = contents(&there);
    let output = copy(&here, there.path(), &[]).run().expect_code(77);
    assert!(output.stderr.contains("is not the same backup"), "{}", output.stderr);
    assert_eq!(contents(&there), before);
    fs::copy(backup.folder.join("manifest.json"), folder.join("manifest.json")).unwrap();
    fs::remove_file(folder.join("toc.dat")).unwrap();
    let output = copy(&here, there.path(), &[]).run().expect_code(2);
    assert!(output.stderr.contains("toc.dat is not there with its size"), "{}", output.stderr);
}

#[test]
fn a_repository_is_no_copy_of_itself_however_it_is_written() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("copy_of_itself");
    load(&db);
    let here = Repo::new();
    here.backup(&db, &[]);
    let before = contents(&here);
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(here.path(), &link).unwrap();
    let (parent, name) = (here.path().parent().unwrap(), here.path().file_name().unwrap());
    let relative = Path::new(".").join(name).join("");
    for to in [here.path(), &link, &relative] {
        let output = copy(&here, to, &[]).current_dir(parent).run().expect_code(64);
        assert!(output.stderr.contains("is where the backup is"), "{}", output.stderr);
        let run = here.backup_command(cluster, db.name(), &["--copy-to", to.to_str().unwrap()]);
        run.current_dir(parent).run().expect_code(64);
    }
    // Before the first backup there is neither.
    let new = elsewhere.path().join("new");
    let run = Pgtend::new().args(["backup", "--copy-to", "./new/", "-r", new.to_str().unwrap()]);
    let output = run.current_dir(elsewhere.path()).run().expect_code(64);
    assert!(output.stderr.contains("is where the backup is"), "{}", output.stderr);
    assert!(!new.exists());
    assert_eq!(contents(&here), before);
}

#[test]
fn copies_of_two_servers_do_not_mix_in_one_folder() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("two_servers");
    load(&db);
    let (here, there, run, key) = (Repo::new(), Repo::new(), Repo::new(), Key::new());
    let backup = here.backup(&db, &["--recipient", &key.recipient()]);
    copy(&here, there.path(), &[]).run().expect_code(0);
    // A newer one of another server that has the same name.
    let mut manifest = backup.manifest.clone();
    manifest.id = "29991231T000000Z-000000".into();
    manifest.source.system_identifier = "7000000000000000001".into();
    let folder = backup.folder.parent().unwrap().join(&manifest.id);
    fs::create_dir(&folder).unwrap();
    for object in &manifest.objects {
        fs::copy(backup.folder.join(&object.name), folder.join(&object.name)).unwrap();
    }
    fs::write(folder.join("manifest.json"), manifest.to_bytes().unwrap()).unwrap();
    let before = contents(&there);
    let output = copy(&here, there.path(), &[]).run().expect_code(77);
    assert!(output.stderr.contains("holds backups of another server"), "{}", output.stderr);
    assert!(output.stderr.contains("--new-cluster"), "{}", output.stderr);
    assert_eq!(contents(&there), before);
    assert_eq!(fs::read_dir(there.path().join(folder_of(&backup))).unwrap().count(), 1);
    copy(&here, there.path(), &["--new-cluster"]).run().expect_code(0);
    assert_eq!(contents(&here), contents(&there));
    // What a run copies, too.
    let to = ["--copy-to", there.path().to_str().unwrap(), "--new-cluster"];
    let output = run.backup_command(cluster, db.name(), &to[..2]).run().expect_code(1);
    let report = run.done(output).report;
    let warning = report["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("no copy in ") && warning.contains("another server"), "{report}");
    assert_eq!(contents(&here), contents(&there));
    let output = run.backup_command(cluster, db.name(), &to).run().expect_code(0);
    assert_eq!(run.done(output).report["copies"].as_array().unwrap().len(), 1);
}

/// The folder of its database's backups in a repository.
fn folder_of(backup: &Backup) -> &str {
    let folder = backup.report["folder"].as_str().unwrap().trim_end_matches('/');
    folder.rsplit_once('/').unwrap().0
}

#[test]
fn a_copy_that_fails_or_is_stopped_leaves_nothing() {
    let db = Cluster::shared().create_db("stopped_copy");
    db.psql(
        "CREATE TABLE big (v text);
         ALTER TABLE big ALTER v SET STORAGE EXTERNAL;
         INSERT INTO big SELECT repeat(md5(g::text), 32768) FROM generate_series(1, 24) g",
    );
    let (here, there) = (Repo::new(), Repo::new());
    here.backup(&db, &["--compress=none"]);
    let run = copy(&here, there.path(), &[]);
    let bare = run.command();
    let mut limited = Command::new("prlimit");
    limited.arg("--fsize=4194304").arg(bare.get_program()).args(bare.get_args()).env_clear();
    limited.envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let finished = command::run(&mut limited, "");
    assert_eq!(finished.status.code(), Some(74), "{}", finished.stderr());
    assert_eq!(there.files(), [""; 0]);
    // A signal may come too late: then all of it is there.
    let mut stopped = false;
    for _ in 0..20 {
        let mut running = copy(&here, there.path(), &[]).spawn();
        while there.files().is_empty() && !running.has_ended() {
            std::thread::yield_now();
        }
        if !running.has_ended() {
            running.signal(Signal::INT);
        }
        let output = running.wait();
        stopped = output.code == 130;
        if stopped {
            assert_eq!(there.files(), [""; 0]);
            assert!(output.stderr.contains("the copy was stopped"), "{}", output.stderr);
            break;
        }
        assert_eq!(output.code, 0, "{}", output.stderr);
        assert_eq!(contents(&here), contents(&there));
        fs::remove_dir_all(there.path().read_dir().unwrap().next().unwrap().unwrap().path())
            .unwrap();
    }
    assert!(stopped, "no signal came in time");
    copy(&here, there.path(), &[]).run().expect_code(0);
    assert_eq!(contents(&here), contents(&there));
}

#[test]
fn a_run_copies_what_it_has_published_and_a_copy_that_fails_is_a_warning() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("copy_to");
    load(&db);
    let (here, there) = (Repo::new(), Repo::new());
    let file = there.path().join("no_folder");
    let to = there.path().join("repo");
    fs::write(&file, "").unwrap();
    let arguments = ["--copy-to", file.to_str().unwrap(), "--copy-to", to.to_str().unwrap()];
    let output = here.backup_command(cluster, db.name(), &arguments).run().expect_code(1);
    assert!(output.stderr.contains("no copy in"), "{}", output.stderr);
    let backup = here.done(output);
    assert_eq!(backup.report["copies"].as_array().unwrap().len(), 1, "{}", backup.report);
    assert_eq!(backup.report["warnings"].as_array().unwrap().len(), 1, "{}", backup.report);
    let folder = to.join(backup.report["folder"].as_str().unwrap());
    for object in &backup.manifest.objects {
        let bytes =
            [&backup.folder, &folder].map(|folder| fs::read(folder.join(&object.name)).unwrap());
        assert_eq!(bytes[0], bytes[1], "{}", object.name);
    }
    // Told before anything is read.
    let arguments = ["--copy-to", here.path().to_str().unwrap()];
    let output = here.backup_command(cluster, db.name(), &arguments).run().expect_code(64);
    assert!(output.stderr.contains("is where the backup is"), "{}", output.stderr);
    let dry = ["--dry-run", "--copy-to", to.to_str().unwrap()];
    let output = here.backup_command(cluster, db.name(), &dry).run().expect_code(0);
    assert_eq!(output.json()["report"]["published"], false);
}

#[test]
fn a_copy_goes_to_s3_and_comes_back_as_it_was() {
    let server = S3Server::start();
    let with_s3 = |run| with_s3(&server, run);
    let cluster = Cluster::shared();
    let db = cluster.create_db("copied_to_s3");
    load(&db);
    // More than one part of an upload.
    make_table(&db, "big", 12);
    let (here, back, key) = (Repo::new(), Repo::new(), Key::new());
    let sealed = ["--recipient", &key.recipient(), "--compress=none"];
    let backup = here.backup(&db, &sealed);
    here.pgtend(["verify-backup", "latest", "--level=manifest"]).run().expect_code(0);
    let repository = server.repository("copies");
    for already in [false, true] {
        let to = ["backup", "copy", "latest", "--to", &repository];
        let output = with_s3(here.pgtend(to)).run().expect_code(0);
        assert_eq!(output.json()["report"]["already_there"], already, "{}", output.stdout);
    }
    for (name, bytes) in contents(&here) {
        assert!(server.object(&format!("copies/{name}")) == Some(bytes), "{name}");
    }
    assert_eq!(server.uploads(), [""; 0]);
    let from =
        |arguments: &[&str]| with_s3(Pgtend::new().args(arguments).args(["-r", &repository]));
    let identity = key.path();
    from(&["verify-backup", "latest", "--identity", &identity, "--no-record"]).run().expect_code(0);
    let folder = back.path().display().to_string();
    from(&["backup", "copy", "latest", "--to", &folder]).run().expect_code(0);
    assert_eq!(contents(&here), contents(&back));
    // Frames of one table are read from several places of one sealed object.
    let made = Made::new(cluster, "from_s3");
    let address = format!("{repository}/{}", backup.report["folder"].as_str().unwrap());
    with_s3(restore(&here, cluster, &[&address, "--into", &made.name, "--create", "--yes", "-j3"]))
        .args(["--identity", &identity])
        .run()
        .expect_code(0);
    compare::assert_equal(cluster, db.name(), cluster, &made.name);
}
