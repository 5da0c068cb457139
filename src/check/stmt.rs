//! Statements: whether `pg_stat_statements` tells about them, and what it tells.

use serde::Deserialize;

use super::conf::change;
use super::limits::LimitSpec;
use super::look::Look;
use super::need::Need;
use super::question::Question;
use super::rate::Pair;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Silence};
use super::words;
use crate::conn::{Flavour, Statements};
use crate::report::check::{Level, Unit};
use crate::slow_queries::enable;
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[
    Check {
        id: "stmt.available",
        kind: Kind::Static,
        title: "whether statements are counted",
        why: "Without pg_stat_statements nobody knows afterwards which statement took the time; \
              an extension that an upgrade left behind lacks columns.",
        remedy: "Load the library, create the extension, and update it after a major upgrade.",
        limits: &[],
        needs: &[],
        since: 130_000,
        asks: &[&EXTENSION],
        judge: available,
    },
    Check {
        id: "stmt.dealloc",
        kind: Kind::Rate,
        title: "statements that were dropped for want of room",
        why: "When there are more different statements than pg_stat_statements.max, those used \
              least are forgotten, and every ranking has holes.",
        remedy: "Raise pg_stat_statements.max (it needs a restart), set \
                 pg_stat_statements.track_utility = off, or let the application use parameters \
                 instead of values in its statements.",
        limits: &[LimitSpec::warn_above("deallocations", Unit::PerHour, 100.0)],
        needs: &[],
        since: 140_000,
        asks: &[&EXTENSION, &DEALLOC],
        judge: dealloc,
    },
    Check {
        id: "stmt.top_share",
        kind: Kind::Runtime,
        title: "one statement that takes most of the time",
        why: "Where one statement takes a third of all time, it is the one to make faster: \
              nothing else helps as much.",
        remedy: "Look at it: pgtend slow-queries --explain.",
        limits: &[
            LimitSpec::warn_above("share of the time of all statements", Unit::Percent, 33.0),
            LimitSpec::warn_above("time that is enough to judge by", Unit::Seconds, 60.0)
                .named("least"),
        ],
        needs: &[Need::Stats],
        since: 130_000,
        asks: &[&EXTENSION, &TOP],
        judge: top_share,
    },
    Check {
        id: "stmt.slow_mean",
        kind: Kind::Runtime,
        title: "statements that are slow each time",
        why: "A statement that takes a second on average is felt by whoever waits for it, and \
              holds a connection meanwhile.",
        remedy: "Look at its plan (pgtend slow-queries --explain): a missing index, old \
                 statistics, or more rows than anybody reads.",
        limits: &[
            LimitSpec::warn_above("mean time", Unit::Seconds, 1.0),
            LimitSpec::warn_above("calls that are enough to judge by", Unit::Count, 100.0)
                .named("least"),
        ],
        needs: &[Need::Stats],
        since: 130_000,
        asks: &[&EXTENSION, &TOP],
        judge: slow_mean,
    },
];

const EXTENSION: Question =
    Question::of("statements_extension", &[(130_000, sql::CHECK_STATEMENTS_EXTENSION)]);

const DEALLOC: Question =
    Question::of("statements_dealloc", &[(140_000, sql::CHECK_STATEMENTS_DEALLOC)]).compared();

/// The statements that took the most time.
pub const TOP: Question = Question::of("statements_top", &[(130_000, sql::CHECK_STATEMENTS_TOP)]);

const NAME: &str = "pg_stat_statements";

#[derive(Deserialize)]
struct Extension {
    /// None where it is not created in this database.
    version: Option<String>,
    schema: Option<String>,
    /// What the server brings.
    newest: Option<String>,
    /// pg_stat_statements.max; none where the library is not loaded.
    most: Option<f64>,
    track: Option<String>,
    usable: Option<bool>,
}

impl Extension {
    fn state(&self) -> Statements {
        match (self.version.is_some(), self.most.is_some()) {
            (true, true) => Statements::Ready,
            (true, false) => Statements::NotLoaded,
            (false, true) => Statements::NoExtension,
            (false, false) => Statements::Absent,
        }
    }

