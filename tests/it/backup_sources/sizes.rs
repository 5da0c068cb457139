//! Many tables, large rows, many large objects, few locks: memory and locks have bounds.

use std::fmt::Write as _;
use std::fs;

use crate::backup_right::repo::{Repo, program};
use crate::harness::cluster::conninfo_quoted;
use crate::harness::{Cluster, ClusterSpec, command, compare};

const MIB: u64 = 1 << 20;

/// Statements one by one: a transaction with all of them would need as many locks.
fn create_tables(cluster: &Cluster, db: &str, from: usize, to: usize) {
    let mut sql = String::new();
    for number in from..to {
        writeln!(sql, "CREATE TABLE t{number} (a int);").unwrap();
    }
    cluster.psql(db, &sql);
}

#[test]
fn two_thousand_empty_tables_are_two_thousand_objects() {
    let cluster = ClusterSpec::default().set("max_locks_per_transaction", "256").start();
    create_tables(&cluster, "postgres", 0, 2000);
    cluster.psql("postgres", "INSERT INTO t1234 VALUES (5), (6)");
    let repo = Repo::new();
    let output = repo.backup_command(&cluster, "postgres", &["-j2"]).run().expect_code(0);
    let peak = output.peak_rss;
    let backup = repo.done(output);
    assert_eq!(backup.manifest.totals.tables, 2000);
    assert_eq!(backup.manifest.totals.rows, 2);
    assert_eq!(backup.rows("public", "t1234"), 2);
    assert_eq!(repo.files().iter().filter(|file| file.ends_with(".dat.zst")).count(), 2000);
    assert!(peak < 150 * MIB, "{peak}");
    let verified = repo.pgtend(["verify-backup", "latest"]).run().expect_code(0).json();
    assert_eq!(verified["report"]["backups"][0]["tables"], 2000);
}

#[test]
fn more_tables_than_the_server_has_locks_for_are_refused_with_both_numbers() {
    let cluster = ClusterSpec::default()
        .set("max_locks_per_transaction", "10")
        .set("max_connections", "20")
        .start();
    // Room for about 200 locks, and some more that PostgreSQL keeps in reserve.
    create_tables(&cluster, "postgres", 0, 120);
    cluster.psql("postgres", "INSERT INTO t7 VALUES (7)");
    let repo = Repo::new();
    // Once, but not twice: for the coordinator and for pg_dump.
    let output = repo.backup_command(&cluster, "postgres", &["-j2"]).run().expect_code(0);
    let backup = repo.done(output);
    assert_eq!((backup.manifest.totals.tables, backup.manifest.totals.rows), (120, 1));
    create_tables(&cluster, "postgres", 120, 300);
    let before = repo.files();
    let refused = repo.backup_command(&cluster, "postgres", &[]).run().expect_code(69);
    for words in ["300 tables", "room for about 200 locks", "max_locks_per_transaction"] {
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
    }
    assert_eq!(repo.files(), before);
    let filtered = ["-t", "t1?", "-j2"];
    let output = repo.backup_command(&cluster, "postgres", &filtered).run().expect_code(0);
    assert_eq!(repo.done(output).manifest.totals.tables, 10);
}

#[test]
fn forty_rows_of_four_megabytes_on_one_page_need_little_memory() {
    let cluster = Cluster::shared();
    let (source, copy) = (cluster.create_db("wide"), cluster.create_db("copy"));
    // Numbers of 32 digits do not compress away, and EXTERNAL keeps the server from trying.
    source.psql(
        "CREATE TABLE wide (id int, v text);
         ALTER TABLE wide ALTER COLUMN v SET STORAGE EXTERNAL;
         INSERT INTO wide SELECT g, repeat(md5(g::text), 131072) FROM generate_series(1, 40) g",
    );
    assert_eq!(source.psql("SELECT pg_relation_size('wide')"), "8192");
    let repo = Repo::new();
    let output =
        repo.backup_command(cluster, source.name(), &["-j2", "--chunk=8kB"]).run().expect_code(0);
    let peak = output.peak_rss;
    let backup = repo.done(output);
    assert_eq!(backup.rows("public", "wide"), 40);
    let raw = backup.table("public", "wide").raw_bytes;
    assert!(raw > 160 * MIB, "{raw}");
    assert!(backup.table("public", "wide").frames.len() > 20);
    assert!(peak < 100 * MIB, "{peak} bytes for {raw}");
    let verified = repo.pgtend(["verify-backup", "latest", "-j2"]).run().expect_code(0);
    assert!(verified.peak_rss < 120 * MIB, "{}", verified.peak_rss);
    backup.restore(15, &copy);
    compare::assert_equal(cluster, source.name(), cluster, copy.name());
}

#[test]
fn a_row_of_more_than_a_gigabyte_as_text_fails_with_its_tables_name() {
    let cluster = Cluster::shared();
    // One value that doubles as text; a row of values of which none is too large.
    for (name, sql) in [
        (
            "one_value",
            "CREATE TABLE one_value (v bytea COMPRESSION lz4);
             INSERT INTO one_value SELECT convert_to(repeat('x', 600000000), 'UTF8')",
        ),
        (
            "three_values",
            "CREATE TABLE small_part (v text COMPRESSION lz4);
             INSERT INTO small_part SELECT repeat('x', 400000000);
             CREATE TABLE three_values AS SELECT v AS a, v AS b, v AS c FROM small_part;
             DROP TABLE small_part",
        ),
    ] {
        let source = cluster.create_db("huge");
        source.psql("CREATE TABLE small AS SELECT generate_series(1, 1000) a");
        source.psql(sql);
        let repo = Repo::new();
        let output = repo.backup_command(cluster, source.name(), &["-j1"]).run().expect_code(69);
        for words in
            [format!("a row of public.{name} is too large"), "--exclude-table-data".to_owned()]
        {
            assert!(output.stderr.contains(&words), "{}", output.stderr);
        }
        assert!(output.peak_rss < 100 * MIB, "{}", output.peak_rss);
        assert_eq!(repo.files(), Vec::<String>::new());
        let without = format!("--exclude-table-data={name}");
        let backup = repo.backup(&source, &[&without]);
        assert_eq!(backup.manifest.totals.rows, 1000);
    }
}

