//! The page, and the forms for programs.

use super::{connections, report};
use crate::harness::Cluster;
use crate::harness::activity::{SESSIONS, Scene};

#[test]
fn every_form_tells_the_same() {
    let cluster = Scene::spec(16).start();
    let scene = Scene::play(&cluster);
    // Nobody is left of who set the scene.
    report(&cluster, "postgres", SESSIONS + 1, 0, &[]);
    pages(&cluster, &scene);
    tables(&cluster, &scene);
    plugin(&cluster);
    metrics(&cluster);
}

fn form(cluster: &Cluster, user: &str, form: &str, code: i32, flags: &[&str]) -> String {
    connections(cluster, user, flags).args(["--format", form]).run().expect_code(code).stdout
}

fn pages(cluster: &Cluster, scene: &Scene) {
    for (columns, last) in [(80, "QUERY"), (140, "WAITS FOR")] {
        for flags in [&[][..], &["--sessions", "--group=app,user,db,addr,tls"], &["--advise"]] {
            let run = connections(cluster, "postgres", flags);
            let page = run.env("COLUMNS", columns.to_string()).run().expect_code(0).stdout;
            for line in page.lines() {
                assert!(line.chars().count() <= columns, "wider than {columns}: {line}\n{page}");
            }
            let found = |words: &str| {
                page.lines()
                    .find(|line| line.contains(words))
                    .unwrap_or_else(|| panic!("no {words} in:\n{page}"))
            };
            assert!(found("PID  ").contains(last), "{page}");
            // No row has wrapped: each process begins a line of its own.
            let long = found("pg_sleep");
            assert!(long.trim_start().starts_with(&scene.long.pid.to_string()), "{page}");
            assert!(found("used").contains("8 of 55 (15%), 47 left"), "{page}");
            assert!(page.contains("3 of 60 for superusers, 2 for pg_use_reserved"), "{page}");
            let root = format!("- 2 sessions by {} (shop, shop-web, idle in", scene.root.pid);
            assert!(page.contains(&root), "{page}");
            let blocked = found(&format!("{}  shop", scene.middle.pid));
            assert!(blocked.contains("blocked"), "{page}");
            if columns == 140 {
                assert!(blocked.contains(&scene.root.pid.to_string()), "{page}");
            }
        }
    }
}

fn tables(cluster: &Cluster, scene: &Scene) {
    let csv = form(cluster, "postgres", "csv", 0, &[]);
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("state,sessions,active,idle,idle_in_transaction,blocked,hidden,"));
    assert!(lines[1].starts_with("active,3,3,0,0,2,0,"), "{csv}");
    assert_eq!(lines.len(), 4, "{csv}");
    let csv = form(cluster, "postgres", "csv", 0, &["--sessions"]);
    assert!(csv.starts_with("pid,user,database,application,client,tls,state,"), "{csv}");
    assert_eq!(csv.lines().count(), 8, "{csv}");
    let long = format!("\n{},shop,shop,shop-job,127.0.0.1,plain,active,", scene.long.pid);
    assert!(csv.contains(&long), "{csv}");
    let markdown = form(cluster, "postgres", "markdown", 0, &[]);
    for heading in ["### groups", "### sessions", "### xmin holders", "### prepared", "### limits"]
    {
        assert!(markdown.contains(heading), "{markdown}");
    }
    assert!(!markdown.contains("### replicas"), "{markdown}");
}

fn plugin(cluster: &Cluster) {
    let line = form(cluster, "postgres", "nagios", 0, &[]);
    let start = "PGTEND CONNECTIONS OK: 8 of 55 connections are used (15%), 2 idle in transaction, 2 blocked";
    assert!(line.starts_with(start), "{line}");
    assert!(
        line.contains(
            "| 'used'=8;44;49.5;0;55 'active'=3 'idle'=2 'idle_in_transaction'=2 'blocked'=2 "
        ),
        "{line}"
    );
    let line = form(cluster, "postgres", "nagios", 2, &["--fail-used=10%"]);
    let start = "PGTEND CONNECTIONS CRITICAL: 8 of 55 connections are used (15%): the limit is 10%";
    assert!(line.starts_with(start), "{line}");
    assert!(line.contains("'used'=8;;5.5;0;55 "), "{line}");
    let line = form(cluster, "postgres", "nagios", 1, &["--warn-used=10%"]);
    assert!(line.starts_with("PGTEND CONNECTIONS WARNING: "), "{line}");
    // What is hidden has no number.
    let line = form(cluster, "nobody", "nagios", 3, &[]);
    assert!(line.starts_with("PGTEND CONNECTIONS UNKNOWN: "), "{line}");
    assert!(line.contains("not all could be seen") && !line.contains("'idle'"), "{line}");
    assert!(line.contains("'blocked'=2"), "{line}");
    assert!(line.contains("\nnot seen: what 7 sessions"), "{line}");
}

fn metrics(cluster: &Cluster) {
    let text = form(cluster, "postgres", "prometheus", 0, &[]);
    for line in [
        "pgtend_connections_used 8",
        "pgtend_connections_usable 55",
        "pgtend_connections_max 60",
        "pgtend_connections_blocked 2",
        "pgtend_connections_sessions{application=\"shop-web\",state=\"idle\",user=\"shop\"} 2",
        "pgtend_connections_sessions{application=\"shop-job\",state=\"active\",user=\"shop\"} 2",
        "pgtend_connections_limit{kind=\"role\",name=\"shop\"} 10",
        "pgtend_connections_limit_used{kind=\"role\",name=\"shop\"} 7",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(
        text.contains("pgtend_connections_xmin_age_transactions{kind=\"prepared transaction\"} ")
    );
}
