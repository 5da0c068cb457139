//! Other things take a table's name while the backup runs: their rows must not come in its place.

use std::time::Duration;

use crate::backup_right::repo::Repo;
use crate::harness::{Cluster, Proxy, command};
use crate::scene::PATIENCE;

/// While one reader is held up in `slow.big`, `change` happens to `app.small`, which is read next.
fn backup_during(change: &str, check: impl FnOnce(&crate::backup_right::repo::Backup)) {
    let cluster = Cluster::shared();
    let db = cluster.create_db("moving");
    db.psql(
        "CREATE SCHEMA slow; CREATE SCHEMA app;
         CREATE TABLE slow.big (v text);
         INSERT INTO slow.big SELECT repeat(md5(g::text), 60) FROM generate_series(1, 4000) g;
         CREATE TABLE app.small (a int); INSERT INTO app.small VALUES (1), (2)",
    );
    let proxy = Proxy::start(cluster.port());
    let repo = Repo::new();
    let running = repo
        .backup_command(cluster, db.name(), &["-j1", "--no-globals"])
        .env("PGPORT", proxy.port().to_string())
        .spawn();
    // 7.7 MB at 2 MB/s: some seconds to change something in.
    proxy.rate_limit(Some(2 << 20));
    let reading = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND state = 'active'
         AND application_name LIKE 'pgtend%' AND query LIKE 'COPY \"slow\"%'",
        db.name()
    );
    command::until(PATIENCE, || (db.psql(&reading) == "1").then_some(()))
        .expect("the reader reads slow.big");
    // Rows are on their way before pg_dump has read all names.
    let has_contents = || repo.files().iter().any(|file| file.ends_with("toc.dat"));
    command::until(PATIENCE, || has_contents().then_some(())).expect("the table of contents");
    proxy.rate_limit(Some(64 << 10));
    db.psql(change);
    assert_eq!(db.psql(&reading), "1", "it was changed while slow.big was read");
    proxy.rate_limit(None);
    let output = running.wait().expect_code(0);
    let backup = repo.done(output);
    assert!(backup.stderr.contains("starting over"), "{}", backup.stderr);
    assert_eq!(backup.rows("slow", "big"), 4000);
    check(&backup);
    // The first try has left nothing.
    let files = repo.files();
    assert_eq!(files.len(), backup.manifest.objects.len() + 1, "{files:?}");
    repo.pgtend(["verify-backup", "latest"]).run().expect_code(0);
}

#[test]
fn a_view_that_takes_a_tables_name_is_not_read_in_its_place() {
    backup_during(
        "ALTER SCHEMA app RENAME TO app_old; CREATE SCHEMA app;
         CREATE VIEW app.small AS SELECT 666 AS a",
        |backup| {
            assert_eq!(backup.rows("app_old", "small"), 2);
            assert!(backup.find_table("app", "small").is_none());
        },
    );
}

#[test]
fn a_table_that_takes_anothers_name_is_not_read_in_its_place() {
    backup_during(
        "ALTER SCHEMA app RENAME TO app_old; CREATE SCHEMA app;
         CREATE TABLE app.small (a int); INSERT INTO app.small SELECT generate_series(1, 5)",
        |backup| {
            assert_eq!(backup.rows("app_old", "small"), 2);
            assert_eq!(backup.rows("app", "small"), 5);
        },
    );
}

#[test]
fn a_schema_that_is_renamed_away_is_found_under_its_new_name() {
    backup_during("ALTER SCHEMA app RENAME TO app_new", |backup| {
        assert_eq!(backup.rows("app_new", "small"), 2);
        assert!(backup.find_table("app", "small").is_none());
    });
}

/// Ends when `stop` has a row, or after some minutes; as many rows in `a` as in `b`, and what one loses the other gets.
const TRANSFERS: &str = "DO $$
    DECLARE n int := 0; started timestamptz := clock_timestamp();
    BEGIN
        WHILE NOT EXISTS (SELECT FROM stop)
            AND clock_timestamp() < started + interval '3 min' LOOP
            n := n + 1;
            UPDATE a SET v = v - n WHERE id = 1 + n % 3000;
            UPDATE b SET v = v + n WHERE id = 1 + (n * 7) % 3000;
            INSERT INTO a VALUES (3000 + n, 0, repeat('x', n % 300));
            INSERT INTO b VALUES (3000 + n, 0, repeat('y', n % 500));
            IF n % 10 = 0 THEN
                DELETE FROM a WHERE id = 2995 + n;
                DELETE FROM b WHERE id = 2995 + n;
            END IF;
            COMMIT;
            -- The tables must not outgrow a busy machine.
            IF n % 4 = 0 THEN PERFORM pg_sleep(0.001); END IF;
        END LOOP;
    END $$";

#[test]
fn all_readers_see_one_moment_while_others_write() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("busy");
    db.psql(
        "CREATE TABLE stop (a int);
         CREATE TABLE a (id int PRIMARY KEY, v bigint, filler text);
         CREATE TABLE b (id int PRIMARY KEY, v bigint, filler text);
         INSERT INTO a SELECT g, 1000000, repeat('x', 200) FROM generate_series(1, 3000) g;
         INSERT INTO b SELECT * FROM a",
    );
    let counted = "SELECT count(*) FROM a";
    std::thread::scope(|scope| {
        let mut psql = cluster.client("psql");
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", db.name(), "-c", TRANSFERS]);
        let limit = Duration::from_secs(240);
        let writer = scope.spawn(move || command::run_within(limit, &mut psql, ""));
        let writes = || db.psql(counted).parse::<u64>().unwrap();
        command::until(PATIENCE, || (writes() > 3100).then_some(())).expect("rows are written");
        for arguments in [["-j4", "--chunk=8kB"], ["-j1", "--chunk=16kB"]] {
            let repo = Repo::new();
            let backup = repo.backup(&db, &arguments);
            assert!(backup.chunks("public", "a") > 40, "{}", backup.chunks("public", "a"));
            assert_eq!(backup.rows("public", "a"), backup.rows("public", "b"));
            assert!(writes() > backup.rows("public", "a"), "somebody wrote while it ran");
            let copy = cluster.create_db("copy");
            // The primary keys are built, so no row has come twice.
            backup.restore(15, &copy);
            assert_eq!(
                copy.psql("SELECT (SELECT sum(v) FROM a) + (SELECT sum(v) FROM b)"),
                "6000000000"
            );
            assert_eq!(
                copy.psql(
                    "SELECT count(*) FROM a FULL JOIN b USING (id) WHERE a IS NULL OR b IS NULL"
                ),
                "0"
            );
            assert_ne!(copy.psql("SELECT sum(v) FROM a"), "3000000000");
        }
        db.psql("INSERT INTO stop VALUES (1)");
        writer.join().unwrap().expect_success("the writer");
    });
}
