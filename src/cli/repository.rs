//! Where backups are.

use std::path::PathBuf;

use clap::Args;

/// The repository of backups.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Repository")]
pub struct RepositoryFlags {
    /// Directory that holds the backups (or PGTEND_REPO, or repo in pgtend.toml)
    #[arg(short = 'r', long, global = true, value_name = "DIR")]
    pub repo: Option<String>,

    /// File with the secret key that opens sealed backups (repeatable; or PGTEND_IDENTITY_FILE,
    /// or identity in pgtend.toml)
    #[arg(long, global = true, value_name = "FILE")]
    pub identity: Vec<PathBuf>,
}
