//! What a source has from elsewhere, and what stays behind when a flag names another place.

use super::application_tests::*;
use super::tests::World;
use super::*;
use crate::settings::SslMode;

/// A run with a flag of each kind that may name another place or user.
fn moved(world: impl Fn() -> World) -> Vec<(&'static str, String, String)> {
    type Change = fn(&mut ConnectArgs);
    let changes: [(&str, Change); 5] = [
        ("none", |_| ()),
        ("same", |args| args.port = Some(6000)),
        ("--host", |args| args.host = Some("localhost".into())),
        ("--port", |args| args.port = Some(6001)),
        ("--username", |args| args.user = Some("other".into())),
    ];
    let run = |(flag, change): (&'static str, Change)| {
        let world = world().args(change);
        (flag, world.shown(), world.resolve().notes.join("\n"))
    };
    changes.into_iter().map(run).collect()
}

#[test]
fn no_password_of_a_source_goes_to_another_place_or_user() {
    let toml = "[target.x]\nservice = 's'\nhost = 'h'\nport = 6000\nuser = 'u'\n";
    let worlds: [&dyn Fn() -> World; 4] = [
        &|| with_file("DATABASE_URL=postgresql://u@h:6000/d\nPGPASSWORD=pw\n"),
        &|| with_file("DATABASE_URL=postgresql://u:pw@h:6000/d\nPGPASSWORD=other\n"),
        &|| {
            let world = World::new(&[]).file(".pg_service.conf", "[s]\ndbname=d\npassword=pw\n");
            world.file("pgtend.toml", toml).args(|args| args.target = Some("x".into()))
        },
        &|| {
            let service = "[s]\nhost=h\nport=6000\nuser=u\ndbname=d\npassword=pw\n";
            World::new(&[("PGSERVICE", "s")]).file(".pg_service.conf", service)
        },
    ];
    for world in worlds {
        for (flag, shown, notes) in moved(world) {
            let stays = flag.starts_with("--");
            assert_eq!(shown.ends_with(" pw"), !stays, "{flag}: {shown}");
            assert_eq!(shown.ends_with(" -"), stays, "{flag}: {shown}");
            let told = notes.contains(&format!("is not used with another {flag}"));
            assert_eq!(told, stays, "{flag}: {notes}");
        }
    }
}

/// An empty password was meant to be none.
#[test]
fn an_empty_password_stays_empty_at_another_place() {
    let world = World::new(&[("PGPASSWORD", "p")])
        .args(|args| args.url = Some("host=h password=''".into()))
        .args(|args| args.port = Some(7));
    assert_eq!(world.shown(), "h:7/me as me -");
}

#[test]
fn the_same_place_named_again_is_no_other() {
    let toml = "[target.a]\nhost = 'db'\nhostaddr = '127.0.0.1'\npassword = 'p'\nuser = 'u'\n";
    let world = || {
        let world = World::new(&[]).file("pgtend.toml", toml);
        world.args(|args| args.target = Some("a".into()))
    };
    let same = world().args(|args| args.host = Some("db".into()));
    assert_eq!(same.shown(), "db:5432/u as u p");
    assert_eq!(same.resolve().target.hosts[0].address.as_deref(), Some("127.0.0.1"));
    assert_eq!(world().args(|args| args.port = Some(5432)).shown(), "db:5432/u as u p");
    let other = world().args(|args| args.host = Some("other".into()));
    assert_eq!(other.shown(), "other:5432/u as u -");
    assert_eq!(other.resolve().target.hosts[0].address, None);
    // The user that would be meant anyhow.
    let toml = "[target.a]\nhost = 'db'\npassword = 'p'\n";
    let world =
        World::new(&[]).file("pgtend.toml", toml).args(|args| args.target = Some("a".into()));
    assert_eq!(world.args(|args| args.user = Some("me".into())).shown(), "db:5432/me as me p");
}

/// The servers beside the primary, as `--read-from` may take them.
fn others(target: &Target) -> Vec<&Target> {
    let replicas = target.replicas.iter().map(|replica| &replica.target);
    replicas.chain(target.backup_server.as_deref()).collect()
}

