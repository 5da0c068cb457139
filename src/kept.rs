//! Files that a run keeps for a later one: JSON with its form's name as the field `schema`.

use std::fs;
use std::io::{ErrorKind, Write};
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

/// Reads a file.
///
/// # Errors
/// Usage, when it cannot be read or is not of this form.
pub fn load<T: DeserializeOwned>(path: &Path, form: &Form) -> Result<T> {
    let failed = || Error::usage(format!("cannot read the {} {}", form.what, path.display()));
    let size = fs::metadata(path)
        .map_err(|error| failed().caused_by(&error).next(format!("make one: {}", form.made_by)))?;
    if size.len() > form.largest {
        return Err(failed().because("it is too large to be one"));
    }
    let text = fs::read_to_string(path).map_err(|error| failed().caused_by(&error))?;
    match schema_of(&text).as_deref() {
        Some(schema) if schema == form.schema => {}
        Some(other) if form.is_family(other) => {
            return Err(failed().because(format!("another pgtend wrote it: its form is {other}")));
        }
        _ => {
            let made_by = form.made_by.trim_end_matches(" FILE");
            return Err(failed().because(format!("it is no {} of {made_by}", form.what)));
        }
    }
    serde_json::from_str(&text).map_err(|error| failed().caused_by(&error))
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
    match fs::read_to_string(path) {
        Ok(text) if schema_of(&text).is_some_and(|schema| form.is_family(&schema)) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Ok(_) => return Err(other(path, form)),
        Err(error) if error.kind() == ErrorKind::InvalidData => return Err(other(path, form)),
        Err(error) => return Err(failed(&error)),
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")));
    let mut file = written.map_err(|error| failed(&error))?;
    let text = serde_json::to_vec(kept).map_err(|error| failed(&error))?;
    file.write_all(&text).map_err(|error| failed(&error))?;
    file.as_file().sync_all().map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

fn schema_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    serde_json::from_str::<Head>(text).ok().map(|head| head.schema)
}

fn other(path: &Path, form: &Form) -> Error {
    let what = form.what;
    Error::usage(format!("{} is there and is no {what} of pgtend", path.display()))
        .because("it would be overwritten")
        .next(format!("give the name of a new file, or of an earlier {what}"))
}
