//! `check`: every check fires on a real server when its fault is staged, and is silent before.

mod app;
mod catalogue;
mod conf;
mod conn;
mod guides;
mod idx;
mod stage;
