//! The connection service file, with libpq's rules.
//!
//! Source: `parseServiceInfo` of `fe-connect.c`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::env::Environment;
use super::{bounded, dsn, keyword};
use crate::error::{Error, Result};

/// A service's keywords and the file they are from.
#[derive(Debug)]
pub(super) struct Service {
    pub path: PathBuf,
    pub values: Vec<(&'static str, String)>,
}

/// Finds a service by its name in `file`, else in `PGSERVICEFILE`, else in
/// `~/.pg_service.conf`, and then in the system's file.
pub(super) fn read(env: &Environment, file: Option<&str>, name: &str) -> Result<Service> {
    let explicit = file.map(Path::new).or_else(|| env.path("PGSERVICEFILE"));
    let own = match explicit {
        Some(path) => Some(path.to_owned()),
        None => env.home().map(|home| home.join(".pg_service.conf")),
    };
    // A package's libpq has its folder compiled in; this is Debian's.
    let system = env.path("PGSYSCONFDIR").unwrap_or(Path::new("/etc/postgresql-common"));
    let places = own.into_iter().chain([system.join("pg_service.conf")]);
    let mut looked_in = Vec::new();
    for path in places {
        let text = match bounded::read(&path) {
            // What is not UTF-8 is in a comment, or is refused when it is used.
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if explicit != Some(&path) && error.kind() == ErrorKind::NotFound => {
                continue;
            }
            Err(error) => {
                return Err(Error::usage(format!("cannot read service file {}", path.display()))
                    .caused_by(&error));
            }
        };
        let found = parse(&text, name).map_err(|(line, cause)| {
            Error::usage(format!("service file {}, line {line}", path.display())).because(cause)
        })?;
        if let Some(values) = found {
            return Ok(Service { path, values });
        }
        looked_in.push(path.display().to_string());
    }
    let error = Error::usage(format!("there is no service \"{name}\""));
    Err(match looked_in.is_empty() {
        true => error.because("no service file was found").next("create ~/.pg_service.conf"),
        false => error.because(format!("looked in {}", looked_in.join(" and "))),
    })
}

/// Bytes; the end of the line comes on top.
const LONGEST_LINE: usize = 1020;

pub(super) type Values = Vec<(&'static str, String)>;

/// The keywords of one group; `None` when the group is not there. Errors say the line, from 1.
pub(super) fn parse(text: &str, wanted: &str) -> Result<Option<Values>, (usize, String)> {
    let mut values: Option<Values> = None;
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let fault = |cause: String| Err((at + 1, cause));
        if line.len() > LONGEST_LINE {
            return fault("the line is longer than libpq can read".to_owned());
        }
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(group) = line.strip_prefix('[') {
            if inside {
                break;
            }
            inside = group.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(']'));
            if inside {
                values = Some(Vec::new());
            }
            continue;
        }
        let Some(values) = values.as_mut().filter(|_| inside) else { continue };
        if line.starts_with("ldap") {
            return fault("a look-up in LDAP is not supported".to_owned());
        }
        let Some((name, value)) = line.split_once('=') else {
            return fault("there is no '='".to_owned());
        };
        if name == "service" || name == "servicefile" {
            return fault("a service cannot name another service".to_owned());
        }
        let Some(known) = keyword::find(name) else {
            return fault(dsn::unknown(name));
        };
        // The first one stands, unlike in a connection string.
        if !values.iter().any(|(present, _)| *present == known.name) {
            values.push((known.name, value.to_owned()));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# services\n[a]\nhost=h1\nport=5433\n\n[b]\n  host=h2  \npassword=p = x #1\n\
                        host=h3\n[c]\nservice=a\n[d]\nhosst=x\n";

    #[test]
    fn a_group_is_read_to_its_end() {
        assert_eq!(
            parse(FILE, "a").unwrap().unwrap(),
            [("host", "h1".to_owned()), ("port", "5433".to_owned())]
        );
        assert_eq!(
            parse(FILE, "b").unwrap().unwrap(),
            [("host", "h2".to_owned()), ("password", "p = x #1".to_owned())]
        );
        assert_eq!(parse(FILE, "zz").unwrap(), None);
    }

    #[test]
    fn faults_name_the_line() {
        assert_eq!(parse(FILE, "c").unwrap_err().0, 11);
        assert_eq!(parse(FILE, "d").unwrap_err(), (13, dsn::unknown("hosst")));
    }

    #[test]
    fn a_line_that_libpq_cannot_read_is_a_fault() {
        let file = |length: usize| format!("[a]\nport=1\n#{}\n", "x".repeat(length));
        assert!(parse(&file(1000), "a").is_ok());
        assert_eq!(parse(&file(1100), "a").unwrap_err().0, 3);
    }

    #[test]
    fn the_own_file_comes_before_the_system_file() {
        let folder = tempfile::tempdir().unwrap();
        let system = folder.path().join("sys");
        std::fs::create_dir(&system).unwrap();
        std::fs::write(folder.path().join(".pg_service.conf"), "[a]\nhost=own\n").unwrap();
        std::fs::write(system.join("pg_service.conf"), "[a]\nhost=x\n[s]\nhost=sys\n").unwrap();
        let home = folder.path().to_str().unwrap();
        let list = [("HOME", home), ("PGSYSCONFDIR", system.to_str().unwrap())];
        let env = Environment::from_list(folder.path(), list);
        let host = |name| read(&env, None, name).map(|service| service.values[0].1.clone());
        assert_eq!(host("a").unwrap(), "own");
        assert_eq!(host("s").unwrap(), "sys");
        assert!(host("none").unwrap_err().to_string().contains("looked in"));
    }
}
