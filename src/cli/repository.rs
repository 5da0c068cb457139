//! Where backups are.

use clap::Args;

/// The repository of backups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Repository")]
pub struct RepositoryFlags {
    /// Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)
    #[arg(short = 'r', long, global = true, value_name = "DIR")]
    pub repo: Option<String>,
}
