//! From counters to a ranking: what is shown, in which order, and what there is to say of it.

use super::difference::{Change, Difference};
use super::sample::{Counters, Sample};
use super::source::{MOST, Ready, Scope};
use crate::report::slow_queries::{
    Comparison, FailMean, Period, RankedQuery, SlowQueriesReport, Trust,
};
use crate::sql;

/// What a ranking is by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Total,
    Mean,
    Calls,
    Io,
    Temp,
    Wal,
    Rows,
    /// How much slower it became.
    Change,
}

impl Sort {
    /// As on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Mean => "mean",
            Self::Calls => "calls",
            Self::Io => "io",
            Self::Temp => "temp",
            Self::Wal => "wal",
            Self::Rows => "rows",
            Self::Change => "change",
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "only compared")]
    fn value(self, of: &RankedQuery) -> f64 {
        match self {
            Self::Total => of.total_ms,
            Self::Mean => of.mean_ms,
            Self::Calls => of.calls as f64,
            // Without times, the blocks tell as much as there is.
            Self::Io => {
                of.io_ms.unwrap_or((of.shared_read_blocks + of.shared_written_blocks) as f64)
            }
            Self::Temp => of.temp_bytes as f64,
            Self::Wal => of.wal_bytes as f64,
            Self::Rows => of.rows as f64,
            Self::Change => of.change_percent.unwrap_or(f64::NEG_INFINITY),
        }
    }
}

/// What is to be shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    pub scope: Scope,
    pub sort: Sort,
    /// Milliseconds.
    pub min_mean_ms: f64,
    pub min_calls: i64,
    /// A part of the text; upper and lower case are the same.
    pub like: Option<String>,
    pub limit: usize,
    /// Milliseconds: a longer mean is critical.
    pub fail_mean_ms: Option<f64>,
    /// Percent: a statement that became slower than that is critical.
    pub fail_if_slower: Option<f64>,
}

impl Asked {
    fn has_text(&self, one: &RankedQuery) -> bool {
        let like = self.like.as_ref().map(|text| text.to_lowercase());
        like.is_none_or(|like| {
            one.query.as_ref().is_some_and(|query| query.to_lowercase().contains(&like))
        })
    }

    fn shows(&self, one: &RankedQuery) -> bool {
        one.mean_ms >= self.min_mean_ms && one.calls >= self.min_calls && self.has_text(one)
    }
}

/// The ranking of one sample: since the last reset.
pub fn ranked(ready: &Ready, sample: &Sample, asked: &Asked) -> SlowQueriesReport {
    let scope = |one: &&Counters| asked.scope.has(one);
    let rows: Vec<RankedQuery> =
        sample.statements.iter().filter(scope).map(|one| row(ready, one)).collect();
    let mut report = begun(ready, sample, asked);
    report.total_ms = sample.total_ms;
    report.calls = sample.calls;
    report.statements = sample.chosen;
    say_hidden(&mut report, ready, sample.hidden);
    fill(&mut report, asked, rows);
    report
}

/// Of a sample that has all statements, those in scope.
pub fn narrowed(sample: &Sample, scope: &Scope) -> Sample {
    let mut part = sample.clone();
    part.statements.retain(|one| scope.has(one));
    part.chosen = count(part.statements.len());
    part.hidden = count(part.statements.iter().filter(|one| one.query_id.is_none()).count());
    part.calls = part.statements.iter().map(|one| one.calls).sum();
    part.total_ms = part.statements.iter().map(|one| one.total_ms).sum();
    part
}

/// The ranking of what was counted between two samples.
pub fn over_period(
    ready: &Ready,
    (before, after): (&Sample, &Sample),
    found: &Difference,
    asked: &Asked,
) -> SlowQueriesReport {
    let mut report = between(ready, before, after, found, asked);
    let rows = changes(found, asked).map(|one| row(ready, &one.now)).collect();
    let restarted = found.restarted;
    if found.reset {
        report.notes.push(
            "the statistics were reset in between: what was counted before that is missing".into(),
        );
    } else if restarted > 0 {
        report.notes.push(format!(
            "the counters of {} began anew in between (reset or thrown out): what they had \
             counted before that is missing",
            statements(restarted)
        ));
    }
    let gone = count(found.gone.iter().filter(|one| asked.scope.has(one)).count());
    if gone > 0 && !found.reset {
        report.notes.push(format!("gone since the first sample: {}", statements(gone)));
    }
    fill(&mut report, asked, rows);
    report
}

