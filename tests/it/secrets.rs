//! No secret gets out: one unique password is planted everywhere one can be given, every command
//! runs with it with good and bad logins, and then it is looked for in all that was said and
//! written, in the server's log and in the arguments of every process.
//!
//! The one place allowed is pgtend's own command line when the operator put it there, and then
//! a note says that others can see it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::harness::{Cluster, ClusterSpec, Pgtend};

/// The heart of a password where nobody looks at the arguments of processes.
const CORE: &str = "Zq7NobodyMaySeeMe";

/// The password of one test: no other test, and no other run on this machine, has it in its
/// arguments.
struct Planted {
    /// The heart of it: it survives every way of quoting.
    core: String,
}

impl Planted {
    fn new(test: &str) -> Self {
        Self { core: format!("Zq7{test}{}NobodyMaySeeMe", std::process::id()) }
    }

    /// With what has to be quoted around it.
    fn password(&self) -> String {
        format!("'{}\\ @/", self.core)
    }

    fn in_url(&self) -> String {
        format!("%27{}%5C%20%40%2F", self.core)
    }

    fn in_keywords(&self) -> String {
        format!(r"'\'{}\\ @/'", self.core)
    }
}

/// Who may log in with the planted password, and who may not.
const GOOD: &str = "good";
const BAD: &str = "bad";

/// The ways that a password is given in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Url,
    Keywords,
    DatabaseUrl,
    DatabasePassword,
    Variable,
    Passfile,
    OwnPassfile,
    Target,
    TargetUrl,
    Service,
    Command,
}

const WAYS: [Way; 11] = [
    Way::Url,
    Way::Keywords,
    Way::DatabaseUrl,
    Way::DatabasePassword,
    Way::Variable,
    Way::Passfile,
    Way::OwnPassfile,
    Way::Target,
    Way::TargetUrl,
    Way::Service,
    Way::Command,
];

impl Way {
    /// Whether the operator put it where `ps` shows it.
    fn is_argument(self) -> bool {
        matches!(self, Self::Url | Self::Keywords)
    }

    fn give(self, pgtend: Pgtend, planted: &Planted, port: u16, user: &str, db: &str) -> Pgtend {
        let password = planted.password();
        let in_url = planted.in_url();
        let home = pgtend.home().to_owned();
        let write = |name: &str, text: &str| {
            let path = home.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
            path
        };
        let url = format!("postgresql://{user}:{in_url}@127.0.0.1:{port}/{db}");
        let keywords = format!("host=127.0.0.1 port={port} user={user} dbname={db}");
        // In a password file the backslash escapes.
        let line = format!("127.0.0.1:{port}:{db}:{user}:{}", password.replace('\\', "\\\\"));
        let literal = format!("\"{}\"", password.replace('\\', "\\\\"));
        let port = port.to_string();
        let flags = ["-h", "127.0.0.1", "-p", &port, "-U", user, "-d", db];
        match self {
            Self::Url => pgtend.args(["--url", &url]),
            Self::Keywords => {
                pgtend.args(["-d", &format!("{keywords} password={}", planted.in_keywords())])
            }
            Self::DatabaseUrl => pgtend.env("DATABASE_URL", url),
            Self::DatabasePassword => pgtend
                .env("DATABASE_HOST", "127.0.0.1")
                .env("DATABASE_PORT", &port)
                .env("DATABASE_NAME", db)
                .env("DATABASE_USER", user)
                .env("DATABASE_PASSWORD", &password),
            Self::Variable => pgtend
                .env("PGHOST", "127.0.0.1")
                .env("PGPORT", &port)
                .env("PGUSER", user)
                .env("PGDATABASE", db)
                .env("PGPASSWORD", &password),
            Self::Passfile => pgtend.args(flags).env("PGPASSFILE", write("passwords", &line)),
            Self::OwnPassfile => {
                write(".pgpass", &line);
                pgtend.args(flags)
            }
            Self::Target => {
                let text = format!(
                    "[target.prod]\nhost = '127.0.0.1'\nport = {port}\nuser = '{user}'\n\
                     dbname = '{db}'\npassword = {literal}\n"
                );
                write("pgtend.toml", &text);
                pgtend.args(["--target", "prod"])
            }
            Self::TargetUrl => {
                write("pgtend.toml", &format!("[target.prod]\nurl = '{url}'\n"));
                pgtend.args(["--target", "prod"])
            }
            Self::Command => {
                let file = write("kept", &format!("{password}\n"));
                let text = format!(
                    "[target.prod]\nhost = '127.0.0.1'\nport = {port}\nuser = '{user}'\n\
                     dbname = '{db}'\npassword_command = 'cat {}'\n",
                    file.display()
                );
                write("pgtend.toml", &text);
                pgtend.args(["--target", "prod"])
            }
            Self::Service => {
                let text = format!(
                    "[prod]\nhost=127.0.0.1\nport={port}\nuser={user}\ndbname={db}\n\
                     password={password}\n"
                );
                pgtend.env("PGSERVICEFILE", write("services", &text)).env("PGSERVICE", "prod")
            }
        }
    }
}

