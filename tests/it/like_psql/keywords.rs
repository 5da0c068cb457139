//! Each keyword with values that are right, odd, wrong and empty.

use super::tls::{HBA, roles};
use super::{Cell, compare, expect_a_mix};
use crate::harness::oracle::Libpq;
use crate::harness::{ClusterSpec, TlsVariant};

/// Those that say where, and as whom, have tests of their own; a log of keys is written to a
/// file with the value's name, by psql only.
const ELSEWHERE: [&str; 10] = [
    "host",
    "hostaddr",
    "user",
    "dbname",
    "service",
    "servicefile",
    "passfile",
    "sslcrl",
    "sslcrldir",
    "sslkeylogfile",
];

const VALUES: [&str; 24] = [
    "",
    " ",
    "x",
    "0",
    "1",
    "2",
    "-1",
    "+1",
    " 1",
    "1 ",
    "1x",
    "0x1",
    "1.5",
    "99999999999",
    "on",
    "true",
    "disable",
    "prefer",
    "require",
    "Prefer",
    "any",
    "read-write",
    "3.0",
    "latest",
];

#[test]
fn every_keyword_with_every_kind_of_value() {
    let cluster = ClusterSpec::default().tls(TlsVariant::Good).hba(HBA).start();
    roles(&cluster);
    let old: Vec<String> = Libpq::System.keywords().into_iter().map(|(name, _)| name).collect();
    let port = cluster.port();
    let mut cells = Vec::new();
    for (keyword, _) in Libpq::Newest.keywords() {
        if ELSEWHERE.contains(&keyword.as_str()) {
            continue;
        }
        for value in VALUES {
            let words = if keyword == "port" { String::new() } else { format!("port={port}") };
            let conninfo =
                format!("host=127.0.0.1 user=anybody dbname=postgres {words} {keyword}='{value}'");
            let mut cell = Cell::new(format!("{keyword}={value:?}"), conninfo);
            if !old.contains(&keyword) {
                cell = cell.newest();
            }
            cell.differs = on_purpose(&keyword, value);
            cells.push(cell);
        }
    }
    expect_a_mix(&compare(&cells));
}

fn on_purpose(keyword: &str, value: &str) -> Option<&'static str> {
    let nothing = ["keepalives_idle", "keepalives_interval", "keepalives_count"];
    match (keyword, value) {
        (_, "") => None,
        ("client_encoding", _) => {
            Some("pgtend speaks UTF-8, whatever the operator's terminal does")
        }
        ("requirepeer", _) => Some("it would be ignored, and it asks for safety"),
        (_, "0" | "-1") if nothing.contains(&keyword) => Some(
            "zero is the system's default, as the manual says; libpq hands it to the kernel, which \
             refuses it",
        ),
        _ => None,
    }
}
