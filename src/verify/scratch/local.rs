//! A server of our own, from installed programs: behind a socket that only we can reach, without
//! TCP, with an empty environment, as another user, in namespaces of its own where possible.

use std::collections::BTreeSet;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::keeper::{Apart, Keeper, Kept, User};
use super::server::create_database;
use crate::conn::{self, Session, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::Programs;
use crate::report::Progress;
use crate::restore::plan::Plan;
use crate::restore::rehearsal;
use crate::restore::target::Facts;
use crate::settings::{Environment, Target};
use crate::sql::{quote_literal, quote_name};

/// initdb makes it; a dump's own superuser has this name more often than not.
const SUPERUSER: &str = "postgres";
/// The database that is restored into.
const DATABASE: &str = "scratch";
/// Only names its socket.
const PORT: u16 = 5432;
/// Bytes of the longest path of a Unix socket, and of the file's name in its folder.
const SOCKET_PATH: usize = 107 - "/.s.PGSQL.5432".len();
/// How long initdb and the start may take on a busy machine (measured: 1.2 s).
const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes that an empty server needs, its log of changes included.
const EMPTY_BYTES: u64 = 256 << 20;

/// What the server is for.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The major version of the backup's source.
    pub source_major: u32,
    /// Bytes of the backup as COPY text.
    pub raw_bytes: u64,
    /// Parallel loaders.
    pub jobs: usize,
    /// Where its files go.
    pub folder: Option<&'a Path>,
    /// The user to run it as, when we are root.
    pub user: Option<&'a str>,
}

/// A server that ends when this is dropped, with all its files.
#[derive(Debug)]
pub struct Local {
    // Dropped before anything else.
    keeper: Keeper,
    folder: PathBuf,
    socket: PathBuf,
    user: Option<User>,
    version: String,
}

