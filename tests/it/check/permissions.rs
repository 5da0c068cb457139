//! All-clears that would be lies: what a role cannot see is unknown, and is seen after exactly
//! the statements that pgtend says.

use pgtend::check::Kind;
use serde_json::{Value, json};

use super::stage::checked;
use crate::harness::{Cluster, ClusterSpec, Database, Pgtend};

/// A fault that a role does not see.
struct Hidden {
    id: &'static str,
    /// The roles that the role is in.
    member: &'static str,
    settings: &'static str,
    /// The start of the finding's object.
    object: &'static str,
}

const HIDDEN: &[Hidden] = &[
    Hidden {
        id: "lock.blocking",
        member: "",
        settings: "[check.limits]\n\"lock.blocking\" = { warning = \"1ms\" }",
        object: "root/postgres",
    },
    Hidden {
        id: "act.idle_in_xact",
        member: "",
        settings: "[check.limits]\n\"act.idle_in_xact\" = { warning = \"1ms\" }",
        object: "root/postgres",
    },
    Hidden { id: "seq.exhaustion", member: "pg_monitor", settings: "", object: "public.orders" },
    Hidden {
        id: "bloat.table",
        member: "pg_monitor",
        settings: "[check.limits]\n\"bloat.table/bytes\" = { warning = \"1MB\" }",
        object: "public.shipped",
    },
];

/// A sequence at 93 percent, and a table that is mostly air.
const OBJECTS: &str = "
    CREATE SEQUENCE orders MAXVALUE 100; SELECT setval('orders', 93);
    CREATE TABLE shipped (i int, t text) WITH (autovacuum_enabled = off);
    INSERT INTO shipped SELECT g, repeat('x', 100) FROM generate_series(1, 50000) g;
    DELETE FROM shipped WHERE i % 10 <> 0; VACUUM shipped; ANALYZE shipped;
";

/// Runs a check as a role.
fn as_role(db: &Database<'_>, role: &str, hidden: &Hidden) -> Value {
    let url = db.url().replace("postgres@", &format!("{role}@"));
    checked(&url, hidden.id, hidden.settings, &[])
}

fn make_role(cluster: &Cluster, role: &str, member: &str) {
    cluster.psql("postgres", &format!("CREATE ROLE {role} LOGIN"));
    if !member.is_empty() {
        cluster.psql("postgres", &format!("GRANT {member} TO {role}"));
    }
}

#[test]
fn what_a_role_cannot_see_is_unknown_until_it_has_what_is_printed() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("hidden");
    db.psql(
        "CREATE TABLE stock (id int PRIMARY KEY, number int);
         INSERT INTO stock VALUES (1, 0), (2, 0)",
    );
    db.psql(OBJECTS);
    let queue = super::lock::queue(&db);
    for (number, hidden) in HIDDEN.iter().enumerate() {
        let role = format!("monitor_{number}");
        make_role(&cluster, &role, hidden.member);
        let before = as_role(&db, &role, hidden);
        assert_eq!(before["status"], "unknown", "{before}");
        let grants: Vec<&str> =
            before["grants"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
        assert!(!grants.is_empty(), "{before}");
        db.psql(&grants.join("\n"));
        let after = as_role(&db, &role, hidden);
        assert!(["warning", "critical"].contains(&after["status"].as_str().unwrap()), "{after}");
        let findings = after["findings"].as_array().unwrap();
        let found = |finding: &Value| {
            finding["object"].as_str().is_some_and(|object| object.starts_with(hidden.object))
        };
        assert!(findings.iter().any(found), "{after}");
        assert_eq!(after["grants"], serde_json::json!([]), "{after}");
    }
    drop(queue);
}

/// Runs `--explain-permissions`: its exit code and its report.
fn explained(db: &Database<'_>, role: &str, only: &str) -> (i32, Value) {
    let url = db.url().replace("postgres@", &format!("{role}@"));
    let arguments = ["check", "--explain-permissions", "--format=json", "--only", only, "--url"];
    let output = Pgtend::new().args(arguments).arg(url).run();
    (output.code, output.json()["report"].take())
}

#[test]
fn explain_permissions_prints_what_lets_a_role_see_all() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("explained");
    make_role(&cluster, "monitor", "");
    let everything = "static,runtime,rate";
    let (code, before) = explained(&db, "monitor", everything);
    assert_eq!(code, 3, "{before}");
    let checks = before["checks"].as_array().unwrap();
    assert_eq!(
        checks.len(),
        pgtend::check::all().filter(|check| check.kind != Kind::Deploy).count()
    );
    let blocking = checks.iter().find(|check| check["id"] == "lock.blocking").unwrap();
    let need = json!({"what": "what other roles' sessions do", "seen": false});
    assert_eq!(
        *blocking,
        json!({"id": "lock.blocking", "needs": [need], "seen": false, "since": null})
    );
    let grants: Vec<&str> =
        before["grants"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(grants.contains(&"GRANT pg_monitor TO \"monitor\";"), "{grants:?}");
    db.psql(&grants.join("\n"));
    let (code, after) = explained(&db, "monitor", everything);
    assert_eq!((code, &after["grants"]), (0, &json!([])), "{after}");
    // Nothing but a login is needed for some.
    make_role(&cluster, "nobody", "");
    assert_eq!(explained(&db, "nobody", "lock.waiters").0, 0);
}

#[test]
fn explain_permissions_is_read_by_people_too() {
    let cluster = ClusterSpec::default().start();
    make_role(&cluster, "monitor", "");
    let url = cluster.url("postgres").replace("postgres@", "monitor@");
    let only = "lock.blocking,lock.waiters";
    let arguments = ["check", "--explain-permissions", "--only", only, "--url", &url];
    let output = Pgtend::new().args(arguments).run();
    assert_eq!(output.code, 3, "{}", output.stderr);
    for words in [
        "lock.blocking",
        "what other roles' sessions do",
        "A login is enough for 1 of 2 checks.",
        "1 would be unknown (exit 3). A superuser lets monitor see:",
        "\n  GRANT pg_monitor TO \"monitor\";\n",
    ] {
        assert!(output.stdout.contains(words), "{words}:\n{}", output.stdout);
    }
    let refused = Pgtend::new().args(arguments).arg("--format=prometheus").run();
    assert_eq!(refused.code, 64, "{}", refused.stderr);
}

#[test]
fn explain_permissions_asks_the_target_that_is_named() {
    let cluster = ClusterSpec::default().start();
    make_role(&cluster, "monitor", "");
    let pgtend = Pgtend::new();
    let config = pgtend.home().join("pgtend.toml");
    let target = |name: &str, role: &str| {
        let url = cluster.url("postgres").replace("postgres@", &format!("{role}@"));
        format!("[target.{name}]\nurl = \"{url}\"\n")
    };
    let text = target("first", "postgres") + &target("second", "monitor");
    std::fs::write(&config, text).unwrap();
    let explain = |target: &str| {
        let arguments = ["check", target, "--explain-permissions", "--only=lock", "--format=json"];
        Pgtend::new().args(arguments).arg("--config").arg(&config).run()
    };
    let second = explain("second");
    assert_eq!((second.code, &second.json()["report"]["role"]), (3, &json!("monitor")));
    assert_eq!(explain("first").code, 0);
    assert_eq!(explain("--all-targets").code, 64);
}
