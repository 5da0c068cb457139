//! The whole look: one round trip, whatever is asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::activity::{self, Activity};
use super::advise::{Beside, advise};
use super::blocked::blocked;
use super::filter::Filter;
use super::filter::{Fit, Seen};
use super::groups::{groups, tls};
use super::holders::{Slot, holders};
use super::judge::{Limits, judge};
use super::unseen::unseen;
use crate::cli::sessions::GroupBy;
use crate::conn::{QueryError, Row, Session as Connection, Type, get};
use crate::error::{Error, Result};
use crate::report::connections::{
    ConnectionsReport, Headroom, Kind, Limit, Looked, Prepared, Replica, Session, Standby,
};
use crate::settings::Between;
use crate::sql;

/// Most rows of every other question.
const MOST: i64 = 1000;
/// Between two looks for advice.
const PACE: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub filter: Filter,
    pub group: Vec<GroupBy>,
    /// Idle sessions too.
    pub all: bool,
    /// Most sessions in the list.
    pub limit: Option<usize>,
    pub limits: Limits,
    /// Advise on pools, from looks over this time; zero is one look.
    pub advise: Option<Duration>,
}

/// Answers to the questions of one round trip.
struct Answers {
    activity: Activity,
    settings: Settings,
    limits: Vec<Limit>,
    prepared: Vec<Prepared>,
    slots: Vec<Slot>,
    replicas: Vec<Replica>,
    standby: Option<Standby>,
    /// What was not answered, or not whole.
    failed: Vec<String>,
}

struct Settings {
    max_connections: i64,
    superuser_reserved: i64,
    reserved: i64,
    sees_activity: bool,
    idle_in_transaction_ms: Option<i64>,
}

/// Looks, and judges. What a role cannot see is told in the report.
///
/// # Errors
/// Exit 69 or 77, when the server does not tell its sessions at all.
pub async fn look(connection: &Connection, wanted: &Wanted) -> Result<ConnectionsReport> {
    let mut looks = earlier(connection, wanted.advise.unwrap_or_default()).await?;
    let answers = ask(connection).await?;
    let server = connection.server();
    let headroom = headroom(&answers.activity, &answers.settings);
    let advice = wanted.advise.map(|_| {
        looks.push(answers.activity.clone());
        let beside = Beside {
            usable: headroom.usable,
            idle_in_transaction_timeout: answers.settings.idle_in_transaction_ms,
        };
        advise(&looks, beside)
    });
    let fits = |session: &&Session| wanted.filter.fits(&Seen::from(*session)) == Fit::Yes;
    let matched: Vec<&Session> = answers.activity.clients().filter(fits).collect();
    let filtered = !wanted.filter.is_empty();
    let by = if wanted.group.is_empty() { &[GroupBy::State][..] } else { &wanted.group };
    let listed = |session: &&&Session| wanted.all || filtered || deserves_a_look(session);
    let mut sessions: Vec<Session> =
        matched.iter().filter(listed).map(|session| (*session).clone()).collect();
    sort(&mut sessions);
    let sessions_matched = sessions.len();
    sessions.truncate(wanted.limit.unwrap_or(usize::MAX));
    let Answers { activity, prepared, slots, replicas, standby, .. } = &answers;
    let mut not_seen = unseen(activity, replicas, standby.as_ref(), &server.role);
    not_seen.extend(answers.failed.iter().cloned());
    Ok(ConnectionsReport {
        server: looked(connection, answers.settings.sees_activity),
        judged: judge(&wanted.limits, &headroom, &matched),
        headroom,
        grouped_by: by.iter().map(|by| by.key()).collect(),
        groups: groups(matched.iter().copied(), by),
        counted: groups(matched.iter().copied(), &[GroupBy::State, GroupBy::App, GroupBy::User]),
        tls: tls(activity.clients()),
        sessions,
        sessions_matched,
        sessions_all: wanted.all || filtered,
        filtered,
        blocked: blocked(&activity.sessions),
        xmin_holders: holders(&activity.sessions, prepared, slots, replicas),
        prepared: answers.prepared,
        limits: answers.limits,
        replicas: answers.replicas,
        standby: answers.standby,
        advice,
        unseen: not_seen,
    })
}

