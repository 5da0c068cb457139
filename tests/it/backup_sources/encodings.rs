//! Encodings and names of databases.

use crate::backup_right::repo::Repo;
use crate::harness::database::quoted;
use crate::harness::{Cluster, compare};

/// Backs up a database of this encoding, once `load` has filled it, and compares its copy.
fn with_encoding(encoding: &str, load: impl FnOnce(&str)) {
    let cluster = Cluster::shared();
    // Handles that drop what has their name, whatever is made of it.
    let databases = [cluster.create_db("encoded"), cluster.create_db("encoded")];
    for db in &databases {
        let name = quoted(db.name());
        cluster.psql("postgres", &format!("DROP DATABASE {name}"));
        cluster.psql(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'"),
        );
    }
    load(databases[0].name());
    let repo = Repo::new();
    let output = repo.backup_command(cluster, databases[0].name(), &[]).run().expect_code(0);
    let backup = repo.done(output);
    assert_eq!(backup.manifest.database.encoding, encoding);
    backup.restore(15, &databases[1]);
    compare::assert_equal(cluster, databases[0].name(), cluster, databases[1].name());
    let bytes =
        "SELECT string_agg(encode(convert_to(v, current_setting('server_encoding')), 'hex'),
        ' ' ORDER BY id) FROM t";
    assert_eq!(databases[1].psql(bytes), databases[0].psql(bytes));
    repo.pgtend(["verify-backup", "latest"]).run().expect_code(0);
}

#[test]
fn bytes_of_an_sql_ascii_database_stay_what_they_are() {
    with_encoding("SQL_ASCII", |source| {
        // Latin-1, a cut UTF-8 sequence, every byte but those that COPY escapes.
        Cluster::shared().psql(
            source,
            "CREATE TABLE t (id int, v text);
             INSERT INTO t VALUES (1, E'caf\\xe9'), (2, E'\\xc3'), (3, E'\\xff\\xfe\\\\n');
             INSERT INTO t SELECT g, chr(g) || 'x' FROM generate_series(128, 255) g",
        );
    });
}

#[test]
fn text_of_a_latin1_database_is_converted_once() {
    with_encoding("LATIN1", |source| {
        Cluster::shared().psql(
            source,
            "SET client_encoding = 'UTF8';
             CREATE TABLE t (id int, v text, \"größe\" int);
             INSERT INTO t VALUES (1, 'café ÿ'), (2, E'\\u00a0\\t'), (3, 'ß');
             COMMENT ON TABLE t IS 'Übergröße'",
        );
    });
}

#[test]
fn an_empty_database_is_a_backup_that_restores() {
    let cluster = Cluster::shared();
    let (source, copy) = (cluster.create_db("empty"), cluster.create_db("copy"));
    let repo = Repo::new();
    for compress in ["zstd", "gzip", "none"] {
        let backup = repo.backup(&source, &["--compress", compress]);
        let totals = &backup.manifest.totals;
        assert_eq!((totals.tables, totals.rows, totals.large_objects), (0, 0, 0));
        assert!(totals.entries > 0);
        backup.restore(15, &copy);
        compare::assert_equal(cluster, source.name(), cluster, copy.name());
        let id = backup.report["id"].as_str().unwrap();
        repo.pgtend(["verify-backup", id]).run().expect_code(0);
    }
}

#[test]
fn no_name_of_a_database_leads_out_of_the_repository() {
    let cluster = Cluster::shared();
    let long = "é".repeat(31);
    for name in [
        "two words",
        "quo\"te's",
        "a/b",
        "..",
        "../../../tmp/x",
        "line\nbreak",
        "Größe 雪 🐘",
        "back\\slash",
        "key=value",
        "postgresql://nowhere/x",
        "100%",
        "latest:x",
        " ",
        &long,
    ] {
        let _db = NamedDb::create(cluster, name);
        cluster.psql(name, "CREATE TABLE t (a int); INSERT INTO t VALUES (7)");
        let repo = Repo::new();
        let output =
            repo.backup_command(cluster, name, &["--cluster", "../c/.."]).run().expect_code(0);
        let backup = repo.done(output);
        assert_eq!(backup.manifest.database.name, name);
        assert_eq!(backup.report["database"], name);
        assert_eq!(backup.rows("public", "t"), 1);
        // Two levels, one folder each, and the backup's own: nothing else, nowhere else.
        let files = repo.files();
        assert!(files.iter().all(|file| file.split('/').count() == 4), "{files:?}");
        let parts: Vec<&str> = files.iter().flat_map(|file| file.split('/')).collect();
        assert!(!parts.iter().any(|part| part.starts_with('.')), "{files:?}");
        assert_eq!(files.len(), backup.manifest.objects.len() + 1, "{files:?}");
        let list = repo.pgtend(["backup", "list"]).run().expect_code(0).json();
        assert_eq!(list["report"]["backups"][0]["database"], name);
        let latest = format!("latest:{name}");
        repo.pgtend(["verify-backup", &latest]).run().expect_code(0);
        let copy = cluster.create_db("copy");
        backup.restore(15, &copy);
        assert_eq!(copy.psql("SELECT a FROM t"), "7");
    }
}

/// A database with exactly this name; dropped with this.
struct NamedDb<'a> {
    cluster: &'a Cluster,
    name: &'a str,
}

impl<'a> NamedDb<'a> {
    fn create(cluster: &'a Cluster, name: &'a str) -> Self {
        let quoted = quoted(name);
        cluster.psql("postgres", &format!("CREATE DATABASE {quoted} TEMPLATE template0"));
        Self { cluster, name }
    }
}

impl Drop for NamedDb<'_> {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE {} WITH (FORCE)", quoted(self.name));
        if let Err(error) = self.cluster.psql_result("postgres", &sql) {
            eprintln!("database {} stays: {error}", self.name);
        }
    }
}