#[test]
fn a_row_of_200_megabytes_is_copied_and_memory_is_bounded_by_it() {
    let cluster = Cluster::shared();
    let source = cluster.create_db("large");
    source.psql(
        "CREATE TABLE large (v bytea COMPRESSION lz4);
         INSERT INTO large SELECT convert_to(repeat('x', 100000000), 'UTF8')",
    );
    let repo = Repo::new();
    let output = repo.backup_command(cluster, source.name(), &["-j1"]).run().expect_code(0);
    let peak = output.peak_rss;
    let backup = repo.done(output);
    let object = backup.table("public", "large");
    assert_eq!(object.frames[0].raw_length(), 200_000_004, "\\\\x, two digits a byte, a newline");
    // Twice the row, for the driver's buffer grows by doubling, and what every run needs.
    assert!(peak < 2 * 268 * MIB, "{peak}");
    repo.pgtend(["verify-backup", "latest"]).run().expect_code(0);
}

#[test]
fn large_objects_of_every_size_are_whole() {
    let cluster = Cluster::shared();
    let (source, copy) = (cluster.create_db("blobs"), cluster.create_db("copy"));
    source.psql(
        "SELECT lo_create(1);
         SELECT lo_from_bytea(2, convert_to(repeat('0123456789abcdef', 1310720), 'UTF8'));
         SELECT lo_put(2, 20971520 - 4, 'tail');
         SELECT lo_from_bytea(10, decode(repeat('00', 262143), 'hex'));
         SELECT lo_from_bytea(11, decode(repeat('01', 262144), 'hex'));
         SELECT lo_from_bytea(12, decode(repeat('02', 262145), 'hex'));
         SELECT lo_from_bytea(13, decode(repeat('03', 262144 + 4 * 1048576), 'hex'));
         SELECT lo_from_bytea(14, decode(repeat('04', 262144 + 1048576), 'hex'));
         SELECT count(lo_from_bytea(10000 + g, md5(g::text)::bytea)) FROM generate_series(1, 1500) g",
    );
    for (client, compress) in [(15, "zstd"), (18, "none")] {
        let repo = Repo::new();
        let output = repo
            .backup_command(cluster, source.name(), &["-j4", "--compress", compress])
            .env("PGTEND_PG_BINDIR", crate::harness::tools::client_bindir(client))
            .run()
            .expect_code(0);
        assert!(output.peak_rss < 150 * MIB, "{}", output.peak_rss);
        let backup = repo.done(output);
        assert_eq!(backup.manifest.totals.large_objects, 1507);
        let size = |oid: u32| {
            let start = format!("blob_{oid}.dat");
            let mut objects = backup.manifest.objects.iter();
            objects.find(|o| o.name.starts_with(&start)).expect("its object").raw_bytes
        };
        assert_eq!([1, 2, 10, 13].map(size), [0, 20 * MIB, 262_143, 262_144 + 4 * MIB]);
        repo.pgtend(["verify-backup", "latest"]).run().expect_code(0);
        backup.restore(client, &copy);
        compare::assert_equal(cluster, source.name(), cluster, copy.name());
        copy.psql("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
    }
}

#[test]
fn globals_hold_the_roles_without_their_passwords() {
    let cluster = ClusterSpec::default().start();
    cluster.psql(
        "postgres",
        "CREATE ROLE \"app role\" LOGIN PASSWORD 'hidden-4711'; CREATE ROLE grp;
         GRANT grp TO \"app role\"; ALTER ROLE \"app role\" SET work_mem = '7MB'",
    );
    let repo = Repo::new();
    let output = repo.backup_command(&cluster, "postgres", &[]).run().expect_code(0);
    let backup = repo.done(output);
    let copy = backup.expanded_copy();
    let text = fs::read_to_string(copy.path().join("globals.sql")).unwrap();
    assert!(!text.contains("SCRAM") && !text.contains("hidden-4711"), "{text}");
    let other = ClusterSpec::default().start();
    let mut psql = program(15, "psql", &other);
    psql.args(["-XqAt", "-d", &conninfo_quoted("postgres"), "-f"]);
    command::run(psql.arg(copy.path().join("globals.sql")), "").expect_success("psql");
    let roles = "SELECT r.rolname, r.rolcanlogin, s.setconfig, m.roleid::regrole FROM pg_roles r
        LEFT JOIN pg_db_role_setting s ON s.setrole = r.oid
        LEFT JOIN pg_auth_members m ON m.member = r.oid
        WHERE r.rolname !~ '^pg_' ORDER BY 1";
    assert_eq!(other.psql("postgres", roles), cluster.psql("postgres", roles));
    let without = repo.backup_command(&cluster, "postgres", &["--no-globals"]).run();
    let without = repo.done(without.expect_code(0));
    assert!(!without.manifest.objects.iter().any(|object| object.name.starts_with("globals")));
}
