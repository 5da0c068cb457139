//! Where the server's name comes from, seen through the binary: every source, who wins, and what
//! TLS really does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::pki::{KeyForm, PASSPHRASE, Pki};
use crate::harness::{Cluster, ClusterSpec, Pgtend, TlsVariant};

/// What a dry run says of its choice, and the database it found.
fn chosen(pgtend: Pgtend) -> (String, String) {
    let output = pgtend.args(["backup", "-r", "repo", "--dry-run", "--format=json"]).run();
    let output = output.expect_code(0);
    let note = output.stderr.lines().next().unwrap_or_default().to_owned();
    (note, output.json()["report"]["database"].as_str().unwrap().to_owned())
}

#[test]
fn every_source_is_used_in_its_order() {
    let cluster = Cluster::shared();
    let names = ["by_url", "by_target", "by_variable", "by_libpq", "by_default", "by_flag"];
    let dbs = names.map(|name| cluster.create_db(name));
    let [by_url, by_target, by_variable, by_libpq, by_default, by_flag] =
        dbs.each_ref().map(|db| db.name());
    let port = cluster.port();
    let url = |db: &str| cluster.url(db);
    // Everything at once; each step takes the strongest away.
    let file = format!(
        "default_target = 'usual'\n[target.usual]\nurl = '{}'\n\
         [target.named]\nhost = '127.0.0.1'\nport = {port}\nuser = 'postgres'\ndbname = '{by_target}'\n",
        url(by_default)
    );
    let base = || {
        let pgtend = Pgtend::new();
        fs::write(pgtend.home().join("pgtend.toml"), &file).unwrap();
        pgtend
    };
    let libpq = |pgtend: Pgtend| {
        pgtend
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", port.to_string())
            .env("PGUSER", "postgres")
            .env("PGDATABASE", by_libpq)
    };
    let variable = |pgtend: Pgtend| libpq(pgtend).env("DATABASE_URL", url(by_variable));
    let place = |db: &str| format!("127.0.0.1:{port}/{db} as postgres");
    for (pgtend, title, db) in [
        (variable(base()).args(["--url", &url(by_url)]), "--url", by_url),
        (variable(base()).args(["-d", &url(by_url)]), "--url", by_url),
        (
            variable(base())
                .arg("-d")
                .arg(format!("host=127.0.0.1 port={port} user=postgres dbname={by_url}")),
            "--url",
            by_url,
        ),
        (variable(base()).args(["--target", "named"]), "named (pgtend.toml)", by_target),
        (
            variable(base()).args(["--target", "named", "-d", by_flag]),
            "named (pgtend.toml)",
            by_flag,
        ),
        (variable(base()), "DATABASE_URL", by_variable),
        (libpq(base()), "PGUSER, PGDATABASE, PGHOST, PGPORT", by_libpq),
        (base(), "usual (pgtend.toml)", by_default),
    ] {
        let (note, database) = chosen(pgtend);
        assert_eq!(note, format!("note: using {title}, {}", place(db)));
        assert_eq!(database, db);
    }
    // Another host on the command line is another server than those lying about.
    let flags = ["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "postgres", "-d", by_flag]
        .map(str::to_owned);
    let (note, database) = chosen(base().env("DATABASE_URL", url(by_variable)).args(&flags));
    assert_eq!(note, format!("note: using the command line, {}", place(by_flag)));
    assert_eq!(database, by_flag);
}

#[test]
fn flags_stand_before_and_after_the_command() {
    let db = Cluster::shared().create_db("settings_flags");
    let port = db.cluster().port().to_string();
    let flags = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-d", db.name(), "-r", "repo"];
    let after = Pgtend::new().arg("backup").args(flags).args(["--dry-run", "-q"]);
    after.run().expect_code(0);
    let before = Pgtend::new().args(flags).args(["-q", "backup", "--dry-run"]);
    before.run().expect_code(0);
    let action = Pgtend::new().args(flags).args(["backup", "run", "-q", "--dry-run"]);
    action.run().expect_code(0);
}

/// A password belongs to the place that it was written for.
#[test]
fn a_password_is_not_carried_to_another_host() {
    let cluster = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    cluster
        .psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'right'; GRANT pg_read_all_data TO app");
    let port = cluster.port();
    let url = format!("postgresql://app:right@127.0.0.1:{port}/postgres");
    let run = |more: &[&str]| {
        let pgtend = Pgtend::new().args(["backup", "-r", "repo", "--dry-run"]).args(more);
        pgtend.env("DATABASE_URL", &url).run()
    };
    run(&[]).expect_code(0);
    // The file of passwords serves every way in.
    for passfile in ["passfile", "home"] {
        let pgtend = Pgtend::new().args(["backup", "-r", "repo", "--dry-run", "-U", "app"]);
        let path = pgtend.home().join(if passfile == "home" { ".pgpass" } else { "file" });
        fs::write(&path, format!("127.0.0.1:{port}:*:app:right\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let pgtend = pgtend.args(["-h", "127.0.0.1", "-d", "postgres", "-p", &port.to_string()]);
        let pgtend = if passfile == "home" { pgtend } else { pgtend.env("PGPASSFILE", &path) };
        pgtend.run().expect_code(0);
    }
    let moved = Pgtend::new().args(["backup", "-r", "repo", "--dry-run", "-U", "postgres"]);
    let output = moved.env("DATABASE_URL", &url).run().expect_code(69);
    let note = "note: the password of DATABASE_URL is not used with another --username";
    assert!(output.stderr.contains(note), "{}", output.stderr);
}

/// Seen by the server: which of pgtend's sessions were encrypted, pg_dump's too.
#[test]
fn tls_modes_do_what_they_say() {
    let cluster = ClusterSpec::default()
        .tls(TlsVariant::Good)
        .hba("hostssl all by_cert all cert\nhost all all all trust")
        .set("log_connections", "on")
        .start();
    cluster.psql("postgres", "CREATE ROLE by_cert LOGIN SUPERUSER; CREATE TABLE t AS SELECT 1");
    let pki = Pki::shared();
    let ca = pki.ca.display();
    let run = |user: &str, more: &str| {
        let before = cluster.log().len();
        let url = format!(
            "host=localhost hostaddr=127.0.0.1 port={} user={user} dbname=postgres {more}",
            cluster.port()
        );
        let pgtend = Pgtend::new().args(["backup", "-q", "-j1", "-r", "repo", "--url", &url]);
        let output = pgtend.run().expect_code(0);
        assert_eq!(output.stderr, "", "a child that cannot log in is a warning");
        let log = cluster.log().split_off(before);
        let logins: Vec<_> = log
            .lines()
            .filter(|line| line.contains("connection authorized"))
            .map(str::to_owned)
            .collect();
        assert!(logins.len() >= 4, "coordinator, reader, pg_dump and pg_dumpall: {log}");
        let encrypted = logins.iter().filter(|line| line.contains("SSL enabled")).count();
        assert!(encrypted == 0 || encrypted == logins.len(), "some in plain text: {log}");
        encrypted > 0
    };
    assert!(!run("postgres", "sslmode=disable"));
    assert!(!run("postgres", "sslmode=allow"));
    assert!(run("postgres", "sslmode=prefer"));
    assert!(run("postgres", "sslmode=require"));
    assert!(run("postgres", &format!("sslmode=verify-ca sslrootcert={ca}")));
    assert!(run("postgres", &format!("sslmode=verify-full sslrootcert={ca}")));
    assert!(run("postgres", &format!("sslmode=verify-full sslrootcert={}", pki.bundle.display())));
    for form in [KeyForm::Pkcs8, KeyForm::Sec1, KeyForm::EncryptedPkcs8] {
        let files = pki.client("by_cert", form);
        let mut more = format!(
            "sslmode=verify-full sslrootcert={ca} sslcert={} sslkey={}",
            files.cert.display(),
            files.key.display()
        );
        if form == KeyForm::EncryptedPkcs8 {
            more.push_str(&format!(" sslpassword='{PASSPHRASE}'"));
        }
        assert!(run("by_cert", &more), "{form:?}");
    }
}

/// The password is asked for on a terminal, and is not shown there.
#[test]
fn a_password_is_asked_for_on_a_terminal() {
    let cluster = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    cluster
        .psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'right'; GRANT pg_read_all_data TO app");
    let pgtend = Pgtend::new().args(["backup", "-r", "repo", "--dry-run", "-U", "app"]);
    let port = cluster.port().to_string();
    let pgtend = pgtend.args(["-h", "127.0.0.1", "-d", "postgres", "-p", &port]);
    let mut command: Command = pgtend.command();
    command.env("TERM", "xterm");
    let mut session = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    let question = format!("Password for user app at 127.0.0.1:{port}: ");
    session.exp_string(&question).unwrap();
    session.send_line("right").unwrap();
    let rest = session.exp_eof().unwrap();
    assert!(rest.contains("dry run: nothing was written"), "{rest}");
    assert!(!rest.contains("right"), "{rest}");
}
