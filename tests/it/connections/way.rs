//! The way there: round trips, poolers, signals.

use rustix::process::Signal;
use serde_json::json;

use super::{connections, pids};
use crate::harness::activity::{SHOP, Scene};
use crate::harness::pgbouncer::PoolSpec;
use crate::harness::{Pgtend, Proxy, command};

#[test]
fn a_look_takes_three_round_trips() {
    let cluster = Scene::spec(15).start();
    let scene = Scene::play(&cluster);
    let proxy = Proxy::start(cluster.port());
    let url = format!("postgresql://postgres@127.0.0.1:{}/{SHOP}?sslmode=disable", proxy.port());
    for flags in [&["connections"][..], &["connections", "--advise", "--sessions"]] {
        let round_trips = || {
            let before = proxy.connections();
            let run = Pgtend::new().args(flags).args(["--format=json", "--url", &url]);
            let report = run.run().expect_code(0).json()["report"].take();
            assert!(pids(&report["sessions"]).contains(&scene.long.pid));
            assert_eq!(proxy.connections(), before + 1, "one connection");
            proxy.stats().pop().unwrap().round_trips
        };
        // A busy machine may tear apart what was sent together.
        let mut seen = vec![round_trips()];
        while seen.len() < 5 && !seen.contains(&3) {
            seen.push(round_trips());
        }
        // Facts, settings, all questions.
        assert_eq!(seen.iter().min(), Some(&3), "{flags:?}: {seen:?}");
    }
}

#[test]
fn it_works_behind_a_pooler_in_transaction_mode() {
    let cluster = Scene::spec(15).start();
    let scene = Scene::play(&cluster);
    for mode in ["transaction", "session", "statement"] {
        let pooler = PoolSpec::mode(mode).start(&cluster);
        let run = Pgtend::new().args(["connections", "--format=json", "--url", &pooler.url(SHOP)]);
        let report = run.run().expect_code(0).json()["report"].take();
        assert_eq!(report["server"]["pooler"]["mode"], mode);
        let listed = pids(&report["sessions"]);
        for pid in [scene.idle.pid, scene.long.pid, scene.last.pid] {
            assert!(listed.contains(&pid), "{mode}: {listed:?}");
        }
        assert_eq!(report["blocked"]["count"], 2, "{mode}");
        assert_eq!(report["prepared"].as_array().unwrap().len(), 1, "{mode}");
        let page = Pgtend::new().args(["connections", "--url", &pooler.url(SHOP)]);
        let page = page.run().expect_code(0).stdout;
        let words = format!("in {mode} mode: what follows is the server's side, not the");
        assert!(page.contains(&words), "{page}");
    }
}

#[test]
fn a_signal_ends_a_long_look() {
    let cluster = Scene::spec(15).start();
    cluster.psql("postgres", "CREATE DATABASE shop");
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let flags = ["--advise", "--interval=1h", "--format=json"];
        let run = connections(&cluster, "postgres", &flags).spawn();
        let there = "SELECT count(*) FROM pg_stat_activity
            WHERE application_name = 'pgtend/connections' AND query LIKE '%pg_locks%'";
        let looks = || (cluster.psql("postgres", there) == "1").then_some(());
        command::until(command::LIMIT, looks).expect("it looks");
        run.signal(signal);
        let output = run.wait().expect_code(code);
        assert_eq!(output.json()["exit"], json!(code));
        assert!(output.stderr.contains("the look at the connections was stopped"));
        // Its session is not to be taken for the next one's.
        let gone = || (cluster.psql("postgres", there) == "0").then_some(());
        command::until(command::LIMIT, gone).expect("its session ends");
    }
}
