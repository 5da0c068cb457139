//! What a comparison finds in a restored copy that is not what it was.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use pgtend::archive::frame::checksum;
use pgtend::archive::manifest::{Kind, Manifest};
use pgtend::archive::toc::Toc;
use pgtend::report::Progress;
use pgtend::report::verify::{Problem, ProblemKind};
use pgtend::settings::Target;
use pgtend::verify::compare::{Comparison, Counts, Inputs, LargeObjects, Piece};
use tokio_util::sync::CancellationToken;

use crate::backup_right::repo::{Backup, Repo};
use crate::harness::{Cluster, ClusterSpec, Database};

/// Rows, partitions, sequences, large objects, indexes and constraints.
const SCHEMA: &str = r"
    CREATE TABLE many (id serial PRIMARY KEY, v text);
    INSERT INTO many (v) SELECT repeat(md5(g::text), 40) FROM generate_series(1, 15000) g;
    CREATE TABLE few (a int UNIQUE, m money, b bytea); INSERT INTO few VALUES (1, 2.5, '\x00ff'), (NULL, NULL, NULL);
    CREATE TABLE zero (); INSERT INTO zero DEFAULT VALUES;
    CREATE TABLE child (a int CONSTRAINT to_few REFERENCES few (a), CONSTRAINT positive CHECK (a > 0));
    ALTER TABLE child ADD CONSTRAINT unchecked CHECK (a > 5) NOT VALID;
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
    CREATE TABLE root (k mood, v int) PARTITION BY HASH (k);
    CREATE TABLE p0 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE p1 PARTITION OF root FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE INDEX root_v ON root (v);
    INSERT INTO root SELECT (ARRAY['sad', 'ok', 'happy'])[1 + g % 3]::mood, g
    FROM generate_series(1, 300) g;
    CREATE TABLE ranges (k int, v text) PARTITION BY RANGE (k);
    CREATE TABLE r1 PARTITION OF ranges FOR VALUES FROM (0) TO (100);
    INSERT INTO ranges SELECT g, g::text FROM generate_series(0, 99) g;
    CREATE SEQUENCE unused START 7;
    CREATE FUNCTION sign_of(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
    CREATE INDEX many_by_sign ON many (public.sign_of(id));
    CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER touched BEFORE INSERT ON few FOR EACH ROW EXECUTE FUNCTION nothing();
    SELECT lo_from_bytea(1000 + g, convert_to(repeat(md5(g::text), g * 3000), 'UTF8'))
    FROM generate_series(1, 30) g;
    SELECT lo_create(2000)";

fn toc(backup: &Backup) -> Toc {
    Toc::read(&mut &fs::read(backup.folder.join("toc.dat")).unwrap()[..]).unwrap()
}

/// The large objects of a backup without compression.
fn large_objects(backup: &Backup) -> LargeObjects {
    let objects = backup.manifest.objects.iter().filter(|object| object.kind == Kind::LargeObject);
    objects
        .map(|object| {
            let oid = object.name.strip_prefix("blob_").unwrap().strip_suffix(".dat").unwrap();
            let bytes = fs::read(backup.folder.join(&object.name)).unwrap();
            let pieces = bytes
                .chunks(100_000)
                .map(|piece| Piece { bytes: piece.len() as u64, checksum: checksum(piece) });
            (oid.parse().unwrap(), pieces.collect())
        })
        .collect()
}

/// All parts of a comparison of `db` with a backup.
pub fn compare(db: &Database<'_>, backup: &Backup, manifest: &Manifest) -> (Vec<Problem>, Counts) {
    let cluster = db.cluster();
    let target = Target::own_server(cluster.socket_dir(), cluster.port(), "postgres", db.name());
    let (toc, progress, cancel) =
        (toc(backup), Arc::new(Progress::default()), CancellationToken::new());
    let inputs = Inputs {
        target: &target,
        manifest,
        toc: &toc,
        left_out: &HashSet::new(),
        jobs: 3,
        progress: &progress,
        cancel: &cancel,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut comparison = Comparison::start(inputs).await.unwrap();
        comparison.rows().await.unwrap();
        comparison.sequences().await.unwrap();
        comparison.large_objects(&large_objects(backup)).await.unwrap();
        comparison.structure().await.unwrap();
        comparison.amcheck().await.unwrap();
        (std::mem::take(&mut comparison.problems), comparison.counts.clone())
    })
}

/// `kind table what`, one problem a line.
fn told(problems: &[Problem]) -> String {
    let one = |problem: &Problem| {
        let table = problem.table.as_deref().unwrap_or("-");
        format!("{:?} {table} {}\n", problem.kind, problem.what)
    };
    problems.iter().map(one).collect()
}

