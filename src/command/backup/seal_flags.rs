//! Who a backup is sealed to.

use std::path::PathBuf;

use crate::archive::seal::Recipients;
use crate::error::{Error, Result};
use crate::settings::recipients_file;

/// Who can open the backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
pub struct SealFlags {
    /// Seal the backup to this public key of age: age1.. (repeatable; or recipients in [backup])
    #[arg(long, value_name = "KEY")]
    recipient: Vec<String>,

    /// File with such keys, one a line (repeatable)
    #[arg(long, value_name = "FILE")]
    recipients_file: Vec<PathBuf>,
}

impl SealFlags {
    /// The recipients of the flags, else those of `[backup]`; `None` when nobody is named.
    pub fn recipients(&self, standard: &[String]) -> Result<Option<Recipients>> {
        let mut keys = self.recipient.clone();
        for path in &self.recipients_file {
            let text = recipients_file(path)?;
            let before = keys.len();
            keys.extend(Recipients::lines(&text).map(str::to_owned));
            if keys.len() == before {
                // Never a backup that everybody can read instead.
                return Err(Error::usage(format!("{} names no recipient", path.display())));
            }
        }
        if keys.is_empty() {
            keys = standard.to_vec();
        }
        if keys.is_empty() {
            return Ok(None);
        }
        let failed = |error| Error::usage("cannot seal the backup").caused_by(&error);
        Recipients::new(keys).map(Some).map_err(failed)
    }
}
