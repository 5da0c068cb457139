//! Something that goes on happening while pgtend takes its two samples.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::harness::Database;

/// Happens again and again until it is dropped.
#[derive(Debug)]
pub struct Again {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Again {
    /// Calls `once` from a thread of its own.
    pub fn and_again(mut once: impl FnMut() + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !told.load(Ordering::Relaxed) {
                once();
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Again {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join).unwrap().expect("it went on to the end");
    }
}

/// psql in this database, as superuser, silent.
pub fn psql(db: &Database<'_>) -> Command {
    let mut psql = db.cluster().client("psql");
    psql.args(["-XAtq", "-d", db.name()]).stdin(Stdio::piped());
    psql.stdout(Stdio::piped()).stderr(Stdio::null());
    psql
}
