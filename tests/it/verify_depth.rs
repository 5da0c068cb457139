//! Verification in depth: a part each night, canaries, and the verifier put to the test.

mod canaries;
mod rotation;
mod self_test;
