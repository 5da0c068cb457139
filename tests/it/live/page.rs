//! The live page.

use std::io::Write;
use std::process::{Child, Stdio};

use rustix::process::Signal;

use super::screen::Screen;
use crate::harness::{Cluster, ClusterSpec, Pgtend, Proxy, command};

fn watch(port: u16, more: &[&str]) -> Pgtend {
    watch_every("--watch=0.5s", port, more)
}

fn watch_every(every: &str, port: u16, more: &[&str]) -> Pgtend {
    let url = format!("postgresql://postgres@127.0.0.1:{port}/postgres");
    Pgtend::new().args(["connections", every, "--url", &url]).args(more)
}

/// A client that is idle in a transaction until it is dropped.
struct Guest(Child);

impl Guest {
    fn new(cluster: &Cluster, application: &str) -> Self {
        let mut psql = cluster.client("psql");
        psql.args(["-Xq", "-d", "postgres"]).env("PGAPPNAME", application);
        let mut child = psql.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"BEGIN; SELECT 1;\n").unwrap();
        Self(child)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[test]
fn it_renews_itself_without_clearing_the_screen_and_on_one_connection() {
    let cluster = ClusterSpec::major(17).start();
    let proxy = Proxy::start(cluster.port());
    let screen = Screen::of(watch(proxy.port(), &["--group", "app"]), 100, 30);
    let lines = screen.until_shown("every 0.5 s, sampled now");
    assert_eq!(lines.len(), 30);
    assert!(lines[0].starts_with("pgtend connections  127.0.0.1:"), "{lines:#?}");
    assert!(lines[29].starts_with("q quit  h help  space pause"), "{lines:#?}");
    assert_eq!(screen.modes(), (true, false));
    let connections = proxy.connections();
    let guest = Guest::new(&cluster, "guest_zero");
    screen.until_shown("guest_zero");
    drop(guest);
    let footers = screen.raw().matches("space pause").count();
    for round in ["first", "second"] {
        let guest = Guest::new(&cluster, &format!("guest_{round}"));
        screen.until_shown(&format!("guest_{round}"));
        drop(guest);
        screen.until_gone(&format!("guest_{round}"));
    }
    assert_eq!(proxy.connections(), connections, "each sample had a connection of its own");
    screen.press(&["q"]);
    screen.ended_with("0");
    let raw = screen.raw();
    assert!(!raw.contains("\x1b[2J") && !raw.contains("\x1b[J"), "{raw:?}");
    assert_eq!(raw.matches("\x1b[?1049h").count(), 1, "{raw:?}");
    // NO_COLOR: neither colours nor bars.
    assert!(!raw.contains("\x1b[7m") && !raw.contains("\x1b[31m"), "{raw:?}");
    // Only what changes is drawn again: the footer stands there from the beginning.
    assert_eq!(raw.matches("space pause").count(), footers, "{raw:?}");
}

#[test]
fn keys_and_the_size_of_the_terminal_are_heard_at_once() {
    let cluster = ClusterSpec::major(15).start();
    let _guest = Guest::new(&cluster, "guest");
    let there = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'guest'";
    let is_there = || (cluster.psql("postgres", there) == "1").then_some(());
    command::until(command::LIMIT, is_there).expect("a guest");
    // Nothing but keys changes the page for an hour.
    let hourly = watch_every("--watch=1h", cluster.port(), &[]).env("NO_COLOR", "");
    let screen = Screen::of(hourly, 100, 30);
    screen.until_shown("every 3600 s");
    screen.press(&["h"]);
    let help = screen.until_shown("sample less often, more often");
    assert!(!help.iter().any(|line| line.contains("guest")), "{help:#?}");
    screen.press(&["h"]);
    screen.until_gone("sample less often");
    screen.press(&["-"]);
    screen.until_shown("every 300 s");
    screen.press(&["-", "-", "-", "-", "-", "-", "-", "-", "-"]);
    screen.until_shown("every 0.5 s");
    screen.press(&["+"]);
    screen.until_shown("every 1 s");
    screen.press(&["Space"]);
    screen.until_shown("paused, sampled ");
    screen.press(&["Space"]);
    screen.until_gone("paused");

    // The lines stay what they are.
    screen.press(&["Space"]);
    screen.until_shown("paused, sampled ");
    screen.resize(70, 8);
    let small = screen.until("a frame of 70 x 8", |lines| {
        lines.len() == 8 && lines[7].starts_with("q quit") && lines[7].contains("lines 1-6 of ")
    });
    assert!(small.iter().all(|line| line.chars().count() <= 70), "{small:#?}");
    let second = small[2].clone();
    screen.press(&["Down"]);
    let scrolled = screen.until_shown("lines 2-7 of ");
    assert_eq!(scrolled[1], second);
    screen.press(&["PageDown", "k"]);
    screen.press(&["End"]);
    let end = screen.until("the end", |lines| {
        let words: Vec<&str> = lines[7].split(' ').collect();
        let (range, of) = (words[words.len() - 3], words[words.len() - 1]);
        range.ends_with(&format!("-{of}"))
    });
    screen.press(&["Home"]);
    assert_ne!(screen.until_shown("lines 1-6 of ")[1], end[1]);
    screen.resize(120, 40);
    screen
        .until("a frame of 120 x 40", |lines| lines.len() == 40 && lines[39].starts_with("q quit"));
    screen.press(&["C-c"]);
    screen.ended_with("0");
    assert!(screen.raw().contains("\x1b[7m"));
}

/// However it ends, the shell gets its terminal back.
#[test]
fn signals_leave_the_terminal_sane() {
    let cluster = ClusterSpec::major(15).start();
    for (signal, code) in [(Signal::INT, "0"), (Signal::TERM, "143")] {
        let screen = Screen::of(watch(cluster.port(), &[]), 80, 24);
        screen.until_shown("every 0.5 s");
        assert_eq!(screen.modes(), (true, false));
        screen.signal(signal);
        screen.ended_with(code);
    }
}

/// Samples are a second apart, and the page shows what ran in between.
#[test]
fn slow_queries_show_what_runs_between_two_samples() {
    let cluster = ClusterSpec::major(17)
        .set("shared_preload_libraries", "pg_stat_statements")
        .set("pg_stat_statements.track", "all")
        .start();
    cluster.psql("postgres", "CREATE EXTENSION pg_stat_statements; SELECT 'long ago', pg_sleep(0)");
    let url = cluster.url("postgres");
    let command = ["slow-queries", "--watch=1s", "--min-mean=0", "--url", &url];
    let screen = Screen::of(Pgtend::new().args(command), 140, 40);
    screen.until_shown("d totals  t total  m mean  c calls  i io  w wal");
    // At first all that was counted; then only what is new.
    screen.until_gone("CREATE EXTENSION");
    screen.until("what runs just now", |lines| {
        cluster.psql("postgres", "SELECT 'just now', pg_sleep(0.01)");
        lines.iter().any(|line| line.contains("pg_sleep"))
    });
    screen.press(&["d"]);
    screen.until_shown("CREATE EXTENSION");
    screen.press(&["d"]);
    screen.until_gone("CREATE EXTENSION");
    screen.press(&["q"]);
    screen.ended_with("0");
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_goes_on() {
    let cluster = ClusterSpec::major(15).start();
    let script = "set -m; sh run; stty -g > stopped; echo; read line; fg; echo $? > code";
    let screen = Screen::start(watch(cluster.port(), &[]), script, 80, 24);
    screen.until_shown("every 0.5 s");
    screen.press(&["C-z"]);
    assert_eq!(screen.written("stopped"), screen.written("before"));
    screen.until_gone("q quit");
    assert_eq!(screen.modes(), (false, true));
    screen.press(&["Enter"]);
    screen.until_shown("every 0.5 s");
    assert_eq!(screen.modes(), (true, false));
    screen.press(&["q"]);
    screen.ended_with("0");
}

#[test]
fn a_lost_server_comes_back_and_the_last_page_stays() {
    let cluster = ClusterSpec::major(17).start();
    let proxy = Proxy::start(cluster.port());
    let screen = Screen::of(watch(proxy.port(), &["--group", "app"]), 100, 30);
    screen.until_shown("every 0.5 s");
    let guest = Guest::new(&cluster, "guest_before");
    screen.until_shown("guest_before");
    // The line breaks: another one is there at the next try.
    proxy.cut_all();
    screen.until("a new connection", |_| proxy.open_connections() == 1);
    screen.until_gone("trying again");
    cluster.stop_immediate();
    let lines = screen.until_shown("trying again in ");
    assert!(lines.iter().any(|line| line.contains("guest_before")), "{lines:#?}");
    drop(guest);
    cluster.start_again();
    screen.until_gone("trying again");
    screen.until_gone("guest_before");
    let _guest = Guest::new(&cluster, "guest_after");
    screen.until_shown("guest_after");
    // A server that hangs: keys are heard all the same.
    proxy.stall();
    screen.until_shown("no answer for ");
    screen.press(&["h"]);
    screen.until_shown("sample less often");
    screen.press(&["q"]);
    screen.ended_with("0");
}

/// Tries of a refused login would lock the role out.
#[test]
fn a_login_that_is_refused_later_ends_it() {
    let cluster = ClusterSpec::major(15).start();
    cluster.psql("postgres", "CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher");
    let url = format!("postgresql://watcher@127.0.0.1:{}/postgres", cluster.port());
    let watcher = Pgtend::new().args(["connections", "--watch=0.5s", "--url", &url]);
    let screen = Screen::of(watcher, 100, 30);
    screen.until_shown("every 0.5 s");
    cluster.psql(
        "postgres",
        "ALTER ROLE watcher NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE usename = 'watcher'",
    );
    screen.ended_with("69");
    screen.until_shown("not permitted to log in");
}
