//! Two samples of counters, and whether there is enough to judge by.

use serde::de::DeserializeOwned;

use super::look::Look;
use super::question::Question;
use super::verdict::Silence;

/// Said where counting began anew between two samples.
pub const RESET: &str = "the statistics were reset between the two samples";

/// The one row of a question, twice.
#[derive(Debug, Clone)]
pub struct Pair<T> {
    pub before: T,
    pub now: T,
    /// From one to the other.
    pub seconds: f64,
}

impl<T: DeserializeOwned> Pair<T> {
    /// The two samples; `reset` is when counting began, as an epoch.
    ///
    /// # Errors
    /// Not applicable with one sample; unknown where a sample is empty or was not answered, and
    /// where counting began anew in between.
    pub fn of(
        look: &Look<'_>,
        question: &Question,
        reset: fn(&T) -> Option<f64>,
    ) -> Result<Self, Silence> {
        let now = look.row(question)?;
        let (rows, seconds) = look.before(question)?;
        let before = rows.into_iter().next();
        let before = before.ok_or_else(|| Silence::unknown("the earlier sample is empty"))?;
        // The counters may have passed what they were before.
        if reset(&before) != reset(&now) {
            return Err(Silence::unknown(RESET));
        }
        Ok(Self { before, now, seconds })
    }

    /// By how much a counter grew.
    ///
    /// # Errors
    /// Unknown where counting began anew in between, as after a crash.
    pub fn grown(&self, counter: impl Fn(&T) -> f64) -> Result<f64, Silence> {
        grown(counter(&self.before), counter(&self.now))
    }
}

/// By how much a counter grew.
///
/// # Errors
/// Unknown where counting began anew in between.
pub fn grown(before: f64, now: f64) -> Result<f64, Silence> {
    if now < before {
        return Err(Silence::unknown(RESET));
    }
    Ok(now - before)
}
