//! From facts to verdicts.

use jiff::civil::Date;

use super::baseline::STANDS;
use super::dep::Shared;
use super::facts::Facts;
use super::limits::Limits;
use super::look::Look;
use super::need::{self, Need};
use super::registry::{Check, Kind};
use super::verdict::{Silence, Verdict};
use crate::report::check::{Checked, Level, Status};
use crate::settings::CheckSettings;

/// What is judged by.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub checks: &'a [&'static Check],
    pub limits: &'a Limits,
    pub settings: &'a CheckSettings,
    pub environment: Option<&'a str>,
    /// Keys that were there before: they do not count.
    pub baseline: &'a [String],
    /// For the ends of what is ignored.
    pub today: Date,
}

/// Judges facts; `previous` are those of an earlier moment of the same server.
pub fn judge(facts: &Facts, previous: Option<&Facts>, asked: &Asked<'_>) -> Vec<Checked> {
    let deploy = Shared::default();
    asked.checks.iter().map(|check| one(check, (facts, previous), asked, &deploy)).collect()
}

fn one(
    check: &'static Check,
    (facts, previous): (&Facts, Option<&Facts>),
    asked: &Asked<'_>,
    deploy: &Shared,
) -> Checked {
    let look = Look {
        check,
        facts,
        previous,
        limits: asked.limits,
        settings: asked.settings,
        environment: asked.environment,
        deploy,
    };
    let missing: Vec<_> =
        check.needs.iter().filter(|need| !need.met(&facts.sight)).copied().collect();
    let judged = if facts.server.version_number < check.since {
        Err(Silence::not_applicable(format!("it needs PostgreSQL {}", check.since / 10_000)))
    } else {
        (check.judge)(&look)
    };
    let (mut verdict, why, mut status) = match judged {
        Ok(verdict) => (verdict, None, Status::Healthy),
        Err(Silence::Unknown(why)) => (look.verdict(), Some(why), Status::Unknown),
        Err(Silence::NotApplicable(why)) => (look.verdict(), Some(why), Status::NotApplicable),
    };
    excuse(check, &mut verdict, asked);
    let why = why.or_else(|| verdict.unseen.clone());
    let reason = if status == Status::NotApplicable { why } else { unseen(&look, &missing, why) };
    let counted = verdict.findings.iter().filter(|finding| finding.excused.is_none());
    let worst = counted.map(|finding| finding.level).max();
    if status == Status::Healthy {
        status = match worst {
            Some(Level::Critical) => Status::Critical,
            _ if reason.is_some() => Status::Unknown,
            Some(Level::Warning) => Status::Warning,
            Some(Level::Info) => Status::Info,
            None => Status::Healthy,
        };
    }
    let version = facts.server.version_number;
    let grants = need::grants(&missing, &facts.sight.role, version);
    verdict.findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let milliseconds = check
        .asks
        .iter()
        .filter_map(|question| facts.milliseconds.get(question.name))
        .copied()
        .reduce(|a, b| a + b);
    Checked {
        id: check.id.to_owned(),
        kind: check.kind.word().to_owned(),
        title: check.title.to_owned(),
        status,
        says: says(&verdict, reason.as_deref(), status),
        findings: verdict.findings,
        measures: verdict.measures,
        reason,
        grants,
        remedy: check.remedy.to_owned(),
        milliseconds,
    }
}

/// What is not seen: a check's own reason, answers that are too long, and what the role may not
/// see. That may be what is wrong: not an all-clear, whatever was found.
fn unseen(look: &Look<'_>, missing: &[Need], why: Option<String>) -> Option<String> {
    let names: Vec<&str> = missing.iter().map(|need| need.what()).collect();
    let role = &look.facts.sight.role;
    let hidden =
        (!names.is_empty()).then(|| format!("{role} does not see {}", names.join(", nor ")));
    let all_count = look.check.asks.iter().filter(|question| !question.may_be_cut);
    let cut = all_count.filter_map(|question| look.cut(question));
    let whys = hidden.into_iter().chain(why).chain(cut);
    whys.reduce(|all, why| format!("{all}; {why}"))
}

