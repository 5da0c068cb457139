//! The server's version: whether fixes are missing, and how long there will be any.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::limits::LimitSpec;
use super::look::Look;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Silence};
use super::words;
use crate::report::check::{Level, Unit};
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "ver.minor",
        kind: Kind::Static,
        title: "minor releases that are missing",
        why: "A minor release brings only fixes, of lost data and of security holes too; it needs \
              no dump and no change of the application. The newest releases are a table in \
              pgtend: with a table that is older than 120 days newer ones are likely.",
        remedy: "Install the newest minor release and restart the server, its standbys first; a \
                 newer pgtend has a newer table.",
        limits: &[LimitSpec::above("minor releases behind", Unit::Count, 1.0, 3.0)],
        needs: &[],
        since: 130_000,
        asks: &[&RELEASE],
        judge: minor,
    },
    Check {
        id: "ver.major_eol",
        kind: Kind::Static,
        title: "end of the major version's support",
        why: "After its end a major version gets no fixes any more, not of security holes \
              either. The dates are the community's: a provider may stop earlier, or charge for \
              going on.",
        remedy: "Plan the major upgrade: pg_upgrade, logical replication, or the provider's own.",
        limits: &[LimitSpec::below(
            "time until the community's support ends",
            Unit::Seconds,
            180.0 * 86_400.0,
            0.0,
        )],
        needs: &[],
        since: 130_000,
        asks: &[&RELEASE],
        judge: major_eol,
    },
];

const RELEASE: Question = Question::of("release", &[(130_000, sql::CHECK_RELEASE)]);

/// The day of the table.
const KNOWN: Date = date(2026, 8, 22);

/// Days after which a table of minor releases is old: they come every three months.
const OLD: f64 = 120.0;

/// Majors with the newest minor release known, and the last day of the community's support.
/// Source: endoflife.date on the day of the table; 15.20 is in Debian's archive of November 2026.
const MAJORS: [(u32, u32, Date); 6] = [
    (13, 23, date(2025, 11, 13)),
    (14, 24, date(2026, 11, 12)),
    (15, 20, date(2027, 11, 11)),
    (16, 15, date(2028, 11, 9)),
    (17, 11, date(2029, 11, 8)),
    (18, 6, date(2030, 11, 14)),
];

#[derive(Deserialize)]
struct Release {
    /// 150018
    number: u32,
}

impl Release {
    /// 15 and 18.
    const fn parts(&self) -> (u32, u32) {
        (self.number / 10_000, self.number % 10_000)
    }
}

/// The server's day, by its own clock.
fn today(look: &Look<'_>) -> Date {
    look.facts.at.to_zoned(TimeZone::UTC).date()
}

fn days(from: Date, to: Date) -> f64 {
    to.duration_since(from).as_secs_f64() / 86_400.0
}

fn minor(look: &Look<'_>) -> Judged {
    let (major, minor) = look.row::<Release>(&RELEASE)?.parts();
    let Some((_, newest, end)) = MAJORS.into_iter().find(|(known, ..)| *known == major) else {
        return Err(unlisted(major));
    };
    let today = today(look);
    let behind = (f64::from(newest) - f64::from(minor)).max(0.0);
    let mut verdict = look
        .verdict()
        .saying(format!("{major}.{minor}; {major}.{newest} is the newest known on {KNOWN}"));
    verdict.measures.extend(look.measure("", "behind", behind, None));
    if let Some(level) = look.level("", "server", behind, None) {
        let says = format!(
            "{major}.{minor} is {} behind {major}.{newest}",
            words::amount(behind, "minor release")
        );
        verdict.find(level, "server", says).with_value(behind);
    }
    // A major that has ended gets no newer ones.
    if days(KNOWN, today) > OLD && KNOWN < end {
        let says = format!(
            "the table of releases is of {KNOWN}, {:.0} days old: newer ones are likely",
            days(KNOWN, today)
        );
        verdict
            .find(Level::Info, "table", says)
            .with_remedy("look at https://www.postgresql.org/support/versioning/");
    }
    Ok(verdict)
}

