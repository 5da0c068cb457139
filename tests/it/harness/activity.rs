//! A server at work: sessions of two applications that do, hold and wait, a transaction of two
//! phases, clients with and without TLS. It stays as it is until it is dropped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::cluster::{Cluster, ClusterSpec};
use super::command;
use super::pki::TlsVariant;
use super::tools;

/// The database, and the role that owns it and works in it.
pub const SHOP: &str = "shop";
/// A role in pg_monitor.
pub const WATCHER: &str = "watcher";
/// A role without any privilege.
pub const NOBODY: &str = "nobody";
/// The transaction of two phases.
pub const PREPARED: &str = "order-7";
/// Sessions of the role [`SHOP`].
pub const SESSIONS: i64 = 7;

/// How a client comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Socket,
    Tcp,
    Tls,
}

/// A session of somebody's; killed when dropped.
#[derive(Debug)]
pub struct Client {
    psql: Child,
    stdin: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// The server process.
    pub pid: i64,
}

impl Client {
    /// Logs in; the session is idle then.
    pub fn start(cluster: &Cluster, user: &str, application: &str, way: Way) -> Self {
        Self::start_in(cluster, SHOP, user, application, way)
    }

    /// The same in any database.
    pub fn start_in(cluster: &Cluster, db: &str, user: &str, application: &str, way: Way) -> Self {
        let mut psql = Command::new(tools::client_bindir(15).join("psql"));
        psql.env_clear().envs(super::cluster::hermetic());
        psql.args(["-XAtq", "-d", db, "-U", user, "-p", &cluster.port().to_string()]);
        psql.env("PGAPPNAME", application);
        match way {
            Way::Socket => psql.arg("-h").arg(cluster.socket_dir()),
            Way::Tcp => psql.args(["-h", "127.0.0.1"]).env("PGSSLMODE", "disable"),
            Way::Tls => psql.args(["-h", "127.0.0.1"]).env("PGSSLMODE", "require"),
        };
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut psql = psql.spawn().expect("psql is there");
        let stdin = psql.stdin.take().unwrap();
        let answers = BufReader::new(psql.stdout.take().unwrap());
        let mut client = Self { psql, stdin, answers, pid: 0 };
        client.pid = client.ask("SELECT pg_backend_pid()").parse().expect("a process number");
        client
    }

    /// Gives it statements; does not wait for them.
    pub fn send(&mut self, sql: &str) {
        writeln!(self.stdin, "{sql};").expect("psql listens");
    }

    /// Runs statements and gives the one line that they print.
    pub fn ask(&mut self, sql: &str) -> String {
        self.send(sql);
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("psql answers");
        line.trim_end().to_owned()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended with its server.
        if self.psql.kill().is_ok() {
            self.psql.wait().unwrap();
        }
    }
}

/// Who does what; sessions of the role [`SHOP`] in the order of their transactions.
#[derive(Debug)]
pub struct Scene {
    /// `shop-web`, socket: idle in a transaction that keeps old rows.
    pub idle: Client,
    /// `shop-job`, TCP: a statement that does not end.
    pub long: Client,
    /// `shop-web`, socket: idle in a transaction, holds the row that `middle` wants.
    pub root: Client,
    /// `shop-web`, socket: waits for `root`, holds the row that `last` wants.
    pub middle: Client,
    /// `shop-job`, socket: waits for `middle`.
    pub last: Client,
    /// `shop-web`, TLS: idle.
    pub tls: Client,
    /// `shop-web`, TCP without TLS: idle.
    pub plain: Client,
}

impl Scene {
    /// A server that the scene can be played on; on 16 and newer with two reserved connections.
    pub fn spec(major: u32) -> ClusterSpec {
        let spec = ClusterSpec::major(major).tls(TlsVariant::Good);
        let spec = spec.set("max_prepared_transactions", "5");
        if major >= 16 { spec.set("reserved_connections", "2") } else { spec }
    }

    /// Makes the database and the roles, and plays it.
    pub fn play(cluster: &Cluster) -> Self {
        cluster.psql(
            "postgres",
            &format!(
                "CREATE ROLE {SHOP} LOGIN CONNECTION LIMIT 10;
                 CREATE ROLE {WATCHER} LOGIN IN ROLE pg_monitor; CREATE ROLE {NOBODY} LOGIN"
            ),
        );
        cluster.psql("postgres", "CREATE DATABASE shop OWNER shop CONNECTION LIMIT 30");
        cluster.psql(
            SHOP,
            "CREATE TABLE stock (id int PRIMARY KEY, number int); ALTER TABLE stock OWNER TO shop;
             CREATE TABLE orders (id int); ALTER TABLE orders OWNER TO shop;
             INSERT INTO stock VALUES (1, 0), (2, 0)",
        );
        let client = |application, way| Client::start(cluster, SHOP, application, way);
        let mut idle = client("shop-web", Way::Socket);
        idle.ask("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM stock");
        // So that nobody's snapshot is as old.
        cluster.psql(SHOP, "SELECT txid_current()");
        let mut long = client("shop-job", Way::Tcp);
        long.send("SELECT pg_sleep(3600)");
        until(cluster, &format!("state = 'active' AND pid = {}", long.pid), 1);
        let mut root = client("shop-web", Way::Socket);
        root.ask("BEGIN; UPDATE stock SET number = 1 WHERE id = 1 RETURNING 1");
        let mut middle = client("shop-web", Way::Socket);
        middle.ask("BEGIN; UPDATE stock SET number = 2 WHERE id = 2 RETURNING 1");
        middle.send("UPDATE stock SET number = 2 WHERE id = 1");
        let waits = |pid: i64| format!("cardinality(pg_blocking_pids(pid)) > 0 AND pid = {pid}");
        until(cluster, &waits(middle.pid), 1);
        let mut last = client("shop-job", Way::Socket);
        last.send("UPDATE stock SET number = 3 WHERE id = 2");
        until(cluster, &waits(last.pid), 1);
        let mut tls = client("shop-web", Way::Tls);
        tls.ask(&format!(
            "BEGIN; INSERT INTO orders VALUES (7); PREPARE TRANSACTION '{PREPARED}'; SELECT 1"
        ));
        let plain = client("shop-web", Way::Tcp);
        until(cluster, "usename = 'shop' AND state = 'idle'", 2);
        Self { idle, long, root, middle, last, tls, plain }
    }
}

/// Waits until so many sessions are as `condition` says.
fn until(cluster: &Cluster, condition: &str, count: u32) {
    let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE {condition}");
    let wanted = count.to_string();
    command::until(command::LIMIT, || (cluster.psql(SHOP, &sql) == wanted).then_some(()))
        .unwrap_or_else(|| panic!("the scene does not come to {condition}"));
}
