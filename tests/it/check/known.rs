//! What is known already: baselines, ignores with an end, and limits of the operator's own.

use std::fs;

use serde_json::Value;

use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Database, Pgtend};

/// A database with an index that is not valid.
fn broken() -> Database<'static> {
    let db = Cluster::shared().create_db("known");
    spoil(&db, "twice_k");
    db
}

fn spoil(db: &Database<'_>, index: &str) {
    db.psql("CREATE TABLE IF NOT EXISTS twice (k int); INSERT INTO twice VALUES (1), (1)");
    let build = format!("CREATE UNIQUE INDEX CONCURRENTLY {index} ON twice (k)");
    assert!(db.cluster().psql_result(db.name(), &build).is_err());
}

fn check(db: &Database<'_>, settings: &str, arguments: &[&str]) -> Output {
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("check.toml");
    fs::write(&config, settings).unwrap();
    let start = ["check", "--only", "idx.invalid", "--url", &db.url(), "--config"];
    pgtend.args(start).arg(config).args(arguments).run()
}

fn findings(output: &Output) -> Vec<(String, Option<String>)> {
    let document = output.json();
    let check = &document["report"]["servers"][0]["checks"][0];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let findings = check["findings"].as_array().unwrap().iter();
    findings.map(|one| (text(&one["object"]).unwrap(), text(&one["excused"]))).collect()
}

#[test]
fn only_what_the_baseline_does_not_have_counts() {
    let db = broken();
    let folder = Pgtend::new();
    let file = folder.home().join("baseline.json");
    let file = file.to_str().unwrap();
    let output = check(&db, "", &["--write-baseline", file]).expect_code(2);
    assert!(output.stdout.contains("has 1 findings now"), "{}", output.stdout);
    let again = ["--baseline", file, "--fail-on", "new", "--format=json"];
    let output = check(&db, "", &again).expect_code(0);
    let stands = Some("it stands in the baseline".to_owned());
    assert_eq!(findings(&output), [("public.twice_k".to_owned(), stands.clone())]);
    spoil(&db, "other");
    let output = check(&db, "", &again).expect_code(2);
    assert_eq!(
        findings(&output),
        [("public.other".to_owned(), None), ("public.twice_k".to_owned(), stands)]
    );
    // Written over its own, it has both.
    check(&db, "", &["--baseline", file, "--write-baseline", file]).expect_code(2);
    check(&db, "", &again).expect_code(0);
}

#[test]
fn a_baseline_is_a_file_of_its_own() {
    let db = broken();
    let output = check(&db, "", &["--fail-on", "new"]).expect_code(64);
    assert!(output.stderr.contains("--fail-on new needs --baseline FILE"), "{}", output.stderr);
    let output = check(&db, "", &["--allow-unknown", "act,idx.invalit"]).expect_code(64);
    let said = "--allow-unknown: there is no check idx.invalit";
    assert!(output.stderr.contains(said), "{}", output.stderr);
    let output = check(&db, "", &["--baseline", "/nowhere/base"]).expect_code(64);
    assert!(output.stderr.contains("cannot read the baseline /nowhere/base"), "{}", output.stderr);
    let folder = Pgtend::new();
    let precious = folder.home().join("precious.json");
    fs::write(&precious, "{\"mine\": 1}").unwrap();
    let precious = precious.to_str().unwrap();
    check(&db, "", &["--write-baseline", precious]).expect_code(64);
    assert_eq!(fs::read_to_string(precious).unwrap(), "{\"mine\": 1}");
}

fn ignore(key: &str, until: &str) -> String {
    format!("[[check.ignore]]\nkey = \"{key}\"\nreason = \"ticket 7\"\nuntil = {until}\n")
}

#[test]
fn an_ignore_holds_to_its_last_day() {
    let db = broken();
    let json = &["--format=json"];
    let output =
        check(&db, &ignore("idx.invalid:public.twice_k", "2999-12-31"), json).expect_code(0);
    let why = "ignored: ticket 7, until 2999-12-31".to_owned();
    assert_eq!(findings(&output), [("public.twice_k".to_owned(), Some(why))]);
    let output = check(&db, &ignore("idx.invalid", "2999-12-31"), &[]).expect_code(0);
    let counted = "1 check: 1 healthy; 1 finding does not count";
    assert!(output.stdout.contains(counted), "{}", output.stdout);
    let output = check(&db, &ignore("idx.*", "2020-01-31"), &[]).expect_code(2);
    let over = "note: the ignore of idx.* ended on 2020-01-31: it counts again (ticket 7)";
    assert!(output.stdout.contains(over), "{}", output.stdout);
}

#[test]
fn an_ignore_without_an_object_is_told_when_all_is_asked_for() {
    let db = broken();
    let settings = ignore("idx.invalid:public.gone", "2999-12-31");
    let idle = "the ignore of idx.invalid:public.gone matches nothing";
    let output = check(&db, &settings, &[]).expect_code(2);
    assert!(!output.stderr.contains(idle), "{}", output.stderr);
    let output = check(&db, &settings, &["--verbose"]).expect_code(2);
    assert!(output.stderr.contains(idle), "{}", output.stderr);
    let output = check(&db, &ignore("idx.invalit:x", "2999-12-31"), &[]).expect_code(64);
    assert!(output.stderr.contains("did you mean \"idx.invalid\"?"), "{}", output.stderr);
}

#[test]
fn limits_that_no_check_has_are_refused() {
    let db = Cluster::shared().create_db("known");
    for (line, said) in [
        ("\"conn.utilisation\" = { warning = 4 }", "did you mean \"conn.utilization\"?"),
        ("\"conn.utilization/none\" = { warning = 4 }", "has no limit of that name"),
        ("\"conn.utilization\" = { warning = \"much\" }", "it is a number"),
        ("\"act.long_query\" = { warning = \"80%\" }", "it is no share of anything: give 5m"),
        ("\"idx.invalid\" = { warning = 4 }", "idx.invalid has no limits"),
        ("\"conn.utilization\" = { worry = 4 }", "worry"),
    ] {
        let output = check(&db, &format!("[check.limits]\n{line}\n"), &[]).expect_code(64);
        assert!(output.stderr.contains(said), "{line}: {}", output.stderr);
    }
}
