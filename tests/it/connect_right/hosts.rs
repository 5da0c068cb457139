//! Several hosts, some of them dead: psql tells which one is right.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::cluster::free_port;
use crate::harness::impostor::{Full, impostor, silent};
use crate::harness::oracle::Libpq;
use crate::harness::pgtend::Running;
use crate::harness::{Cluster, ClusterSpec, Pgtend, command};

/// Seconds that one host may take.
const TIMEOUT: u64 = 4;
/// What starting programs and logging in may take on a busy machine.
const SLACK: Duration = Duration::from_secs(10);

const KINDS: [&str; 6] = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"];

struct Servers {
    primary: Cluster,
    standby: Cluster,
}

impl Servers {
    fn start() -> Self {
        let primary = ClusterSpec::default().start();
        let standby = primary.standby();
        Self { primary, standby }
    }
}

fn conninfo(ports: &[u16], more: &str) -> String {
    let list: Vec<String> = ports.iter().map(u16::to_string).collect();
    let hosts: Vec<String> = (0..ports.len()).map(|n| format!("host{n}.example")).collect();
    let addresses = vec!["127.0.0.1"; ports.len()];
    format!(
        "host={} hostaddr={} port={} user=postgres dbname=postgres connect_timeout={TIMEOUT} {more}",
        hosts.join(","),
        addresses.join(","),
        list.join(",")
    )
}

fn show_server(conninfo: &str) -> Pgtend {
    Pgtend::new().args(["--show-server", "--format=json", "--url", conninfo])
}

/// The port of the server that was found.
fn found(run: Running) -> u64 {
    let output = run.wait().expect_code(0);
    output.json()["report"]["port"].as_u64().expect("a port")
}

/// What psql finds: the port, or its message.
fn psql(conninfo: &str) -> Result<u64, String> {
    let mut psql = Libpq::System.psql();
    psql.args(["-X", "-At", "-c", "SELECT inet_server_port()", conninfo]);
    let finished = command::run(&mut psql, "");
    match finished.status.success() {
        true => Ok(finished.stdout().trim().parse().expect("a port")),
        false => Err(finished.stderr()),
    }
}

