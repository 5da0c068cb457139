//! Servers that take nobody now: full, starting, stopping, replaying their log.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::transcript::{case, check};
use crate::harness::impostor::{impostor, message, startup};
use crate::harness::{Cluster, ClusterSpec, Pgtend, command};
use crate::scene::Psql;

pub fn to(cluster: &Cluster, user: &str, database: &str) -> impl Fn(Pgtend) -> Pgtend + use<> {
    let (port, user, database) = (cluster.port(), user.to_owned(), database.to_owned());
    move |pgtend: Pgtend| {
        let pgtend = pgtend.args(["-h", "127.0.0.1", "-U", &user, "-d", &database, "-p"]);
        pgtend.arg(port.to_string())
    }
}

pub fn states() -> BTreeSet<String> {
    let groups: [fn() -> BTreeSet<String>; 4] = [full, starting, stopping, not_hot];
    let running = groups.map(thread::spawn);
    let mut provoked = crashed();
    for group in running {
        provoked.extend(group.join().expect("no group has failed"));
    }
    provoked
}

fn full() -> BTreeSet<String> {
    let limited = ClusterSpec::default().start();
    limited.psql(
        "postgres",
        "CREATE ROLE limited LOGIN CONNECTION LIMIT 0; CREATE ROLE app LOGIN;
         CREATE DATABASE narrow CONNECTION LIMIT 0",
    );
    let small = ClusterSpec::default()
        .set("max_connections", "8")
        .set("superuser_reserved_connections", "6")
        .set("max_wal_senders", "0")
        .start();
    small.psql("postgres", "CREATE ROLE app LOGIN");
    // What is left is for superusers, and is enough for those who are about to be refused.
    let seats = tempfile::tempdir().unwrap();
    let seat = |number: usize| seated(&small, &seats.path().join(number.to_string()));
    let mut holders: Vec<Psql> = (0..2).map(seat).collect();
    let mut provoked = check(vec![
        case("too-many-role", to(&limited, "limited", "postgres"), 75, r#"note: using the command line, 127.0.0.1:PORT/postgres as limited
error: cannot connect to 127.0.0.1:PORT
  cause: too many connections: too many connections for role "limited"
  next:  end sessions of limited, or raise the role's CONNECTION LIMIT
  exit:  75
"#).at(&limited),
        case("too-many-database", to(&limited, "app", "narrow"), 75, r#"note: using the command line, 127.0.0.1:PORT/narrow as app
error: cannot connect to 127.0.0.1:PORT
  cause: too many connections: too many connections for database "narrow"
  next:  end sessions in narrow, or raise the database's CONNECTION LIMIT
  exit:  75
"#).at(&limited),
        case("too-many-reserved", to(&small, "app", "postgres"), 75, r#"note: using the command line, 127.0.0.1:PORT/postgres as app
error: cannot connect to 127.0.0.1:PORT
  cause: too many connections: remaining connection slots are reserved for non-replication superuser connections
  next:  end idle sessions or raise max_connections: what is left is kept for superusers
  exit:  75
"#).at(&small),
    ]);
    holders.extend((2..8).map(seat));
    provoked.extend(check(vec![
        case(
            "too-many-server",
            to(&small, "postgres", "postgres"),
            75,
            r#"note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: too many connections: sorry, too many clients already
  next:  end idle sessions, put a pooler in front, or raise max_connections
  exit:  75
"#,
        )
        .at(&small),
    ]));
    provoked
}

/// A session that is there for sure, and stays.
fn seated(cluster: &Cluster, mark: &Path) -> Psql {
    let sit = || {
        let mut psql = Psql::start(cluster, "postgres");
        psql.send(&format!("\\! touch {}", mark.display()));
        // Whoever has just left may still have the place.
        let settled = command::until(command::LIMIT, || {
            (mark.exists() || psql.has_ended()).then(|| mark.exists())
        });
        (settled == Some(true)).then_some(psql)
    };
    command::until(command::LIMIT, sit).expect("a place")
}

/// It waits for a file of its archive, as long as the test is there.
fn starting() -> BTreeSet<String> {
    let gate = tempfile::tempdir().unwrap();
    fs::set_permissions(gate.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let wait = format!("'while test -d {}; do sleep 0.1; done; false'", gate.path().display());
    let cluster = ClusterSpec::default().set("restore_command", &wait).start();
    cluster.stop_immediate();
    cluster.add_file("recovery.signal");
    cluster.start_soon();
    wait_for_log(&cluster, "database system was interrupted; last known up");
    check(vec![
        case(
            "starting",
            to(&cluster, "postgres", "postgres"),
            69,
            r#"note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: the database system is starting up
  next:  wait until 127.0.0.1:PORT is up, and try again
  exit:  69
"#,
        )
        .at(&cluster),
    ])
}

fn wait_for_log(cluster: &Cluster, words: &str) {
    let there = || cluster.log().contains(words).then_some(());
    command::until(command::LIMIT, there).unwrap_or_else(|| panic!("{}", cluster.log()));
}

/// It was asked to stop, and waits for its last session.
fn stopping() -> BTreeSet<String> {
    let cluster = ClusterSpec::default().start();
    let holder = Psql::start(&cluster, "postgres");
    let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'application'";
    let there = || (cluster.psql("postgres", count) == "1").then_some(());
    command::until(command::LIMIT, there).expect("a session");
    let postmaster = Pid::from_raw(i32::try_from(cluster.pid()).unwrap()).unwrap();
    kill_process(postmaster, Signal::TERM).unwrap();
    wait_for_log(&cluster, "received smart shutdown request");
    let stopping = case(
        "stopping",
        to(&cluster, "postgres", "postgres"),
        69,
        r#"note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: the database system is shutting down
  next:  wait until 127.0.0.1:PORT is up again, or ask who stops it
  exit:  69
"#,
    )
    .at(&cluster);
    let provoked = check(vec![stopping]);
    drop(holder);
    provoked
}

fn not_hot() -> BTreeSet<String> {
    let primary = ClusterSpec::default().start();
    let standby = primary.standby();
    standby.stop_immediate();
    standby.add_setting("hot_standby", "off");
    // Its log goes on where it was.
    let streams = || standby.log().matches("started streaming WAL from primary").count();
    let before = streams();
    standby.start_soon();
    command::until(command::LIMIT, || (streams() > before).then_some(()))
        .unwrap_or_else(|| panic!("{}", standby.log()));
    check(vec![
        case(
            "not-hot",
            to(&standby, "postgres", "postgres"),
            69,
            r#"note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: the database system is not accepting connections: Hot standby mode is disabled.
  next:  connect to the primary, or set hot_standby = on at 127.0.0.1:PORT
  exit:  69
"#,
        )
        .at(&standby),
    ])
}

/// The words of a server that replays its log after one of its processes crashed: a real one says
/// them for less than five seconds, see `connect_right::retries`; all tries take longer.
fn crashed() -> BTreeSet<String> {
    let port = impostor(|stream| {
        startup(stream);
        let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is in recovery mode\0\0";
        std::io::Write::write_all(stream, &message(b'E', fields)).unwrap();
    });
    check(vec![
        case(
            "recovering",
            |pgtend| {
                let pgtend = pgtend.args(["-h", "127.0.0.1", "-U", "app", "-d", "shop", "-p"]);
                pgtend.arg(port.to_string())
            },
            69,
            r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the database system is in recovery mode
  next:  wait: a process of 127.0.0.1:PORT crashed and the server replays its log; its own log says what
  exit:  69
"#,
        )
        .naming(port, "PORT"),
    ])
}
