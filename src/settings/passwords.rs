//! Which password goes to which host.

use std::path::{Path, PathBuf};

use super::build::SOCKET_FOLDERS;
use super::env::Environment;
use super::layer::Layer;
use super::origin::Origin;
use super::passfile::{Key, Passfile};
use super::secret::Secret;
use super::target::{Host, Target};

/// The password file: the one that was given, else the one at home.
pub(super) fn passfile(env: &Environment, layer: &Layer) -> Option<PathBuf> {
    let given = layer.get("passfile").map(PathBuf::from);
    given.or_else(|| env.home().map(|home| home.join(".pgpass")))
}

/// Gives each host its password: the one that was given, else its line of the password file.
pub(super) fn add(target: &mut Target, layer: &Layer, notes: &mut Vec<String>) {
    if let Some(password) = layer.get("password") {
        let password = (Secret::new(password), layer.origin("password"));
        for host in &mut target.hosts {
            host.password = Some(password.clone());
        }
        return;
    }
    let Some(path) = target.passfile.clone() else { return };
    let (passfile, warning) = Passfile::read(&path);
    notes.extend(warning);
    for host in &mut target.hosts {
        let (user, database) = (&target.user, &target.database);
        let key = Key { host: passfile_name(host, layer), port: host.port, database, user };
        host.password = passfile
            .find(key)
            .map(|(line, password)| (password, Origin::Passfile { path: path.clone(), line }));
    }
}

/// The default socket goes by the name of localhost, other sockets by their folder.
fn passfile_name<'a>(host: &'a Host, layer: &Layer) -> &'a str {
    let chosen = !layer.has("host") && host.socket().is_some();
    // Anybody can make a socket in /tmp, so there it has to have been looked for by default.
    let usual = SOCKET_FOLDERS.iter().any(|folder| *folder == host.name)
        && Path::new(&host.name) != Path::new("/tmp");
    if chosen || usual { "localhost" } else { host.tls_name() }
}
