//! Servers, databases and roles that write values differently are no false alarm.

use crate::backup_right::repo::Repo;
use crate::harness::{ClusterSpec, tools};
use crate::verify_restore::trial::{report, trial};

const VALUES: &str = r"
    CREATE TABLE shown (at timestamptz, day date, span interval, bytes bytea, price money,
                        real_one real, double_one double precision, numbers money[], doc text);
    INSERT INTO shown VALUES
        ('2026-03-29 01:30:00+01', '2026-12-01', '1 year -3 days 04:05:06.789', '\x00ff5c27',
         1234.56, 0.1, 1e-300 / 3, ARRAY[1, 2.5]::money[], E'a\\b\tc\nd'),
        ('-infinity', 'infinity', '-00:00:01', '\x', -0.01, 'NaN', '-Infinity', '{}', ''),
        (NULL, '0044-03-15 BC', '1 mon', NULL, NULL, -0.0, 1.7976931348623157e308, NULL, NULL);
    CREATE INDEX ON shown (at)";

#[test]
fn a_server_with_other_settings_compares_without_a_false_alarm() {
    let cluster = ClusterSpec::default()
        .set("timezone", "'Asia/Kolkata'")
        .set("datestyle", "'SQL, DMY'")
        .set("intervalstyle", "'iso_8601'")
        .set("bytea_output", "'escape'")
        .set("extra_float_digits", "0")
        .set("lc_monetary", "'C.UTF-8'")
        .set("search_path", "'nowhere'")
        .set("default_transaction_read_only", "on")
        .set("standard_conforming_strings", "off")
        .set("synchronize_seqscans", "on")
        .start();
    cluster.psql("postgres", "SET default_transaction_read_only = off; CREATE DATABASE app");
    cluster.psql(
        "app",
        &format!(
            "SET default_transaction_read_only = off; SET standard_conforming_strings = on;
             SET search_path = public; SET bytea_output = hex; SET datestyle = 'ISO, YMD'; {VALUES};
             ALTER ROLE postgres SET datestyle = 'German';
             ALTER ROLE postgres SET intervalstyle = 'sql_standard';
             ALTER ROLE postgres IN DATABASE app SET bytea_output = 'escape';
             ALTER DATABASE app SET timezone = 'America/New_York';
             ALTER DATABASE app SET statement_timeout = '500ms'"
        ),
    );
    let repo = Repo::new();
    repo.done(repo.backup_command(&cluster, "app", &[]).run().expect_code(0));
    let output = trial(&repo, &cluster, ["--no-record"]).run().expect_code(0);
    assert_eq!(report(&output)["trial"]["rows"], 3);
    // And on a server that has such settings itself.
    let url = format!("--scratch={}", cluster.url("postgres"));
    let output = trial(&repo, &cluster, ["--no-record", &url]).run().expect_code(0);
    assert_eq!(report(&output)["trial"]["rows"], 3);
}

#[test]
fn databases_of_other_encodings_are_tried_in_their_own() {
    for encoding in ["LATIN1", "SQL_ASCII", "EUC_JP"] {
        let cluster = ClusterSpec::default()
            .initdb(&format!("--encoding={encoding}"))
            .initdb("--locale=C")
            .start();
        let db = cluster.create_db("encoded");
        db.psql(if encoding == "SQL_ASCII" {
            r"CREATE TABLE t AS SELECT convert_from('\xe963ff', 'SQL_ASCII') AS v"
        } else {
            "SET client_encoding = 'UTF8'; CREATE TABLE t (v text); INSERT INTO t VALUES ('§')"
        });
        let repo = Repo::new();
        repo.backup(&db, &[]);
        let output = trial(&repo, &cluster, ["--no-record"]).run().expect_code(0);
        assert_eq!(report(&output)["trial"]["rows"], 1, "{encoding}");
    }
}

/// A newer server, whose programs have no amcheck: both are told, and nothing is alarmed.
#[test]
fn a_newer_server_without_amcheck_is_good_enough() {
    let cluster = ClusterSpec::default().start();
    cluster.psql("postgres", &format!("CREATE DATABASE app; \\c app\n{VALUES}"));
    let repo = Repo::new();
    repo.done(repo.backup_command(&cluster, "app", &[]).run().expect_code(0));
    let newer = tools::client_bindir(16);
    let run = trial(&repo, &cluster, ["--no-record"]).env("PGTEND_PG_BINDIR", newer);
    let output = run.run().expect_code(0);
    let trial = report(&output)["trial"].take();
    assert!(trial["scratch"].as_str().unwrap().contains("PostgreSQL 16"), "{trial}");
    assert!(trial["indexes_checked"].is_null(), "{trial}");
    assert!(output.stderr.contains("not checked by amcheck"), "{}", output.stderr);
}
