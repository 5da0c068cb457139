//! Backups to S3 with the program itself: they come back equal, and whatever the server does they
//! end complete and verified, or failed with nothing left there.

mod faults;
mod refusals;
mod settings;
mod stops;

use std::time::Duration;

use pgtend::exit::Exit;

use crate::harness::cluster::SUPERUSER;
use crate::harness::s3::{S3Server, SECRET_KEY};
use crate::harness::{Cluster, Database, Pgtend, compare, pgtend::Output};
use crate::restore_right::Made;
use crate::scene::make_table;

/// Keys of the repository start so.
const PREFIX: &str = "pg/prod/";

/// A run of pgtend that reaches this repository.
fn pgtend(server: &S3Server, arguments: &[&str]) -> Pgtend {
    let mut run = Pgtend::new().args(arguments).args(["--repo", &server.repository(PREFIX)]);
    for (name, value) in server.environment() {
        run = run.env(name, value);
    }
    run.time_limit(Duration::from_secs(300))
}

/// The same, logged in to the server of this database.
fn at(cluster: &Cluster, run: Pgtend) -> Pgtend {
    run.env("PGHOST", "127.0.0.1")
        .env("PGPORT", cluster.port().to_string())
        .env("PGUSER", SUPERUSER)
}

/// A backup whose larger tables are sent in parts.
pub fn backup(server: &S3Server, database: &Database<'_>) -> Pgtend {
    let plain = ["backup", "-d", database.name(), "--compress=none", "-j2", "--no-globals"];
    at(database.cluster(), pgtend(server, &plain))
}

/// Reads every byte of the newest backup.
fn verify(server: &S3Server) -> Pgtend {
    pgtend(server, &["verify-backup", "latest", "--level", "content", "--no-record"])
}

/// A database with a table of three parts and some that are put whole.
fn three_parts<'a>(cluster: &'a Cluster, name: &str) -> Database<'a> {
    let database = cluster.create_db(name);
    make_table(&database, "big", 20);
    database.psql(
        "CREATE TABLE s3_small AS SELECT i FROM generate_series(1, 1000) i;
         CREATE TABLE s3_empty (v int);
         SELECT lo_from_bytea(0, 'large object')",
    );
    database
}

/// The states of the backups that a list shows.
fn states(server: &S3Server) -> Vec<String> {
    let run = pgtend(server, &["backup", "list", "--format=json"]).run().expect_code(0);
    let backups = run.json()["report"]["backups"].as_array().expect("a list").clone();
    backups.iter().map(|backup| backup["state"].as_str().unwrap().to_owned()).collect()
}

/// Fails unless a failed backup said so clearly, and left nothing.
#[track_caller]
fn assert_failed_cleanly(server: &S3Server, output: &Output, what: &str) {
    let documented = Exit::ALL.iter().any(|(exit, _)| i32::from(exit.code()) == output.code);
    assert!(documented && output.code > 3, "{what}: exit code {}\n{}", output.code, output.stderr);
    assert!(output.stderr.contains("error: "), "{what}:\n{}", output.stderr);
    assert!(!output.stderr.contains("panicked"), "{what}:\n{}", output.stderr);
    assert_nothing_left(server, &format!("{what}\n{}", output.stderr));
    assert_no_secret(output);
}

#[track_caller]
fn assert_nothing_left(server: &S3Server, what: &str) {
    assert_eq!(server.objects(""), Vec::<String>::new(), "{what}: objects are left");
    assert_eq!(server.uploads(), Vec::<String>::new(), "{what}: uploads are left");
}

#[track_caller]
fn assert_no_secret(output: &Output) {
    let said = format!("{}{}", output.stdout, output.stderr);
    assert!(!said.contains(SECRET_KEY), "the secret is in the output:\n{said}");
}

#[test]
fn a_backup_in_s3_is_listed_shown_verified_and_restored() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "to_s3");
    database.load_awkward();
    let server = S3Server::start();
    // Listings take several pages.
    server.page(3);
    let output = backup(&server, &database).run().expect_code(0);
    assert!(output.stdout.contains("s3://pgtend-test/pg/prod/"), "{}", output.stdout);
    let objects = server.objects("");
    assert!(objects.iter().all(|key| key.starts_with(PREFIX)), "{objects:?}");
    let parts: Vec<_> = objects.iter().filter_map(|key| server.parts(key)).collect();
    assert!(parts.iter().any(|parts| *parts >= 3), "nothing was sent in parts: {parts:?}");
    assert_eq!(server.uploads(), Vec::<String>::new());

    assert_eq!(states(&server), ["complete"]);
    let show = pgtend(&server, &["backup", "show", "latest"]).run().expect_code(0);
    assert!(show.stdout.contains("big"), "{}", show.stdout);
    verify(&server).run().expect_code(0);
    let made = Made::new(cluster, "from_s3");
    let arguments = ["restore", "latest", "--into", &made.name, "--create", "--yes", "-j2"];
    at(cluster, pgtend(&server, &arguments)).run().expect_code(0);
    compare::assert_equal(cluster, database.name(), cluster, &made.name);
}

#[test]
fn names_of_databases_do_not_matter() {
    let cluster = Cluster::shared();
    let server = S3Server::start();
    let number = std::process::id();
    for name in [format!("a b/%41+ü'{number}"), format!("../.. {number}"), format!("#?& {number}")]
    {
        let database = Database::create(cluster, name);
        database.psql("CREATE TABLE t AS SELECT i FROM generate_series(1, 10) i");
        let arguments = ["backup", "-d", database.name(), "--no-globals"];
        at(cluster, pgtend(&server, &arguments)).run().expect_code(0);
        let latest = format!("latest:{}", database.name());
        let latest = ["verify-backup", &latest, "--no-record"];
        let verified = at(cluster, pgtend(&server, &latest)).run().expect_code(0);
        assert!(verified.stdout.contains(database.name()), "{}", verified.stdout);
    }
    assert_eq!(states(&server), ["complete"; 3]);
    assert!(server.objects("").iter().all(|key| key.starts_with(PREFIX)));
}

#[test]
fn damage_in_s3_is_found() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "damaged_in_s3");
    let server = S3Server::start();
    backup(&server, &database).run().expect_code(0);
    let largest =
        server.objects("").into_iter().max_by_key(|key| server.object(key).unwrap().len());
    let largest = largest.unwrap();
    let whole = server.object(&largest).unwrap();
    let middle = whole.len() / 2;
    type Damage = (&'static str, Box<dyn Fn(&S3Server, &str)>);
    let damages: [Damage; 3] = [
        ("one bit", Box::new(move |s3, key| s3.damage(key, |bytes| bytes[middle] ^= 1))),
        ("cut", Box::new(move |s3, key| s3.damage(key, |bytes| bytes.truncate(middle)))),
        ("gone", Box::new(|s3, key| s3.remove(key))),
    ];
    for (what, damage) in damages {
        damage(&server, &largest);
        let output = verify(&server).run().expect_code(2);
        assert!(output.stdout.contains("FAILED"), "{what}: {}", output.stdout);
        server.put(&largest, whole.clone());
        verify(&server).run().expect_code(0);
    }
}