/// Looks at the arguments of all processes, again and again.
struct Spy {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<BTreeSet<String>>>,
    thread: Option<JoinHandle<()>>,
}

impl Spy {
    /// Keeps the command lines that hold one of these words.
    fn start(words: &[&str]) -> Self {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(Mutex::new(BTreeSet::new()));
        let (stopped, found) = (Arc::clone(&stop), Arc::clone(&seen));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let lines = command_lines();
                let wanted = lines.filter(|line| words.iter().any(|word| line.contains(word)));
                found.lock().unwrap().extend(wanted);
                thread::sleep(Duration::from_millis(1));
            }
        });
        Self { stop, seen, thread: Some(thread) }
    }

    fn stop(mut self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

fn command_lines() -> impl Iterator<Item = String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let ids = processes.filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit());
    ids.filter_map(|entry| {
        let bytes = fs::read(entry.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
    })
}

/// Those of several named texts that hold the secret.
fn leaks<'a>(core: &str, texts: impl IntoIterator<Item = (String, &'a str)>) -> Vec<String> {
    let leaking = texts.into_iter().filter(|(_, text)| text.contains(core));
    leaking.map(|(name, text)| format!("{name}:\n{text}")).collect()
}

/// Every file below a folder as text; what is compressed is expanded.
fn files(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "zst") {
            bytes = zstd::decode_all(bytes.as_slice()).unwrap();
        }
        found.push((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()));
    }
}

fn server(planted: &Planted) -> Cluster {
    let cluster = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    let literal = planted.password().replace('\'', "''");
    cluster.psql(
        "postgres",
        &format!(
            "CREATE ROLE {GOOD} LOGIN SUPERUSER PASSWORD '{literal}';
             CREATE ROLE {BAD} LOGIN PASSWORD 'another';
             CREATE DATABASE shop;"
        ),
    );
    cluster.psql("shop", "CREATE TABLE t AS SELECT n FROM generate_series(1, 1000) AS n");
    // From here on it logs all that it is told.
    cluster.alter_system(&[
        ("log_statement", "'all'"),
        ("log_connections", "on"),
        ("log_min_duration_statement", "0"),
    ]);
    cluster
}

