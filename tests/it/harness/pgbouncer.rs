//! PgBouncer in front of a cluster, on a loopback port of its own.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use super::cluster::{self, Cluster, SUPERUSER};
use super::command;
use super::tools::ServerUser;

/// The password of every user at the pooler; the server behind it asks for none.
pub const PASSWORD: &str = "pooled";

/// Ends the pooler and removes its folder when our end of the pipe closes, however that happens.
const WATCHDOG: &str = r#"
folder=$1; shift
"$@" </dev/null >"$folder/out" 2>&1 & pid=$!
read -r _
kill -TERM "$pid" 2>/dev/null; wait "$pid"
rm -rf "$folder"
"#;

/// How a pooler is to be made.
#[derive(Clone, Debug)]
pub struct PoolSpec {
    mode: &'static str,
    size: u32,
    settings: Vec<(String, String)>,
    users: Vec<String>,
    /// `*` is every database.
    database: String,
}

impl PoolSpec {
    /// `session`, `transaction` or `statement`, with two server connections.
    pub fn mode(mode: &'static str) -> Self {
        let (settings, users) = (Vec::new(), vec![SUPERUSER.to_owned()]);
        Self { mode, size: 2, settings, users, database: "*".to_owned() }
    }

    /// Server connections for each user and database.
    #[must_use]
    pub fn size(mut self, size: u32) -> Self {
        self.size = size;
        self
    }

    /// A line of `[pgbouncer]`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Lets one more user in.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.users.push(name.into());
        self
    }

    /// Lets clients into this database only.
    #[must_use]
    pub fn only(mut self, database: &str) -> Self {
        self.database = database.into();
        self
    }

    /// Starts it.
    pub fn start(&self, cluster: &Cluster) -> PgBouncer {
        PgBouncer::start(cluster, self)
    }
}

/// A running pooler; dropping it stops it and removes its files.
#[derive(Debug)]
pub struct PgBouncer {
    watchdog: Child,
    pipe: Option<ChildStdin>,
    folder: PathBuf,
    port: u16,
    client: PathBuf,
}

impl PgBouncer {
    /// Panics with its log when it does not start.
    pub fn start(cluster: &Cluster, spec: &PoolSpec) -> Self {
        Self::start_at(cluster, spec, cluster::free_port())
    }

    /// The same on this port.
    pub fn start_at(cluster: &Cluster, spec: &PoolSpec, port: u16) -> Self {
        let folder = tempfile::Builder::new().prefix("pgb").tempdir_in("/tmp").unwrap().keep();
        let settings = write_settings(&folder, cluster, spec, port);
        let program = Path::new("/usr/sbin/pgbouncer");
        assert!(program.exists(), "there is no {}: run scripts/setup", program.display());
        let mut watchdog = Command::new("/bin/sh");
        watchdog.arg("-c").arg(WATCHDOG).arg("pgtend-watchdog").arg(&folder);
        // Like PostgreSQL it does not run as root.
        if let Some(user) = ServerUser::needed() {
            watchdog.args(user.prefix());
        }
        watchdog.arg(program).arg(&settings).process_group(0).env_clear().current_dir("/");
        let mut watchdog = watchdog
            .envs(cluster::hermetic())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("/bin/sh can be run");
        let pipe = watchdog.stdin.take();
        let client = super::tools::client_for(cluster.major()).join("psql");
        let pooler = Self { watchdog, pipe, folder, port, client };
        // It listens on TCP a moment before its Unix socket is there.
        let socket = pooler.folder.join(format!(".s.PGSQL.{port}"));
        let up = || {
            let unix = UnixStream::connect(&socket).ok();
            unix.and_then(|_| TcpStream::connect(("127.0.0.1", port)).ok())
        };
        command::until(command::LIMIT, up)
            .unwrap_or_else(|| panic!("PgBouncer does not start:\n{}", pooler.log()));
        pooler
    }

    /// A connection URL over TCP, as superuser.
    pub fn url(&self, db: &str) -> String {
        self.url_as(SUPERUSER, db)
    }

    /// The same as another user.
    pub fn url_as(&self, user: &str, db: &str) -> String {
        format!("postgresql://{user}:{PASSWORD}@127.0.0.1:{}/{db}", self.port)
    }

    /// The folder of its Unix socket.
    pub fn socket_dir(&self) -> &Path {
        &self.folder
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// All that it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("out")).unwrap_or_default()
    }

    /// psql through the pooler, as another client; `-At`, without the last newline.
    #[track_caller]
    pub fn psql(&self, db: &str, sql: &str) -> String {
        let finished = command::run(&mut self.psql_command(db), sql);
        assert!(finished.status.success(), "{}\n{}", finished.stderr(), self.log());
        finished.stdout().trim_end_matches('\n').to_owned()
    }

    /// That psql, for who runs it on its own.
    pub fn psql_command(&self, db: &str) -> Command {
        let mut psql = Command::new(&self.client);
        psql.env_clear().envs(cluster::hermetic());
        psql.args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", &self.url(db)]);
        psql
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.pipe = None;
        if command::wait(&mut self.watchdog, Duration::from_secs(20)).is_none() {
            eprintln!("the watchdog {} of a PgBouncer does not end", self.watchdog.id());
        }
    }
}

fn write_settings(folder: &Path, cluster: &Cluster, spec: &PoolSpec, port: u16) -> PathBuf {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let at = folder.display();
    let mut text = format!(
        "[databases]\n{} = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir = {at}\nauth_type = scram-sha-256\n\
         auth_file = {at}/users\npool_mode = {}\ndefault_pool_size = {}\n",
        spec.database,
        cluster.port(),
        spec.mode,
        spec.size
    );
    for (name, value) in &spec.settings {
        writeln!(text, "{name} = {value}").unwrap();
    }
    let users: String =
        spec.users.iter().map(|user| format!("\"{user}\" \"{PASSWORD}\"\n")).collect();
    let settings = folder.join("pgbouncer.ini");
    fs::write(&settings, text).unwrap();
    fs::write(folder.join("users"), users).unwrap();
    if let Some(user) = ServerUser::needed() {
        for path in [folder.to_owned(), settings.clone(), folder.join("users")] {
            chown(&path, Some(user.uid), Some(user.gid)).unwrap();
        }
    }
    settings
}
