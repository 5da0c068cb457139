//! How far a run is: a bar on a terminal, a line every ten seconds elsewhere. The only user of
//! `indicatif`.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::log::{Level, Line, tell};
use super::{Talk, say};
use crate::cli::output::LogForm;
use crate::render::{bytes, count, duration, printable, rate};
use crate::report::{News, Progress, Reading};
use crate::settings::masked;

/// A shorter run shows no progress at all.
const QUIET_START: Duration = Duration::from_millis(250);
/// Between two looks at the counters.
const TICK: Duration = Duration::from_millis(100);
/// Between two lines off a terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// How progress is shown.
#[derive(Debug, Clone, Copy)]
pub struct Display {
    pub(super) talk: Talk,
    pub(super) color: bool,
    pub(super) log: LogForm,
}

/// Shows a run's progress until it is dropped.
#[derive(Debug)]
pub struct Watch {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A display that panicked has nothing to tell; the run goes on.
            thread.join().unwrap_or(());
        }
    }
}

/// Starts to show a run's progress and its notes on stderr.
pub fn watch(progress: Arc<Progress>, display: Display) -> Watch {
    let (stop, stopped) = channel();
    let thread = std::thread::Builder::new().name("progress".into()).spawn(move || {
        let mut screen = Screen::new(display, Arc::clone(&progress));
        loop {
            let ended = matches!(stopped.recv_timeout(TICK), Err(RecvTimeoutError::Disconnected));
            screen.update();
            if ended {
                screen.end();
                return;
            }
        }
    });
    // Without a thread there is no progress, which is better than no run.
    Watch { stop: Some(stop), thread: thread.ok() }
}

struct Screen {
    display: Display,
    progress: Arc<Progress>,
    start: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
    /// The style that the bar has.
    measured: Option<bool>,
}

impl Screen {
    fn new(display: Display, progress: Arc<Progress>) -> Self {
        let people = std::io::stderr().is_terminal() && display.log == LogForm::Text;
        let terminal = people && display.talk >= Talk::Normal;
        let bar =
            terminal.then(|| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()));
        let now = Instant::now();
        Self { display, progress, start: now, last_line: now, bar, measured: None }
    }

    /// With a bar where it is known how far the phase is, else with its name alone.
    fn set_style(&mut self, bar: &ProgressBar, measured: bool) {
        if self.measured == Some(measured) {
            return;
        }
        self.measured = Some(measured);
        let color = if self.display.color { ".cyan" } else { "" };
        // 80 columns hold the whole summary beside it.
        let template = match measured {
            true => format!("{{bar:16{color}}} {{percent:>3}}%  {{wide_msg}}"),
            false => "{wide_msg}".to_owned(),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("=> "));
        }
    }

    fn update(&mut self) {
        for news in self.progress.take_news() {
            match news {
                News::Note(note) if self.display.talk >= Talk::Normal => {
                    let line = Line::new(Level::Info, "note", &note);
                    self.line(line, &format!("note: {note}"));
                }
                News::Phase(phase, since) if self.display.talk >= Talk::Verbose => {
                    let elapsed = since.saturating_duration_since(self.start).as_secs_f64();
                    let line = Line::new(Level::Debug, "phase", phase);
                    self.line(line, &format!("{elapsed:>6.2} s  {phase}"));
                }
                News::Detail(detail) if self.display.talk >= Talk::Verbose => {
                    let line = Line::new(Level::Debug, "detail", &detail);
                    self.line(line, &format!("note: {detail}"));
                }
                News::Note(_) | News::Detail(_) | News::Phase(..) => {}
            }
        }
        let reading = self.progress.reading();
        let Some(since) = reading.since.filter(|_| self.start.elapsed() >= QUIET_START) else {
            return;
        };
        let text = summary(&reading, since.elapsed());
        if let Some(bar) = self.bar.clone() {
            self.set_style(&bar, reading.weight > 0);
            match reading.weight {
                0 => bar.set_message(format!("{}: {text}", reading.phase)),
                _ => bar.set_message(text),
            }
            bar.set_length(reading.weight);
            bar.set_position(reading.weight_done);
        } else if self.display.talk >= Talk::Normal && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let text = format!("{}: {text}", reading.phase);
            let line = Line::new(Level::Info, "progress", &text)
                .with("phase", reading.phase)
                .with("weight", reading.weight)
                .with("weight_done", reading.weight_done)
                .with("raw_bytes", reading.raw)
                .with("rows", reading.rows)
                .with("tables", reading.tables)
                .with("tables_done", reading.tables_done);
            self.line(line, &text);
        }
    }

    fn line(&self, mut line: Line<'_>, text: &str) {
        if let Some(database) = self.progress.database() {
            line = line.with("database", database);
        }
        let text = format!("{}\n", printable(&masked(text)));
        match &self.bar {
            Some(bar) => bar.suspend(|| say(&text)),
            None => tell(self.display.log, &line, || text),
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

/// `1.2 GiB at 286.0 MiB/s, 12/519 tables, about 5 s left`, of what the phase counts; the time
/// that it took so far where it counts nothing.
fn summary(reading: &Reading, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    if reading.weight == 0 {
        return format!("{} so far", duration(seconds));
    }
    // Not every phase counts bytes before compression.
    let done = if reading.raw > 0 { reading.raw } else { reading.weight_done };
    let mut text = bytes(done);
    if seconds > 0.0 {
        text.push_str(&format!(" at {}", rate(done, seconds)));
    }
    if reading.tables > 0 {
        let (tables_done, tables) = (count(reading.tables_done), count(reading.tables));
        text.push_str(&format!(", {tables_done}/{tables} tables"));
    }
    if reading.weight_done > 0 && reading.weight_done < reading.weight {
        #[expect(clippy::cast_precision_loss, reason = "an estimate")]
        let left =
            seconds * (reading.weight - reading.weight_done) as f64 / reading.weight_done as f64;
        text.push_str(&format!(", about {} left", duration(left)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_tells_bytes_rate_tables_and_time_left() {
        let reading = Reading {
            weight: 100,
            weight_done: 25,
            raw: 10 << 20,
            tables: 4,
            tables_done: 1,
            ..Reading::default()
        };
        assert_eq!(
            summary(&reading, Duration::from_secs(2)),
            "10.0 MiB at 5.0 MiB/s, 1/4 tables, about 6.0 s left"
        );
        let reading = Reading { raw: 0, tables: 0, tables_done: 0, ..reading };
        assert_eq!(summary(&reading, Duration::from_secs(5)), "25 B at 5 B/s, about 15.0 s left");
        assert_eq!(summary(&Reading::default(), Duration::from_secs(12)), "12.0 s so far");
    }
}
