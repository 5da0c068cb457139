//! Servers that say no to who logs in.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use super::transcript::{SECRET, case, check};
use crate::harness::impostor::{impostor, message, startup};
use crate::harness::{Cluster, ClusterSpec, Pgtend};

fn to(cluster: &Cluster, user: &str, more: &str) -> impl Fn(Pgtend) -> Pgtend + use<> {
    let url = format!(
        "host=localhost hostaddr=127.0.0.1 port={} user={user} dbname=postgres {more}",
        cluster.port()
    );
    move |pgtend: Pgtend| pgtend.arg("--url").arg(url.clone())
}

pub fn refused() -> BTreeSet<String> {
    let cluster = ClusterSpec::default()
        .hba(
            "host all by_ident all ident
             host all by_gss all gss
             host all by_password all scram-sha-256
             host all by_md5 all md5
             host all stranger,no_login,app,preloading,postgres all trust",
        )
        .start();
    cluster.psql(
        "postgres",
        "CREATE ROLE by_ident LOGIN; CREATE ROLE by_gss LOGIN; CREATE ROLE no_login;
         CREATE ROLE app LOGIN; CREATE ROLE unlisted LOGIN; CREATE ROLE preloading LOGIN;
         CREATE ROLE by_password LOGIN PASSWORD 'right';
         ALTER ROLE preloading SET session_preload_libraries = 'no_such_library';
         CREATE DATABASE closed ALLOW_CONNECTIONS false;
         CREATE DATABASE private; REVOKE CONNECT ON DATABASE private FROM PUBLIC",
    );
    let to = |user, more| to(&cluster, user, more);
    // A pooler's words for a startup parameter that it does not pass on.
    let pooler = impostor(|stream| {
        startup(stream);
        let fields =
            b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter in options: search_path\0\0";
        stream.write_all(&message(b'E', fields)).unwrap();
    });
    check(vec![
        case("unknown-role", to("stranger", ""), 69, r#"note: using --url, localhost:PORT/postgres as stranger
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: role "stranger" does not exist
  next:  check --username, or create the role
  exit:  69
"#).at(&cluster),
        case("no-login", to("no_login", ""), 69, r#"note: using --url, localhost:PORT/postgres as no_login
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: role "no_login" is not permitted to log in
  next:  take another role with --username, or allow it: ALTER ROLE .. LOGIN
  exit:  69
"#).at(&cluster),
        case("no-pg-hba-entry", to("unlisted", ""), 69, r#"note: using --url, localhost:PORT/postgres as unlisted
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: no pg_hba.conf entry for host "127.0.0.1", user "unlisted", database "postgres", no encryption
  next:  add a line for unlisted, postgres and this client to the server's pg_hba.conf
  exit:  69
"#).at(&cluster),
        case("authentication-failed", to("by_ident", ""), 69, r#"note: using --url, localhost:PORT/postgres as by_ident
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: Ident authentication failed for user "by_ident"
  next:  check the server's pg_hba.conf and pg_ident.conf
  exit:  69
"#).at(&cluster),
        case("authentication-unsupported", to("by_gss", ""), 69, r#"note: using --url, localhost:PORT/postgres as by_gss
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: authentication error: unsupported authentication method
  next:  pgtend logs in with a password or a certificate: have pg_hba.conf ask for one
  exit:  69
"#).at(&cluster),
        case(
            "channel-binding",
            |pgtend| {
                to("by_password", "channel_binding=require")(pgtend).env("PGPASSWORD", "right")
            },
            69,
            r#"note: using --url, localhost:PORT/postgres as by_password
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: authentication error: server did not use channel binding
  next:  channel_binding=require needs TLS and a password stored as scram-sha-256
  exit:  69
"#,
        )
        .at(&cluster),
        case("unknown-database", to("app", "dbname=shop"), 69, r#"note: using --url, localhost:PORT/shop as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: database "shop" does not exist
  next:  check --dbname; psql -l lists the databases
  exit:  69
"#).at(&cluster),
        case("database-closed", to("app", "dbname=closed"), 69, r#"note: using --url, localhost:PORT/closed as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: database "closed" is not currently accepting connections
  next:  take another database with --dbname: this one has ALLOW_CONNECTIONS false
  exit:  69
"#).at(&cluster),
        case("no-connect-privilege", to("app", "dbname=private"), 69, r#"note: using --url, localhost:PORT/private as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: permission denied for database "private": User does not have CONNECT privilege.
  next:  grant connect on database private to app
  exit:  69
"#).at(&cluster),
        case("server-option", to("app", "options='-c no_such=1'"), 69, r#"note: using --url, localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: unrecognized configuration parameter "no_such"
  next:  check options (PGOPTIONS), and the settings of role and database (ALTER ROLE .. SET)
  exit:  69
"#).at(&cluster),
        case("server-other", to("preloading", ""), 69, r#"note: using --url, localhost:PORT/postgres as preloading
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: could not access file "no_such_library": No such file or directory (SQLSTATE 58P01)
  next:  look into the server's log at the time of this failure
  exit:  69
"#).at(&cluster),
        case("wrong-kind", to("app", "target_session_attrs=standby"), 69, r#"note: using --url, localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server is not in recovery, and target_session_attrs asks for another kind of server
  next:  give the other host, or another target_session_attrs
  exit:  69
"#).at(&cluster),
        case(
            "startup-parameter",
            |pgtend| {
                let pgtend = pgtend.args(["-h", "127.0.0.1", "-U", "app", "-d", "shop", "-p"]);
                pgtend.arg(pooler.to_string())
            },
            69,
            r#"note: using the command line, 127.0.0.1:PORT/shop as app
error: cannot connect to 127.0.0.1:PORT
  cause: a pooler is in between, and it refuses a startup parameter: unsupported startup parameter in options: search_path
  next:  take options (PGOPTIONS) out, or connect to the server itself
  exit:  69
"#,
        )
        .naming(pooler, "PORT"),
    ])
}

/// The password is named by where it came from, never by itself.
pub fn passwords() -> BTreeSet<String> {
    let cluster = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    cluster.psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'right'");
    let port = cluster.port();
    let write = |pgtend: &Pgtend, name: &str, text: &str| {
        let path = pgtend.home().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        path
    };
    let url = format!("postgresql://app:{SECRET}@localhost:{port}/postgres?hostaddr=127.0.0.1");
    let keywords = format!(
        "host = 'localhost'\nhostaddr = '127.0.0.1'\nport = {port}\nuser = 'app'\ndbname = 'postgres'\n"
    );
    check(vec![
        case("password-missing", to(&cluster, "app", ""), 69, r#"note: using --url, localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server asks for the password of app, and none is known
  next:  set PGPASSWORD, or add a line for localhost:PORT (127.0.0.1) to ~/.pgpass (chmod 0600), or run it on a terminal without --no-password
  exit:  69
"#).at(&cluster),
        case(
            "wrong-password: PGPASSWORD",
            |pgtend| to(&cluster, "app", "")(pgtend).env("PGPASSWORD", SECRET),
            69,
            r#"note: using --url, localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "app" (the password is from PGPASSWORD)
  next:  check --username and the password in PGPASSWORD; one past its VALID UNTIL is refused in the same words
  exit:  69
"#,
        )
        .at(&cluster),
        case("wrong-password: URL", |pgtend| pgtend.args(["--url", &url]), 69, r#"note: using --url, localhost:PORT/postgres as app
note: a password in --url is visible in ps: use ~/.pgpass or PGPASSWORD
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "app" (the password is from --url)
  next:  check --username and the password in --url; one past its VALID UNTIL is refused in the same words
  exit:  69
"#).at(&cluster),
        case(
            "wrong-password: DATABASE_URL",
            |pgtend| pgtend.env("DATABASE_URL", &url),
            69,
            r#"note: using DATABASE_URL, localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "app" (the password is from DATABASE_URL)
  next:  check --username and the password in DATABASE_URL; one past its VALID UNTIL is refused in the same words
  exit:  69
"#,
        )
        .at(&cluster),
        case(
            "wrong-password: password file",
            |pgtend| {
                write(&pgtend, ".pgpass", &format!("# ours\nlocalhost:*:*:app:{SECRET}\n"));
                to(&cluster, "app", "")(pgtend)
            },
            69,
            r#"note: using --url, localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "app" (the password is from HOME/.pgpass, line 2)
  next:  check --username and the password in HOME/.pgpass, line 2; one past its VALID UNTIL is refused in the same words
  exit:  69
"#,
        )
        .at(&cluster),
        case(
            "wrong-password: pgtend.toml",
            |pgtend| {
                let text = format!("[target.prod]\n{keywords}password = '{SECRET}'\n");
                write(&pgtend, "pgtend.toml", &text);
                pgtend.args(["--target", "prod"])
            },
            69,
            r#"note: using prod (pgtend.toml), localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "app" (the password is from prod (pgtend.toml))
  next:  check --username and the password in prod (pgtend.toml); one past its VALID UNTIL is refused in the same words
  exit:  69
"#,
        )
        .at(&cluster),
        case(
            "wrong-password: service",
            |pgtend| {
                let text = format!("[shop]\nhost=localhost\nport={port}\nuser=app\ndbname=postgres\npassword={SECRET}\n");
                let file = write(&pgtend, "services", &text);
                pgtend.env("PGSERVICEFILE", file).env("PGSERVICE", "shop").env("PGHOSTADDR", "127.0.0.1")
            },
            69,
            r#"note: using PGSERVICE, PGHOSTADDR, localhost:PORT/postgres as app
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "app" (the password is from service shop (HOME/services))
  next:  check --username and the password in service shop (HOME/services); one past its VALID UNTIL is refused in the same words
  exit:  69
"#,
        )
        .at(&cluster),
    ])
}