/// The verdict in one line.
fn says(verdict: &Verdict, reason: Option<&str>, status: Status) -> String {
    let counted = verdict.findings.iter().filter(|finding| finding.excused.is_none());
    let worst = counted.clone().max_by_key(|finding| finding.level);
    match (status, worst, reason) {
        (Status::Unknown | Status::NotApplicable, _, Some(reason)) => reason.to_owned(),
        (_, Some(worst), _) if counted.clone().count() > 1 => {
            format!("{} (and {} more)", worst.says, counted.count() - 1)
        }
        (_, Some(worst), _) => worst.says.clone(),
        _ if verdict.says.is_empty() => "nothing found".to_owned(),
        _ => verdict.says.clone(),
    }
}

/// Marks what is ignored and not yet over, and what was there before.
fn excuse(check: &Check, verdict: &mut Verdict, asked: &Asked<'_>) {
    let lasts = check.kind != Kind::Deploy;
    for finding in &mut verdict.findings {
        let ignored = asked.settings.ignores.iter().find(|ignore| ignore.covers(&finding.key));
        finding.excused = match ignored {
            Some(ignore) if ignore.until.is_none_or(|until| asked.today <= until) => {
                let until = ignore.until.map(|until| format!(", until {until}"));
                Some(format!("ignored: {}{}", ignore.reason, until.unwrap_or_default()))
            }
            Some(_) | None if lasts && asked.baseline.contains(&finding.key) => {
                Some(STANDS.to_owned())
            }
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::question::MOST_ROWS;
    use crate::check::registry::find;
    use crate::check::sample::Sample;

    fn judged(id: &str, sample: &Sample) -> Checked {
        let check = find(id).unwrap();
        let asked = Asked {
            checks: &[check],
            limits: &Limits::default(),
            settings: &sample.settings,
            environment: None,
            baseline: &[],
            today: jiff::civil::date(2026, 11, 22),
        };
        judge(&sample.facts, None, &asked).remove(0)
    }

    /// As many rows as are read, and so many more.
    fn rows(row: &Value, more: usize) -> Vec<Value> {
        vec![row.clone(); MOST_ROWS + more]
    }

    #[test]
    fn an_answer_that_is_cut_is_no_all_clear() {
        let group = json!({"role": "shop", "database": "shop", "unnamed": false,
                           "plain_client": null, "sessions": 1, "idle": 0, "unseen": 0});
        let of = |more| judged("conn.app_unnamed", &Sample::of("sessions", &rows(&group, more)));
        assert_eq!((of(0).status, of(0).reason), (Status::Healthy, None));
        let why = "sessions has more than 1000 rows, and no more were read";
        assert_eq!((of(1).status, of(1).reason.as_deref()), (Status::Unknown, Some(why)));
        // What was found already is no less for it.
        let limit = json!({"kind": "role", "name": "a", "allowed": 10, "used": 10, "hidden": 0});
        let full = judged("conn.role_limit", &Sample::of("connection_limits", &rows(&limit, 1)));
        assert_eq!(full.status, Status::Critical);
        assert!(full.reason.unwrap().starts_with("connection_limits has more than 1000 rows"));
    }

    #[test]
    fn rows_with_the_worst_first_may_be_cut() {
        let holder = json!({"kind": "session", "name": "web", "pid": 7, "database": "shop",
                            "age": 3, "state": "idle"});
        let old = judged("act.xmin_horizon", &Sample::of("horizon", &rows(&holder, 1)));
        assert_eq!((old.status, old.reason), (Status::Healthy, None));
        // Nobody has named a table that must be protected.
        let schema = json!({"schema": "s", "tables": ["s.t"]});
        let mut sample =
            Sample::of("unprotected_tables", &rows(&schema, 1)).with("row_security", &[]);
        assert_eq!(judged("sec.rls", &sample).status, Status::Healthy);
        sample.settings.rls_required = vec!["other.*".to_owned()];
        assert_eq!(judged("sec.rls", &sample).status, Status::Unknown);
    }
}
