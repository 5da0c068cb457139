//! All-clears that would be lies: what a role cannot see is unknown, and is seen after exactly
//! the statements that pgtend says.

use serde_json::Value;

use super::stage::checked;
use crate::harness::{Cluster, ClusterSpec, Database};

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
];

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
        assert_eq!(after["status"], "warning", "{after}");
        let findings = after["findings"].as_array().unwrap();
        let found = |finding: &Value| {
            finding["object"].as_str().is_some_and(|object| object.starts_with(hidden.object))
        };
        assert!(findings.iter().any(found), "{after}");
        assert_eq!(after["grants"], serde_json::json!([]), "{after}");
    }
    drop(queue);
}
