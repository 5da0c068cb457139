//! The S3 server of the tests as a process of its own, and a proxy that caps connections.
//!
//! `cargo bench --bench s3_server -- [--port N] [--cap UPSTREAM_PORT:BYTES_PER_SECOND]` prints
//! the variables that an S3 client needs, one `NAME=value` a line (and `CAPPED_PORT`), then an
//! empty line, and serves until its standard input ends. `benches/compare-s3` runs it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement, run by hand"
)]

#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../tests/it/harness/s3/mod.rs"]
mod s3;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let (mut port, mut capped) = (0, None);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().expect("a value");
        match argument.as_str() {
            "--port" => port = value.parse().expect("a port"),
            "--cap" => {
                let (upstream, rate) = value.split_once(':').expect("PORT:BYTES_PER_SECOND");
                capped = Some(cap(upstream.parse().unwrap(), rate.parse().unwrap()));
            }
            other => panic!("no option {other}"),
        }
    }
    let server = s3::S3Server::on_port(port);
    for (name, value) in server.environment() {
        println!("{name}={value}");
    }
    if let Some(port) = capped {
        println!("CAPPED_PORT={port}");
    }
    println!();
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Passes connections on to a loopback port; each gets so many bytes a second from there.
fn cap(upstream: u16, rate: f64) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", upstream)).unwrap();
            for (from, to, rate) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap(), f64::INFINITY),
                (server, client, rate),
            ] {
                to.set_nodelay(true).unwrap();
                thread::spawn(move || pump(from, to, rate));
            }
        }
    });
    port
}

/// Copies until either side ends. What was not used is not saved up.
fn pump(mut from: TcpStream, mut to: TcpStream, rate: f64) {
    let mut buffer = vec![0; 64 * 1024];
    let mut due = Instant::now();
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = u32::try_from(read).expect("a buffer");
        due = due.max(Instant::now()) + Duration::from_secs_f64(f64::from(bytes) / rate);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Write).unwrap_or_default();
}