/// The ranking against an earlier sample: what became slower. Those come first.
pub fn compared(
    ready: &Ready,
    (before, after): (&Sample, &Sample),
    found: &Difference,
    asked: &Asked,
    file: &str,
) -> SlowQueriesReport {
    let mut report = between(ready, before, after, found, asked);
    let mut comparison = Comparison {
        file: file.to_owned(),
        limit_percent: asked.fail_if_slower,
        judged: 0,
        slower: 0,
        new: 0,
        too_short: 0,
        idle: count(found.idle.iter().filter(|one| asked.scope.has(one)).count()),
        gone: 0,
        by_text: 0,
    };
    let mut rows = Vec::new();
    for change in changes(found, asked) {
        let mut row = row(ready, &change.now);
        comparison.by_text += i64::from(change.by_text);
        match &change.before {
            None => comparison.new += 1,
            Some(earlier) => {
                judge(&mut row, earlier, asked, &mut comparison);
            }
        }
        rows.push(row);
    }
    // What mattered before and is gone may have become slower.
    let mattered = |one: &&Counters| {
        asked.scope.has(one)
            && one.mean_ms() >= asked.min_mean_ms
            && one.calls >= asked.min_calls.max(1)
    };
    comparison.gone = count(found.gone.iter().filter(|one| asked.scope.has(one)).count());
    let lost = count(found.gone.iter().filter(mattered).count());
    say_compared(&mut report, &comparison, found, lost);
    report.comparison = Some(comparison);
    fill(&mut report, asked, rows);
    report
}

fn judge(row: &mut RankedQuery, earlier: &Counters, asked: &Asked, into: &mut Comparison) {
    let before = earlier.mean_ms();
    row.before_mean_ms = Some(before);
    if before <= 0.0 || earlier.calls < asked.min_calls || row.calls < asked.min_calls {
        return;
    }
    if !asked.has_text(row) {
        return;
    }
    let change = (row.mean_ms / before - 1.0) * 100.0;
    row.change_percent = Some(change);
    // So short a time is noise: no verdict, and none is claimed.
    if row.mean_ms < asked.min_mean_ms {
        into.too_short += 1;
        return;
    }
    into.judged += 1;
    if let Some(limit) = asked.fail_if_slower {
        let slower = change > limit;
        row.slower = Some(slower);
        into.slower += i64::from(slower);
    }
}

fn say_compared(
    report: &mut SlowQueriesReport,
    comparison: &Comparison,
    found: &Difference,
    lost: i64,
) {
    if comparison.by_text > 0 {
        report.notes.push(format!(
            "{} have another id than in the sample and were matched by their text",
            statements(comparison.by_text)
        ));
    }
    if comparison.new > 0 {
        let new = statements(comparison.new);
        report.notes.push(format!("not in the sample, so not compared: {new}"));
    }
    if found.restarted > 0 && !found.reset {
        report.notes.push(format!(
            "the counters of {} began anew since (reset or thrown out): only what came after \
             that is compared",
            statements(found.restarted)
        ));
    }
    if found.reset {
        report.unseen.push(
            "the statistics were reset since the sample: what was counted before that is missing"
                .into(),
        );
    } else if lost > 0 {
        report.unseen.push(format!(
            "{} of the sample are gone (thrown out for others): whether they became slower is \
             not known; raise pg_stat_statements.max",
            statements(lost)
        ));
    }
    if comparison.too_short > 0 {
        report.notes.push(format!(
            "not judged, for a mean below --min-mean: {}",
            statements(comparison.too_short)
        ));
    }
    if comparison.judged == 0 {
        report.unseen.push(
            "nothing to compare: no statement of the sample has run since, often and long enough"
                .into(),
        );
    }
}

