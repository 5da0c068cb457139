//! Servers that cannot be reached, and servers that say no.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use super::transcript::{SECRET, case, check};
use crate::harness::cluster::free_port;
use crate::harness::pki::Pki;
use crate::harness::{Cluster, ClusterSpec, Pgtend, TlsVariant};

/// A server of nobody's: each connection is handed to `answer`, and then held open.
fn impostor(answer: fn(&mut TcpStream)) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            answer(&mut stream);
            held.push(stream);
        }
    });
    port
}

/// Says that it is starting, as a server in crash recovery does: no TLS, then 57P03.
fn starting(stream: &mut TcpStream) {
    let mut packet = [0; 1024];
    let mut read = stream.read(&mut packet).unwrap();
    if packet[4..8] == [0x04, 0xd2, 0x16, 0x2f] {
        stream.write_all(b"N").unwrap();
        read = stream.read(&mut packet).unwrap();
    }
    assert!(read > 8, "a startup packet");
    let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
    let length = u32::try_from(fields.len() + 4).unwrap();
    stream.write_all(&[b"E".as_slice(), &length.to_be_bytes(), fields].concat()).unwrap();
}

#[test]
fn a_server_that_cannot_be_reached() {
    let closed = free_port();
    let silent = impostor(|_| {});
    let early = impostor(starting);
    let other = impostor(|stream| {
        assert!(stream.read(&mut [0; 1024]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    let local = |port: u16| {
        move |pgtend: Pgtend| {
            pgtend.args(["-h", "127.0.0.1", "-U", "app", "-d", "shop", "-p"]).arg(port.to_string())
        }
    };
    let started = Instant::now();
    check(vec![
        case("refused", local(closed), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the connection was refused: nobody listens there
  next:  check host and port, that the server runs, and that it listens there (listen_addresses, security group)
  exit:  69
"#).naming(closed, "PORT"),
        case("silent", |pgtend| local(silent)(pgtend).env("PGCONNECT_TIMEOUT", "2"), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: no answer within 2 s
  next:  check the way to 127.0.0.1:PORT (firewall, security group, VPN), or raise connect_timeout
  exit:  69
"#)
            .naming(silent, "PORT"),
        case("starting", local(early), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the database system is starting up
  next:  wait until 127.0.0.1:PORT is up, and try again
  exit:  69
"#).naming(early, "PORT"),
        case("not PostgreSQL", local(other), 69, r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: the connection broke before the login was complete: bytes remaining on stream
  next:  check that a PostgreSQL server, and not something else, is at 127.0.0.1:PORT
  exit:  69
"#).naming(other, "PORT"),
        case(
            "unknown host",
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
            "no socket",
            |pgtend| {
                let home = pgtend.home().to_owned();
                pgtend.arg("-h").arg(home).args(["-U", "app", "-d", "shop"])
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
            "two hosts",
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
    ]);
    // 2 s of silence, and three tries with pauses of about 1 and 2 s for what may pass.
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_server_that_says_no() {
    let cluster = ClusterSpec::default()
        .tls(TlsVariant::Good)
        .hba(
            "hostssl all tls_only all trust
             hostssl all by_cert all cert
             host all by_password all scram-sha-256
             host all limited all trust",
        )
        .start();
    cluster.psql(
        "postgres",
        "CREATE ROLE tls_only LOGIN; CREATE ROLE by_cert LOGIN; CREATE ROLE unlisted LOGIN;
         CREATE ROLE by_password LOGIN PASSWORD 'right'; CREATE ROLE limited LOGIN CONNECTION LIMIT 0",
    );
    let plain = Cluster::shared();
    let pki = Pki::shared();
    let to = |cluster: &Cluster, user: &str, more: &str| {
        let url = format!(
            "host=localhost hostaddr=127.0.0.1 port={} user={user} dbname=postgres {more}",
            cluster.port()
        );
        move |pgtend: Pgtend| pgtend.arg("--url").arg(url.clone())
    };
    let (ca, other_ca) = (pki.ca.display(), pki.other_ca.display());
    let stranger = format!("sslmode=verify-full sslrootcert={other_ca}");
    let elsewhere = format!(
        "host=elsewhere.example hostaddr=127.0.0.1 port={} user=tls_only dbname=postgres \
         sslmode=verify-full sslrootcert={ca}",
        cluster.port()
    );
    check(vec![
        case(
            "wrong password",
            |pgtend| to(&cluster, "by_password", "")(pgtend).env("PGPASSWORD", SECRET),
            69,
            r#"note: using --url, localhost:PORT/postgres as by_password
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "by_password" (the password is from PGPASSWORD)
  next:  check --username, and the password in PGPASSWORD
  exit:  69
"#,
        )
        .at(&cluster),
        case(
            "wrong password of the password file",
            |pgtend| {
                let file = pgtend.home().join(".pgpass");
                fs::write(&file, format!("# ours\nlocalhost:*:*:by_password:{SECRET}\n")).unwrap();
                fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
                to(&cluster, "by_password", "")(pgtend)
            },
            69,
            r#"note: using --url, localhost:PORT/postgres as by_password
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "by_password" (the password is from HOME/.pgpass, line 2)
  next:  check --username, and the password in HOME/.pgpass, line 2
  exit:  69
"#,
        )
        .at(&cluster),
        case("no password", to(&cluster, "by_password", ""), 69, r#"note: using --url, localhost:PORT/postgres as by_password
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server asks for the password of by_password, and none is known
  next:  set PGPASSWORD, or add a line for localhost:PORT (127.0.0.1) to ~/.pgpass (chmod 0600), or run it on a terminal without --no-password
  exit:  69
"#).at(&cluster),
        case("unknown role", to(plain, "nobody", ""), 69, r#"note: using --url, localhost:PORT/postgres as nobody
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: role "nobody" does not exist
  next:  check --username, or create the role
  exit:  69
"#).at(plain),
        case(
            "unknown database",
            |pgtend| to(plain, "postgres", "")(pgtend).args(["-d", "shop"]),
            69,
            r#"note: using --url, localhost:PORT/shop as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: database "shop" does not exist
  next:  check --dbname; psql -l lists the databases
  exit:  69
"#,
        )
        .at(plain),
        case("TLS not offered", to(plain, "postgres", "sslmode=require"), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server does not offer TLS, and sslmode asks for it
  next:  switch ssl on in the server, or connect with sslmode=prefer
  exit:  69
"#).at(plain),
        case("TLS asked for", to(&cluster, "tls_only", "sslmode=disable"), 69, r#"note: using --url, localhost:PORT/postgres as tls_only
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server asks for TLS: no pg_hba.conf entry for host "127.0.0.1", user "tls_only", database "postgres", no encryption
  next:  connect with sslmode=require or stronger
  exit:  69
"#).at(&cluster),
        case("no line in pg_hba.conf", to(&cluster, "unlisted", ""), 69, r#"note: using --url, localhost:PORT/postgres as unlisted
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: no pg_hba.conf entry for host "127.0.0.1", user "unlisted", database "postgres", SSL encryption
  cause: no pg_hba.conf entry for host "127.0.0.1", user "unlisted", database "postgres", no encryption
  next:  add a line for unlisted, postgres and this client to the server's pg_hba.conf
  exit:  69
"#).at(&cluster),
        case("no line, and TLS", to(&cluster, "unlisted", "sslmode=require"), 69, r#"note: using --url, localhost:PORT/postgres as unlisted
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: no pg_hba.conf entry for host "127.0.0.1", user "unlisted", database "postgres", SSL encryption
  next:  add a line for unlisted, postgres and this client to the server's pg_hba.conf
  exit:  69
"#).at(&cluster),
        case("no certificate", to(&cluster, "by_cert", "sslmode=require"), 69, r#"note: using --url, localhost:PORT/postgres as by_cert
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: connection requires a valid client certificate
  next:  give a certificate that the server trusts with sslcert and sslkey
  exit:  69
"#).at(&cluster),
        case("unknown authority", to(&cluster, "tls_only", &stranger), 69, r#"note: using --url, localhost:PORT/postgres as tls_only
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: self-signed certificate in certificate chain
  next:  give the authority that signed the server's certificate with sslrootcert (RDS: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)
  exit:  69
"#).at(&cluster),
        case("wrong name", |pgtend| pgtend.arg("--url").arg(&elsewhere), 69, r#"note: using --url, elsewhere.example:PORT/postgres as tls_only
error: cannot connect to elsewhere.example:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: hostname mismatch
  next:  connect by a name that the certificate holds, or use sslmode=verify-ca
  exit:  69
"#).at(&cluster),
        case("too many", to(&cluster, "limited", ""), 75, r#"note: using --url, localhost:PORT/postgres as limited
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: too many connections: too many connections for role "limited"
  next:  end idle sessions, or raise max_connections or the role's limit
  exit:  75
"#).at(&cluster),
        case("wrong kind", to(plain, "postgres", "target_session_attrs=standby"), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server is not in recovery, and target_session_attrs asks for another kind of server
  next:  give the other host, or another target_session_attrs
  exit:  69
"#).at(plain),
    ]);
}
