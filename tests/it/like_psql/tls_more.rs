//! What the matrix leaves out: default files, names in certificates, protocol versions, bound
//! logins, TLS from the first byte, and Unix sockets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::tls::{HBA, MODES, roles};
use super::{Cell, Outcome, compare, expect_a_mix};
use crate::harness::command;
use crate::harness::pki::{Identity, KeyForm, PASSPHRASE, Pki};
use crate::harness::{Cluster, ClusterSpec, TlsVariant};

fn server() -> Cluster {
    let cluster = ClusterSpec::default().tls(TlsVariant::Good).hba(HBA).start();
    roles(&cluster);
    cluster
}

const USERS: [&str; 3] = ["anybody", "encrypted", "certified"];

#[test]
fn hosts_and_addresses() {
    let cluster = server();
    let port = cluster.port();
    let ca = Pki::shared().ca.display();
    let places = [
        "hostaddr=127.0.0.1",
        "hostaddr=::1",
        "host=localhost",
        "host=LOCALHOST",
        "host=::1",
        "host=localhost hostaddr=::1",
        "host=127.0.0.2 hostaddr=127.0.0.1",
        "host=::2 hostaddr=127.0.0.1",
        "host='' hostaddr=127.0.0.1",
        "host=127.0.0.1 hostaddr=''",
        "host=127.1 hostaddr=127.0.0.1",
        "host=x hostaddr=not.an.address",
        "host=127.0.0.1,localhost hostaddr=127.0.0.1",
        "host=no.such.host.invalid,127.0.0.1",
    ];
    let mut cells = Vec::new();
    for place in places {
        for mode in MODES {
            for roots in [format!("sslrootcert={ca}"), String::new()] {
                let words = format!("{place} port={port} user=encrypted dbname=postgres");
                let cell = Cell::new(
                    format!("{place}, {mode}, {roots}"),
                    format!("{words} sslmode={mode} {roots}"),
                );
                let full = mode == "verify-full" && !roots.is_empty();
                cells.push(match place {
                    "hostaddr=127.0.0.1" | "hostaddr=::1" | "host='' hostaddr=127.0.0.1"
                        if full =>
                    {
                        cell.differs(ADDRESS_ALONE)
                    }
                    "host=127.1 hostaddr=127.0.0.1" if full => {
                        cell.differs("127.1 is a name: addresses are written in full")
                    }
                    _ => cell,
                });
            }
        }
    }
    expect_a_mix(&compare(&cells));
}

/// A home folder with these files in `~/.postgresql`.
fn home(files: &[(&str, &Path)]) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join(".postgresql");
    fs::create_dir(&own).unwrap();
    for (name, source) in files {
        fs::copy(source, own.join(name)).unwrap();
    }
    home
}

#[test]
fn files_in_the_home_folder() {
    let cluster = server();
    let pki = Pki::shared();
    let client = pki.client("certified", KeyForm::Pkcs1);
    let stranger = pki.stranger("certified");
    let open = client.key.with_extension("home-open");
    fs::copy(&client.key, &open).unwrap();
    fs::set_permissions(&open, PermissionsExt::from_mode(0o644)).unwrap();
    let Identity { cert, key } = &client;
    let homes: [(&str, Vec<(&str, &Path)>); 9] = [
        ("nothing", vec![]),
        ("the authority", vec![("root.crt", &pki.ca)]),
        ("another authority", vec![("root.crt", &pki.other_ca)]),
        ("no authority", vec![("root.crt", key)]),
        ("the certificate alone", vec![("postgresql.crt", cert)]),
        ("the key alone", vec![("postgresql.key", key)]),
        ("all", vec![("root.crt", &pki.ca), ("postgresql.crt", cert), ("postgresql.key", key)]),
        ("an open key", vec![("postgresql.crt", cert), ("postgresql.key", &open)]),
        (
            "a stranger's",
            vec![("postgresql.crt", &stranger.cert), ("postgresql.key", &stranger.key)],
        ),
    ];
    let given = [
        String::new(),
        format!("sslcert={}", cert.display()),
        format!("sslkey={}", key.display()),
        "sslcert=/nowhere/client.crt".to_owned(),
        format!("sslcert={} sslkey=/nowhere/client.key", cert.display()),
        "sslrootcert=/nowhere/root.crt".to_owned(),
        "sslcert='' sslkey='' sslrootcert=''".to_owned(),
    ];
    let kept: Vec<(&str, TempDir)> =
        homes.iter().map(|(name, files)| (*name, home(files))).collect();
    let mut cells = Vec::new();
    for (name, home) in &kept {
        for user in USERS {
            for mode in ["allow", "prefer", "require", "verify-full"] {
                for more in &given {
                    let words = format!("host=localhost port={} user={user}", cluster.port());
                    let conninfo = format!("{words} dbname=postgres sslmode={mode} {more}");
                    let name = format!("home with {name}, {user}, {mode}, {more}");
                    cells.push(Cell::new(name, conninfo).home(home.path()));
                }
            }
        }
    }
    expect_a_mix(&compare(&cells));
}