fn between(
    ready: &Ready,
    before: &Sample,
    after: &Sample,
    found: &Difference,
    asked: &Asked,
) -> SlowQueriesReport {
    let mut report = begun(ready, after, asked);
    report.period = Some(Period {
        from: before.at,
        to: after.at,
        seconds: after.at.duration_since(before.at).as_secs_f64(),
    });
    for one in changes(found, asked) {
        report.total_ms += one.now.total_ms;
        report.calls = report.calls.saturating_add(one.now.calls);
        report.statements += 1;
    }
    if found.deallocated.is_some_and(|count| count > 0) && !found.reset {
        report.notes.push(format!(
            "statements were thrown out for others in between, {}: rare ones are missing",
            times(found.deallocated.unwrap_or(0))
        ));
    }
    if before.hidden > 0 {
        report.unseen.push(format!(
            "the first sample has {} whose id was hidden from the role that took it",
            statements(before.hidden)
        ));
    }
    let unknown = found.unknown.iter().filter(|one| asked.scope.has(one)).count();
    if unknown > 0 {
        report.unseen.push(format!(
            "what {} did in between: the first sample could not see them",
            statements(count(unknown))
        ));
    }
    if before.cut || after.cut {
        report.unseen.push(format!("the samples have no more than {MOST} statements"));
    }
    let hidden =
        after.statements.iter().filter(|one| one.query_id.is_none() && asked.scope.has(one));
    say_hidden(&mut report, ready, count(hidden.count()));
    report
}

fn changes<'a>(found: &'a Difference, asked: &'a Asked) -> impl Iterator<Item = &'a Change> {
    found.changes.iter().filter(|one| asked.scope.has(&one.now))
}

/// Filters, sorts and cuts the rows; judges those that `--fail-mean` is about.
fn fill(report: &mut SlowQueriesReport, asked: &Asked, mut rows: Vec<RankedQuery>) {
    for row in &mut rows {
        row.share = (report.total_ms > 0.0).then(|| 100.0 * row.total_ms / report.total_ms);
    }
    report.fail_mean = asked.fail_mean_ms.map(|limit_ms| {
        let judged = rows.iter().filter(|one| one.calls >= asked.min_calls && asked.has_text(one));
        let means: Vec<f64> = judged.map(|one| one.mean_ms).collect();
        FailMean {
            limit_ms,
            over: count(means.iter().filter(|mean| **mean > limit_ms).count()),
            longest_ms: means.iter().copied().reduce(f64::max),
        }
    });
    if report.fail_mean.as_ref().is_some_and(|judged| judged.longest_ms.is_none()) {
        report.unseen.push("whether a mean is too long: no statement fits".into());
    }
    if let (0, Some(user)) = (report.statements, &asked.scope.user) {
        report.notes.push(format!("nothing was counted for a role {user}: is the name right?"));
    } else if let (0, Some(database)) = (report.statements, &asked.scope.database) {
        report.notes.push(format!("nothing was counted in a database {database}"));
    }
    rows.retain(|one| asked.shows(one));
    report.left_out = report.statements.saturating_sub(count(rows.len())).max(0);
    let shown: f64 = rows.iter().filter_map(|one| one.share).sum();
    report.left_out_share = (report.total_ms > 0.0).then(|| (100.0 - shown).max(0.0));
    let by = asked.sort;
    if by == Sort::Io && rows.iter().any(|one| one.io_ms.is_none()) {
        report.notes.push("sorted by blocks, as their times are not counted".into());
    }
    rows.sort_by(|a, b| {
        // What fails the gate is never cut off by the limit's end.
        let fails = |one: &RankedQuery| one.slower == Some(true);
        fails(b)
            .cmp(&fails(a))
            .then_with(|| by.value(b).total_cmp(&by.value(a)))
            .then_with(|| b.total_ms.total_cmp(&a.total_ms))
    });
    report.limit_reached = rows.len() > asked.limit;
    rows.truncate(asked.limit);
    report.queries = rows;
}

fn begun(ready: &Ready, sample: &Sample, asked: &Asked) -> SlowQueriesReport {
    let mut report = SlowQueriesReport {
        source: "pg_stat_statements",
        database: asked.scope.database.clone(),
        user: asked.scope.user.clone(),
        sort: asked.sort.name(),
        min_mean_ms: asked.min_mean_ms,
        min_calls: asked.min_calls,
        limit_reached: false,
        period: None,
        total_ms: 0.0,
        calls: 0,
        statements: 0,
        left_out: 0,
        left_out_share: None,
        queries: Vec::new(),
        trust: Some(trust(ready, sample)),
        comparison: None,
        fail_mean: None,
        plan: None,
        live: Vec::new(),
        enable: Vec::new(),
        saved: None,
        notes: notes(ready, sample),
        unseen: Vec::new(),
    };
    if ready.track.as_deref() == Some("none") {
        report.unseen.push("nothing is counted: pg_stat_statements.track is none".into());
    }
    if ready.compute_query_id.as_deref() == Some("off") {
        report.unseen.push("nothing is counted: compute_query_id is off".into());
    }
    if sample.cut {
        report.unseen.push(format!("only the {MOST} statements with the most time were read"));
    }
    report
}

