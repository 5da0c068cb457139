//! The variables of applications, row by row, and the files that hold them.

use super::tests::World;
use super::*;
use crate::settings::SslMode;
use crate::settings::variables::{Effect, KNOWN, Kind, KnownVariable};
use crate::settings::{ApplicationSetting, Settings};

pub(super) const SERVER: &str = "DATABASE_URL=postgres://u:up@h:6000/d\n";

/// A run with `--env-file` and this text in the file.
pub(super) fn with_file(text: &str) -> World {
    with_file_and(text, &[])
}

pub(super) fn with_file_and(text: &str, variables: &[(&str, &str)]) -> World {
    let world = World::new(variables).file("app.env", text);
    let path = world.folder.path().join("app.env");
    world.args(|args| args.env_file = Some(path))
}

pub(super) fn target(text: &str) -> Target {
    with_file(text).resolve().target
}

pub(super) fn refused(text: &str) -> Error {
    with_file(text).try_resolve().map(|_| ()).unwrap_err()
}

/// What is wrong is told, with the name and not with the value.
pub(super) fn refused_for(text: &str, name: &str, value: &str) {
    let error = refused(text);
    let told = format!("{error:?} {}", error.next_steps().join(" "));
    assert_eq!(error.exit(), crate::exit::Exit::Usage, "{told}");
    assert!(told.contains(name) && !told.contains(value), "{told}");
}

pub(super) fn notes(text: &str) -> String {
    with_file(text).resolve().notes.join("\n")
}

/// A value that fits a row.
fn sample(known: &KnownVariable) -> &'static str {
    match (known.effect, known.kind) {
        (Effect::Keyword("sslmode") | Effect::PrimaryKeyword("sslmode"), _) => "require",
        (Effect::VerifyTls, _) => "required",
        (_, Kind::Boolean) => "true",
        (_, Kind::Number(_)) => "7",
        (_, Kind::Path) => "/nowhere/x.pem",
        (Effect::Url | Effect::Replica | Effect::Replicas | Effect::Backup, _) => {
            "postgres://ru:rp@row:7/rd"
        }
        (_, Kind::Text | Kind::Secret) => "word",
    }
}

pub(super) fn setting(target: &Target, name: &str) -> Option<String> {
    let found = target.application.iter().find(|setting| setting.name == name);
    found.map(|setting| setting.value.clone())
}

/// Every row of the table, from a file and from the process.
#[test]
fn every_variable_has_its_effect() {
    let spellings = KNOWN.iter().flat_map(|known| {
        let plain = known.name.replace("_n_", "_1_");
        // Pydantic's, where the table says that it is known.
        let prefixed = format!("DB_{plain}");
        let prefixed = crate::settings::variables::find(&prefixed).is_some().then_some(prefixed);
        [Some(plain), prefixed].into_iter().flatten().map(move |name| (known, name))
    });
    let mut prefixed = 0;
    for (known, name) in spellings {
        prefixed += usize::from(name.starts_with("DB_DATABASE_"));
        let value = sample(known);
        let base = match known.effect {
            Effect::Url => Vec::new(),
            Effect::Part("host") => vec![("DATABASE_NAME", "d")],
            Effect::Part(_) => vec![("DATABASE_HOST", "h")],
            Effect::Replicas => vec![("DATABASE_URL", "postgres://u:up@h:6000/d")],
            _ => vec![
                ("DATABASE_URL", "postgres://u:up@h:6000/d"),
                ("DB_READ_REPLICA_URLS", "postgres://u@r/d"),
            ],
        };
        let mut variables = base.clone();
        variables.push((&name, value));
        let lines: String = variables.iter().map(|(n, v)| format!("{n}={v}\n")).collect();
        let file = target(&lines);
        has_effect(known, &name, value, &file);
        let process = World::new(&variables).resolve().target;
        has_effect(known, &name, value, &process);
        assert!(process.origins.values().all(|origin| !origin.to_string().contains("line")));
        let without: String = base.iter().map(|(n, v)| format!("{n}={v}\n")).collect();
        if known.effect == Effect::Judged {
            let plain = target(&without);
            assert_eq!((&file.given, file.tls.mode), (&plain.given, plain.tls.mode), "{name}");
        }
    }
    assert!(prefixed > 5, "{prefixed}");
}

