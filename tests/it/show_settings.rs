//! `--show-settings`: what is in force, in three forms, without connecting to anything.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use pgtend::settings::{ConnectArgs, Environment, Resolved, Settings};
use pgtend::show::{self, Given};

use crate::harness::Pgtend;

const FILE: &str = r#"default_target = "prod"
repo = "/backups"
[backup]
jobs = 3
chunk = "32MiB"
[target.prod]
url = "postgresql://app@db.example.com:6000,other/shop?sslmode=require&application_name=it%27s"
connect_timeout = 5
options = "-c search_path=\"a b\""
password_command = "echo hunter2"
environment = "production"
tags = ["prod", "eu, west"]
replicas = [{ url = "postgresql://r1", weight = 5 }, { url = "postgresql://u2@r2/x?sslmode=verify-ca" }]
[target."with a.dot"]
host = "h"
"#;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn resolve(folder: &Path, args: &ConnectArgs, variables: &[(&str, &str)]) -> (Settings, Resolved) {
    let home = folder.to_str().unwrap();
    let list = variables.iter().copied().chain([("HOME", home), ("USER", "me")]);
    let settings = Settings::load(Environment::from_list(folder, list), None).unwrap();
    let resolved = settings.target(args).unwrap();
    (settings, resolved)
}

/// Everything of a target that decides about a connection, and what stands beside it.
fn essence(resolved: &Resolved) -> String {
    let target = &resolved.target;
    let replicas: Vec<String> = target
        .replicas
        .iter()
        .map(|replica| {
            format!("{} {:?} {:?}", replica.weight, replica.target.given, replica.target.tls)
        })
        .collect();
    let hosts: Vec<String> = target.hosts.iter().map(ToString::to_string).collect();
    format!(
        "{target}\n{hosts:?}\n{:?}\n{:?}\n{:?}\n{:?} {:?}\n{:?}\n{:?} {:?}\n{}",
        target.given,
        target.tls,
        target.keepalive,
        target.connect_timeout,
        target.application_name,
        target.session_attrs,
        target.environment.as_ref().map(|(name, _)| name),
        target.tags,
        replicas.join("\n"),
    )
}

/// A name, flags and variables.
type Case = (&'static str, ConnectArgs, &'static [(&'static str, &'static str)]);

/// What is shown as TOML is a pgtend.toml that means the same.
#[test]
fn toml_is_a_settings_file_that_means_the_same() {
    let cases: [Case; 6] = [
        ("prod", ConnectArgs { target: Some("prod".into()), ..Default::default() }, &[]),
        ("dot", ConnectArgs { target: Some("with a.dot".into()), ..Default::default() }, &[]),
        (
            "url",
            ConnectArgs {
                url: Some("host='/x y' user=u dbname='a\"b\\\\c' connect_timeout=0 port=7".into()),
                ..Default::default()
            },
            &[("PGSSLMODE", "verify-full"), ("PGOPTIONS", "-c a=b")],
        ),
        (
            "variables",
            ConnectArgs::default(),
            &[
                ("DATABASE_URL", "postgresql+asyncpg://u:hunter2@h:1/d?pool_size=3"),
                ("DB_READ_REPLICA_URLS", "postgresql://r:hunter2@h2,h3:4/d,postgresql://s@h4/e"),
                ("DB_READ_REPLICA_2_WEIGHT", "9"),
                ("DB_BACKUP_URL", "postgresql://b:hunter2@h5/d"),
                ("DB_REQUIRE_SSL", "true"),
                ("ENVIRONMENT", "staging"),
                ("DB_POOLSIZE", "hunter2"),
            ],
        ),
        (
            "required",
            ConnectArgs { host: Some("h".into()), ..Default::default() },
            &[("PGREQUIRESSL", "1")],
        ),
        ("defaults", ConnectArgs { host: Some("h".into()), ..Default::default() }, &[]),
    ];
    for (name, args, variables) in cases {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "pgtend.toml", FILE);
        let (settings, resolved) = resolve(folder.path(), &args, variables);
        let text = show::settings(&settings, &resolved, &Given::default()).toml();
        assert!(!text.contains("hunter2"), "{text}");
        // In the same home: defaults depend on it.
        write(folder.path(), "pgtend.toml", &text);
        let target = resolved.target.name.clone().unwrap_or("shown".to_owned());
        let again = ConnectArgs { target: Some(target), ..Default::default() };
        let (settings, shown) = resolve(folder.path(), &again, &[]);
        // What a default is cannot be seen in what was given.
        let given = |resolved: &Resolved| {
            let all = essence(resolved);
            // What was given empty is written as what it means.
            let lines = all.lines().filter(|line| name != "blank" || !line.starts_with('{'));
            let all = lines.collect::<Vec<_>>().join("\n");
            all.replace("\"dbname\": \"me\", ", "").replace(", \"user\": \"me\"", "")
        };
        assert_eq!(given(&shown), given(&resolved), "{name}:\n{text}");
        assert_eq!(settings.backup.jobs, Some(3), "{name}");
        assert_eq!(settings.backup.chunk, Some(32 << 20), "{name}");
        assert_eq!(settings.repo(None, None).unwrap(), "/backups", "{name}");
    }
}

