//! A throw-away PostgreSQL server on a socket and a loopback port of its own.

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::command::{self, Finished};
use super::database::Database;
use super::pki::{Pki, TlsVariant};
use super::server::Server;
use super::tools::{self, ServerUser};

/// The superuser of every cluster; by default nobody needs a password.
pub const SUPERUSER: &str = "postgres";

/// What a server says of an address that somebody else has.
const TAKEN: &str = "Address already in use";

/// How a cluster is to be made.
#[derive(Clone, Debug)]
pub struct ClusterSpec {
    /// The server's major version.
    pub major: u32,
    /// Serve TLS with this certificate.
    pub tls: Option<TlsVariant>,
    /// The text of pg_hba.conf, in place of "trust everybody". The superuser always comes in
    /// through the socket, for the harness itself.
    pub hba: Option<String>,
    /// Lines of postgresql.conf, as written there: the value needs its own quotes.
    pub settings: Vec<(String, String)>,
    /// More arguments for initdb: `--encoding=SQL_ASCII`, `--data-checksums`.
    pub initdb: Vec<String>,
}

impl Default for ClusterSpec {
    fn default() -> Self {
        Self { major: 15, tls: None, hba: None, settings: Vec::new(), initdb: Vec::new() }
    }
}

impl ClusterSpec {
    /// A default cluster of this major.
    pub fn major(major: u32) -> Self {
        Self { major, ..Self::default() }
    }

    #[must_use]
    pub fn tls(mut self, variant: TlsVariant) -> Self {
        self.tls = Some(variant);
        self
    }

    #[must_use]
    pub fn hba(mut self, text: &str) -> Self {
        self.hba = Some(text.into());
        self
    }

    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn initdb(mut self, argument: &str) -> Self {
        self.initdb.push(argument.into());
        self
    }

    /// Makes and starts it.
    pub fn start(&self) -> Cluster {
        Cluster::start(self)
    }
}

/// A running server; dropping it stops it and removes its files.
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    folder: PathBuf,
    port: u16,
    major: u32,
}

