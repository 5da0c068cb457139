//! The proxy breaks what it is told to break, and counts right.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Cluster, Proxy, command};

/// A server that sends a MiB to whoever connects, after reading one byte.
fn mebibyte_server() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut byte = [0];
            if stream.read_exact(&mut byte).is_ok() {
                // The proxy may be told to cut this short.
                stream.write_all(&vec![7; 1 << 20]).unwrap_or_default();
            }
        }
    });
    port
}

fn fetch(port: u16) -> (usize, std::io::Result<usize>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"x").unwrap();
    let mut bytes = Vec::new();
    let result = stream.read_to_end(&mut bytes);
    (bytes.len(), result)
}

#[test]
fn a_cut_is_made_once_at_its_byte_and_is_a_reset() {
    let proxy = Proxy::start(mebibyte_server());
    proxy.cut_connection_after_bytes(300_000);
    let (got, result) = fetch(proxy.port());
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(got <= 300_000, "{got}");
    assert!(!proxy.cut_is_armed());
    assert_eq!(proxy.stats()[0].bytes_down, 300_000);
    assert!(proxy.stats()[0].cut);
    let (got, result) = fetch(proxy.port());
    assert_eq!((got, result.unwrap()), (1 << 20, 1 << 20));
    assert_eq!(proxy.connections(), 2);
    assert_eq!(proxy.bytes_down(), 300_000 + (1 << 20));
}

#[test]
fn psql_behind_a_cut_loses_its_connection() {
    let cluster = Cluster::shared();
    let proxy = Proxy::start(cluster.port());
    proxy.cut_connection_after_bytes(100_000);
    let mut psql = cluster.client("psql");
    psql.env("PGHOST", "127.0.0.1").env("PGPORT", proxy.port().to_string());
    psql.args(["-XAt", "-d", "postgres", "-c", "SELECT repeat('x', 1000000)"]);
    let finished = command::run(&mut psql, "");
    assert_eq!(finished.status.code(), Some(2), "{}", finished.stderr());
    assert_eq!(proxy.open_connections(), 0);
}

#[test]
fn a_stall_is_silence_until_it_is_lifted() {
    let proxy = Proxy::start(mebibyte_server());
    proxy.stall();
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.write_all(b"x").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let silence = stream.read(&mut [0; 10]).unwrap_err();
    assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    proxy.resume();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len(), 1 << 20);
}

#[test]
fn a_rate_limit_and_a_delay_take_their_time() {
    let proxy = Proxy::start(mebibyte_server());
    proxy.rate_limit(Some(4 << 20));
    let start = Instant::now();
    assert_eq!(fetch(proxy.port()).0, 1 << 20);
    assert!(start.elapsed() >= Duration::from_millis(240), "{:?}", start.elapsed());

    proxy.rate_limit(None);
    proxy.delay(Duration::from_millis(100), Duration::from_millis(150));
    let start = Instant::now();
    assert_eq!(fetch(proxy.port()).0, 1 << 20);
    let took = start.elapsed();
    // With a pause before each read it would be ten.
    assert!((250..8000).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn round_trips_are_counted_per_connection() {
    let cluster = Cluster::shared();
    let proxy = Proxy::start(cluster.port());
    let trips = |sql: &str| {
        let mut psql = cluster.client("psql");
        psql.env("PGHOST", "127.0.0.1").env("PGPORT", proxy.port().to_string());
        psql.env("PGSSLMODE", "disable").env("PGGSSENCMODE", "disable");
        psql.args(["-XAt", "-d", "postgres"]);
        command::run(&mut psql, sql).expect_success("psql");
        // The server ends after the closing message.
        command::until(command::LIMIT, || (proxy.open_connections() == 0).then_some(()))
            .expect("the server ends the connection");
        proxy.stats().last().unwrap().round_trips
    };
    // The start-up packet is spoken unasked; each statement, and the closing message, follow.
    let one = trips("SELECT 1;");
    let three = trips("SELECT 1; SELECT 2; SELECT 3;");
    assert_eq!((one, three), (2, 4));
}

#[test]
fn cut_all_ends_what_is_open() {
    let proxy = Proxy::start(mebibyte_server());
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    command::until(Duration::from_secs(10), || (proxy.open_connections() == 1).then_some(()))
        .expect("accepted");
    proxy.cut_all();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.open_connections(), 0);
}
