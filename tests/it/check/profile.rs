//! `--profile`: the guides' checklists.

use std::fs;

use crate::harness::{Cluster, Pgtend};

#[test]
fn a_checklist_has_a_verdict_for_each_line_that_can_be_told() {
    let db = Cluster::shared().create_db("check");
    let run = |profile: &str, format: &str| {
        let pgtend = Pgtend::new();
        let file = pgtend.home().join("app");
        let text = "DATABASE_URL=postgresql://app:password@db.example.com/shop\nSQL_ECHO=true";
        fs::write(&file, text).unwrap();
        let check = ["check", "--url", &db.url(), "--profile", profile, "--format", format];
        let only = ["--only", "app,db.encoding,act.nontls"];
        pgtend.args(check).args(only).arg("--env-file").arg(&file).run()
    };
    let output = run("production", "json").expect_code(2);
    let document = output.json();
    let list = &document["report"]["servers"][0]["checklist"];
    assert_eq!(list["profile"], "production");
    let line = |says: &str| {
        let lines = list["lines"].as_array().unwrap();
        lines.iter().find(|line| line["says"] == says).unwrap().clone()
    };
    assert_eq!(line("sslmode is require or more")["status"], "critical", "{list}");
    assert_eq!(line("the encoding is UTF-8")["status"], "healthy", "{list}");
    assert!(line("an orderly shutdown")["status"].is_null(), "{list}");
    let output = run("production", "table").expect_code(2);
    assert!(output.stdout.contains("CHECKLIST (production)"), "{}", output.stdout);
    // Without TLS and with echo: that is how one develops.
    let output = run("development", "json").expect_code(0);
    let document = output.json();
    let server = &document["report"]["servers"][0];
    let checks = server["checks"].as_array().unwrap();
    assert!(checks.iter().all(|check| check["findings"] == serde_json::json!([])), "{server}");
    assert!(checks.iter().all(|check| check["id"] != "act.nontls"), "{server}");
}
