//! The sign that a copy is being written: an object beside the others, renewed as long as the copy
//! runs. Who finds objects without a record can tell by it whether to wait or to replace them.
//!
//! `copying-20261121T174659Z-1f0c9a8b7d6e5f40.json` says when it was set, and which run's it is.
//! Nothing is written or removed before a list of the folder shows one's own sign and no other
//! living one. Of several runs that set theirs at once all but one step back, and that one (the
//! smallest name of a run) waits until they have; who was alone before keeps the folder, whatever
//! the names.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, Instant};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::{Listed, Store};

/// How often the sign is renewed.
const RENEWED: Duration = Duration::from_secs(60);
/// From this age on a sign is one of a copy that was broken off: clocks differ, stores hang.
const DEAD: Duration = Duration::from_secs(600);
/// How long others that set their sign at the same time may take to step back.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks for that.
const PAUSE: Duration = Duration::from_millis(200);
const PREFIX: &str = "copying-";
const SUFFIX: &str = ".json";
const FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// Our own sign.
#[derive(Debug)]
pub struct Claim<'a> {
    store: &'a Store,
    folder: &'a str,
    /// What tells this run from others.
    run: String,
    first: String,
}

/// What a list of the folder says of a run that has set its sign.
#[derive(Debug, PartialEq, Eq)]
enum Stand {
    /// No other is there.
    Alone,
    /// Others will step back, or were first. Also while the list lacks the run's own sign: there
    /// are stores whose lists come late.
    Wait,
    /// Another one goes before it.
    StepBack,
}

impl<'a> Claim<'a> {
    /// Sets the sign; the folder has to be there.
    pub async fn set(store: &'a Store, folder: &'a str) -> Result<Self> {
        let run = format!("{:016x}", std::hash::RandomState::new().build_hasher().finish());
        let first = publish(store, folder, &run).await?;
        Ok(Self { store, folder, run, first })
    }

    /// Waits until the folder is this run's alone, for a bounded time; `what` is being copied.
    ///
    /// # Errors
    /// Busy when another run has it. The sign still has to be lifted.
    pub async fn alone(&self, what: &str) -> Result<()> {
        let start = Instant::now();
        loop {
            let objects = self.store.objects(self.folder).await?;
            match self.stand(&objects) {
                Stand::Alone => return Ok(()),
                Stand::Wait if start.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
                Stand::Wait | Stand::StepBack => {
                    refuse_living(self.others(&objects).map(|(_, age)| age).min(), what)?;
                    return Err(Error::new(Exit::Io, format!("cannot copy {what}")).because(
                        "the sign that this run has set is not in the list of its folder",
                    ));
                }
            }
        }
    }

    fn stand(&self, objects: &[Listed]) -> Stand {
        let smallest = self.others(objects).map(|(run, _)| run).min();
        match smallest {
            Some(other) if other < self.run.as_str() => Stand::StepBack,
            None if self.is_in(objects) => Stand::Alone,
            _ => Stand::Wait,
        }
    }

    /// Living signs of other runs, by the run and their age.
    fn others<'n>(&self, objects: &'n [Listed]) -> impl Iterator<Item = (&'n str, Duration)> {
        let signs = objects.iter().filter_map(|object| read(&object.name));
        signs.filter(|(run, age)| *run != self.run && *age < DEAD)
    }

    /// Whether another run gives signs of life.
    pub fn has_others(&self, objects: &[Listed]) -> bool {
        self.others(objects).next().is_some()
    }

    /// Whether the sign is among the folder's objects: who took this run for dead has removed it.
    pub fn is_in(&self, objects: &[Listed]) -> bool {
        objects.iter().any(|object| self.is_own(&object.name))
    }

    fn is_own(&self, name: &str) -> bool {
        read(name).is_some_and(|(run, _)| run == self.run)
    }

    /// Renews it for ever. A store that does not take one sign may take the next.
    pub async fn renew(&self) -> Infallible {
        let mut newest = self.first.clone();
        loop {
            tokio::time::sleep(RENEWED).await;
            if let Ok(key) = publish(self.store, self.folder, &self.run).await {
                let old = std::mem::replace(&mut newest, key);
                // One too many says the same.
                self.store.remove(&old).await.unwrap_or(());
            }
        }
    }

    /// Takes it away.
    pub async fn lift(self) -> Result<()> {
        let objects = self.store.objects(self.folder).await?;
        for object in objects.iter().filter(|object| self.is_own(&object.name)) {
            self.store.remove(&format!("{}{}", self.folder, object.name)).await?;
        }
        Ok(())
    }
}

