//! Labels: of a run, and of the backups to list.

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
    pub(super) fn given(&self) -> Labels {
        self.over(Labels::default())
    }

    /// The same over those of the settings.
    pub(super) fn over(&self, mut labels: Labels) -> Labels {
        for (key, value) in &self.label {
            // Each was checked when it was parsed.
            labels.add(key, value).unwrap_or(());
        }
        labels
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
