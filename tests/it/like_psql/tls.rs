//! TLS mode, kind of server, authorities, host name and form of the client's key: every cell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{Cell, compare, expect_a_mix};
use crate::harness::pki::{Identity, KeyForm, PASSPHRASE, Pki};
use crate::harness::{Cluster, ClusterSpec, TlsVariant};

pub const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/// Anybody may come as `anybody`, with TLS as `encrypted`, with a certificate as `certified`.
pub const HBA: &str = "host all anybody all trust
hostssl all encrypted all trust
hostssl all certified all cert";

/// The roles of [`HBA`]; harmless where a server has no such line.
pub fn roles(cluster: &Cluster) {
    cluster.psql(
        "postgres",
        "CREATE ROLE anybody LOGIN; CREATE ROLE encrypted LOGIN; CREATE ROLE certified LOGIN",
    );
}

/// A client certificate for `certified`, with what goes into the connection string.
fn keys() -> Vec<(&'static str, String)> {
    let pki = Pki::shared();
    let words = |files: &Identity| {
        format!("sslcert={} sslkey={}", files.cert.display(), files.key.display())
    };
    let encrypted = pki.client("certified", KeyForm::EncryptedPkcs8);
    let pkcs8 = pki.client("certified", KeyForm::Pkcs8);
    let wrong = Identity { key: encrypted.key.clone(), ..pkcs8.clone() };
    let open = Identity { key: copy_of(&pkcs8.key, "open"), ..pkcs8.clone() };
    fs::set_permissions(&open.key, PermissionsExt::from_mode(0o644)).unwrap();
    vec![
        ("no certificate", String::new()),
        ("PKCS#8", words(&pkcs8)),
        ("PKCS#1", words(&pki.client("certified", KeyForm::Pkcs1))),
        ("SEC1", words(&pki.client("certified", KeyForm::Sec1))),
        ("encrypted", format!("{} sslpassword='{PASSPHRASE}'", words(&encrypted))),
        ("another's key", format!("{} sslpassword='{PASSPHRASE}'", words(&wrong))),
        ("key that others can read", words(&open)),
    ]
}

fn copy_of(path: &std::path::Path, word: &str) -> PathBuf {
    let copy = path.with_extension(word);
    fs::copy(path, &copy).unwrap();
    copy
}

#[test]
fn every_cell_of_the_tls_matrix() {
    let pki = Pki::shared();
    let with = ClusterSpec::default().tls(TlsVariant::Good).hba(HBA).start();
    let without = ClusterSpec::default().hba("host all anybody all trust").start();
    roles(&with);
    roles(&without);
    let empty = copy_of(&pki.ca, "empty");
    fs::write(&empty, "").unwrap();
    let missing = PathBuf::from("/nowhere/root.crt");
    let servers = [
        ("TLS on", &with, "anybody"),
        ("TLS off", &without, "anybody"),
        ("TLS required", &with, "encrypted"),
        ("certificate required", &with, "certified"),
    ];
    let authorities = [
        ("right CA", &pki.ca),
        ("wrong CA", &pki.other_ca),
        ("bundle", &pki.bundle),
        ("empty CA file", &empty),
        ("missing CA file", &missing),
    ];
    let hosts = [
        ("right name", "host=localhost hostaddr=127.0.0.1"),
        ("wrong name", "host=db.example.com hostaddr=127.0.0.1"),
        ("address", "host=127.0.0.1"),
    ];
    let keys = keys();
    let mut cells = Vec::new();
    for mode in MODES {
        for (server, cluster, user) in servers {
            for (authority, file) in authorities {
                for (host, place) in hosts {
                    for (key, more) in &keys {
                        cells.push(Cell::new(
                            format!("{mode}, {server}, {authority}, {host}, {key}"),
                            format!(
                                "{place} port={} user={user} dbname=postgres sslmode={mode} \
                                 sslrootcert={} {more}",
                                cluster.port(),
                                file.display(),
                            ),
                        ));
                    }
                }
            }
        }
    }
    assert_eq!(cells.len(), 6 * 4 * 5 * 3 * 7);
    // Nothing is thinned out: both programs together take some 50 ms a cell.
    expect_a_mix(&compare(&cells));
}
