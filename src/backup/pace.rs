//! How fast a run may read: a token bucket that all its readers share.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What was not read for this long may be made up for at once, not more: the rate holds from the
/// first second on.
const BURST: Duration = Duration::from_millis(100);
/// Readers pay for so many parts of a second at a time: the shares of several are alike, and few
/// of them meet at the lock.
const STEPS: u64 = 50;
/// Bytes of the largest step.
const LARGEST_STEP: u64 = 256 << 10;

/// Bytes that may be read in a second, by all together. Who asks first is served first, and sleeps
/// until it is due.
#[derive(Debug)]
pub struct Pace {
    rate: u64,
    /// When all that was asked for so far is paid.
    paid: Mutex<Instant>,
}

impl Pace {
    /// A bucket of so many bytes in a second, at least 1.
    pub fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), paid: Mutex::new(Instant::now()) }
    }

    /// Bytes in a second.
    pub const fn rate(&self) -> u64 {
        self.rate
    }

    /// Waits until these bytes, which were read, are paid.
    pub async fn pay(&self, bytes: u64) {
        sleep_until(self.book(Instant::now(), bytes)).await;
    }

    /// When bytes that were read now are paid.
    fn book(&self, now: Instant, bytes: u64) -> Instant {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.rate);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        *paid = (*paid).max(earliest) + cost;
        *paid
    }
}

/// What one reader has read and not yet paid for. Without a pace everything is free.
#[derive(Debug)]
pub struct Meter<'a> {
    pace: Option<&'a Pace>,
    step: u64,
    owed: u64,
}

impl<'a> Meter<'a> {
    /// Nothing is owed.
    pub fn new(pace: Option<&'a Pace>) -> Self {
        let step = pace.map_or(u64::MAX, |pace| (pace.rate / STEPS).min(LARGEST_STEP));
        Self { pace, step, owed: 0 }
    }

    /// Counts bytes that were read; true when so many have gathered that they are to be
    /// [settled](Self::settle).
    #[must_use]
    pub const fn add(&mut self, bytes: usize) -> bool {
        self.owed = self.owed.saturating_add(bytes as u64);
        self.owed >= self.step
    }

    /// Pays what is owed: waits until it is due.
    pub async fn settle(&mut self) {
        let owed = std::mem::take(&mut self.owed);
        if let Some(pace) = self.pace.filter(|_| owed > 0) {
            pace.pay(owed).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn bytes_are_paid_at_the_rate_whoever_asks() {
        let pace = Pace::new(1000);
        let start = Instant::now();
        // Two readers that take turns: each gets half, in the order they asked.
        let due: Vec<Instant> = (0..4).map(|_| pace.book(start, 500)).collect();
        for (number, due) in (1..).zip(&due) {
            let after = due.duration_since(start);
            assert!(after <= SECOND / 2 * number, "{number}: {after:?}");
            assert!(after + BURST >= SECOND / 2 * number, "{number}: {after:?}");
        }
        assert!(due.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let pace = Pace::new(1000);
        let later = Instant::now() + 60 * SECOND;
        assert_eq!(pace.book(later, 1000).duration_since(later), SECOND - BURST);
        assert_eq!(pace.book(later, 1000).duration_since(later), 2 * SECOND - BURST);
    }

    #[test]
    fn the_largest_amounts_do_not_overflow() {
        let pace = Pace::new(1 << 30);
        let now = Instant::now();
        let due = pace.book(now, 1 << 40).duration_since(now);
        assert!(due > 1000 * SECOND && due <= 1024 * SECOND, "{due:?}");
    }

    /// Real time, with a bound that only goes one way.
    #[tokio::test]
    async fn readers_together_are_no_faster_than_the_rate() {
        let pace = Pace::new(1 << 20);
        let start = Instant::now();
        let reader = async {
            let mut meter = Meter::new(Some(&pace));
            for _ in 0..160 {
                if meter.add(1 << 10) {
                    meter.settle().await;
                }
            }
            meter.settle().await;
        };
        let other = async {
            let mut meter = Meter::new(Some(&pace));
            assert!(meter.add(160 << 10));
            meter.settle().await;
        };
        tokio::join!(reader, other);
        // 320 KiB at 1024 KiB/s.
        assert!(start.elapsed() >= Duration::from_micros(312_500) - BURST);
    }

    #[tokio::test]
    async fn without_a_pace_nothing_waits() {
        let mut meter = Meter::new(None);
        assert!(!meter.add(64 << 30));
        meter.settle().await;
    }
}
