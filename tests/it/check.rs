//! `check`: every check fires on a real server when its fault is staged, and is silent before.

mod act;
mod again;
mod app;
mod bloat;
mod catalogue;
mod conf;
mod conn;
mod db;
mod guides;
mod idx;
mod io;
mod large;
mod lock;
mod permissions;
mod repl;
mod schema;
mod sec;
mod seq;
mod size;
mod stage;
mod stmt;
mod vac;
mod ver;
mod wal;
