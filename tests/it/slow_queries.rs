//! `slow-queries`: the right rows for every version and role, what is hidden, and the gate.

mod differences;
mod forms;
mod versions;
mod without;

use serde_json::Value;

use crate::harness::pgtend::Output;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend};

/// A server that counts statements.
fn counting(major: u32) -> Cluster {
    ClusterSpec::major(major).set("shared_preload_libraries", "'pg_stat_statements'").start()
}

fn url_as(user: &str, db: &Database<'_>) -> String {
    format!("postgresql://{user}@127.0.0.1:{}/{}", db.cluster().port(), db.name())
}

fn run(url: &str, args: &[&str]) -> Output {
    Pgtend::new().args(["slow-queries", "--url", url]).args(args).run()
}

/// The report of a run that has to end with this code.
#[track_caller]
fn report(url: &str, args: &[&str], code: i32) -> Value {
    let output = run(url, &[args, &["--format=json"]].concat()).expect_code(code);
    let mut document = output.json();
    assert_eq!(document["exit"], code);
    document["report"].take()
}

/// The one statement with these words.
#[track_caller]
fn row<'a>(report: &'a Value, words: &str) -> &'a Value {
    let rows = report["queries"].as_array().unwrap();
    let found: Vec<&Value> = rows
        .iter()
        .filter(|one| one["query"].as_str().is_some_and(|query| query.contains(words)))
        .collect();
    assert_eq!(found.len(), 1, "{words} in {report:#}");
    found[0]
}

fn said(report: &Value, list: &str, words: &str) -> bool {
    report[list].as_array().unwrap().iter().any(|one| one.as_str().unwrap().contains(words))
}

/// A table of 100 rows, and a statement that reads ten of them three times.
const SCENE: &str = "CREATE TABLE t (id int PRIMARY KEY, v text);
    INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 100) g;
    SELECT v FROM t WHERE id <= 10;
    SELECT v FROM t WHERE id <= 10;
    SELECT v FROM t WHERE id <= 10;";
