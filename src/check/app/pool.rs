//! How large the application's pools are.

use super::declared::{declared, number, primary_not_known};
use super::url::is_pooler;
use crate::check::conf::{LOGIN_ROLES, LoginRole, THIS_DATABASE, ThisDatabase};
use crate::check::look::Look;
use crate::check::verdict::{Judged, Silence, Verdict};
use crate::report::check::Level;
use crate::settings::{Declared, DeclaredServer};

/// The pools of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    size: f64,
    overflow: f64,
    /// The overflow is SQLAlchemy's own.
    assumed: bool,
    processes: f64,
    instances: f64,
    rolling: bool,
}

/// SQLAlchemy's `max_overflow`, when nobody says.
const OVERFLOW: f64 = 10.0;

impl Pool {
    /// What the operator says, else the file; none where nobody says how large.
    ///
    /// # Errors
    /// Unknown where what the file says cannot be read.
    pub fn of(look: &Look<'_>, declared: &Declared) -> Result<Option<Self>, Silence> {
        let own = &look.settings.application;
        let told = |own: Option<u32>, variable, parameter| match own {
            Some(own) => Ok(Some(f64::from(own))),
            None => number(declared, variable, parameter),
        };
        let size = told(own.pool, "DB_POOL_SIZE", "pool_size")?;
        let overflow = told(own.overflow, "DB_MAX_OVERFLOW", "max_overflow")?;
        let (size, overflow, assumed) = match (size, overflow) {
            (Some(size), Some(overflow)) => (size, overflow, false),
            (Some(size), None) => (size, OVERFLOW, true),
            (None, _) => match whole(declared)? {
                Some(whole) => (whole, 0.0, false),
                None => return Ok(None),
            },
        };
        Ok(Some(Self {
            size,
            overflow,
            assumed,
            processes: f64::from(own.processes.unwrap_or(1)),
            instances: f64::from(own.instances.unwrap_or(1)),
            rolling: own.rolling,
        }))
    }

    /// All connections that all pools may open; none where they have no end.
    pub fn all(&self) -> Option<f64> {
        let rolling = if self.rolling { 2.0 } else { 1.0 };
        let sum = (self.size + self.overflow) * self.processes * self.instances * rolling;
        (self.size > 0.0 && self.overflow >= 0.0).then_some(sum)
    }

    /// For people.
    pub fn words(&self) -> String {
        let Self { size, overflow, processes, instances, .. } = self;
        let assumed = if self.assumed { " (SQLAlchemy's default)" } else { "" };
        let mut words = format!("pools of {size} + {overflow}{assumed}");
        for (number, what) in [(processes, "processes"), (instances, "instances")] {
            if *number > 1.0 {
                words = format!("{words} x {number} {what}");
            }
        }
        if *processes <= 1.0 && *instances <= 1.0 {
            words.push_str(" in one process");
        }
        if self.rolling {
            words.push_str(" x 2 while a deployment rolls");
        }
        words
    }
}

/// Of a connection string whose pool has no overflow.
fn whole(declared: &Declared) -> Result<Option<f64>, Silence> {
    let Some(primary) = declared.primary() else { return Ok(None) };
    let of = |parameter| primary.number(parameter).map_err(Silence::Unknown);
    Ok(of("connection_limit")?.or(of("pool_max_size")?))
}

