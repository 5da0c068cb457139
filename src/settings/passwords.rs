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
        let key =
            Key { host: passfile_name(host, layer.has("host")), port: host.port, database, user };
        host.password = passfile
            .find(key)
            .map(|(line, password)| (password, Origin::Passfile { path: path.clone(), line }));
    }
}

impl Target {
    /// Another database of the same server and its replicas, for the same role. What the password
    /// file says of that one holds; what is in between (a pooler has pools of its own for each) is
    /// not known.
    #[must_use]
    pub fn other_database(&self, database: &str) -> Self {
        let mut target = Self { database: database.to_owned(), between: None, ..self.clone() };
        for replica in &mut target.replicas {
            replica.target = replica.target.other_database(database);
        }
        target.backup_server =
            self.backup_server.as_ref().map(|server| Box::new(server.other_database(database)));
        let from_file =
            |host: &Host| matches!(&host.password, None | Some((_, Origin::Passfile { .. })));
        let Some(path) = self.passfile.clone().filter(|_| target.hosts.iter().any(from_file))
        else {
            return target;
        };
        // A warning about the file was given when the first database was resolved.
        let (passfile, _) = Passfile::read(&path);
        for host in target.hosts.iter_mut().filter(|host| from_file(host)) {
            let name = passfile_name(host, self.given.contains_key("host"));
            let key = Key { host: name, port: host.port, database, user: &self.user };
            host.password = passfile
                .find(key)
                .map(|(line, password)| (password, Origin::Passfile { path: path.clone(), line }));
        }
        target
    }
}

/// The default socket goes by the name of localhost, other sockets by their folder.
fn passfile_name(host: &Host, host_given: bool) -> &str {
    let chosen = !host_given && host.socket().is_some();
    // Anybody can make a socket in /tmp, so there it has to have been looked for by default.
    let usual = SOCKET_FOLDERS.iter().any(|folder| *folder == host.name)
        && Path::new(&host.name) != Path::new("/tmp");
    if chosen || usual { "localhost" } else { host.tls_name() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::settings::{ConnectArgs, Environment, Settings};

    /// The password for `app`, and the one for `shop` on the same server.
    fn passwords(url: &str) -> [Option<String>; 2] {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".pgpass");
        std::fs::write(&file, "h:5432:app:me:one\nh:5432:shop:me:two\nlocalhost:*:shop:me:three\n")
            .unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let list = [("HOME", home.path().to_str().unwrap()), ("USER", "me")];
        let settings = Settings::load(Environment::from_list(home.path(), list), None).unwrap();
        let args = ConnectArgs { url: Some(url.to_owned()), ..ConnectArgs::default() };
        let app = settings.target(&args).unwrap().target;
        let shop = app.other_database("shop");
        assert_eq!((app.database.as_str(), shop.database.as_str()), ("app", "shop"));
        [app, shop].map(|target| {
            target.hosts[0].password.as_ref().map(|(password, _)| password.expose().to_owned())
        })
    }

    #[test]
    fn another_database_has_its_own_line_of_the_password_file() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(passwords("host=h dbname=app"), [some("one"), some("two")]);
        assert_eq!(passwords("host=h dbname=app password=p"), [some("p"), some("p")]);
        assert_eq!(passwords("host=h dbname=app port=1"), [None, None]);
        assert_eq!(passwords("dbname=app"), [None, some("three")]);
    }
}
