//! The password that nobody wrote down.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

use super::origin::Origin;
use super::secret::Secret;

/// The password that was typed, or that a command printed, while a run connected. All clones of
/// a target share it: nobody is asked twice in one run.
#[derive(Clone, Default)]
pub struct Learned(Arc<Mutex<Option<(Secret, Origin)>>>);

impl Learned {
    /// Waits until nobody else is about to learn it.
    pub async fn lock(&self) -> MutexGuard<'_, Option<(Secret, Origin)>> {
        self.0.lock().await
    }
}

impl fmt::Debug for Learned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Learned")
    }
}
