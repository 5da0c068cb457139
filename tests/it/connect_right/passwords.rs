//! Passwords that are asked for: of a command, or of a person.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Cluster, ClusterSpec, Pgtend, command};

fn server() -> Cluster {
    let cluster = ClusterSpec::default().hba("host all all all scram-sha-256").start();
    cluster
        .psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'right'; GRANT pg_read_all_data TO app");
    cluster
}

/// With a target `prod` whose password is what this script prints; each run of it leaves a line
/// in the file `runs`.
fn with_command(cluster: &Cluster, script: &str) -> Pgtend {
    let pgtend = Pgtend::new().args(["--target", "prod"]);
    let home = pgtend.home();
    fs::write(home.join("runs"), "").unwrap();
    let path = home.join("password");
    fs::write(&path, format!("#!/bin/sh\necho run >>\"$HOME/runs\"\n{script}\n")).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    let text = format!(
        "[target.prod]\nhost = '127.0.0.1'\nport = {}\nuser = 'app'\ndbname = 'postgres'\n\
         password_command = '$HOME/password'\n",
        cluster.port()
    );
    fs::write(home.join("pgtend.toml"), text).unwrap();
    pgtend
}

#[test]
fn a_command_gives_the_password_once_in_a_run() {
    let cluster = server();
    for arguments in [
        ["--show-server", "-q", "--format=json"].as_slice(),
        &["backup", "-r", "repo", "-q", "-j2", "--no-globals"],
    ] {
        let pgtend = with_command(&cluster, "echo right; echo not me").args(arguments);
        let home = pgtend.home().to_owned();
        let run = pgtend.spawn();
        let kept = fs::File::open(home.join("runs")).unwrap();
        run.wait().expect_code(0);
        let text = std::io::read_to_string(kept).unwrap();
        assert_eq!(text.lines().count(), 1, "{arguments:?}");
    }
}

/// Nobody asks a command, or a person who is waiting behind it, without need.
#[test]
fn a_command_is_not_run_without_need() {
    let cluster = server();
    let trusting = Cluster::shared();
    let idle = |pgtend: Pgtend, home: &Path| {
        let kept = fs::File::open(home.join("runs")).unwrap();
        pgtend.run().expect_code(0);
        assert_eq!(std::io::read_to_string(kept).unwrap(), "");
    };
    let pgtend = with_command(&cluster, "echo right").arg("--show-settings");
    let home = pgtend.home().to_owned();
    idle(pgtend, &home);
    // The password file has a line for this server.
    let pgtend = with_command(&cluster, "echo wrong").args(["--show-server", "-q"]);
    let home = pgtend.home().to_owned();
    let line = format!("127.0.0.1:{}:*:app:right\n", cluster.port());
    fs::write(home.join(".pgpass"), line).unwrap();
    fs::set_permissions(home.join(".pgpass"), PermissionsExt::from_mode(0o600)).unwrap();
    idle(pgtend, &home);
    // The server asks for none.
    let pgtend = with_command(trusting, "echo right").args(["--show-server", "-q"]);
    let home = pgtend.home().to_owned();
    let file = home.join("pgtend.toml");
    let text = fs::read_to_string(&file).unwrap().replace("'app'", "'postgres'");
    fs::write(&file, text).unwrap();
    idle(pgtend, &home);
}

/// Explicit beats ambient: the command was written for this server.
#[test]
fn a_variable_that_lies_around_is_not_used_beside_a_command() {
    let cluster = server();
    let pgtend = with_command(&cluster, "echo right").arg("--show-server");
    let output = pgtend.env("PGPASSWORD", "wrong").run().expect_code(0);
    let note = "note: PGPASSWORD is not used: prod (pgtend.toml) has a password_command";
    assert!(output.stderr.contains(note), "{}", output.stderr);
}

