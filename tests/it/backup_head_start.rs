//! Rows that are copied while pg_dump still writes its table of contents.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::backup_right::repo::{Backup, Repo, client_major};
use crate::harness::s3::{Fault, Faults, Kind, S3Server};
use crate::harness::{Cluster, Database, tools};
use crate::scene::files_below;

/// A table of some frames, and a small one.
fn scene(name: &str) -> Database<'static> {
    let db = Cluster::shared().create_db(name);
    db.psql(
        "CREATE TABLE big (id int PRIMARY KEY, text text);
         INSERT INTO big SELECT g, repeat(md5(g::text), 4) FROM generate_series(1, 100000) g;
         CREATE TABLE small (id int PRIMARY KEY);
         INSERT INTO small SELECT generate_series(1, 10)",
    );
    db
}

/// Programs whose pg_dump does this first, and gets these arguments too.
fn programs(first: &str, more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let real = tools::client_bindir(client_major(Cluster::shared()));
    for name in ["pg_dumpall", "pg_restore", "psql"] {
        std::os::unix::fs::symlink(real.join(name), folder.path().join(name)).unwrap();
    }
    let real = real.join("pg_dump").display().to_string();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *--version*) exec {real} \"$@\" ;; esac\n{first}\nexec {real} \"$@\" {more}\n"
    );
    let draft = folder.path().join("draft");
    fs::write(&draft, script).unwrap();
    fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).unwrap();
    // A file that this process had open for writing may be busy in a child of another test's.
    let copied =
        Command::new("cp").arg("-p").arg(draft).arg(folder.path().join("pg_dump")).status();
    assert!(copied.unwrap().success());
    folder
}

/// Waits until rows are stored in this folder; a minute without any is an error.
fn until_rows_are_in(folder: &Path) -> String {
    format!(
        "tries=0\n\
         until find {} -name '*.dat.zst' -size +100k | grep -q .; do\n\
         tries=$((tries + 1))\n\
         [ $tries -lt 600 ] || {{ echo 'pg_dump: error: no rows are there' >&2; exit 1; }}\n\
         sleep 0.1\n\
         done",
        folder.display()
    )
}

fn backed_up(db: &Database<'_>, repo: &Repo, programs: &TempDir) -> Backup {
    let run = repo.backup_command(db.cluster(), db.name(), &["-j2"]);
    repo.done(run.env("PGTEND_PG_BINDIR", programs.path()).run().expect_code(0))
}

#[test]
fn rows_do_not_wait_for_the_table_of_contents() {
    let db = scene("ahead");
    let repo = Repo::new();
    let programs = programs(&until_rows_are_in(repo.path()), "");
    let backup = backed_up(&db, &repo, &programs);
    let big = backup.table("public", "big");
    assert_eq!(big.table.as_ref().unwrap().rows, 100_000);
    assert!(big.entry.is_some());
    assert_eq!(backup.table("public", "small").table.as_ref().unwrap().rows, 10);
    repo.pgtend(["verify-backup", "latest", "--level=content"]).run().expect_code(0);
}

#[test]
fn what_the_table_of_contents_has_not_is_taken_back() {
    let db = scene("ahead_too_far");
    let repo = Repo::new();
    let programs = programs(&until_rows_are_in(repo.path()), "--exclude-table-data=public.big");
    let backup = backed_up(&db, &repo, &programs);
    let rows: Vec<(String, u64)> = backup
        .manifest
        .objects
        .iter()
        .filter_map(|object| object.table.as_ref())
        .map(|table| (table.name.clone(), table.rows))
        .collect();
    assert_eq!(rows, [("small".to_owned(), 10)]);
    assert_eq!(backup.manifest.totals.chunks, 1);
    let known: Vec<&str> = backup.manifest.objects.iter().map(|o| o.name.as_str()).collect();
    for file in files_below(&backup.folder) {
        let name = file.file_name().unwrap().to_str().unwrap();
        assert!(
            known.contains(&name) || name == "manifest.json",
            "{name} is left of the head start"
        );
    }
    repo.pgtend(["verify-backup", "latest", "--level=content"]).run().expect_code(0);
}

#[test]
fn a_failed_reader_does_not_wait_for_the_table_of_contents() {
    let db = scene("ahead_failing");
    let faults = Faults::none()
        .always(Kind::PutObject, Fault::AccessDenied)
        .always(Kind::BeginUpload, Fault::AccessDenied);
    let server = S3Server::with(faults);
    // Beyond what the harness lets a program run.
    let programs = programs("exec sleep 3600", "");
    let output = crate::s3_backups::backup(&server, &db)
        .env("PGTEND_PG_BINDIR", programs.path())
        .run()
        .expect_code(77);
    assert!(output.stderr.contains("while: storing public."), "{}", output.stderr);
    assert_eq!(server.uploads(), Vec::<String>::new());
}