    /// Why a role cannot ask it, and what lets it.
    fn hidden(&self, role: &str) -> Option<String> {
        let schema = self.schema.as_deref().filter(|_| self.usable == Some(false))?;
        let (role, schema) = (sql::quote_name(role), sql::quote_name(schema));
        Some(format!(
            "{role} may not use the schema of {NAME}: GRANT USAGE ON SCHEMA {schema} TO {role};"
        ))
    }
}

fn available(look: &Look<'_>) -> Judged {
    let told: Extension = look.row(&EXTENSION)?;
    let mut verdict = look.verdict();
    let state = told.state();
    let missing = match state {
        Statements::Ready => None,
        Statements::NoExtension => Some("is loaded, and not created in this database"),
        Statements::NotLoaded => Some("is created, and the server does not load its library"),
        Statements::Absent => Some("is neither loaded nor created: statements are not counted"),
    };
    if let Some(missing) = missing {
        let provider = look.facts.sight.provider.unwrap_or(Flavour::Plain);
        let steps = enable::steps_for(state, provider);
        verdict
            .find(Level::Warning, NAME, format!("{NAME} {missing}"))
            .with_remedy(steps.join("; "));
        return Ok(verdict);
    }
    let version = told.version.as_deref().unwrap_or_default();
    let schema = sql::quote_name(told.schema.as_deref().unwrap_or_default());
    verdict.says = format!("{NAME} {version} in the schema {schema}");
    verdict.unseen = told.hidden(&look.facts.sight.role);
    if told.track.as_deref() == Some("none") {
        let says = "pg_stat_statements.track is none: nothing is counted";
        verdict.find(Level::Warning, "pg_stat_statements.track", says).with_remedy(change(
            look,
            "pg_stat_statements.track",
            "top",
            "superuser",
        ));
    }
    if let Some(newest) = told.newest.filter(|newest| numbers(version) < numbers(newest)) {
        let says = format!("{NAME} is of version {version}, the server brings {newest}");
        verdict
            .find(Level::Warning, NAME, says)
            .with_remedy("ALTER EXTENSION pg_stat_statements UPDATE;");
    }
    Ok(verdict)
}

/// 1.10 is after 1.9.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Nothing is said of statements that nobody counts: `stmt.available` says that.
fn counted(look: &Look<'_>) -> Result<(), Silence> {
    let told: Extension = look.row(&EXTENSION)?;
    if told.state() != Statements::Ready {
        return Err(Silence::not_applicable(
            "pg_stat_statements is not there or not loaded: see stmt.available",
        ));
    }
    told.hidden(&look.facts.sight.role).map_or(Ok(()), |why| Err(Silence::unknown(why)))
}

#[derive(Deserialize)]
struct Dealloc {
    dealloc: f64,
    stats_reset: Option<f64>,
}

fn dealloc(look: &Look<'_>) -> Judged {
    counted(look)?;
    if look.rows::<Dealloc>(&DEALLOC)?.is_empty() {
        return Err(Silence::not_applicable(
            "pg_stat_statements tells it from version 1.9 on: see stmt.available",
        ));
    }
    let pair = Pair::<Dealloc>::of(look, &DEALLOC, |one| one.stats_reset)?;
    let times = pair.grown(|one| one.dealloc)?;
    let rate = times / pair.seconds * 3600.0;
    let says = format!(
        "room was made {} in {}: {} an hour",
        words::amount(times, "time"),
        words::time(pair.seconds),
        words::count(rate)
    );
    let mut verdict = look.verdict().saying(&says);
    verdict.measures.extend(look.measure("", "dealloc", rate, None));
    if let Some(level) = look.level("", NAME, rate, None) {
        let told: Extension = look.row(&EXTENSION)?;
        // Twice what it has, as far as the server takes it.
        let twice = (told.most.unwrap_or(5000.0) * 2.0).min(1_073_741_823.0);
        let remedy = change(look, "pg_stat_statements.max", &format!("{twice:.0}"), "postmaster");
        verdict.find(level, NAME, says).with_value(rate).with_remedy(remedy);
    }
    Ok(verdict)
}

/// One statement of one role, in the database that is looked at.
#[derive(Deserialize)]
struct Statement {
    query_id: Option<String>,
    user_name: String,
    query: String,
    calls: f64,
    total_ms: f64,
    mean_ms: Option<f64>,
    #[serde(default)]
    temp_blocks: f64,
    /// Of all statements, those that are not read too.
    all_ms: f64,
    /// How many there are.
    statements: f64,
}