/// The looks before the last one, a second apart.
async fn earlier(connection: &Connection, time: Duration) -> Result<Vec<Activity>> {
    let mut looks = Vec::new();
    let mut next = Instant::now();
    let end = next + time;
    while next < end {
        looks.push(activity::look(connection).await?);
        next += PACE;
        sleep_until(next).await;
    }
    Ok(looks)
}

/// Everything in one round trip. Without sessions and limits there is no answer; anything else
/// that fails is told.
async fn ask(connection: &Connection) -> Result<Answers> {
    let most: crate::conn::Params<'_> = &[(&MOST, Type::INT8)];
    let (rows, settings, limits, prepared, slots, replicas, receiver) = tokio::join!(
        activity::rows(connection),
        connection.read(sql::CONNECTION_SETTINGS.text, &[]),
        connection.read(sql::CONNECTION_LIMITS.text, most),
        connection.read(sql::PREPARED.text, most),
        connection.read(sql::HOLDING_SLOTS.text, most),
        connection.read(sql::REPLICAS.text, most),
        connection.read(sql::RECEIVER.text, &[]),
    );
    let needed = |rows: Result<Vec<Row>, QueryError>| {
        rows.map_err(|error| error.into_error(activity::UNREADABLE))
    };
    let activity = activity::read(&needed(rows)?)?;
    let settings = read_settings(&needed(settings)?)?;
    let mut failed = Vec::new();
    let answers = Answers {
        limits: some("limits of roles and databases", limits, &mut failed, limit)?,
        prepared: some("prepared transactions", prepared, &mut failed, one_prepared)?,
        slots: some("replication slots", slots, &mut failed, slot)?,
        replicas: some("replicas", replicas, &mut failed, replica)?,
        standby: some("the receiver of this standby", receiver, &mut failed, standby)?.pop(),
        activity,
        settings,
        failed: Vec::new(),
    };
    let mut answers = Answers { failed, ..answers };
    answers.limits.sort_by_key(|limit| std::cmp::Reverse(fullness(limit)));
    Ok(answers)
}

fn some<T>(
    what: &str,
    rows: Result<Vec<Row>, QueryError>,
    failed: &mut Vec<String>,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(error) => {
            failed.push(format!("{what}: {error}"));
            return Ok(Vec::new());
        }
    };
    if i64::try_from(rows.len()).is_ok_and(|count| count >= MOST) {
        failed.push(format!("more than {MOST} {what}"));
    }
    rows.iter().map(read).collect()
}

fn read_settings(rows: &[Row]) -> Result<Settings> {
    let row = rows.first().ok_or_else(|| Error::bug("the settings have no row"))?;
    Ok(Settings {
        max_connections: get(row, "max_connections")?,
        superuser_reserved: get(row, "superuser_reserved")?,
        reserved: get(row, "reserved")?,
        sees_activity: get(row, "sees_activity")?,
        idle_in_transaction_ms: get(row, "idle_in_transaction_ms")?,
    })
}

fn limit(row: &Row) -> Result<Limit> {
    Ok(Limit {
        kind: get(row, "kind")?,
        name: get(row, "name")?,
        limit: get(row, "allowed")?,
        used: get(row, "used")?,
    })
}

/// In thousandths; a limit of nothing is full.
fn fullness(limit: &Limit) -> i64 {
    (limit.used * 1000).checked_div(limit.limit).unwrap_or(i64::MAX)
}

fn one_prepared(row: &Row) -> Result<Prepared> {
    Ok(Prepared {
        gid: get(row, "gid")?,
        user: get(row, "owner")?,
        database: get(row, "database")?,
        seconds: get::<f64>(row, "seconds")?.max(0.0),
        age: get(row, "age")?,
    })
}

fn slot(row: &Row) -> Result<Slot> {
    Ok(Slot {
        name: get(row, "name")?,
        age: get(row, "age")?,
        catalog_age: get(row, "catalog_age")?,
    })
}

