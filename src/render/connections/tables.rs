//! The tables of the page.

use super::super::grid::Grid;
use super::super::{Page, bytes, count, printable};
use crate::report::connections::{ConnectionsReport, Group, Session};

/// Rows of a lesser table.
const SHORT: usize = 5;
/// From this width on there is room for more columns.
const WIDE: u16 = 120;
/// Columns of a name, narrow and wide.
const NAME: [usize; 2] = [12, 24];
/// Least columns of a query.
const QUERY: usize = 10;

/// Each with its lines; those without rows are left out.
pub fn all(report: &ConnectionsReport, page: &Page) -> Vec<String> {
    let tables = [
        groups(report, page),
        sessions(report, page),
        holders(report, page),
        prepared(report, page),
        limits(report, page),
        replicas(report, page),
    ];
    tables.into_iter().flatten().collect()
}

/// Six characters at most: `4.2s`, `42s`, `3m12s`, `2h05m`, `4d`.
pub fn age(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds else { return "-".to_owned() };
    if seconds < 9.95 {
        return format!("{seconds:.1}s");
    }
    let time = std::time::Duration::try_from_secs_f64(seconds.round());
    let whole = time.unwrap_or(std::time::Duration::MAX).as_secs();
    match whole {
        0..100 => format!("{whole}s"),
        100..6000 => format!("{}m{:02}s", whole / 60, whole % 60),
        6000..259_200 => format!("{}h{:02}m", whole / 3600, whole % 3600 / 60),
        _ => format!("{}d", whole / 86_400),
    }
}

/// At most so many characters.
pub fn cut(text: &str, width: usize) -> String {
    let text = printable(text);
    if text.chars().count() <= width {
        return text;
    }
    let start: String = text.chars().take(width.saturating_sub(2)).collect();
    format!("{start}..")
}

fn name(text: Option<&str>, page: &Page) -> String {
    match text {
        None => "?".to_owned(),
        Some("") => "-".to_owned(),
        Some(text) => cut(text, NAME[usize::from(page.width >= WIDE)]),
    }
}

fn groups(report: &ConnectionsReport, page: &Page) -> Option<String> {
    if report.groups.is_empty() {
        return None;
    }
    // The state is a column already, or there is no room for more.
    let by = &report.grouped_by;
    let states = !by.contains(&"state") && (by.len() < 3 || page.width >= WIDE);
    let hidden = report.groups.iter().any(|group| group.hidden > 0);
    let mut headings: Vec<String> = report.grouped_by.iter().map(|by| by.to_uppercase()).collect();
    headings.push(">SESSIONS".into());
    if states {
        headings.extend([">ACTIVE".into(), ">IDLE".into(), ">IN TRANS".into()]);
    }
    headings.push(">BLOCKED".into());
    if hidden {
        headings.push(">HIDDEN".into());
    }
    headings.push(">LONGEST".into());
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut grid = Grid::new(page, &headings);
    for group in &report.groups {
        let value = |by: &&'static str| group_name(group, by, page);
        let mut cells: Vec<String> = report.grouped_by.iter().map(value).collect();
        cells.push(count(group.sessions));
        if states {
            cells.extend([group.active, group.idle, group.idle_in_transaction].map(count));
        }
        cells.push(count(group.blocked));
        if hidden {
            cells.push(count(group.hidden));
        }
        cells.push(age(group.longest_seconds));
        grid.row(cells);
    }
    Some(grid.text())
}

fn group_name(group: &Group, by: &str, page: &Page) -> String {
    match group.by.get(by).and_then(Option::as_deref) {
        None => "(hidden)".to_owned(),
        Some("") => "(none)".to_owned(),
        // States are known, and not to be cut.
        Some(text) if by == "state" => text.to_owned(),
        Some(text) => cut(text, 2 * NAME[usize::from(page.width >= WIDE)]),
    }
}

fn sessions(report: &ConnectionsReport, page: &Page) -> Option<String> {
    if report.sessions.is_empty() {
        return None;
    }
    let wide = page.width >= WIDE;
    let mut headings = vec![">PID", "USER", "APPLICATION"];
    if wide {
        headings.extend(["DATABASE", "CLIENT"]);
    }
    headings.extend(["STATE", ">FOR", ">TRANS"]);
    if wide {
        headings.push("WAITS FOR");
    }
    headings.push("QUERY");
    let mut rows: Vec<Vec<String>> =
        report.sessions.iter().map(|session| cells(session, page)).collect();
    let width_of = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        let heading = headings[column].trim_start_matches('>').len();
        cells.max().unwrap_or(0).max(heading) + 2
    };
    let others: usize = (0..headings.len() - 1).map(width_of).sum();
    let room = usize::from(page.width).saturating_sub(others + 2).max(QUERY);
    for (row, session) in rows.iter_mut().zip(&report.sessions) {
        let query = session.query.as_deref().unwrap_or("-");
        row.push(cut(&query.split_whitespace().collect::<Vec<_>>().join(" "), room));
    }
    let mut grid = Grid::new(page, &headings);
    rows.into_iter().for_each(|row| grid.row(row));
    let mut text = grid.text();
    let left = report.sessions_matched - report.sessions.len();
    if left > 0 {
        text.push_str(&format!("and {left} more: --limit {}\n", report.sessions_matched));
    }
    Some(text)
}

