//! `check`: every check fires on a real server when its fault is staged, and is silent before.

mod act;
mod again;
mod catalogue;
mod conf;
mod conn;
mod db;
mod fleet;
mod formats;
mod idx;
mod io;
mod known;
mod list;
mod lock;
mod page;
mod permissions;
mod repl;
mod sample;
mod stage;
mod stmt;
mod ver;
mod wal;
