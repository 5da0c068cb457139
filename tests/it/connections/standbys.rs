//! A primary and its standby.

use serde_json::json;

use super::connections;
use crate::harness::activity::Scene;
use crate::harness::{Cluster, command};

/// Its report, once it is as `settled` says.
fn report(
    cluster: &Cluster,
    user: &str,
    code: i32,
    settled: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let mut last = serde_json::Value::Null;
    command::until(command::LIMIT, || {
        let output = connections(cluster, user, &["--format=json"]).run().expect_code(code);
        last = output.json()["report"].take();
        settled(&last).then_some(())
    })
    .unwrap_or_else(|| panic!("it does not settle: {last:#}"));
    last
}

#[test]
fn a_primary_shows_its_standby_and_the_standby_itself() {
    for major in [15, 18] {
        let spec = Scene::spec(major).set("hot_standby_feedback", "on");
        let primary = spec.set("wal_receiver_status_interval", "1").start();
        primary.psql("postgres", "CREATE DATABASE shop");
        primary.psql("postgres", "CREATE ROLE nobody LOGIN");
        let standby = primary.standby();
        let of_primary = report(&primary, "postgres", 0, |report| {
            let replica = &report["replicas"][0];
            replica["state"] == "streaming"
                && replica["lag_bytes"] == 0
                && !replica["xmin_age"].is_null()
        });
        assert_eq!(of_primary["server"]["in_recovery"], false);
        assert_eq!(of_primary["standby"], json!(null));
        assert_eq!(of_primary["replicas"].as_array().unwrap().len(), 1);
        let replica = &of_primary["replicas"][0];
        assert_eq!((&replica["sync"], &replica["user"]), (&json!("async"), &json!("postgres")));
        let others = of_primary["headroom"]["others"].as_array().unwrap();
        assert!(others.contains(&json!({"kind": "walsender", "count": 1})), "{others:?}");
        assert_eq!(of_primary["headroom"]["used"], 1, "a sender takes no connection");
        let holders = of_primary["xmin_holders"].as_array().unwrap();
        let kinds: Vec<_> = holders.iter().map(|holder| holder["kind"].as_str()).collect();
        assert_eq!(kinds, [Some("standby")]);

        let of_standby = report(&standby, "postgres", 0, |report| {
            report["standby"]["lag_bytes"] == 0 && report["standby"]["status"] == "streaming"
        });
        assert_eq!(of_standby["server"]["in_recovery"], true);
        let follows = &of_standby["standby"];
        assert_eq!(
            (&follows["receiving"], &follows["replay_paused"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(follows["sender_port"], primary.port());
        assert_eq!(follows["lag_seconds"], 0.0);
        let page = connections(&standby, "postgres", &[]).run().expect_code(0).stdout;
        assert!(page.contains(", standby") && page.contains("streaming from "), "{page}");

        // A plain role sees that there is a standby, and not how it is.
        let hidden = report(&primary, "nobody", 3, |report| report["headroom"]["used"] == 1);
        assert_eq!(hidden["replicas"][0]["state"], json!(null));
        let unseen = hidden["unseen"].as_array().unwrap();
        assert_eq!(unseen.len(), 1, "{unseen:?}");
        assert!(unseen[0].as_str().unwrap().starts_with("state and lag of what streams"));
        let hidden = report(&standby, "nobody", 3, |report| report["headroom"]["used"] == 1);
        assert_eq!(hidden["standby"]["receiving"], true);
        assert_eq!(hidden["unseen"].as_array().unwrap().len(), 1, "{}", hidden["unseen"]);
        // What streams to it does not end.
        standby.psql("postgres", "SELECT pg_wal_replay_pause()");
        let paused =
            report(&standby, "postgres", 0, |report| report["standby"]["replay_paused"] == true);
        assert!(paused["standby"]["receiving"].as_bool().unwrap());
    }
}