pub fn judge(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("the pool fits the limits of role and database");
    primary_not_known(&mut verdict, &declared);
    let Some(pool) = Pool::of(look, &declared)? else {
        return Ok(verdict.saying("no pool is declared"));
    };
    let Some(sum) = pool.all() else {
        let says = format!("{} have no end: 0 and -1 mean without limit", pool.words());
        verdict.find(Level::Warning, "DB_POOL_SIZE", says);
        return Ok(verdict);
    };
    let Some(primary) = declared.primary() else {
        verdict.not_seen("the file names no server: whose limits hold for the pool is not known");
        return Ok(verdict);
    };
    contradictions(&mut verdict, &declared, primary)?;
    let may = format!("{} may open {sum} connections", pool.words());
    let mut passed = |what: String, who: &str, limit: f64| {
        if (0.0..sum).contains(&limit) {
            let says = format!("{may}, and {who} may have {limit}");
            verdict.find(Level::Critical, what, says).with_value(sum);
        }
    };
    let ThisDatabase { database, connection_limit, .. } = look.row(&THIS_DATABASE)?;
    if primary.database.as_ref().is_none_or(|named| *named == database) {
        passed(format!("database {database}"), &database, connection_limit);
    }
    let roles: Vec<LoginRole> = look.rows(&LOGIN_ROLES)?;
    let role = roles.iter().find(|role| Some(&role.role) == primary.user.as_ref());
    match role {
        Some(LoginRole { role, connection_limit, .. }) => {
            passed(format!("role {role}"), role, *connection_limit);
        }
        // A pooler may have names of its own.
        None if is_pooler(primary) => {}
        None => verdict.not_seen(match &primary.user {
            Some(user) => format!("{user} is no role that logs in here: its limit is not known"),
            None => format!("{} names no role: its limit is not known", primary.variable),
        }),
    }
    Ok(verdict)
}

/// Variables and parameters of the connection string that say different things.
fn contradictions(
    verdict: &mut Verdict,
    declared: &Declared,
    primary: &DeclaredServer,
) -> Result<(), Silence> {
    for (variable, parameter) in
        [("DB_POOL_SIZE", "pool_size"), ("DB_MAX_OVERFLOW", "max_overflow")]
    {
        let of_url = primary.number(parameter).map_err(Silence::Unknown)?;
        let value = declared.number(variable).map_err(Silence::Unknown)?;
        if let (Some(of_url), Some(value)) = (of_url, value)
            && (of_url - value).abs() > 0.5
        {
            let says = format!("{variable} is {value}, and {parameter} of the URL is {of_url}");
            verdict.find(Level::Warning, variable, says);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::app::CHECKS;
    use crate::check::sample::Sample;

    fn judged(server: Option<(&str, Option<&str>)>, values: Value) -> Judged {
        let check = CHECKS.iter().find(|check| check.id == "app.pool").unwrap();
        let role = json!({"role": "app", "is_superuser": false, "is_replication": false,
                          "connection_limit": 7, "is_me": false});
        let database = json!({"database": "shop", "bytes": 1, "connection_limit": -1});
        let mut sample = Sample::of("login_roles", &[role]).with("this_database", &[database]);
        sample = sample.declaring(&values);
        if let Some((host, user)) = server {
            sample = sample.declaring_server(host, user);
        }
        sample.judged(check)
    }

    #[test]
    fn a_pool_is_not_within_limits_that_nobody_looked_at() {
        let unseen = |server| {
            let values = json!({"DB_POOL_SIZE": "5", "DB_MAX_OVERFLOW": "2"});
            let verdict = judged(server, values).unwrap();
            assert!(verdict.findings.is_empty());
            verdict.unseen
        };
        assert!(unseen(None).unwrap().contains("names no server"));
        assert!(unseen(Some(("db", None))).unwrap().contains("names no role"));
        assert!(unseen(Some(("db", Some("other")))).unwrap().contains("other is no role"));
        assert_eq!(unseen(Some(("db", Some("app")))), None);
        assert_eq!(unseen(Some(("x.pooler.supabase.com", Some("app.x")))), None);
        let server = Some(("db", Some("app")));
        let verdict = judged(server, json!({"DB_POOL_SIZE": "5", "DB_MAX_OVERFLOW": "3"})).unwrap();
        assert_eq!(verdict.findings[0].object, "role app");
    }

    #[test]
    fn a_size_that_cannot_be_read_is_not_one_that_is_not_declared() {
        let judged = judged(None, json!({"DB_POOL_SIZE": "20 connections"}));
        let why = "DB_POOL_SIZE cannot be read: it is not a number";
        assert_eq!(judged.unwrap_err(), Silence::unknown(why));
    }
}