fn trust(ready: &Ready, sample: &Sample) -> Trust {
    Trust {
        extension_version: ready.version.clone(),
        schema: ready.schema.clone(),
        reset: sample.reset,
        dealloc: sample.dealloc,
        entries: sample.entries,
        max: ready.most,
        track: ready.track.clone(),
        track_utility: ready.track_utility,
        track_planning: ready.track_planning,
        track_io_timing: ready.track_io_timing,
    }
}

fn notes(ready: &Ready, sample: &Sample) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(own) = ready.behind() {
        notes.push(format!(
            "the extension is of version {}, the server brings {own}: what it cannot count is \
             empty; ALTER EXTENSION pg_stat_statements UPDATE",
            ready.version
        ));
    }
    if ready.is_newer() {
        notes.push(format!(
            "the extension is of version {}, newer than this pgtend: what 1.12 has is shown",
            ready.version
        ));
    }
    if !ready.track_io_timing {
        notes.push("track_io_timing is off: times of reads and writes are not counted".into());
    }
    if let Some(thrown) = sample.dealloc.filter(|thrown| *thrown > 0) {
        let most = ready.most.map_or_else(|| "?".to_owned(), |most| most.to_string());
        notes.push(format!(
            "statements were thrown out for others {} since the last reset: rare ones are \
             missing or begin anew; pg_stat_statements.max is {most}",
            times(thrown)
        ));
    }
    if ready.track.as_deref() == Some("top") {
        notes.push("what functions run is not counted: pg_stat_statements.track is top".into());
    }
    notes
}

/// `pg_read_all_stats` shows them.
fn say_hidden(report: &mut SlowQueriesReport, ready: &Ready, hidden: i64) {
    if hidden > 0 {
        let role = sql::quote_name(&ready.role);
        report.unseen.push(format!(
            "the id and the text of {} of other roles: GRANT pg_read_all_stats TO {role}",
            statements(hidden)
        ));
    }
}

fn statements(number: i64) -> String {
    format!("{number} statement{}", if number == 1 { "" } else { "s" })
}

fn times(number: i64) -> String {
    if number == 1 { "once".to_owned() } else { format!("{number} times") }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "means and shares")]
fn row(ready: &Ready, of: &Counters) -> RankedQuery {
    let blocks = of.shared_hit.saturating_add(of.shared_read);
    let known = [Some(of.read_ms), Some(of.write_ms), of.local_io_ms, of.temp_io_ms];
    let io: f64 = known.into_iter().flatten().sum();
    // It may have been on before, or be on elsewhere: what was counted is shown.
    let timed = ready.track_io_timing || io > 0.0;
    let planned = ready.track_planning == Some(true) || of.plans > 0;
    let temp = of.temp_read.saturating_add(of.temp_written);
    RankedQuery {
        query_id: of.query_id.clone(),
        user: of.user.clone(),
        database: of.database.clone(),
        toplevel: of.toplevel,
        query: of.query.clone(),
        share: None,
        calls: of.calls,
        total_ms: of.total_ms,
        mean_ms: of.mean_ms(),
        min_ms: of.min_ms,
        max_ms: of.max_ms,
        stddev_ms: of.stddev_ms,
        rows: of.rows,
        rows_per_call: if of.calls > 0 { of.rows as f64 / of.calls as f64 } else { 0.0 },
        hit_percent: (blocks > 0).then(|| 100.0 * of.shared_hit as f64 / blocks as f64),
        shared_hit_blocks: of.shared_hit,
        shared_read_blocks: of.shared_read,
        shared_dirtied_blocks: of.shared_dirtied,
        shared_written_blocks: of.shared_written,
        io_ms: timed.then_some(io),
        read_ms: timed.then_some(of.read_ms),
        write_ms: timed.then_some(of.write_ms),
        local_io_ms: of.local_io_ms.filter(|_| timed),
        temp_io_ms: of.temp_io_ms.filter(|_| timed),
        temp_bytes: temp.saturating_mul(i64::from(ready.block_size)),
        wal_bytes: of.wal_bytes,
        wal_records: of.wal_records,
        plans: of.plans,
        plan_ms: planned.then_some(of.plan_ms),
        parallel_workers: of.parallel_workers,
        since: of.since,
        before_mean_ms: None,
        change_percent: None,
        slower: None,
    }
}