fn replica(row: &Row) -> Result<Replica> {
    Ok(Replica {
        pid: get(row, "pid")?,
        user: get(row, "role")?,
        application: get(row, "application")?,
        client: get(row, "client")?,
        state: get(row, "state")?,
        sync: get(row, "sync")?,
        lag_bytes: get(row, "lag_bytes")?,
        lag_seconds: get(row, "lag_seconds")?,
        xmin_age: get(row, "xmin_age")?,
    })
}

fn standby(row: &Row) -> Result<Standby> {
    Ok(Standby {
        receiving: get(row, "receiving")?,
        status: get(row, "status")?,
        sender_host: get(row, "sender_host")?,
        sender_port: get(row, "sender_port")?,
        slot: get(row, "slot")?,
        lag_bytes: get(row, "lag_bytes")?,
        lag_seconds: get(row, "lag_seconds")?,
        replay_paused: get(row, "replay_paused")?,
    })
}

fn looked(connection: &Connection, sees_activity: bool) -> Looked {
    let (server, address) = (connection.server(), connection.address());
    Looked {
        host: address.host.clone(),
        port: address.port,
        version_number: server.version_number,
        version: server.version.clone(),
        in_recovery: server.in_recovery,
        database: server.database.clone(),
        user: server.role.clone(),
        superuser: server.superuser,
        sees_activity,
        pooler: match connection.between() {
            Between::Pooler(pooler) => Some(pooler.clone()),
            Between::Nothing | Between::Relay(_) => None,
        },
    }
}

fn headroom(activity: &Activity, settings: &Settings) -> Headroom {
    let Settings { max_connections, superuser_reserved, reserved, .. } = *settings;
    let usable = max_connections - superuser_reserved - reserved;
    let used = activity.clients;
    let mut others: BTreeMap<Option<String>, i64> = BTreeMap::new();
    let mut hidden = 0;
    for session in &activity.sessions {
        if !session.client_backend {
            *others.entry(session.kind.clone()).or_default() += 1;
        } else if session.hidden {
            hidden += 1;
        }
    }
    Headroom {
        used,
        usable,
        left: usable - used,
        used_percent: (usable > 0).then(|| 100.0 * used as f64 / usable as f64),
        max_connections,
        superuser_reserved,
        reserved,
        hidden,
        others: others.into_iter().map(|(kind, count)| Kind { kind, count }).collect(),
    }
}

/// Whether it does something, or keeps something.
fn deserves_a_look(session: &Session) -> bool {
    session.is_blocked() || session.state.as_deref().is_some_and(|state| state != "idle")
}

/// What does something first, and the oldest of it.
fn sort(sessions: &mut [Session]) {
    let age = |session: &Session| {
        session.transaction_seconds.or(session.state_seconds).unwrap_or(f64::NEG_INFINITY)
    };
    sessions.sort_by(|a, b| {
        let busy = deserves_a_look(b).cmp(&deserves_a_look(a));
        busy.then_with(|| age(b).total_cmp(&age(a))).then_with(|| a.pid.cmp(&b.pid))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_is_first_and_the_oldest_of_it() {
        let session = |pid, state: &str, transaction: Option<f64>, in_state: f64| Session {
            pid,
            state: Some(state.into()),
            transaction_seconds: transaction,
            state_seconds: Some(in_state),
            ..Session::default()
        };
        let hidden = Session { pid: 5, hidden: true, ..Session::default() };
        let mut sessions = vec![
            hidden,
            session(1, "idle", None, 900.0),
            session(2, "active", Some(3.0), 3.0),
            session(3, "idle in transaction", Some(60.0), 1.0),
            session(4, "idle", None, 1000.0),
        ];
        sort(&mut sessions);
        let pids: Vec<i32> = sessions.iter().map(|session| session.pid).collect();
        assert_eq!(pids, [3, 2, 4, 1, 5]);
    }

    #[test]
    fn a_limit_of_nothing_is_the_fullest() {
        let limit = |limit, used| Limit { kind: "role".into(), name: "r".into(), limit, used };
        assert!(fullness(&limit(0, 0)) > fullness(&limit(1, 1)));
        assert!(fullness(&limit(10, 9)) > fullness(&limit(100, 80)));
    }
}
