//! The proof: what is planned can be made, and what is left out says why.

use pgtend::restore::plan::Weight;
use pgtend::restore::rehearsal::Wishes;

use super::scene::{PLAIN, Rehearsed, backup, target};
use crate::backup_right::repo::{Backup, Repo, client_major};
use crate::harness::cluster::SUPERUSER;
use crate::harness::{Cluster, ClusterSpec, Database, compare};

/// Several owners, extensions with comments, and one of everything that only a superuser may
/// create.
const MANAGED: &str = include_str!("../data/managed.sql");

fn managed(cluster: &Cluster) -> Database<'_> {
    let db = cluster.create_db("source");
    db.psql(MANAGED);
    db
}

/// Databases to restore, their backups, and the cluster that they are in.
struct Source {
    cluster: Cluster,
    awkward: (String, Backup),
    managed: (String, Backup),
}

fn source(major: u32) -> Source {
    let cluster = cluster(major);
    let client = client_major(&cluster);
    let repo = Repo::new();
    let backed_up = |db: Database<'_>| {
        let made = backup(&repo, &db, client);
        let name = db.name().to_owned();
        // It goes with its cluster.
        std::mem::forget(db);
        (name, made)
    };
    let awkward = cluster.create_db("awkward");
    awkward.load_awkward();
    let (awkward, managed) = (backed_up(awkward), backed_up(managed(&cluster)));
    Source { awkward, managed, cluster }
}

fn cluster(major: u32) -> Cluster {
    ClusterSpec::major(major).set("wal_level", "logical").start()
}

/// Restores, and fails when pg_restore met anything that was not foreseen.
#[track_caller]
fn run_on<'a>(backup: &Backup, cluster: &'a Cluster, role: &str) -> (Database<'a>, Rehearsed) {
    let db = target(cluster, role);
    let run = run_in(backup, &db, role);
    (db, run)
}

#[track_caller]
fn run_in(backup: &Backup, db: &Database<'_>, role: &str) -> Rehearsed {
    let client = client_major(db.cluster()).max(backup.client());
    let run = Rehearsed::run(backup, client, db, role, &Wishes::default()).expect_no_surprise();
    forget_subscriptions(db);
    run
}

/// Else the database cannot be dropped.
fn forget_subscriptions(db: &Database<'_>) {
    let there = "SELECT count(*) FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid
                 WHERE datname = current_database()";
    if db.psql(there) != "0" {
        db.psql("ALTER SUBSCRIPTION sub SET (slot_name = NONE)");
        db.psql("DROP SUBSCRIPTION sub");
    }
}

/// On a server without any of the roles, then on one that has them all.
fn is_foreseen(source: &Source, major: u32) {
    let cluster = cluster(major);
    without_roles(source, &cluster);
    let roles = ["app_owner", "reader", "auditor", "lo_owner", "\"od\"\"d ro;le\"", "rdsadmin"];
    cluster.psql("postgres", &roles.map(|role| format!("CREATE ROLE {role};")).concat());
    as_a_stranger(source, &cluster);
    cluster.psql("postgres", "GRANT app_owner, lo_owner TO plain");
    as_a_member(source, &cluster);
    let (db, run) = run_on(&source.managed.1, &cluster, SUPERUSER);
    assert_eq!(run.told(), "note subscription sub comes back disabled\n");
    drop(db);
    let (db, _) = run_on(&source.awkward.1, &cluster, SUPERUSER);
    compare::assert_equal(&source.cluster, &source.awkward.0, &cluster, db.name());
}

fn without_roles(source: &Source, cluster: &Cluster) {
    let (_, run) = run_on(&source.managed.1, cluster, SUPERUSER);
    run.expect_note("role app_owner does not exist: 7 objects will belong to postgres");
    run.expect_missing("POLICY app.plain named", "role reader does not exist");
    run.expect_missing("COMMENT app.POLICY named ON plain", "role reader does not exist");
    assert_eq!(run.fate("POLICY app.plain everybody"), None);
    assert_eq!(run.fate("ACL SCHEMA public").map(|(weight, _)| weight), Some(Weight::Needless));
    let (db, run) = run_on(&source.managed.1, cluster, PLAIN);
    run.expect_note("role app_owner does not exist: 7 objects will belong to plain");
    assert_eq!(db.psql("SELECT count(*) FROM app.plain"), "2");
    let (_, run) = run_on(&source.awkward.1, cluster, PLAIN);
    run.expect_note("role lo_owner does not exist: 2 objects will belong to plain");
}

