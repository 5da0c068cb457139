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
    /// What they tell.
    pub events: mpsc::UnboundedReceiver<Event>,
    threads: Vec<std::thread::JoinHandle<()>>,
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
        let mut copying = Self { run, events, threads: Vec::new() };
        let failed = |error: std::io::Error| Error::bug("cannot start a thread").caused_by(&error);
        for number in 0..jobs {
            let thread = reader::spawn(Arc::clone(&copying.run), number).map_err(failed)?;
            copying.threads.push(thread);
        }
        let closer = closer::spawn(Arc::clone(&copying.run), to_close).map_err(failed)?;
        copying.threads.push(closer);
        Ok(copying)
    }

    /// Threads that were started.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Why they stopped before all work was given to them, once they have.
    pub async fn failure(&mut self) -> Stop {
        self.run.stop.cancelled().await;
        let mut running = self.threads.len();
        while running > 0 {
            match self.events.recv().await {
                Some(Event::Ended(Err(stop))) if !matches!(stop, Stop::Asked) => return stop,
                Some(Event::Ended(_)) => running -= 1,
                Some(Event::Deferred(_) | Event::Lost) => {}
                None => break,
            }
        }
        Stop::Asked
    }
}
