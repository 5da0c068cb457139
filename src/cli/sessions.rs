//! Which sessions are meant.

use clap::Args;

/// Filters of sessions; a session has to fit all that are given, and one value of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Sessions")]
pub struct SessionFilters {
    /// Only sessions of this role (repeatable; * stands for anything, here and below)
    #[arg(long, value_name = "ROLE")]
    pub of_user: Vec<String>,

    /// Only sessions in this database (repeatable)
    #[arg(long, value_name = "NAME")]
    pub of_db: Vec<String>,

    /// Only sessions of this application_name (repeatable)
    #[arg(long, value_name = "NAME")]
    pub of_app: Vec<String>,

    /// Only sessions from this address; local is a Unix socket (repeatable)
    #[arg(long, value_name = "ADDRESS")]
    pub of_addr: Vec<String>,

    /// Only sessions in this state: active, idle, idle-in-transaction (repeatable)
    #[arg(long, value_name = "STATE", value_parser = state)]
    pub state: Vec<String>,

    /// Only sessions that have been in their state at least so long
    #[arg(long, value_name = "TIME")]
    pub min_duration: Option<String>,
}

/// The words of `pg_stat_activity`, with `-` for the spaces.
const STATES: [&str; 6] = [
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
];

fn state(text: &str) -> Result<String, String> {
    let wanted = text.to_lowercase().replace(['-', '_'], " ");
    let wanted = wanted.replace("transaction aborted", "transaction (aborted)");
    match STATES.iter().find(|state| **state == wanted) {
        Some(state) => Ok((*state).to_owned()),
        None => {
            Err("it is active, idle, idle-in-transaction or idle-in-transaction-aborted".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_the_servers_words() {
        assert_eq!(state("idle-in-transaction").as_deref(), Ok("idle in transaction"));
        assert_eq!(
            state("idle-in-transaction-aborted").as_deref(),
            Ok("idle in transaction (aborted)")
        );
        assert_eq!(state("Active").as_deref(), Ok("active"));
        assert!(state("busy").is_err());
    }
}