#[test]
fn a_command_that_fails_is_told_without_what_it_printed() {
    let cluster = server();
    for (script, cause) in [
        ("echo right; exit 3", "it ended with exit status: 3"),
        ("exit 0", "its first line of output is empty"),
        ("exec no-such-program", "it ended with exit status: 127"),
    ] {
        let pgtend = with_command(&cluster, &format!("echo of our own >&2; {script}"));
        let output = pgtend.args(["--show-server", "-q"]).run().expect_code(69);
        assert!(output.stderr.starts_with("of our own\n"), "{}", output.stderr);
        let text = output.stderr.split_once("error: ").unwrap().1;
        let expected = format!(
            "the password_command of prod (pgtend.toml) failed\n  cause: {cause}\n  \
             next:  run the command by hand: its first line of output has to be the password\n  \
             exit:  69\n"
        );
        assert_eq!(text, expected, "{script}");
    }
}

#[test]
fn a_rotated_password_is_had_once_more() {
    let cluster = server();
    let rotating = "test $(wc -l <\"$HOME/runs\") -gt 1 && echo right || echo before";
    with_command(&cluster, rotating).arg("--show-server").run().expect_code(0);
    let refused = "password authentication failed for user \"app\"";
    assert_eq!(cluster.log().matches(refused).count(), 1);
    // The same again is not tried again.
    let output = with_command(&cluster, "echo wrong").arg("--show-server").run().expect_code(69);
    assert_eq!(cluster.log().matches(refused).count(), 2);
    let from = "(the password is from password_command of prod (pgtend.toml))";
    assert!(output.stderr.contains(from), "{}", output.stderr);
}

/// Seconds that no other process sleeps.
fn own_number(prefix: &str) -> String {
    format!("{prefix}{}", std::process::id())
}

fn sleeps(seconds: &str) -> bool {
    let mut pgrep = std::process::Command::new("pgrep");
    let finished = command::run(pgrep.args(["-fx", &format!("sleep {seconds}")]), "");
    !finished.stdout().is_empty()
}

#[track_caller]
fn until_it_sleeps(seconds: &str, there: bool) {
    let changed = || (sleeps(seconds) == there).then_some(());
    command::until(command::LIMIT, changed).unwrap_or_else(|| panic!("asleep: {}", !there));
}

#[test]
fn a_signal_ends_a_command_that_hangs() {
    let cluster = server();
    for (prefix, signal, code) in [("98", Signal::INT, 130), ("97", Signal::TERM, 143)] {
        let seconds = own_number(prefix);
        let pgtend = with_command(&cluster, &format!("(sleep {seconds}; echo right) | cat"));
        let run = pgtend.arg("--show-server").spawn();
        until_it_sleeps(&seconds, true);
        run.signal(signal);
        let clock = Instant::now();
        run.wait().expect_code(code);
        assert!(clock.elapsed() < Duration::from_secs(10), "{:?}", clock.elapsed());
        until_it_sleeps(&seconds, false);
    }
}

/// There it has the terminal: Ctrl-C reaches it alone, and SIGTERM pgtend alone.
#[test]
fn a_signal_on_a_terminal_ends_a_command_that_hangs() {
    let cluster = server();
    for (prefix, code) in [("96", "code 130"), ("95", "code 143")] {
        let seconds = own_number(prefix);
        let pgtend = with_command(&cluster, &format!("(sleep {seconds}; echo right) | cat"));
        let pgtend = pgtend.arg("--show-server");
        let mut session = terminal_of(&pgtend, &[], pgtend.home());
        // To its end: it is read byte by byte.
        let (_, number) = session.exp_regex("pid [0-9]+\r").unwrap();
        until_it_sleeps(&seconds, true);
        if prefix == "96" {
            session.send_control('c').unwrap();
        } else {
            let number = number.strip_prefix("pid ").unwrap().trim_end().parse().unwrap();
            kill_process(Pid::from_raw(number).unwrap(), Signal::TERM).unwrap();
        }
        let rest = session.exp_eof().unwrap();
        assert!(rest.contains(code), "{rest}");
        until_it_sleeps(&seconds, false);
    }
}

