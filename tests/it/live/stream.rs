//! `--watch` where nobody looks: pipes and files.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Cluster, ClusterSpec, Pgtend, command};

struct Stream {
    child: Child,
    lines: BufReader<ChildStdout>,
    _pgtend: Pgtend,
}

impl Stream {
    fn start(pgtend: Pgtend) -> Self {
        let mut command = pgtend.command();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, _pgtend: pgtend }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    fn document(&mut self) -> Value {
        serde_json::from_str(&self.line()).expect("a document on one line")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Closes the pipe, and waits for the end.
    fn code_when_closed(self) -> i32 {
        let Self { mut child, lines, _pgtend } = self;
        drop(lines);
        let status = command::wait(&mut child, Duration::from_secs(30));
        status.expect("it ends").code().expect("no signal ends it")
    }

    /// Waits for the end, with the pipe open.
    fn code(mut self) -> i32 {
        let status = command::wait(&mut self.child, Duration::from_secs(30));
        status.expect("it ends").code().expect("no signal ends it")
    }
}

fn watch(cluster: &Cluster, more: &[&str]) -> Pgtend {
    Pgtend::new().args(["connections", "--url", &cluster.url("postgres")]).args(more)
}

#[test]
fn json_is_one_document_in_each_line_and_a_lost_server_is_one_too() {
    let cluster = ClusterSpec::major(15).start();
    let mut stream = Stream::start(watch(&cluster, &["--watch=500ms", "--format", "json"]));
    let mut times = Vec::new();
    for _ in 0..3 {
        let document = stream.document();
        assert_eq!(document["command"], "connections");
        assert_eq!(document["exit"], 0, "{document}");
        times.push(document["at"].as_str().unwrap().to_owned());
    }
    assert!(times.is_sorted() && times[0] != times[2], "{times:?}");
    cluster.stop_immediate();
    let lost = (0..20).map(|_| stream.document()).find(|document| document["error"].is_object());
    assert_eq!(lost.expect("the loss is told")["exit"], 69);
    cluster.start_again();
    let back = (0..20).map(|_| stream.document()).find(|document| document["report"].is_object());
    assert_eq!(back.expect("it comes back")["exit"], 0);
    stream.signal(Signal::INT);
    assert_eq!(stream.code(), 0, "Ctrl-C is how a watch ends");
}

#[test]
fn tables_follow_each_other_with_the_time_between_until_a_signal_or_a_closed_pipe() {
    let cluster = ClusterSpec::major(15).start();
    let mut stream = Stream::start(watch(&cluster, &["--watch", "0.5"]));
    let mut times = Vec::new();
    while times.len() < 2 {
        let line = stream.line();
        assert!(!line.contains('\x1b'), "{line:?}");
        times.extend(line.strip_prefix("=== ").map(str::to_owned));
    }
    assert!(times[0].starts_with("20") && times[0].ends_with(" UTC\n"), "{times:?}");
    stream.signal(Signal::TERM);
    assert_eq!(stream.code(), 143);

    // The pipe is closed long before the next report.
    let mut stream = Stream::start(watch(&cluster, &["--watch=1h"]));
    assert!(stream.line().starts_with("=== "));
    assert_eq!(stream.code_when_closed(), 0);
}

#[test]
fn what_cannot_be_watched_is_a_usage_error() {
    let cluster = Cluster::shared();
    for (more, words) in [
        (&["--watch", "--format=csv"][..], "connections --watch has no --format csv"),
        (&["--watch=0.1s"], "it is at least 500ms"),
        (&["--watch=soon"], "it is a time: 2s, 500ms or 1m"),
    ] {
        let output = watch(cluster, more).run().expect_code(64);
        assert!(output.stderr.contains(words), "{more:?}: {}", output.stderr);
    }
    let url = cluster.url("postgres");
    let pgtend = Pgtend::new().args(["slow-queries", "--watch", "--save=x", "--url", &url]);
    let output = pgtend.run().expect_code(64);
    assert!(output.stderr.contains("--watch and --save do not go together"), "{}", output.stderr);
    // A server that never was there is no server that was lost.
    let nowhere = ["connections", "--watch", "-h", "127.0.0.1", "-p", "1"];
    Pgtend::new().args(nowhere).run().expect_code(69);
}
