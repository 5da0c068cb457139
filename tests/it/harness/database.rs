//! A database of a test's own.

use std::path::{Path, PathBuf};

use super::cluster::Cluster;

/// Dropped, with whoever is connected thrown out, when this is.
#[derive(Debug)]
pub struct Database<'a> {
    cluster: &'a Cluster,
    name: String,
}

impl<'a> Database<'a> {
    /// Made from template0, so that nothing else may be connected to the template.
    pub fn create(cluster: &'a Cluster, name: String) -> Self {
        cluster.psql("postgres", &format!("CREATE DATABASE {} TEMPLATE template0", quoted(&name)));
        Self { cluster, name }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn cluster(&self) -> &'a Cluster {
        self.cluster
    }

    /// See [`Cluster::url`].
    pub fn url(&self) -> String {
        self.cluster.url(&self.name)
    }

    /// See [`Cluster::psql`].
    #[track_caller]
    pub fn psql(&self, sql: &str) -> String {
        self.cluster.psql(&self.name, sql)
    }

    /// See [`Cluster::psql_file`].
    #[track_caller]
    pub fn psql_file(&self, path: &Path) {
        self.cluster.psql_file(&self.name, path);
    }

    /// Fills it with everything that is hard to dump.
    #[track_caller]
    pub fn load_awkward(&self) {
        self.psql_file(&data("awkward.sql"));
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&self.name));
        // The server may be stopped on purpose; it goes with all its files anyway.
        if let Err(error) = self.cluster.psql_result("postgres", &sql) {
            eprintln!("database {} stays: {error}", self.name);
        }
    }
}

/// An SQL identifier.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A file of tests/it/data.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/data").join(name)
}
