//! The file for Prometheus: whoever reads it sees the old one or the new one, never a part.

use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::kept;

/// Bytes of the largest file that is read: one of ours has a few hundred for each database.
const LIMIT: u64 = 16 << 20;

/// What the file holds; nothing when there is none.
///
/// # Errors
/// It is there and cannot be read: what it says of earlier backups must not be lost.
pub fn old_text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(String::new()),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    file.take(LIMIT).read_to_end(&mut bytes).map_err(|error| cannot("read", path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Replaces the file, for everybody to read.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    kept::replace(path, text.as_bytes(), 0o644).map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot {what} the metrics file {}", path.display()))
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_for_everybody_to_read_and_nothing_stays_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pgtend.prom");
        assert_eq!(old_text(&path).unwrap(), "");
        replace(&path, "one\n").unwrap();
        replace(&path, "two\n").unwrap();
        assert_eq!(old_text(&path).unwrap(), "two\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        // A folder is no file.
        let error = replace(folder.path(), "x").unwrap_err();
        assert_eq!(error.exit(), Exit::Io);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