/// A change of the restored copy, and what is to be found then, each in a line of its own.
const CHANGES: &[(&str, &[&str])] = &[
    ("SELECT", &[]),
    (
        "UPDATE many SET v = v || 'x' WHERE id = 12000",
        &["Rows public.many it has 15000 rows, as it should, but their hash is "],
    ),
    (
        "DELETE FROM many WHERE id = 1",
        &["Rows public.many 15000 rows were backed up, only 14999 were restored"],
    ),
    (
        "INSERT INTO few SELECT * FROM few WHERE a IS NULL",
        &["Rows public.few 2 rows were backed up, 3 were restored"],
    ),
    // As many rows and the same sum of everything but one bit.
    ("UPDATE few SET b = '\\x00fe' WHERE a = 1", &["Rows public.few it has 2 rows, as it should"]),
    ("UPDATE few SET m = 2.51 WHERE a = 1", &["Rows public.few it has 2 rows, as it should"]),
    ("INSERT INTO zero DEFAULT VALUES", &["Rows public.zero 1 rows were backed up, 2 "]),
    (
        "DELETE FROM root WHERE v = 7",
        &["Rows public.root (with all its partitions) 300 rows were backed up, only 299 "],
    ),
    (
        "UPDATE root SET v = 8 WHERE v = 7",
        &["Rows public.root (with all its partitions) it has 300 rows"],
    ),
    ("UPDATE ranges SET v = '' WHERE k = 7", &["Rows public.r1 it has 100 rows"]),
    (
        "DROP TABLE ranges",
        &[
            "Missing public.r1 the table is missing; 100 rows of it were backed up",
            "Missing - TABLE public.ranges is missing",
            "Missing - TABLE public.r1 is missing",
        ],
    ),
    ("ALTER TABLE ranges RENAME v TO w", &["Missing public.r1 column v is missing"]),
    (
        "ALTER TABLE r1 RENAME TO r2; CREATE VIEW r1 AS SELECT 1 AS k, 2 AS v",
        &["Missing public.r1 it is no table any more", "Missing - TABLE public.r1 is missing"],
    ),
    (
        "SELECT setval('many_id_seq', 4)",
        &["Sequence - sequence public.many_id_seq is at 4 (used), it was at 15000 (used)"],
    ),
    (
        "SELECT nextval('unused')",
        &["Sequence - sequence public.unused is at 7 (used), it was at 7 (not yet used)"],
    ),
    (
        "DROP SEQUENCE unused",
        &[
            "Sequence - sequence public.unused is missing",
            "Missing - SEQUENCE public.unused is missing",
        ],
    ),
    (
        "SELECT lo_put(1030, 2800000, 'x')",
        &["LargeObject - large object 1030: its bytes differ between 2800000 and 2880000"],
    ),
    (
        "SELECT lo_put(1030, 2880000, 'x')",
        &["LargeObject - large object 1030: it has more than 2880000 bytes"],
    ),
    (
        "SELECT lo_unlink(1030); SELECT lo_create(1030)",
        &["LargeObject - large object 1030: it has only 0 of 2880000 bytes"],
    ),
    ("SELECT lo_put(2000, 0, 'x')", &["LargeObject - large object 2000: it has more than 0 bytes"]),
    ("SELECT lo_unlink(1003)", &["LargeObject - large object 1003: it is missing"]),
    (
        "SELECT lo_create(3000)",
        &["LargeObject - large object 3000: the backup has none of that number"],
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'many_pkey'::regclass",
        &["Invalid - index public.many_pkey is not valid"],
    ),
    (
        "UPDATE pg_constraint SET convalidated = false WHERE conname IN ('positive', 'to_few')",
        &[
            "Invalid - constraint public.child positive is not validated",
            "Invalid - constraint public.child to_few is not validated",
        ],
    ),
    (
        "ALTER TABLE child DROP CONSTRAINT to_few; DROP TRIGGER touched ON few; DROP INDEX many_by_sign",
        &[
            "Missing - INDEX public.many_by_sign is missing",
            "Missing - TRIGGER public.few touched is missing",
            "Missing - FK CONSTRAINT public.child to_few is missing",
        ],
    ),
    (
        "UPDATE pg_class SET relispartition = false WHERE relname = 'p0_v_idx'",
        &["Invalid - index public.p0_v_idx is not attached to its parent"],
    ),
    (
        "CREATE OR REPLACE FUNCTION sign_of(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT -$1'",
        &["Corrupt public.many public.many_by_sign: heap tuple "],
    ),
];