/// Runs both on every list of hosts with every kind, beside each other, and compares.
#[test]
fn the_right_host_is_found_for_each_kind_within_the_time_limits() {
    let servers = Servers::start();
    let (primary, standby) = (servers.primary.port(), servers.standby.port());
    let full = Full::new();
    // Agrees to TLS, and then says nothing.
    let half = impostor(|stream| {
        use std::io::{Read, Write};
        assert!(stream.read(&mut [0; 8]).unwrap() > 0);
        // The second try comes in plain text.
        stream.write_all(b"S").unwrap();
    });
    let closed = free_port();
    // The ports, and how many of them cost their time.
    let lists = [
        (vec![silent(), full.port, standby, primary], 2),
        (vec![closed, half, primary, standby], 1),
        (vec![silent(), primary], 1),
        (vec![full.port, standby], 1),
    ];
    let mut problems = Vec::new();
    for (ports, slow) in &lists {
        let started = Instant::now();
        let strings = KINDS.map(|kind| conninfo(ports, &format!("target_session_attrs={kind}")));
        let runs = strings.each_ref().map(|text| show_server(text).spawn());
        let said = std::thread::scope(|scope| {
            let oracles = strings.each_ref().map(|text| scope.spawn(|| psql(text)));
            let ours = runs.map(Running::wait);
            let limit = Duration::from_secs(TIMEOUT * slow) + SLACK;
            assert!(started.elapsed() < limit, "{ports:?}: {:?}", started.elapsed());
            let theirs = oracles.map(|oracle| oracle.join().expect("psql ends"));
            KINDS.into_iter().zip(ours).zip(theirs).collect::<Vec<_>>()
        });
        for ((kind, ours), theirs) in said {
            let found = (ours.code == 0).then(|| ours.json()["report"]["port"].as_u64().unwrap());
            if found != theirs.as_ref().ok().copied() {
                problems.push(format!(
                    "{kind} of {ports:?}: {found:?}, psql {theirs:?}\n{}",
                    ours.stderr
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    // What has to come out in any case.
    let right = |kind: &str| match kind {
        "read-write" | "primary" => u64::from(primary),
        _ => u64::from(standby),
    };
    let runs = KINDS.map(|kind| {
        let list = [closed, standby, primary];
        (kind, show_server(&conninfo(&list, &format!("target_session_attrs={kind}"))).spawn())
    });
    for (kind, run) in runs {
        assert_eq!(found(run), right(kind), "{kind}");
    }
}

/// Nobody fits: the time of one round and no more, although libpq goes round twice.
#[test]
fn preferring_a_standby_costs_no_second_round() {
    let servers = Servers::start();
    let (first, second) = (silent(), silent());
    let ports = [first, second, servers.primary.port()];
    // A second round would take as long again.
    let round = 2 * TIMEOUT;
    let started = Instant::now();
    let run = show_server(&conninfo(&ports, "target_session_attrs=prefer-standby")).spawn();
    assert_eq!(found(run), u64::from(servers.primary.port()));
    let limit = Duration::from_secs(2 * round);
    assert!(started.elapsed() < limit, "{:?}", started.elapsed());
}

#[test]
fn load_balancing_reaches_every_host_that_works() {
    let servers = Servers::start();
    let ports = [servers.primary.port(), free_port(), servers.standby.port()];
    let text = conninfo(&ports, "load_balance_hosts=random");
    let mut reached = BTreeSet::new();
    for _ in 0..4 {
        let runs: Vec<Running> = (0..8).map(|_| show_server(&text).spawn()).collect();
        reached.extend(runs.into_iter().map(found));
    }
    let all: BTreeSet<u64> = [servers.primary.port(), servers.standby.port()].map(u64::from).into();
    assert_eq!(reached, all);
    // Without it the first one is taken each time.
    let runs: Vec<Running> = (0..4).map(|_| show_server(&conninfo(&ports, "")).spawn()).collect();
    let first: BTreeSet<u64> = runs.into_iter().map(found).collect();
    assert_eq!(first, [u64::from(ports[0])].into());
}

/// In a file system of its own, where a name stands for two addresses.
#[test]
fn every_address_of_a_name_is_tried() {
    let cluster = Cluster::shared();
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.7 many.example\n127.0.0.1 many.example\n").unwrap();
    let script = format!("mount --bind {} /etc/hosts && exec \"$0\" \"$@\"", hosts.display());
    let alone = ["unshare", "--map-root-user", "--mount", "sh", "-c", &script];
    let text = format!(
        "host=many.example port={} user=postgres dbname=postgres connect_timeout={TIMEOUT}",
        cluster.port()
    );
    // The server does not listen on the other one; which comes first is the resolver's choice.
    for more in ["", " load_balance_hosts=random"] {
        let run = show_server(&format!("{text}{more}")).by(alone).spawn();
        let output = run.wait().expect_code(0);
        assert_eq!(output.json()["report"]["address"], "127.0.0.1");
    }
    let mut psql: Command = Command::new(alone[0]);
    psql.args(&alone[1..]).arg(Libpq::System.psql().get_program());
    psql.args(["-X", "-At", "-c", "SELECT inet_server_addr()", &text]);
    assert_eq!(command::run(&mut psql, "").expect_success("psql").stdout().trim(), "127.0.0.1");
    // Both are named when neither works.
    let closed = text.replace(&cluster.port().to_string(), &free_port().to_string());
    let output = show_server(&closed).by(alone).run().expect_code(69);
    for address in ["127.0.0.7", "127.0.0.1"] {
        assert!(output.stderr.contains(&format!("({address})")), "{}", output.stderr);
    }
}
