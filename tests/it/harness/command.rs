//! Running a program to its end: never for ever, and with all that it said.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a helper program may take.
pub const LIMIT: Duration = Duration::from_secs(120);

/// What a program left behind.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

impl Finished {
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Panics with what the program said if it failed.
    #[track_caller]
    pub fn expect_success(self, what: &str) -> Self {
        assert!(self.status.success(), "{what} failed: {}\n{}", self.status, self.stderr());
        self
    }
}

/// Runs `command` with `input` on its standard input, and panics when it takes too long.
#[track_caller]
pub fn run(command: &mut Command, input: &str) -> Finished {
    run_within(LIMIT, command, input)
}

/// The same with another limit.
#[track_caller]
pub fn run_within(limit: Duration, command: &mut Command, input: &str) -> Finished {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {name}: {error}: run scripts/setup"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A program may end without reading its input: its exit status tells, not our write.
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()).is_ok());
    let stdout = read_all(child.stdout.take().unwrap());
    let stderr = read_all(child.stderr.take().unwrap());
    let Some(status) = wait(&mut child, limit) else {
        child.kill().unwrap();
        child.wait().unwrap();
        let said = stderr.join().unwrap();
        panic!("{name} took longer than {limit:?}\n{}", String::from_utf8_lossy(&said));
    };
    writer.join().unwrap();
    Finished { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// Collects a stream to its end in a thread of its own.
pub fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// Waits at most `limit` for the end of `child`.
pub fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    until(limit, || child.try_wait().expect("our own child can be waited for"))
}

/// Calls `probe` until it gives something, for at most `limit`.
pub fn until<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if start.elapsed() > limit {
            return None;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