async fn publish(store: &Store, folder: &str, run: &str) -> Result<String> {
    let now = jiff::Timestamp::now().strftime(FORMAT);
    let key = format!("{folder}{PREFIX}{now}-{run}{SUFFIX}");
    store.publish(&key, b"{}\n").await?;
    Ok(key)
}

/// How long ago a copy that is at work in a folder gave a sign; `None` when none is.
pub fn living<'n>(names: impl IntoIterator<Item = &'n str>) -> Option<Duration> {
    let ages = names.into_iter().filter_map(read).map(|(_, age)| age);
    ages.min().filter(|age| *age < DEAD)
}

/// Whether an object's name is that of a sign, of whatever age.
pub fn is_sign(name: &str) -> bool {
    read(name).is_some()
}

/// The run whose sign has this name, and its age.
fn read(name: &str) -> Option<(&str, Duration)> {
    let text = name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
    let (time, run) = text.split_once('-').unwrap_or((text, ""));
    if !run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let set = DateTime::strptime(FORMAT, time).ok()?.to_zoned(TimeZone::UTC).ok()?;
    let age = jiff::Timestamp::now().duration_since(set.timestamp());
    // One from the future (another clock) is as young as can be.
    Some((run, Duration::try_from(age).unwrap_or(Duration::ZERO)))
}

/// Refuses a folder in which another copy gave a sign so long ago; `what` is being copied.
pub fn refuse_living(age: Option<Duration>, what: &str) -> Result<()> {
    let Some(age) = age else { return Ok(()) };
    let dead = DEAD.as_secs();
    Err(Error::new(Exit::Busy, format!("{what} is being copied by another run"))
        .because(format!("it gave a sign {} s ago", age.as_secs()))
        .next(format!("wait for it; one that was killed is replaced {dead} s after its last sign")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(age: i64, run: &str) -> String {
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(age);
        format!("{PREFIX}{}{run}{SUFFIX}", at.strftime(FORMAT))
    }

    #[test]
    fn only_a_young_sign_is_of_a_copy_that_runs() {
        let living = |names: &[String]| living(names.iter().map(String::as_str)).is_some();
        assert!(living(&[sign(0, "-1f")]));
        assert!(living(&[sign(-3600, "")]));
        assert!(living(&[sign(5000, "-1f"), sign(100, "-1f")]));
        assert!(!living(&[sign(5000, "-1f"), "toc.dat".into(), "copying-x.json".into()]));
        assert!(!living(&[sign(0, "-notes")]));
        assert!(!living(&[]));
    }

    #[test]
    fn who_sees_a_smaller_one_steps_back_and_nobody_begins_unseen() {
        let store = Store::directory(std::path::Path::new("."));
        let claim = Claim { store: &store, folder: "", run: "5f".into(), first: String::new() };
        let stand = |names: &[String]| {
            let listed = |name: &String| Listed { name: name.clone(), bytes: 3 };
            claim.stand(&names.iter().map(listed).collect::<Vec<_>>())
        };
        let own = sign(0, "-5f");
        assert_eq!(stand(&[own.clone(), "toc.dat".into()]), Stand::Alone);
        assert_eq!(stand(&["toc.dat".into()]), Stand::Wait);
        assert_eq!(stand(&[own.clone(), sign(0, "-6f")]), Stand::Wait);
        assert_eq!(stand(&[own.clone(), sign(0, "-6f"), sign(0, "-4f")]), Stand::StepBack);
        assert_eq!(stand(&[sign(0, "-4f")]), Stand::StepBack);
        // Dead ones count for nothing.
        assert_eq!(stand(&[own.clone(), sign(601, "-4f")]), Stand::Alone);
        assert_eq!(stand(&[own, sign(601, "-6f")]), Stand::Alone);
    }

    #[tokio::test]
    async fn of_two_at_once_one_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::directory(folder.path());
        let mut claims =
            [Claim::set(&store, "").await.unwrap(), Claim::set(&store, "").await.unwrap()];
        claims.sort_by(|a, b| a.run.cmp(&b.run));
        let [first, second] = claims;
        let (first, second) = tokio::join!(first.alone("x"), async {
            let refused = second.alone("x").await;
            second.lift().await.unwrap();
            refused
        });
        assert_eq!(first.map_err(|error| error.exit()), Ok(()));
        assert_eq!(second.map_err(|error| error.exit()), Err(Exit::Busy));
        assert_eq!(store.objects("").await.unwrap().len(), 1);
    }
}
