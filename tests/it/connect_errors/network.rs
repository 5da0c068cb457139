//! Servers that cannot be reached, and what is not a server of PostgreSQL.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use super::states::to;
use super::transcript::{SECRET, case, check};
use crate::harness::cluster::free_port;
use crate::harness::impostor::{Full, impostor, message, silent, startup};
use crate::harness::tools::TOO_OLD;
use crate::harness::{ClusterSpec, Pgtend, command};

fn local(port: u16) -> impl Fn(Pgtend) -> Pgtend + use<> {
    move |pgtend| {
        let pgtend = pgtend.args(["-h", "127.0.0.1", "-U", "app", "-d", "shop", "-p"]);
        pgtend.arg(port.to_string())
    }
}

/// For what is silent: five seconds instead of ten.
fn shortly(given: impl Fn(Pgtend) -> Pgtend) -> impl Fn(Pgtend) -> Pgtend {
    move |pgtend| given(pgtend).env("PGCONNECT_TIMEOUT", "5")
}

/// At an address that has this name.
fn named(
    name: &'static str,
    address: &'static str,
    port: u16,
) -> impl Fn(Pgtend) -> Pgtend + use<> {
    move |pgtend| {
        pgtend.arg("--url").arg(format!(
            "host={name} hostaddr={address} port={port} user=app dbname=shop connect_timeout=20"
        ))
    }
}

