//! Precedence, overlays, and which password goes where.

use super::*;
use crate::settings::{Settings, SslMode};

pub(super) struct World {
    pub folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    args: ConnectArgs,
}

impl World {
    pub fn new(variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self { folder, variables: Vec::new(), args: ConnectArgs::default() };
        let home = world.folder.path().to_str().unwrap().to_owned();
        for (name, value) in [("HOME", home.as_str()), ("USER", "me")].iter().chain(variables) {
            world.variables.push(((*name).to_owned(), (*value).to_owned()));
        }
        world
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        self
    }

    pub fn args(mut self, change: impl FnOnce(&mut ConnectArgs)) -> Self {
        change(&mut self.args);
        self
    }

    pub fn try_resolve(&self) -> Result<Resolved> {
        let list = self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let env = Environment::from_list(self.folder.path(), list);
        Settings::load(env, None)?.target(&self.args)
    }

    pub fn resolve(&self) -> Resolved {
        self.try_resolve().unwrap()
    }

    /// The target as text, with the password of each host.
    pub fn shown(&self) -> String {
        let target = self.resolve().target;
        let passwords: Vec<&str> = target
            .hosts
            .iter()
            .map(|host| host.password.as_ref().map_or("-", |(secret, _)| secret.expose()))
            .collect();
        format!("{target} {}", passwords.join(","))
    }
}

const FILE: &str = "default_target = 'stage'\n[target.prod]\nurl = 'postgres://app:pp@prod:6000/app'\n\
                    [target.stage]\nhost = 'stage'\n[target.svc]\nservice = 's'\n";

#[test]
fn sources_have_an_order() {
    let all = [
        ("DATABASE_URL", "postgres://u:up@url/db"),
        ("DATABASE_HOST", "aliases"),
        ("PGHOST", "pg"),
    ];
    let world = |count: usize| World::new(&all[count..]).file("pgtend.toml", FILE);
    let flag = |url: &str| {
        let url = Some(url.to_owned());
        world(0).args(|args| args.url = url)
    };
    assert_eq!(flag("postgres://x@flag/d").shown(), "flag:5432/d as x -");
    let named = world(0).args(|args| args.target = Some("prod".into()));
    assert_eq!(named.shown(), "prod:6000/app as app pp");
    assert_eq!(world(0).shown(), "url:5432/db as u up");
    assert_eq!(world(1).shown(), "aliases:5432/me as me -");
    assert_eq!(world(2).shown(), "pg:5432/me as me -");
    assert_eq!(world(3).shown(), "stage:5432/me as me -");
}

#[test]
fn a_note_says_which_server_and_why() {
    let world = World::new(&[]).file("pgtend.toml", FILE);
    let notes = world.args(|args| args.target = Some("prod".into())).resolve().notes;
    assert!(notes[0].starts_with("using prod ("), "{notes:?}");
    assert!(notes[0].ends_with("pgtend.toml), prod:6000/app as app"), "{notes:?}");
    let url = World::new(&[]).args(|args| args.url = Some("postgres://u:hunter2@h/d".into()));
    let notes = url.resolve().notes;
    assert!(notes[1].contains("visible in ps"), "{notes:?}");
    assert!(!notes.join(" ").contains("hunter2"), "{notes:?}");
}

#[test]
fn flags_overlay_the_source_but_a_password_stays_behind() {
    let prod = || {
        let world =
            World::new(&[]).file("pgtend.toml", FILE).file(".pgpass", "other:*:*:*:filed\n");
        world.args(|args| args.target = Some("prod".into()))
    };
    assert_eq!(prod().args(|a| a.dbname = Some("x".into())).shown(), "prod:6000/x as app pp");
    assert_eq!(prod().args(|a| a.port = Some(6000)).shown(), "prod:6000/app as app pp");
    let moved = prod().args(|a| a.port = Some(6001));
    assert_eq!(moved.shown(), "prod:6001/app as app -");
    assert!(moved.resolve().notes.iter().any(|note| note.contains("--port")));
    assert_eq!(prod().args(|a| a.host = Some("h2".into())).shown(), "h2:6000/app as app -");
    assert_eq!(
        prod().args(|a| a.host = Some("other".into())).shown(),
        "other:6000/app as app filed"
    );
    assert_eq!(prod().args(|a| a.user = Some("root".into())).shown(), "prod:6000/app as root -");
}

#[test]
fn another_host_leaves_the_ambient_url_alone() {
    let world = World::new(&[("DATABASE_URL", "postgres://u:up@url/db")]);
    assert_eq!(world.args(|args| args.host = Some("h".into())).shown(), "h:5432/me as me -");
}

