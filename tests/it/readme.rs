//! The README's sessions are run as they stand there, and say what they say there.
//!
//! Every ```` ```console ```` block is run, in order, in one folder: a line that starts with `$ `
//! is a command, the lines below it are what it prints. Ids, times, sizes and spaces differ from
//! run to run and are not compared. `PGTEND_BLESS=1` writes what was printed into the README.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::s3::S3Server;
use crate::harness::{Cluster, ClusterSpec, command, tools};

const HOST: &str = "db.example.com";
const HOME: &str = "/home/me";
const BUCKET: &str = "s3://my-bucket/";
const MARK: &str = "@@next@@";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// The text of the fenced blocks of a language, with the lines where they start and end.
fn blocks(readme: &str, language: &str) -> Vec<(usize, Vec<String>)> {
    let mut found: Vec<(usize, Vec<String>)> = Vec::new();
    let mut inside = false;
    for (number, line) in readme.lines().enumerate() {
        if inside {
            inside = line != "```";
            if inside {
                found.last_mut().unwrap().1.push(line.to_owned());
            }
        } else if line == format!("```{language}") {
            inside = true;
            found.push((number + 1, Vec::new()));
        }
    }
    assert!(!inside, "a block of {language} does not end");
    found
}

/// Nobody's secret key.
const EXAMPLE_KEY: &str =
    "AGE-SECRET-KEY-1PAMYPF9WDJWLL8CY558NXRR2ER53SMMXM9PPVLRCZGTW7D6NP66QVHHKHR";

/// The servers and the home folder that stand for those of the README.
struct Sandbox {
    cluster: Cluster,
    s3: S3Server,
    home: tempfile::TempDir,
}

impl Sandbox {
    fn new(readme: &str) -> Self {
        let cluster = ClusterSpec::default().start();
        let setup = blocks(readme, "sql").remove(0).1.join("\n");
        cluster.psql("postgres", &format!("{setup}; CREATE DATABASE app"));
        cluster.psql(
            "app",
            "CREATE TABLE customer AS SELECT n AS id, 'name ' || n AS name
             FROM generate_series(1, 1000) AS n;
             CREATE TABLE orders AS SELECT n AS id, md5(n::text) AS remark
             FROM generate_series(1, 5000) AS n;",
        );
        let home = tempfile::Builder::new().prefix("pgt-home").tempdir().unwrap();
        let sandbox = Self { cluster, s3: S3Server::start(), home };
        let passfile = sandbox.home.path().join(".pgpass");
        fs::write(&passfile, "*:*:*:backup:..\n").unwrap();
        fs::set_permissions(&passfile, PermissionsExt::from_mode(0o600)).unwrap();
        // As age-keygen would have written it; the README has its public half.
        let key = sandbox.home.path().join("key.txt");
        fs::write(&key, format!("{EXAMPLE_KEY}\n")).unwrap();
        fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        let file = blocks(readme, "toml").remove(0).1.join("\n");
        let port = format!("port = {}\nhost = \"127.0.0.1\"", sandbox.cluster.port());
        let file = file.replace(&format!("host = \"{HOST}\""), &port);
        let file = file.replace(HOME, sandbox.home.path().to_str().unwrap());
        fs::write(sandbox.home.path().join("pgtend.toml"), file).unwrap();
        sandbox
    }

    /// What each command prints.
    fn run(&self, commands: &[&str]) -> Vec<String> {
        let port = self.cluster.port();
        let mut script = String::from("exec 2>&1\n");
        for command in commands {
            let here = format!("PGHOST=127.0.0.1 PGPORT={port}");
            let command = command.replace(&format!("PGHOST={HOST}"), &here);
            let command = command.replace(BUCKET, &self.s3.repository(""));
            writeln!(script, "{}\necho {MARK}", command.replace(HOST, "127.0.0.1")).unwrap();
        }
        let program = Path::new(env!("CARGO_BIN_EXE_pgtend")).parent().unwrap().display();
        let (clients, aws) = (tools::client_bindir(15), tools::aws_bindir());
        let programs = format!("{program}:{}:{}:/usr/bin:/bin", clients.display(), aws.display());
        let mut bash = Command::new("bash");
        bash.arg("--norc").env_clear().current_dir(self.home.path()).env("PATH", programs);
        bash.env("HOME", self.home.path()).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        bash.env("COLUMNS", "100").envs(self.s3.environment());
        let output = command::run(&mut bash, &script).stdout();
        let home = self.home.path().to_str().unwrap();
        let output = output
            .replace(&format!("127.0.0.1:{port}"), &format!("{HOST}:5432"))
            .replace(home, HOME)
            .replace(&self.s3.repository(""), BUCKET);
        let mut said: Vec<_> = output.split(&format!("{MARK}\n")).map(str::to_owned).collect();
        assert_eq!(said.pop().as_deref(), Some(""), "it ended early: {output}");
        said
    }
}

