//! The health document of a server, from what was seen of it. Nothing in it is invented: what has
//! no source is null, with the reason beside it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::facts::Facts;
use super::question::MOST_ROWS;
use super::verdict::Silence;
use crate::exit::Exit;
use crate::report::check::{Checked, ServerChecks, Status};
use crate::report::health::{Backup, Connection, Connections, Health, Migration, Performance};

/// Statements whose mean is longer are slow, as `slow-queries` has it. Milliseconds.
const SLOW: f64 = 100.0;

/// Builds it; `facts` are none where the server could not be judged.
pub fn health(server: &ServerChecks, facts: Option<&Facts>) -> Health {
    let mut reasons = Reasons(BTreeMap::new());
    reasons.add("circuit_breaker", "only --watch asks a server again and again");
    if server.environment.is_none() {
        reasons.add("environment", "the target names none");
    }
    Health {
        status: match server.outcome {
            Exit::Good => "healthy",
            // What could not be judged is no all-clear.
            Exit::Warning | Exit::Unknown if server.failed.is_none() => "degraded",
            _ => "unhealthy",
        }
        .to_owned(),
        timestamp: server.at,
        database_type: "postgresql".to_owned(),
        environment: server.environment.clone(),
        circuit_breaker: None,
        connections: connections(server, facts, &mut reasons),
        performance: performance(facts, &mut reasons),
        migration: migration(&server.checks, &mut reasons),
        backup: backup(&server.checks, &mut reasons),
        reasons: reasons.0,
    }
}

struct Reasons(BTreeMap<String, String>);

impl Reasons {
    fn add(&mut self, path: &str, why: impl Into<String>) {
        self.0.insert(path.to_owned(), why.into());
    }
}

/// The rows of an answer, or why there are none.
fn rows<'a>(facts: Option<&'a Facts>, name: &str) -> Result<&'a [Value], String> {
    let Some(facts) = facts else { return Err("the server could not be judged".to_owned()) };
    let answer = facts.answers.get(name);
    let answer = answer.ok_or_else(|| format!("no check that was run asks for it ({name})"))?;
    answer.rows().map_err(|silence| match silence {
        Silence::Unknown(why) | Silence::NotApplicable(why) => why,
    })
}

fn number(row: &Value, field: &str) -> Option<f64> {
    row.get(field).and_then(Value::as_f64)
}

fn text(row: &Value, field: &str) -> Option<String> {
    let text = row.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned)
}

fn connections(server: &ServerChecks, facts: Option<&Facts>, reasons: &mut Reasons) -> Connections {
    let Some(looked) = &server.server else {
        let why = server.failed.clone().unwrap_or_default();
        reasons.add("connections.primary.version", why);
        let primary = Connection {
            name: server.place.clone(),
            status: "failed".to_owned(),
            ..Connection::default()
        };
        return Connections { primary: Some(primary), read_replicas: Vec::new() };
    };
    let mut this = Connection {
        name: format!("{}:{}", looked.host, looked.port),
        status: "connected".to_owned(),
        version: Some(looked.version.clone()),
        response_time_ms: Some(looked.connect_seconds * 1000.0),
        lag_seconds: None,
        lag_bytes: None,
    };
    if looked.in_recovery {
        reasons.add("connections.primary", "a standby was asked");
        match rows(facts, "replay") {
            Ok(rows) => {
                let first = rows.first();
                this.lag_bytes = first.and_then(|row| number(row, "bytes"));
                // Nothing to replay is no lag, however old the last change is.
                this.lag_seconds = match this.lag_bytes {
                    Some(0.0) => Some(0.0),
                    _ => first.and_then(|row| number(row, "replayed_seconds")),
                };
            }
            Err(why) => reasons.add("connections.read_replicas[0].lag_seconds", why),
        }
        return Connections { primary: None, read_replicas: vec![this] };
    }
    let replicas = match rows(facts, "standbys") {
        Ok(rows) => rows.iter().map(replica).collect(),
        Err(why) => {
            reasons.add("connections.read_replicas", why);
            Vec::new()
        }
    };
    if !replicas.is_empty() {
        let why = "the primary does not know its standbys' versions: check them as targets";
        reasons.add("connections.read_replicas[].version", why);
        reasons.add("connections.read_replicas[].response_time_ms", "they were not asked");
    }
    Connections { primary: Some(this), read_replicas: replicas }
}

