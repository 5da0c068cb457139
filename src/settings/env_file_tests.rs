//! `--env-file`: which file, which server of it, and what lies over it.

use std::path::PathBuf;

use super::application_tests::*;
use super::tests::World;
use super::*;
use crate::settings::SslMode;

#[test]
fn a_file_is_explicit_and_beats_what_lies_about() {
    let ambient = [
        ("DATABASE_URL", "postgres://x:xp@ambient/x"),
        ("DB_SSL_MODE", "verify-full"),
        ("DB_POOL_SIZE", "9"),
        ("PGHOST", "pg"),
        ("PGUSER", "pu"),
        ("PGPASSWORD", "pp"),
        ("PGCONNECT_TIMEOUT", "3"),
    ];
    let world = with_file_and(SERVER, &ambient);
    assert_eq!(world.shown(), "h:6000/d as u up");
    let target = world.resolve().target;
    assert_eq!((target.tls.mode, setting(&target, "DB_POOL_SIZE")), (SslMode::Prefer, None));
    // What is no place holds, as for a target of pgtend.toml.
    assert_eq!(target.connect_timeout, Some(std::time::Duration::from_secs(3)));
    // No user in the URL: not the environment's.
    let world = with_file_and("DATABASE_URL=postgres://h/d", &ambient);
    assert_eq!(world.shown(), "h:5432/d as me -");
}

#[test]
fn pg_variables_of_the_file_count_below_its_url() {
    let text = "DATABASE_URL=postgres://h/d\nPGUSER=pu\nPGHOST=other\nPGSSLMODE=require\n";
    assert_eq!(with_file(text).shown(), "h:5432/d as pu -");
    assert_eq!(target(text).tls.mode, SslMode::Require);
    assert_eq!(target(&format!("{text}DB_SSL_MODE=verify-ca")).tls.mode, SslMode::VerifyCa);
    let text = format!("{SERVER}PGREQUIRESSL=1\n");
    assert_eq!(target(&text).tls.mode, SslMode::Require);
    assert_eq!(target(&format!("{text}PGSSLMODE=allow\n")).tls.mode, SslMode::Allow);
    let text = "PGHOST=h\nPGPORT=6\nPGPASSWORD=p\nPGDATABASE=d\nPGUSER=u\n";
    assert_eq!(with_file(text).shown(), "h:6/d as u p");
    assert!(notes(text).starts_with("using PGHOST ("), "{}", notes(text));
    // A password for another host stays where it is.
    let text = "DATABASE_URL=postgres://u@h/d\nPGHOST=other\nPGPASSWORD=p\n";
    assert_eq!(with_file(text).shown(), "h:5432/d as u -");
    // libpq's order: the service file is above the variables.
    let world = with_file_and("PGSERVICE=s\nPGHOST=x\nPGUSER=pu\n", &[("PGSERVICE", "none")]);
    let world = world.file(".pg_service.conf", "[s]\nhost=svc\n");
    assert_eq!(world.shown(), "svc:5432/pu as pu -");
}

#[test]
fn a_folder_has_a_file_for_each_environment() {
    let world = |variables: &[(&str, &str)]| {
        let world = World::new(variables)
            .file(".env", "DATABASE_URL=postgres://u@plain/d")
            .file(".env.production", "DATABASE_URL=postgres://u@prod/d");
        let folder = world.folder.path().to_owned();
        world.args(|args| args.env_file = Some(folder))
    };
    assert_eq!(world(&[]).shown(), "plain:5432/d as u -");
    let production = world(&[("ENVIRONMENT", "production")]);
    assert_eq!(production.shown(), "prod:5432/d as u -");
    let (name, origin) = production.resolve().target.environment.unwrap();
    assert_eq!((name.as_str(), origin.to_string().as_str()), ("production", "ENVIRONMENT"));
    assert_eq!(world(&[("ENVIRONMENT", "Production")]).shown(), "prod:5432/d as u -");
    let missing = world(&[("ENVIRONMENT", "staging")]).try_resolve().unwrap_err();
    assert!(missing.what().ends_with(".env.staging"), "{missing}");
    assert!(world(&[("ENVIRONMENT", "../x")]).try_resolve().unwrap_err().what().contains("'/'"));
}