impl Local {
    /// Makes and starts it, and waits until it answers.
    ///
    /// # Errors
    /// Exit 69: no programs, no user, or it does not start (with what it said); 74: no room.
    pub async fn start(
        environment: &Environment,
        wanted: &Wanted<'_>,
        progress: &Arc<Progress>,
    ) -> Result<Self> {
        progress.phase("starting a server to throw away");
        let programs = Programs::find_server(environment, wanted.source_major)?;
        let user = other_user(wanted.user)?;
        let parent = wanted.folder.unwrap_or_else(|| environment.temporary_folder());
        let parent = std::path::absolute(environment.folder().join(parent)).map_err(|error| {
            Error::new(Exit::Io, format!("no folder {}", parent.display())).caused_by(&error)
        })?;
        refuse_without_room(&parent, wanted.raw_bytes)?;
        let apart = if Kept::can_be_apart(user.as_ref()) {
            Apart::Namespaces
        } else {
            progress.note(
                "the server to throw away has no namespaces of its own here (unshare): code of \
                 the backup could reach the network",
            );
            Apart::No
        };
        let folder = new_folder(&parent, user.as_ref())?;
        let socket = if folder.as_os_str().len() > SOCKET_PATH {
            match new_folder(Path::new("/tmp"), user.as_ref()) {
                Ok(socket) => socket,
                Err(error) => {
                    std::fs::remove_dir(&folder).unwrap_or(());
                    return Err(error);
                }
            }
        } else {
            folder.clone()
        };
        let path = programs.path("postgres");
        let kept = Kept {
            user: user.as_ref(),
            apart,
            programs: path.parent().unwrap_or(Path::new("/")),
            folder: &folder,
            socket: &socket,
            settings: &settings(&socket, wanted.jobs, programs.major),
        };
        let keeper = match kept.start() {
            Ok(keeper) => keeper,
            Err(error) => {
                for folder in [&folder, &socket] {
                    std::fs::remove_dir(folder).unwrap_or(());
                }
                return Err(error);
            }
        };
        let mut local = Self { keeper, folder, socket, user, version: String::new() };
        local.wait_until_ready().await?;
        Ok(local)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        let target = self.target().in_database(SUPERUSER);
        loop {
            // Asked first: what ended said all it had to say.
            let ended = self.keeper.has_ended();
            let error = match conn::connect(&target, &options()).await {
                Ok(session) => {
                    self.version.clone_from(&session.server().version);
                    return Ok(());
                }
                Err(error) => error,
            };
            if ended {
                return Err(self.did_not_start());
            }
            if start.elapsed() > PATIENCE {
                return Err(self.did_not_start().caused_by(&error));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn did_not_start(&self) -> Error {
        let log = self.keeper.log();
        let full = log.contains("No space left on device");
        let exit = if full { Exit::Io } else { Exit::Unavailable };
        let mut error = Error::new(exit, "the server to throw away does not start");
        let last: Vec<&str> = log.lines().rev().take(6).collect();
        for line in last.iter().rev() {
            error = error.because(*line);
        }
        if full {
            return error.next("free space there, or give another folder: --scratch-dir DIR");
        }
        match &self.user {
            Some(user) if log.contains("Permission denied") => error.next(format!(
                "give a folder that the user {} can enter: --scratch-dir DIR",
                user.name
            )),
            _ => error.next("or verify on a server that runs: --scratch URL"),
        }
    }

    /// Makes the database as the backup's table of contents has it; with the locale C where the
    /// source's is not installed.
    pub(super) async fn create_database(
        &self,
        definition: &str,
        progress: &Arc<Progress>,
    ) -> Result<()> {
        let target = self.target().in_database(SUPERUSER);
        let session: Session = conn::connect(&target, &options()).await?;
        create_database(&session, DATABASE, definition, progress).await
    }

    /// Makes the roles that the plan's entries name, without any right to log in. One that cannot
    /// be made is told: what needs it fails then.
    ///
    /// # Errors
    /// Exit 69 when the connection is lost.
    pub async fn create_roles(&self, plan: &Plan, progress: &Arc<Progress>) -> Result<()> {
        let session: Session = conn::connect(&self.target(), &options()).await?;
        let facts = Facts::read(&session, plan).await?;
        for name in rehearsal::missing_roles(plan, &facts) {
            match session.rows(&format!("CREATE ROLE {}", quote_name(&name)), &[]).await {
                Ok(_) => {}
                Err(error) if error.is_lost() => {
                    return Err(error.into_error("the server to throw away is gone"));
                }
                Err(error) => progress.note(format!("cannot make the role {name}: {error}")),
            }
        }
        Ok(())
    }

    /// Makes tablespaces, each a folder among the server's own.
    ///
    /// # Errors
    /// Exit 74 when a folder cannot be made, 69 when the server does not take it.
    pub async fn create_tablespaces(&self, names: &BTreeSet<String>) -> Result<()> {
        let session: Session = conn::connect(&self.target(), &options()).await?;
        for (number, name) in names.iter().enumerate() {
            let folder = self.folder.join(format!("tablespace-{number}"));
            make_folder(&folder, self.user.as_ref())?;
            let (name, place) = (quote_name(name), quote_literal(&folder.display().to_string()));
            let made =
                session.rows(&format!("CREATE TABLESPACE {name} LOCATION {place}"), &[]).await;
            made.map_err(|error| error.into_error(format!("cannot make the tablespace {name}")))?;
        }
        Ok(())
    }

    /// The database to restore into.
    pub fn target(&self) -> Target {
        Target::own_server(&self.socket, PORT, SUPERUSER, DATABASE)
    }

    /// `a PostgreSQL 15.18 of its own`.
    pub fn label(&self) -> String {
        let version = self.version.split_whitespace().next().unwrap_or("");
        format!("a server of its own, PostgreSQL {version}")
    }

    /// What the server said last.
    pub fn log(&self) -> String {
        self.keeper.log()
    }
}

fn options() -> SessionOptions {
    SessionOptions { application: "pgtend/verify".into(), ..SessionOptions::default() }
}

/// The user to become: PostgreSQL refuses root, and code of a backup must not be ourselves.
fn other_user(named: Option<&str>) -> Result<Option<User>> {
    if !rustix::process::geteuid().is_root() {
        return match named {
            None => Ok(None),
            Some(_) => Err(Error::usage("--scratch-user needs root")
                .next("without it the server runs as you do")),
        };
    }
    let passwd = std::fs::read_to_string("/etc/passwd").map_err(|error| {
        Error::new(Exit::Unavailable, "cannot read /etc/passwd").caused_by(&error)
    })?;
    let names: Vec<&str> = named.map_or_else(|| vec!["postgres", "nobody"], |name| vec![name]);
    match names.iter().find_map(|name| find_user(&passwd, name)) {
        Some(user) if user.uid == 0 => Err(Error::usage("PostgreSQL does not run as root")
            .next("give another user: --scratch-user NAME")),
        Some(user) => Ok(Some(user)),
        None => Err(Error::usage(format!("there is no user {}", names.join(" or ")))
            .because("PostgreSQL does not run as root, so the server needs a user of this machine")
            .next("give one: --scratch-user NAME")),
    }
}

fn find_user(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [found, _, uid, gid, ..] = fields[..] else { return None };
        let user = User { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? };
        (found == name).then_some(user)
    })
}

/// A new folder that nobody else can enter.
fn new_folder(parent: &Path, user: Option<&User>) -> Result<PathBuf> {
    use std::hash::{BuildHasher, Hasher};
    let random = std::hash::RandomState::new().build_hasher().finish();
    let folder = parent.join(format!("pgtend-scratch-{random:016x}"));
    make_folder(&folder, user)?;
    Ok(folder)
}

fn make_folder(folder: &Path, user: Option<&User>) -> Result<()> {
    let failed = |error: &std::io::Error| {
        Error::new(Exit::Io, format!("cannot make the folder {}", folder.display()))
            .caused_by(error)
            .next("give another place: --scratch-dir DIR")
    };
    DirBuilder::new().mode(0o700).create(folder).map_err(|error| failed(&error))?;
    if let Some(user) = user
        && let Err(error) = chown(folder, Some(user.uid), Some(user.gid))
    {
        std::fs::remove_dir(folder).unwrap_or(());
        return Err(failed(&error));
    }
    Ok(())
}

/// Looked at before, for a disk that fills up hurts others too.
fn refuse_without_room(folder: &Path, raw_bytes: u64) -> Result<()> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| {
        Error::new(Exit::Io, format!("cannot look at {}", folder.display()))
            .caused_by(&error)
            .next("give another place: --scratch-dir DIR")
    })?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let needed = needed_bytes(raw_bytes);
    if free >= needed {
        return Ok(());
    }
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::new(Exit::Io, format!("not enough room in {}", folder.display()))
        .because(format!(
            "restoring needs about {} MiB (an estimate: half as much again as the {} MiB of COPY \
             text, for indexes), {} MiB are free",
            mebibytes(needed),
            mebibytes(raw_bytes),
            free >> 20
        ))
        .next("free space there, or give another place: --scratch-dir DIR")
        .next("or verify on a server that runs: --scratch URL"))
}