#[test]
fn pgpassword_goes_where_pghost_points() {
    let world = |list: &[(&str, &str)], host: &str| {
        let host = Some(host.to_owned());
        World::new(list).args(|args| args.host = host).shown()
    };
    assert_eq!(world(&[("PGPASSWORD", "p")], "h"), "h:5432/me as me p");
    assert_eq!(world(&[("PGPASSWORD", "p"), ("PGHOST", "h")], "h"), "h:5432/me as me p");
    assert_eq!(world(&[("PGPASSWORD", "p"), ("PGHOST", "x")], "h"), "h:5432/me as me -");
    assert_eq!(world(&[("PGPASSWORD", "p"), ("PGHOSTADDR", "::1")], "h"), "h:5432/me as me -");
}

#[test]
fn the_service_file_beats_the_environment() {
    let services = "[s]\nhost=svc\nport=7000\npassword=sp\n";
    let world = || {
        World::new(&[("PGSERVICE", "s"), ("PGHOST", "pg"), ("PGUSER", "pu"), ("PGDATABASE", "pd")])
            .file(".pg_service.conf", services)
    };
    assert_eq!(world().shown(), "svc:7000/pd as pu sp");
    assert_eq!(world().args(|args| args.host = Some("h".into())).shown(), "h:7000/pd as pu -");
    let target = world().file("pgtend.toml", FILE).args(|args| args.target = Some("svc".into()));
    assert_eq!(target.shown(), "svc:7000/me as me sp");
}

#[test]
fn a_target_takes_neither_place_nor_user_from_the_environment() {
    let world = World::new(&[("PGPORT", "1"), ("PGUSER", "pu"), ("PGSSLMODE", "require")])
        .file("pgtend.toml", FILE)
        .args(|args| args.target = Some("stage".into()));
    assert_eq!(world.shown(), "stage:5432/me as me -");
    assert_eq!(world.resolve().target.tls.mode, SslMode::Require);
}

#[test]
fn a_target_takes_pgpassword_when_no_other_place_is_named() {
    let world = |list: &[(&str, &str)]| {
        let world = World::new(list).file("pgtend.toml", FILE);
        world.args(|args| args.target = Some("stage".into())).shown()
    };
    assert_eq!(world(&[("PGPASSWORD", "p")]), "stage:5432/me as me p");
    assert_eq!(world(&[("PGPASSWORD", "p"), ("PGPORT", "5432")]), "stage:5432/me as me p");
    assert_eq!(world(&[("PGPASSWORD", "p"), ("PGPORT", "1")]), "stage:5432/me as me -");
    assert_eq!(world(&[("PGPASSWORD", "p"), ("PGHOST", "x")]), "stage:5432/me as me -");
}

#[test]
fn the_password_file_is_asked_per_host() {
    let world = World::new(&[]).file(".pgpass", "a:*:*:*:one\nb:5433:*:*:two\nlocalhost:*:*:*:l\n");
    let with = |url: &str| {
        let url = Some(url.to_owned());
        let world =
            World::new(&[]).file(".pgpass", "a:*:*:*:one\nb:5433:*:*:two\nlocalhost:*:*:*:l\n");
        world.args(|args| args.url = url).shown()
    };
    assert_eq!(with("postgres://u@a,b:5433,c/d"), "a:5432,b:5433,c:5432/d as u one,two,-");
    assert!(with("postgres://u@%2Fvar%2Frun%2Fpostgresql/d").ends_with(" l"));
    assert!(with("postgres://u@%2Ftmp/d").ends_with(" -"));
    assert!(world.shown().ends_with(" l"));
}

#[test]
fn database_name_may_be_a_connection_string() {
    let world = World::new(&[]).args(|args| args.dbname = Some("host=h dbname=d".into()));
    assert_eq!(world.shown(), "h:5432/d as me -");
}

#[test]
fn values_are_checked_and_never_shown() {
    let refused = |url: &str| {
        let url = Some(url.to_owned());
        World::new(&[]).args(|args| args.url = url).try_resolve().unwrap_err()
    };
    for (url, word) in [
        ("postgres://u:pa/ss@h/db", "port"),
        ("postgres://h/d?sslmode=on", "sslmode"),
        ("postgres://h/d?sslcrl=x", "sslcrl"),
        ("postgres://h/d?require_auth=scram-sha-256", "require_auth"),
        ("postgres://h/d?gssencmode=require", "gssencmode"),
        ("postgres://a,b:1,c:2/d?port=1,2", "ports"),
        ("host=a,b hostaddr=127.0.0.1", "host names"),
        ("postgres://h/d?sslrootcert=system&sslmode=require", "verify-full"),
        ("postgres://h/d?sslnegotiation=direct", "direct"),
        ("postgres://h:0/d", "port"),
    ] {
        let error = refused(url);
        assert_eq!(error.exit(), crate::exit::Exit::Usage, "{url}");
        assert!(error.what().contains(word), "{url}: {error}");
    }
    assert!(!refused("postgres://u:hunter2/ss@h/db").to_string().contains("hunter2"));
}

