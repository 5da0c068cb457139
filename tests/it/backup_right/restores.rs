//! Stock pg_restore makes an equal database of every backup.

use crate::backup_right::repo::Repo;
use crate::harness::{Cluster, Database, compare, tools};

/// The awkward schema, and tables of many pages with holes in them, so that small chunks cut them
/// into many.
fn load(db: &Database<'_>) {
    db.load_awkward();
    db.psql(
        "CREATE TABLE many_pages (id int PRIMARY KEY, v text);
         INSERT INTO many_pages SELECT g, repeat(md5(g::text), 1 + g % 7)
         FROM generate_series(1, 15000) g;
         UPDATE many_pages SET v = v || E'\\n\\t\\\\' WHERE id % 5 = 0;
         DELETE FROM many_pages WHERE id BETWEEN 4000 AND 6000;
         CREATE TABLE no_columns_many_pages (gone text);
         INSERT INTO no_columns_many_pages SELECT repeat('x', 500) FROM generate_series(1, 900);
         ALTER TABLE no_columns_many_pages DROP COLUMN gone",
    );
}

/// One client's programs, with every compression, one reader and four, and two sizes of chunks.
fn restores_with(client: u32) {
    let cluster = Cluster::shared();
    let source = cluster.create_db("source");
    load(&source);
    let runs = [("zstd", "1", "8kB"), ("gzip:1", "4", "64kB"), ("none", "4", "20kB")];
    for (compress, jobs, chunk) in runs {
        // Each compression with one reader and with several, over the three clients.
        let jobs = if client == 16 && compress != "none" { "4" } else { jobs };
        let jobs = if client == 18 && compress == "none" { "1" } else { jobs };
        let repo = Repo::new();
        let arguments = ["--compress", compress, "-j", jobs, "--chunk", chunk, "--no-globals"];
        let output = repo
            .backup_command(cluster, source.name(), &arguments)
            .env("PGTEND_PG_BINDIR", tools::client_bindir(client))
            .run()
            .expect_code(0);
        let backup = repo.done(output);
        let programs = &backup.manifest.source.pg_dump;
        assert!(programs.starts_with(&format!("{client}.")), "{programs}");
        let wanted = if chunk == "8kB" { 150 } else { 20 };
        let cut = backup.chunks("public", "many_pages");
        assert!(cut > wanted, "{cut} chunks of {chunk}");
        assert!(backup.chunks("public", "no_columns_many_pages") > 5);
        assert_eq!(backup.rows("public", "many_pages"), 12_999);
        let copy = cluster.create_db("copy");
        backup.restore(client, &copy);
        compare::assert_equal(cluster, source.name(), cluster, copy.name());
    }
}

#[test]
fn pg_restore_15_makes_an_equal_database() {
    restores_with(15);
}

#[test]
fn pg_restore_16_makes_an_equal_database() {
    restores_with(16);
}

#[test]
fn pg_restore_18_makes_an_equal_database() {
    restores_with(18);
}
