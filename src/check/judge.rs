//! From facts to verdicts.

use jiff::civil::Date;

use super::baseline::STANDS;
use super::facts::Facts;
use super::limits::Limits;
use super::look::Look;
use super::need;
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
    asked.checks.iter().map(|check| one(check, facts, previous, asked)).collect()
}

fn one(
    check: &'static Check,
    facts: &Facts,
    previous: Option<&Facts>,
    asked: &Asked<'_>,
) -> Checked {
    let look = Look {
        check,
        facts,
        previous,
        limits: asked.limits,
        settings: asked.settings,
        environment: asked.environment,
    };
    let missing: Vec<_> =
        check.needs.iter().filter(|need| !need.met(&facts.sight)).copied().collect();
    let judged = if facts.server.version_number < check.since {
        Err(Silence::not_applicable(format!("it needs PostgreSQL {}", check.since / 10_000)))
    } else {
        (check.judge)(&look)
    };
    let (mut verdict, reason, mut status) = match judged {
        Ok(verdict) => (verdict, None, Status::Healthy),
        Err(Silence::Unknown(why)) => (look.verdict(), Some(why), Status::Unknown),
        Err(Silence::NotApplicable(why)) => (look.verdict(), Some(why), Status::NotApplicable),
    };
    excuse(check, &mut verdict, asked);
    let mut reason = reason.or_else(|| verdict.unseen.clone());
    // What a role cannot see may be what is wrong: not an all-clear, whatever was found.
    if status != Status::NotApplicable && !missing.is_empty() {
        let unseen: Vec<&str> = missing.iter().map(|need| need.what()).collect();
        let unseen = format!("{} does not see {}", facts.sight.role, unseen.join(", nor "));
        reason = Some(match reason {
            Some(why) if status == Status::Unknown => format!("{unseen}; {why}"),
            _ => unseen,
        });
    }
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
