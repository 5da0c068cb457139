//! Who is told how a backup went.

use std::convert::Infallible;
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::{Secret, quantity};

/// Commands, a file and a URL.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
#[command(next_help_heading = "Telling others")]
pub(super) struct StoryFlags {
    /// Ping this URL (or PGTEND_PING): URL/start at the start, URL at success, URL/fail at failure
    #[arg(long, value_name = "URL", value_parser = secret)]
    pub ping: Option<Secret>,

    /// Write the outcome into this file, for the textfile collector of Prometheus
    #[arg(long, value_name = "FILE")]
    pub metrics_file: Option<PathBuf>,

    /// Run this command before anything else; without its success there is no backup
    #[arg(long, value_name = "COMMAND")]
    pub before: Option<String>,

    /// Run this command when the backup is published
    #[arg(long, value_name = "COMMAND")]
    pub after: Option<String>,

    /// Run this command when there is no backup
    #[arg(long, value_name = "COMMAND")]
    pub on_failure: Option<String>,

    /// Longest time for such a command (default: 10m)
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    pub hook_timeout: Option<Duration>,
}

#[expect(clippy::unnecessary_wraps, reason = "the form that clap wants")]
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

impl StoryFlags {
    /// Flags that have a default in `[backup]`, by the name that they have there; not the ping's
    /// URL, which is a secret.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, Option<String>)> + use<> {
        [
            ("metrics_file", self.metrics_file.as_ref().map(|path| path.display().to_string())),
            ("before", self.before.clone()),
            ("after", self.after.clone()),
            ("on_failure", self.on_failure.clone()),
            ("hook_timeout", self.hook_timeout.map(quantity::written_duration)),
        ]
        .into_iter()
    }
}