#[test]
fn every_server_of_an_env_file_has_its_pg_variables() {
    let text = "DATABASE_URL=postgresql://u@h:1/d\nREPLICA_DB_URL=postgresql://u@r:2/d\n\
                DB_READ_REPLICA_URLS=postgresql://u@r:3/d\nDB_BACKUP_URL=postgresql://u@b/d\n\
                PGSSLMODE=verify-full\nPGSSLROOTCERT=/ca.pem\nPGCONNECT_TIMEOUT=4\n\
                PGHOST=h\nPGPASSWORD=pw\nPGTARGETSESSIONATTRS=read-write\n";
    let target = target(text);
    assert_eq!(others(&target).len(), 3);
    for other in others(&target) {
        assert_eq!(other.tls.mode, SslMode::VerifyFull, "{other}");
        assert_eq!(other.given["sslrootcert"], "/ca.pem", "{other}");
        assert_eq!(other.connect_timeout, Some(std::time::Duration::from_secs(4)));
        // Neither place nor password, nor what picks the primary.
        assert!(other.hosts[0].password.is_none() && other.hosts[0].name != "h", "{other}");
        assert_eq!(other.session_attrs, crate::settings::SessionAttrs::Any);
    }
}

#[test]
fn replicas_have_what_the_service_of_their_target_says() {
    let toml = "[target.a]\nservice = 's'\nreplicas = [{ url = 'postgres://r:7' }]\n";
    let service = "[s]\nhost=h\nport=6\nuser=su\ndbname=sd\npassword=sp\nsslmode=verify-ca\n";
    let world = World::new(&[]).file(".pg_service.conf", service).file("pgtend.toml", toml);
    let target = world.args(|args| args.target = Some("a".into())).resolve().target;
    let replica = others(&target)[0];
    assert_eq!(replica.to_string(), "r:7/sd as su");
    assert_eq!(replica.tls.mode, SslMode::VerifyCa);
    assert!(replica.hosts[0].password.is_none());
}

const TLS: [(&str, &str); 2] = [("DB_REQUIRE_SSL", "true"), ("DB_SSL_MODE", "verify-full")];

#[test]
fn tls_of_the_application_holds_for_libpq_s_server() {
    for place in [&[("PGHOST", "h")][..], &[("PGSERVICE", "s")], &[]] {
        let world = World::new(&[&TLS, place].concat()).file(".pg_service.conf", "[s]\nhost=h\n");
        let Resolved { target, .. } = world.resolve();
        assert_eq!(target.tls.mode, SslMode::VerifyFull, "{place:?}");
        assert_eq!(target.origin("sslmode").to_string(), "DB_SSL_MODE");
    }
    let world = World::new(&[("PGHOST", "h"), ("DB_REQUIRE_SSL", "1"), ("PGSSLMODE", "allow")]);
    assert_eq!(world.resolve().target.tls.mode, SslMode::Require);
    let world = World::new(&[("PGHOST", "h"), ("DATABASE_USER", "u"), ("DB_BACKUP_URL", "x")]);
    let unused: Vec<String> = world.resolve().unused.into_iter().map(|one| one.name).collect();
    assert_eq!(unused, ["DATABASE_USER", "DB_BACKUP_URL"]);
}

#[test]
fn tls_of_the_application_that_is_not_used_is_told() {
    let toml = "default_target = 'a'\n[target.a]\nhost = 'h'\n";
    type Change = fn(&mut ConnectArgs);
    let changes: [(&str, Change); 4] = [
        (toml, |_| ()),
        (toml, |args| args.target = Some("a".into())),
        ("", |args| args.url = Some("postgres://h".into())),
        ("", |args| args.host = Some("h".into())),
    ];
    for (at, (text, change)) in changes.into_iter().enumerate() {
        // Without the variable that makes it libpq's own source.
        let run = |variables: &[(&str, &str)]| {
            World::new(variables).file("pgtend.toml", text).args(change).resolve()
        };
        let Resolved { target, unused, notes } = run(&TLS);
        let names: Vec<&str> = unused.iter().map(|unused| unused.name.as_str()).collect();
        if at > 0 {
            assert_eq!(target.tls.mode, SslMode::Prefer);
        }
        assert_eq!(names, ["DB_REQUIRE_SSL", "DB_SSL_MODE"], "{notes:?}");
        let told = notes.join("\n");
        for asked in
            ["DB_REQUIRE_SSL asks for sslmode=require", "DB_SSL_MODE asks for sslmode=verify-full"]
        {
            assert!(told.contains(asked), "{told}");
        }
        let strong = run(&[&TLS[..], &[("PGSSLMODE", "verify-full")]].concat());
        assert!(!strong.notes.join("\n").contains("asks for"), "{:?}", strong.notes);
    }
    // An env file beside a named server.
    let world = with_file("PGSSLMODE=verify-ca\nDB_REQUIRE_SSL=on\n");
    let notes =
        world.args(|args| args.url = Some("postgres://h".into())).resolve().notes.join("\n");
    assert!(notes.contains("PGSSLMODE ("), "{notes}");
    assert!(notes.contains("DB_REQUIRE_SSL ("), "{notes}");
}