/// All but the query.
fn cells(session: &Session, page: &Page) -> Vec<String> {
    let wide = page.width >= WIDE;
    let name = |text: Option<&str>| name(text, page);
    let mut cells = vec![
        session.pid.to_string(),
        name(session.user.as_deref()),
        name(Some(&session.application)),
    ];
    if wide {
        cells.push(name(session.database.as_deref()));
        cells.push(name(session.client.as_deref()));
    }
    cells.push(state(session).to_owned());
    let in_state = match session.is_blocked() {
        true => session.blocked_seconds,
        false => session.state_seconds,
    };
    cells.push(age(in_state));
    cells.push(age(session.transaction_seconds));
    if wide {
        cells.push(waits_for(session));
    }
    cells
}

fn state(session: &Session) -> &str {
    match session.state.as_deref() {
        _ if session.is_blocked() => "blocked",
        None => "(hidden)",
        Some("idle in transaction") => "in trans",
        Some("idle in transaction (aborted)") => "aborted",
        Some("fastpath function call") => "active",
        Some(state) => state,
    }
}

fn waits_for(session: &Session) -> String {
    if session.is_blocked() {
        let pids: Vec<String> = session
            .blocked_by
            .iter()
            .map(|pid| if *pid == 0 { "a prepared one".to_owned() } else { pid.to_string() })
            .collect();
        return cut(&pids.join(", "), NAME[1]);
    }
    match (&session.wait_event_type, &session.wait_event) {
        // What runs statements waits for; an idle one waits for its client.
        (Some(kind), Some(event)) if kind != "Client" => cut(&format!("{kind}:{event}"), NAME[1]),
        _ => "-".to_owned(),
    }
}

/// A table of which the first rows are shown.
fn short<T>(
    page: &Page,
    headings: &[&str],
    rows: &[T],
    cells: impl Fn(&T) -> Vec<String>,
) -> Option<String> {
    if rows.is_empty() {
        return None;
    }
    let mut grid = Grid::new(page, headings);
    rows.iter().take(SHORT).for_each(|row| grid.row(cells(row)));
    let mut text = grid.text();
    if rows.len() > SHORT {
        text.push_str(&format!("and {} more: --format json\n", rows.len() - SHORT));
    }
    Some(text)
}

fn holders(report: &ConnectionsReport, page: &Page) -> Option<String> {
    let headings = ["OLD ROWS KEPT BY", "NAME", ">TRANSACTIONS AGO"];
    short(page, &headings, &report.xmin_holders, |holder| {
        let only = if holder.catalog_only { " (catalogs)" } else { "" };
        let name = name(Some(&holder.name), page);
        vec![format!("{}{only}", holder.kind), name, count(holder.age.unsigned_abs())]
    })
}

fn prepared(report: &ConnectionsReport, page: &Page) -> Option<String> {
    let headings = ["PREPARED", "USER", "DATABASE", ">FOR", ">TRANSACTIONS AGO"];
    short(page, &headings, &report.prepared, |one| {
        vec![
            name(Some(&one.gid), page),
            name(Some(&one.user), page),
            name(Some(&one.database), page),
            age(Some(one.seconds)),
            count(one.age.unsigned_abs()),
        ]
    })
}

fn limits(report: &ConnectionsReport, page: &Page) -> Option<String> {
    let headings = ["LIMIT OF", "NAME", ">USED", ">LIMIT"];
    short(page, &headings, &report.limits, |limit| {
        let name = name(Some(&limit.name), page);
        vec![limit.kind.clone(), name, limit.used.to_string(), limit.limit.to_string()]
    })
}

fn replicas(report: &ConnectionsReport, page: &Page) -> Option<String> {
    let headings = ["REPLICA", "CLIENT", "STATE", "SYNC", ">TO REPLAY", ">BEHIND"];
    short(page, &headings, &report.replicas, |replica| {
        let hidden = || "?".to_owned();
        let client = if replica.state.is_none() { hidden() } else { "local".to_owned() };
        let lag = replica.lag_bytes.map_or_else(hidden, |lag| bytes(lag.unsigned_abs()));
        vec![
            name(Some(&replica.application), page),
            replica.client.clone().unwrap_or(client),
            replica.state.clone().unwrap_or_else(hidden),
            replica.sync.clone().unwrap_or_else(hidden),
            lag,
            age(replica.lag_seconds),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let ages =
            [0.0, 9.94, 9.96, 99.4, 99.6, 192.0, 5999.0, 7500.0, 400_000.0].map(|s| age(Some(s)));
        let told = ["0.0s", "9.9s", "10s", "99s", "1m40s", "3m12s", "99m59s", "2h05m", "4d"];
        assert_eq!(ages, told);
        assert_eq!(age(None), "-");
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        assert_eq!(cut("select", 6), "select");
        assert_eq!(cut("select 1", 6), "sele..");
        assert_eq!(cut("a\u{1b}b", 9), "a\\u{1b}b");
    }
}
