//! Connections.

use super::stage::{Fault, Stage, play};
use crate::harness::ClusterSpec;
use crate::harness::activity::{Client, Way};

pub const STAGES: &[Stage] = &[Stage::new(
    "conn.utilization",
    "critical",
    "server",
    Fault::Acted(|db| {
        let one = || Client::start_in(db.cluster(), db.name(), "postgres", "app", Way::Socket);
        Box::new([one(), one(), one(), one()])
    }),
)
.with("[check.limits]\n\"conn.utilization\" = { warning = 4, critical = 5 }")];

#[test]
fn every_check_of_the_family_fires() {
    let cluster = ClusterSpec::default().set("max_connections", "20").start();
    play(&cluster, STAGES);
}
