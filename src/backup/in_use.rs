//! A mark in a backup's folder while it is restored, verified, copied or exported: prune leaves it
//! alone.
//!
//! `in-use-20261121T174659.123456Z-restore.json`. Who may not write to the repository reads
//! without one. The mark of a run that was killed counts for two days.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::catalog::Found;
use crate::store::Store;

const START: &str = "in-use-";
const END: &str = ".json";
const TIME: &str = "%Y%m%dT%H%M%S.%6fZ";
/// How long a mark counts.
const COUNTS: SignedDuration = SignedDuration::from_hours(48);

/// A mark of this run's.
#[derive(Debug)]
pub struct Mark {
    store: Store,
    key: Option<String>,
}

impl Mark {
    /// Leaves a mark, if that can be; `what` is being done, in letters and dashes.
    pub async fn set(store: &Store, found: &Found, what: &str) -> Self {
        let now = Timestamp::now();
        let key = format!("{}{START}{}-{what}{END}", found.folder, now.strftime(TIME));
        let set = store.publish(&key, b"{}\n").await.is_ok();
        Self { store: store.clone(), key: set.then_some(key) }
    }

    /// Takes it away again.
    pub async fn lift(self) {
        if let Some(key) = &self.key {
            // One that stays counts for a while, and is removed with the backup.
            self.store.remove(key).await.unwrap_or(());
        }
    }
}

/// What an object's name says is being done, unless it said so long ago.
pub fn read(name: &str, now: Timestamp) -> Option<String> {
    let (time, what) = parts(name)?;
    let since = DateTime::strptime(TIME, time).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let counts = now.duration_since(since) < COUNTS;
    counts.then(|| format!("{what} since {}", since.strftime("%Y-%m-%d %H:%M UTC")))
}

/// Whether an object's name is that of a mark, of whatever age.
pub fn is_mark(name: &str) -> bool {
    parts(name).is_some_and(|(time, what)| {
        let figures = |byte: u8| byte.is_ascii_digit() || b"T.Z".contains(&byte);
        let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        time.bytes().all(figures) && what.bytes().all(letters)
    })
}

fn parts(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix(START)?.strip_suffix(END)?.split_once('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_counts_for_two_days() {
        let name = "in-use-20261121T174659.123456Z-verify-backup.json";
        let at = |time: &str| read(name, time.parse().unwrap());
        let said = at("2026-11-22T00:00:00Z").unwrap();
        assert_eq!(said, "verify-backup since 2026-11-21 17:46 UTC");
        assert!(at("2026-11-23T17:46:00Z").is_some() && at("2026-11-23T17:47:00Z").is_none());
        assert!(is_mark(name));
        for other in ["toc.dat", "in-use-.json", "in-use-x-y.json", "in-use-20261121-A.json"] {
            assert!(!is_mark(other) && read(other, Timestamp::UNIX_EPOCH).is_none(), "{other}");
        }
    }
}
