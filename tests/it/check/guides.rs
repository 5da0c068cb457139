//! The environment blocks of the five guides through `check --env-file`: what is wrong in each is
//! found, and nothing else.