#[test]
fn a_file_that_names_no_server_is_an_error() {
    for text in
        ["", "DB_POOL_SIZE=20\nDB_SSL_MODE=require\n", "DATABASE_PASSWORD=p\nPGPASSWORD=p\n"]
    {
        let error = refused(text);
        assert!(error.what().ends_with("app.env names no server"), "{error}");
        assert!(error.next_steps()[0].contains("DATABASE_URL"));
    }
    // Its settings are judged all the same when the server is named elsewhere.
    let world = with_file("DB_POOL_SIZE=20\n").args(|args| args.host = Some("h".into()));
    assert_eq!(world.shown(), "h:5432/me as me -");
    assert_eq!(setting(&world.resolve().target, "DB_POOL_SIZE").as_deref(), Some("20"));
    let missing = World::new(&[]).args(|args| args.env_file = Some(PathBuf::from("gone")));
    assert!(missing.try_resolve().unwrap_err().what().ends_with("gone"));
    let folder = with_file("").args(|args| args.env_file = None);
    let path = folder.folder.path().to_owned();
    let error = folder.args(|args| args.env_file = Some(path)).try_resolve().unwrap_err();
    assert!(error.next_steps()[0].contains("ENVIRONMENT"), "{error}");
}

#[test]
fn url_and_target_win_over_the_file() {
    let text = "DATABASE_URL=postgres://u:up@h/d\nDB_POOL_SIZE=20\nDB_SSL_MODE=verify-full\n\
                DB_READ_REPLICA_URLS=postgres://r/d\nENVIRONMENT=staging\n";
    let url = with_file(text).args(|args| args.url = Some("postgres://x@y/z".into()));
    let Resolved { target, notes, .. } = url.resolve();
    assert_eq!(target.to_string(), "y:5432/z as x");
    assert_eq!((target.tls.mode, target.replicas.len()), (SslMode::Prefer, 0));
    assert_eq!(setting(&target, "DB_POOL_SIZE").as_deref(), Some("20"));
    assert_eq!(setting(&target, "DB_SSL_MODE").as_deref(), Some("verify-full"));
    assert!(notes[1].contains("app.env is not used: --url names another"), "{notes:?}");
    let named = with_file(text)
        .file("pgtend.toml", "[target.a]\nhost = 'ah'\n")
        .args(|args| args.target = Some("a".into()));
    assert_eq!(named.resolve().target.to_string(), "ah:5432/me as me");
}

#[test]
fn flags_lie_over_the_file_and_the_password_stays_behind() {
    let text = format!("{SERVER}DB_READ_REPLICA_URLS=postgres://ru:rp@r/rd\n");
    let world = with_file(&text).args(|args| args.dbname = Some("x".into()));
    assert_eq!(world.shown(), "h:6000/x as u up");
    // The same database on the replica, by the same rule.
    assert_eq!(world.resolve().target.replicas[0].target.to_string(), "r:5432/x as ru");
    let world = with_file(&text).args(|args| args.host = Some("other".into()));
    assert_eq!(world.shown(), "other:6000/d as u -");
    let Resolved { target, notes, .. } = world.resolve();
    assert!(target.replicas.is_empty());
    assert!(notes.iter().any(|note| note.contains("replicas of another server")), "{notes:?}");
    let world = with_file(&text).args(|args| args.user = Some("root".into()));
    let target = world.resolve().target;
    assert_eq!(target.replicas[0].target.to_string(), "r:5432/rd as root");
    assert!(target.replicas[0].target.hosts[0].password.is_none());
}

