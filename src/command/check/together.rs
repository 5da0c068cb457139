//! Flags that do not go together: one that would have no effect is refused.

use super::{Args, Context};
use crate::error::{Error, Result};

/// What is told to those who judge says nothing to a list.
pub const NOT_WITH_LIST: [&str; 20] = [
    "all_databases",
    "all_targets",
    "allow_unknown",
    "baseline",
    "explain_permissions",
    "fail_on",
    "from",
    "interval",
    "migration_role",
    "migrations",
    "names",
    "output",
    "profile",
    "save",
    "state",
    "tag",
    "time_limit",
    "wait",
    "watch",
    "write_baseline",
];

/// The same where no check is run.
pub const NOT_WITH_EXPLAIN: [&str; 16] = [
    "all_databases",
    "allow_unknown",
    "baseline",
    "fail_on",
    "from",
    "interval",
    "migration_role",
    "migrations",
    "output",
    "profile",
    "save",
    "state",
    "time_limit",
    "wait",
    "watch",
    "write_baseline",
];

/// The same where no server is asked.
pub const NOT_WITH_FROM: [&str; 8] =
    ["all_databases", "all_targets", "names", "save", "tag", "time_limit", "wait", "watch"];

/// Refuses the rest: flags of every command may stand before this one's name, where clap sees no
/// conflict with them.
///
/// # Errors
/// Usage, naming both.
pub fn refuse(context: &Context, args: &Args) -> Result<()> {
    let env_file = context.connect.env_file.as_ref().map(|_| "--env-file");
    let repo = context.repo.as_ref().map(|_| "--repo");
    let pairs = [
        (args.list, "--list", of_a_server(context), "no server is asked"),
        (args.explain_permissions, "--explain-permissions", repo, "no check is run"),
        (args.samples.are_saved(), "--from", of_a_server(context), "no server is asked"),
        (
            args.databases.are_all(),
            "--all-databases",
            env_file,
            "an application's settings are those of one database",
        ),
        (
            args.watch.watch.is_some(),
            "--watch",
            of_files(args),
            "a page that renews itself shows what happens now",
        ),
    ];
    let refused = pairs.into_iter().filter(|(is, ..)| *is);
    let mut refused = refused.filter_map(|(_, flag, other, why)| Some((flag, other?, why)));
    match refused.next() {
        None => Ok(()),
        Some((flag, other, why)) => {
            Err(Error::usage(format!("{flag} and {other} do not go together"))
                .because(why)
                .next(format!("run it again without {other}")))
        }
    }
}

/// A flag that says where something is to be asked.
fn of_a_server(context: &Context) -> Option<&'static str> {
    let connect = &context.connect;
    let given = [
        (connect.url.is_some(), "--url"),
        (connect.host.is_some(), "--host"),
        (connect.port.is_some(), "--port"),
        (connect.user.is_some(), "--username"),
        (connect.dbname.is_some(), "--dbname"),
        (connect.password, "--password"),
        (connect.target.is_some(), "--target"),
        (connect.env_file.is_some(), "--env-file"),
        (connect.read_from.is_some(), "--read-from"),
        (connect.max_lag.is_some(), "--max-lag"),
        (connect.iam, "--iam"),
        (connect.secret.is_some(), "--secret"),
        (context.repo.is_some(), "--repo"),
    ];
    given.iter().find(|(is, _)| *is).map(|(_, flag)| *flag)
}

/// A flag that looks at another time, or writes files.
fn of_files(args: &Args) -> Option<&'static str> {
    let baseline = args.write_baseline.as_ref().map(|_| "--write-baseline");
    let output = (!args.output.is_empty()).then_some("--output");
    args.samples.file().or(args.deploy.flag()).or(baseline).or(output)
}