fn production() -> Pgtend {
    let pgtend = Pgtend::new();
    write(pgtend.home(), "pgtend.toml", FILE);
    pgtend
}

#[test]
fn the_page_says_what_is_in_force_and_why() {
    let pgtend = production().args(["backup", "--show-settings", "-j", "7", "-d", "shop2"]);
    let output = pgtend.env("COLUMNS", "80").env("PGTEND_REPO", "/var/b").run().expect_code(0);
    let long = output.stdout.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None, "{}", output.stdout);
    let line = |name: &str| {
        let found = output.stdout.lines().find(|line| line.split_whitespace().next() == Some(name));
        found
            .unwrap_or_else(|| panic!("no {name} in\n{}", output.stdout))
            .split_whitespace()
            .skip(1)
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (name, rest) in [
        ("host", "db.example.com,other prod (pgtend.toml)"),
        ("dbname", "shop2 --dbname"),
        ("sslmode", "require prod (pgtend.toml)"),
        ("connect_timeout", "5 prod (pgtend.toml)"),
        ("channel_binding", "prefer default"),
        ("password", "- default"),
        ("repo", "/var/b PGTEND_REPO"),
        ("read-from", "primary default"),
        ("password_command", "*** prod (pgtend.toml)"),
        ("environment", "production prod (pgtend.toml)"),
        ("tags", "prod, eu, west prod"),
        ("jobs", "7 --jobs"),
        ("chunk", "32MiB [backup] (pgtend.toml)"),
        ("compress", "zstd:2 default"),
    ] {
        assert_eq!(line(name), rest, "{}", output.stdout);
    }
    assert!(output.stdout.starts_with("pgtend.toml: pgtend.toml\n"), "{}", output.stdout);
    assert!(output.stdout.contains("\nREPLICA 1 (weight 5)"), "{}", output.stdout);
    assert!(output.stderr.starts_with("note: using prod (pgtend.toml), "), "{}", output.stderr);
    assert!(!(output.stdout + &output.stderr).contains("hunter2"));
}

#[test]
fn json_has_the_same() {
    let pgtend = production().args(["--show-settings", "--format", "json", "--read-from", "any"]);
    let output = pgtend.run().expect_code(0);
    let json = output.json();
    assert_eq!(
        (json["command"].as_str(), json["target"].as_str()),
        (Some("show-settings"), Some("prod"))
    );
    let report = &json["report"];
    let find = |list: &str, name: &str| {
        let found = report[list].as_array().unwrap().iter().find(|row| row["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}: {report}")).clone()
    };
    let mode = find("server", "sslmode");
    assert_eq!((mode["value"].as_str(), mode["default"].as_bool()), (Some("require"), Some(false)));
    assert_eq!(find("pgtend", "read-from")["value"], "any");
    assert_eq!(find("backup", "jobs")["value"], "3");
    assert_eq!(report["replicas"][0]["weight"], 5);
    assert_eq!(report["replicas"][1]["server"], "r2:5432/x as u2");
    assert_eq!(report["config"], "pgtend.toml");
}

