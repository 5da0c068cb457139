//! A repository of a test's own, the backups in it, and stock pg_restore on a copy of them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use pgtend::archive::manifest::{Manifest, Object};
use tempfile::TempDir;

use crate::harness::cluster::{SUPERUSER, conninfo_quoted, hermetic};
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Database, Pgtend, command, tools};
use crate::scene::files_below;

/// A folder for backups; gone with this and the last of its backups.
pub struct Repo {
    folder: Arc<TempDir>,
}

impl Repo {
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("pgt-repo").tempdir().unwrap();
        Self { folder: Arc::new(folder) }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// pgtend with this repository and JSON as its answer.
    pub fn pgtend<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Pgtend {
        Pgtend::new().args(arguments).arg("--format=json").arg("-r").arg(self.path())
    }

    /// `backup` of a database, with whatever name, over TCP as superuser.
    pub fn backup_command(&self, cluster: &Cluster, db: &str, arguments: &[&str]) -> Pgtend {
        self.pgtend([&["backup"], arguments].concat())
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", cluster.port().to_string())
            .env("PGUSER", SUPERUSER)
            .env("PGDATABASE", db)
            .client(client_major(cluster))
    }

    /// A backup that must succeed without a warning.
    #[track_caller]
    pub fn backup(&self, db: &Database<'_>, arguments: &[&str]) -> Backup {
        self.done(self.backup_command(db.cluster(), db.name(), arguments).run().expect_code(0))
    }

    /// The backup that a run has made.
    #[track_caller]
    pub fn done(&self, output: Output) -> Backup {
        let report = output.json()["report"].take();
        assert_eq!(report["published"], true, "{report}");
        let folder = self.path().join(report["folder"].as_str().expect("a folder"));
        let manifest = read_manifest(&folder);
        let repo = Arc::clone(&self.folder);
        Backup { manifest, folder, report, stderr: output.stderr, _repo: repo }
    }

    /// Every file below the repository, by its path in it.
    pub fn files(&self) -> Vec<String> {
        files_below(self.path()).iter().map(|file| file.display().to_string()).collect()
    }
}

/// The oldest client programs here that know this server.
pub fn client_major(cluster: &Cluster) -> u32 {
    let major = tools::CLIENT_MAJORS.into_iter().find(|client| *client >= cluster.major());
    major.expect("a client for the newest server")
}

/// A published backup.
#[derive(Debug)]
pub struct Backup {
    pub folder: PathBuf,
    pub manifest: Manifest,
    pub report: serde_json::Value,
    pub stderr: String,
    _repo: Arc<TempDir>,
}

fn read_manifest(folder: &Path) -> Manifest {
    let bytes = fs::read(folder.join("manifest.json")).unwrap();
    Manifest::from_bytes(&bytes).expect("a record that is whole")
}

impl Backup {
    /// The object with a table's rows.
    #[track_caller]
    pub fn table(&self, schema: &str, name: &str) -> &Object {
        self.find_table(schema, name).unwrap_or_else(|| panic!("no object for {schema}.{name}"))
    }

    pub fn find_table(&self, schema: &str, name: &str) -> Option<&Object> {
        self.manifest.objects.iter().find(|object| {
            object.table.as_ref().is_some_and(|t| t.schema == schema && t.name == name)
        })
    }

    /// Rows of a table as the record has them.
    #[track_caller]
    pub fn rows(&self, schema: &str, name: &str) -> u64 {
        self.table(schema, name).table.as_ref().unwrap().rows
    }

    /// Parts that a table was read in.
    #[track_caller]
    pub fn chunks(&self, schema: &str, name: &str) -> u32 {
        self.table(schema, name).table.as_ref().unwrap().chunks
    }

    /// `schema.table rows hash` of every table, sorted.
    pub fn row_sums(&self) -> Vec<String> {
        let tables = self.manifest.objects.iter().filter_map(|object| object.table.as_ref());
        let mut sums: Vec<String> =
            tables.map(|t| format!("{}.{} {} {}", t.schema, t.name, t.rows, t.row_hash)).collect();
        sums.sort();
        sums
    }

    /// A copy of the folder as pg_restore builds without zstd want it.
    pub fn expanded_copy(&self) -> TempDir {
        let copy = tempfile::Builder::new().prefix("pgt-copy").tempdir().unwrap();
        let mut packed = Vec::new();
        for entry in fs::read_dir(&self.folder).unwrap() {
            let file = entry.unwrap().path();
            if file.is_file() {
                let target = copy.path().join(file.file_name().unwrap());
                fs::copy(&file, &target).unwrap();
                packed.extend((target.extension() == Some(OsStr::new("zst"))).then_some(target));
            }
        }
        // The words of the README.
        for some in packed.chunks(500) {
            let mut unzstd = Command::new("unzstd");
            unzstd.args(["-q", "--rm"]).args(some);
            command::run(&mut unzstd, "").expect_success("unzstd");
        }
        copy
    }

    /// Stock `pg_restore -Fd -j2` of a copy into a database, with programs of this major; nothing
    /// but the one known-harmless error may come.
    #[track_caller]
    pub fn restore(&self, client: u32, target: &Database<'_>) {
        let copy = self.expanded_copy();
        let mut restore = program(client, "pg_restore", target.cluster());
        restore.args(["-Fd", "-j2", "-d", &conninfo_quoted(target.name())]).arg(copy.path());
        let finished = command::run(&mut restore, "");
        let stderr = finished.stderr();
        // From 17 on pg_restore sets it whatever the server: backup-experiments.md, E10.
        let unknown = "ERROR:  unrecognized configuration parameter \"transaction_timeout\"";
        let errors: Vec<&str> = stderr.lines().filter(|line| line.contains("ERROR:")).collect();
        if client >= 17 && target.cluster().major() < 17 {
            assert!(errors.iter().all(|line| line.ends_with(unknown)), "{stderr}");
            assert!(!errors.is_empty() && finished.status.code() == Some(1), "{stderr}");
        } else {
            finished.expect_success("pg_restore");
            assert_eq!(stderr, "");
        }
    }

    /// Major version of the programs that made it.
    pub fn client(&self) -> u32 {
        let version = &self.manifest.source.pg_dump;
        version.split('.').next().and_then(|major| major.parse().ok()).expect("a version")
    }

    /// What `pg_restore -l` lists, without ids and comments.
    pub fn listed(&self, client: u32) -> Vec<String> {
        list(client, &self.folder)
    }
}

/// What `pg_restore -l` lists of an archive, without its dump ids and comments.
pub fn list(client: u32, archive: &Path) -> Vec<String> {
    let mut restore = Command::new(tools::client_bindir(client).join("pg_restore"));
    restore.env_clear().envs(hermetic()).arg("-l").arg(archive);
    let text = command::run(&mut restore, "").expect_success("pg_restore -l").stdout();
    let entries = text.lines().filter(|line| !line.starts_with(';') && !line.is_empty());
    let mut names: Vec<String> = entries
        .map(|line| line.split_once("; ").map_or(line, |(_, name)| name).to_owned())
        .collect();
    names.sort();
    names
}

/// A client program of this major aimed at a cluster as superuser.
pub fn program(major: u32, name: &str, cluster: &Cluster) -> Command {
    let mut command = Command::new(tools::client_bindir(major).join(name));
    command.env_clear().envs(hermetic()).env("PGHOST", cluster.socket_dir());
    command.env("PGPORT", cluster.port().to_string()).env("PGUSER", SUPERUSER);
    command
}
