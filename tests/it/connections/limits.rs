//! Which sessions, how many, and what is too much.

use serde_json::{Value, json};

use super::{connections, pids, report};
use crate::harness::Cluster;
use crate::harness::activity::{NOBODY, SESSIONS, Scene};

const USED: i64 = SESSIONS + 1;

#[test]
fn filters_choose_and_limits_judge() {
    let cluster = Scene::spec(15).start();
    let scene = Scene::play(&cluster);
    filters(&cluster, &scene);
    groups(&cluster);
    judged(&cluster);
    refused(&cluster);
}

fn filters(cluster: &Cluster, scene: &Scene) {
    let Scene { idle, long, root, middle, last, tls, plain } = scene;
    let cases: &[(&[&str], &[i64])] = &[
        (&["--state=idle-in-transaction"], &[idle.pid, root.pid]),
        (&["--state=blocked"], &[middle.pid, last.pid]),
        (&["--state=active,idle", "--of-app=*job"], &[long.pid, last.pid]),
        (&["--of-addr=127.0.0.*", "--state=idle"], &[tls.pid, plain.pid]),
        (&["--of-addr=local", "--of-app=shop-job"], &[last.pid]),
        (&["--of-user=nobody", "--of-user=watcher"], &[]),
        (&["--of-db=shop", "--of-user=sh*", "--state=active"], &[long.pid, middle.pid, last.pid]),
        (&["--min-duration=1d"], &[]),
        (&["--state=aborted"], &[]),
    ];
    for (flags, wanted) in cases {
        let report = report(cluster, "postgres", USED, 0, flags);
        let mut found = pids(&report["sessions"]);
        let mut wanted = wanted.to_vec();
        // Idle ones are in the order of their last statement.
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{flags:?}");
        let groups = report["groups"].as_array().unwrap().iter();
        let counted: i64 = groups.map(|group| group["sessions"].as_i64().unwrap()).sum();
        assert_eq!(counted, i64::try_from(wanted.len()).unwrap(), "{flags:?}");
        assert_eq!(report["tls"]["sockets"], 4, "of the whole server");
    }
    let two = report(cluster, "postgres", USED, 0, &["--limit=2"]);
    assert_eq!(pids(&two["sessions"]), [idle.pid, long.pid]);
    assert_eq!(two["sessions_matched"], 5);
    let all = report(cluster, "postgres", USED, 0, &["--all"]);
    assert_eq!(all["sessions"].as_array().unwrap().len(), 7);
    let page = connections(cluster, "postgres", &["--limit=2"]).run().expect_code(0).stdout;
    assert!(page.contains("and 3 more: --limit 5\n"), "{page}");
}

fn groups(cluster: &Cluster) {
    let report = report(cluster, "postgres", USED, 0, &["--group=app,tls", "--group", "addr"]);
    assert_eq!(report["grouped_by"], json!(["application", "tls", "client"]));
    let group = |application: &str, tls: &str| -> Value {
        let wanted =
            |group: &&Value| group["by"]["application"] == application && group["by"]["tls"] == tls;
        report["groups"].as_array().unwrap().iter().find(wanted).expect("a group").clone()
    };
    let web = group("shop-web", "local");
    assert_eq!((&web["sessions"], &web["active"]), (&json!(3), &json!(1)));
    assert_eq!((&web["idle_in_transaction"], &web["blocked"]), (&json!(2), &json!(1)));
    assert_eq!(web["by"]["client"], "local");
    assert!(web["longest_seconds"].as_f64().unwrap() > 0.0);
    let tls = group("shop-web", "TLSv1.3");
    assert_eq!((&tls["sessions"], &tls["idle"]), (&json!(1), &json!(1)));
    assert_eq!(report["groups"].as_array().unwrap().len(), 5);
}

fn judged(cluster: &Cluster) {
    let run = |user: &str, flags: &[&str], code: i32| report(cluster, user, USED, code, flags);
    // 8 of 57 are used.
    for (flag, code) in [
        ("--fail-used=14%", 2),
        ("--fail-used=15%", 0),
        ("--fail-used=-49", 2),
        ("--fail-used=-48", 0),
        ("--warn-used=14", 1),
        ("--warn-used=90%", 0),
        ("--fail-idle-in-transaction=0s", 2),
        ("--fail-idle-in-transaction=1d", 0),
        ("--fail-blocked=0s", 2),
        ("--fail-blocked=1d", 0),
    ] {
        let report = run("postgres", &[flag], code);
        let verdict = ["good", "warning", "critical"][usize::try_from(code).unwrap()];
        let judged = report["judged"].as_array().unwrap();
        assert_eq!(judged.len(), 1, "{flag}");
        assert_eq!(judged[0]["verdict"], verdict, "{flag}");
    }
    // What is hidden is not good; what is seen to be too much stays so.
    run(NOBODY, &["--fail-idle-in-transaction=0s"], 3);
    run(NOBODY, &["--fail-blocked=0s"], 2);
    run(NOBODY, &["--fail-used=14%"], 2);
    run(NOBODY, &["--fail-used=15%"], 3);
}

fn refused(cluster: &Cluster) {
    for flags in [
        &["--fail-used=101%"][..],
        &["--state=asleep"],
        &["--min-duration=5"],
        &["--interval=5s"],
        &["--advise", "--interval=0s"],
        &["--limit=0"],
        &["--format=toml"],
    ] {
        connections(cluster, "postgres", flags).run().expect_code(64);
    }
}
