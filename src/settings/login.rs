//! Where a password comes from that nobody wrote down.

use std::fmt;
use std::sync::Arc;

use super::env::Environment;
use super::origin::Origin;

/// How the password of a target is had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    /// A command prints it.
    Command(PasswordCommand),
    /// AWS Secrets Manager keeps it, under this name or ARN.
    SecretsManager { id: String, cloud: CloudAccess },
    /// A token of RDS, made anew for each connection.
    Iam(CloudAccess),
}

impl Login {
    /// Where the setting came from.
    pub fn origin(&self) -> &Origin {
        match self {
            Self::Command(command) => &command.origin,
            Self::SecretsManager { cloud, .. } | Self::Iam(cloud) => &cloud.origin,
        }
    }

    /// The key of pgtend.toml.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Command(_) => "password_command",
            Self::SecretsManager { .. } => "secret",
            Self::Iam(_) => "iam",
        }
    }
}

/// A command whose first line of output is a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordCommand {
    /// For `sh -c`. Never shown: it may hold a password itself.
    pub command: String,
    pub origin: Origin,
}

impl fmt::Debug for PasswordCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordCommand").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Whose account of AWS, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudAccess {
    /// Instead of the one that the server's name or the secret's ARN has.
    pub region: Option<String>,
    /// Of the AWS settings files.
    pub profile: Option<String>,
    pub origin: Origin,
    /// `AWS_*` and HOME, from the start of the run.
    pub environment: Arc<Environment>,
}
