//! A report that no server has to make, with names that try to break out of every form.

use pgtend::exit::Exit;
use pgtend::report::check::{
    CheckReport, Checked, Finding, Gate, Level, Looked, Measure, ServerChecks, Status, Unit,
};

/// A name with everything in it that ends a value somewhere.
pub const NASTY: &str = "public.\"a'b\"|c=<d>&,\n::error::\\ é]]>";

pub fn finding(id: &str, object: &str, level: Level, says: &str) -> Finding {
    Finding {
        key: format!("{id}:{object}"),
        object: object.into(),
        level,
        says: says.into(),
        remedy: None,
        value: None,
        excused: None,
    }
}

pub fn check(id: &str, status: Status, findings: Vec<Finding>) -> Checked {
    Checked {
        id: id.into(),
        kind: "runtime".into(),
        title: "what it looks at".into(),
        status,
        says: findings.first().map_or("all is well".into(), |finding| finding.says.clone()),
        findings,
        measures: Vec::new(),
        reason: None,
        grants: Vec::new(),
        remedy: "Put a pooler in front or lower the applications' pools; raise max_connections \
                 only after that, as each connection costs memory."
            .into(),
        milliseconds: Some(1.5),
    }
}

pub fn measure(name: &str, value: f64, unit: Unit) -> Measure {
    Measure {
        name: name.into(),
        value,
        unit,
        warning: Some(80.0),
        critical: Some(90.0),
        most: Some(100.0),
        below: false,
    }
}

fn shop() -> ServerChecks {
    let critical = Checked {
        measures: vec![measure("used", 96.0, Unit::Count), measure("used", 5.0, Unit::Count)],
        ..check(
            "conn.utilization",
            Status::Critical,
            vec![finding(
                "conn.utilization",
                "server",
                Level::Critical,
                "96 of 97 usable connections are used",
            )],
        )
    };
    let mut invalid =
        finding("idx.invalid", NASTY, Level::Warning, &format!("{NASTY} is not valid"));
    invalid.remedy = Some("REINDEX INDEX CONCURRENTLY x;".into());
    let mut ignored = finding("idx.invalid", "public.old", Level::Warning, "old is not valid");
    ignored.excused = Some("ignored: it goes away".into());
    let mut warning = check("idx.invalid", Status::Warning, vec![invalid, ignored]);
    warning.measures = vec![
        measure("", 12.5, Unit::Percent),
        Measure { below: true, ..measure(NASTY, 1e9, Unit::Bytes) },
        measure("broken", f64::NAN, Unit::Seconds),
    ];
    let unknown = Checked {
        reason: Some("monitor does not see what other roles' sessions do".into()),
        grants: vec!["GRANT pg_monitor TO monitor;".into()],
        says: "monitor does not see what other roles' sessions do".into(),
        ..check("act.long_query", Status::Unknown, Vec::new())
    };
    let aside = Checked {
        reason: Some("it has no replicas".into()),
        says: "it has no replicas".into(),
        ..check("repl.lag", Status::NotApplicable, Vec::new())
    };
    let size = finding("size.database", "shop", Level::Info, "shop has 12.0 GiB");
    ServerChecks {
        target: Some("shop".into()),
        tags: Vec::new(),
        environment: None,
        place: "db.example.com:5432/shop".into(),
        server: Some(Looked {
            host: "db.example.com".into(),
            port: 5432,
            database: "shop".into(),
            user: "monitor".into(),
            version: "15.4".into(),
            version_number: 150_004,
            ..Looked::default()
        }),
        at: "2026-01-02T03:04:05Z".parse().unwrap(),
        checks: vec![
            aside,
            check("lock.waiting", Status::Healthy, Vec::new()),
            check("size.database", Status::Info, vec![size]),
            unknown,
            warning,
            critical,
        ],
        forecast: None,
        checklist: None,
        failed: None,
        outcome: Exit::Critical,
        health: None,
    }
}

/// One server.
pub fn one() -> CheckReport {
    CheckReport { servers: vec![shop()], gate: Gate::default(), ..CheckReport::default() }
}

/// The same, and one that nobody reaches.
pub fn two() -> CheckReport {
    let dead = ServerChecks {
        target: Some("dead".into()),
        server: None,
        checks: Vec::new(),
        failed: Some("cannot connect: connection refused".into()),
        ..shop()
    };
    CheckReport { servers: vec![shop(), dead], ..CheckReport::default() }
}