#[test]
fn revocation_lists_are_refused_on_purpose() {
    let cluster = server();
    let pki = Pki::shared();
    let home = home(&[("root.crt", &pki.ca)]);
    // libpq leaves out one that it cannot read.
    fs::write(home.path().join(".postgresql/root.crl"), "").unwrap();
    let words = format!("host=localhost port={} user=encrypted dbname=postgres", cluster.port());
    let why = "the TLS library cannot check revocation lists, and ignoring one is worse";
    let cells = [
        Cell::new("sslcrl", format!("{words} sslcrl=/nowhere/list sslmode=require")).differs(why),
        Cell::new("sslcrldir", format!("{words} sslcrldir=/nowhere sslmode=require")).differs(why),
        Cell::new("root.crl", format!("{words} sslmode=verify-full"))
            .home(home.path())
            .differs(why),
    ];
    compare(&cells);
}

#[test]
fn forms_and_pass_phrases_of_keys() {
    let cluster = server();
    let pki = Pki::shared();
    let mut cells = Vec::new();
    for form in KeyForm::ALL {
        let Identity { cert, key } = pki.client("certified", form);
        for phrase in
            ["", "sslpassword=''", "sslpassword=wrong", &format!("sslpassword='{PASSPHRASE}'")]
        {
            for mode in ["prefer", "require"] {
                let words = format!("host=localhost port={} user=certified", cluster.port());
                let files = format!("sslcert={} sslkey={}", cert.display(), key.display());
                cells.push(Cell::new(
                    format!("{form:?}, {phrase}, {mode}"),
                    format!("{words} dbname=postgres sslmode={mode} {files} {phrase}"),
                ));
            }
        }
    }
    // Permissions, and what is not a key.
    let Identity { cert, key } = pki.client("certified", KeyForm::Pkcs8);
    for mode in [0o600, 0o400, 0o640, 0o440, 0o660, 0o604, 0o700, 0o644] {
        let copy = key.with_extension(format!("{mode:o}"));
        fs::copy(&key, &copy).unwrap();
        fs::set_permissions(&copy, PermissionsExt::from_mode(mode)).unwrap();
        cells.push(key_cell(&cluster, &format!("mode {mode:o}"), &cert, &copy));
    }
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    fs::set_permissions(&empty, PermissionsExt::from_mode(0o600)).unwrap();
    let both = folder.path().join("both");
    fs::write(&both, [fs::read(&key).unwrap(), fs::read(&cert).unwrap()].concat()).unwrap();
    fs::set_permissions(&both, PermissionsExt::from_mode(0o600)).unwrap();
    cells.push(key_cell(&cluster, "a folder as key", &cert, folder.path()));
    cells.push(key_cell(&cluster, "an empty key", &cert, &empty));
    cells.push(key_cell(&cluster, "a certificate as key", &cert, &cert));
    cells.push(key_cell(&cluster, "an empty certificate", &empty, &key));
    cells.push(key_cell(&cluster, "a folder as certificate", folder.path(), &key));
    cells.push(key_cell(&cluster, "a key as certificate", &key, &key));
    cells.push(key_cell(&cluster, "one file for both", &both, &both));
    expect_a_mix(&compare(&cells));
}

