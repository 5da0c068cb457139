//! The command line and the only place where everything meets: arguments become settings, a
//! domain function makes a report, the report is rendered and its outcome is the exit code.

mod backup;
mod canary_flags;
mod check;
mod connections;
mod dump;
pub mod generate;
mod restore;
mod show;
mod slow_queries;
mod usage;
mod verify_backup;
mod watch;

use std::ffi::OsString;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use clap::{CommandFactory, Parser, Subcommand};

use crate::archive::manifest;
use crate::archive::seal::Identities;
use crate::backup::catalog;
use crate::backup::tell::Group;
use crate::cli::connect::ConnectFlags;
use crate::cli::connect::ReadFrom;
use crate::cli::output::{Format, OutputFlags};
use crate::cli::repository::{RepositoryFlags, S3Flags};
use crate::cli::show::ShowFlags;
use crate::conn::{self, Routed, SessionOptions, Taken, Tell};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::{self, Plugin, Text};
use crate::report::{Progress, Report};
use crate::settings::{
    self, ConnectArgs, Environment, Resolved, Secret, Settings, Target, quantity,
};
use crate::signal::Signals;
use crate::store::{self, Store};
use crate::ui::{Talk, Ui, live};

const AFTER_HELP: &str = "\
Exit codes: 0 good, 1 warning, 2 critical (damage), 3 unknown, 64 usage, 69 not available,
70 bug, 74 input or output, 75 busy, 77 refused, 130 Ctrl-C, 143 SIGTERM

Connection flags, DATABASE_URL, PG* variables, pg_service.conf, .pgpass and pgtend.toml mean
what they mean to psql. -h is the host; help is --help or -?";

/// Back up, prove, check and tend PostgreSQL, on AWS RDS and everywhere else
#[derive(Debug, Parser)]
#[command(
    name = "pgtend",
    version,
    after_help = AFTER_HELP,
    disable_help_flag = true,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    connect: ConnectFlags,
    #[command(flatten)]
    repository: RepositoryFlags,
    #[command(flatten)]
    s3: S3Flags,
    #[command(flatten)]
    show: ShowFlags,
    #[command(flatten)]
    output: OutputFlags,
    /// None only where something is shown instead.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "parsed once")]
enum Command {
    Backup(backup::Args),
    Restore(restore::Args),
    VerifyBackup(verify_backup::Args),
    Check(check::Args),
    Connections(connections::Args),
    SlowQueries(slow_queries::Args),
}

/// What every command has at hand.
struct Context {
    connect: ConnectArgs,
    repo: Option<String>,
    identity: Vec<PathBuf>,
    s3: S3Flags,
    settings: Settings,
    ui: Ui,
    format: Format,
    signals: Signals,
    /// The command of the operator's that runs.
    hooks: Group,
    running: Running,
    command: &'static str,
}

/// The progress of the work that runs, for the last words of a run that is ended at once.
#[derive(Clone, Default)]
struct Running(Arc<Mutex<Option<Arc<Progress>>>>);

impl Running {
    fn set(&self, progress: &Arc<Progress>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(progress));
    }

    fn in_doubt(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.in_doubt()
    }
}

impl Context {
    /// The server that the operator means; says which one and why.
    fn target(&self) -> Result<Target> {
        let Resolved { target, notes, .. } = self.settings.target(&self.connect)?;
        notes.iter().for_each(|note| self.ui.note(note));
        Ok(target)
    }

    /// Connects to the server that is to be read from; says which one and why, when there was a
    /// choice.
    async fn route(&self, target: &Target, options: &SessionOptions) -> Result<Routed> {
        let wanted = self.connect.read_from.unwrap_or_default();
        let routed = self.quiet_route(target, options).await?;
        let Routed { session, choice } = &routed;
        let address = session.address();
        if choice.taken == Taken::Fallback {
            self.ui.warning(&format!("{}: reading from the primary, {address}", choice.why));
            choice.skipped.iter().for_each(|why| self.ui.warning(&format!("replica {why}")));
        } else {
            choice.skipped.iter().for_each(|why| self.ui.note(&format!("skipping replica {why}")));
        }
        if matches!(choice.taken, Taken::Replica | Taken::Backup) || wanted == ReadFrom::Any {
            let taken = choice.taken.word();
            self.ui.note(&format!("reading from the {taken} {address}: {}", choice.why));
        }
        if let Some(unknown) = &choice.unknown {
            self.ui.warning(unknown);
        }
        Ok(routed)
    }

