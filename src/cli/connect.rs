//! The connection flags.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which of the servers that hold the same data a run reads from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReadFrom {
    /// The server itself.
    #[default]
    Primary,
    /// A replica, by weight; the primary when none can be used, with a warning.
    Replica,
    /// Replicas and the primary alike.
    Any,
    /// The server of `DB_BACKUP_URL`.
    Backup,
}

/// Which server to work with. All flags may stand before or after the command's name.
///
/// `-h` is the host, as in psql: the command line that takes these in has to switch clap's
/// own `-h` off.
#[derive(Clone, Default, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectFlags {
    /// Connection string: postgresql://user@host:port/database, or key=value
    #[arg(long, global = true, value_name = "URL")]
    pub url: Option<String>,

    /// Host name, address or socket folder of the server
    #[arg(short = 'h', long, global = true, value_name = "HOST")]
    pub host: Option<String>,

    /// Port of the server
    #[arg(short = 'p', long, global = true, value_name = "PORT",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,

    /// Role to log in as
    #[arg(
        short = 'U',
        long = "username",
        visible_alias = "user",
        global = true,
        value_name = "NAME"
    )]
    pub username: Option<String>,

    /// Database to connect to
    #[arg(short = 'd', long, global = true, value_name = "NAME")]
    pub dbname: Option<String>,

    /// Never ask for a password
    #[arg(short = 'w', long, global = true)]
    pub no_password: bool,

    /// Ask for the password first, whatever is known
    #[arg(short = 'W', long, global = true, conflicts_with = "no_password")]
    pub password: bool,

    /// Read DATABASE_URL and its kind from this file (a folder: its .env.$ENVIRONMENT or .env)
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,

    /// Which of the known servers to read from: primary, replica, any or backup
    #[arg(long, global = true, value_name = "WHICH")]
    pub read_from: Option<ReadFrom>,

    /// Longest time that a replica may be behind to be read from (default: 60s)
    #[arg(long, global = true, value_name = "TIME")]
    pub max_lag: Option<String>,

    /// Log in with an RDS IAM token, made anew for each connection; TLS is required
    #[arg(long, global = true, conflicts_with = "secret")]
    pub iam: bool,

    /// Log in with this secret of AWS Secrets Manager (name or ARN)
    #[arg(long, global = true, value_name = "ARN")]
    pub secret: Option<String>,

    /// Target of pgtend.toml to work with
    #[arg(long, global = true, value_name = "NAME")]
    pub target: Option<String>,

    /// Settings file to read instead of the first pgtend.toml found
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl ConnectFlags {
    /// The named target.
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }
}

impl std::fmt::Debug for ConnectFlags {
    // The URL may hold a password, and so may a connection string in `dbname`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectFlags")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("username", &self.username)
            .field("target", &self.target)
            .field("env_file", &self.env_file)
            .field("read_from", &self.read_from)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Parser)]
    #[command(disable_help_flag = true)]
    struct Probe {
        #[command(flatten)]
        connect: ConnectFlags,
        #[command(subcommand)]
        command: Sub,
    }

    #[derive(clap::Subcommand)]
    enum Sub {
        #[command(disable_help_flag = true)]
        Go,
    }

    fn parse(words: &str) -> ConnectFlags {
        let matches = Probe::command().get_matches_from(words.split(' '));
        let probe = Probe::from_arg_matches(&matches).unwrap();
        assert!(matches!(probe.command, Sub::Go));
        probe.connect
    }

    #[test]
    fn flags_work_before_and_after_the_command() {
        Probe::command().debug_assert();
        let before = parse("pgtend -h db -p 5433 -U app -d shop -w go");
        let after = parse("pgtend go --host db --port 5433 --user app --dbname shop --no-password");
        for args in [before, after] {
            assert_eq!(args.host.as_deref(), Some("db"));
            assert_eq!(args.port, Some(5433));
            assert_eq!(args.username.as_deref(), Some("app"));
            assert_eq!(args.dbname.as_deref(), Some("shop"));
            assert!(args.no_password);
        }
    }
}
