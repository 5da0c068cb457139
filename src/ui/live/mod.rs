//! A page that renews itself on a terminal, with keys.
//!
//! One thread does it all: keys, the clock and the sample that is under way wait side by side, so
//! that a key is heard while a server hangs. What cannot be sampled ends nothing: the last page
//! stays, says how old it is, and the next try comes.

mod frame;
mod key;
mod terminal;

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::{Page, Text};
use crate::report::Report;
use crate::settings::masked;
use frame::Scene;
use key::Key;
use terminal::{Size, Terminal};

pub use terminal::{is_possible, leave};

/// The pauses between two samples that + and - choose from.
const STEPS: [Duration; 8] = [
    LEAST,
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(300),
];
/// What a server is asked at most.
const LEAST: Duration = Duration::from_millis(500);
/// The longest pause after a sample that failed, unless the operator wants longer ones anyway.
const LONGEST: Duration = Duration::from_secs(30);
/// A sample that takes longer is given up, with its session: statements end after 30 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It has no meaning here.
    Nothing,
    /// What is known is to be shown in another way.
    Redraw,
    /// It takes another look at the server.
    Sample,
}

/// A report that renews itself.
pub trait Live {
    /// What one look at the server gives.
    type Sample;
    /// What is shown of it.
    type Report: Report + Text;

    /// Takes a new sample.
    fn take(&mut self, sample: Self::Sample);

    /// The report of the last sample, as the keys want it.
    fn report(&self) -> &Self::Report;

    /// The page's own keys, with what they do in a word or two.
    fn keys(&self) -> Vec<(char, String)>;

    /// Does what one of them asks for.
    fn key(&mut self, key: char) -> Turn;
}

/// How a live page looks and when it renews itself.
#[derive(Debug, Clone)]
pub struct Manner {
    /// What is shown, and of which server.
    pub title: String,
    /// From one sample to the next.
    pub every: Duration,
    pub color: bool,
}

/// Pauses between tries after a number of failures, growing up to half a minute.
pub fn pause(failures: u32, every: Duration) -> Duration {
    let growing = Duration::from_secs(1 << failures.saturating_sub(1).min(5));
    growing.min(LONGEST).max(every)
}

/// Whether a failure is no matter of time: a login that was refused, which tries would only lock
/// out, or something of our own.
pub fn is_final(error: &Error) -> bool {
    const REASONS: [&str; 14] = [
        "no-pg-hba-entry",
        "wrong-password",
        "token-refused",
        "password-missing",
        "authentication-failed",
        "authentication-unsupported",
        "unknown-role",
        "no-login",
        "unknown-database",
        "no-connect-privilege",
        "pooler-login",
        "client-certificate-missing",
        "client-certificate-untrusted",
        "client-certificate-refused",
    ];
    matches!(error.exit(), Exit::Usage | Exit::Bug)
        || error.reasons().iter().any(|reason| REASONS.contains(reason))
}

/// Gives a sample up that takes too long.
pub async fn in_time<T>(sample: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, sample).await.unwrap_or_else(|_| {
        Err(Error::new(Exit::Unavailable, "the server does not answer")
            .because(format!("nothing within {} s", PATIENCE.as_secs())))
    })
}

