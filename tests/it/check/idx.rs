//! Indexes.

use super::stage::{Fault, Stage, play};
use crate::harness::Cluster;

pub const STAGES: &[Stage] = &[Stage::new(
    "idx.invalid",
    "critical",
    "public.twice_k",
    // A build that fails leaves its index.
    Fault::Acted(|db| {
        let built = "CREATE UNIQUE INDEX CONCURRENTLY twice_k ON twice (k)";
        assert!(db.cluster().psql_result(db.name(), built).is_err());
        Box::new(())
    }),
)
.after("CREATE TABLE twice (k int); INSERT INTO twice VALUES (1), (1)")];

#[test]
fn every_check_of_the_family_fires() {
    play(Cluster::shared(), STAGES);
}
