//! Pool sizes from what was seen. Every number is made by a formula that the report tells.

use std::collections::{BTreeMap, BTreeSet};

use super::activity::Activity;
use crate::report::connections::{Advice, Pool, Said, Session};

/// From here on a share of the usable connections is much (the guides' 70%).
const MUCH_HELD: f64 = 70.0;
/// From here on a share of idle sessions is much, when there are so many at all.
const MUCH_IDLE: f64 = 70.0;
const MANY: u64 = 20;
/// A pool is far larger than needed when it holds this many times what is enough.
const FAR_LARGER: u64 = 2;
/// New sessions in a second that are churn.
const CHURN: f64 = 1.0;
/// Seconds in a transaction without a statement that no program needs.
const LONG_IDLE: f64 = 1.0;
/// Percent of sessions without a name.
const MUCH_UNNAMED: u64 = 20;

const FORMULAS: [&str; 4] = [
    "busy: sessions that are active or in a transaction at one look; the most of all looks",
    "enough: busy + a quarter of it, rounded up, and at least 2; for all instances together",
    "held: sessions of clients at one look, without this one; the most of all looks",
    "usable: max_connections - superuser_reserved_connections - reserved_connections",
];

/// What is seen of one application over the looks.
#[derive(Default)]
struct Seen<'a> {
    held: u64,
    busy: u64,
    hidden: bool,
    clients: BTreeSet<&'a str>,
}

/// What is known beside the looks.
#[derive(Debug, Clone, Copy)]
pub struct Beside {
    pub usable: i64,
    /// Milliseconds; 0 is none, and `None` not known.
    pub idle_in_transaction_timeout: Option<i64>,
}

/// Advises; `looks` in their order, at least one.
pub fn advise(looks: &[Activity], beside: Beside) -> Advice {
    let mut pools: BTreeMap<(&str, Option<&str>), Seen<'_>> = BTreeMap::new();
    let (mut held, mut all, mut idle) = (0, 0, 0);
    for look in looks {
        let mut now: BTreeMap<(&str, Option<&str>), (u64, u64)> = BTreeMap::new();
        for session in look.clients() {
            let key = (session.application.as_str(), session.user.as_deref());
            let (count, busy) = now.entry(key).or_default();
            *count += 1;
            *busy += u64::from(is_busy(session));
            let seen = pools.entry(key).or_default();
            seen.hidden |= session.hidden;
            seen.clients.extend(session.client.as_deref());
            all += 1;
            idle += u64::from(session.state.as_deref() == Some("idle"));
        }
        held = held.max(now.values().map(|(count, _)| count).sum());
        for (key, (count, busy)) in now {
            let seen = pools.entry(key).or_default();
            seen.held = seen.held.max(count);
            seen.busy = seen.busy.max(busy);
        }
    }
    let mut pools: Vec<Pool> = pools.into_iter().map(pool).collect();
    pools.sort_by_key(|pool| std::cmp::Reverse(pool.held));
    let hidden = pools.iter().any(|pool| pool.busy.is_none());
    let percent = |part: u64, whole: f64| (whole > 0.0).then(|| 100.0 * part as f64 / whole);
    let mut advice = Advice {
        looks: u32::try_from(looks.len()).unwrap_or(u32::MAX),
        seconds: seconds(looks),
        pools,
        held,
        usable: beside.usable,
        held_percent: percent(held, beside.usable as f64),
        idle_percent: percent(idle, all as f64).filter(|_| !hidden),
        new_per_second: new_per_second(looks),
        says: Vec::new(),
        formulas: FORMULAS.to_vec(),
    };
    advice.says = says(&advice, looks, beside);
    advice
}

fn is_busy(session: &Session) -> bool {
    session.is_active() || session.is_idle_in_transaction()
}