#[test]
fn a_command_can_ask_on_the_terminal() {
    let cluster = server();
    for suspended in [false, true] {
        let script = "printf 'Code: ' >/dev/tty; read -r code </dev/tty; echo \"$code\"";
        let pgtend = with_command(&cluster, script).arg("--show-server");
        let mut session = terminal_of(&pgtend, &[], pgtend.home());
        session.exp_string("Code: ").unwrap();
        if suspended {
            // Nobody could wake this group again, so it goes on by itself.
            session.send_control('z').unwrap();
            std::thread::sleep(Duration::from_secs(3));
        }
        session.send_line("right").unwrap();
        let rest = session.exp_eof().unwrap();
        assert!(rest.contains("code 0"), "{suspended}: {rest}");
    }
}

/// pgtend on a terminal, in a shell that tells its exit code and the terminal's state.
fn on_a_terminal(cluster: &Cluster, more: &[&str]) -> rexpect::session::PtySession {
    on_a_terminal_with(cluster, more, &[])
}

fn on_a_terminal_with(
    cluster: &Cluster,
    more: &[&str],
    variables: &[(&str, &str)],
) -> rexpect::session::PtySession {
    let port = cluster.port().to_string();
    let server = ["-h", "127.0.0.1", "-U", "app", "-d", "postgres", "-p", &port];
    on_a_terminal_by(&[&server, more].concat(), variables)
}