impl Statement {
    /// What stays from run to run.
    fn object(&self) -> String {
        format!("{}/{}", self.user_name, self.query_id.as_deref().unwrap_or("hidden"))
    }

    /// Its text on one line, at most 80 characters.
    fn text(&self) -> String {
        let words: Vec<&str> = self.query.split_whitespace().collect();
        let text = words.join(" ");
        match text.char_indices().nth(80) {
            Some((end, _)) => format!("{}..", &text[..end]),
            None => text,
        }
    }
}

/// Which statement has written the most temporary blocks, where that is told.
pub fn most_temporary(look: &Look<'_>) -> Option<String> {
    let statements: Vec<Statement> = look.rows(&TOP).ok()?;
    let told = statements.iter().filter(|one| one.temp_blocks > 0.0 && one.query_id.is_some());
    let most = told.max_by(|a, b| a.temp_blocks.total_cmp(&b.temp_blocks))?;
    Some(format!("{}: {}", most.user_name, most.text()))
}

fn top_share(look: &Look<'_>) -> Judged {
    counted(look)?;
    let statements: Vec<Statement> = look.rows(&TOP)?;
    let all = statements.first().map_or(0.0, |one| one.all_ms / 1000.0);
    if all <= 0.0 || !look.is_enough("least", "", all) {
        let why = format!("all statements took {}: too little to judge by", words::time(all));
        return Err(Silence::not_applicable(why));
    }
    let mut verdict = look.verdict().saying("no statement takes so large a part of the time");
    for one in &statements {
        let percent = one.total_ms / one.all_ms * 100.0;
        // The longest come first.
        let Some(level) = look.level("", &one.object(), percent, None) else { break };
        let says = format!(
            "{percent:.0}% of the time goes into {} of {}: {}",
            words::amount(one.calls, "call"),
            one.user_name,
            one.text()
        );
        // It need not be a fault; with a critical limit of the operator's it is.
        let level = if level == Level::Critical { level } else { Level::Info };
        verdict.find(level, one.object(), says).with_value(percent);
    }
    Ok(verdict)
}

fn slow_mean(look: &Look<'_>) -> Judged {
    counted(look)?;
    let statements: Vec<Statement> = look.rows(&TOP)?;
    let mut verdict = look.verdict().saying("no statement is slow on average");
    for one in &statements {
        let Some(mean) = one.mean_ms.map(|mean| mean / 1000.0) else { continue };
        if !look.is_enough("least", &one.object(), one.calls) {
            continue;
        }
        let Some(level) = look.level("", &one.object(), mean, None) else { continue };
        let says = format!(
            "{} of {} took {} on average: {}",
            words::amount(one.calls, "call"),
            one.user_name,
            words::time(mean),
            one.text()
        );
        verdict.find(level, one.object(), says).with_value(mean);
    }
    verdict.unseen = unread(look, &statements);
    Ok(verdict)
}