fn key_cell(cluster: &Cluster, name: &str, cert: &Path, key: &Path) -> Cell {
    let words = format!("host=localhost port={} user=certified", cluster.port());
    let files = format!("sslcert={} sslkey={}", cert.display(), key.display());
    Cell::new(name, format!("{words} dbname=postgres sslmode=require {files}"))
}

#[test]
fn versions_of_the_protocol() {
    let old = ClusterSpec::default()
        .tls(TlsVariant::Good)
        .hba(HBA)
        .set("ssl_max_protocol_version", "'TLSv1.2'")
        .start();
    let new = ClusterSpec::default()
        .tls(TlsVariant::Good)
        .hba(HBA)
        .set("ssl_min_protocol_version", "'TLSv1.3'")
        .start();
    roles(&old);
    roles(&new);
    let words =
        ["", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "tlsv1.2", "1.2", "TLSv1.4", "SSLv3"];
    let mut cells = Vec::new();
    for (server, cluster) in [("1.2 at most", &old), ("1.3 at least", &new)] {
        for minimum in words {
            for maximum in words {
                cells.push(Cell::new(
                    format!("server {server}, client from {minimum:?} to {maximum:?}"),
                    format!(
                        "host=localhost port={} user=encrypted dbname=postgres sslmode=require \
                         ssl_min_protocol_version='{minimum}' ssl_max_protocol_version='{maximum}'",
                        cluster.port()
                    ),
                ));
            }
        }
    }
    expect_a_mix(&compare(&cells));
}

