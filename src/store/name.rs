//! Giving a file its name, unless somebody else has it.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// Renames a file, on the same file system; a name that is taken is [`ErrorKind::AlreadyExists`],
/// and stays what it is.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    // vfat, SMB and some FUSE file systems have no hard links.
    match by_link(from, to) {
        Err(error) if is_lacking(&error) => {}
        named => return named,
    }
    match by_rename(from, to) {
        Err(error) if is_lacking(&error) => by_claim(from, to),
        named => named,
    }
}

fn by_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    // It has its name: a second one that stays harms nothing.
    fs::remove_file(from).unwrap_or(());
    Ok(())
}

fn by_rename(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}

/// A new file without bytes, which then is replaced.
fn by_claim(from: &Path, to: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    fs::rename(from, to).inspect_err(|_| {
        // It is ours, and stands for nothing.
        fs::remove_file(to).unwrap_or(());
    })
}

/// Whether the file system does not know how, or does not let us.
fn is_lacking(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Unsupported | ErrorKind::PermissionDenied | ErrorKind::InvalidInput
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_names_a_file_and_replaces_none() {
        for way in [rename_new, by_link, by_rename, by_claim] {
            let folder = tempfile::tempdir().unwrap();
            let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
            fs::write(&from, "mine").unwrap();
            fs::write(&to, "theirs").unwrap();
            let error = way(&from, &to).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AlreadyExists);
            assert_eq!(fs::read_to_string(&to).unwrap(), "theirs");
            fs::remove_file(&to).unwrap();
            way(&from, &to).unwrap();
            assert_eq!(fs::read_to_string(&to).unwrap(), "mine");
            assert!(!from.exists());
            // A folder that is not there is no lack of the file system's.
            let nowhere = folder.path().join("no/where");
            assert_eq!(way(&to, &nowhere).unwrap_err().kind(), ErrorKind::NotFound);
        }
        // As link(2) and renameat2(2) say it on vfat, SMB and FUSE.
        for number in [1, 22, 38, 95] {
            assert!(is_lacking(&io::Error::from_raw_os_error(number)), "{number}");
        }
        for number in [2, 17, 28] {
            assert!(!is_lacking(&io::Error::from_raw_os_error(number)), "{number}");
        }
    }
}
