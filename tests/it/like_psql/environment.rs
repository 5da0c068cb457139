//! libpq's environment variables, judged by psql.

use super::tls::{HBA, roles};
use super::{Cell, compare, expect_a_mix};
use crate::harness::pki::{Identity, KeyForm, Pki};
use crate::harness::{ClusterSpec, TlsVariant};

#[test]
fn every_variable_works_as_in_psql() {
    let cluster = ClusterSpec::default().tls(TlsVariant::Good).hba(HBA).start();
    roles(&cluster);
    cluster.psql("postgres", "CREATE DATABASE other; GRANT postgres TO encrypted");
    let Identity { cert, key } = Pki::shared().client("certified", KeyForm::Pkcs8);
    let port = cluster.port().to_string();
    let base = [
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", &*port),
        ("PGUSER", "anybody"),
        ("PGDATABASE", "postgres"),
    ];
    let ca = Pki::shared().ca.display().to_string();
    let other_ca = Pki::shared().other_ca.display().to_string();
    let (cert, key) = (cert.display().to_string(), key.display().to_string());
    let more: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("PGDATABASE", "other")],
        vec![("PGDATABASE", "")],
        vec![("PGDATABASE", "host=127.0.0.1 dbname=other")],
        vec![("PGUSER", "encrypted")],
        vec![("PGUSER", "nobody")],
        vec![("PGHOST", "localhost")],
        vec![("PGHOST", "no.such.host.invalid")],
        vec![("PGHOSTADDR", "127.0.0.1"), ("PGHOST", "no.such.host.invalid")],
        vec![("PGHOSTADDR", "127.0.0.1"), ("PGHOST", "")],
        vec![("PGPORT", "x")],
        vec![("PGPORT", "0")],
        vec![("PGPORT", "65536")],
        vec![("PGSSLMODE", "disable")],
        vec![("PGSSLMODE", "require")],
        vec![("PGSSLMODE", "REQUIRE")],
        vec![("PGSSLMODE", "verify-full")],
        vec![("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", &ca)],
        vec![("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", &other_ca)],
        vec![("PGREQUIRESSL", "1")],
        vec![("PGREQUIRESSL", "0")],
        vec![("PGREQUIRESSL", "1"), ("PGSSLMODE", "disable")],
        vec![("PGUSER", "certified"), ("PGSSLCERT", &cert), ("PGSSLKEY", &key)],
        vec![("PGUSER", "certified"), ("PGSSLCERT", &cert)],
        vec![("PGSSLMINPROTOCOLVERSION", "TLSv1.3"), ("PGSSLMAXPROTOCOLVERSION", "TLSv1.2")],
        vec![("PGSSLMINPROTOCOLVERSION", "x")],
        vec![("PGSSLSNI", "0")],
        vec![("PGSSLSNI", "2")],
        vec![("PGSSLCOMPRESSION", "1")],
        vec![("PGOPTIONS", "-c role=postgres"), ("PGUSER", "encrypted")],
        vec![("PGOPTIONS", "-c no_such=1")],
        vec![("PGOPTIONS", "nonsense")],
        vec![("PGAPPNAME", "x")],
        vec![("PGCONNECT_TIMEOUT", "5")],
        vec![("PGCONNECT_TIMEOUT", "x")],
        vec![("PGCONNECT_TIMEOUT", "-1")],
        vec![("PGTARGETSESSIONATTRS", "standby")],
        vec![("PGTARGETSESSIONATTRS", "primary")],
        vec![("PGTARGETSESSIONATTRS", "x")],
        vec![("PGCHANNELBINDING", "require")],
        vec![("PGGSSENCMODE", "disable")],
        vec![("PGGSSENCMODE", "x")],
        vec![("PGCLIENTENCODING", "LATIN1")],
        vec![("PGPASSWORD", "x")],
        vec![("PGSERVICE", "none")],
    ];
    let mut cells: Vec<Cell> = more
        .iter()
        .map(|more| {
            let mut cell = Cell::new(format!("{more:?}"), "");
            for (name, value) in base.iter().chain(more) {
                cell = cell.env(name, value);
            }
            cell
        })
        .collect();
    for name in ["PGSSLMODE", "PGCONNECT_TIMEOUT", "PGTARGETSESSIONATTRS", "PGCHANNELBINDING"] {
        let mut cell = Cell::new(format!("{name} is empty"), "");
        for (name, value) in base.iter().chain([&(name, "")]) {
            cell = cell.env(name, value);
        }
        cells.push(cell);
    }
    // A string goes before the environment, word by word.
    for conninfo in [
        "user=encrypted",
        "sslmode=disable",
        "dbname=other",
        "postgresql:///other",
        "postgresql://encrypted@",
        "postgresql://localhost/",
        "host=localhost",
        "host=''",
        "user=''",
        "dbname=''",
        "port=''",
    ] {
        for (name, value) in
            [("PGSSLMODE", "require"), ("PGDATABASE", "other"), ("PGUSER", "encrypted")]
        {
            let mut cell = Cell::new(format!("{conninfo}, {name}={value}"), conninfo);
            for (name, value) in base.iter().chain([&(name, value)]) {
                cell = cell.env(name, value);
            }
            cells.push(cell);
        }
    }
    expect_a_mix(&compare(&cells));
}