/// What the certificate has to say for verify-full: alternative names, addresses, wildcards, and
/// the common name when there is nothing else.
#[test]
fn names_in_the_servers_certificate() {
    let cluster = server();
    let pki = Pki::shared();
    let certificates: [(&str, &str, &[&str], &[&str]); 14] = [
        ("name", "x", &["db.example.com"], &[]),
        ("capitals", "x", &["DB.Example.COM"], &[]),
        ("wildcard", "x", &["*.example.com"], &[]),
        ("wide", "x", &["*.com"], &[]),
        ("star", "x", &["*"], &[]),
        ("partial", "x", &["d*.example.com"], &[]),
        ("deep", "x", &["*.*.example.com"], &[]),
        ("two", "x", &["other.example.com", "db.example.com"], &[]),
        ("address", "x", &[], &["127.0.0.1", "::1"]),
        ("address-as-name", "x", &["127.0.0.1"], &[]),
        ("common", "db.example.com", &[], &[]),
        ("common-wildcard", "*.example.com", &[], &[]),
        ("common-address", "127.0.0.1", &[], &[]),
        ("common-beside", "db.example.com", &["other.example.com"], &[]),
    ];
    let hosts = [
        "host=db.example.com hostaddr=127.0.0.1",
        "host=DB.EXAMPLE.com hostaddr=127.0.0.1",
        "host=db.example.com. hostaddr=127.0.0.1",
        "host=a.db.example.com hostaddr=127.0.0.1",
        "host=example.com hostaddr=127.0.0.1",
        "host=other.example.com hostaddr=127.0.0.1",
        "host=db hostaddr=127.0.0.1",
        "host=127.0.0.1",
        "host=127.0.0.2 hostaddr=127.0.0.1",
        "host=::1",
        "host=0:0:0:0:0:0:0:1 hostaddr=::1",
        "hostaddr=127.0.0.1",
    ];
    let mut outcomes = Vec::new();
    let mut failures = Vec::new();
    for (file, name, names, addresses) in certificates {
        show_certificate(&cluster, &pki.named(file, name, names, addresses));
        let cells: Vec<Cell> = hosts
            .iter()
            .flat_map(|place| {
                let words =
                    format!("{place} port={} user=encrypted dbname=postgres", cluster.port());
                let ca = pki.ca.display();
                ["verify-ca", "verify-full"].map(|mode| {
                    let cell = Cell::new(
                        format!("{file}: {place}, {mode}"),
                        format!("{words} sslmode={mode} sslrootcert={ca}"),
                    );
                    match on_purpose(file, place, mode) {
                        Some(why) => cell.differs(why),
                        None => cell,
                    }
                })
            })
            .collect();
        match std::panic::catch_unwind(|| compare(&cells)) {
            Ok(list) => outcomes.extend(list),
            Err(panic) => failures.push(*panic.downcast::<String>().unwrap()),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    expect_a_mix(&outcomes);
}

/// Names are looked up in the certificate by OpenSSL, as browsers and Go do it; libpq's own
/// comparison is older and takes more.
fn on_purpose(certificate: &str, place: &str, mode: &str) -> Option<&'static str> {
    match (certificate, place) {
        _ if mode != "verify-full" => None,
        ("address", "hostaddr=127.0.0.1") => Some(ADDRESS_ALONE),
        ("wide", "host=example.com hostaddr=127.0.0.1") => {
            Some("a wildcard for a whole top-level domain is not accepted")
        }
        ("address-as-name" | "common-address", "host=127.0.0.1") => {
            Some("an address has to stand in the certificate as an address (RFC 9525)")
        }
        _ => None,
    }
}

const ADDRESS_ALONE: &str = "without a host name the certificate is checked for the address, as \
                             with host=ADDRESS, where libpq refuses to check anything";

/// Has the server use another certificate, and waits until it does.
fn show_certificate(cluster: &Cluster, files: &Identity) {
    // The files stay the server's own: their text is replaced.
    for (name, source) in [("server.crt", &files.cert), ("server.key", &files.key)] {
        fs::write(cluster.data_dir().join(name), fs::read(source).unwrap()).unwrap();
    }
    let loaded = || cluster.psql("postgres", "SELECT pg_conf_load_time()");
    let before = loaded();
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    command::until(command::LIMIT, || (loaded() != before).then_some(()))
        .expect("the server reads its settings again");
}

#[test]
fn channel_binding_with_each_way_to_log_in() {
    let cluster = ClusterSpec::default()
        .tls(TlsVariant::Good)
        .set("password_encryption", "'md5'")
        .hba(
            "host all by_md5 all md5
host all by_scram all scram-sha-256
host all by_password all password
host all by_trust all trust
hostssl all by_cert all cert
host all by_md5_scram all md5",
        )
        .start();
    cluster.psql(
        "postgres",
        "CREATE ROLE by_md5 LOGIN PASSWORD 'right'; CREATE ROLE by_trust LOGIN;
         CREATE ROLE by_cert LOGIN; SET password_encryption = 'scram-sha-256';
         CREATE ROLE by_scram LOGIN PASSWORD 'right'; CREATE ROLE by_password LOGIN PASSWORD 'right';
         CREATE ROLE by_md5_scram LOGIN PASSWORD 'right'",
    );
    let Identity { cert, key } = Pki::shared().client("by_cert", KeyForm::Pkcs8);
    let mut cells = Vec::new();
    for user in ["by_md5", "by_scram", "by_password", "by_trust", "by_cert", "by_md5_scram"] {
        for binding in ["disable", "prefer", "require", "Require", "never"] {
            for mode in ["disable", "allow", "prefer", "require"] {
                for password in ["", "password=right", "password=wrong", "password=''"] {
                    let files = format!("sslcert={} sslkey={}", cert.display(), key.display());
                    cells.push(Cell::new(
                        format!("{user}, {binding}, {mode}, {password}"),
                        format!(
                            "host=localhost port={} user={user} dbname=postgres sslmode={mode} \
                             channel_binding={binding} {password} {}",
                            cluster.port(),
                            if user == "by_cert" { &files } else { "" },
                        ),
                    ));
                }
            }
        }
    }
    expect_a_mix(&compare(&cells));
}

/// `sslnegotiation`, `sslcertmode` and `sslrootcert=system`: libpq 18 against servers old and new.
#[test]
fn what_newer_versions_of_libpq_can_do() {
    let pki = Pki::shared();
    let servers = [15, 17, 18].map(|major| {
        let cluster = ClusterSpec::major(major).tls(TlsVariant::Good).hba(HBA).start();
        roles(&cluster);
        cluster
    });
    let off = ClusterSpec::major(18).hba("host all all all trust").start();
    roles(&off);
    let Identity { cert, key } = pki.client("certified", KeyForm::Pkcs8);
    let files = format!("sslcert={} sslkey={}", cert.display(), key.display());
    let mut cells = Vec::new();
    let mut add = |cluster: &Cluster, user: &str, more: &str| {
        let words = format!("host=localhost port={} user={user}", cluster.port());
        let name = format!("PostgreSQL {}, {user}, {more}", cluster.major());
        cells.push(Cell::new(name, format!("{words} dbname=postgres {more}")).newest());
    };
    let ca = pki.ca.display();
    for cluster in servers.iter().chain([&off]) {
        for mode in MODES {
            for negotiation in ["postgres", "direct", "", "Direct"] {
                let more = format!("sslmode={mode} sslnegotiation={negotiation}");
                add(cluster, "anybody", &more.replace("sslnegotiation= ", ""));
                add(cluster, "encrypted", &format!("{more} sslrootcert={ca}"));
            }
        }
    }
    for cluster in &servers {
        for mode in ["disable", "allow", "prefer", "require", "verify-full"] {
            for certificates in ["disable", "allow", "DISABLE", "never"] {
                for user in USERS {
                    let more = format!("sslmode={mode} sslcertmode={certificates} {files}");
                    add(cluster, user, &format!("{more} sslrootcert={ca}"));
                }
            }
        }
    }
    for mode in MODES {
        add(&servers[0], "encrypted", &format!("sslrootcert=system sslmode={mode}"));
    }
    add(&servers[0], "encrypted", "sslrootcert=system");
    add(&servers[0], "encrypted", "sslrootcert=system sslnegotiation=direct");
    add(&servers[2], "encrypted", "sslrootcert=system sslnegotiation=direct");
    let with_system: Vec<Cell> = cells
        .iter()
        .filter(|cell| cell.conninfo.contains("sslrootcert=system"))
        .map(|cell| {
            let mut cell = cell.clone().env("SSL_CERT_FILE", pki.ca.display());
            cell.name.push_str(", trusted by the system");
            cell
        })
        .collect();
    cells.extend(with_system);
    let outcomes = compare(&cells);
    expect_a_mix(&outcomes);
    let direct = cells.iter().zip(&outcomes).filter(|(cell, outcome)| {
        cell.conninfo.contains("sslnegotiation=direct") && **outcome != Outcome::Failed
    });
    assert!(direct.count() >= 6, "TLS from the first byte works with 17 and 18");
}

#[test]
fn tls_is_not_for_unix_sockets() {
    let cluster = ClusterSpec::default().tls(TlsVariant::Good).hba("local all all trust").start();
    roles(&cluster);
    let folder = cluster.socket_dir().display();
    let mut cells = Vec::new();
    for mode in MODES {
        for more in [
            "",
            "sslrootcert=/nowhere",
            "sslrootcert=/nowhere sslcert=/nowhere sslkey=/nowhere",
            "channel_binding=require",
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
        ] {
            let words = format!("host={folder} port={} user=anybody", cluster.port());
            let conninfo = format!("{words} dbname=postgres sslmode={mode} {more}");
            cells.push(Cell::new(format!("socket, {mode}, {more}"), conninfo));
        }
    }
    let missing = PathBuf::from("/nowhere/socket");
    let words = format!("host={} port={}", missing.display(), cluster.port());
    cells.push(Cell::new("no socket", format!("{words} user=anybody dbname=postgres")));
    expect_a_mix(&compare(&cells));
}
