//! Where a value came from.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

/// The place that gave a value; `Display` names it for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line, like `--host`.
    Flag(&'static str),
    /// An environment variable.
    Variable(Cow<'static, str>),
    /// A variable of an env file, and its line, from 1.
    File { name: String, path: PathBuf, line: usize },
    /// A replica, by its number, from 1, in the place that names several.
    Replica { number: usize, of: Box<Self> },
    /// A target of pgtend.toml.
    Config { target: String, path: PathBuf },
    /// A group of a connection service file.
    Service { name: String, path: PathBuf },
    /// A line, from 1, of a password file.
    Passfile { path: PathBuf, line: usize },
    /// Printed by a `password_command`, which came from there.
    Command(Box<Origin>),
    /// Kept by AWS Secrets Manager, as that place says.
    SecretsManager(Box<Origin>),
    /// A token of RDS, made because that place says so.
    Iam(Box<Origin>),
    /// Typed by the operator.
    Prompt,
    /// libpq's or pgtend's default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.write_str(name),
            Self::Variable(name) => f.write_str(name),
            Self::File { name, path, line } => {
                write!(f, "{name} ({}, line {line})", path.display())
            }
            Self::Replica { number, of } => write!(f, "replica {number} of {of}"),
            Self::Config { target, path } => write!(f, "{target} ({})", path.display()),
            Self::Service { name, path } => write!(f, "service {name} ({})", path.display()),
            Self::Passfile { path, line } => write!(f, "{}, line {line}", path.display()),
            Self::Command(origin) => write!(f, "password_command of {origin}"),
            Self::SecretsManager(origin) => write!(f, "the secret of {origin}"),
            Self::Iam(origin) => write!(f, "an IAM token, because of {origin}"),
            Self::Prompt => f.write_str("the terminal"),
            Self::Default => f.write_str("default"),
        }
    }
}
