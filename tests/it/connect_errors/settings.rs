//! Settings that cannot be right: exit 64, and nothing is dialled.

use std::fs;

use super::transcript::{SECRET, case, check};
use crate::harness::Pgtend;

#[test]
fn settings_that_cannot_be_right() {
    let url = |text: &'static str| move |pgtend: Pgtend| pgtend.args(["--url", text]);
    let file = |text: &'static str| {
        move |pgtend: Pgtend| {
            fs::write(pgtend.home().join("pgtend.toml"), text).unwrap();
            pgtend.args(["--target", "prod"])
        }
    };
    let reasons = check(vec![
        case(
            "not a connection string",
            url("postgresql://app:Tr0ub4dor@h:x/db"),
            64,
            r#"error: invalid port from --url
  cause: it is not a number from 1 to 65535
  exit:  64
"#,
        ),
        case(
            "two @",
            url("postgresql://app:Tr0ub4dor@x@h/db"),
            64,
            r#"error: cannot read the connection string of --url
  cause: there are two '@' before the first '/': an '@' inside the user name or the password is written %40
  exit:  64
"#,
        ),
        case(
            "another database",
            url("mysql://app:Tr0ub4dor@h/db"),
            64,
            r#"error: cannot read the connection string of --url
  cause: mysql:// is not PostgreSQL, and pgtend works with PostgreSQL only
  exit:  64
"#,
        ),
        case(
            "unknown sslmode",
            url("postgresql://app:Tr0ub4dor@h/db?sslmode=required"),
            64,
            r#"error: invalid sslmode from --url
  cause: it is one of disable, allow, prefer, require, verify-ca, verify-full
  exit:  64
"#,
        ),
        case(
            "unknown keyword",
            url("postgresql://app:Tr0ub4dor@h/db?sslrotcert=x"),
            64,
            r#"error: cannot read the connection string of --url
  cause: unknown key "sslrotcert"; did you mean "sslrootcert"?
  exit:  64
"#,
        ),
        case(
            "no port",
            url("host=h port=0 password=Tr0ub4dor"),
            64,
            r#"error: invalid port from --url
  cause: it is not a number from 1 to 65535
  exit:  64
"#,
        ),
        case(
            "a bad variable",
            |pgtend| pgtend.args(["-h", "h"]).env("PGSSLMODE", "yes").env("PGPASSWORD", SECRET),
            64,
            r#"error: invalid sslmode from PGSSLMODE
  cause: it is one of disable, allow, prefer, require, verify-ca, verify-full
  exit:  64
"#,
        ),
        case(
            "no authority's certificate",
            url(
                "postgresql://app:Tr0ub4dor@127.0.0.1:9/db?sslmode=verify-full&sslrootcert=/nowhere/ca.pem",
            ),
            64,
            r#"note: using --url, 127.0.0.1:9/db as app
note: a password in --url is visible in ps: use ~/.pgpass or PGPASSWORD
error: root certificate file /nowhere/ca.pem does not exist
  cause: sslmode asks to verify the server's certificate
  next:  give the authority's certificate with sslrootcert, or sslrootcert=system
  exit:  64
"#,
        ),
        case(
            "no authority's certificate by default",
            url("postgresql://app:Tr0ub4dor@127.0.0.1:9/db?sslmode=verify-ca"),
            64,
            r#"note: using --url, 127.0.0.1:9/db as app
note: a password in --url is visible in ps: use ~/.pgpass or PGPASSWORD
error: root certificate file HOME/.postgresql/root.crt does not exist
  cause: sslmode asks to verify the server's certificate
  next:  give the authority's certificate with sslrootcert, or sslrootcert=system
  exit:  64
"#,
        ),
        case(
            "unknown service",
            url("service=shop"),
            64,
            r#"error: there is no service "shop"
  cause: no service file was found
  next:  create ~/.pg_service.conf
  exit:  64
"#,
        ),
        case(
            "url and target",
            |pgtend| file("")(pgtend).args(["--url", "host=h"]),
            64,
            r#"error: --url and --target both name a server
  next:  give one of them
  exit:  64
"#,
        ),
        case(
            "no such target",
            file("[target.production]\nhost = 'h'\n"),
            64,
            r#"error: there is no target "prod" in pgtend.toml
  next:  its targets are: production
  exit:  64
"#,
        ),
        case(
            "no pgtend.toml",
            |pgtend| pgtend.args(["--target", "prod"]),
            64,
            r#"error: there is no target "prod"
  cause: no pgtend.toml was found
  next:  name the file with --config
  exit:  64
"#,
        ),
        case(
            "unknown key",
            file("[target.prod]\nsslrotcert = 'Tr0ub4dor'\n"),
            64,
            r#"error: unknown key target.prod.sslrotcert in pgtend.toml
  next:  did you mean "sslrootcert"?
  exit:  64
"#,
        ),
        case(
            "not TOML",
            file("[target.prod]\npassword = Tr0ub4dor\n"),
            64,
            r#"error: pgtend.toml, line 2: not valid TOML
  cause: invalid boolean, expected `true`
  next:  texts stand in quotes: host = "db.example.com"
  exit:  64
"#,
        ),
        case(
            "a public password",
            file("[target.prod]\nhost = 'h'\npassword = 'Tr0ub4dor'\n"),
            64,
            r#"error: pgtend.toml holds a password and others can read it
  next:  run chmod 0600 pgtend.toml, or put the password into ~/.pgpass
  exit:  64
"#,
        ),
    ]);
    assert!(reasons.is_empty(), "nothing was dialled: {reasons:?}");
}
