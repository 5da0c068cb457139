//! `--migrations` and `--wait`: files of migrations, and a quiet moment.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::check::{self, DISK, Facts, Plan, Source};
use crate::command::Context;
use crate::error::{Error, Result};
use crate::report::check::ServerChecks;
use crate::report::forecast::Go;
use crate::settings::quantity;

/// Files of migrations, and a quiet moment.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Deployment")]
#[group(skip)]
pub struct Deploy {
    /// Judge the pending migrations of this folder or file (SQL) too; implies --pre-deploy
    #[arg(long, value_name = "DIR|FILE")]
    migrations: Option<PathBuf>,
    /// The role that runs the migrations, when another one checks
    #[arg(long, value_name = "ROLE", requires = "migrations")]
    migration_role: Option<String>,
    /// Look again for so long while the answer is WAIT; implies --pre-deploy
    #[arg(long, value_name = "TIME", value_parser = quantity::duration)]
    wait: Option<Duration>,
}

/// From look to look.
const PAUSE: Duration = Duration::from_secs(2);

impl Deploy {
    /// Whether a deployment was asked about.
    pub const fn is_asked(&self) -> bool {
        self.flag().is_some()
    }

    /// The flag that asks about it.
    pub const fn flag(&self) -> Option<&'static str> {
        match (&self.migrations, &self.wait) {
            (Some(_), _) => Some("--migrations"),
            (_, Some(_)) => Some("--wait"),
            _ => None,
        }
    }

    /// The files, read before any server is asked.
    ///
    /// # Errors
    /// Usage, when they cannot be read.
    pub fn sources(&self) -> Result<Option<Vec<Source>>> {
        let Some(path) = &self.migrations else { return Ok(None) };
        let sources = check::sources(path).map_err(|error| {
            Error::usage(format!("--migrations: {} cannot be read", path.display()))
                .caused_by(&error)
                .next("give the folder that has the migrations alone, or one file of SQL")
        })?;
        Ok(Some(sources))
    }

    /// Puts what pends, and the free disk of a server on this machine, beside the facts.
    ///
    /// # Errors
    /// Bugs only.
    pub fn add(&self, sources: Option<&[Source]>, facts: &mut Facts) -> Result<()> {
        if let Some(sources) = sources {
            let role = self.migration_role.as_deref();
            plan(sources, role, facts)?
                .keep(facts)
                .map_err(|error| Error::bug("the migrations are not JSON").caused_by(&error))?;
        }
        if let Some(disk) = check::disk(facts) {
            let disk = serde_json::to_value(disk)
                .map_err(|error| Error::bug("the disk is not JSON").caused_by(&error))?;
            facts.beside.insert(DISK.to_owned(), disk);
        }
        Ok(())
    }
}

/// Room for the parser, which goes as deep as the text does.
const STACK: usize = 1 << 30;

/// Reads the files on a stack of its own: one that is deeply nested must not end the run.
fn plan(sources: &[Source], role: Option<&str>, facts: &Facts) -> Result<Plan> {
    let failed = || Error::bug("the migrations were not read to their end");
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || Plan::new(sources, role, facts))
            .map_err(|error| failed().caused_by(&error))?
            .join()
            .map_err(|_| failed())
    })
}

/// `--wait`, while it runs.
#[derive(Debug)]
pub struct Waiting {
    ends: Option<Instant>,
    told: Option<String>,
}

impl Waiting {
    /// Begins now.
    pub fn new(deploy: &Deploy) -> Self {
        Self { ends: deploy.wait.map(|time| Instant::now() + time), told: None }
    }

    /// Whether to look again, after the pause; says once what is waited for.
    pub async fn again(&mut self, context: &Context, server: &ServerChecks) -> bool {
        let Some(ends) = self.ends else { return false };
        let Some(forecast) = server.forecast.as_ref().filter(|one| one.verdict == Go::Wait) else {
            return false;
        };
        let left = ends.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        let step = forecast.steps.iter().find(|step| step.verdict == Go::Wait);
        let why = forecast.reasons.first().or(step.map(|step| &step.reason));
        let why = why.map_or("a quiet moment", String::as_str);
        // Ages grow from look to look: what it is about is told once.
        let about = why.split([':', '(']).next().unwrap_or(why).to_owned();
        if self.told.as_ref() != Some(&about) {
            context.ui.note(&format!("waiting: {why}"));
            self.told = Some(about);
        }
        tokio::time::sleep(PAUSE.min(left)).await;
        true
    }
}