    /// The same without a word, for who has connected before.
    async fn quiet_route(&self, target: &Target, options: &SessionOptions) -> Result<Routed> {
        let wanted = self.connect.read_from.unwrap_or_default();
        let max_lag = match &self.connect.max_lag {
            None => MAX_LAG,
            Some(text) => quantity::duration(text)
                .map_err(|cause| Error::usage("invalid --max-lag").because(cause))?,
        };
        conn::route(target, wanted, max_lag, options).await
    }

    /// Says what takes long while connecting, when all is to be said.
    fn listener(&self) -> Tell {
        let ui = self.ui;
        Tell::new(move |text| ui.detail(text))
    }

    /// The repository that the operator means.
    fn store(&self) -> Result<Store> {
        let target = self.connect.target.as_deref();
        self.store_at(&self.settings.repo(self.repo.as_deref(), target)?)
    }

    /// The repository at a place that the operator named: a directory, or `s3://bucket/prefix`.
    fn store_at(&self, location: &str) -> Result<Store> {
        Store::open(location, &self.settings.s3(location, &self.s3)?)
    }

    /// What opens sealed backups; none when the operator named no file. Says which of the files
    /// others can read.
    fn identities(&self) -> Result<Identities> {
        let mut texts = Vec::new();
        for (path, _) in self.settings.identity_files(&self.identity) {
            let (text, open) = settings::identity_file(&path)?;
            if let Some(mode) = open {
                self.ui.warning(&format!(
                    "others can read the secret key in {} (mode {mode:04o}): run chmod 0600 on it",
                    path.display()
                ));
            }
            let failed = |error| {
                Error::usage(format!("cannot use the identity file {}", path.display()))
                    .caused_by(&error)
            };
            // One by one: an error names its file.
            Identities::new([text.expose()]).map_err(failed)?;
            texts.push(text);
        }
        Identities::new(texts.iter().map(Secret::expose))
            .map_err(|error| Error::bug(error.to_string()))
    }

    /// The same, which must be there: a typo must not look like a repository without backups.
    async fn existing_store(&self) -> Result<Store> {
        let store = self.store()?;
        store.must_exist().await?;
        Ok(store)
    }

    /// Looks at servers until a signal comes, which says `stopped`: nothing was changed by then.
    async fn looked<T>(&self, stopped: &str, look: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            seen = look => seen,
            () = self.signals.cancel.cancelled() => {
                Err(Error::new(self.signals.exit(), stopped).because("nothing was changed"))
            }
        }
    }

    /// Prints a report and gives its outcome.
    fn answer<R: Report + Text>(&self, target: Option<&str>, report: &R) -> Result<Exit> {
        self.ui.answer(&self.rendered(self.format, target, report)?)?;
        Ok(report.outcome())
    }

    /// A report in one of its forms.
    fn rendered<R: Report + Text>(
        &self,
        format: Format,
        target: Option<&str>,
        report: &R,
    ) -> Result<String> {
        Ok(match format {
            Format::Table => report.text(&self.ui.page()),
            Format::Json => render::json(self.command, target, report)
                .map_err(|error| Error::bug("cannot write JSON").caused_by(&error))?,
            Format::Csv => render::csv(&report.sheets()),
            Format::Markdown => render::markdown(&report.sheets()),
            Format::Nagios => report
                .plugin()
                .map_or_else(String::new, |said| render::plugin(&said, report.outcome())),
            Format::Prometheus => render::exposition(&report.metrics()),
            Format::Junit => report.junit()?,
            Format::Sarif => report.sarif()?,
            Format::Github => report.annotations(),
            Format::Toml => return Err(Error::bug("TOML is for settings")),
        })
    }
}

/// How far a replica may be behind when nobody says: the standard delay of a replay that waits
/// for a query (max_standby_streaming_delay), twice.
const MAX_LAG: std::time::Duration = std::time::Duration::from_secs(60);

/// How long uploads may take to be given up at the end.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(10);

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    run(arguments).into()
}