#[test]
fn the_repository_has_an_order() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("pgtend.toml"),
        "repo = 'top'\ndefault_target = 'a'\n[target.a]\nrepo = 'ta'\n[target.b]\nrepo = 'tb'\n[target.c]\n",
    )
    .unwrap();
    let settings = |list: &[(&'static str, &'static str)]| {
        let env = Environment::from_list(folder.path(), list.iter().copied());
        Settings::load(env, None).unwrap()
    };
    let both = settings(&[("PGTEND_REPO", "env")]);
    assert_eq!(both.repo(Some("flag"), None).unwrap(), "flag");
    assert_eq!(both.repo(None, Some("b")).unwrap(), "env");
    let file = settings(&[]);
    assert_eq!(file.repo(None, Some("b")).unwrap(), "tb");
    assert_eq!(file.repo(None, Some("c")).unwrap(), "top");
    assert_eq!(file.repo(None, None).unwrap(), "ta");
    let empty = Environment::from_list(Path::new("/nowhere"), []);
    let error = Settings::load(empty, None).unwrap().repo(None, None).unwrap_err();
    assert!(error.next_steps()[0].contains("PGTEND_REPO"));
}

/// What psql showed as the oracle.
#[test]
fn an_explicit_empty_value_keeps_lower_sources_out() {
    let world = |url: &str| {
        let url = url.to_owned();
        World::new(&[("PGUSER", "env"), ("PGDATABASE", "env"), ("PGPORT", "6000")])
            .args(|args| args.url = Some(url))
    };
    assert_eq!(world("host=h").shown(), "h:6000/env as env -");
    assert_eq!(world("host=h user='' dbname='' port=''").shown(), "h:5432/me as me -");
    for word in ["sslmode", "target_session_attrs", "connect_timeout", "keepalives", "gssencmode"] {
        let error = world(&format!("host=h {word}=''")).try_resolve().unwrap_err();
        assert_eq!(error.to_string(), format!("invalid {word} from --url: it is empty"));
    }
    world("host=h ssl_min_protocol_version='' sslsni='' sslrootcert='' passfile=''").resolve();
}

#[test]
fn the_password_of_another_host_is_not_used_for_the_default_socket() {
    let world = World::new(&[("PGHOST", "db"), ("PGPASSWORD", "secret")]);
    let target = world.args(|args| args.url = Some("host=''".to_owned())).resolve().target;
    assert_eq!(target.hosts[0].password, None);
}

#[test]
fn words_are_in_small_letters_and_numbers_have_32_bits() {
    let resolve =
        |url: &str| World::new(&[]).args(|args| args.url = Some(url.to_owned())).try_resolve();
    for (url, right) in [
        ("host=h sslmode=Require", false),
        ("host=h channel_binding=PREFER", false),
        ("host=h ssl_min_protocol_version=tlsv1.2", true),
        ("host=h connect_timeout=99999999999", false),
        ("host=h sslsni=yes", true),
        ("host=h max_protocol_version=3.0", true),
        ("host=h max_protocol_version=2", false),
        ("host=h replication=off", true),
        ("host=h replication=on", false),
        ("host=h oauth_issuer=x", true),
        ("host=h scram_client_key=''", false),
    ] {
        assert_eq!(resolve(url).is_ok(), right, "{url}");
    }
}

#[test]
fn a_connection_string_where_a_name_belongs_is_refused_and_not_repeated() {
    let url = "postgresql://u:hunter2@h/d";
    let keywords = "host=x password=hunter2";
    for text in [url, keywords] {
        let named = [
            ConnectArgs { target: Some(text.into()), ..Default::default() },
            ConnectArgs { env_file: Some(text.into()), ..Default::default() },
            ConnectArgs { config: Some(text.into()), ..Default::default() },
            ConnectArgs { user: Some(text.into()), ..Default::default() },
        ];
        for args in named {
            let error = args.check().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert_eq!(error.next_steps(), ["give a connection string with --url"]);
        }
        for variable in ["DATABASE_HOST", "PGHOST"] {
            let error = World::new(&[(variable, text)]).try_resolve().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert_eq!(error.next_steps(), ["give a connection string with --url"]);
        }
        let host = World::new(&[]).args(|args| args.host = Some(text.to_owned()));
        assert!(!host.try_resolve().unwrap_err().to_string().contains("hunter2"));
    }
    let host = |name: &'static str| World::new(&[]).args(|args| args.host = Some(name.to_owned()));
    assert!(host("u:hunter2@h").try_resolve().is_err());
    for right in ["h", "@abstract", "/a=b/c@d", "::1"] {
        host(right).resolve();
    }
}
