//! What is shown instead of running a command.

use clap::Args;

/// Looking before leaping: nothing runs, nothing changes.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ShowFlags {
    /// Show what is in force and where each value is from, without secrets, and stop
    #[arg(long, global = true, conflicts_with = "show_server")]
    pub show_settings: bool,

    /// Connect, show what is known of the server and of the way to it, and stop
    #[arg(long, global = true)]
    pub show_server: bool,
}
