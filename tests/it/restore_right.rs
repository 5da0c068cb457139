//! pgtend's own restore makes an equal database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::backup_right::repo::Repo;
use crate::harness::cluster::SUPERUSER;
use crate::harness::database::quoted;
use crate::harness::{Cluster, Database, Pgtend, compare, tools};

/// A restore at this cluster, over TCP as superuser, with its report as JSON.
pub fn restore(repo: &Repo, cluster: &Cluster, arguments: &[&str]) -> Pgtend {
    repo.pgtend([&["restore"], arguments].concat())
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", SUPERUSER)
}

/// A name for a database that a restore makes; dropped at the end.
pub struct Made<'a> {
    cluster: &'a Cluster,
    pub name: String,
}

impl<'a> Made<'a> {
    pub fn new(cluster: &'a Cluster, name: &str) -> Self {
        let unique = format!("{name}_{:x}", fastrand());
        Self { cluster, name: unique }
    }
}

fn fastrand() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish() & 0xffff_ffff
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        for name in [self.name.clone(), format!("{}_restoring", self.name)] {
            self.cluster.psql(
                "postgres",
                &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&name)),
            );
        }
    }
}

/// Everything awkward, and a table large enough to be cut into parts.
fn load(db: &Database<'_>) {
    db.load_awkward();
    db.psql(
        "CREATE TABLE many_pages (id int PRIMARY KEY, v text);
         INSERT INTO many_pages SELECT g, repeat(md5(g::text), 1 + g % 7)
         FROM generate_series(1, 15000) g;
         DELETE FROM many_pages WHERE id BETWEEN 4000 AND 6000",
    );
}

/// A folder of programs in which pg_restore notes which files it was given.
fn watched_programs(client: u32, folder: &Path) {
    let real = tools::client_bindir(client);
    for name in ["pg_dump", "pg_dumpall", "psql"] {
        std::os::unix::fs::symlink(real.join(name), folder.join(name)).unwrap();
    }
    let script = format!(
        "#!/bin/sh\nfor last; do :; done\n[ -d \"$last\" ] && ls \"$last\" >> {log}\n\
         exec {real}/pg_restore \"$@\"\n",
        log = folder.join("seen").display(),
        real = real.display(),
    );
    let path = folder.join("pg_restore");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn restores_with(client: u32) {
    let cluster = Cluster::shared();
    let source = cluster.create_db("source");
    load(&source);
    let programs = tempfile::tempdir().unwrap();
    watched_programs(client, programs.path());
    for (compress, chunk, jobs) in
        [("zstd", "8kB", "4"), ("gzip:1", "64kB", "1"), ("none", "20kB", "2")]
    {
        let repo = Repo::new();
        let arguments = ["--compress", compress, "--chunk", chunk, "--no-globals"];
        let output = repo
            .backup_command(cluster, source.name(), &arguments)
            .env("PGTEND_PG_BINDIR", programs.path())
            .run()
            .expect_code(0);
        let backup = repo.done(output);
        assert!(backup.manifest.source.pg_dump.starts_with(&format!("{client}.")));
        let copy = Made::new(cluster, "copy");
        let output = restore(
            &repo,
            cluster,
            &["latest", "--into", &copy.name, "--create", "--yes", "-j", jobs],
        )
        .env("PGTEND_PG_BINDIR", programs.path())
        .run()
        .expect_code(0);
        let report = output.json()["report"].take();
        assert_eq!(report["complete"], true);
        assert_eq!(report["restored"], report["objects"], "{report}");
        assert_eq!(report["rows"], backup.manifest.totals.rows);
        assert_eq!(report["tables"], backup.manifest.totals.tables);
        assert_eq!(report["large_objects"], backup.manifest.totals.large_objects);
        assert_eq!(report["pg_restore"], client);
        compare::assert_equal(cluster, source.name(), cluster, &copy.name);
    }
    // It never saw a data file.
    let seen = fs::read_to_string(programs.path().join("seen")).unwrap();
    let mut files: Vec<&str> = seen.lines().collect();
    files.sort_unstable();
    files.dedup();
    assert_eq!(files, ["list", "toc.dat"]);
}

#[test]
fn with_the_programs_of_15_the_copy_is_equal() {
    restores_with(15);
}

#[test]
fn with_the_programs_of_16_the_copy_is_equal() {
    restores_with(16);
}

#[test]
fn with_the_programs_of_18_the_copy_is_equal() {
    restores_with(18);
}
