//! The page: what matters first, in words; then tables.

use super::super::grid::Grid;
use super::super::{Page, amount, bytes, duration};
use super::{advice, tables};
use crate::report::connections::{
    Blocked, ConnectionsReport, Headroom, Root, Standby, TlsUse, Verdict,
};

/// Processes that every server has, and that say nothing.
const USUAL: [&str; 11] = [
    "archiver",
    "autovacuum launcher",
    "background writer",
    "checkpointer",
    "io worker",
    "logical replication launcher",
    "slotsync worker",
    "startup",
    "walreceiver",
    "walsummarizer",
    "walwriter",
];
/// Root blockers in words; `--blocking` shows all.
const ROOTS: usize = 3;

type Rows = Vec<(&'static str, String)>;

/// The page.
pub fn text(report: &ConnectionsReport, page: &Page) -> String {
    let mut grid = Grid::new(page, &["SERVER", ""]);
    let mut last = "";
    for (name, value) in rows(report) {
        // A list has its name once.
        grid.row([if name == last { String::new() } else { name.to_owned() }, value]);
        last = name;
    }
    let mut parts = vec![grid.text()];
    parts.extend(tables::all(report, page));
    parts.extend(report.advice.as_ref().map(|advice| advice::text(advice, page)));
    parts.join("\n")
}

fn rows(report: &ConnectionsReport) -> Rows {
    let mut rows = server(report);
    let Headroom { superuser_reserved, reserved, max_connections, .. } = report.headroom;
    rows.push(("used", used(&report.headroom)));
    let mut kept = format!("{superuser_reserved} of {max_connections} for superusers");
    if reserved > 0 {
        kept.push_str(&format!(", {reserved} for pg_use_reserved_connections"));
    }
    rows.push(("kept back", kept));
    rows.extend(beside(&report.headroom).map(|text| ("beside", text)));
    rows.push(("TLS", tls(&report.tls)));
    rows.extend(blocked(&report.blocked).into_iter().map(|text| ("blocked", text)));
    rows.extend(report.standby.as_ref().map(|standby| ("follows", follows(standby))));
    for judged in &report.judged {
        let word = match judged.verdict {
            Verdict::Good => "good",
            Verdict::Warning => "warning",
            Verdict::Critical => "critical",
        };
        rows.push(("judged", format!("{word}: {}", judged.text)));
    }
    rows.extend(report.unseen.iter().map(|what| ("not seen", what.clone())));
    rows
}

fn server(report: &ConnectionsReport) -> Rows {
    let server = &report.server;
    let version = server.version.split(' ').next().unwrap_or_default();
    let kind = if server.in_recovery { "standby" } else { "primary" };
    let place = format!("{}:{}", server.host, server.port);
    let sees = match (server.superuser, server.sees_activity) {
        (true, _) => "superuser",
        (_, true) => "sees what others do",
        _ => "sees what its own sessions do",
    };
    let mut rows = vec![
        ("server", format!("{place}, PostgreSQL {version}, {kind}")),
        ("seen as", format!("{} ({sees})", server.user)),
    ];
    if let Some(pooler) = &server.pooler {
        let text = format!("{pooler}: what follows is the server's side, not the pooler's clients");
        rows.push(("in between", text));
    }
    rows
}

/// `12 of 57 (21%), 45 left; this look is one of them`
fn used(headroom: &Headroom) -> String {
    let percent = headroom.used_percent.map(|used| format!(" ({used:.0}%)")).unwrap_or_default();
    let (used, usable) = (headroom.used, headroom.usable);
    let left = match headroom.left {
        left if left < 0 => format!("{} more than are for all", left.unsigned_abs()),
        left => format!("{left} left"),
    };
    format!("{used} of {usable}{percent}, {left}; this look is one of them")
}

fn beside(headroom: &Headroom) -> Option<String> {
    let others = headroom.others.iter();
    let told: Vec<String> = others
        .filter_map(|kind| match kind.kind.as_deref() {
            Some(name) if USUAL.contains(&name) => None,
            Some(name) => Some(amount(kind.count.unsigned_abs(), name)),
            None => Some(format!("{} of a kind that is hidden", kind.count)),
        })
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn tls(tls: &TlsUse) -> String {
    let mut told = Vec::new();
    if tls.encrypted > 0 {
        let versions: Vec<String> =
            tls.versions.iter().map(|(version, count)| format!("{count} {version}")).collect();
        told.push(format!("{} encrypted ({})", tls.encrypted, versions.join(", ")));
    }
    if tls.plain > 0 {
        let own = match tls.plain_loopback {
            0 => String::new(),
            own if own == tls.plain => " (from the server's own machine)".to_owned(),
            own => format!(" ({own} from the server's own machine)"),
        };
        told.push(format!("{} not encrypted{own}", tls.plain));
    }
    if tls.sockets > 0 {
        told.push(format!("{} on Unix sockets", tls.sockets));
    }
    if tls.hidden > 0 {
        told.push(format!("{} hidden", tls.hidden));
    }
    if told.is_empty() { "nobody else is connected".to_owned() } else { told.join(", ") }
}

fn blocked(blocked: &Blocked) -> Vec<String> {
    if blocked.count == 0 {
        return Vec::new();
    }
    let waits = if blocked.count == 1 { "waits for a lock" } else { "wait for locks" };
    let longest = blocked.longest_seconds.map(|seconds| format!(", {} at most", duration(seconds)));
    let longest = longest.unwrap_or_default();
    let mut lines =
        vec![format!("{} {waits}{longest}; --blocking shows who blocks whom", blocked.count)];
    lines.extend(blocked.roots.iter().take(ROOTS).map(root));
    if blocked.roots.len() > ROOTS {
        lines.push(format!("and {} more at the start", blocked.roots.len() - ROOTS));
    }
    lines
}

fn root(root: &Root) -> String {
    let blocks = amount(root.blocks, "session");
    if root.pid == 0 {
        return format!("- {blocks} by a prepared transaction");
    }
    let mut who: Vec<String> = Vec::new();
    who.extend(root.user.clone());
    who.extend(root.application.clone().filter(|name| !name.is_empty()));
    who.extend(root.state.clone());
    if let Some(seconds) = root.transaction_seconds {
        who.push(format!("{} in its transaction", duration(seconds)));
    }
    format!("- {blocks} by {} ({})", root.pid, who.join(", "))
}

fn follows(standby: &Standby) -> String {
    let from = match (&standby.sender_host, standby.sender_port) {
        (Some(host), Some(port)) => format!(" from {host}:{port}"),
        _ => String::new(),
    };
    let mut text = match (&standby.status, standby.receiving) {
        (Some(status), _) => format!("{status}{from}"),
        (None, true) => "receives (the rest is hidden)".to_owned(),
        (None, false) => "receives nothing (an archive may be read)".to_owned(),
    };
    if let Some(lag) = standby.lag_bytes {
        let lag = lag.unsigned_abs();
        text.push_str(&format!(", {} still to replay", bytes(lag)));
    }
    if let Some(seconds) = standby.lag_seconds.filter(|seconds| *seconds > 0.0) {
        text.push_str(&format!(", {} behind", duration(seconds)));
    }
    if standby.replay_paused == Some(true) {
        text.push_str(", replay is PAUSED");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headroom_says_what_is_left_and_what_is_too_much() {
        let of = |used: i64, usable: i64| Headroom {
            used,
            usable,
            left: usable - used,
            used_percent: (usable > 0).then(|| 100.0 * used as f64 / usable as f64),
            ..Headroom::default()
        };
        assert_eq!(used(&of(12, 57)), "12 of 57 (21%), 45 left; this look is one of them");
        let over = "58 of 57 (102%), 1 more than are for all; this look is one of them";
        assert_eq!(used(&of(58, 57)), over);
    }

    #[test]
    fn encryption_is_told_by_its_versions() {
        let versions = [("TLSv1.2".to_owned(), 1), ("TLSv1.3".to_owned(), 4)].into();
        let use_of =
            TlsUse { encrypted: 5, plain: 3, plain_loopback: 1, sockets: 2, hidden: 0, versions };
        assert_eq!(
            tls(&use_of),
            "5 encrypted (1 TLSv1.2, 4 TLSv1.3), 3 not encrypted (1 from the server's own \
             machine), 2 on Unix sockets"
        );
        assert_eq!(tls(&TlsUse::default()), "nobody else is connected");
    }
}
