//! The page, plans, and the forms for other programs.

use super::{SCENE, counting, report, run, said};
use crate::harness::{Database, Pgtend};

fn page(db: &Database<'_>, columns: &str, args: &[&str]) -> String {
    let url = db.url();
    let run = Pgtend::new().args(["slow-queries", "--min-mean=0", "--url", &url]).args(args);
    let page = run.env("COLUMNS", columns).run().expect_code(0).stdout;
    let width: usize = columns.parse().unwrap();
    let wide = page.lines().find(|line| line.chars().count() > width);
    assert_eq!(wide, None, "{page}");
    page
}

#[test]
fn every_form_has_its_numbers_and_plans_are_shown_from_16_on() {
    let cluster = counting(17);
    let db = cluster.create_db("slow");
    let long = format!("SELECT {} AS long_one", ["length('x')"; 60].join(" + "));
    db.psql(&format!("CREATE EXTENSION pg_stat_statements; {SCENE} {long}; SELECT pg_sleep(0.3)"));
    let url = db.url();

    let narrow = page(&db, "80", &["--sort=mean"]);
    let heading = narrow.lines().position(|line| line.ends_with("QUERY")).expect("a heading");
    let slowest: Vec<&str> = narrow.lines().skip(heading + 1).take(2).collect();
    assert!(slowest.iter().any(|line| line.ends_with("  SELECT pg_sleep($1)")), "{narrow}");
    assert!(!narrow.contains("ROWS/CALL") && narrow.contains(".."), "{narrow}");
    let wide = page(&db, "200", &["--sort=mean"]);
    assert!(
        wide.contains("ROWS/CALL") && wide.contains("WAL") && wide.contains("DATABASE"),
        "{wide}"
    );
    let found = report(&url, &["--min-mean=0", "--like=long_one"], 0);
    let whole = found["queries"][0]["query"].as_str().unwrap();
    assert_eq!(whole.matches("length(").count(), 60, "never cut in JSON");

    let nagios = ["--format=nagios", "--fail-mean=200ms", "--like=pg_sleep"];
    let line = run(&url, &nagios).expect_code(2).stdout;
    assert!(
        line.starts_with("PGTEND SLOW-QUERIES CRITICAL: 1 statement with a mean over"),
        "{line}"
    );
    assert!(line.contains("'over'=1 'longest_mean'=0.") && line.contains("s;;0.2;0"), "{line}");
    let line = run(&url, &["--format=nagios", "--fail-mean=1m"]).expect_code(0).stdout;
    assert!(line.starts_with("PGTEND SLOW-QUERIES OK: 0 statements with a mean over"), "{line}");

    let csv = run(&url, &["--format=csv", "--like=pg_sleep"]).expect_code(0).stdout;
    let mut lines = csv.lines();
    assert!(lines.next().unwrap().starts_with("query_id,user,database,toplevel,share,calls,"));
    let fields: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!((fields[1], fields[2], fields[5]), ("postgres", db.name(), "1"));
    assert_eq!(fields.last(), Some(&"SELECT pg_sleep($1)"));
    let markdown = run(&url, &["--format=markdown", "--like=pg_sleep"]).expect_code(0).stdout;
    assert!(markdown.contains("| SELECT pg\\_sleep($1) |"), "{markdown}");
    let metrics = run(&url, &["--format=prometheus", "--like=pg_sleep"]).expect_code(0).stdout;
    let label = format!("user=\"postgres\",database=\"{}\",toplevel=\"true\"}} 1\n", db.name());
    assert!(
        metrics.contains("pgtend_statement_calls{query_id=\"") && metrics.contains(&label),
        "{metrics}"
    );
    assert!(metrics.contains("pgtend_statements_max 5000\n"), "{metrics}");

    plans(&db);
    let cluster = counting(15);
    let db = cluster.create_db("slow");
    db.psql(&format!("CREATE EXTENSION pg_stat_statements; {SCENE}"));
    let found = report(&db.url(), &["--min-mean=0", "--like=FROM t WHERE", "--explain"], 3);
    assert!(found["plan"]["failed"].as_str().unwrap().contains("came with 16"), "{found:#}");
    assert_eq!(found["queries"][0]["calls"], 3, "the table stands nevertheless");
}

fn plans(db: &Database<'_>) {
    let url = db.url();
    // Names mean what they mean to a new session of this database.
    db.psql(&format!(
        "CREATE SCHEMA app; CREATE TABLE app.own (id int PRIMARY KEY);
         ALTER DATABASE {} SET search_path = app, public",
        db.name()
    ));
    db.psql("SELECT id FROM own WHERE id = 7");
    let found = report(&url, &["--min-mean=0", "--like=FROM own", "--explain"], 0);
    let plan = found["plan"]["lines"].to_string();
    assert!(plan.contains("on own") && plan.contains("id = $1"), "{found:#}");
    assert!(said(&found, "notes", "search_path of a new session"), "{found:#}");
    let id = found["queries"][0]["query_id"].as_str().unwrap();
    // By its id, though the ranking leaves it out.
    let found = report(&url, &["--min-mean=1000s", &format!("--explain={id}")], 0);
    assert_eq!(found["plan"]["query"], "SELECT id FROM own WHERE id = $1");
    assert_eq!(found["plan"]["lines"].to_string(), plan);
    let found = report(&url, &["--explain=4711"], 3);
    assert!(said(&found, "unseen", "no such statement"), "{found:#}");
    let found = report(&url, &["--min-mean=0", "--like=CREATE TABLE t", "--explain"], 3);
    assert!(said(&found, "unseen", "have a plan"), "{found:#}");
    // Nothing of that ran.
    assert_eq!(db.psql("SELECT count(*) FROM app.own"), "0");
}
