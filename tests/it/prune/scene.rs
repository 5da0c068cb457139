//! A repository of many backups: copies of one real backup, with other ids and times.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use pgtend::archive::manifest::Manifest;
use tempfile::TempDir;

use crate::backup_right::repo::{Backup, Repo};
use crate::harness::{Cluster, Pgtend};
use crate::scene::files_below;

/// What is copied; made once.
fn original() -> &'static Backup {
    static MADE: OnceLock<Backup> = OnceLock::new();
    MADE.get_or_init(|| {
        let db = Cluster::shared().create_db("pruned");
        db.psql("CREATE TABLE t AS SELECT n FROM generate_series(1, 100) n");
        Repo::new().backup(&db, &["--no-globals", "--cluster=prod"])
    })
}

/// A repository, gone with this.
pub struct Scene {
    folder: TempDir,
}

impl Scene {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("pgt-repo").tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `backup prune` of this repository, with JSON as its answer.
    pub fn prune<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Pgtend {
        self.text(arguments).arg("--format=json")
    }

    /// The same for people.
    pub fn text<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Pgtend {
        Pgtend::new().args(["backup", "prune"]).args(arguments).arg("-r").arg(self.path())
    }

    /// Adds a backup of this age in hours to `<cluster>/<database>`, as folders are written; gives
    /// its id. No two of a test have the same age.
    pub fn add(&self, place: &str, hours: i64) -> String {
        self.add_changed(place, hours, |_| {})
    }

    /// Several.
    pub fn add_all(&self, place: &str, ages: &[i64]) {
        for age in ages {
            self.add(place, *age);
        }
    }

    /// One with another record.
    pub fn add_changed(&self, place: &str, hours: i64, change: impl Fn(&mut Manifest)) -> String {
        let original = original();
        let taken = Timestamp::now() - SignedDuration::from_hours(hours);
        let id = format!("{}-{:06x}", taken.strftime("%Y%m%dT%H%M%SZ"), hours & 0xff_ffff);
        let folder = self.path().join(place).join(&id);
        fs::create_dir_all(&folder).unwrap();
        for file in files_in(&original.folder) {
            fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
        let mut manifest = original.manifest.clone();
        manifest.id.clone_from(&id);
        manifest.snapshot.taken = taken;
        (manifest.started, manifest.finished) = (taken, taken);
        change(&mut manifest);
        fs::write(folder.join("manifest.json"), manifest.to_bytes().unwrap()).unwrap();
        self.age(&folder, hours);
        id
    }

    /// What a run that was killed has left.
    pub fn add_broken_off(&self, place: &str, hours: i64) -> String {
        let id = self.add(place, hours);
        fs::remove_file(self.path().join(place).join(&id).join("manifest.json")).unwrap();
        id
    }

    /// Makes the files in a folder as old as this.
    pub fn age(&self, folder: &Path, hours: i64) {
        let age = Duration::from_secs(u64::try_from(hours.max(0)).unwrap() * 3600);
        for file in files_in(folder) {
            File::open(file).unwrap().set_modified(SystemTime::now() - age).unwrap();
        }
    }

    /// What is not pgtend's, wherever it could be mistaken for it; `id` is one of `prod/app`.
    pub fn add_foreign(&self, id: &str) {
        let app = self.path().join("prod/app");
        fs::write(self.path().join("README.txt"), "ours").unwrap();
        fs::write(self.path().join("manifest.json"), "{}").unwrap();
        fs::write(app.join("notes.txt"), "ours").unwrap();
        fs::write(app.join(format!("{id}.tar")), "ours").unwrap();
        for name in [format!("{id}.bak"), format!("{id}0"), format!("x{id}"), id[..22].to_owned()] {
            let folder = app.join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("manifest.json"), "ours").unwrap();
            fs::write(folder.join("toc.dat"), "ours").unwrap();
        }
        // A level too high, and one too low.
        for folder in [self.path().join("prod").join(id), app.join("sub").join(id)] {
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("toc.dat"), "ours").unwrap();
        }
    }

    /// Every file, by its path in the repository, with a mark of its content.
    pub fn files(&self) -> Vec<String> {
        let files = files_below(self.path());
        let name = |file: &PathBuf| {
            let content = xxhash_rust::xxh3::xxh3_64(&fs::read(self.path().join(file)).unwrap());
            format!("{} {content:x}", file.display())
        };
        let mut names: Vec<String> = files.iter().map(name).collect();
        names.sort();
        names
    }

    /// Ids of the folders in `<cluster>/<database>` that have a manifest, oldest first.
    pub fn published(&self, place: &str) -> Vec<String> {
        let folders = fs::read_dir(self.path().join(place)).unwrap();
        let folders = folders.map(|entry| entry.unwrap().path());
        let published = folders.filter(|folder| folder.join("manifest.json").exists());
        let name = |folder: PathBuf| folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut ids: Vec<String> = published.map(name).collect();
        ids.sort();
        ids
    }

    pub fn count(&self, place: &str) -> usize {
        self.published(place).len()
    }

    /// Verifies a backup of the repository at level content.
    #[track_caller]
    pub fn verify(&self, id: &str, code: i32) {
        let run = Pgtend::new().args(["verify-backup", id, "--level=content", "-r"]);
        run.arg(self.path()).run().expect_code(code);
    }
}

pub fn files_in(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).collect()
}

/// What a report says of one backup.
#[track_caller]
pub fn row<'a>(report: &'a serde_json::Value, id: &str) -> &'a serde_json::Value {
    let rows = report["report"]["backups"].as_array().expect("a report");
    rows.iter().find(|row| row["id"] == id).unwrap_or_else(|| panic!("no {id} in {report:#}"))
}

/// Whether it stays, and the first reason.
#[track_caller]
pub fn said<'a>(report: &'a serde_json::Value, id: &str) -> (&'a str, &'a str) {
    let row = row(report, id);
    (row["action"].as_str().unwrap(), row["reasons"][0].as_str().unwrap())
}
