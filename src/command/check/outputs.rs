//! The answer in further forms, each in a file of its own.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::super::Context;
use super::FORMATS;
use crate::cli::output::Format;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::check::CheckReport;

/// `junit=FILE`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    format: Format,
    path: PathBuf,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (form, path) = text.split_once('=').unwrap_or((text, ""));
        let format = form.parse::<Format>()?;
        if !FORMATS.contains(&format) {
            return Err(format!("check has no form {form}"));
        }
        match path.is_empty() {
            true => Err("it is a form and a file: junit=report.xml".to_owned()),
            false => Ok(Self { format, path: PathBuf::from(path) }),
        }
    }
}

impl Output {
    /// Writes it under its name at once: nobody reads half of one.
    ///
    /// # Errors
    /// Exit 74.
    pub fn write(
        &self,
        context: &Context,
        target: Option<&str>,
        report: &CheckReport,
    ) -> Result<()> {
        let text = context.rendered(self.format, target, report)?;
        replace(&self.path, &text).map_err(|error| {
            Error::new(Exit::Io, format!("cannot write {}", self.path.display())).caused_by(&error)
        })
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Its name ends with none of the names that collectors look for.
    let mut file = tempfile::Builder::new()
        .prefix(".pgtend-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    // For node_exporter and the CI server, whatever the umask is.
    file.as_file().set_permissions(Permissions::from_mode(0o644))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_form_and_a_file() {
        let read = |text: &str| text.parse::<Output>();
        let wanted = Output { format: Format::Junit, path: "a=b.xml".into() };
        assert_eq!(read("junit=a=b.xml"), Ok(wanted));
        for wrong in ["junit", "junit=", "toml=x", "xml=x", "=x"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