/// Without what differs from run to run.
fn comparable(text: &str) -> Vec<String> {
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect()
}

fn word(word: &str) -> String {
    let id = |c: char| c.is_ascii_hexdigit() || "TZ-".contains(c);
    let core = word.trim_matches(|c| "(),:".contains(c));
    let units = ["B", "KiB", "MiB", "KiB/s", "MiB/s", "GiB/s", "s", "ms"];
    if let Some(at) = word.find("20").filter(|_| word.contains("Z-")) {
        let length = word[at..].find(|c| !id(c)).unwrap_or(word.len() - at);
        return format!("{}ID{}", &word[..at], &word[at + length..]);
    }
    // A replaced database: its name has the time.
    if let Some((name, _)) = word.split_once("_before_2") {
        return format!("{name}_before_N");
    }
    if units.contains(&core) {
        return "UNIT".into();
    }
    // Measured: it has a point, a slash (an LSN), a colon or dashes (a time), or is a file's number.
    let digits = core.starts_with(|c: char| c.is_ascii_digit());
    if digits && core.contains(['.', '/', ':', '-']) && !core.contains(',') {
        let end = core.find(".dat").map_or("", |at| &core[at..]);
        return format!("N{end}");
    }
    // The number of a cluster.
    if digits && core.len() > 15 && core.bytes().all(|byte| byte.is_ascii_digit()) {
        return "N".into();
    }
    word.to_owned()
}

