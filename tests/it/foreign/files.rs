//! Files as the real pg_dump writes them, and pgtend run on them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::cluster::{SUPERUSER, conninfo_quoted, hermetic};
use crate::harness::{Cluster, Database, Pgtend, command, tools};

/// A folder for dumps; gone with this.
pub struct Files {
    folder: TempDir,
}

impl Files {
    pub fn new() -> Self {
        Self { folder: tempfile::Builder::new().prefix("pgt-dump").tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What pg_dump of this major writes with these arguments.
    pub fn dump(&self, client: u32, db: &Database<'_>, arguments: &[&str], name: &str) -> PathBuf {
        let path = self.path(name);
        let mut dump = client_program(client, "pg_dump", db.cluster(), db.name());
        dump.args(arguments).arg("--file").arg(&path);
        command::run(&mut dump, "").expect_success("pg_dump");
        path
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A copy of a folder of files.
    pub fn copy_of(&self, folder: &Path, name: &str) -> PathBuf {
        let copy = self.path(name);
        fs::create_dir(&copy).unwrap();
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
        }
        copy
    }
}

/// A program of this major, aimed at a database by its socket.
pub fn client_program(client: u32, program: &str, cluster: &Cluster, db: &str) -> Command {
    let mut command = Command::new(tools::client_bindir(client).join(program));
    command.env_clear().envs(hermetic()).arg("-h").arg(cluster.socket_dir());
    command.args(["-U", SUPERUSER, "-p", &cluster.port().to_string()]);
    command.args(["-d", &conninfo_quoted(db)]);
    command
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// As the program zstd writes it: with a checksum.
pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut writer = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    writer.include_checksum(true).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// `restore FILE ..` at this cluster, over TCP as superuser, with its report as JSON.
pub fn restore(cluster: &Cluster, file: &Path, arguments: &[&str]) -> Pgtend {
    Pgtend::new()
        .args(["restore", "--format=json"])
        .arg(file)
        .args(arguments)
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", SUPERUSER)
}

/// `verify-backup FILE ..`, with its report as JSON.
pub fn verify(file: &Path, arguments: &[&str]) -> Pgtend {
    Pgtend::new().args(["verify-backup", "--format=json"]).arg(file).args(arguments)
}

/// Some rows, a sequence, an index, a large object; small enough to be dumped often.
pub fn load_little(db: &Database<'_>) {
    db.psql(
        "CREATE TABLE t (id serial PRIMARY KEY, v text NOT NULL);
         INSERT INTO t (v) SELECT repeat(md5(g::text), 3) || E'\\\\ \\n;' FROM generate_series(1, 700) g;
         CREATE TABLE u (t_id int REFERENCES t, note text);
         INSERT INTO u SELECT g, 'note ' || g FROM generate_series(1, 300) g;
         CREATE INDEX u_note ON u (note);
         SELECT lo_from_bytea(0, decode(repeat('c0ffee', 900), 'hex'))",
    );
}
