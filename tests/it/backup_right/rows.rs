//! Row counts and hashes in the record are those that somebody else gets from the same tables.

use xxhash_rust::xxh3::xxh3_128;

use crate::backup_right::repo::{Backup, Repo};
use crate::harness::cluster::conninfo_quoted;
use crate::harness::database::quoted;
use crate::harness::{Cluster, Database, command};

/// As design/backup.md, "Session settings", has them; written out once more, for these are part
/// of what a row hash means.
const PINNED: &str = "SET search_path = ''; SET timezone = 'UTC'; SET datestyle = 'ISO, MDY';
    SET intervalstyle = 'postgres'; SET extra_float_digits = 3; SET bytea_output = 'hex';
    SET xmlbinary = 'base64'; SET xmloption = 'content'; SET row_security = off;";

/// The bytes that COPY gives to psql, number of rows and sum of their hashes.
fn copied(db: &Database<'_>, copy: &str) -> (u64, String) {
    let mut psql = db.cluster().client("psql");
    psql.args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", &conninfo_quoted(db.name())]);
    let text = command::run(&mut psql, &format!("{PINNED}\n{copy}")).expect_success(copy).stdout;
    let (mut rows, mut sum) = (0, 0_u128);
    for row in text.split_inclusive(|byte| *byte == b'\n') {
        rows += 1;
        sum = sum.wrapping_add(xxh3_128(row));
    }
    (rows, format!("{sum:032x}"))
}

/// Compares every table of the record with what psql reads. A COPY of the bare table takes the
/// columns that have stored values, whatever pgtend thinks they are.
#[track_caller]
fn assert_rows_are_those_of(db: &Database<'_>, backup: &Backup) {
    let mut compared = 0;
    for table in backup.manifest.objects.iter().filter_map(|object| object.table.as_ref()) {
        let name = format!("{}.{}", quoted(&table.schema), quoted(&table.name));
        let source = match (table.schema.as_str(), table.name.as_str()) {
            ("pgtend_config", "setting") => format!("(SELECT * FROM {name} WHERE NOT shipped)"),
            _ => name.clone(),
        };
        let copy = format!("COPY {source} TO STDOUT (ENCODING 'UTF8');");
        let expected = copied(db, &copy);
        assert_eq!((table.rows, table.row_hash.to_string()), expected, "{name}");
        compared += 1;
    }
    assert_eq!(compared, backup.manifest.totals.tables);
}

#[test]
fn rows_and_hashes_of_the_awkward_tables_are_those_that_psql_copies() {
    let db = Cluster::shared().create_db("rows");
    db.load_awkward();
    for arguments in [["-j1", "--chunk=8kB"], ["-j4", "--chunk=64MiB"]] {
        let backup = Repo::new().backup(&db, &arguments);
        assert_rows_are_those_of(&db, &backup);
        // What is easiest to lose, by number.
        for (schema, name, rows) in [
            ("public", "zero", 2),
            ("public", "onlygen", 1),
            ("public", "all_dropped", 3),
            ("public", "dropped_columns", 100),
            ("public", "empty", 0),
            ("public", "rl", 10),
            ("public", "par", 1),
            ("public", "chi", 2),
            ("public", "toasted", 40),
            ("public", "ul", 1),
            ("we\"ird (s", "ta\nble \"(x) FROM stdin;", 500),
            ("pgtend_config", "setting", 2),
            ("pgtend_config", "job", 2),
        ] {
            assert_eq!(backup.rows(schema, name), rows, "{schema}.{name}");
        }
        // Each partition for itself, told to be loaded through the root. Which of them a row is in
        // depends on the OIDs of the enum's labels: one may well be empty.
        let parts = ["p0", "p1"].map(|name| backup.table("app", name).table.clone().unwrap());
        assert!(parts.iter().all(|part| part.via_root));
        assert_eq!(parts[0].rows + parts[1].rows, 3000);
        assert!(backup.find_table("app", "root").is_none());
        assert!(backup.find_table("pgtend_config", "unit").is_none(), "the extension's own rows");
        assert!(backup.find_table("public", "far").is_none(), "a foreign table has no rows");
        let dropped = backup.table("public", "dropped_columns").table.as_ref().unwrap();
        assert_eq!(dropped.columns, ["b", "d", "e"]);
        assert_eq!(backup.manifest.totals.large_objects, 302);
    }
}

#[test]
fn settings_of_the_database_do_not_change_rows() {
    let db = Cluster::shared().create_db("rows");
    db.load_awkward();
    let before = Repo::new().backup(&db, &[]);
    let name = quoted(db.name());
    let as_text = "SELECT ts::text || by::text || iv::text || dt::text FROM public.allt LIMIT 1";
    let text_before = db.psql(as_text);
    for setting in [
        "TimeZone = 'Asia/Tokyo'",
        "bytea_output = 'escape'",
        "DateStyle = 'SQL, DMY'",
        "IntervalStyle = 'iso_8601'",
        "extra_float_digits = -15",
        "xmlbinary = 'hex'",
        "search_path = app, public",
        "client_encoding = 'LATIN1'",
        "default_transaction_read_only = on",
        "lock_timeout = '1ms'",
        "row_security = on",
        "enable_tidscan = off",
        "standard_conforming_strings = off",
        "max_parallel_workers_per_gather = 4",
    ] {
        db.cluster().psql("postgres", &format!("ALTER DATABASE {name} SET {setting}"));
    }
    let after = Repo::new().backup(&db, &["-j4", "--chunk=8kB"]);
    assert_ne!(db.psql(as_text), text_before, "the settings change the text of values");
    assert_eq!(after.row_sums(), before.row_sums());
}