/// A repository in S3, with what the flags and the file say of it; as TOML it means the same.
#[test]
fn a_repository_in_s3_is_shown_with_its_options() {
    let text = format!(
        "{FILE}\n[repository.\"s3://corp/pg\"]\nregion = \"eu-west-1\"\npath_style = true\n\
         expected_bucket_owner = \"111122223333\"\nendpoint = \"https://u:hunter2@s3.corp\"\n"
    );
    let text = text.replacen("repo = ", "identity = \"~/key.txt\"\nrepo = ", 1);
    let run = |text: &str, flags: &[&str], format: &str| {
        let pgtend = Pgtend::new();
        write(pgtend.home(), "pgtend.toml", text);
        let output = pgtend.args(["--show-settings", "--format", format]).args(flags).run();
        let output = output.expect_code(0);
        assert!(!output.stdout.contains("hunter2"), "{}", output.stdout);
        output.stdout
    };
    let flags = ["--repo", "s3://corp/pg", "--s3-region", "eu-west-3", "--s3-uploads", "4"];
    let rows = |json: &str, list: &str| {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        let rows = json["report"][list].as_array().unwrap().clone();
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
        rows.iter()
            .map(|row| (text(row, "name"), text(row, "value"), text(row, "origin")))
            .collect::<Vec<_>>()
    };
    let json = run(&text, &flags, "json");
    let from_file = "[repository.\"s3://corp/pg\"] (pgtend.toml)";
    let expected = [
        ("endpoint", "https://u:***@s3.corp", from_file),
        ("region", "eu-west-3", "--s3-region"),
        ("path_style", "true", from_file),
        ("expected_bucket_owner", "111122223333", from_file),
        ("uploads", "4", "--s3-uploads"),
    ];
    let expected = expected.map(|(name, value, from)| (name.into(), value.into(), from.into()));
    assert_eq!(rows(&json, "repository"), expected);
    let own = rows(&json, "pgtend");
    let identity = own.iter().find(|(name, ..)| name == "identity").expect("an identity");
    assert!(identity.1.ends_with("/key.txt") && identity.2 == "identity (pgtend.toml)", "{own:?}");
    let values = |rows: Vec<(String, String, String)>| {
        rows.into_iter().map(|(name, value, _)| (name, value)).collect::<Vec<_>>()
    };
    let again = run(&run(&text, &flags, "toml"), &[], "json");
    assert_eq!(values(rows(&again, "repository")), values(rows(&json, "repository")));
    // In the home of the run that wrote it.
    let (name, path) = &values(rows(&again, "pgtend"))[1];
    assert!(name == "identity" && path.ends_with("/key.txt"), "{again}");
    // A directory has none of these.
    let flags = ["--repo", "/backups", "--s3-region", "eu-west-3"];
    assert!(rows(&run(&text, &flags, "json"), "repository").is_empty());
}

/// Nothing is dialled, run or asked: the command would leave a file, the server is nowhere.
#[test]
fn nothing_is_done() {
    let pgtend = Pgtend::new();
    let trace = pgtend.home().join("trace");
    let text = format!(
        "default_target = 'a'\n[target.a]\nhost = '192.0.2.1'\npassword_command = 'touch {}'\n",
        trace.display()
    );
    write(pgtend.home(), "pgtend.toml", &text);
    let limit = std::time::Duration::from_secs(8);
    for format in ["table", "json", "toml"] {
        let run = Pgtend::new().current_dir(pgtend.home()).time_limit(limit);
        run.args(["--show-settings", "--format", format]).run().expect_code(0);
    }
    assert!(!trace.exists());
    // The other forms of a report stay refused as TOML.
    let refused = Pgtend::new().args(["backup", "list", "--format", "toml", "-r", "r"]).run();
    assert!(refused.expect_code(64).stderr.contains("--show-settings only"));
}

#[test]
fn wrong_settings_are_errors_here_too() {
    let pgtend = Pgtend::new();
    write(pgtend.home(), ".env", "DATABASE_URL=postgresql://u@h/d\nDB_REQUIRE_SSL=perhaps\n");
    let output = pgtend.args(["--show-settings", "--env-file", "."]).run().expect_code(64);
    assert_eq!(
        output.stderr,
        "error: invalid value of DB_REQUIRE_SSL (./.env, line 2)\n  \
         cause: it is one of true, false, 1, 0, yes, no, on, off\n  exit:  64\n"
    );
}
