//! Security.

use std::any::Any;
use std::fs;

use super::stage::{Fault, Stage, checked, play};
use crate::harness::activity::{Client, Way};
use crate::harness::pki::{KeyForm, Pki};
use crate::harness::{Cluster, ClusterSpec, Database, TlsVariant, command};

pub const STAGES: &[Stage] = &[
    Stage::new(
        "sec.password_hash",
        "warning",
        "old",
        Fault::Sql("SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD 'secret'"),
    ),
    Stage::new(
        "sec.privileged_login",
        "critical",
        "boss",
        Fault::Acted(|db| {
            db.psql("CREATE ROLE boss LOGIN CREATEROLE");
            let one = || Client::start_in(db.cluster(), db.name(), "boss", "app", Way::Socket);
            Box::new([one(), one(), one()])
        }),
    )
    .with("[check.limits]\n\"sec.privileged_login/sessions\" = { warning = 2, critical = 3 }"),
    Stage::new(
        "sec.public_create",
        "warning",
        "public",
        Fault::Sql("GRANT CREATE ON SCHEMA public TO PUBLIC"),
    ),
    Stage::new(
        "sec.public_connect",
        "info",
        "check_",
        Fault::Sql(
            "DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC',
             current_database()); END $$",
        ),
    )
    .after(
        "DO $$ BEGIN EXECUTE format('REVOKE CONNECT ON DATABASE %I FROM PUBLIC',
         current_database()); END $$",
    ),
    Stage::new(
        "sec.secdef",
        "warning",
        "public.lent()",
        Fault::Sql("ALTER FUNCTION lent() RESET search_path"),
    )
    .after(
        "CREATE FUNCTION lent() RETURNS int LANGUAGE sql SECURITY DEFINER
         SET search_path = pg_catalog AS 'SELECT 1'",
    ),
    Stage::new(
        "sec.pw_expiry",
        "warning",
        "rotated",
        Fault::Acted(|db| {
            db.psql(
                "DO $$ BEGIN EXECUTE format('CREATE ROLE rotated LOGIN VALID UNTIL %L',
                 now() + interval '9 days'); END $$",
            );
            Box::new(())
        }),
    ),
    Stage::new(
        "sec.rls",
        "critical",
        "public.tenants",
        Fault::Sql("CREATE TABLE tenants (id int)"),
    )
    .with("[check]\nrls_required = [\"public.*\"]"),
    Stage::new(
        "sec.client_cert",
        "warning",
        "/",
        Fault::There(|db| {
            let files = Pki::shared().client("postgres", KeyForm::Pkcs8);
            let (cert, key) = (files.cert.display(), files.key.display());
            (Box::new(()), format!("{}?sslcert={cert}&sslkey={key}", db.url()))
        }),
    )
    .with("[check.limits]\n\"sec.client_cert\" = { warning = \"400d\", critical = \"off\" }"),
    Stage::new(
        "sec.server_cert",
        "critical",
        "server",
        Fault::Acted(|db| {
            let files = Pki::shared().server(TlsVariant::ExpiresSoon);
            let data = db.cluster().data_dir();
            fs::copy(files.cert, data.join("server.crt")).unwrap();
            fs::copy(files.key, data.join("server.key")).unwrap();
            reloaded(db, "datestyle", "'German, DMY'")
        }),
    ),
    Stage::new("sec.tls", "critical", "ssl", Fault::Acted(|db| reloaded(db, "ssl", "off"))),
];

/// A new setting, once new sessions have it.
fn reloaded(db: &Database<'_>, name: &str, value: &str) -> Box<dyn Any> {
    db.cluster().alter_system(&[(name, value)]);
    let has = || db.psql(&format!("SHOW {name}")) == value.trim_matches('\'');
    command::until(command::LIMIT, || has().then_some(())).expect("the server reloads");
    Box::new(())
}

fn cluster() -> Cluster {
    let all = "local all all trust\nhost all all 127.0.0.1/32 trust";
    // Where there is no listener on other addresses, TLS is nobody's concern.
    let spec = ClusterSpec::default().tls(TlsVariant::Good).hba(all);
    spec.set("listen_addresses", "'*'").start()
}

#[test]
fn every_check_of_the_family_fires() {
    play(&cluster(), STAGES);
}

#[test]
fn a_plain_role_does_not_see_how_passwords_and_tls_are_set() {
    let cluster = cluster();
    let db = cluster.create_db("check");
    db.psql("CREATE ROLE plain LOGIN");
    let url = db.url().replace("postgres@", "plain@");
    for id in ["sec.password_hash", "sec.tls"] {
        let check = checked(&url, id, "", &[]);
        assert_eq!(check["status"], "unknown", "{check}");
        let grants = check["grants"].as_array().unwrap();
        for grant in grants {
            // A comment may stand behind it.
            db.psql(grant.as_str().unwrap());
        }
        let check = checked(&url, id, "", &[]);
        assert_eq!(check["status"], "healthy", "{id} after {grants:?}: {check}");
    }
}

#[test]
fn row_security_is_judged_by_what_it_does() {
    let cluster = ClusterSpec::default().start();
    let db = cluster.create_db("check");
    db.psql(
        "CREATE ROLE app LOGIN; GRANT CREATE ON SCHEMA public TO app;
         CREATE TABLE off (id int); CREATE POLICY p ON off USING (true);
         CREATE TABLE empty (id int); ALTER TABLE empty ENABLE ROW LEVEL SECURITY;
         CREATE TABLE good (id int); ALTER TABLE good ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON good USING (true);
         SET ROLE app;
         CREATE TABLE own (id int); ALTER TABLE own ENABLE ROW LEVEL SECURITY;
         CREATE POLICY p ON own USING (true)",
    );
    let check = checked(&db.url(), "sec.rls", "", &[]);
    let found: Vec<(&str, &str)> = check["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["object"].as_str().unwrap(), one["level"].as_str().unwrap()))
        .collect();
    let expected = [("public.off", "warning"), ("public.empty", "warning"), ("public.own", "info")];
    assert_eq!(found, expected, "{check}");
}