#[test]
fn no_password_gets_out() {
    let planted = Planted::new("run");
    let core = planted.core.as_str();
    let cluster = server(&planted);
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    let spy = Spy::start(&[core, "pg_dump"]);
    let mut said = Vec::new();
    let mut problems = Vec::new();
    for way in WAYS {
        // Bad logins beside good ones: the time goes into waiting.
        let runs: Vec<_> = [
            (GOOD, 0, "shop", ["-v", "--format=table", "-j1"]),
            // A database has room for one backup at a time.
            (GOOD, 0, "postgres", ["-v", "--format=json", "--dry-run"]),
            (BAD, 69, "shop", ["-v", "--format=table", "-j1"]),
            (BAD, 69, "shop", ["-q", "--format=json", "-j1"]),
        ]
        .map(|(user, code, db, flags)| {
            let pgtend =
                Pgtend::new().args(["backup", "--cluster=one"]).args(flags).arg("-r").arg(&repo);
            (user, code, way.give(pgtend, &planted, cluster.port(), user, db).spawn())
        })
        .into();
        let looks = [
            (GOOD, 0, ["--show-server", "-v", "--format=table"]),
            (GOOD, 0, ["--show-server", "-v", "--format=json"]),
            (BAD, 69, ["--show-server", "-v", "--format=json"]),
            (GOOD, 0, ["--show-settings", "-v", "--format=table"]),
            (GOOD, 0, ["--show-settings", "-v", "--format=json"]),
            (GOOD, 0, ["--show-settings", "-v", "--format=toml"]),
        ]
        .map(|(user, code, flags)| {
            let pgtend = Pgtend::new().args(flags);
            (user, code, way.give(pgtend, &planted, cluster.port(), user, "shop").spawn())
        });
        for (user, code, run) in looks {
            let output = run.wait().expect_code(code);
            said.push((format!("{way:?} as {user}, looking"), output.stdout + &output.stderr));
        }
        for (user, code, run) in runs {
            let output = run.wait().expect_code(code);
            let noted = output.stderr.contains("visible in ps");
            if user == GOOD && noted != way.is_argument() {
                problems.push(format!("{way:?}: the note about ps: {}", output.stderr));
            }
            said.push((format!("{way:?} as {user}"), output.stdout + &output.stderr));
        }
    }
    for arguments in [
        vec!["backup", "list"],
        vec!["backup", "list", "--format=json"],
        vec!["backup", "show", "latest", "--format=json"],
        vec!["verify-backup", "latest", "-v"],
        vec!["verify-backup", "latest", "--format=json"],
    ] {
        let pgtend = Pgtend::new().args(&arguments).arg("-r").arg(&repo);
        let file = pgtend.home().join("pgtend.toml");
        fs::write(&file, format!("[target.prod]\nhost = 'h'\npassword = '{core}'\n")).unwrap();
        fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let output = pgtend.env("PGPASSWORD", planted.password()).run().expect_code(0);
        said.push((arguments.join(" "), output.stdout + &output.stderr));
    }
    let seen = spy.stop();
    said.push(("the server's log".into(), cluster.log()));
    files(&repo, &mut said);

    problems.extend(leaks(core, said.iter().map(|(name, text)| (name.clone(), text.as_str()))));
    let own = env!("CARGO_BIN_EXE_pgtend");
    let arguments = seen.iter().filter(|line| line.contains(core) && !line.starts_with(own));
    problems.extend(arguments.map(|line| format!("arguments: {line}")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));

    // What would make all of the above prove nothing.
    let port = format!("port={}", cluster.port());
    assert!(seen.iter().any(|line| line.contains("pg_dump") && line.contains(&port)), "{seen:?}");
    assert!(seen.iter().any(|line| line.contains(core) && line.starts_with(own)), "{seen:?}");
    for part in ["manifest.json", "verifications/", "globals.sql"] {
        assert!(said.iter().any(|(name, _)| name.contains(part)), "no {part}");
    }
    assert!(cluster.log().contains("password authentication failed for user \"bad\""));
    assert!(!said.iter().any(|(_, text)| text.contains("SCRAM-SHA-256$")), "a role's verifier");
}