fn on_a_terminal_by(
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> rexpect::session::PtySession {
    // Its home is gone by the time that it is looked at.
    terminal_of(&Pgtend::new().args(arguments), variables, Path::new("/"))
}

fn terminal_of(
    pgtend: &Pgtend,
    variables: &[(&str, &str)],
    folder: &Path,
) -> rexpect::session::PtySession {
    let plain = pgtend.command();
    let words: Vec<&str> = plain.get_args().map(|word| word.to_str().unwrap()).collect();
    let program = plain.get_program().to_str().unwrap();
    // The shell waits for Ctrl-C too, and goes on; at the end it uses the terminal, which stops
    // who has lost it.
    let script = format!(
        "trap : INT QUIT; stty echo; sh -c 'echo \"pid $$\"; exec {program} {}'; echo \"code $?\"; \
         stty -ixon; stty -a",
        words.join(" ")
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).env_clear().current_dir(folder);
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("TERM", "xterm").envs(variables.iter().copied());
    rexpect::session::spawn_command(shell, Some(60_000)).unwrap()
}

#[test]
fn ctrl_c_at_the_question_gives_the_terminal_back() {
    let cluster = server();
    let backup = ["backup", "-r", "/tmp/no-such", "--dry-run"].as_slice();
    for (command, key) in
        [(["--show-server"].as_slice(), 'c'), (backup, 'c'), (&["--show-server"], '\\')]
    {
        let mut session = on_a_terminal(&cluster, command);
        session.exp_string("Password for user app at 127.0.0.1:").unwrap();
        std::thread::sleep(Duration::from_millis(200));
        session.send_control(key).unwrap();
        let rest = session.exp_eof().unwrap();
        assert!(rest.contains("code 130"), "{rest}");
        assert!(rest.contains(" echo ") && !rest.contains("-echo "), "{rest}");
    }
}

/// As psql: no second question, one clear error.
#[test]
fn a_wrong_password_that_was_typed_is_an_error() {
    let cluster = server();
    let mut session = on_a_terminal(&cluster, &["--show-server"]);
    session.exp_string("Password for user app at 127.0.0.1:").unwrap();
    session.send_line("sesame").unwrap();
    let rest = session.exp_eof().unwrap();
    assert!(rest.contains("(with the password that was typed)"), "{rest}");
    assert!(rest.contains("check --username, and type the password again;"), "{rest}");
    assert!(rest.contains("code 69") && !rest.contains("Password for"), "{rest}");
    assert!(!rest.contains("sesame"), "{rest}");
}

/// Ctrl-D, or Enter alone: the error begins on a line of its own.
#[test]
fn an_empty_answer_is_told_as_one() {
    let cluster = server();
    for enter in [false, true] {
        let mut session = on_a_terminal(&cluster, &["--show-server", "-q"]);
        session.exp_string("Password for user app at 127.0.0.1:").unwrap();
        if enter {
            session.send_line("").unwrap();
        } else {
            session.send_control('d').unwrap();
        }
        let rest = session.exp_eof().unwrap();
        assert!(rest.contains(": \r\nerror: cannot connect to 127.0.0.1:"), "{rest}");
        assert!(rest.contains("the password of app, and nothing was typed"), "{rest}");
        assert!(rest.contains("next:  type it at the question, or "), "{rest}");
        assert!(rest.contains("code 69") && !rest.contains("on a terminal"), "{rest}");
    }
    let log = cluster.log();
    assert!(!log.contains("authentication failed"), "an empty password was tried: {log}");
}

#[test]
fn a_password_is_typed_once_for_all_sessions_of_a_run() {
    let cluster = server();
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().join("repo");
    let more = ["backup", "-j2", "--no-globals", "-r", repo.to_str().unwrap()];
    let mut session = on_a_terminal(&cluster, &more);
    session.exp_string("Password for user app at 127.0.0.1:").unwrap();
    session.send_line("right").unwrap();
    let rest = session.exp_eof().unwrap();
    assert!(rest.contains("code 0") && !rest.contains("Password for"), "{rest}");
}

/// As psql's `-W`: before anything is dialled, and above what is known.
#[test]
fn a_password_can_be_asked_for_first() {
    let cluster = server();
    for command in
        [["--show-server", "-W"].as_slice(), &["-W", "backup", "-r", "/tmp/no", "--dry-run"]]
    {
        let mut session = on_a_terminal_with(&cluster, command, &[("PGPASSWORD", "wrong")]);
        session.exp_string("Password for user app: ").unwrap();
        session.send_line("right").unwrap();
        let rest = session.exp_eof().unwrap();
        assert!(rest.contains("code 0") && !rest.contains("Password for"), "{rest}");
    }
    assert!(!cluster.log().contains("authentication failed"), "{}", cluster.log());
    let port = cluster.port().to_string();
    let pgtend = Pgtend::new().args(["--show-server", "-h", "127.0.0.1", "-U", "app", "-W"]);
    let output = pgtend.args(["-d", "postgres", "-p", &port]).run().expect_code(64);
    assert!(output.stderr.contains("--password needs one that is typed"), "{}", output.stderr);
}

/// Once for the primary and its replica, above what is known for either.
#[test]
fn a_password_that_is_asked_for_first_is_the_replicas_too() {
    let cluster = server();
    let standby = cluster.standby();
    let replica = format!("postgresql://app:wrong@127.0.0.1:{}/postgres", standby.port());
    let url = format!("postgresql://app:wrong@127.0.0.1:{}/postgres", cluster.port());
    let variables = [
        ("DATABASE_URL", url.as_str()),
        ("DB_READ_REPLICA_URLS", replica.as_str()),
        ("DB_BACKUP_URL", replica.as_str()),
    ];
    for which in ["replica", "backup"] {
        let mut session =
            on_a_terminal_by(&["--show-server", "-W", "--read-from", which], &variables);
        session.exp_string("Password for user app: ").unwrap();
        session.send_line("right").unwrap();
        let rest = session.exp_eof().unwrap();
        assert!(rest.contains("code 0") && !rest.contains("Password for"), "{rest}");
        assert!(rest.contains(&format!("127.0.0.1:{}", standby.port())), "{rest}");
        assert!(!rest.contains("skipping"), "{rest}");
        let pgtend = Pgtend::new().args(["--show-server", "-W", "--read-from", which]);
        let pgtend = variables.iter().fold(pgtend, |run, (name, value)| run.env(name, value));
        let output = pgtend.run().expect_code(64);
        assert!(output.stderr.contains("--password needs one that is typed"), "{}", output.stderr);
    }
    for log in [cluster.log(), standby.log()] {
        assert!(!log.contains("authentication failed"), "{log}");
    }
}

#[test]
fn nobody_is_asked_who_does_not_want_to_be() {
    let cluster = server();
    let mut session = on_a_terminal(&cluster, &["--show-server", "-w"]);
    let rest = session.exp_eof().unwrap();
    assert!(!rest.contains("Password for"), "{rest}");
    assert!(rest.contains("and none is known") && rest.contains("code 69"), "{rest}");
}