pub fn reached_by_nobody() -> BTreeSet<String> {
    let closed = free_port();
    let full = Full::new();
    let started = Instant::now();
    let provoked = check(vec![
        case("refused", local(closed), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the connection was refused: nobody listens there
  next:  check host and port, that the server runs, and that it listens there (listen_addresses, security group)
  exit:  69
"#).naming(closed, "PORT"),
        case(
            "refused: two hosts",
            |pgtend| {
                pgtend.arg("--url").arg(format!(
                    "postgresql://app:{SECRET}@127.0.0.1:{closed},localhost:{closed}/shop"
                ))
            },
            69,
            r#"note: using --url, 127.0.0.1:PORT,localhost:PORT/shop as app
note: a password in --url is visible in ps: use ~/.pgpass or PGPASSWORD
error: cannot connect to 127.0.0.1:PORT, localhost:PORT (127.0.0.1)
  cause: 127.0.0.1:PORT: the connection was refused: nobody listens there
  cause: localhost:PORT (127.0.0.1): the connection was refused: nobody listens there
  next:  check host and port, that the server runs, and that it listens there (listen_addresses, security group)
  exit:  69
"#,
        )
        .naming(closed, "PORT"),
        case(
            "refused+rds-unreachable",
            named("shop.c1.eu-west-1.rds.amazonaws.com", "127.0.0.1", closed),
            69,
            r#"note: using --url, shop.c1.eu-west-1.rds.amazonaws.com:PORT/shop as app
error: cannot connect to shop.c1.eu-west-1.rds.amazonaws.com:PORT (127.0.0.1)
  cause: the connection was refused: nobody listens there
  next:  check host and port, that the server runs, and that it listens there (listen_addresses, security group)
  next:  on RDS: check that the instance is not stopped, that its security group lets this address in, and that it is publicly accessible or you are in its VPC
  exit:  69
"#,
        )
        .naming(closed, "PORT"),
        case("silent", shortly(local(full.port)), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: no answer within 5 s
  next:  check the way to 127.0.0.1:PORT (firewall, security group, VPN), or raise connect_timeout
  exit:  69
"#).naming(full.port, "PORT"),
        // The broadcast address has no route for TCP, nor have IPv6's groups.
        case("no-route", named("db.example.com", "255.255.255.255", 5432), 69, r#"note: using --url, db.example.com:5432/shop as app
error: cannot connect to db.example.com:5432 (255.255.255.255)
  cause: there is no route: Network is unreachable (os error 101)
  next:  check VPN, routes and the address
  exit:  69
"#),
        case("no-route-ipv6", named("db.example.com", "ff02::1", 5432), 69, r#"note: using --url, db.example.com:5432/shop as app
error: cannot connect to db.example.com:5432 (ff02::1)
  cause: there is no route to its IPv6 address: Network is unreachable (os error 101)
  next:  use an IPv4 address of the server (a session pooler's, say), or get IPv6 here
  exit:  69
"#),
        case(
            "no-route-ipv6+supabase-ipv6",
            named("db.abcdefgh.supabase.co", "ff02::1", 5432),
            69,
            r#"note: using --url, db.abcdefgh.supabase.co:5432/shop as app
error: cannot connect to db.abcdefgh.supabase.co:5432 (ff02::1)
  cause: there is no route to its IPv6 address: Network is unreachable (os error 101)
  next:  use an IPv4 address of the server (a session pooler's, say), or get IPv6 here
  next:  on Supabase: db.*.supabase.co has IPv6 only; take the session pooler (*.pooler.supabase.com, port 5432, user postgres.PROJECT) for IPv4
  exit:  69
"#,
        ),
        // A link-local address says nothing without its interface.
        case("dial", named("db.example.com", "fe80::1", 5432), 69, r#"note: using --url, db.example.com:5432/shop as app
error: cannot connect to db.example.com:5432 (fe80::1)
  cause: Invalid argument (os error 22)
  next:  check host and port, and what this machine allows a program to do
  exit:  69
"#),
        case(
            "lookup",
            |pgtend| pgtend.args(["-h", "db..example.com", "-U", "app", "-d", "shop"]),
            69,
            r#"note: using the command line, db..example.com:5432/shop as app
error: cannot connect to db..example.com:5432
  cause: the host name cannot be looked up: failed to lookup address information: Name or service not known
  next:  check the spelling of the host name, and DNS or VPN from here
  exit:  69
"#,
        ),
        case(
            "lookup+rds-name",
            |pgtend| pgtend.args(["-h", "shop..rds.amazonaws.com", "-U", "app", "-d", "shop"]),
            69,
            r#"note: using the command line, shop..rds.amazonaws.com:5432/shop as app
error: cannot connect to shop..rds.amazonaws.com:5432
  cause: the host name cannot be looked up: failed to lookup address information: Name or service not known
  next:  check the spelling of the host name, and DNS or VPN from here
  next:  on RDS: check the endpoint (aws rds describe-db-instances); a deleted instance's name is gone, a new one's takes minutes
  exit:  69
"#,
        ),
    ]);
    // Three tries with pauses of about 1 and 2 s for what may pass; dozens of programs and servers
    // start beside them.
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
    provoked
}

/// Answers the first question and ends.
fn says(stream: &mut TcpStream, bytes: &[u8]) {
    assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

pub fn something_else() -> BTreeSet<String> {
    let quiet = silent();
    let http = impostor(|stream| says(stream, b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let ssh = impostor(|stream| stream.write_all(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n").unwrap());
    let mysql = impostor(|stream| {
        stream.write_all(b"J\0\0\0\x0a8.0.33\0\x08\0\0\0abcdefgh\0").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    let https = impostor(|stream| says(stream, b"\x15\x03\x01\x00\x02\x02\x46"));
    // As a load balancer without a server does it.
    let gone = impostor(|stream| {
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        stream.shutdown(Shutdown::Both).unwrap();
    });
    let half = impostor(|stream| {
        assert!(stream.read(&mut [0; 8]).unwrap() > 0);
        stream.write_all(b"S").unwrap();
    });
    let odd = impostor(|stream| {
        startup(stream);
        stream.write_all(&message(b'Z', b"I")).unwrap();
    });
    let bad_tls = impostor(|stream| {
        assert!(stream.read(&mut [0; 8]).unwrap() > 0);
        stream.write_all(b"S").unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"what do you mean?").unwrap();
    });
    // Logged in, and then nothing: as behind a pooler that has no server left.
    let hung = impostor(|stream| {
        startup(stream);
        let login = [message(b'R', &[0, 0, 0, 0]), message(b'Z', b"I")].concat();
        stream.write_all(&login).unwrap();
    });
    let old = ClusterSpec::major(TOO_OLD).start();
    // A real server that hangs before it says a word.
    let slow = ClusterSpec::default().start();
    slow.alter_system(&[("pre_auth_delay", "60")]);
    let delayed = || slow.log().contains("\"pre_auth_delay\" changed").then_some(());
    command::until(command::LIMIT, delayed).expect("a server that was told to hang");
    let tls = |port: u16| move |pgtend| local(port)(pgtend).env("PGSSLMODE", "require");
    check(vec![
        case("silent-server", shortly(local(quiet)), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the connection was accepted, and then nothing was said within 5 s
  next:  check that 127.0.0.1:PORT is a PostgreSQL server's port and that the server does not hang, or raise connect_timeout
  exit:  69
"#).naming(quiet, "PORT"),
        case("silent-server: hanging", shortly(local(slow.port())), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the connection was accepted, and then nothing was said within 5 s
  next:  check that 127.0.0.1:PORT is a PostgreSQL server's port and that the server does not hang, or raise connect_timeout
  exit:  69
"#).naming(slow.port(), "PORT"),
        case("silent-tls", shortly(tls(half)), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: TLS was agreed on, and not completed within 5 s
  next:  check what answers at 127.0.0.1:PORT (a proxy or load balancer in between), or raise connect_timeout
  exit:  69
"#).naming(half, "PORT"),
        case("silent-login", shortly(local(hung)), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the login was accepted, and the first statement not answered within 5 s
  next:  look whether the server at 127.0.0.1:PORT hangs, or a pooler there waits for a free server, or raise connect_timeout
  exit:  69
"#).naming(hung, "PORT"),
        case("not-postgres: HTTP", local(http), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: what answers there is not PostgreSQL, but an HTTP server
  next:  check host and port: PostgreSQL's own is 5432
  exit:  69
"#).naming(http, "PORT"),
        case("not-postgres: SSH", local(ssh), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: what answers there is not PostgreSQL, but an SSH server
  next:  check host and port: PostgreSQL's own is 5432
  exit:  69
"#).naming(ssh, "PORT"),
        case("not-postgres: MySQL", local(mysql), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: what answers there is not PostgreSQL, but a MySQL or MariaDB server
  next:  check host and port: PostgreSQL's own is 5432
  exit:  69
"#).naming(mysql, "PORT"),
        case("not-postgres: TLS", local(https), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: what answers there is not PostgreSQL, but a server that begins with TLS (HTTPS, say)
  next:  check host and port: PostgreSQL's own is 5432
  exit:  69
"#).naming(https, "PORT"),
        case("broken", local(gone), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the connection broke before the login was complete: early eof
  next:  check that a PostgreSQL server, and not something else, is at 127.0.0.1:PORT, and what is in between (a load balancer without a server)
  exit:  69
"#).naming(gone, "PORT"),
        case("unexpected", local(odd), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: unexpected message from server
  next:  check that a PostgreSQL server, and not something else, is at 127.0.0.1:PORT
  exit:  69
"#).naming(odd, "PORT"),
        case("tls-failed", tls(bad_tls), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: TLS: wrong version number
  next:  check that 127.0.0.1:PORT is a PostgreSQL server, and what is in between (a proxy that ends TLS)
  exit:  69
"#).naming(bad_tls, "PORT"),
        case("too-old", to(&old, "postgres", "postgres"), 69, r#"note: using the command line, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: the server is PostgreSQL 12, and pgtend needs 13 or newer
  next:  upgrade the server: its version has reached its end of life
  exit:  69
"#).at(&old),
    ])
}

pub fn sockets() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".s.PGSQL.5432");
    drop(UnixListener::bind(&path).unwrap());
    let closed = tempfile::tempdir().unwrap();
    let path = closed.path().join(".s.PGSQL.5432");
    let _listener = UnixListener::bind(&path).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
    let long = folder.path().join("x".repeat(100));
    let at = |folder: String| {
        move |pgtend: Pgtend| pgtend.args(["-U", "app", "-d", "shop", "-h"]).arg(&folder)
    };
    let text = |path: &std::path::Path| path.display().to_string();
    let own = at(text(closed.path()));
    // Root may do all, unless this is taken away.
    let without_rights =
        |pgtend| own(pgtend).by(["setpriv", "--bounding-set=-dac_override"].map(str::to_owned));
    check(vec![
        case(
            "socket-missing",
            |pgtend| {
                let home = text(pgtend.home());
                at(home)(pgtend)
            },
            69,
            r#"note: using the command line, HOME:5432/shop as app
error: cannot connect to HOME:5432
  cause: there is no socket file
  next:  start the server, or give --host with its name or with the folder of its socket
  exit:  69
"#,
        ),
        case(
            "socket-stale",
            at(text(folder.path())),
            69,
            r#"note: using the command line, FOLDER:5432/shop as app
error: cannot connect to FOLDER:5432
  cause: nobody listens on the socket
  next:  start the server: it left this socket file behind
  exit:  69
"#,
        )
        .naming(folder.path().display(), "FOLDER"),
        case(
            "socket-forbidden",
            without_rights,
            69,
            r#"note: using the command line, FOLDER:5432/shop as app
error: cannot connect to FOLDER:5432
  cause: the socket may not be used by this user
  next:  run pgtend as a user who may, or connect by TCP with --host
  exit:  69
"#,
        )
        .naming(closed.path().display(), "FOLDER"),
        case(
            "socket-path",
            at(text(&long)),
            69,
            r#"note: using the command line, FOLDER:5432/shop as app
error: cannot connect to FOLDER:5432
  cause: the path of the socket file is longer than the system allows
  next:  give a folder with a shorter path, a link to it for one, or connect by TCP with --host
  exit:  69
"#,
        )
        .naming(long.display(), "FOLDER"),
    ])
}
