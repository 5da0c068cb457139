//! `--migrations` and `--wait`: files of migrations, and a quiet moment.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::check::{Answer, DISK, Disk, EXTENSION, Facts, Plan, Source};
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

/// Folders below the one of the migrations that are looked into.
const DEPTH: u32 = 4;
/// Files that are read at most, and their bytes.
const FILES: usize = 20_000;
const BYTES: u64 = 64 * 1024 * 1024;
/// From look to look.
const PAUSE: Duration = Duration::from_secs(2);
/// Files of SQL.
const SQL: [&str; 3] = ["sql", "psql", "ddl"];
/// Files that are migrations and no SQL.
const CODE: [&str; 6] = ["py", "rb", "xml", "yaml", "js", "ts"];

impl Deploy {
    /// Whether a deployment was asked about.
    pub const fn is_asked(&self) -> bool {
        self.migrations.is_some() || self.wait.is_some()
    }

    /// Whether a quiet moment is waited for.
    pub const fn waits(&self) -> bool {
        self.wait.is_some()
    }

    /// The files, read before any server is asked.
    ///
    /// # Errors
    /// Usage, when they cannot be read.
    pub fn sources(&self) -> Result<Option<Vec<Source>>> {
        let Some(path) = &self.migrations else { return Ok(None) };
        let failed = |error: &std::io::Error| {
            Error::usage(format!("--migrations: {} cannot be read", path.display()))
                .caused_by(error)
        };
        let mut sources = Vec::new();
        if fs::metadata(path).map_err(|error| failed(&error))?.is_dir() {
            collect(path, path, DEPTH, &mut sources).map_err(|error| failed(&error))?;
        } else {
            let name = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            let text = text(path).map_err(|error| failed(&error))?;
            let is_code = extension(path).is_some_and(|one| CODE.contains(&one.as_str()));
            let text = (!is_code).then_some(text);
            sources.push(Source { path: name.display().to_string(), text });
        }
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
        if let Some(disk) = disk(facts) {
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

/// In lower case.
fn extension(path: &Path) -> Option<String> {
    path.extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase)
}

/// Whether a file is called as migrations are: by a number or a version.
fn is_numbered(name: &str) -> bool {
    name.trim_start_matches(['V', 'v', '_']).starts_with(|c: char| c.is_ascii_digit())
}

fn collect(
    root: &Path,
    folder: &Path,
    depth: u32,
    sources: &mut Vec<Source>,
) -> std::io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || name == "node_modules" || name == "__pycache__" {
            continue;
        }
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        if fs::metadata(&path)?.is_dir() {
            if depth == 0 {
                return Err(std::io::Error::other(format!("{shown} lies too deep to be read")));
            }
            collect(root, &path, depth - 1, sources)?;
            continue;
        }
        let extension = extension(&path);
        let is = |list: &[&str]| extension.as_deref().is_some_and(|one| list.contains(&one));
        if is(&SQL) {
            sources.push(Source { path: shown, text: Some(text(&path)?) });
        } else if is(&CODE) && !name.starts_with('_') || is_numbered(&name) {
            sources.push(Source { path: shown, text: None });
        }
        if sources.len() > FILES {
            return Err(std::io::Error::other(format!("there are more than {FILES} files")));
        }
    }
    Ok(())
}

fn text(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|read| read > BYTES) {
        let why = format!("{} is larger than 64 MiB", path.display());
        return Err(std::io::Error::other(why));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The disk of the server's data, when that lies on this machine: its own number tells.
fn disk(facts: &Facts) -> Option<Disk> {
    let Some(Answer::Rows(rows)) = facts.answers.get(EXTENSION.name) else { return None };
    let path = rows.first()?["data_directory"].as_str()?;
    let mut number = [0; 8];
    let mut control = fs::File::open(Path::new(path).join("global/pg_control")).ok()?;
    control.read_exact(&mut number).ok()?;
    if u64::from_ne_bytes(number).to_string() != facts.system_identifier {
        return None;
    }
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(Disk { path: path.to_owned(), free: stat.f_bavail.saturating_mul(stat.f_frsize) })
}