#[test]
fn sessions_say_what_the_readme_says() {
    let readme = fs::read_to_string(path()).unwrap();
    let sandbox = Sandbox::new(&readme);
    let mut lines: Vec<String> = readme.lines().map(str::to_owned).collect();
    let (mut faults, mut moved) = (Vec::new(), 0_isize);
    let found = blocks(&readme, "console");
    assert!(found.len() >= 3, "the README has no sessions");
    for (start, block) in found {
        let commands: Vec<&str> = block.iter().filter_map(|line| line.strip_prefix("$ ")).collect();
        let mut fresh = Vec::new();
        for (command, said) in commands.iter().zip(sandbox.run(&commands)) {
            fresh.push(format!("$ {command}"));
            fresh.extend(said.lines().map(str::to_owned));
        }
        if comparable(&fresh.join("\n")) != comparable(&block.join("\n")) {
            faults.push(format!(
                "{}\n--- but the README has\n{}",
                fresh.join("\n"),
                block.join("\n")
            ));
            let at = start.checked_add_signed(moved).unwrap();
            moved += isize::try_from(fresh.len()).unwrap() - isize::try_from(block.len()).unwrap();
            lines.splice(at..at + block.len(), fresh);
        }
    }
    if std::env::var_os("PGTEND_BLESS").is_some() {
        let text = with_variables(&(lines.join("\n") + "\n"), &variables()).0;
        fs::write(path(), text).unwrap();
        return;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn values_that_count_are_compared() {
    let same = |a: &str, b: &str| comparable(a) == comparable(b);
    assert!(same(
        "backup 20261120T095421Z-1a2b3c of  app",
        "backup 20261121T095421Z-ffffff of app"
    ));
    assert!(same("1.2 MiB read, 3.4 KiB stored (zstd:2)", "1.3 KiB read, 900.0 B stored (zstd:2)"));
    assert!(same("2026-11-20 13:48:38Z at 0/47C5D18,", "2027-01-20 13:48:39Z at 0/47C5D19,"));
    assert!(same("is app_before_20261121t173233", "is app_before_20271121t173234"));
    assert!(same("  3312.dat.zst (public.t): x", "  99.dat.zst (public.t): x"));
    assert!(same("identifier  7575757575757575757", "identifier  7474747474747474747"));
    assert!(!same("2 tables, 6,000 rows", "2 tables, 6,001 rows"));
    assert!(!same("exit code 0", "exit code 2"));
    assert!(!same("5000", "5001"));
}

/// The tables of the README are those of the code.
#[test]
fn exit_codes_and_commands_are_those_of_the_code() {
    let readme = fs::read_to_string(path()).unwrap();
    let rows: Vec<String> = pgtend::exit::Exit::ALL
        .iter()
        .map(|(exit, meaning)| format!("| {} | {meaning} |\n", exit.code()))
        .collect();
    assert!(readme.contains(&rows.concat()), "the table of exit codes is not\n{}", rows.concat());
    let command = pgtend::command::definition();
    for command in command.get_subcommands() {
        let name = command.get_name();
        assert!(readme.contains(&format!("`pgtend {name}`")), "{name} is not in the README");
    }
    for file in [
        "scripts/demo",
        "scripts/test",
        "pgtend.toml.sample",
        "completions",
        "man",
        "scripts/systemd",
    ] {
        assert!(readme.contains(file) && path().with_file_name(file).exists(), "{file}");
    }
}

/// One row for each effect: the names, the unit, what pgtend does with them.
fn variables() -> String {
    use pgtend::settings::{KNOWN_VARIABLES, Kind};
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for known in KNOWN_VARIABLES {
        let unit = match known.kind {
            Kind::Number(unit) if !unit.is_empty() => format!(", {unit}"),
            Kind::Boolean if !known.meaning.contains("true") => ", true or false".to_owned(),
            _ => String::new(),
        };
        let meaning = format!("{}{unit}", known.meaning);
        let effect = known.effect.words();
        let name = format!("`{}`", known.name);
        let same = rows.iter_mut().find(|(_, m, e)| *m == meaning && *e == effect);
        match same {
            Some((names, ..)) => {
                names.push(' ');
                names.push_str(&name);
            }
            None => rows.push((name, meaning, effect)),
        }
    }
    let mut text = String::from("| variable | meaning | effect |\n|---|---|---|\n");
    for (names, meaning, effect) in rows {
        writeln!(text, "| {names} | {meaning} | {effect} |").unwrap();
    }
    text
}

/// The README with this table of variables, and the one that it had.
fn with_variables(readme: &str, table: &str) -> (String, String) {
    const START: &str = "<!-- variables -->\n";
    let (before, after) = readme.split_once(START).unwrap();
    let end = after.find("\n## ").unwrap();
    (format!("{before}{START}\n{table}{}", &after[end..]), after[..end].trim().to_owned())
}

#[test]
fn variables_are_those_of_the_code() {
    let (_, present) = with_variables(&fs::read_to_string(path()).unwrap(), "");
    // The sessions' test writes: one writer at a time.
    let blessed = std::env::var_os("PGTEND_BLESS").is_some();
    assert!(
        blessed || present == variables().trim(),
        "PGTEND_BLESS=1 cargo test --test it -- readme; the table of variables is not\n{}",
        variables()
    );
}

/// Words as a shell takes them, up to what is not the command's own any more.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (';' | '|' | '&' | '>', None) => break,
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Every command of the README's examples and of scripts/systemd that is not run by a test.
fn examples(readme: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let service = path().with_file_name("scripts/systemd/pgtend-backup.service");
    for line in fs::read_to_string(service).unwrap().lines() {
        let command = line.strip_prefix("ExecStart=/usr/local/bin/");
        found.extend(command.map(words));
    }
    for (_, lines) in blocks(readme, "cron") {
        let commands = lines.iter().filter_map(|line| line.find("pgtend ").map(|at| &line[at..]));
        found.extend(commands.map(words));
    }
    for (_, lines) in blocks(readme, "yaml") {
        let commands = lines.iter().filter_map(|line| line.trim().strip_prefix("command: "));
        found.extend(commands.map(|list| serde_json::from_str::<Vec<String>>(list).unwrap()));
    }
    // Code in a line of text, where it is a whole command.
    for line in readme.lines() {
        let code = line.split('`').skip(1).step_by(2);
        let commands = code.filter(|code| code.starts_with("pgtend backup -"));
        found.extend(commands.map(words));
    }
    found
}

#[test]
fn every_command_of_the_examples_can_be_read() {
    let readme = fs::read_to_string(path()).unwrap();
    let examples = examples(&readme);
    assert!(examples.len() > 12, "{examples:?}");
    for words in examples {
        let read = pgtend::command::definition().try_get_matches_from(&words);
        assert!(read.is_ok(), "{}: {}", words.join(" "), read.unwrap_err());
    }
    assert_eq!(
        words("a 'b c' --d=\"e f\"'' '' | g"),
        ["a", "b c", "--d=e f", ""].map(str::to_owned)
    );
}
