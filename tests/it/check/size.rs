//! Sizes.

use super::stage::{Fault, Stage, play};
use crate::harness::Cluster;

/// A table that is the largest of its database, and what belongs to it.
const LARGE: Fault = Fault::Sql(
    "CREATE TABLE large (i int, t text);
     INSERT INTO large SELECT g, repeat('x', 100) FROM generate_series(1, 2000) g;
     CREATE INDEX large_t ON large (t, i);
     VACUUM ANALYZE large;",
);

pub const STAGES: &[Stage] = &[
    Stage::new(
        "size.database",
        "info",
        "sized",
        Fault::Acted(|_| Box::new(Cluster::shared().create_db("sized"))),
    ),
    Stage::new("size.tables", "info", "public.large", LARGE),
    Stage::new("size.indexes", "info", "public.large_t", LARGE),
];

#[test]
fn every_check_of_the_family_tells() {
    play(Cluster::shared(), STAGES);
}
