//! `check`: every check fires on a real server when its fault is staged, and is silent before.

mod act;
mod again;
mod catalogue;
mod conf;
mod conn;
mod db;
mod deploy;
mod forecast;
mod idx;
mod io;
mod lock;
mod permissions;
mod repl;
mod stage;
mod stmt;
mod ver;
mod wal;
