//! The page: what is wrong, worst first, in 80 columns.

use pgtend::render::{Page, Text};

use super::sample;

const PAGE: Page = Page { width: 80 };

#[test]
fn the_worst_is_at_the_top_and_the_remedies_below() {
    let wanted = r#"
shop, db.example.com:5432/shop, PostgreSQL 15.4, primary, as monitor: critical

STATUS    CHECK             FOUND
critical  conn.utilization  96 of 97 usable connections are used
unknown   act.long_query    monitor does not see what other roles' sessions do
warning   idx.invalid       public."a'b"|c=<d>&,\n::error::\ é]]> is not valid
info      size.database     shop has 12.0 GiB

What to do:
  conn.utilization
    Put a pooler in front or lower the applications' pools; raise
    max_connections only after that, as each connection costs memory.
  idx.invalid
    REINDEX INDEX CONCURRENTLY x;

To see what is unknown:
  GRANT pg_monitor TO monitor;

6 checks: 1 healthy, 1 worth knowing, 1 warning, 1 critical, 1 unknown, 1 not
applicable; 1 finding does not count (ignored, or in the baseline)
"#;
    assert_eq!(format!("\n{}", sample::one().text(&PAGE)), wanted);
}

#[test]
fn all_is_shown_when_all_is_asked_for() {
    let mut report = sample::one();
    report.all = true;
    let text = report.text(&PAGE);
    for line in [
        "healthy         lock.waiting      all is well",
        "not-applicable  repl.lag          it has no replicas",
        "excused         idx.invalid       old is not valid (ignored: it goes away)",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}

#[test]
fn several_servers_have_a_table_of_all_and_no_line_is_too_wide() {
    let text = sample::two().text(&PAGE);
    assert!(
        text.contains("dead, db.example.com:5432/shop: critical\n  cannot connect: "),
        "{text}"
    );
    assert!(text.contains("VERDICT   SERVER  FOUND\ncritical  shop    6 checks: "), "{text}");
    assert!(text.contains("\ncritical  dead    cannot connect: connection refused\n"), "{text}");
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 80).collect();
    assert_eq!(wide, Vec::<&str>::new());
}

#[test]
fn a_statement_stays_on_one_line_with_its_comment() {
    let mut report = sample::one();
    let statement = "ALTER TABLE public.orders ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY \
                     PRIMARY KEY;  -- rewrites the table under an exclusive lock";
    let grant = "GRANT SELECT (rolname, rolpassword, rolcanlogin) ON pg_authid TO monitor;  -- \
                 shows the hashes: better let a superuser ask once";
    for check in &mut report.servers[0].checks {
        check.grants.iter_mut().for_each(|told| grant.clone_into(told));
        let remedies = check.findings.iter_mut().filter_map(|finding| finding.remedy.as_mut());
        remedies.for_each(|remedy| statement.clone_into(remedy));
    }
    let text = report.text(&PAGE);
    for line in [format!("    {statement}"), format!("  {grant}")] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
