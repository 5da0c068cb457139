//! The answer in further forms, each in a file of its own.

use std::path::PathBuf;
use std::str::FromStr;

use super::super::Context;
use super::FORMATS;
use crate::cli::output::Format;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::kept;
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
        // For node_exporter and the CI server to read.
        kept::replace(&self.path, text.as_bytes(), 0o644).map_err(|error| {
            let path = self.path.display();
            Error::new(Exit::Io, format!("cannot write {path}")).caused_by(&error).next(format!(
                "--output {}=FILE names one in a folder that this user may write to",
                self.format.name()
            ))
        })
    }
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