/// Measured: 1.3 times the COPY text for rows, 0.2 for a primary key.
const fn needed_bytes(raw_bytes: u64) -> u64 {
    raw_bytes.saturating_add(raw_bytes / 2).saturating_add(EMPTY_BYTES)
}

/// Settings on the command line are beyond the reach of ALTER SYSTEM in a dump.
fn settings(socket: &Path, jobs: usize, major: u32) -> Vec<String> {
    let free = free_memory();
    let share = |part: u64, least: u64, most: u64| (free / part).clamp(least << 20, most << 20);
    let shared = share(8, 32, 1024) >> 10;
    let maintenance = share(8 * (jobs as u64).max(1), 64, 1024) >> 10;
    let connections = jobs.saturating_mul(3).saturating_add(20);
    let mut list = vec![
        "listen_addresses=".to_owned(),
        format!("port={PORT}"),
        format!("unix_socket_directories={}", quote_folder(socket)),
        "unix_socket_permissions=0700".into(),
        format!("max_connections={connections}"),
        format!("shared_buffers={shared}kB"),
        format!("maintenance_work_mem={maintenance}kB"),
        "max_wal_size=2GB".into(),
        "checkpoint_timeout=1h".into(),
        // Else a segment would stay in /dev/shm after a kill.
        "dynamic_shared_memory_type=mmap".into(),
    ];
    let fixed = [
        "fsync=off",
        "full_page_writes=off",
        "synchronous_commit=off",
        "wal_level=minimal",
        "max_wal_senders=0",
        "archive_mode=off",
        "autovacuum=off",
        "jit=off",
        "ssl=off",
        "max_locks_per_transaction=1024",
        "max_prepared_transactions=0",
        "shared_preload_libraries=",
        "session_preload_libraries=",
        "local_preload_libraries=",
        "logging_collector=off",
        "log_destination=stderr",
        "log_line_prefix=",
        "log_min_messages=warning",
        // What it says is read: `trial` looks for a disk that is full.
        "lc_messages=C",
        // The statements of the dump are nobody's business.
        "log_min_error_statement=panic",
        "log_statement=none",
    ];
    list.extend(fixed.map(str::to_owned));
    if major >= 16 {
        list.push("reserved_connections=0".into());
    }
    list
}

/// A folder in a list of folders.
fn quote_folder(folder: &Path) -> String {
    format!("\"{}\"", folder.display().to_string().replace('"', "\"\""))
}

/// Bytes of memory that can be used, by the machine's account and the container's limit.
fn free_memory() -> u64 {
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse().ok()).unwrap_or(u64::MAX);
    let machine = std::fs::read_to_string("/proc/meminfo").ok();
    let available = machine.as_deref().and_then(available_bytes);
    limit.min(available.unwrap_or(1 << 30))
}

fn available_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_their_whole_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\npostgres:x:104:110::/x:/bin/sh\n";
        let user = find_user(passwd, "postgres").unwrap();
        assert_eq!((user.uid, user.gid), (104, 110));
        assert_eq!(find_user(passwd, "post"), None);
    }

    #[test]
    fn a_backup_larger_than_the_disk_is_refused_with_the_numbers() {
        assert!(refuse_without_room(Path::new("/tmp"), 0).is_ok());
        let error = refuse_without_room(Path::new("/tmp"), 1 << 60).unwrap_err();
        assert_eq!(error.exit(), Exit::Io);
        assert!(error.causes()[0].contains("an estimate"), "{error}");
        assert!(error.next_steps()[0].contains("--scratch-dir"), "{error}");
    }

    #[test]
    fn memory_is_read_from_the_machines_account() {
        assert_eq!(available_bytes("MemFree: 1 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(available_bytes("MemFree: 1 kB\n"), None);
    }

    #[test]
    fn what_the_server_says_is_english() {
        let list = settings(Path::new("/tmp/a"), 4, 18);
        assert!(list.contains(&"lc_messages=C".to_owned()), "{list:?}");
    }

    #[test]
    fn no_setting_opens_a_port() {
        let list = settings(Path::new("/tmp/a \"b"), 4, 18);
        assert!(list.contains(&"listen_addresses=".to_owned()));
        assert!(list.contains(&"unix_socket_directories=\"/tmp/a \"\"b\"".to_owned()), "{list:?}");
    }
}
