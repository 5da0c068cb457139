//! Versions: of servers that are not here.

use super::stage::{Fault, Stage, play};
use crate::harness::Cluster;

pub const STAGES: &[Stage] = &[
    Stage::new(
        "ver.minor",
        "critical",
        "server",
        Fault::Recorded {
            question: "release",
            rows: r#"[{"number": 150012, "version": "15.12", "started": 1795336731.8}]"#,
        },
    ),
    Stage::new(
        "ver.major_eol",
        "critical",
        "PostgreSQL 13",
        Fault::Recorded {
            question: "release",
            rows: r#"[{"number": 130023, "version": "13.23", "started": 1795336729.3}]"#,
        },
    ),
];

#[test]
fn every_check_of_the_family_fires() {
    play(Cluster::shared(), STAGES);
}