#[test]
fn a_file_without_a_server_holds_for_the_host_that_is_given() {
    let text = "DATABASE_USER=u\nDATABASE_PASSWORD=p\nDB_REQUIRE_SSL=true\nPGSSLMODE=verify-ca\n\
                DB_SSL_CA_PATH=/ca.pem\nREPLICA_DB_URL=postgres://r/d\n";
    let world = with_file(text).args(|args| args.host = Some("db".into()));
    assert_eq!(world.shown(), "db:5432/u as u p");
    let Resolved { target, unused, .. } = world.resolve();
    assert_eq!(target.tls.mode, SslMode::VerifyCa);
    assert_eq!(target.given["sslrootcert"], "/ca.pem");
    assert_eq!(unused[0].name, "REPLICA_DB_URL");
    let full = with_file(&format!("{text}DB_SSL_MODE=verify-full\n"));
    let full = full.args(|args| args.host = Some("db".into())).resolve();
    assert_eq!(full.target.tls.mode, SslMode::VerifyFull);
    let other = with_file(text).args(|args| args.host = Some("db".into()));
    assert_eq!(
        other.args(|args| args.user = Some("x".into())).shown(),
        "db:5432/u as x -".replace("/u", "/x")
    );
}

#[test]
fn a_weaker_variable_of_the_application_does_not_win_over_pgsslmode() {
    let url = ("DATABASE_URL", "postgres://u@h/d");
    let world = |weak: (&'static str, &'static str), url: (&'static str, &'static str)| {
        World::new(&[url, weak, ("PGSSLMODE", "verify-full")]).resolve()
    };
    let Resolved { target, notes, .. } = world(("DB_SSL_MODE", "prefer"), url);
    assert_eq!(target.tls.mode, SslMode::VerifyFull);
    assert_eq!(target.origin("sslmode").to_string(), "PGSSLMODE");
    let told = notes.join("\n");
    assert!(told.contains("DB_SSL_MODE and PGSSLMODE disagree: PGSSLMODE wins"), "{told}");
    // A connection string wins, with a note.
    let weak = ("DATABASE_URL", "postgres://u@h/d?sslmode=allow");
    let Resolved { target, notes, .. } = world(("DB_REQUIRE_SSL", "0"), weak);
    assert_eq!(target.tls.mode, SslMode::Allow);
    let told = notes.join("\n");
    assert!(told.contains("PGSSLMODE asks for sslmode=verify-full and is not used"), "{told}");
    let text = "DATABASE_URL=postgres://u@h/d\nDB_SSL_MODE=prefer\nPGSSLMODE=verify-full\n";
    assert_eq!(application_tests::target(text).tls.mode, SslMode::VerifyFull);
}

#[test]
fn what_host_leaves_unused_is_told() {
    let toml = "default_target = 'prod'\n[target.prod]\nhost = 'h'\n";
    let told = |variables: &[(&str, &str)]| {
        let world = World::new(variables).file("pgtend.toml", toml);
        world.args(|args| args.host = Some("x".into())).resolve().notes.join("\n")
    };
    assert!(told(&[]).contains("prod is not used: --host names another server"));
    let url = told(&[("DATABASE_URL", "postgres://u:hunter2@h/d")]);
    assert!(url.contains("DATABASE_URL is not used: --host names another server"), "{url}");
    assert!(!url.contains("hunter2"));
}

#[test]
fn a_password_that_stays_behind_is_told() {
    let told =
        |world: World| world.args(|args| args.host = Some("x".into())).resolve().notes.join("\n");
    let notes = told(World::new(&[("PGHOST", "h"), ("PGPASSWORD", "hunter2")]));
    assert!(notes.contains("PGPASSWORD is not used: PGHOST names another host"), "{notes}");
    assert!(!notes.contains("hunter2"), "{notes}");
    let world = World::new(&[]).file(".pg_service.conf", "[s]\nhost=h\npassword=hunter2\n");
    let notes =
        world.args(|args| args.url = Some("service=s host=x".into())).resolve().notes.join("\n");
    assert!(notes.contains("the password of service s ("), "{notes}");
    assert!(notes.contains("is not used: it is for another host"), "{notes}");
    assert!(!told(World::new(&[("PGPASSWORD", "hunter2")])).contains("PGPASSWORD"));
}

