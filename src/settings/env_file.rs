//! The file of `--env-file`, and the variables of an application wherever they are set.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::env::Environment;
use super::origin::Origin;
use super::{dotenv, variables};
use crate::error::{Error, Result};

/// Above this it is no file of variables.
const LIMIT: u64 = 1 << 20;

/// Variables by their names.
#[derive(Default)]
pub(super) struct Variables {
    values: BTreeMap<String, Variable>,
    /// Of a file: those that are set to nothing.
    blanks: BTreeMap<String, Origin>,
    /// `None` for those of the process.
    pub file: Option<PathBuf>,
    /// The environment that picked the file of a folder.
    pub environment: Option<(String, Origin)>,
}

/// A variable that is set, to more than nothing.
#[derive(Clone)]
pub(super) struct Variable {
    /// The value, or the name that it refers to and that nobody defined.
    pub value: std::result::Result<String, String>,
    pub origin: Origin,
}

impl Variables {
    /// Those of the process that may be an application's.
    pub fn of_process(env: &Environment) -> Self {
        let mut values = BTreeMap::new();
        for (name, value) in env.variables() {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            let ours = variables::find(name).is_some() || variables::is_ours(name);
            if ours && !value.is_empty() {
                let origin = Origin::Variable(name.to_owned().into());
                values.insert(name.to_owned(), Variable { value: Ok(value.to_owned()), origin });
            }
        }
        Self { values, ..Self::default() }
    }

    /// Those of a file; of a folder, its `.env.ENVIRONMENT` when that variable is set, else its
    /// `.env`.
    ///
    /// # Errors
    /// Usage, naming file and line, without what stands there.
    pub fn of_file(env: &Environment, path: &Path) -> Result<Self> {
        let (path, environment) = pick(env, path)?;
        let text = read(&path)?;
        let outside = |name: &str| env.text(name).map(str::to_owned);
        let entries = dotenv::parse(&text, &outside).map_err(|fault| {
            Error::usage(format!("{}, line {}: not a variable", path.display(), fault.line))
                .because(fault.cause)
                .next("a line is NAME=VALUE; a value with blanks or # stands in quotes")
        })?;
        let (mut values, mut blanks) = (BTreeMap::new(), BTreeMap::new());
        for (name, entry) in entries {
            let origin = Origin::File { name: name.clone(), path: path.clone(), line: entry.line };
            if entry.value.as_deref() == Ok("") {
                blanks.insert(name, origin);
            } else {
                values.insert(name, Variable { value: entry.value, origin });
            }
        }
        Ok(Self { values, blanks, file: Some(path), environment })
    }

    pub fn get(&self, name: &str) -> Option<&Variable> {
        self.values.get(name)
    }

    /// Where a file sets a variable to nothing.
    pub fn blank(&self, name: &str) -> Option<&Origin> {
        self.blanks.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.values.iter().map(|(name, variable)| (name.as_str(), variable))
    }
}

impl Variable {
    /// The value.
    ///
    /// # Errors
    /// Usage, when it refers to something that nobody defined: empty would be another value.
    pub fn known(&self) -> Result<&str> {
        self.value.as_deref().map_err(|undefined| {
            Error::usage(format!("{} is not known", self.origin))
                .because(format!("it refers to ${{{undefined}}}, which is not defined"))
                .next(format!("set {undefined} in the environment or in an earlier line"))
        })
    }
}

/// The file that is meant.
fn pick(env: &Environment, path: &Path) -> Result<(PathBuf, Option<(String, Origin)>)> {
    let path = env.folder().join(path);
    if !path.is_dir() {
        return Ok((path, None));
    }
    let Some(name) = env.text("ENVIRONMENT") else { return Ok((path.join(".env"), None)) };
    if name.contains('/') {
        return Err(Error::usage("ENVIRONMENT picks a file and cannot hold a '/'"));
    }
    let exactly = path.join(format!(".env.{name}"));
    let lower = path.join(format!(".env.{}", name.to_ascii_lowercase()));
    let chosen = if !exactly.exists() && lower.exists() { lower } else { exactly };
    Ok((chosen, Some((name.to_owned(), Origin::Variable("ENVIRONMENT".into())))))
}

fn read(path: &Path) -> Result<String> {
    let cannot = |error: &std::io::Error| {
        let error = Error::usage(format!("cannot read {}", path.display())).caused_by(error);
        match path.file_name().and_then(|name| name.to_str()) {
            Some(".env") => error.next("name the file, or set ENVIRONMENT: it picks .env.NAME"),
            _ => error,
        }
    };
    let file = std::fs::File::open(path).map_err(|error| cannot(&error))?;
    let mut text = String::new();
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(|error| cannot(&error))?;
    if text.len() as u64 > LIMIT {
        return Err(Error::usage(format!("{} is larger than 1 MiB", path.display()))
            .because("that is no file of variables"));
    }
    Ok(text)
}