/// Shows a page until q, Ctrl-C or `cancel`. It has a first sample already; `sample` takes the
/// further ones.
///
/// # Errors
/// Those of a sample that [`is_final`]; exit 74 when the terminal cannot be used.
pub async fn show<L: Live>(
    live: &mut L,
    manner: Manner,
    cancel: &CancellationToken,
    mut sample: impl AsyncFnMut() -> Result<L::Sample>,
) -> Result<()> {
    let mut resized = listen(SignalKind::window_change())?;
    // Sent to whoever was stopped, in the background for one, when he goes on.
    let mut woken = listen(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let terminal = Terminal::enter()?;
    let (wanted, asked) = (Notify::new(), Cell::new(None));
    let (sender, mut samples) = mpsc::unbounded_channel();
    let mut sampling = pin!(async {
        loop {
            wanted.notified().await;
            asked.set(Some(Instant::now()));
            let result = in_time(sample()).await;
            asked.set(None);
            sender.send(result).unwrap_or(());
        }
    });
    let mut screen = Screen::new(live, terminal, manner);
    loop {
        screen.draw(asked.get())?;
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(()),
            result = samples.recv() => match result {
                Some(Err(error)) if is_final(&error) => return Err(error),
                Some(result) => screen.sampled(result),
                None => return Ok(()),
            },
            keys = screen.terminal.keys() => {
                let keys = keys?;
                if keys.is_empty() {
                    return Ok(());
                }
                for key in keys {
                    match screen.press(key)? {
                        Asks::Nothing => {}
                        Asks::Sample => wanted.notify_one(),
                        Asks::Quit => return Ok(()),
                    }
                }
            }
            _ = resized.recv() => screen.redraw(),
            _ = woken.recv() => {
                screen.terminal.take()?;
                screen.redraw();
            }
            () = tokio::time::sleep_until(screen.next), if screen.may_sample(asked.get()) => {
                screen.begun();
                wanted.notify_one();
            }
            // The age of the page moves on.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = &mut sampling => {}
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal> {
    signal(kind).map_err(|error| Error::bug("cannot listen to signals").caused_by(&error))
}

/// What a key asks of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    Nothing,
    Sample,
    Quit,
}

/// The page as the operator has it before him.
struct Screen<'a, L> {
    live: &'a mut L,
    terminal: Terminal,
    manner: Manner,
    /// When the page was true.
    sampled: Instant,
    /// When the next sample is due.
    next: Instant,
    failures: u32,
    trouble: Option<String>,
    paused: bool,
    help: bool,
    top: usize,
    /// The lines of the page, while they hold.
    lines: Option<Vec<String>>,
    /// What stands on the terminal, and its size then.
    shown: Vec<String>,
    size: Size,
}

impl<'a, L: Live> Screen<'a, L> {
    fn new(live: &'a mut L, terminal: Terminal, manner: Manner) -> Self {
        let size = terminal.size();
        let now = Instant::now();
        Self {
            live,
            terminal,
            sampled: now,
            next: now + manner.every,
            manner,
            failures: 0,
            trouble: None,
            paused: false,
            help: false,
            top: 0,
            lines: None,
            shown: Vec::new(),
            size,
        }
    }

    fn may_sample(&self, asked: Option<Instant>) -> bool {
        !self.paused && asked.is_none()
    }

    /// A sample begins.
    fn begun(&mut self) {
        self.next = Instant::now() + self.manner.every;
    }

    fn sampled(&mut self, result: Result<L::Sample>) {
        let now = Instant::now();
        match result {
            Ok(sample) => {
                self.live.take(sample);
                self.lines = None;
                (self.sampled, self.failures, self.trouble) = (now, 0, None);
            }
            Err(error) => {
                self.failures += 1;
                self.next = now + pause(self.failures, self.manner.every);
                self.trouble = Some(masked(&error.to_string()));
            }
        }
    }

    fn redraw(&mut self) {
        self.shown.clear();
    }

    fn press(&mut self, key: Key) -> Result<Asks> {
        // Two lines of the last page stay in sight.
        let leap = self.size.rows.saturating_sub(4).max(1);
        match key {
            Key::Interrupt | Key::Char('q') => return Ok(Asks::Quit),
            Key::Suspend => {
                self.terminal.suspend()?;
                self.redraw();
            }
            Key::Redraw => self.redraw(),
            Key::Char('h' | '?') => self.help(!self.help),
            Key::Escape => self.help(false),
            Key::Char(' ') => {
                self.paused = !self.paused;
                if !self.paused {
                    self.next = Instant::now();
                }
            }
            Key::Char('+') => self.pace(STEPS.iter().find(|step| **step > self.manner.every)),
            Key::Char('-') => self.pace(STEPS.iter().rfind(|step| **step < self.manner.every)),
            Key::Up | Key::Char('k') => self.top = self.top.saturating_sub(1),
            Key::Down | Key::Char('j') => self.top += 1,
            Key::PageUp => self.top = self.top.saturating_sub(leap),
            Key::PageDown => self.top += leap,
            Key::Home => self.top = 0,
            // As far as it goes is decided where the lines are known.
            Key::End => self.top = usize::MAX / 2,
            Key::Char(key) => match self.live.key(key) {
                Turn::Nothing => {}
                Turn::Redraw => self.lines = None,
                Turn::Sample => {
                    self.begun();
                    return Ok(Asks::Sample);
                }
            },
        }
        Ok(Asks::Nothing)
    }

    fn help(&mut self, help: bool) {
        (self.help, self.lines, self.top) = (help, None, 0);
    }

    fn pace(&mut self, every: Option<&Duration>) {
        if let Some(every) = every {
            self.manner.every = *every;
            self.next = self.next.min(Instant::now() + *every);
        }
    }

    /// Draws what has changed.
    fn draw(&mut self, asked: Option<Instant>) -> Result<()> {
        let size = self.terminal.size();
        if size != self.size {
            self.size = size;
            self.lines = None;
            self.redraw();
        }
        let page = Page { width: size.columns.max(40) };
        let lines = self.lines.take().unwrap_or_else(|| match self.help {
            true => help(&self.live.keys()),
            false => self.live.report().text(&page).lines().map(str::to_owned).collect(),
        });
        let keys = footer(&self.live.keys());
        let waits = asked.map(|since| since.elapsed());
        let trouble = self.trouble.as_ref().map(|text| match self.paused || waits.is_some() {
            true => text.clone(),
            false => {
                let left = self.next.saturating_duration_since(Instant::now()).as_secs();
                format!("trying again in {} s: {text}", left + 1)
            }
        });
        let state = frame::state(self.manner.every, self.sampled.elapsed(), waits, self.paused);
        let mut scene = Scene {
            title: &self.manner.title,
            state: &state,
            trouble: trouble.as_deref(),
            lines: &lines,
            top: self.top,
            keys: &keys,
            color: self.manner.color,
        };
        scene.top = scene.top.min(lines.len().saturating_sub(frame::room(&scene, size)));
        let top = scene.top;
        let now = frame::compose(&scene, size);
        self.top = top;
        let text = frame::difference(&self.shown, &now, size);
        if !text.is_empty() {
            self.terminal.write(&text)?;
        }
        (self.shown, self.lines) = (now, Some(lines));
        Ok(())
    }
}

fn footer(keys: &[(char, String)]) -> String {
    let mut text = "q quit  h help  space pause".to_owned();
    for (key, what) in keys {
        text.push_str(&format!("  {key} {what}"));
    }
    text
}

fn help(keys: &[(char, String)]) -> Vec<String> {
    let own = keys.iter().map(|(key, what)| (key.to_string(), what.as_str()));
    let common = [
        ("q, Ctrl-C", "quit"),
        ("space", "pause, go on"),
        ("+, -", "sample less often, more often"),
        ("j, k, arrows, PageUp, PageDown, Home, End", "scroll"),
        ("Ctrl-L", "draw all anew"),
        ("Ctrl-Z", "stop; fg goes on"),
        ("h, ?", "this help, and back"),
    ];
    let all = own.chain(common.map(|(key, what)| (key.to_owned(), what)));
    all.map(|(key, what)| format!("  {key:<42} {what}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_half_a_minute_and_are_never_shorter_than_the_interval() {
        let seconds: Vec<u64> = [1, 2, 3, 4, 5, 6, 40].map(|n| pause(n, LEAST).as_secs()).into();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pause(1, Duration::from_secs(60)).as_secs(), 60);
    }

    #[test]
    fn a_refused_login_is_final_and_a_lost_server_is_not() {
        let error = |reason| Error::new(Exit::Unavailable, "cannot connect").reason(reason);
        assert!(is_final(&error("wrong-password")));
        assert!(!is_final(&error("refused")));
        assert!(!is_final(&error("starting")));
        assert!(is_final(&Error::usage("no table t")));
    }

    #[test]
    fn every_key_of_the_page_is_in_the_footer_and_in_the_help() {
        let keys = [('g', "group by app".to_owned())];
        assert!(footer(&keys).ends_with("  g group by app"));
        assert!(help(&keys)[0].contains("group by app"));
    }
}
