//! Labels: of a run, and of the backups to list.

use crate::error::{Error, Result};
use crate::settings::Labels;

/// What a backup is told apart by.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(super) struct LabelFlags {
    /// Label to keep with the backup, beside those of [backup] labels (repeatable)
    #[arg(long, value_name = "KEY=VALUE", value_parser = Labels::parse)]
    label: Vec<(String, String)>,
}

impl LabelFlags {
    /// Those that were given; of two with one key the later counts.
    pub(super) fn given(&self) -> Result<Labels> {
        self.over(Labels::default())
    }

    /// The same over those of the settings.
    pub(super) fn over(&self, mut labels: Labels) -> Result<Labels> {
        for (key, value) in &self.label {
            let added = labels.add(key, value);
            added.map_err(|cause| Error::usage("cannot label the backup").because(cause))?;
        }
        Ok(labels)
    }
}

/// Which backups to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub(super) struct LabelFilter {
    /// List only backups with this label, and damaged ones, whose labels are unknown (repeatable:
    /// all of them)
    #[arg(long, value_name = "KEY=VALUE", value_parser = Labels::parse)]
    pub(super) label: Vec<(String, String)>,
}