#[test]
fn every_change_of_a_restored_copy_is_found_and_named() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("source");
    source.psql(SCHEMA);
    let repo = Repo::new();
    let backup = repo.backup(&source, &["--compress=none", "-j2"]);
    let copy = cluster.create_db("copy");
    backup.restore(15, &copy);
    for (change, expected) in CHANGES {
        let changed = cluster.create_db("changed");
        let name = changed.name();
        cluster.psql(
            "postgres",
            &format!("DROP DATABASE {name}; CREATE DATABASE {name} TEMPLATE {}", copy.name()),
        );
        changed.psql(change);
        let (problems, counts) = compare(&changed, &backup, &backup.manifest);
        let told = told(&problems);
        assert_eq!(problems.len(), expected.len(), "{change}: {told}");
        for (line, expected) in told.lines().zip(*expected) {
            assert!(line.starts_with(expected), "{change}: {told}not {expected}");
        }
        if expected.is_empty() {
            assert_eq!((counts.tables, counts.rows), (7, 15_403), "{counts:?}");
            assert_eq!((counts.large_objects, counts.sequences), (31, 2), "{counts:?}");
            assert!(
                counts.indexes_checked > Some(5) && counts.heaps_checked > Some(5),
                "{counts:?}"
            );
        }
    }
}

/// The same row may look otherwise in another version: that is not known, and not damage.
#[test]
fn other_versions_make_another_hash_unknown_but_never_another_count() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("source");
    source.psql("CREATE TABLE a AS SELECT 1 AS v; CREATE TABLE b AS SELECT 1 AS v");
    let repo = Repo::new();
    let backup = repo.backup(&source, &["--compress=none"]);
    let copy = cluster.create_db("copy");
    backup.restore(15, &copy);
    let mut older = backup.manifest.clone();
    older.source.version_num = 140_009;
    let mut extended = backup.manifest.clone();
    assert_eq!(extended.database.extensions, [("plpgsql".to_owned(), "1.0".to_owned())]);
    extended.database.extensions[0].1 = "0.9".into();
    for manifest in [&older, &extended] {
        assert_eq!(compare(&copy, &backup, manifest).0, []);
    }
    copy.psql("UPDATE a SET v = 2; DELETE FROM b");
    for (manifest, reason) in [
        (&older, "the server is PostgreSQL 15, the source was 14"),
        (&extended, "extension plpgsql has version 1.0 here, 0.9 at the source"),
    ] {
        let (problems, _) = compare(&copy, &backup, manifest);
        let told = told(&problems);
        assert_eq!(problems.len(), 2, "{told}");
        assert_eq!(problems[0].kind, ProblemKind::Unknown);
        assert_eq!(problems[1].kind, ProblemKind::Rows);
        assert!(told.contains(reason) && told.contains("Rows public.b 1 rows"), "{told}");
    }
}

#[test]
fn rows_of_an_extension_that_it_brings_itself_are_not_counted() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("source");
    source.load_awkward();
    let repo = Repo::new();
    let backup = repo.backup(&source, &["--compress=none"]);
    let copy = cluster.create_db("copy");
    backup.restore(15, &copy);
    assert_eq!(compare(&copy, &backup, &backup.manifest).0, []);
}

/// Bits that flip on the disk of a stopped server, in an index and in a table.
#[test]
fn a_btree_and_a_table_with_other_bytes_on_disk_are_found() {
    let cluster = ClusterSpec::default().start();
    let source = cluster.create_db("source");
    source.psql(
        "CREATE TABLE t (id int PRIMARY KEY, v text);
         INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 1000) g;
         CREATE TABLE u AS SELECT g AS a FROM generate_series(1, 100) g",
    );
    let repo = Repo::new();
    let backup = repo.backup(&source, &["--compress=none"]);
    let copy = cluster.create_db("copy");
    backup.restore(15, &copy);
    assert_eq!(compare(&copy, &backup, &backup.manifest).0, []);
    let file = |relation: &str| -> PathBuf {
        cluster.data_dir().join(copy.psql(&format!("SELECT pg_relation_filepath('{relation}')")))
    };
    let files = (file("t_pkey"), file("u"));
    copy.psql("CHECKPOINT");
    cluster.stop_immediate();
    let open = |path| fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    // The page behind the index's first, which is its description: the place of a tuple.
    let (index, mut item) = (open(&files.0), [0; 4]);
    let at = 8192 + 24 + 4 * 20;
    index.read_exact_at(&mut item, at).unwrap();
    let mut other = [0; 4];
    index.read_exact_at(&mut other, at + 8).unwrap();
    index.write_all_at(&other, at).unwrap();
    index.write_all_at(&item, at + 8).unwrap();
    // The first tuple's line pointer leads to its header; its transaction is from the future.
    let (heap, mut pointer) = (open(&files.1), [0; 4]);
    heap.read_exact_at(&mut pointer, 24).unwrap();
    let tuple = u64::from(u32::from_le_bytes(pointer) & 0x7fff);
    heap.write_all_at(&3_000_000_000_u32.to_le_bytes(), tuple).unwrap();
    cluster.start_again();
    let (problems, _) = compare(&copy, &backup, &backup.manifest);
    let told = told(&problems);
    assert!(
        told.contains("Corrupt public.t public.t_pkey: item order invariant violated"),
        "{told}"
    );
    assert!(told.contains("Corrupt public.u public.u: block 0,item 1, xmin 3000000000"), "{told}");
}
