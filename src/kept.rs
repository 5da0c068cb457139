//! Files that a run keeps for a later one: JSON with its form's name as the field `schema`.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::exit::Exit;

/// A kind of file.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// `pgtend/statements/1`
    pub schema: &'static str,
    /// What it holds: `sample`.
    pub what: &'static str,
    /// The command that makes one: `pgtend slow-queries --save FILE`.
    pub made_by: &'static str,
    /// A larger file is none. Bytes.
    pub largest: u64,
}

impl Form {
    /// The schema without its number.
    fn family(&self) -> &'static str {
        self.schema.rsplit_once('/').map_or(self.schema, |(family, _)| family)
    }

    fn is_family(&self, schema: &str) -> bool {
        schema.strip_prefix(self.family()).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Bytes in which a file of ours has its schema: it is the first field.
const HEAD: u64 = 4096;

/// Reads a file.
///
/// # Errors
/// Usage, when it cannot be read or is not of this form.
pub fn load<T: DeserializeOwned>(path: &Path, form: &Form) -> Result<T> {
    let failed = || {
        Error::usage(format!("cannot read the {} {}", form.what, path.display()))
            .next(format!("make one: {}", form.made_by))
    };
    let missing = |error: io::Error| failed().caused_by(&error);
    let too_large = || failed().because("it is too large to be one");
    let file = File::open(path).map_err(missing)?;
    if file.metadata().map_err(missing)?.len() > form.largest {
        return Err(too_large());
    }
    // What comes out of a pipe had no size.
    let text = read(file, form.largest.saturating_add(1));
    let text = text.map_err(|error| failed().caused_by(&error))?;
    if text.len() as u64 > form.largest {
        return Err(too_large());
    }
    match first_schema(&text).or_else(|| any_schema(&text)).as_deref() {
        Some(schema) if schema == form.schema => {}
        Some(other) if form.is_family(other) => {
            return Err(failed().because(format!("another pgtend wrote it: its form is {other}")));
        }
        _ => {
            let made_by = form.made_by.trim_end_matches(" FILE");
            return Err(failed().because(format!("it is no {} of {made_by}", form.what)));
        }
    }
    serde_json::from_slice(&text).map_err(|error| failed().caused_by(&error))
}

/// Writes a file under its name at once: nobody sees half of one. Only an earlier one of its form
/// is replaced. It may hold texts of statements: it is for its owner alone.
///
/// # Errors
/// Usage, when the file is something else; exit 74, when it cannot be written.
pub fn save<T: Serialize>(kept: &T, path: &Path, form: &Form) -> Result<()> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Error::new(Exit::Io, format!("cannot save the {} to {}", form.what, path.display()))
            .caused_by(error)
    };
    match is_ours(path, form) {
        Ok(true) => {}
        Ok(false) => return Err(other(path, form)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(&error)),
    }
    let text = serde_json::to_vec(kept).map_err(|error| failed(&error))?;
    replace(path, &text, 0o600).map_err(|error| failed(&error))
}

/// Puts a file under its name at once, with this mode whatever the umask is: whoever reads it sees
/// the old one or the new one, never a part.
///
/// # Errors
/// The disk's.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Its name ends with none of the names that collectors look for.
    let mut file = tempfile::Builder::new()
        .prefix(".pgtend-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Whether an earlier one is there: its first bytes tell.
fn is_ours(path: &Path, form: &Form) -> io::Result<bool> {
    let there = fs::metadata(path)?;
    if !there.is_file() || there.len() > form.largest {
        return Ok(false);
    }
    let head = read(File::open(path)?, HEAD)?;
    Ok(first_schema(&head).is_some_and(|schema| form.is_family(&schema)))
}

fn read(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    file.take(most).read_to_end(&mut text)?;
    Ok(text)
}

/// The schema where it is the first field.
fn first_schema(text: &[u8]) -> Option<String> {
    let mut rest = text;
    for part in ["{", "\"schema\"", ":"] {
        rest = rest.trim_ascii_start().strip_prefix(part.as_bytes())?;
    }
    serde_json::Deserializer::from_slice(rest).into_iter().next()?.ok()
}

/// The schema where other programs wrote the fields in an order of their own.
fn any_schema(text: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Fields {
        schema: String,
    }
    serde_json::from_slice::<Fields>(text).ok().map(|fields| fields.schema)
}

fn other(path: &Path, form: &Form) -> Error {
    let what = form.what;
    Error::usage(format!("{} is there and is no {what} of pgtend", path.display()))
        .because("it would be overwritten")
        .next(format!("give the name of a new file, or of an earlier {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form =
        Form { schema: "pgtend/t/1", what: "thing", made_by: "pgtend t --save FILE", largest: 100 };

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Thing {
        schema: String,
        text: String,
    }

    fn thing(length: usize) -> Thing {
        Thing { schema: FORM.schema.to_owned(), text: "x".repeat(length) }
    }

    #[test]
    fn what_is_larger_than_any_of_ours_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        save(&thing(10), &path, &FORM).unwrap();
        save(&thing(100), &path, &FORM).unwrap();
        assert_eq!(save(&thing(10), &path, &FORM).unwrap_err().exit(), Exit::Usage);
        let error = load::<Thing>(&path, &FORM).unwrap_err();
        assert!(error.causes()[0].contains("too large"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), serde_json::to_string(&thing(100)).unwrap());
        assert_eq!(save(&thing(10), folder.path(), &FORM).unwrap_err().exit(), Exit::Usage);
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_stays_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        for (text, mode) in [("one", 0o644), ("two", 0o600)] {
            replace(&path, text.as_bytes(), mode).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert!(replace(folder.path(), b"x", 0o600).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_head_tells_whose_a_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept");
        // Whole or not.
        fs::write(&path, "\n{ \"schema\" : \"pgtend/t/1\", \"text").unwrap();
        save(&thing(1), &path, &FORM).unwrap();
        // In another order it can be read, but nobody of us wrote it.
        fs::write(&path, "{\"text\": \"x\", \"schema\": \"pgtend/t/1\"}").unwrap();
        assert_eq!(load::<Thing>(&path, &FORM).unwrap(), thing(1));
        assert_eq!(save(&thing(1), &path, &FORM).unwrap_err().exit(), Exit::Usage);
    }
}
