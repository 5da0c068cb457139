//! What is printed, and how much.

use std::str::FromStr;

use clap::{ArgAction, Args, ValueEnum};

/// The form of the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// TOML, as pgtend.toml has it; for settings only.
    Toml,
    /// Comma-separated values with a heading (RFC 4180), raw numbers.
    Csv,
    /// Tables for a ticket or a merge request.
    Markdown,
    /// One line with performance data, as monitoring plugins have it.
    Nagios,
    /// The text exposition format, for the textfile collector of node_exporter.
    Prometheus,
    /// JUnit's XML, for a CI server.
    Junit,
    /// SARIF 2.1.0, for a code scanner.
    Sarif,
    /// Workflow commands of GitHub's runners, which become annotations.
    Github,
}

impl Format {
    /// The forms of what is read, and neither watched nor judged by programs.
    pub const PAGES: [Self; 4] = [Self::Table, Self::Json, Self::Csv, Self::Markdown];

    /// As it is written on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Nagios => "nagios",
            Self::Prometheus => "prometheus",
            Self::Junit => "junit",
            Self::Sarif => "sarif",
            Self::Github => "github",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            "toml" => Ok(Self::Toml),
            "csv" => Ok(Self::Csv),
            "markdown" => Ok(Self::Markdown),
            "nagios" => Ok(Self::Nagios),
            "prometheus" => Ok(Self::Prometheus),
            "junit" => Ok(Self::Junit),
            "sarif" => Ok(Self::Sarif),
            "github" => Ok(Self::Github),
            "custom" | "c" | "directory" | "d" | "tar" | "t" | "plain" | "p" => {
                Err("it is the form of what is printed, table or json for one; \
                 a backup is always a directory that pg_restore -Fd reads"
                    .into())
            }
            _ => Err("expected table, json, csv, markdown, nagios, prometheus, junit, sarif or \
                 github"
                .into()),
        }
    }
}

/// The form of what is said on standard error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object in each line.
    Json,
}

/// What is printed, and how much.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Form of the answer: table, json, csv, markdown, nagios, prometheus, junit, sarif, github
    /// (not every command has all; --show-settings: toml too)
    #[arg(long, global = true, value_name = "FORM", default_value = "table")]
    pub format: Format,

    /// Form of what is said on stderr: lines for people, or a JSON object in each line
    #[arg(long, global = true, value_name = "FORM", default_value = "text")]
    pub log_format: LogForm,

    /// Say nothing on stderr but warnings and errors
    #[arg(short = 'q', long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say what is being done
    #[arg(short = 'v', long, global = true)]
    pub verbose: bool,

    /// Print help
    #[arg(short = '?', long, global = true, action = ArgAction::Help)]
    pub help: Option<bool>,
}