impl Cluster {
    /// One PostgreSQL 15 cluster for the whole test binary. Tests make databases of their own in
    /// it and leave its settings and roles alone.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&ClusterSpec::default()))
    }

    /// Makes and starts a cluster; panics when it cannot.
    pub fn start(spec: &ClusterSpec) -> Self {
        // A port that was free a moment ago may be taken by now.
        for _ in 0..5 {
            let folder = new_folder();
            initdb(folder.path(), spec);
            let port = free_port();
            write_settings(folder.path(), spec, port);
            match Self::launch(folder, spec.major, port) {
                Ok(cluster) => return cluster,
                Err(why) if why.contains(TAKEN) => {}
                Err(why) => panic!("cannot start PostgreSQL {}: {why}", spec.major),
            }
        }
        panic!("no free port after five tries");
    }

    fn launch(folder: TempDir, major: u32, port: u16) -> Result<Self, String> {
        // From here on it is the watchdog's to remove.
        let folder = folder.keep();
        let program = tools::server_bindir(major).join("postgres");
        let server = Server::start(&folder, &program, &folder.join("data"), &folder.join("log"))?;
        let cluster = Self { server, folder, port, major };
        // With one of its two addresses it starts all the same.
        match cluster.log() {
            log if log.contains(TAKEN) => Err(log),
            _ => Ok(cluster),
        }
    }

    /// A streaming standby of this cluster, caught up with what was there when it was asked for.
    pub fn standby(&self) -> Self {
        let folder = new_folder();
        let data = folder.path().join("data");
        let mut backup = as_server_user(&tools::client_for(self.major).join("pg_basebackup"));
        backup.args(["--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf"]);
        backup.args(["--no-sync", "-U", SUPERUSER, "-p", &self.port.to_string()]);
        backup.arg("-h").arg(self.socket_dir()).arg("-D").arg(&data);
        command::run(&mut backup, "").expect_success("pg_basebackup");
        let port = free_port();
        let settings = data.join("postgresql.conf");
        let mut text = fs::read_to_string(&settings).unwrap();
        let socket_dir = folder.path().display();
        writeln!(text, "port = {port}\nunix_socket_directories = '{socket_dir}'").unwrap();
        fs::write(&settings, text).unwrap();
        let standby = Self::launch(folder, self.major, port)
            .unwrap_or_else(|why| panic!("cannot start the standby: {why}"));
        standby.catch_up_with(self);
        standby
    }

    /// Waits until this standby has replayed all that `primary` has written.
    pub fn catch_up_with(&self, primary: &Self) {
        let position = primary.psql("postgres", "SELECT pg_current_wal_lsn()");
        let done = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
        command::until(command::LIMIT, || (self.psql("postgres", &done) == "t").then_some(()))
            .unwrap_or_else(|| panic!("the standby does not reach {position}:\n{}", self.log()));
    }

    /// Runs SQL and gives what it printed, unaligned, tuples only, without the last newline;
    /// panics with the server's message when it fails.
    #[track_caller]
    pub fn psql(&self, db: &str, sql: &str) -> String {
        self.psql_result(db, sql).unwrap_or_else(|error| {
            let start: String = sql.chars().take(500).collect();
            panic!("{error}\nin: {start}")
        })
    }

    /// As [`Self::psql`], with psql's standard error as the error.
    pub fn psql_result(&self, db: &str, sql: &str) -> Result<String, String> {
        let finished = command::run(&mut self.psql_command(db), sql);
        if !finished.status.success() {
            return Err(finished.stderr());
        }
        Ok(finished.stdout().trim_end_matches('\n').to_owned())
    }

    /// Runs a script; panics with psql's standard error when a statement fails.
    #[track_caller]
    pub fn psql_file(&self, db: &str, path: &Path) {
        let mut psql = self.psql_command(db);
        command::run(psql.arg("-f").arg(path), "").expect_success(&path.display().to_string());
    }

    fn psql_command(&self, db: &str) -> Command {
        let mut psql = self.client("psql");
        psql.args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", &conninfo_quoted(db)]);
        psql
    }

    /// A client program that knows this server, aimed at its socket as superuser; the database and
    /// all else is the caller's.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(tools::client_for(self.major).join(program));
        command.env_clear().envs(hermetic());
        command.env("PGHOST", self.socket_dir()).env("PGPORT", self.port.to_string());
        command.env("PGUSER", SUPERUSER);
        command
    }

    /// Runs one of [`Self::client`]'s programs to its end.
    pub fn run_client(&self, program: &str, arguments: &[&str]) -> Finished {
        command::run(self.client(program).args(arguments), "")
    }

    /// A new empty database with a unique name that starts with `prefix`; dropped when the
    /// handle is.
    pub fn create_db(&self, prefix: &str) -> Database<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Database::create(self, format!("{prefix}_{number}"))
    }

    /// A connection URL over TCP, as superuser. The name is taken as it is: plain ones only.
    pub fn url(&self, db: &str) -> String {
        format!("postgresql://{SUPERUSER}@127.0.0.1:{}/{db}", self.port)
    }

    /// The folder of the unix socket, 0755 and short (the path limit is 107 bytes).
    pub fn socket_dir(&self) -> &Path {
        &self.folder
    }

    /// The TCP port on 127.0.0.1 and ::1.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn major(&self) -> u32 {
        self.major
    }

    /// The data directory; only the server's user (or root) can read it.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The postmaster's process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// All that the server logged so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(self.folder.join("log")).expect("the server's log can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Replaces the settings named here and reloads.
    pub fn alter_system(&self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.psql("postgres", &format!("ALTER SYSTEM SET {name} = {value}"));
        }
        self.psql("postgres", "SELECT pg_reload_conf()");
    }

    /// Stops it as a crash would; [`Self::start_again`] starts it on the same port.
    pub fn stop_immediate(&self) {
        self.server.stop_immediate();
    }

    /// Starts it again without waiting until it answers.
    pub fn start_soon(&self) {
        self.server.start_soon();
    }

    /// Adds a line to postgresql.conf; it counts from the next start on.
    pub fn add_setting(&self, name: &str, value: &str) {
        let path = self.data_dir().join("postgresql.conf");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{name} = {value}\n")).unwrap();
    }

    /// Makes an empty file in the data directory: recovery.signal.
    pub fn add_file(&self, name: &str) {
        let path = self.data_dir().join(name);
        fs::write(&path, "").unwrap();
        own(&path);
    }

    /// Starts it again, after recovery.
    pub fn start_again(&self) {
        self.server.start_again();
    }
}

