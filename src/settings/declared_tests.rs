use std::path::Path;

use super::super::env::Environment;
use super::*;

fn declared(name: &str, text: &str) -> Declared {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), text).unwrap();
    let env = Environment::from_list(folder.path(), [("USER", "me")]);
    read(&env, Path::new(name)).unwrap()
}

#[test]
fn a_raw_at_does_not_hide_the_rest() {
    let text = "DATABASE_URL=postgresql://a@b:Xy12pq@9@c.example.com:5432/d?sslmode=require";
    let declared = declared("app", text);
    let server = declared.primary().unwrap();
    assert_eq!(server.fault.as_ref().unwrap().0, UrlFault::Encoding);
    assert_eq!(server.hosts, [("c.example.com".to_owned(), "5432".to_owned())]);
    assert_eq!(server.tls.mode.as_deref(), Some("require"));
    assert_eq!(server.user.as_deref(), Some("a@b"));
}

#[test]
fn nothing_secret_is_declared() {
    let text = "DATABASE_URL=postgresql://u:s3cretvalue1@h.example.com/d?pool_size=3
DATABASE_PASSWORD=s3cretvalue2
JWT_SECRET_KEY=s3cretvalue3
DB_READ_REPLICA_URLS=postgresql://u:s3cretvalue4@h2/d,mysql://u:s3cretvalue5@h3/d
DATA_SOURCE_NAME=postgresql://u:s3cretvalue6@h/d";
    let declared = declared("app", text);
    let shown = format!("{declared:?}{}", serde_json::to_string(&declared).unwrap());
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(declared.servers.len(), 4);
    assert_eq!(declared.conflicts, [("DATABASE_URL".to_owned(), "DATABASE_PASSWORD".to_owned())]);
}

#[test]
fn the_environment_is_that_of_a_variable_or_of_the_name() {
    let of = |name, text| declared(name, text).environment;
    assert_eq!(of(".env.production", "A=b").as_deref(), Some("production"));
    assert_eq!(of("staging.env", "A=b").as_deref(), Some("staging"));
    assert_eq!(of(".env.preprod", "A=b").as_deref(), Some("preprod"));
    assert_eq!(of("app.env", "A=b"), None);
    assert_eq!(of(".env.production", "FLASK_ENV=development").as_deref(), Some("development"));
}

#[test]
fn what_raises_tls_is_counted() {
    let mode = |text| {
        let declared = declared("app", text);
        let tls = declared.primary().map(|server| server.tls.clone()).or(declared.tls).unwrap();
        (tls.mode.unwrap_or_default(), tls.from.unwrap_or_default())
    };
    let pair = |mode: &str, from: &str| (mode.to_owned(), from.to_owned());
    assert_eq!(mode("DB_SSL_MODE=prefer\nDB_REQUIRE_SSL=true"), pair("require", "DB_REQUIRE_SSL"));
    assert_eq!(
        mode("DB_REQUIRE_SSL=true\nDB_SSL_VERIFY_MODE=required\nDB_PRIMARY_SSL_CA=/ca"),
        pair("verify-ca", "DB_SSL_VERIFY_MODE")
    );
    assert_eq!(
        mode("DATABASE_URL=postgresql://u@h/d?sslmode=disable\nDB_SSL_MODE=verify-full"),
        pair("disable", "DATABASE_URL")
    );
    assert_eq!(mode("DATABASE_URL=postgresql://u@h/d"), pair("", ""));
}

#[test]
fn a_value_that_cannot_be_read_is_not_one_that_is_not_set() {
    let text = "DATABASE_URL=postgresql://u@h/d?pool_size=many&max_overflow=7
DB_POOL_SIZE=twenty
DB_MAX_OVERFLOW=inf
DB_POOL_RECYCLE=${NOWHERE}
DB_POOL_PRE_PING=maybe
DB_READ_TIMEOUT=' 30 '
DB_DB_COMMAND_TIMEOUT=5
SQL_ECHO=no";
    let declared = declared("app", text);
    let refused = |name| declared.number(name).unwrap_err();
    assert_eq!(refused("DB_POOL_SIZE"), "DB_POOL_SIZE cannot be read: it is not a number");
    assert_eq!(refused("DB_MAX_OVERFLOW"), "DB_MAX_OVERFLOW cannot be read: it is not a number");
    assert_eq!(
        refused("DB_POOL_RECYCLE"),
        "DB_POOL_RECYCLE refers to ${NOWHERE}, which is not defined here"
    );
    assert!(declared.boolean("DB_POOL_PRE_PING").unwrap_err().contains("it is one of true"));
    assert_eq!(declared.number("DB_READ_TIMEOUT"), Ok(Some(30.0)));
    assert_eq!(declared.number("DB_COMMAND_TIMEOUT"), Ok(Some(5.0)), "by pydantic's name");
    assert_eq!(declared.number("DB_POOL_TIMEOUT"), Ok(None));
    assert_eq!(declared.boolean("SQL_ECHO"), Ok(Some(false)));
    let server = declared.primary().unwrap();
    let why = server.number("pool_size").unwrap_err();
    assert_eq!(why, "pool_size of DATABASE_URL cannot be read: it is not a number");
    assert_eq!(server.number("max_overflow"), Ok(Some(7.0)));
    assert_eq!(server.boolean("pool_pre_ping"), Ok(None));
}