/// As the primary sees it.
fn replica(row: &Value) -> Connection {
    let name = text(row, "application").or_else(|| text(row, "client"));
    Connection {
        name: name.unwrap_or_else(|| "?".to_owned()),
        status: text(row, "state").unwrap_or_else(|| "unknown".to_owned()),
        version: None,
        response_time_ms: None,
        lag_seconds: number(row, "seconds"),
        lag_bytes: number(row, "bytes"),
    }
}

fn performance(facts: Option<&Facts>, reasons: &mut Reasons) -> Performance {
    reasons.add("performance.failed_queries", "PostgreSQL does not count failed statements");
    let counted = rows(facts, "statements_top").and_then(|rows| {
        let statements = rows.first().and_then(|row| number(row, "statements"));
        let hidden = rows.first().and_then(|row| number(row, "hidden")).unwrap_or_default();
        let read = u32::try_from(rows.len()).map_or(f64::INFINITY, f64::from);
        match statements {
            None => Err("pg_stat_statements has nothing, or is not there".to_owned()),
            Some(_) if hidden > 0.0 => Err("other roles' statements are not seen".to_owned()),
            Some(all) if all > read || rows.len() > MOST_ROWS => {
                Err(format!("{all} statements are too many to add up: pgtend slow-queries"))
            }
            Some(_) => Ok(rows),
        }
    });
    let rows = match counted {
        Ok(rows) => rows,
        Err(why) => {
            for field in ["total_queries", "slow_queries", "average_ms"] {
                reasons.add(&format!("performance.{field}"), why.clone());
            }
            return Performance::default();
        }
    };
    let calls: f64 = rows.iter().filter_map(|row| number(row, "calls")).sum();
    let time: f64 = rows.iter().filter_map(|row| number(row, "total_ms")).sum();
    let slow = rows.iter().filter(|row| number(row, "mean_ms").is_some_and(|mean| mean > SLOW));
    Performance {
        total_queries: Some(calls),
        slow_queries: u32::try_from(slow.count()).ok().map(f64::from),
        average_ms: (calls > 0.0).then(|| time / calls),
        failed_queries: None,
    }
}

/// The verdicts of the family, and the tables that are expected and missing.
fn migration(checks: &[Checked], reasons: &mut Reasons) -> Migration {
    let family = checks.iter().filter(|check| check.id.starts_with("migration."));
    let statuses: BTreeMap<String, String> =
        family.map(|check| (check.id.clone(), check.status.word().to_owned())).collect();
    reasons.add(
        "migration.version",
        match statuses.is_empty() {
            true => "no check of migrations was run",
            false => "the checks of the family say it in words",
        },
    );
    reasons.add("migration.existing_tables", "only what is missing is told");
    let expected = checks.iter().find(|check| check.id == "schema.expected");
    let missing = match expected {
        Some(check) if !matches!(check.status, Status::Unknown | Status::NotApplicable) => {
            // The lines of the file have other kinds too: columns, functions.
            let tables = check.findings.iter().filter_map(|one| one.object.strip_prefix("table "));
            Some(tables.map(|name| name.trim().to_owned()).collect())
        }
        other => {
            let why = other.and_then(|check| check.reason.clone());
            let why = why.unwrap_or_else(|| "schema.expected was not run".to_owned());
            reasons.add("migration.missing_tables", why);
            None
        }
    };
    Migration { checks: statuses, existing_tables: None, missing_tables: missing, version: None }
}

