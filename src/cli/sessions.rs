//! Which sessions of a server, and how they are put together.

use clap::{Args, ValueEnum};

/// Which sessions; those that fit all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Which sessions")]
pub struct SessionFilters {
    /// Only sessions in this state (repeatable, or a list with commas)
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    pub state: Vec<StateFilter>,

    /// Only sessions that have been in their present state for this long
    #[arg(long, value_name = "TIME")]
    pub min_duration: Option<String>,

    /// Only sessions of this role (repeatable; * stands for any characters)
    #[arg(long, value_name = "NAME")]
    pub of_user: Vec<String>,

    /// Only sessions in this database (repeatable; * stands for any characters)
    #[arg(long, value_name = "NAME")]
    pub of_db: Vec<String>,

    /// Only sessions with this application_name (repeatable; * stands for any characters)
    #[arg(long, value_name = "NAME")]
    pub of_app: Vec<String>,

    /// Only sessions from this address, or "local" for Unix sockets (repeatable; * stands for any
    /// characters)
    #[arg(long, value_name = "ADDRESS")]
    pub of_addr: Vec<String>,
}

/// A state that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StateFilter {
    /// A statement runs.
    Active,
    /// Outside a transaction, nothing to do.
    Idle,
    /// In a transaction, nothing to do; aborted ones too.
    IdleInTransaction,
    /// In a transaction that failed and waits for its end.
    Aborted,
    /// Waits for a lock that others hold.
    Blocked,
}

/// What sessions are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GroupBy {
    /// What they do.
    State,
    /// The application_name.
    App,
    /// The role.
    User,
    /// The database.
    Db,
    /// The client's address.
    Addr,
    /// How the connection is encrypted.
    Tls,
}

impl GroupBy {
    /// The name of its value in reports.
    pub const fn key(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::App => "application",
            Self::User => "user",
            Self::Db => "database",
            Self::Addr => "client",
            Self::Tls => "tls",
        }
    }
}
