//! Verification in depth: a part each night, canaries, and the verifier put to the test.

mod rotation;