/// The roles are there, and the role that restores is a member of none.
fn as_a_stranger(source: &Source, cluster: &Cluster) {
    let (db, run) = run_on(&source.managed.1, cluster, PLAIN);
    run.expect_note("role plain cannot act as role app_owner: 7 objects will belong to plain");
    assert_eq!(run.fate("ACL app.TABLE plain"), None);
    let may = "SELECT has_table_privilege('reader', 'app.plain', 'SELECT WITH GRANT OPTION')
               AND has_table_privilege('auditor', 'app.plain', 'SELECT')";
    assert_eq!(db.psql(may), "t");
    for (label, part) in [
        ("EXTENSION pg_buffercache", "only a superuser may create it here"),
        ("VIEW app.counted", "needs extension pg_buffercache, which only a superuser"),
        ("COMMENT app.VIEW counted", "needs extension pg_buffercache, which only a superuser"),
        ("ACL app.TABLE counted", "needs extension pg_buffercache, which only a superuser"),
        ("TABLE DATA pgtend_config.setting", "needs extension pgtend_config"),
        ("SEQUENCE SET pgtend_config.job_id_seq", "needs extension pgtend_config"),
        ("USER MAPPING USER MAPPING public SERVER far", "needs server far"),
        ("FOREIGN TABLE app.away", "needs extension postgres_fdw"),
        ("TABLE DATA app.based", "base types"),
        ("CAST CAST (integer AS app.base)", "base types"),
        ("VIEW app.leaks", "LEAKPROOF"),
        ("FUNCTION app.replica()", "may not set session_replication_role"),
        ("FUNCTION app.internal(integer)", "language internal"),
        ("AGGREGATE app.internal_state(bigint)", "internal state"),
        ("TEXT SEARCH CONFIGURATION app.parsed", "text search parsers"),
        ("TABLE DATA app.other_heap", "access methods"),
        ("EVENT TRIGGER ddl", "event triggers"),
        ("PUBLICATION everything", "publications of all tables"),
        ("PUBLICATION TABLES IN SCHEMA app.of_schema app", "publications of whole schemas"),
        ("ACL pg_catalog.TABLE pg_authid", "only its owner may change it"),
        ("DEFAULT ACL app.DEFAULT PRIVILEGES FOR TABLES", "cannot act as role app_owner"),
    ] {
        run.expect_missing(label, part);
    }
    for label in [
        "EXTENSION hstore",
        "COMMENT EXTENSION hstore",
        "COMMENT SCHEMA public",
        "TABLE app.customer",
        "INDEX app.plain_name_idx",
        "FUNCTION app.safe()",
        "AGGREGATE app.counted_all(*)",
        "CONVERSION app.conversion",
        "CAST CAST (app.pair AS text)",
        "TYPE app.span",
        "OPERATOR app.<+>",
        "PUBLICATION of_table",
        "PUBLICATION TABLE app.of_table plain",
        "FUNCTION app.on_ddl()",
    ] {
        assert_eq!(run.fate(label), None, "{label}");
    }
    let (_, run) = run_on(&source.awkward.1, cluster, PLAIN);
    run.expect_missing(
        "DEFAULT ACL app.DEFAULT PRIVILEGES FOR TABLES",
        "cannot act as role postgres",
    );
}

/// The role that restores may act as some owners; these may own what lies in their own schemas.
fn as_a_member(source: &Source, cluster: &Cluster) {
    let db = target(cluster, PLAIN);
    let run = run_in(&source.managed.1, &db, PLAIN);
    run.expect_note("role app_owner lacks CREATE on the database: 1 object will belong to plain");
    run.expect_note("role app_owner may not create in schema app: 3 objects will belong to plain");
    assert_eq!(owner(&db, "pg_largeobject_metadata", "lomowner", "oid = 5000"), "app_owner");

    let db = target(cluster, PLAIN);
    db.psql(&format!("GRANT CREATE ON DATABASE {} TO app_owner", db.name()));
    let run = run_in(&source.managed.1, &db, PLAIN);
    run.expect_note(
        "role app_owner may not create in schema public: 2 objects will belong to plain",
    );
    assert_eq!(owner(&db, "pg_class", "relowner", "oid = 'app.customer'::regclass"), "app_owner");
    assert_eq!(owner(&db, "pg_class", "relowner", "oid = 'shared'::regclass"), "plain");

    let db = target(cluster, PLAIN);
    db.psql(&format!("GRANT CREATE ON DATABASE {} TO app_owner", db.name()));
    db.psql("GRANT CREATE ON SCHEMA public TO app_owner");
    run_in(&source.managed.1, &db, PLAIN);
    assert_eq!(owner(&db, "pg_class", "relowner", "oid = 'shared'::regclass"), "app_owner");
    let (_, run) = run_on(&source.awkward.1, cluster, PLAIN);
    assert_eq!(run.plan.notes.iter().filter(|note| note.contains("lo_owner")).count(), 0);
}

fn owner(db: &Database<'_>, catalog: &str, column: &str, which: &str) -> String {
    db.psql(&format!("SELECT pg_get_userbyid({column}) FROM {catalog} WHERE {which}"))
}

#[test]
fn on_15_nothing_unforeseen_happens() {
    is_foreseen(&source(15), 15);
}

#[test]
fn on_18_nothing_unforeseen_happens() {
    is_foreseen(&source(18), 18);
}