fn has_effect(known: &KnownVariable, name: &str, value: &str, target: &Target) {
    let replica = target.replicas.first().map(|replica| &replica.target);
    match known.effect {
        Effect::Url => assert_eq!(target.to_string(), "row:7/rd as ru", "{name}"),
        Effect::Part("password") => {
            let (password, origin) = target.hosts[0].password.as_ref().unwrap();
            assert_eq!(password.expose(), value);
            assert!(origin.to_string().contains(name), "{origin}");
        }
        Effect::Part(keyword) => assert_eq!(target.given[keyword], value, "{name}"),
        Effect::Keyword(keyword) => {
            assert_eq!(target.given[keyword], value, "{name}");
            assert_eq!(replica.unwrap().given[keyword], value, "{name}");
            assert!(target.origin(keyword).to_string().contains(name));
        }
        Effect::PrimaryKeyword(keyword) => {
            assert_eq!(target.given[keyword], value, "{name}");
            assert!(!replica.unwrap().given.contains_key(keyword), "{name}");
        }
        Effect::RequireTls | Effect::VerifyTls => {
            assert_eq!(target.tls.mode, SslMode::Require, "{name}");
            assert_eq!(replica.unwrap().tls.mode, SslMode::Require, "{name}");
            assert!(target.origin("sslmode").to_string().contains(name));
        }
        Effect::Replica => {
            let shown: Vec<String> =
                target.replicas.iter().map(|replica| replica.target.to_string()).collect();
            assert_eq!(shown, ["row:7/rd as ru", "r:5432/d as u"], "{name}");
        }
        Effect::Replicas => assert_eq!(replica.unwrap().to_string(), "row:7/rd as ru", "{name}"),
        Effect::Weight => assert_eq!(target.replicas[0].weight, 7, "{name}"),
        Effect::Backup => {
            let backup = target.backup_server.as_ref().unwrap();
            assert_eq!(backup.to_string(), "row:7/rd as ru", "{name}");
        }
        Effect::Environment => {
            assert_eq!(target.environment.as_ref().unwrap().0, value, "{name}");
        }
        Effect::Judged => {
            let wanted = if known.kind == Kind::Secret { "***" } else { value };
            assert_eq!(setting(target, name).as_deref(), Some(wanted), "{name}");
        }
    }
}

#[test]
fn a_url_wins_and_disagreement_is_told() {
    let text = "DATABASE_URL=postgres://u:up@h:6000/d\nPRIMARY_DB_URL=postgres://p/q\n\
                DATABASE_HOST=other\nDATABASE_PORT=6000\nDATABASE_USER=u\nDATABASE_NAME=e\n";
    let told = notes(text);
    assert_eq!(with_file(text).shown(), "h:6000/d as u up");
    for other in ["PRIMARY_DB_URL", "DATABASE_HOST", "DATABASE_NAME"] {
        let line = format!("DATABASE_URL and {other} disagree: DATABASE_URL wins");
        assert!(told.contains(&line), "{other}: {told}");
    }
    assert!(!told.contains("DATABASE_PORT") && !told.contains("DATABASE_USER"), "{told}");
    let told = notes("DATABASE_URL=postgres://h/d\nDATABASE_PASSWORD=p\n");
    assert!(told.contains("DATABASE_PASSWORD is not used: DATABASE_URL names the server"));
}

