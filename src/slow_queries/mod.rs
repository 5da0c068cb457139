//! Which statements take the time.