/// A connection string that cannot be read is not repeated.
#[test]
fn what_cannot_be_read_is_not_repeated() {
    let mut said = Vec::new();
    for text in [
        "postgresql://app:Zq7NobodyMaySeeMe@h:port/db",
        "postgresql://app:Zq7NobodyMaySeeMe@x@h/db",
        "postgresql://app:%Zq7NobodyMaySeeMe@h/db",
        "postgresql://app@h/db?pasword=Zq7NobodyMaySeeMe",
        "postgresql://app@h/db?sslmode=Zq7NobodyMaySeeMe",
        "host=h pasword=Zq7NobodyMaySeeMe",
        "host=h password='Zq7NobodyMaySeeMe",
        "host=h password=x Zq7NobodyMaySeeMe",
        "host=h port=Zq7NobodyMaySeeMe",
        "host=h connect_timeout=Zq7NobodyMaySeeMe",
        "mysql://app:Zq7NobodyMaySeeMe@h/db",
        "postgresql://app:Zq7NobodyMaySeeMe@h/db?host=/x&load_balance_hosts=Zq7NobodyMaySeeMe",
    ] {
        let runs: Vec<_> = ["table", "json"]
            .into_iter()
            .flat_map(|format| {
                let run = || Pgtend::new().args(["backup", "-v", "-r", "r", "--format", format]);
                [run().args(["--url", text]).spawn(), run().env("DATABASE_URL", text).spawn()]
            })
            .collect();
        for run in runs {
            let output = run.wait().expect_code(64);
            said.push((text.replace(CORE, "*"), output.stdout + &output.stderr));
        }
    }
    let found = leaks(CORE, said.iter().map(|(name, text)| (name.clone(), text.as_str())));
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// A connection string where something else belongs is not repeated either.
#[test]
fn a_slip_is_not_repeated() {
    let strings = [
        format!("postgresql://app:{CORE}@h/db"),
        format!("host=h user=app password={CORE}"),
        format!("https://app:{CORE}@h/db"),
    ];
    let commands: [&[&str]; 6] = [
        &["backup"],
        &["backup", "list"],
        &["backup", "show", "latest"],
        &["restore", "latest"],
        &["verify-backup", "latest"],
        &["--show-settings"],
    ];
    let flags = [
        "--host",
        "--port",
        "--username",
        "--target",
        "--env-file",
        "--config",
        "--read-from",
        "--max-lag",
        "--format",
        "--repo",
        "-W",
    ];
    let variables =
        ["PGHOST", "PGPORT", "PGSERVICE", "PGSSLMODE", "DATABASE_HOST", "DATABASE_PORT"];
    let mut runs = Vec::new();
    for text in &strings {
        for format in ["table", "json"] {
            let start =
                |command: &[&str]| Pgtend::new().args(command).args(["--format", format]).arg("-w");
            for command in commands {
                runs.push((format!("{command:?} behind"), start(command).arg(text)));
            }
            for command in ["restore", "verify-backup", "backup"] {
                let pgtend = start(&[command]).args(["-r", "/nowhere"]).arg(text);
                runs.push((format!("{command} of it"), pgtend));
            }
            for flag in flags {
                let pgtend = start(&["--show-settings", "backup"]).args([flag, text]);
                runs.push((format!("show-settings {flag}"), pgtend));
                let pgtend = start(&["verify-backup", "latest"]).args([flag, text]);
                runs.push((format!("verify-backup {flag}"), pgtend));
            }
            for name in variables {
                runs.push((name.to_owned(), start(&["--show-settings"]).env(name, text)));
            }
        }
    }
    for password in [format!("-p{CORE}"), format!("--password={CORE}"), format!("--port={CORE}")] {
        runs.push((password.clone(), Pgtend::new().args(["backup", "--format=json", &password])));
    }
    runs.push(("-W".to_owned(), Pgtend::new().args(["backup", "--format=json", "-W", CORE])));
    let mut said = Vec::new();
    // A few at a time.
    let mut runs = runs.into_iter().peekable();
    while runs.peek().is_some() {
        let started: Vec<_> =
            runs.by_ref().take(8).map(|(name, pgtend)| (name, pgtend.spawn())).collect();
        for (name, run) in started {
            let output = run.wait();
            assert_ne!(output.code, 70, "{name}: {}", output.stderr);
            said.push((name, output.stdout + &output.stderr));
        }
    }
    let found = leaks(CORE, said.iter().map(|(name, text)| (name.clone(), text.as_str())));
    assert!(found.is_empty(), "{}", found.join("\n"));
    // An address with credentials that is shown for the application.
    let vault = Pgtend::new().args(["--show-settings", "--format", "json"]);
    let output = vault.env("DATABASE_URL", "postgresql://h/d").env("VAULT_URL", &strings[2]).run();
    assert!(output.stdout.contains("VAULT_URL"), "{}", output.stdout);
    assert!(!output.stdout.contains(CORE), "{}", output.stdout);
}

/// The looking itself: a planted leak is found in every place.
#[test]
fn a_planted_leak_is_found() {
    let planted = Planted::new("leak");
    let core = planted.core.as_str();
    let spy = Spy::start(&[core]);
    let mut sleep = std::process::Command::new("sh");
    sleep.args(["-c", "sleep 1; true", &format!("password={core}")]);
    assert!(sleep.status().unwrap().success());
    let seen = spy.stop();
    assert!(!seen.is_empty(), "the arguments of sh");

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("verifications")).unwrap();
    fs::write(
        folder.path().join("manifest.json"),
        format!("{{\"dsn\": \"{}\"}}", planted.in_url()),
    )
    .unwrap();
    let packed = zstd::encode_all(planted.in_keywords().as_bytes(), 1).unwrap();
    fs::write(folder.path().join("verifications/globals.sql.zst"), packed).unwrap();
    let mut found = Vec::new();
    files(folder.path(), &mut found);
    assert_eq!(
        leaks(core, found.iter().map(|(name, text)| (name.clone(), text.as_str()))).len(),
        2
    );
}