#[test]
fn tls_is_never_silently_weaker() {
    let mode = |text: &str| target(&format!("DATABASE_URL=postgres://u@h/d{text}\n")).tls.mode;
    let told = |text: &str| notes(&format!("DATABASE_URL=postgres://u@h/d{text}\n"));
    // The URL wins, and says when that is weaker.
    assert_eq!(mode("?sslmode=require\nDB_SSL_MODE=verify-full"), SslMode::Require);
    let text = told("?sslmode=require\nDB_SSL_MODE=verify-full");
    assert!(text.contains("sslmode=require, which is weaker than DB_SSL_MODE"), "{text}");
    assert_eq!(mode("?sslmode=verify-full\nDB_SSL_MODE=disable"), SslMode::VerifyFull);
    assert!(told("?sslmode=require\nDB_SSL_MODE=disable").contains("disagree on sslmode"));
    assert!(!told("?sslmode=require\nDB_SSL_MODE=require").contains("DB_SSL_MODE"));
    // Of several variables the strongest.
    assert_eq!(mode("\nDB_SSL_MODE=disable\nDATABASE_SSL_MODE=verify-ca"), SslMode::VerifyCa);
    assert_eq!(mode("\nDB_SSL_MODE=verify-ca\nDATABASE_SSL_MODE=disable"), SslMode::VerifyCa);
    assert!(told("\nDB_SSL_MODE=allow\nDATABASE_SSL_MODE=require").contains("it is stronger"));
    // Raised, never lowered.
    for (weak, wanted) in [
        ("disable", SslMode::Require),
        ("prefer", SslMode::Require),
        ("require", SslMode::Require),
        ("verify-full", SslMode::VerifyFull),
    ] {
        assert_eq!(mode(&format!("?sslmode={weak}\nDB_REQUIRE_SSL=true")), wanted, "{weak}");
        assert_eq!(mode(&format!("\nDB_SSL_MODE={weak}\nDB_REQUIRE_SSL=yes")), wanted, "{weak}");
        let off = format!("?sslmode={weak}\nDB_REQUIRE_SSL=false");
        assert_eq!(mode(&off).word(), weak);
    }
    let text = told("?sslmode=disable\nDB_REQUIRE_SSL=1");
    assert!(text.contains("raises sslmode=disable of DATABASE_URL"), "{text}");
    // required: verify-ca with a CA file, require without.
    assert_eq!(mode("\nDB_SSL_VERIFY_MODE=required"), SslMode::Require);
    let with_ca = "\nDB_SSL_VERIFY_MODE=required\nDB_PRIMARY_SSL_CA=/ca.pem";
    assert_eq!(mode(with_ca), SslMode::VerifyCa);
    assert_eq!(mode("\nDB_SSL_VERIFY_MODE=none\nDB_SSL_MODE=allow"), SslMode::Allow);
    let system = "?sslrootcert=system\nDB_REQUIRE_SSL=on\nDB_SSL_VERIFY_MODE=required";
    assert_eq!(mode(system), SslMode::VerifyFull);
    // The environment's own may be stronger.
    let world =
        with_file_and(&format!("{SERVER}DB_REQUIRE_SSL=true"), &[("PGSSLMODE", "verify-ca")]);
    assert_eq!(world.resolve().target.tls.mode, SslMode::VerifyCa);
}

#[test]
fn wrong_values_name_the_variable() {
    for (name, value) in [
        ("DB_REQUIRE_SSL", "hunter2"),
        ("DB_SSL_VERIFY_MODE", "hunter2"),
        ("DB_SSL_MODE", "hunter2"),
        ("DB_CONNECT_TIMEOUT", "hunter2"),
        ("DB_READ_REPLICA_1_WEIGHT", "hunter2"),
        ("DB_READ_REPLICA_1_WEIGHT", "0"),
    ] {
        let shown = if value.len() > 1 { value } else { "\u{0}" };
        refused_for(
            &format!("{SERVER}{name}={value}\n"),
            name,
            shown.trim_matches(['{', '}', '$']),
        );
    }
    refused_for("DATABASE_HOST=h\nDATABASE_PORT=hunter2\n", "DATABASE_PORT", "hunter2");
    refused_for("DATABASE_URL=postgres://u:hunter2/x@h/d\n", "DATABASE_URL", "hunter2");
    refused_for("DATABASE_URL=hunter2\n", "DATABASE_URL", "hunter2");
    let with_mode = "DATABASE_URL=postgres://u@h/d?sslmode=require\nDB_SSL_MODE=hunter2\n";
    refused_for(with_mode, "DB_SSL_MODE", "hunter2");
    // What is only judged does not stop anybody.
    let resolved = with_file(&format!("{SERVER}DB_POOL_SIZE=hunter2\nSQL_ECHO=2\n")).resolve();
    assert_eq!(resolved.unused.len(), 2);
    let told = format!("{:?} {:?}", resolved.notes, resolved.unused);
    assert!(told.contains("DB_POOL_SIZE") && !told.contains("hunter2"), "{told}");
}

