//! Advice on pools.

use serde_json::{Value, json};

use super::{connections, report};
use crate::harness::activity::{SESSIONS, Scene};
use crate::harness::command;

fn ids(advice: &Value) -> Vec<&str> {
    let says = advice["says"].as_array().unwrap().iter();
    says.map(|said| said["id"].as_str().unwrap()).collect()
}

#[test]
fn advice_is_made_of_what_was_seen() {
    let cluster = Scene::spec(15).start();
    let scene = Scene::play(&cluster);
    let long = format!(
        "SELECT now() - state_change > '1 s' FROM pg_stat_activity WHERE pid = {}",
        scene.root.pid
    );
    command::until(command::LIMIT, || (cluster.psql("shop", &long) == "t").then_some(())).unwrap();
    let advice = report(&cluster, "postgres", SESSIONS + 1, 0, &["--advise"])["advice"].take();
    assert_eq!((&advice["looks"], &advice["held"]), (&json!(1), &json!(7)));
    assert_eq!(advice["usable"], 57);
    assert_eq!(advice["new_per_second"], json!(null));
    let pool = |number: usize| {
        let pool = &advice["pools"][number];
        ["application", "held", "busy", "enough", "clients"].map(|name| pool[name].clone())
    };
    // Two addresses: the socket and 127.0.0.1.
    assert_eq!(pool(0), [json!("shop-web"), json!(5), json!(3), json!(4), json!(2)]);
    assert_eq!(pool(1), [json!("shop-job"), json!(2), json!(2), json!(3), json!(2)]);
    assert_eq!(ids(&advice), ["idle-in-transaction", "one-look"]);
    let said = advice["says"][0]["text"].as_str().unwrap();
    assert!(said.starts_with("2 idle in a transaction for more than 1 s"), "{said}");
    assert!(said.contains("idle_in_transaction_session_timeout is off"), "{said}");

    let flags = ["--advise", "--interval=4s"];
    let looks = report(&cluster, "postgres", SESSIONS + 1, 0, &flags)["advice"].take();
    assert_eq!(looks["looks"], 5);
    // On a busy machine the first look may come late.
    assert!(looks["seconds"].as_f64().unwrap() > 1.5, "{looks}");
    assert_eq!(looks["new_per_second"], 0.0);
    assert_eq!(ids(&looks), ["idle-in-transaction"]);

    let page = connections(&cluster, "postgres", &["--advise"]).env("COLUMNS", "80");
    let page = page.run().expect_code(0).stdout;
    for words in ["POOL OF", "1 look in 0.00 s: ", "busy + a quarter"] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    // What is hidden is not taken for idle.
    let hidden = report(&cluster, "nobody", SESSIONS + 1, 3, &["--advise"])["advice"].take();
    assert_eq!(
        (&hidden["pools"][0]["held"], &hidden["pools"][0]["busy"]),
        (&json!(5), &json!(null))
    );
}