fn run(arguments: Vec<OsString>) -> Exit {
    let environment = Environment::capture();
    // As in psql -h is the host; somebody who wanted help gets it, but not an all-clear.
    if arguments.last().is_some_and(|last| last == "-h") {
        return help_instead_of_host(arguments, &environment);
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage::usage(error, &arguments, &environment),
    };
    let talk = match (cli.output.quiet, cli.output.verbose) {
        (true, _) => Talk::Quiet,
        (_, true) => Talk::Verbose,
        _ => Talk::Normal,
    };
    let ui = Ui::new(talk, environment.no_color(), environment.columns());
    let ui = ui.with_log(cli.output.log_format);
    let format = cli.output.format;
    let name = cli.name();
    let target = cli.connect.target().map(str::to_owned);
    let result = start(cli, environment, ui);
    match result {
        Ok(exit) => exit,
        Err(error) => {
            ui.error(&error);
            if format == Format::Nagios {
                return not_judged(ui, name, &error);
            }
            if format == Format::Json
                && let Ok(text) = render::json_error(name, target.as_deref(), &error)
                && let Err(error) = ui.answer(&text)
            {
                return error.exit();
            }
            error.exit()
        }
    }
}

/// A monitoring system knows four codes, and reads the first line of stdout. `command` is empty
/// where it is not known.
fn not_judged(ui: Ui, command: &str, error: &Error) -> Exit {
    let cause = error.causes().first().map(|cause| format!(": {cause}")).unwrap_or_default();
    let said = Plugin {
        service: format!("PGTEND {}", command.to_uppercase()).trim_end().to_owned(),
        says: settings::masked(&format!("{}{cause}", error.what())),
        performance: Vec::new(),
        more: Vec::new(),
    };
    // What cannot even be written is as unknown.
    if let Err(error) = ui.answer(&render::plugin(&said, Exit::Unknown)) {
        ui.error(&error);
    }
    Exit::Unknown
}

/// Everything that can fail, on one runtime.
fn start(cli: Cli, environment: Environment, ui: Ui) -> Result<Exit> {
    let connect = ConnectArgs {
        judges_env_file: matches!(cli.command, Some(Command::Check(_))),
        ..ConnectArgs::from(&cli.connect)
    };
    connect.check()?;
    let command = cli.name();
    let shown = cli.show.show_settings || cli.show.show_server;
    let formats = match (&cli.command, cli.show.show_settings) {
        (_, true) => &[Format::Table, Format::Json, Format::Toml][..],
        (Some(command), _) if !shown => command.formats(),
        _ => &PLAIN_FORMATS,
    };
    let format = cli.output.format;
    if !formats.contains(&format) {
        return Err(no_format(command, format, formats));
    }
    let settings = Settings::load(environment, connect.config.as_deref())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::bug("cannot start").caused_by(&error))?;
    let hooks = Group::default();
    let hook = hooks.clone();
    let running = Running::default();
    let last = running.clone();
    let exit = runtime.block_on(async {
        let context = Context {
            connect,
            repo: cli.repository.repo,
            identity: cli.repository.identity,
            s3: cli.s3,
            settings,
            ui,
            format: cli.output.format,
            signals: Signals::listen(move |exit| {
                live::leave();
                hook.kill();
                ui.error(&twice(exit, last.in_doubt().as_deref()));
            })?,
            hooks,
            running,
            command,
        };
        match cli.command {
            command if cli.show.show_settings => show::settings(&context, command.as_ref()),
            _ if cli.show.show_server => show::server(&context).await,
            Some(Command::Backup(args)) => backup::run(&context, args).await,
            Some(Command::Restore(args)) => restore::run(&context, args).await,
            Some(Command::VerifyBackup(args)) => verify_backup::run(&context, args).await,
            Some(Command::Check(args)) => check::run(&context, args).await,
            Some(Command::Connections(args)) => connections::run(&context, args).await,
            Some(Command::SlowQueries(args)) => slow_queries::run(&context, args).await,
            None => Err(Error::usage("no command was given")
                .next("pgtend --help lists the commands; --show-server connects and looks")),
        }
    });
    // Uploads that nobody waits for any more are being given up.
    if !store::settle(SETTLE) {
        ui.warning("an upload to the store could not be given up in time: backup prune finds it");
    }
    // Work that was asked to stop may still wait on a thread of its own.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    exit
}

/// What is said when a second signal ends the process.
fn twice(exit: Exit, in_doubt: Option<&str>) -> Error {
    let error = Error::new(exit, "ended at once, by the second signal");
    let Some(id) = in_doubt else {
        return error.because("nothing was tidied up after the first one");
    };
    error
        .because(format!("it is not known whether backup {id} is complete"))
        .because("the store had not answered when it was to be published")
        .next("see whether it is: pgtend backup list")
}

/// The forms that every answer has.
const PLAIN_FORMATS: [Format; 2] = [Format::Table, Format::Json];