fn major_eol(look: &Look<'_>) -> Judged {
    let (major, _) = look.row::<Release>(&RELEASE)?.parts();
    let Some((_, _, end)) = MAJORS.into_iter().find(|(known, ..)| *known == major) else {
        return Err(unlisted(major));
    };
    let left = days(today(look), end);
    let says = match left > 0.0 {
        true => format!("the support of PostgreSQL {major} ends on {end}, in {left:.0} days"),
        false => format!("the support of PostgreSQL {major} ended on {end}, {:.0} days ago", -left),
    };
    let mut verdict = look.verdict().saying(&says);
    let seconds = left * 86_400.0;
    verdict.measures.extend(look.measure("", "left", seconds, None));
    let object = format!("PostgreSQL {major}");
    if let Some(level) = look.level("", &object, seconds, None) {
        verdict.find(level, object, says).with_value(seconds);
    }
    Ok(verdict)
}

/// A major that came after the table: neither its fixes nor its end are known.
fn unlisted(major: u32) -> Silence {
    Silence::unknown(format!(
        "PostgreSQL {major} is newer than the table of releases ({KNOWN}): take a newer pgtend, \
         or --allow-unknown ver"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    fn judged(id: &str, number: u32, at: &str) -> Judged {
        let check = CHECKS.iter().find(|check| check.id == id).unwrap();
        Sample::of("release", &[json!({"number": number})]).at(at).judged(check)
    }

    fn found(id: &str, number: u32, at: &str) -> Vec<(String, Level)> {
        let findings = judged(id, number, at).unwrap().findings;
        findings.into_iter().map(|one| (one.object, one.level)).collect()
    }

    #[test]
    fn a_missing_minor_release_is_a_warning_and_three_are_critical() {
        let at = "2026-11-22T00:00:00Z";
        let server = |level| vec![("server".to_owned(), level)];
        assert_eq!(found("ver.minor", 150_020, at), []);
        assert_eq!(found("ver.minor", 150_099, at), []);
        assert_eq!(found("ver.minor", 150_019, at), server(Level::Warning));
        assert_eq!(found("ver.minor", 150_017, at), server(Level::Critical));
    }

    #[test]
    fn of_a_major_after_the_table_nothing_is_known() {
        for id in ["ver.minor", "ver.major_eol"] {
            let judged = judged(id, 190_000, "2026-11-22T00:00:00Z");
            let Err(Silence::Unknown(why)) = judged else { panic!("{id}: {judged:?}") };
            assert!(why.contains("take a newer pgtend"), "{why}");
        }
    }

    #[test]
    fn an_old_table_says_that_it_is_old() {
        let table = vec![("table".to_owned(), Level::Info)];
        assert_eq!(found("ver.minor", 150_020, "2026-12-20T23:00:00Z"), []);
        assert_eq!(found("ver.minor", 150_020, "2026-12-21T00:00:00Z"), table);
        // There is nothing newer of what has ended.
        assert_eq!(found("ver.minor", 130_023, "2027-12-21T00:00:00Z"), []);
    }

    #[test]
    fn support_ends_by_the_servers_clock() {
        let level = |number, at| found("ver.major_eol", number, at).first().map(|one| one.1);
        assert_eq!(level(150_020, "2027-05-14T00:00:00Z"), None);
        assert_eq!(level(150_020, "2027-05-15T00:00:00Z"), Some(Level::Warning));
        assert_eq!(level(150_020, "2027-11-11T00:00:00Z"), Some(Level::Critical));
        assert_eq!(level(140_024, "2026-11-22T00:00:00Z"), Some(Level::Critical));
        assert_eq!(level(130_023, "2026-11-22T00:00:00Z"), Some(Level::Critical));
    }
}