#[test]
fn replicas_have_weights() {
    let text = format!(
        "{SERVER}DB_READ_REPLICA_URLS=postgresql://a:p1@r1,r2:6/d, postgresql://b@r3/d\n\
         DB_READ_REPLICA_1_WEIGHT=5\nDB_READ_REPLICA_3_WEIGHT=2\nREPLICA_DB_URL=postgres://c@r4/d\n"
    );
    let Resolved { target, notes, .. } = with_file(&text).resolve();
    let shown: Vec<String> = target
        .replicas
        .iter()
        .map(|replica| format!("{} {}", replica.weight, replica.target))
        .collect();
    assert_eq!(shown, ["1 r4:5432/d as c", "5 r1:5432,r2:6/d as a", "1 r3:5432/d as b"]);
    let told = notes.join("\n");
    assert!(told.contains("DB_READ_REPLICA_3_WEIGHT") && told.contains("no replica 3"), "{told}");
    assert_eq!(target.replicas[1].target.hosts[0].password.as_ref().unwrap().0.expose(), "p1");
}

/// A server that this run does not need may be wrong; one that it needs may not.
#[test]
fn what_is_wrong_with_another_server_matters_when_it_is_read() {
    for (text, needs, other) in [
        ("DB_READ_REPLICA_URLS=postgres://hunter2:x/y@h", ReadFrom::Replica, ReadFrom::Backup),
        ("DB_READ_REPLICA_URLS=${URLS}", ReadFrom::Any, ReadFrom::Primary),
        ("REPLICA_DB_URL=postgres://[PASSWORD]@h/d", ReadFrom::Replica, ReadFrom::Primary),
        ("DB_BACKUP_URL=mysql://hunter2@h/d", ReadFrom::Backup, ReadFrom::Replica),
        ("DB_BACKUP_URL=${URL}", ReadFrom::Backup, ReadFrom::Any),
    ] {
        let name = text.split('=').next().unwrap();
        let world =
            |read| with_file(&format!("{SERVER}{text}\n")).args(|args| args.read_from = read);
        for read in [None, Some(other)] {
            let Resolved { target, notes, .. } = world(read).resolve();
            assert!(target.replicas.is_empty() && target.backup_server.is_none());
            let told = notes.join("\n");
            assert!(told.contains(name) && told.contains("will fail"), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        let error = world(Some(needs)).try_resolve().map(|_| ()).unwrap_err();
        assert!(error.what().contains(name), "{error}");
    }
}

#[test]
fn pydantic_s_prefix_is_known_and_said() {
    let text = "DB_DATABASE_URL=postgres://u@h/d\nDB_DB_POOL_SIZE=7\nDB_DB_SSL_MODE=require\n";
    let Resolved { target, notes, unused } = with_file(text).resolve();
    assert_eq!((target.to_string().as_str(), target.tls.mode), ("h:5432/d as u", SslMode::Require));
    assert_eq!(setting(&target, "DB_DB_POOL_SIZE").as_deref(), Some("7"));
    assert!(unused.is_empty());
    let told = notes.join("\n");
    assert!(told.contains("DB_DB_POOL_SIZE is DB_POOL_SIZE as pydantic reads it"), "{told}");
    let both = "DB_DATABASE_HOST=one\nDATABASE_HOST=two\nDB_DATABASE_USER=u\n";
    assert_eq!(with_file(both).shown(), "two:5432/u as u -");
    let told = with_file(both).resolve().notes.join("\n");
    assert!(
        told.contains("DATABASE_HOST and DB_DATABASE_HOST disagree: DATABASE_HOST wins"),
        "{told}"
    );
}

#[test]
fn unknown_variables_are_listed_with_the_nearest() {
    let unused =
        with_file(&format!("{SERVER}DB_POOLSIZE=3\nDB_XYZ=hunter2\nOTHER=x\n")).resolve().unused;
    let list: Vec<(&str, &str)> =
        unused.iter().map(|unused| (unused.name.as_str(), unused.why.as_str())).collect();
    assert_eq!(
        list,
        [("DB_POOLSIZE", "not known; did you mean DB_POOL_SIZE?"), ("DB_XYZ", "not known")]
    );
}

#[test]
fn settings_of_the_url_are_kept_for_judging() {
    for driver in ["asyncpg", "psycopg", "psycopg2", "psycopg2cffi", "pg8000"] {
        let target = target(&format!(
            "DATABASE_URL=postgresql+{driver}://u@h/d?pool_size=20&max_overflow=10&sslmode=allow\n"
        ));
        let origin = target.origin("host");
        let wanted = [("driver", driver), ("pool_size", "20"), ("max_overflow", "10")];
        let wanted = wanted.map(|(name, value)| ApplicationSetting {
            name: name.to_owned(),
            value: value.to_owned(),
            origin: origin.clone(),
        });
        assert_eq!(target.application, wanted, "{driver}");
        assert_eq!(target.tls.mode, SslMode::Allow);
    }
    let target = target("DATABASE_URL=postgresql+asyncpg://u@h/d?ssl=verify-full\n");
    assert_eq!(target.tls.mode, SslMode::VerifyFull);
}

const PROD: &str = "[target.prod]\nurl = 'postgres://app:pp@prod/app?sslmode=require'\n\
    target_session_attrs = 'read-write'\npassword_command = 'echo hunter2'\ntags = ['a', 'b']\n\
    environment = 'production'\nreplicas = [{ url = 'postgres://r1' }, \
    { url = 'postgres://ro:rp@r2:6/x?sslmode=verify-ca', weight = 5 }]\n";

#[test]
fn a_target_of_pgtend_toml_has_replicas_and_more() {
    let world = || {
        let world = World::new(&[]).file("pgtend.toml", PROD);
        world.args(|args| args.target = Some("prod".into()))
    };
    let target = world().resolve().target;
    assert_eq!(target.tags, ["a", "b"]);
    assert_eq!(target.environment.as_ref().unwrap().0, "production");
    let Some(Login::Command(command)) = &target.login else { panic!("no command") };
    assert_eq!(command.command, "echo hunter2");
    let [first, second] = &target.replicas[..] else { panic!("{:?}", target.replicas) };
    // What its URL leaves out is the target's, but place, password and what picks a server.
    assert_eq!(first.target.to_string(), "r1:5432/app as app");
    assert_eq!((first.weight, first.target.tls.mode), (1, SslMode::Require));
    assert_eq!(first.target.session_attrs, crate::settings::SessionAttrs::Any);
    assert!(first.target.hosts[0].password.is_none() && first.target.login.is_none());
    assert_eq!(second.target.to_string(), "r2:6/x as ro");
    assert_eq!((second.weight, second.target.tls.mode), (5, SslMode::VerifyCa));
    let moved = world().args(|args| args.host = Some("h".into())).resolve();
    assert!(moved.target.login.is_none() && moved.target.replicas.is_empty());
    assert!(moved.notes.iter().any(|note| note.contains("password_command of prod")));
    assert!(!format!("{:?}", moved.notes).contains("hunter2"));
}

#[test]
fn the_settings_file_can_be_named_by_a_variable() {
    let world = World::new(&[]).file("other.toml", "[target.a]\nhost = 'ah'\n");
    let list = [("PGTEND_CONFIG", "other.toml"), ("USER", "me")];
    let env = Environment::from_list(world.folder.path(), list);
    let args = ConnectArgs { target: Some("a".into()), ..ConnectArgs::default() };
    let target = Settings::load(env, None).unwrap().target(&args).unwrap().target;
    assert_eq!(target.to_string(), "ah:5432/me as me");
}
