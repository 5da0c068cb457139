//! `check`: every check fires on a real server when its fault is staged, and is silent before.

mod act;
mod again;
mod catalogue;
mod conf;
mod conn;
mod idx;
mod lock;
mod permissions;
mod schema;
mod sec;
mod seq;
mod stage;