/// What psql 18 refuses and what it takes, tried by hand.
#[test]
fn empty_variables_are_refused_where_psql_does() {
    let refused = [
        ("PGCHANNELBINDING", "channel_binding"),
        ("PGCONNECT_TIMEOUT", "connect_timeout"),
        ("PGGSSENCMODE", "gssencmode"),
        ("PGLOADBALANCEHOSTS", "load_balance_hosts"),
        ("PGMAXPROTOCOLVERSION", "max_protocol_version"),
        ("PGMINPROTOCOLVERSION", "min_protocol_version"),
        ("PGSERVICE", "service"),
        ("PGSSLCERTMODE", "sslcertmode"),
        ("PGSSLMODE", "sslmode"),
        ("PGSSLNEGOTIATION", "sslnegotiation"),
        ("PGTARGETSESSIONATTRS", "target_session_attrs"),
    ];
    for keyword in KEYWORDS {
        let Some(variable) = keyword.variable else { continue };
        let wanted = refused.iter().find(|(name, _)| *name == variable);
        let process = World::new(&[("DATABASE_URL", "postgres://u@h/d"), (variable, "")]);
        let file = with_file(&format!("{SERVER}{variable}=\n"));
        for world in [process, file] {
            let error = world.try_resolve().map(|_| ()).err();
            assert_eq!(error.is_some(), wanted.is_some(), "{variable}: {error:?}");
            if let Some((error, (_, name))) = error.zip(wanted) {
                assert!(error.what().contains(name) && error.what().contains(variable), "{error}");
            }
        }
    }
    // What lies over it is used, as psql does.
    let over =
        World::new(&[("DATABASE_URL", "postgres://u@h/d?sslmode=require"), ("PGSSLMODE", "")]);
    assert_eq!(over.resolve().target.tls.mode, SslMode::Require);
}

#[test]
fn an_empty_key_of_pgtend_toml_is_not_an_absent_one() {
    let run = |keys: &str| {
        let toml = format!(
            "[target.a]\nurl = 'postgres://u:p@h:7/d?sslmode=verify-full&sslrootcert=/ca'\n{keys}\n"
        );
        let world = World::new(&[("PGPASSWORD", "env")]).file("pgtend.toml", &toml);
        world.args(|args| args.target = Some("a".into()))
    };
    for key in ["sslmode", "channel_binding", "target_session_attrs", "connect_timeout", "service"]
    {
        let error = run(&format!("{key} = ''")).try_resolve().map(|_| ()).unwrap_err();
        assert!(error.what().starts_with(&format!("invalid {key} from a (")), "{error}");
    }
    assert_eq!(run("password = ''").shown(), "h:7/d as u -");
    assert_eq!(run("").shown(), "h:7/d as u p");
}

#[test]
fn max_lag_is_read_before_anything_is_dialled() {
    let run =
        |lag: &str| World::new(&[]).args(|args| args.max_lag = Some(lag.into())).try_resolve();
    assert!(run("5m").is_ok());
    let error = run("nonsense").map(|_| ()).unwrap_err();
    assert_eq!((error.what(), error.exit()), ("invalid --max-lag", crate::exit::Exit::Usage));
}

#[test]
fn secrets_of_the_command_line_are_visible_in_ps() {
    let url = "postgres://u:hunter2@h/d?sslpassword=hunter3";
    let notes = World::new(&[]).args(|args| args.url = Some(url.into())).resolve().notes.join("\n");
    assert!(notes.contains("a password in --url is visible in ps"), "{notes}");
    assert!(notes.contains("an sslpassword in --url is visible in ps"), "{notes}");
    assert!(!notes.contains("hunter"), "{notes}");
}

#[test]
fn an_empty_flag_names_no_server() {
    type Change = fn(&mut ConnectArgs);
    let changes: [(&str, Change); 6] = [
        ("--url", |args| args.url = Some(String::new())),
        ("--target", |args| args.target = Some(String::new())),
        ("--env-file", |args| args.env_file = Some("".into())),
        ("--host", |args| args.host = Some(String::new())),
        ("--username", |args| args.user = Some(String::new())),
        ("--dbname", |args| args.dbname = Some(String::new())),
    ];
    for (flag, change) in changes {
        let error =
            World::new(&[("PGHOST", "h")]).args(change).try_resolve().map(|_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{flag} is empty: it may be a variable of a script that is not set")
        );
    }
}
