//! What of a database is backed up: pg_dump's own filters.

use crate::error::{Error, Result};

/// pg_dump's own filters, passed on to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Filters (as pg_dump knows them)")]
pub(super) struct Filters {
    /// Back up only these schemas
    #[arg(short = 'n', long, value_name = "PATTERN")]
    schema: Vec<String>,

    /// Leave these schemas out
    #[arg(short = 'N', long, value_name = "PATTERN")]
    exclude_schema: Vec<String>,

    /// Back up only these tables
    #[arg(short = 't', long, value_name = "PATTERN")]
    table: Vec<String>,

    /// Leave these tables out
    #[arg(short = 'T', long, value_name = "PATTERN")]
    exclude_table: Vec<String>,

    /// Leave the rows of these tables out
    #[arg(long, value_name = "PATTERN")]
    exclude_table_data: Vec<String>,

    /// Back up only these extensions
    #[arg(short = 'e', long, value_name = "PATTERN")]
    extension: Vec<String>,

    /// Leave all rows out
    #[arg(short = 's', long)]
    schema_only: bool,

    /// Leave large objects out
    #[arg(long, conflicts_with = "large_objects")]
    no_large_objects: bool,

    /// Include large objects in spite of other filters
    #[arg(short = 'b', long)]
    large_objects: bool,

    /// Leave the rows of unlogged tables out
    #[arg(long)]
    no_unlogged_table_data: bool,

    /// Leave owners out
    #[arg(short = 'O', long)]
    no_owner: bool,

    /// Leave rights out
    #[arg(short = 'x', long)]
    no_privileges: bool,

    /// Role to become after the login
    #[arg(long, value_name = "NAME")]
    pub(super) role: Option<String>,

    /// pg_dump's format: refused, with what pgtend does instead
    #[arg(short = 'F', hide = true, value_name = "FORMAT")]
    dump_format: Option<String>,

    /// pg_dump's file: refused, with what pgtend does instead
    #[arg(short = 'f', long = "file", hide = true, value_name = "FILE")]
    dump_file: Option<String>,

    /// pg_dump's compression: refused, with what pgtend does instead
    #[arg(short = 'Z', hide = true, value_name = "LEVEL")]
    dump_compress: Option<String>,
}

impl Filters {
    pub(super) fn refuse_pg_dump_habits(&self) -> Result<()> {
        let habit = |flag: &str, why: &str, next: &str| {
            Err(Error::usage(format!("{flag} is pg_dump's")).because(why).next(next))
        };
        if self.dump_format.is_some() {
            return habit(
                "-F",
                "a backup is always a directory-format archive with a manifest beside it",
                "leave -F out; restore it with pg_restore -Fd, or copy the folder",
            );
        }
        if self.dump_file.is_some() {
            return habit(
                "-f",
                "a backup goes into a folder of its own in a repository",
                "give the repository instead: --repo DIR",
            );
        }
        if self.dump_compress.is_some() {
            return habit(
                "-Z",
                "pgtend compresses itself",
                "give --compress zstd:2, gzip:6 or none",
            );
        }
        Ok(())
    }

    /// As pg_dump's arguments, in long forms that versions 13 to 18 know.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for (flag, patterns) in [
            ("--schema", &self.schema),
            ("--exclude-schema", &self.exclude_schema),
            ("--table", &self.table),
            ("--exclude-table", &self.exclude_table),
            ("--exclude-table-data", &self.exclude_table_data),
            ("--extension", &self.extension),
        ] {
            arguments.extend(patterns.iter().map(|pattern| format!("{flag}={pattern}")));
        }
        for (flag, given) in [
            ("--schema-only", self.schema_only),
            // --large-objects came with 16; the older spelling works everywhere.
            ("--no-blobs", self.no_large_objects),
            ("--blobs", self.large_objects),
            ("--no-unlogged-table-data", self.no_unlogged_table_data),
            ("--no-owner", self.no_owner),
            ("--no-privileges", self.no_privileges),
        ] {
            arguments.extend(given.then(|| flag.to_owned()));
        }
        arguments
    }
}
