//! No secret gets out of settings: a password is planted in files of variables and in pgtend.toml
//! wherever one can stand, in good files and broken ones, and looked for in all that is said.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{ClusterSpec, Pgtend};

/// The heart of the password.
const CORE: &str = "Zq7NobodyMaySeeMe";
/// With what a reader of files may trip over.
const PASSWORD: &str = "pa$Zq7NobodyMaySeeMe #1\"'";
const IN_URL: &str = "pa%24Zq7NobodyMaySeeMe%20%231%22%27";

fn with_file(name: &str, text: &str, more: &[&str]) -> Pgtend {
    let pgtend = Pgtend::new();
    let path = pgtend.home().join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    pgtend.args(more)
}

/// Runs all at once; gives what was said where the secret is in it, or the exit code is another.
fn leaks(runs: Vec<(String, i32, Pgtend)>) -> Vec<String> {
    let started: Vec<_> =
        runs.into_iter().map(|(name, code, pgtend)| (name, code, pgtend.spawn())).collect();
    let ended = started.into_iter().map(|(name, code, run)| {
        let output = run.wait().expect_code(code);
        (name, output.stdout + &output.stderr)
    });
    ended
        .filter(|(_, said)| said.contains(CORE))
        .map(|(name, said)| format!("{name}:\n{said}"))
        .collect()
}

/// The password is read as it is in every way of writing it: the server lets it in.
#[test]
fn a_password_of_a_file_is_the_one_that_was_meant() {
    let cluster = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    let literal = PASSWORD.replace('\'', "''");
    cluster.psql("postgres", &format!("CREATE ROLE app LOGIN PASSWORD '{literal}'"));
    let (place, double) =
        (format!("127.0.0.1:{}/postgres", cluster.port()), PASSWORD.replace('"', "\\\""));
    let parts = format!(
        "DATABASE_HOST=127.0.0.1\nDATABASE_PORT={}\nDATABASE_NAME=postgres\nDATABASE_USER=app\n",
        cluster.port()
    );
    let single = PASSWORD.replace('\'', "\\'");
    let ways = [
        format!("DATABASE_URL=postgresql://app:{IN_URL}@{place}\n"),
        format!("{parts}DATABASE_PASSWORD='{single}'\n"),
        format!("{parts}export DATABASE_PASSWORD=\"{double}\" # it's \"quoted\"\n"),
        format!("{parts}SECRET='{single}'\nDATABASE_PASSWORD=${{SECRET}}\n"),
        format!("SECRET={IN_URL}\nDATABASE_URL=postgresql://app:${{SECRET}}@{place}\r\n"),
    ];
    let runs = ways.iter().flat_map(|text| {
        [("table", "-v"), ("json", "-q")].map(|(format, talk)| {
            let flags = ["--show-server", "--env-file", "app.env", talk, "--format", format];
            (text.clone(), 0, with_file("app.env", text, &flags))
        })
    });
    let found = leaks(runs.collect());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_secret_of_a_file_is_shown() {
    let url = format!("postgresql://u:{IN_URL}@192.0.2.1/d");
    let broken = format!("postgresql://u:{CORE}/x@h/d");
    let server = "DATABASE_URL=postgresql://u@192.0.2.1/d\n";
    let files = [
        (0, format!("DATABASE_URL={url}")),
        (0, format!("PRIMARY_DB_URL={url}\nDATABASE_URL={url}?sslpassword={CORE}")),
        (0, format!("DATABASE_HOST=h\nDATABASE_PASSWORD='{CORE}'")),
        (0, format!("PGHOST=h\nPGPASSWORD=\"{CORE}\"")),
        (
            0,
            format!(
                "{server}DB_READ_REPLICA_URLS={url},{url}\nREPLICA_DB_URL={url}\nDB_BACKUP_URL={url}"
            ),
        ),
        (
            0,
            format!(
                "{server}DB_READ_REPLICA_URLS={broken},x\nREPLICA_DB_URL={broken}\nDB_BACKUP_URL={broken}"
            ),
        ),
        (
            0,
            format!(
                "{server}JWT_SECRET_KEY={CORE}\nVAULT_SECRET_ID={CORE}\nDATA_SOURCE_NAME={url}"
            ),
        ),
        (
            0,
            format!(
                "{server}DATABASE_PASSWORD={CORE}\nDB_PASSWORD={CORE}\nDB_XYZ={CORE}\nOTHER={CORE}"
            ),
        ),
        (0, format!("{server}DB_POOL_SIZE={CORE}\nSQL_ECHO={CORE}")),
        (64, format!("DATABASE_URL={broken}")),
        (64, format!("DATABASE_URL={CORE}")),
        (64, format!("{server}DB_REQUIRE_SSL={CORE}")),
        (64, format!("{server}DB_SSL_MODE={CORE}")),
        (64, format!("{server}DB_READ_REPLICA_1_WEIGHT={CORE}")),
        (64, format!("{server}A='{CORE}")),
        (64, format!("{server}A='{CORE}' {CORE}")),
        (64, format!("{server}{CORE} {CORE}")),
        (64, format!("DATABASE_URL=postgresql://u:${{X:?{CORE}}}@h/d")),
    ];
    let mut runs = Vec::new();
    for (code, text) in &files {
        for format in ["table", "json", "toml"] {
            let flags = ["--show-settings", "--env-file", ".env", "-v", "--format", format];
            runs.push((format!("{format} of {text}"), *code, with_file(".env", text, &flags)));
        }
    }
    let found = leaks(runs);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_secret_of_pgtend_toml_is_shown() {
    let url = format!("postgresql://u:{IN_URL}@192.0.2.1/d");
    let targets = [
        (0, format!("url = '{url}'")),
        (0, format!("host = 'h'\npassword = '{CORE}'\nsslpassword = '{CORE}'")),
        (0, format!("host = 'h'\npassword_command = 'PASSWORD={CORE} printenv PASSWORD'")),
        (0, format!("host = 'h'\nreplicas = [{{ url = '{url}' }}]")),
        (0, format!("host = 'h'\nreplicas = [{{ url = 'postgresql://u:{CORE}/x@h' }}]")),
        (64, format!("host = 'h'\nreplicas = [{{ urll = '{url}' }}]")),
        (64, format!("host = 'h'\nreplicas = '{url}'")),
        (64, format!("host = 'h'\npassword_command = ['{CORE}']")),
        (64, format!("host = 'h'\npassword_comand = '{CORE}'")),
        (64, format!("host = 'h'\npassword_command = \"{CORE}")),
    ];
    let mut runs = Vec::new();
    for (code, text) in &targets {
        let file = format!("default_target = 'a'\n[target.a]\n{text}\n");
        for format in ["table", "json", "toml"] {
            let flags = ["--show-settings", "-v", "--format", format];
            let pgtend = with_file("pgtend.toml", &file, &flags);
            runs.push((format!("{format} of {text}"), *code, pgtend));
        }
    }
    let found = leaks(runs);
    assert!(found.is_empty(), "{}", found.join("\n"));
}
