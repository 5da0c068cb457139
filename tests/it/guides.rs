//! The connection strings and the environment blocks of the five guides: each means what its
//! author meant, or is refused with a word that says what is wrong with it.
//!
//! The first part of a name is the guide's number. Passwords are checked by what they are, and
//! looked for in what is said.

pub mod cases;

use std::fs;
use std::path::Path;

use pgtend::error::Error;
use pgtend::settings::{ConnectArgs, Environment, Resolved, Settings, SslMode, Target};

use crate::harness::Pgtend;
use cases::Means::{Server, Wrong};
use cases::{CASES, Case};

fn resolve(folder: &Path, text: &str, variables: &[(&str, &str)]) -> Result<Resolved, Error> {
    let path = folder.join("app.env");
    fs::write(&path, text).unwrap();
    let list = variables.iter().copied().chain([("USER", "me"), ("HOME", "/nowhere")]);
    let env = Environment::from_list(folder, list);
    let args = ConnectArgs { env_file: Some(path), ..ConnectArgs::default() };
    Settings::load(env, None).unwrap().target(&args)
}

fn password(target: &Target) -> &str {
    target.hosts[0].password.as_ref().map_or("", |(secret, _)| secret.expose())
}

/// What is not as it should be in a case.
fn problem(case: &Case, result: Result<Resolved, Error>) -> Option<String> {
    match (&case.means, result) {
        (Wrong(words), Err(error)) => {
            let told = format!("{error} {}", error.next_steps().join(" "));
            let missing = words.iter().find(|word| !told.contains(**word));
            let leaked =
                ["SECURE_PASSWORD", "pass@", "password@"].iter().find(|p| told.contains(**p));
            missing.or(leaked).map(|word| format!("{word:?}: {told}"))
        }
        (Server(server, secret, keywords), Ok(Resolved { target, notes, .. })) => {
            let notes = notes.join("\n");
            let judged: Vec<String> =
                target.application.iter().map(|s| format!("{}={}", s.name, s.value)).collect();
            let given = |(name, value): &(&str, &str)| {
                target.given.get(name).map(String::as_str) != Some(*value)
            };
            if target.to_string() != *server || password(&target) != *secret {
                Some(format!("{target}, {}", password(&target)))
            } else if let Some(keyword) = keywords.iter().find(|keyword| given(keyword)) {
                Some(format!("{keyword:?}: {:?}", target.given))
            } else if let Some(note) = case.notes.iter().find(|note| !notes.contains(**note)) {
                Some(format!("{note:?} is not in the notes: {notes}"))
            } else if case.notes.is_empty() && notes.lines().count() > 1 {
                Some(format!("more notes than were meant: {notes}"))
            } else {
                let lacking = case.judged.iter().find(|word| !judged.iter().any(|j| j == **word));
                lacking.map(|word| format!("{word} is not in {judged:?}"))
            }
        }
        (_, Ok(resolved)) => Some(format!("it is taken: {}", resolved.target)),
        (_, Err(error)) => Some(format!("it is refused: {error}")),
    }
}

