//! Several sessions that work on a list, each in a thread of its own with a runtime of its own:
//! hashing rows is work for a processor.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::conn::{self, Session, SessionOptions};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::settings::Target;
use crate::worker;

/// How the sessions are opened, and how many.
#[derive(Debug)]
pub struct Pool {
    /// The database.
    pub target: Target,
    /// What each session starts with.
    pub options: SessionOptions,
    /// The most sessions.
    pub jobs: usize,
    /// Stops the work.
    pub cancel: CancellationToken,
}

enum Event<O> {
    Output(O),
    Ended(Result<()>),
}

/// Stopped and waited for in every way out.
struct Threads {
    cancel: CancellationToken,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.cancel.cancel();
        for thread in self.threads.drain(..) {
            // One that panicked has not told its end, which is an error already.
            thread.join().unwrap_or(());
        }
    }
}

impl Pool {
    /// Works on every item and hands each result to `sink` as it comes; the first error ends all.
    pub async fn run<T, O, W>(self, items: Vec<T>, work: W, mut sink: impl FnMut(O)) -> Result<()>
    where
        T: Send + 'static,
        O: Send + 'static,
        W: AsyncFn(&Session, T) -> Result<O> + Send + Sync + 'static,
    {
        let count = self.jobs.min(items.len());
        let shared = Arc::new((Mutex::new(VecDeque::from(items)), work, self));
        let (sender, mut events) = unbounded_channel();
        let cancel = shared.2.cancel.clone();
        let mut threads = Threads { cancel, threads: Vec::new() };
        for number in 0..count {
            let (shared, sender) = (Arc::clone(&shared), sender.clone());
            let thread = std::thread::Builder::new()
                .name(format!("compare-{number}"))
                .spawn(move || {
                    let (items, work, pool) = &*shared;
                    let result = pool.thread(items, work, &sender);
                    // Whoever does not listen any more knows why.
                    sender.send(Event::Ended(result)).unwrap_or(());
                })
                .map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
            threads.threads.push(thread);
        }
        drop(sender);
        let mut ended = 0;
        while let Some(event) = events.recv().await {
            match event {
                Event::Output(output) => sink(output),
                Event::Ended(result) => {
                    result?;
                    ended += 1;
                }
            }
        }
        if ended == count { Ok(()) } else { Err(Error::bug("a comparing thread panicked")) }
    }

    fn thread<T, O>(
        &self,
        items: &Mutex<VecDeque<T>>,
        work: &impl AsyncFn(&Session, T) -> Result<O>,
        sender: &UnboundedSender<Event<O>>,
    ) -> Result<()> {
        let next = || items.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let all = async {
            let session = conn::connect(&self.target, &self.options).await?;
            while let Some(item) = next() {
                let output = work(&session, item).await?;
                sender.send(Event::Output(output)).unwrap_or(());
            }
            Ok(())
        };
        worker::until_stopped(&self.cancel, all)?
            .ok_or_else(|| Error::new(Exit::Interrupted, "the comparison was stopped"))
    }
}
