//! How large the application's pools are.

use super::life::declared;
use crate::check::conf::{LOGIN_ROLES, LoginRole, THIS_DATABASE, ThisDatabase};
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::settings::Declared;

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
    /// What the operator says, else the file.
    pub fn of(look: &Look<'_>, declared: Option<&Declared>) -> Option<Self> {
        let size = &look.settings.application;
        let of_url = |name: &str| {
            let primary = declared?.primary()?;
            primary.parameters.get(name)?.parse::<f64>().ok()
        };
        let of_file = |name: &str| declared?.number(name);
        let pool = size.pool.map(f64::from).or_else(|| of_file("DB_POOL_SIZE"));
        let pool = pool.or_else(|| of_url("pool_size"));
        // These have no overflow.
        let whole = || of_url("connection_limit").or_else(|| of_url("pool_max_size"));
        let overflow = size.overflow.map(f64::from).or_else(|| of_file("DB_MAX_OVERFLOW"));
        let overflow = overflow.or_else(|| of_url("max_overflow"));
        let (pool, overflow, assumed) = match (pool, overflow, whole()) {
            (Some(pool), Some(overflow), _) => (pool, overflow, false),
            (Some(pool), None, _) => (pool, OVERFLOW, true),
            (None, _, Some(whole)) => (whole, 0.0, false),
            (None, _, None) => return None,
        };
        Some(Self {
            size: pool,
            overflow,
            assumed,
            processes: f64::from(size.processes.unwrap_or(1)),
            instances: f64::from(size.instances.unwrap_or(1)),
            rolling: size.rolling,
        })
    }

    /// Whether it has no end.
    fn is_open(&self) -> bool {
        self.size <= 0.0 || self.overflow < 0.0
    }

    /// All connections that all pools may open.
    pub fn all(&self) -> f64 {
        let rolling = if self.rolling { 2.0 } else { 1.0 };
        (self.size + self.overflow.max(0.0)) * self.processes * self.instances * rolling
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

pub fn judge(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("the pool fits the limits of role and database");
    let Some(pool) = Pool::of(look, Some(&declared)) else {
        return Ok(verdict.saying("no pool is declared"));
    };
    if pool.is_open() {
        let says = format!("{} have no end: 0 and -1 mean without limit", pool.words());
        verdict.find(Level::Warning, "DB_POOL_SIZE", says);
        return Ok(verdict);
    }
    let Some(primary) = declared.primary() else { return Ok(verdict) };
    for (variable, parameter) in
        [("DB_POOL_SIZE", "pool_size"), ("DB_MAX_OVERFLOW", "max_overflow")]
    {
        let of_url = primary.parameters.get(parameter).and_then(|value| value.parse::<f64>().ok());
        if let (Some(of_url), Some(value)) = (of_url, declared.number(variable))
            && (of_url - value).abs() > 0.5
        {
            let says = format!("{variable} is {value}, and {parameter} of the URL is {of_url}");
            verdict.find(Level::Warning, variable, says);
        }
    }
    let sum = pool.all();
    let roles: Vec<LoginRole> = look.rows(&LOGIN_ROLES)?;
    let role = roles.iter().find(|role| Some(&role.role) == primary.user.as_ref());
    if let Some(LoginRole { role, connection_limit, .. }) = role
        && (0.0..sum).contains(connection_limit)
    {
        let words = pool.words();
        let says =
            format!("{words} may open {sum} connections, and {role} may have {connection_limit}");
        verdict.find(Level::Critical, format!("role {role}"), says).with_value(sum);
    }
    let ThisDatabase { database, connection_limit, .. } = look.row(&THIS_DATABASE)?;
    let same = primary.database.as_ref().is_none_or(|named| *named == database);
    if same && (0.0..sum).contains(&connection_limit) {
        let words = pool.words();
        let says = format!(
            "{words} may open {sum} connections, and {database} may have {connection_limit}"
        );
        verdict.find(Level::Critical, format!("database {database}"), says).with_value(sum);
    }
    Ok(verdict)
}
