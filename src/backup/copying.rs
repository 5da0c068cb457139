//! The readers and the closer of one backup at work.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::run::{Event, Outputs, Run, Start, Stop};
use super::{closer, reader};
use crate::error::{Error, Result};

/// Threads that copy, from when there is something to copy on. Dropped, they are stopped and waited
/// for: they write to the folder that a failed run removes.
#[derive(Debug)]
pub struct Copying {
    /// What they share.
    pub run: Arc<Run>,
    events: mpsc::UnboundedReceiver<Event>,
    threads: Vec<std::thread::JoinHandle<()>>,
    /// Threads that have not told their end.
    running: usize,
}

impl Drop for Copying {
    fn drop(&mut self) {
        self.run.stop.cancel();
        for thread in self.threads.drain(..) {
            // A reader that panicked has told so, or never will: its event is missing.
            thread.join().unwrap_or(());
        }
    }
}

impl Copying {
    /// Starts `jobs` readers and the closer; they wait for work.
    pub fn begin(start: Start, jobs: usize) -> Result<Self> {
        start.progress.phase("copying");
        start.progress.plan(0, 0);
        let (run, Outputs { events, to_close }) = Run::new(start);
        let mut copying = Self { run, events, threads: Vec::new(), running: jobs + 1 };
        let failed = |error: std::io::Error| Error::bug("cannot start a thread").caused_by(&error);
        for number in 0..jobs {
            let thread = reader::spawn(Arc::clone(&copying.run), number).map_err(failed)?;
            copying.threads.push(thread);
        }
        let closer = closer::spawn(Arc::clone(&copying.run), to_close).map_err(failed)?;
        copying.threads.push(closer);
        Ok(copying)
    }

    /// What they tell next; `None` once all have ended and were heard.
    pub async fn event(&mut self) -> Option<Event> {
        if self.running == 0 && self.events.is_empty() {
            return None;
        }
        let event = self.events.recv().await?;
        if matches!(event, Event::Ended(_)) {
            self.running -= 1;
        }
        Some(event)
    }

    /// Why they stopped before all work was given to them, once they have.
    pub async fn failure(&mut self) -> Stop {
        self.run.stop.cancelled().await;
        while let Some(event) = self.event().await {
            if let Event::Ended(Err(stop)) = event
                && !matches!(stop, Stop::Asked)
            {
                return stop;
            }
        }
        Stop::Asked
    }
}