/// Those that took the most time are read: whether others could be slow too.
fn unread(look: &Look<'_>, statements: &[Statement]) -> Option<String> {
    let last = statements.last()?;
    let rest = last.statements - statements.len() as f64;
    let at = |name| look.limit(name, "").and_then(|limit| limit.warning).and_then(|at| at.at(None));
    // Less time than a slow one takes with the fewest calls that count.
    let least = at("").unwrap_or(f64::INFINITY) * at("least").unwrap_or(1.0).max(1.0) * 1000.0;
    (rest > 0.0 && last.total_ms >= least).then(|| {
        format!("{} that took less time in all are not read", words::amount(rest, "statement"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    fn check(id: &str) -> &'static Check {
        CHECKS.iter().find(|check| check.id == id).unwrap()
    }

    fn extension(version: Option<&str>, most: Option<f64>, usable: bool) -> Value {
        json!({"version": version, "schema": version.map(|_| "s"), "newest": "1.10",
               "most": most, "track": most.map(|_| "top"), "usable": usable})
    }

    #[test]
    fn what_is_missing_is_told_with_its_steps() {
        let first = |row| {
            let sample = Sample::of("statements_extension", &[row]);
            let verdict = sample.judged(check("stmt.available")).unwrap();
            verdict.findings.first().map(|one| (one.says.clone(), one.remedy.clone().unwrap()))
        };
        assert_eq!(first(extension(Some("1.10"), Some(5000.0), true)), None);
        let (says, remedy) = first(extension(None, None, true)).unwrap();
        assert!(says.contains("neither loaded nor created"), "{says}");
        assert!(remedy.contains("shared_preload_libraries") && remedy.contains("CREATE EXTENSION"));
        let (_, remedy) = first(extension(None, Some(5000.0), true)).unwrap();
        assert!(!remedy.contains("shared_preload_libraries"), "{remedy}");
        // As text 1.9 would be the newer one.
        let (says, remedy) = first(extension(Some("1.9"), Some(5000.0), true)).unwrap();
        assert!(says.ends_with("is of version 1.9, the server brings 1.10"), "{says}");
        assert_eq!(remedy, "ALTER EXTENSION pg_stat_statements UPDATE;");
        let hidden =
            Sample::of("statements_extension", &[extension(Some("1.10"), Some(5000.0), false)]);
        let unseen = hidden.judged(check("stmt.available")).unwrap().unseen.unwrap();
        assert!(unseen.contains("GRANT USAGE ON SCHEMA \"s\""), "{unseen}");
    }

    fn statement(id: &str, calls: f64, mean_ms: f64, all_ms: f64) -> Value {
        json!({"query_id": id, "user_name": "app", "query": "SELECT\n  1", "calls": calls,
               "total_ms": calls * mean_ms, "mean_ms": mean_ms, "all_ms": all_ms,
               "statements": 2})
    }

    fn counted(rows: &[Value]) -> Sample {
        Sample::of("statements_extension", &[extension(Some("1.10"), Some(5000.0), true)])
            .with("statements_top", rows)
    }

    #[test]
    fn the_largest_part_is_worth_knowing() {
        let judge = |all| {
            let rows = [statement("1", 1000.0, 40.0, all), statement("2", 1000.0, 20.0, all)];
            counted(&rows).judged(check("stmt.top_share"))
        };
        let found = judge(100_000.0).unwrap().findings;
        assert_eq!(
            (found.len(), found[0].level, found[0].object.as_str()),
            (1, Level::Info, "app/1")
        );
        assert!(found[0].says.starts_with("40% of the time"), "{}", found[0].says);
        assert!(found[0].says.ends_with(": SELECT 1"), "{}", found[0].says);
        assert!(matches!(judge(59_000.0), Err(Silence::NotApplicable(_))));
        let gone = Sample::of("statements_extension", &[extension(None, None, true)]);
        let gone = gone.judged(check("stmt.top_share"));
        assert!(matches!(gone, Err(Silence::NotApplicable(_))));
    }

    #[test]
    fn a_slow_statement_needs_calls_and_those_not_read_are_told() {
        let rows = [statement("1", 100.0, 1000.0, 1e6), statement("2", 99.0, 2000.0, 1e6)];
        let verdict = counted(&rows).judged(check("stmt.slow_mean")).unwrap();
        let found: Vec<&str> = verdict.findings.iter().map(|one| one.object.as_str()).collect();
        assert_eq!((found, verdict.unseen), (vec!["app/1"], None));
        let cut = counted(&rows[..1]).judged(check("stmt.slow_mean")).unwrap();
        assert!(cut.unseen.unwrap().starts_with("1 statement"));
    }

    #[test]
    fn deallocations_are_a_rate() {
        let sample = |times: f64, reset: f64| {
            let row = json!({"dealloc": times, "stats_reset": reset});
            counted(&[]).with("statements_dealloc", &[row])
        };
        let judge = |times, reset| {
            sample(times, reset).after(1800.0, &sample(10.0, 1.0)).judged(check("stmt.dealloc"))
        };
        assert_eq!(judge(59.0, 1.0).unwrap().findings.len(), 0);
        let found = judge(60.0, 1.0).unwrap().findings;
        assert_eq!(found.len(), 1);
        let remedy =
            "ALTER SYSTEM SET pg_stat_statements.max = '10000';  -- then restart the server";
        assert_eq!(found[0].remedy.as_deref(), Some(remedy));
        assert!(matches!(judge(60.0, 2.0), Err(Silence::Unknown(_))));
    }
}