fn no_format(command: &str, format: Format, formats: &[Format]) -> Error {
    let names: Vec<&str> = formats.iter().map(|format| format.name()).collect();
    let error = Error::usage(format!("{command} has no --format {}", format.name()))
        .because(format!("its forms are {}", names.join(", ")));
    match format {
        Format::Toml => error.next("toml is for --show-settings only"),
        _ => error.next("take --format json for a program that reads it"),
    }
}

impl Cli {
    /// The command's name, or the flag that stands for one.
    fn name(&self) -> &'static str {
        match &self.command {
            _ if self.show.show_settings => "show-settings",
            _ if self.show.show_server => "show-server",
            Some(command) => command.name(),
            None => "",
        }
    }
}

impl Command {
    const fn name(&self) -> &'static str {
        match self {
            Self::Backup(_) => "backup",
            Self::Restore(_) => "restore",
            Self::VerifyBackup(_) => "verify-backup",
            Self::Check(_) => "check",
            Self::Connections(_) => "connections",
            Self::SlowQueries(_) => "slow-queries",
        }
    }

    /// The forms of its answer.
    const fn formats(&self) -> &'static [Format] {
        match self {
            Self::Backup(_) | Self::Restore(_) | Self::VerifyBackup(_) => &PLAIN_FORMATS,
            Self::Check(_) => &check::FORMATS,
            Self::Connections(args) => args.formats(),
            Self::SlowQueries(_) => &slow_queries::FORMATS,
        }
    }
}

/// Runs `work` with its progress on stderr; a signal ends it with that signal's exit code.
async fn with_progress<T>(
    context: &Context,
    progress: &Arc<Progress>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    context.running.set(progress);
    let watch = crate::ui::watch(Arc::clone(progress), context.ui.display());
    let result = work.await;
    drop(watch);
    result.map_err(|error| with_signal(context, error))
}

/// An interruption with the exit code of the signal that came.
fn with_signal(context: &Context, error: Error) -> Error {
    match error.exit() {
        Exit::Interrupted => error.with_exit(context.signals.exit()),
        _ => error,
    }
}

/// A backup's own folder, given as a path or an address in S3: the repository three folders up,
/// and its id.
fn backup_at(context: &Context, name: &str) -> Result<Option<(Store, String)>> {
    // A database's name may hold a `/`.
    if !name.contains('/') || name.starts_with("latest:") {
        return Ok(None);
    }
    let not_one = |place: &str| {
        Error::usage(format!("{place} is not a backup of pgtend"))
            .because("its folder has no backup's id as its name")
            .next("give the folder <repo>/<cluster>/<database>/<id>")
    };
    if name.contains("://") {
        let folder = name.strip_suffix(manifest::NAME).unwrap_or(name);
        return match store::repository_of(folder)? {
            Some((root, id)) if catalog::is_id(&id) => Ok(Some((context.store_at(&root)?, id))),
            _ => Err(not_one(name)),
        };
    }
    let path = Path::new(name)
        .canonicalize()
        .map_err(|error| Error::usage(format!("no backup at {name}")).caused_by(&error))?;
    let path = if path.ends_with(manifest::NAME) {
        path.parent().map(PathBuf::from).unwrap_or_default()
    } else {
        path
    };
    let id = path.file_name().and_then(|id| id.to_str()).unwrap_or("");
    let root = path.ancestors().nth(3).and_then(Path::to_str);
    match root {
        Some(root) if catalog::is_id(id) => Ok(Some((context.store_at(root)?, id.to_owned()))),
        _ => Err(not_one(&path.display().to_string())),
    }
}

fn help_instead_of_host(mut arguments: Vec<OsString>, environment: &Environment) -> Exit {
    let nagios = usage::wants(&arguments, "nagios");
    arguments.pop();
    arguments.push("--help".into());
    let ui = Ui::new(Talk::Normal, environment.no_color(), environment.columns());
    if let Err(help) = Cli::try_parse_from(arguments) {
        ui.failure(&help.render().to_string());
    }
    const NO_HOST: &str = "-h needs a host; help is --help or -?";
    ui.failure(&format!("error: {NO_HOST}\n"));
    if nagios { not_judged(ui, "", &Error::usage(NO_HOST)) } else { Exit::Usage }
}

/// The command line's definition, for completions and man pages.
pub fn definition() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_defined() {
        definition().debug_assert();
    }

    #[test]
    fn help_lines_are_imperative_and_have_no_full_stop() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty(), "{} has no help", argument.get_id());
                assert!(!help.ends_with('.'), "{help}");
            }
            for command in command.get_subcommands() {
                assert!(command.get_about().is_some(), "{}", command.get_name());
                check(command);
            }
        }
        check(&definition());
    }
}
