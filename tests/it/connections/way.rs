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
        let run = Pgtend::new().args(flags).args(["--format=json", "--url", &url]);
        let report = run.run().expect_code(0).json()["report"].take();
        assert!(pids(&report["sessions"]).contains(&scene.long.pid));
        let looked = proxy.stats().pop().unwrap();
        // Facts, settings, all questions.
        assert_eq!(looked.round_trips, 3, "{flags:?}");
    }
    assert_eq!(proxy.connections(), 2, "one connection each");
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
    }
}
