//! The registry: every check has a stage on which it fires, a remedy and documentation.

use std::collections::BTreeSet;

use super::stage::{Fault, Stage};

/// The stages of every family.
const STAGES: &[&[Stage]] = &[
    super::conn::STAGES,
    super::act::STAGES,
    super::lock::STAGES,
    // Index checks.
    super::vac::STAGES,
    super::vac::SERVER,
    super::bloat::STAGES,
    super::bloat::NEW,
    super::idx::STAGES,
    super::schema::STAGES,
    super::seq::STAGES,
    super::sec::STAGES,
    super::size::STAGES,
    super::app::STAGES,
    super::backup::STAGES,
    super::conf::STAGES,
    super::repl::SLOTS,
    super::repl::STANDBYS,
    super::repl::EXPECTED,
    super::wal::STAGES,
    super::io::STAGES,
    super::io::WRITES,
    super::db::STAGES,
    super::db::CHECKSUMS,
    super::stmt::STAGES,
    super::ver::STAGES,
    super::app::STAGES,
    super::deploy::STAGES,
    super::deploy::SERVER,
];

#[test]
fn every_check_fires_and_is_documented() {
    let (mut fired, mut recorded) = (BTreeSet::new(), BTreeSet::new());
    for stage in STAGES.iter().copied().flatten() {
        match stage.fault {
            Fault::Recorded { .. } | Fault::Beside { .. } => recorded.insert(stage.id),
            Fault::Sql(_) | Fault::Acted(_) | Fault::There(_) | Fault::EnvFile { .. } => {
                fired.insert(stage.id)
            }
        };
    }
    recorded.retain(|id| !fired.contains(id));
    let ids: BTreeSet<&str> = pgtend::check::all().map(|check| check.id).collect();
    // The suite shows it with --nocapture; a failure shows it too.
    eprintln!("ids {}, fired {}, recorded {}", ids.len(), fired.len(), recorded.len());
    let staged: BTreeSet<&str> = fired.union(&recorded).copied().collect();
    let without: Vec<_> = ids.difference(&staged).collect();
    assert!(without.is_empty(), "checks that nothing makes fire: {without:?}");
    let gone: Vec<_> = staged.difference(&ids).collect();
    assert!(gone.is_empty(), "stages of no check: {gone:?}");
}