fn pool(((application, user), seen): ((&str, Option<&str>), Seen<'_>)) -> Pool {
    let busy = (!seen.hidden).then_some(seen.busy);
    Pool {
        application: application.to_owned(),
        user: user.map(str::to_owned),
        held: seen.held,
        busy,
        clients: seen.clients.len() as u64,
        enough: busy.map(enough),
    }
}

fn enough(busy: u64) -> u64 {
    (busy + busy.div_ceil(4)).max(2)
}

fn seconds(looks: &[Activity]) -> f64 {
    match (looks.first(), looks.last()) {
        (Some(first), Some(last)) => last.at.duration_since(first.at).as_secs_f64(),
        _ => 0.0,
    }
}

/// A session is new when it was not there at the look before; a process number is seldom used
/// again so soon.
fn new_per_second(looks: &[Activity]) -> Option<f64> {
    let seconds = seconds(looks);
    let mut new = 0_u32;
    for pair in looks.windows(2) {
        let [before, after] = pair else { continue };
        let known: BTreeSet<i32> = before.clients().map(|session| session.pid).collect();
        let here = after.clients().filter(|session| !known.contains(&session.pid));
        new = new.saturating_add(u32::try_from(here.count()).unwrap_or(u32::MAX));
    }
    (looks.len() > 1 && seconds > 0.0).then(|| f64::from(new) / seconds)
}

fn says(advice: &Advice, looks: &[Activity], beside: Beside) -> Vec<Said> {
    let mut says = Vec::new();
    let mut say = |id, text: String| says.push(Said { id, text });
    for pool in &advice.pools {
        if let (Some(busy), Some(enough)) = (pool.busy, pool.enough)
            && pool.held > FAR_LARGER * enough
        {
            say(
                "pool-too-large",
                format!(
                    "{} holds {} sessions and had {busy} busy at most: {enough} are enough, and {} \
                     connections would be free",
                    name(pool),
                    pool.held,
                    pool.held - enough
                ),
            );
        }
    }
    if let Some(percent) = advice.held_percent.filter(|percent| *percent >= MUCH_HELD) {
        say(
            "pools-fill-server",
            format!(
                "applications hold {} of {} usable connections ({percent:.0}%): a deployment that \
                 starts new instances before it ends the old ones needs twice as many; make pools \
                 smaller, or put a pooler in front",
                advice.held, advice.usable
            ),
        );
    }
    if let Some(percent) = advice.idle_percent.filter(|percent| *percent >= MUCH_IDLE)
        && advice.held >= MANY
    {
        say(
            "mostly-idle",
            format!(
                "{percent:.0}% of the sessions are idle: a pooler in transaction mode serves \
                     the same clients with fewer"
            ),
        );
    }
    if let Some(rate) = advice.new_per_second.filter(|rate| *rate >= CHURN) {
        say(
            "churn",
            format!(
                "{rate:.1} new sessions each second: keep connections open in a pool, or put \
                     a pooler in front"
            ),
        );
    }
    let Some(last) = looks.last() else { return says };
    let long = last.clients().filter(|session| {
        session.is_idle_in_transaction()
            && session.state_seconds.is_some_and(|seconds| seconds >= LONG_IDLE)
    });
    let long = long.count();
    if long > 0 {
        let timeout = match beside.idle_in_transaction_timeout {
            Some(0) => "; idle_in_transaction_session_timeout is off for new sessions of this \
                        role: set one"
                .to_owned(),
            Some(ms) => format!("; idle_in_transaction_session_timeout is {ms} ms here"),
            None => String::new(),
        };
        say(
            "idle-in-transaction",
            format!(
                "{long} idle in a transaction for more than 1 s: each keeps a connection of \
                     its pool, its locks and old rows{timeout}"
            ),
        );
    }
    let unnamed = last.clients().filter(|session| session.application.is_empty()).count() as u64;
    let now = last.clients().count() as u64;
    if unnamed > 0 && unnamed * 100 >= now * MUCH_UNNAMED {
        say(
            "unnamed",
            format!(
                "{unnamed} of {now} sessions have no application_name: give each application \
                     one, so that its pool can be told from others"
            ),
        );
    }
    if looks.len() == 1 {
        say(
            "one-look",
            "this is one look, a moment: --interval 30s looks each second, in busy hours for \
             choice"
                .to_owned(),
        );
    }
    says
}

fn name(pool: &Pool) -> String {
    let user = pool.user.as_deref().unwrap_or("?");
    match pool.application.as_str() {
        "" => format!("what {user} holds without an application_name"),
        application => format!("{application} ({user})"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::*;

    fn session(pid: i32, application: &str, state: Option<&str>) -> Session {
        Session {
            pid,
            client_backend: true,
            application: application.into(),
            user: Some("app".into()),
            state: state.map(str::to_owned),
            state_seconds: state.map(|_| 5.0),
            hidden: state.is_none(),
            ..Session::default()
        }
    }

    fn looks(all: &[Vec<Session>]) -> Vec<Activity> {
        let start = Instant::now();
        let look = |(second, sessions): (u64, &Vec<Session>)| Activity {
            sessions: sessions.clone(),
            total: 0,
            clients: 0,
            at: start + Duration::from_secs(second),
        };
        (0..).zip(all).map(look).collect()
    }

    fn ids(advice: &Advice) -> Vec<&'static str> {
        advice.says.iter().map(|said| said.id).collect()
    }

    const BESIDE: Beside = Beside { usable: 97, idle_in_transaction_timeout: Some(0) };

    #[test]
    fn what_is_enough_follows_what_was_busy() {
        assert_eq!([0, 1, 2, 4, 5, 20].map(enough), [2, 2, 3, 5, 7, 25]);
    }

    #[test]
    fn a_pool_far_larger_than_ever_busy_is_told() {
        let web = |busy: i32| {
            let state = |pid| if pid < busy { "active" } else { "idle" };
            (0..10).map(|pid| session(pid, "web", Some(state(pid)))).collect::<Vec<_>>()
        };
        let advice = advise(&looks(&[web(1), web(3), web(0)]), BESIDE);
        let pool = &advice.pools[0];
        assert_eq!((pool.held, pool.busy, pool.enough), (10, Some(3), Some(4)));
        assert_eq!(ids(&advice), ["pool-too-large"]);
        assert_eq!((advice.looks, advice.seconds), (3, 2.0));
        assert_eq!(advice.new_per_second, Some(0.0));
        let all_busy = advise(&looks(&[web(10)]), BESIDE);
        assert_eq!(ids(&all_busy), ["one-look"]);
        assert_eq!(all_busy.new_per_second, None);
    }

    #[test]
    fn full_idle_new_and_unnamed_ones_are_told() {
        let look = |from: i32| {
            let state = |pid| if pid == from { "idle in transaction" } else { "idle" };
            (from..from + 80).map(|pid| session(pid, "", Some(state(pid)))).collect::<Vec<_>>()
        };
        let advice = advise(&looks(&[look(0), look(10)]), BESIDE);
        let told = ids(&advice);
        for id in ["pools-fill-server", "mostly-idle", "churn", "idle-in-transaction", "unnamed"] {
            assert!(told.contains(&id), "{id}: {told:?}");
        }
        assert_eq!(advice.new_per_second, Some(10.0));
        assert_eq!(advice.idle_percent, Some(98.75));
    }

    #[test]
    fn hidden_sessions_are_not_taken_for_idle_ones() {
        let sessions = (0..50).map(|pid| session(pid, "web", None)).collect();
        let advice = advise(&looks(&[sessions]), BESIDE);
        assert_eq!((advice.pools[0].busy, advice.pools[0].enough), (None, None));
        assert_eq!((advice.held, advice.idle_percent), (50, None));
        assert_eq!(ids(&advice), ["one-look"]);
    }
}
