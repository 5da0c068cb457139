//! The scene, as each role sees it on each major.

use serde_json::{Value, json};

use super::{one, pids, report};
use crate::harness::Cluster;
use crate::harness::activity::{Client, NOBODY, PREPARED, SESSIONS, SHOP, Scene, WATCHER, Way};

/// Ours comes to those of the scene.
const USED: i64 = SESSIONS + 1;

fn by_state(report: &Value) -> Vec<(String, i64)> {
    let groups = report["groups"].as_array().unwrap().iter().map(|group| {
        let state = group["by"]["state"].as_str().unwrap_or("?").to_owned();
        (state, group["sessions"].as_i64().unwrap())
    });
    let mut groups: Vec<_> = groups.collect();
    groups.sort();
    groups
}

/// What a role sees that may see what others do.
fn sees_all(cluster: &Cluster, scene: &Scene, user: &str) {
    let major = cluster.major();
    let report = report(cluster, user, USED, 0, &[]);
    let usable = if major >= 16 { 55 } else { 57 };
    let headroom = &report["headroom"];
    assert_eq!(headroom["max_connections"], 60);
    assert_eq!(headroom["usable"], usable, "{major}");
    assert_eq!(headroom["left"], usable - USED);
    assert_eq!(headroom["hidden"], 0);
    let expected: Vec<(String, i64)> =
        vec![("active".into(), 3), ("idle".into(), 2), ("idle in transaction".into(), 2)];
    assert_eq!(by_state(&report), expected, "{major} {user}");
    let Scene { idle, long, root, middle, last, .. } = scene;
    // Idle ones are not listed; the oldest transaction is first.
    let sessions = &report["sessions"];
    assert_eq!(pids(sessions), [idle, long, root, middle, last].map(|one| one.pid), "{major}");
    let long = one(sessions, long.pid);
    assert_eq!(long["query"], "SELECT pg_sleep(3600);");
    assert_eq!((&long["tls"], &long["client"]), (&json!("plain"), &json!("127.0.0.1")));
    assert_eq!(long["wait_event"], "PgSleep");
    assert_eq!((&long["application"], &long["user"]), (&json!("shop-job"), &json!("shop")));
    assert!(long["statement_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(one(sessions, idle.pid)["state"], "idle in transaction");
    assert_eq!(one(sessions, middle.pid)["blocked_by"], json!([root.pid]));
    assert_eq!(one(sessions, last.pid)["blocked_by"], json!([middle.pid]));
    let waited = one(sessions, last.pid)["blocked_seconds"].as_f64().unwrap();
    let lived = one(sessions, last.pid)["session_seconds"].as_f64().unwrap();
    assert!(0.0 < waited && waited <= lived, "{waited} {lived}");
    blocked(&report, scene, Some("idle in transaction"));
    held(&report, scene);
    let tls = &report["tls"];
    assert_eq!((&tls["encrypted"], &tls["plain"]), (&json!(1), &json!(2)));
    assert_eq!((&tls["sockets"], &tls["hidden"]), (&json!(4), &json!(0)));
    assert_eq!(tls["plain_loopback"], 2);
    assert_eq!(tls["versions"], json!({"TLSv1.3": 1}));
    assert_eq!(report["unseen"], json!([]));
    assert_eq!(report["server"]["sees_activity"], true);
    assert_eq!(report["server"]["version_number"].as_u64().unwrap() / 10_000, u64::from(major));
}

fn blocked(report: &Value, scene: &Scene, state: Option<&str>) {
    let blocked = &report["blocked"];
    assert_eq!(blocked["count"], 2);
    let roots = blocked["roots"].as_array().unwrap();
    assert_eq!(roots.len(), 1, "{blocked}");
    assert_eq!((&roots[0]["pid"], &roots[0]["blocks"]), (&json!(scene.root.pid), &json!(2)));
    assert_eq!(roots[0]["state"], json!(state));
    assert_eq!(roots[0]["application"], "shop-web");
}

/// What nobody hides.
fn held(report: &Value, scene: &Scene) {
    let holders = report["xmin_holders"].as_array().unwrap();
    let name = |number: usize| (holders[number]["kind"].as_str(), holders[number]["name"].as_str());
    let idle = scene.idle.pid.to_string();
    assert_eq!(name(0), (Some("session"), Some(idle.as_str())), "{holders:?}");
    assert!(holders[0]["age"].as_i64().unwrap() >= 3, "{holders:?}");
    let prepared: Vec<&Value> =
        holders.iter().filter(|holder| holder["kind"] == "prepared transaction").collect();
    assert_eq!(prepared.len(), 1);
    assert_eq!(prepared[0]["name"], PREPARED);
    let prepared = &report["prepared"];
    assert_eq!(prepared.as_array().unwrap().len(), 1);
    assert_eq!(prepared[0]["gid"], PREPARED);
    assert_eq!((&prepared[0]["user"], &prepared[0]["database"]), (&json!(SHOP), &json!(SHOP)));
    let limit = |number: usize| {
        let limit = &report["limits"][number];
        let of = |name: &str| limit[name].clone();
        [of("kind"), of("name"), of("used"), of("limit")]
    };
    assert_eq!(limit(0), [json!("role"), json!("shop"), json!(SESSIONS), json!(10)]);
    // Ours is in this database too.
    let used = report["headroom"]["used"].clone();
    assert_eq!(limit(1), [json!("database"), json!("shop"), used, json!(30)]);
    assert_eq!(report["limits"].as_array().unwrap().len(), 2);
}

/// What a role sees that may not, and that its GRANT is the right one.
fn sees_little(cluster: &Cluster, scene: &Scene) {
    let mut own = Client::start(cluster, NOBODY, "mine", Way::Socket);
    own.ask("BEGIN; SELECT 1");
    let hidden = report(cluster, NOBODY, USED + 1, 3, &[]);
    assert_eq!(hidden["headroom"]["hidden"], SESSIONS);
    let expected: Vec<(String, i64)> =
        vec![("?".into(), SESSIONS), ("idle in transaction".into(), 1)];
    assert_eq!(by_state(&hidden), expected);
    assert_eq!(pids(&hidden["sessions"]), [own.pid]);
    assert_eq!(hidden["sessions"][0]["query"], "SELECT 1;");
    assert_eq!(hidden["tls"]["hidden"], SESSIONS);
    assert_eq!(hidden["server"]["sees_activity"], false);
    // Locks, snapshots and limits hide nothing.
    blocked(&hidden, scene, None);
    held(&hidden, scene);
    let unseen = hidden["unseen"][0].as_str().unwrap();
    let (_, grant) = unseen.split_once(" can show it by ").expect("a GRANT");
    assert_eq!(grant, "GRANT pg_monitor TO \"nobody\"");
    assert!(unseen.starts_with("what 7 sessions of other roles do"), "{unseen}");
    let every = report(cluster, NOBODY, USED + 1, 3, &["--sessions", "--group", "app,user"]);
    assert_eq!(every["sessions_matched"], USED);
    let last = one(&every["sessions"], scene.last.pid);
    assert_eq!(last["blocked_by"], json!([scene.middle.pid]));
    assert_eq!((&last["hidden"], &last["state"]), (&json!(true), &Value::Null));
    assert_eq!((&last["query"], &last["state_seconds"]), (&Value::Null, &Value::Null));
    let by = json!({"application": "shop-web", "user": "shop"});
    assert_eq!(every["groups"][0]["by"], by);
    assert_eq!(
        (&every["groups"][0]["sessions"], &every["groups"][0]["blocked"]),
        (&json!(5), &json!(1))
    );
    cluster.psql("postgres", grant);
    let granted = report(cluster, NOBODY, USED + 1, 0, &[]);
    assert_eq!(granted["sessions"].as_array().unwrap().len(), 6);
}

fn everybody_sees_it(major: u32) {
    let cluster = Scene::spec(major).start();
    let scene = Scene::play(&cluster);
    sees_all(&cluster, &scene, "postgres");
    sees_all(&cluster, &scene, WATCHER);
    sees_little(&cluster, &scene);
}

#[test]
fn the_scene_on_13() {
    everybody_sees_it(13);
}

#[test]
fn the_scene_on_15() {
    everybody_sees_it(15);
}

#[test]
fn the_scene_on_16() {
    everybody_sees_it(16);
}

#[test]
fn the_scene_on_17() {
    everybody_sees_it(17);
}

#[test]
fn the_scene_on_18() {
    everybody_sees_it(18);
}

/// Nobody but us: what is not hidden is not said to be.
#[test]
fn a_plain_role_alone_sees_all_there_is() {
    let cluster = Scene::spec(15).start();
    cluster.psql("postgres", "CREATE DATABASE shop");
    cluster.psql("postgres", "CREATE ROLE nobody LOGIN");
    let report = report(&cluster, NOBODY, 1, 0, &[]);
    assert_eq!(report["unseen"], json!([]));
    assert_eq!((&report["groups"], &report["sessions"]), (&json!([]), &json!([])));
}