#[test]
fn a_file_that_is_judged_hinders_nobody_who_names_the_host() {
    for line in [
        "DATABASE_URL=postgres://u:hunter2%zz@h/d",
        "DATABASE_URL=postgres://u@x:hunter2@h/d",
        "DATABASE_URL=postgres://u:hunter2@h:[PORT]/d",
        "DATABASE_URL=postgres://u:${GONE}@h/d",
        "DATABASE_URL=postgres://u:hunter2@h/d?sslmode=hunter2",
        "DATABASE_HOST=h\nDATABASE_PORT=hunter2",
    ] {
        let text = format!(
            "{line}\nDATABASE_PASSWORD=hunter2\nPGPASSWORD=hunter2\nPGUSER=pu\nDB_POOL_SIZE=20\n\
             DB_REQUIRE_SSL=true\nDB_READ_REPLICA_URLS=postgres://r/d\n"
        );
        let judged = || {
            with_file(&text).args(|args| {
                args.judges_env_file = true;
                args.host = Some("other".into());
            })
        };
        // No password, nor anything else of the file's server.
        assert_eq!(judged().shown(), "other:5432/me as me -", "{line}");
        let Resolved { target, notes, .. } = judged().resolve();
        assert!(target.replicas.is_empty(), "{line}");
        assert_eq!(setting(&target, "DB_POOL_SIZE").as_deref(), Some("20"), "{line}");
        let told = notes.join("\n");
        assert!(notes[1].contains("DATABASE_"), "{told}");
        for words in [
            "app.env is not used: the command line names another",
            "DB_REQUIRE_SSL (",
            "is not used",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(!told.contains("hunter2"), "{told}");
        // Where it is to be obeyed, or nothing but the file says where to connect.
        let changes: [fn(&mut ConnectArgs); 3] = [
            |args| args.judges_env_file = false,
            |args| args.host = None,
            |args| args.read_from = Some(ReadFrom::Replica),
        ];
        for change in changes {
            assert!(judged().args(change).try_resolve().is_err(), "{line}");
        }
    }
}

#[test]
fn what_refers_to_nothing_is_not_empty() {
    let error = refused("DATABASE_URL=postgres://u:${DB_SECRET}@h/d\n");
    assert!(error.what().contains("DATABASE_URL (") && error.what().contains("line 1"), "{error}");
    assert!(error.causes()[0].contains("${DB_SECRET}"), "{error}");
    refused_for("DATABASE_HOST=h\nDATABASE_PASSWORD=${GONE}\n", "GONE", "hunter2");
    // Not needed: no hindrance.
    let text = format!("{SERVER}JWT_SECRET_KEY=${{FROM_VAULT}}\nDB_POOL_SIZE=${{SIZE}}\n");
    let resolved = with_file(&text).resolve();
    assert_eq!(resolved.target.to_string(), "h:6000/d as u");
    assert_eq!(resolved.unused[1].why, "${FROM_VAULT} is not defined");
    assert!(resolved.notes.iter().any(|note| note.contains("FROM_VAULT")));
    let known = with_file_and(&text, &[("FROM_VAULT", "k"), ("SIZE", "5")]).resolve().target;
    assert_eq!(setting(&known, "DB_POOL_SIZE").as_deref(), Some("5"));
    assert_eq!(setting(&known, "JWT_SECRET_KEY").as_deref(), Some("***"));
}

#[test]
fn files_that_do_not_exist_are_told() {
    let told = notes(&format!("{SERVER}DB_SSL_MODE=require\nDB_SSL_CA_PATH=certs/ca.pem\n"));
    assert!(told.contains("sslrootcert certs/ca.pem from DB_SSL_CA_PATH ("), "{told}");
    assert!(
        told.contains(
            "does not exist in the current folder: the server's certificate cannot be verified"
        ),
        "{told}"
    );
    let told = notes(&format!("{SERVER}DB_SSL_CERT_PATH=/x.crt\nDB_SSL_KEY_PATH=/x.key\n"));
    assert!(told.contains("/x.crt") && told.contains("/x.key"), "{told}");
    let told = notes("DATABASE_URL=postgres://u@/d?host=/run&sslrootcert=/x\n");
    assert!(!told.contains("/x "), "{told}");
}
