//! Whether the server runs on this machine, and the room on its disk.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::conf::SETTINGS;
use super::dep::{Disk, EXTENSION};
use super::facts::{Answer, Facts};

/// Whether the server runs on this machine: its data directory lies here and has its number. An
/// address proves nothing, for a tunnel or a container answers at localhost too; a socket is taken
/// for a proof only where the directory is hidden, or closed to us.
pub fn runs_here(facts: &Facts) -> bool {
    let on_socket = facts.server.host.starts_with(['/', '@']);
    match data_directory(facts).map(identifier) {
        Some(Ok(number)) => number == facts.system_identifier,
        Some(Err(error)) => on_socket && error.kind() == ErrorKind::PermissionDenied,
        None => on_socket,
    }
}

/// The disk of the server's data, where that surely lies on this machine.
pub fn disk(facts: &Facts) -> Option<Disk> {
    let path = data_directory(facts)?;
    let is_its_own = identifier(path).is_ok_and(|number| number == facts.system_identifier);
    let stat = is_its_own.then(|| rustix::fs::statvfs(path))?.ok()?;
    Some(Disk { path: path.to_owned(), free: stat.f_bavail.saturating_mul(stat.f_frsize) })
}

/// Where the data lies, as the server says; hidden from roles that may not know.
fn data_directory(facts: &Facts) -> Option<&str> {
    let rows = |name: &str| match facts.answers.get(name) {
        Some(Answer::Rows(rows)) => rows.as_slice(),
        _ => &[],
    };
    let of_settings = rows(SETTINGS.name).iter().find(|row| row["name"] == "data_directory");
    of_settings
        .and_then(|row| row["setting"].as_str())
        .or_else(|| rows(EXTENSION.name).first().and_then(|row| row["data_directory"].as_str()))
}

/// The number of the server whose data directory this is: the first field of pg_control.
fn identifier(data_directory: &str) -> io::Result<String> {
    let mut number = [0; 8];
    File::open(Path::new(data_directory).join("global/pg_control"))?.read_exact(&mut number)?;
    Ok(u64::from_ne_bytes(number).to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    const NUMBER: u64 = 7_300_000_000_000_000_001;

    /// Facts of a server at this host, whose data directory is said to lie there.
    fn at(host: &str, directory: Option<&str>) -> Facts {
        let rows: Vec<Value> = directory
            .map(|directory| json!({"name": "data_directory", "setting": directory}))
            .into_iter()
            .collect();
        let mut facts = Sample::of("settings", &rows).facts;
        facts.server.host = host.to_owned();
        facts.system_identifier = NUMBER.to_string();
        facts
    }

    fn directory(number: u64) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("global")).unwrap();
        fs::write(directory.path().join("global/pg_control"), number.to_ne_bytes()).unwrap();
        directory
    }

    #[test]
    fn localhost_proves_nothing() {
        let (own, other) = (directory(NUMBER), directory(NUMBER + 1));
        let (own, other) = (own.path().to_str().unwrap(), other.path().to_str().unwrap());
        let is = |host: &str, directory| runs_here(&at(host, directory));
        assert!(is("localhost", Some(own)));
        assert!(is("db.example.com", Some(own)));
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert!(!is(host, None), "{host}");
            assert!(!is(host, Some(other)), "{host}");
            assert!(!is(host, Some("/nowhere")), "{host}");
        }
        assert!(is("/run/postgresql", None));
        assert!(!is("/run/postgresql", Some(other)));
        assert!(!is("/run/postgresql", Some("/nowhere")));
    }

    #[test]
    fn only_a_directory_with_the_servers_number_has_its_disk() {
        let (own, other) = (directory(NUMBER), directory(NUMBER + 1));
        let (own, other) = (own.path().to_str().unwrap(), other.path().to_str().unwrap());
        assert_eq!(disk(&at("localhost", Some(own))).unwrap().path, own);
        assert_eq!(disk(&at("localhost", Some(other))), None);
        assert_eq!(disk(&at("/run/postgresql", None)), None);
        let told = json!({"has_statements": true, "data_directory": own});
        let mut facts = at("localhost", None);
        facts.answers.insert(EXTENSION.name.to_owned(), Answer::Rows(vec![told]));
        assert_eq!(disk(&facts).unwrap().path, own);
    }
}
