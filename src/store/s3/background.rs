//! The thread that all requests run on.
//!
//! Who writes and reads has a runtime of his own that ends with his work; connections, and
//! uploads that are to be given up, must not end with it.

use std::future::Future;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// The thread; it ends when nobody holds this any more and no task runs that does.
#[derive(Debug)]
pub struct Background {
    handle: Handle,
    _alive: oneshot::Sender<()>,
}

impl Background {
    pub fn start() -> Result<Arc<Self>> {
        let failed = |error: std::io::Error| Error::bug("cannot start a thread").caused_by(&error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let handle = runtime.handle().clone();
        let (alive, gone) = oneshot::channel();
        let thread = std::thread::Builder::new().name("s3".into());
        let work = move || {
            runtime.block_on(async { gone.await.unwrap_or(()) });
        };
        thread.spawn(work).map_err(failed)?;
        Ok(Arc::new(Self { handle, _alive: alive }))
    }

    /// Runs a task to its end, whatever becomes of the one who waits for it.
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.handle.spawn(task)
    }
}

/// Uploads of this process that are neither stored nor given up.
static OPEN: Mutex<usize> = Mutex::new(0);
static FEWER: Condvar = Condvar::new();

fn open() -> MutexGuard<'static, usize> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One upload on its way.
#[derive(Debug)]
pub struct Open(());

impl Open {
    pub fn new() -> Self {
        *open() += 1;
        Self(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        *open() -= 1;
        FEWER.notify_all();
    }
}

/// Waits until every upload of this process is stored or given up; false when `limit` passed
/// before.
pub fn settle(limit: Duration) -> bool {
    let end = Instant::now() + limit;
    let mut left = open();
    while *left > 0 {
        let Some(wait) = end.checked_duration_since(Instant::now()) else { return false };
        let waited = FEWER.wait_timeout(left, wait);
        left = waited.map_or_else(|poisoned| poisoned.into_inner().0, |(left, _)| left);
    }
    true
}