#[test]
fn every_block_means_what_its_author_meant() {
    let folder = tempfile::tempdir().unwrap();
    let problems: Vec<String> = CASES
        .iter()
        .filter_map(|case| {
            let result = resolve(folder.path(), case.text, &[]);
            problem(case, result).map(|what| format!("{}: {what}", case.name))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    for guide in ["000", "001", "002", "004"] {
        assert!(CASES.iter().filter(|case| case.name.starts_with(guide)).count() > 1, "{guide}");
    }
}

#[test]
fn replicas_and_the_server_for_backups() {
    let folder = tempfile::tempdir().unwrap();
    let text = "DATABASE_URL=postgresql://username:password@host:5432/database
DB_REQUIRE_SSL=true
DB_READ_REPLICA_URLS=postgresql://replica1:password@host1:5432/database,postgresql://replica2:password@host2:5432/database
DB_READ_REPLICA_1_WEIGHT=5
DB_READ_REPLICA_2_WEIGHT=5
DB_BACKUP_URL=postgresql://backup:password@backup-host:5432/database\n";
    let target = resolve(folder.path(), text, &[]).unwrap().target;
    let replicas: Vec<String> = target
        .replicas
        .iter()
        .map(|replica| {
            format!("{} {} {}", replica.weight, replica.target, password(&replica.target))
        })
        .collect();
    assert_eq!(
        replicas,
        [
            "5 host1:5432/database as replica1 password",
            "5 host2:5432/database as replica2 password"
        ]
    );
    assert!(target.replicas.iter().all(|replica| replica.target.tls.mode == SslMode::Require));
    let backup = target.backup_server.unwrap();
    assert_eq!(backup.to_string(), "backup-host:5432/database as backup");

    // Guide 004.
    let text = "PRIMARY_DB_URL = \"postgresql://user:pass@primary-db:5432/halcytone_prod\"
REPLICA_DB_URL = \"postgresql://user:pass@replica-db:5432/halcytone_prod\"\n";
    let target = resolve(folder.path(), text, &[]).unwrap().target;
    assert_eq!(target.to_string(), "primary-db:5432/halcytone_prod as user");
    assert_eq!(target.replicas[0].target.to_string(), "replica-db:5432/halcytone_prod as user");
}

/// Guide 001 sets what is only in the vault before the process starts.
#[test]
fn what_the_vault_gives_is_used_where_it_is_referred_to() {
    let folder = tempfile::tempdir().unwrap();
    let text = "DATABASE_URL=postgresql://u:${DB_SECRET}@h/d\n";
    let error = resolve(folder.path(), text, &[]).unwrap_err();
    assert!(error.to_string().contains("${DB_SECRET}, which is not defined"), "{error}");
    let target = resolve(folder.path(), text, &[("DB_SECRET", "from$vault")]).unwrap().target;
    assert_eq!(password(&target), "from$vault");
}

/// Through the program, as an operator would look: per-environment files of one folder.
#[test]
fn the_program_shows_what_a_guide_s_folder_means() {
    let production =
        CASES.iter().find(|case| case.name.starts_with("001 .env.production")).unwrap();
    let development =
        CASES.iter().find(|case| case.name.starts_with("001 .env.development")).unwrap();
    let run = |environment: &str| {
        let pgtend = Pgtend::new().args(["--show-settings", "--env-file", "."]);
        fs::write(pgtend.home().join(".env.production"), production.text).unwrap();
        fs::write(pgtend.home().join(".env.development"), development.text).unwrap();
        pgtend
            .env("COLUMNS", "160")
            .env("ENVIRONMENT", environment)
            .env("DATABASE_URL", "postgresql://x@ambient/y")
            .run()
    };
    let output = run("production").expect_code(0);
    assert!(
        output.stderr.starts_with(
            "note: using DATABASE_URL (./.env.production), prod-db.example.com:5432/mnfst_rag_prod as mnfst_user\n"
        ),
        "{}",
        output.stderr
    );
    let mode = output.stdout.lines().find(|line| line.starts_with("sslmode ")).unwrap();
    assert!(
        mode.contains("verify-full") && mode.contains("DB_SSL_MODE (./.env.production"),
        "{mode}"
    );
    assert!(output.stdout.contains("/etc/ssl/certs/ca-cert.pem (not there)"), "{}", output.stdout);
    assert!(!output.stdout.contains("secure_pass") && !output.stdout.contains("ambient"));
    let output = run("development").expect_code(0);
    assert!(
        output.stderr.contains("localhost:5432/mnfst_rag_dev as postgres"),
        "{}",
        output.stderr
    );
    let output = run("staging").expect_code(64);
    assert!(output.stderr.contains("cannot read ./.env.staging"), "{}", output.stderr);
}