fn backup(checks: &[Checked], reasons: &mut Reasons) -> Backup {
    let mut measured = |id: &str, field: &str| {
        let check = checks.iter().find(|check| check.id == id);
        let value = check.and_then(|check| check.measures.first()).map(|measure| measure.value);
        if value.is_none() {
            let why = check.map_or_else(|| format!("{id} was not run"), |check| check.says.clone());
            reasons.add(&format!("backup.{field}"), why);
        }
        value
    };
    let age = measured("backup.age", "age_seconds");
    let verified = measured("backup.verified", "verified_seconds");
    let family = checks
        .iter()
        .filter(|check| check.id.starts_with("backup.") && check.status != Status::NotApplicable);
    let worst = family.max_by_key(|check| check.status);
    if worst.is_none() {
        reasons.add("backup.status", "no check of backups has anything to say");
    }
    Backup {
        status: worst.map(|check| check.status.word().to_owned()),
        age_seconds: age,
        verified_seconds: verified,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::report::check::Looked;

    fn server(outcome: Exit) -> ServerChecks {
        ServerChecks {
            target: None,
            tags: Vec::new(),
            environment: None,
            place: "db:5432/app".into(),
            server: Some(Looked { host: "db".into(), port: 5432, ..Looked::default() }),
            at: Timestamp::UNIX_EPOCH,
            checks: Vec::new(),
            failed: None,
            forecast: None,
            checklist: None,
            outcome,
            health: None,
        }
    }

    fn facts(answers: Value) -> Facts {
        let facts = json!({
            "schema": "x", "pgtend": "x", "at": "2026-01-01T00:00:00Z",
            "server": Looked::default(), "system_identifier": "1", "sight": super::super::Sight::default(),
            "certificate_expiry": null, "encrypted": false, "answers": answers, "milliseconds": {},
        });
        serde_json::from_value(facts).unwrap()
    }

    #[test]
    fn what_is_not_known_is_null_with_its_reason() {
        let health = health(&server(Exit::Unknown), Some(&facts(json!({}))));
        assert_eq!(health.status, "degraded");
        let fields = ["total_queries", "slow_queries", "average_ms", "failed_queries"];
        for field in fields.map(|field| format!("performance.{field}")) {
            assert!(health.reasons.contains_key(&field), "{field}");
        }
        for field in ["backup.status", "backup.age_seconds", "migration.missing_tables"] {
            assert!(health.reasons.contains_key(field), "{field}");
        }
        assert_eq!(health.performance, Performance::default());
    }

    #[test]
    fn statements_are_added_up_and_standbys_are_named() {
        let row = |calls: u32, total: f64| {
            json!({ "calls": calls, "total_ms": total, "mean_ms": total / f64::from(calls),
                    "statements": 2, "hidden": 0 })
        };
        let seen = facts(json!({
            "statements_top": { "rows": [row(3, 900.0), row(7, 100.0)] },
            "standbys": { "rows": [{ "application": "", "client": "10.0.0.2",
                                     "state": "streaming", "bytes": 4096.0, "seconds": 0.5 }] },
        }));
        let health = health(&server(Exit::Good), Some(&seen));
        assert_eq!(health.status, "healthy");
        assert_eq!(health.performance.total_queries, Some(10.0));
        assert_eq!(health.performance.slow_queries, Some(1.0));
        assert_eq!(health.performance.average_ms, Some(100.0));
        let replica = &health.connections.read_replicas[0];
        assert_eq!((replica.name.as_str(), replica.lag_seconds), ("10.0.0.2", Some(0.5)));
        assert_eq!(health.connections.primary.unwrap().name, "db:5432");
    }

    #[test]
    fn a_server_that_failed_is_unhealthy() {
        let mut dead = server(Exit::Unknown);
        (dead.server, dead.failed) = (None, Some("refused".into()));
        let health = health(&dead, None);
        assert_eq!(health.status, "unhealthy");
        assert_eq!(health.connections.primary.unwrap().status, "failed");
        assert_eq!(health.reasons["connections.primary.version"], "refused");
    }
}
