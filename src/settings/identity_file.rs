//! Files with keys of sealed backups: secret ones, which nobody else should read, and public ones.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Secret, bounded};
use crate::error::{Error, Result};

/// The text of a file with secret keys, and its mode where others can read it.
///
/// # Errors
/// Usage, without any part of the text.
pub fn identity_file(path: &Path) -> Result<(Secret, Option<u32>)> {
    let (text, mode) = read("identity", path)?;
    Ok((Secret::new(text), Some(mode & 0o777).filter(|mode| mode & 0o077 != 0)))
}

/// The text of a file with public keys.
///
/// # Errors
/// Usage.
pub fn recipients_file(path: &Path) -> Result<String> {
    read("recipients", path).map(|(text, _)| text)
}

fn read(what: &str, path: &Path) -> Result<(String, u32)> {
    let cannot = || Error::usage(format!("cannot read the {what} file {}", path.display()));
    let opened = bounded::open(path).map_err(|error| cannot().caused_by(&error))?;
    let mode = opened.metadata.mode();
    let bytes = opened.read(bounded::SETTINGS).map_err(|error| cannot().caused_by(&error))?;
    let text = String::from_utf8(bytes).map_err(|_| cannot().because("it is not UTF-8"))?;
    Ok((text, mode))
}
