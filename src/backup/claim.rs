//! The sign that a copy is being written: an object beside the others, renewed as long as the copy
//! runs. Who finds objects without a record can tell by it whether to wait or to replace them.

use std::convert::Infallible;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::Store;

/// How often the sign is renewed.
const RENEWED: Duration = Duration::from_secs(60);
/// From this age on a sign is one of a copy that was broken off: clocks differ, stores hang.
const DEAD: Duration = Duration::from_secs(600);
const PREFIX: &str = "copying-";
const SUFFIX: &str = ".json";
const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Our own sign.
#[derive(Debug)]
pub struct Claim<'a> {
    store: &'a Store,
    folder: &'a str,
    key: String,
}

impl<'a> Claim<'a> {
    /// Sets the sign.
    pub async fn set(store: &'a Store, folder: &'a str) -> Result<Self> {
        let key = publish(store, folder).await?;
        Ok(Self { store, folder, key })
    }

    /// Renews it for ever. A store that does not take one sign may take the next.
    pub async fn renew(&mut self) -> Infallible {
        loop {
            tokio::time::sleep(RENEWED).await;
            if let Ok(key) = publish(self.store, self.folder).await {
                let old = std::mem::replace(&mut self.key, key);
                // One too many says the same.
                self.store.remove(&old).await.unwrap_or(());
            }
        }
    }

    /// Takes it away.
    pub async fn lift(self) -> Result<()> {
        self.store.remove(&self.key).await
    }
}

async fn publish(store: &Store, folder: &str) -> Result<String> {
    let key = format!("{folder}{PREFIX}{}{SUFFIX}", jiff::Timestamp::now().strftime(FORMAT));
    store.publish(&key, b"{}\n").await?;
    Ok(key)
}

/// How long ago a copy that is at work in a folder gave a sign; `None` when none is.
pub fn living<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Duration> {
    names.into_iter().filter_map(age).min().filter(|age| *age < DEAD)
}

/// Whether an object's name is that of a sign, of whatever age.
pub fn is_sign(name: &str) -> bool {
    age(name).is_some()
}

fn age(name: &str) -> Option<Duration> {
    let text = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let set = DateTime::strptime(FORMAT, text).ok()?.to_zoned(TimeZone::UTC).ok()?;
    let age = jiff::Timestamp::now().duration_since(set.timestamp());
    // One from the future (another clock) is as young as can be.
    Some(Duration::try_from(age).unwrap_or(Duration::ZERO))
}

/// Refuses a folder in which another copy is at work.
pub fn refuse_living<'n>(names: impl IntoIterator<Item = &'n str>, what: &str) -> Result<()> {
    let Some(age) = living(names) else { return Ok(()) };
    let dead = DEAD.as_secs();
    Err(Error::new(Exit::Busy, format!("{what} is being copied by another run"))
        .because(format!("it gave a sign {} s ago", age.as_secs()))
        .next(format!("wait for it; one that was killed is replaced {dead} s after its last sign")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_young_sign_is_of_a_copy_that_runs() {
        let sign = |age: i64| {
            let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(age);
            format!("{PREFIX}{}{SUFFIX}", at.strftime(FORMAT))
        };
        let living =
            |names: &[String]| refuse_living(names.iter().map(String::as_str), "x").is_err();
        assert!(living(&[sign(0)]));
        assert!(living(&[sign(-3600)]));
        assert!(living(&[sign(5000), sign(100)]));
        assert!(!living(&[sign(5000), "toc.dat".into(), "copying-x.json".into()]));
        assert!(!living(&[]));
    }
}