/// The same world for every program that the tests start.
pub fn hermetic() -> [(&'static str, &'static str); 3] {
    [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C.UTF-8"), ("TZ", "UTC")]
}

/// `-d` takes a connection string when it holds `=`, so always give it one.
pub fn conninfo_quoted(db: &str) -> String {
    format!("dbname='{}'", db.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A folder for a cluster, with a short path: its socket lies in it.
fn new_folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("pgt").tempdir_in("/tmp").expect("/tmp is there");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    own(folder.path());
    folder
}

/// Gives a file to the user that servers run as.
fn own(path: &Path) {
    if let Some(user) = ServerUser::needed() {
        chown(path, Some(user.uid), Some(user.gid)).unwrap();
    }
}

fn as_server_user(program: &Path) -> Command {
    let mut words = ServerUser::needed().map(ServerUser::prefix).unwrap_or_default();
    words.push(program.display().to_string());
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().envs(hermetic()).current_dir("/");
    command
}

fn initdb(folder: &Path, spec: &ClusterSpec) {
    let mut initdb = as_server_user(&tools::server_bindir(spec.major).join("initdb"));
    initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "-U"]);
    initdb.arg(SUPERUSER).arg("-D").arg(folder.join("data")).args(&spec.initdb);
    command::run(&mut initdb, "").expect_success("initdb");
}

fn write_settings(folder: &Path, spec: &ClusterSpec, port: u16) {
    let data = folder.join("data");
    let mut text = format!(
        "port = {port}
listen_addresses = '127.0.0.1, ::1'
unix_socket_directories = '{}'
fsync = off
full_page_writes = off
max_connections = 60
shared_buffers = 64MB
max_wal_size = 4GB
autovacuum_naptime = 1h
log_line_prefix = '%m [%p] %q%u@%d %a '
",
        folder.display()
    );
    if let Some(variant) = spec.tls {
        let files = Pki::shared().server(variant);
        for (name, source) in
            [("server.crt", &files.cert), ("server.key", &files.key), ("ca.crt", &Pki::shared().ca)]
        {
            let target = data.join(name);
            fs::copy(source, &target).unwrap();
            fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
            own(&target);
        }
        text.push_str("ssl = on\nssl_ca_file = 'ca.crt'\n");
    }
    for (name, value) in &spec.settings {
        writeln!(text, "{name} = {value}").unwrap();
    }
    let path = data.join("postgresql.conf");
    let defaults = fs::read_to_string(&path).unwrap();
    fs::write(&path, defaults + &text).unwrap();
    let hba = spec.hba.as_deref().unwrap_or(
        "local all all trust
host all all 127.0.0.1/32 trust
host all all ::1/128 trust
local replication all trust
host replication all 127.0.0.1/32 trust",
    );
    let ours = format!("local all {SUPERUSER} trust\nlocal replication {SUPERUSER} trust\n");
    fs::write(data.join("pg_hba.conf"), ours + hba + "\n").unwrap();
}

/// A TCP port that nobody listens on right now, on either loopback address, and that is given out
/// once. It lies below those that the system gives by itself: no listener and no connection of
/// another test has it by the time that it is used.
pub fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 22_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    // Another run of the tests begins elsewhere.
    let start = std::process::id().wrapping_mul(97);
    let ports = std::iter::repeat_with(|| {
        let number = start.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        u16::try_from(FIRST + number % PORTS).expect("below the system's own")
    });
    let found = ports.take(1000).find(|port| is_free(*port));
    found.expect("one of a thousand loopback ports is free")
}

/// An address family that this machine lacks is no reason against a port.
fn is_free(port: u16) -> bool {
    ["127.0.0.1", "::1"].iter().all(|address| match TcpListener::bind((*address, port)) {
        Ok(_) => true,
        Err(error) => error.kind() != ErrorKind::AddrInUse,
    })
}
