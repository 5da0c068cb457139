//! Verification in depth: a part each night, canaries, and the verifier put to the test.

mod canaries;
mod rotation;
mod self_test;

use crate::backup_right::repo::Repo;
use crate::harness::Pgtend;
use crate::harness::pgtend::Output;

/// What people read.
fn text(repo: &Repo, arguments: &[&str]) -> Output {
    Pgtend::new().args(arguments).arg("-r").arg(repo.path()).run()
}
