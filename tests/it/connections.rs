//! `pgtend connections`: who is connected, and what they hold.

mod advice;
mod forms;
mod limits;
mod scene;
mod standbys;
mod way;

use serde_json::Value;

use crate::harness::activity::SHOP;
use crate::harness::{Cluster, Pgtend, command};

/// A run of it as a role, in the scene's database.
fn connections(cluster: &Cluster, user: &str, arguments: &[&str]) -> Pgtend {
    let url = format!("postgresql://{user}@127.0.0.1:{}/{SHOP}", cluster.port());
    Pgtend::new().args(["connections", "--url", &url]).args(arguments)
}

/// Its report, once no session is left of who set the scene: `used` connections, ours included.
fn report(cluster: &Cluster, user: &str, used: i64, code: i32, arguments: &[&str]) -> Value {
    let mut arguments = arguments.to_vec();
    arguments.push("--format=json");
    let mut last = Value::Null;
    let settled = command::until(command::LIMIT, || {
        let output = connections(cluster, user, &arguments).run();
        last = output.json()["report"].take();
        (last["headroom"]["used"] == used).then(|| drop(output.expect_code(code)))
    });
    settled.unwrap_or_else(|| panic!("there are not {used} connections: {last:#}"));
    last
}

/// The process numbers of a list.
fn pids(list: &Value) -> Vec<i64> {
    let list = list.as_array().expect("a list");
    list.iter().map(|one| one["pid"].as_i64().expect("a process number")).collect()
}

/// A session of the list by its process number.
fn one(list: &Value, pid: i64) -> &Value {
    let list = list.as_array().expect("a list");
    list.iter().find(|one| one["pid"] == pid).unwrap_or_else(|| panic!("no {pid} in {list:#?}"))
}
