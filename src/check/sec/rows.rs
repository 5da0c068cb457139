//! Row security: tables whose policies do nothing, and tables that must have it.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::sql;

pub const RLS: Check = Check {
    id: "sec.rls",
    kind: Kind::Static,
    title: "row security that is not what it looks like",
    why: "Policies do nothing until row security is enabled; with it and without policies nobody \
          but the owner sees a row; and the owner passes by it without FORCE.",
    remedy: "ENABLE ROW LEVEL SECURITY on tables with policies, write policies for those without, \
             FORCE it where the application logs in as the owner; rls_required in [check] names \
             the tables that must have it.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&SECURED, &UNPROTECTED],
    judge: rls,
};

const SECURED: Question = Question::of("row_security", &[(130_000, sql::CHECK_ROW_SECURITY)]);

const UNPROTECTED: Question =
    Question::of("unprotected_tables", &[(130_000, sql::CHECK_UNPROTECTED_TABLES)])
        .may_be_cut()
        .wanted(|settings| !settings.rls_required.is_empty());

#[derive(Deserialize)]
struct Secured {
    table: String,
    is_on: bool,
    is_forced: bool,
    policies: u32,
    owner: String,
    /// As a role that row security would be for.
    owner_logs_in: bool,
}

#[derive(Deserialize)]
struct Schema {
    tables: Vec<String>,
}

fn rls(look: &Look<'_>) -> Judged {
    let mut verdict = look.verdict().saying("row security is as it looks");
    let required = &look.settings.rls_required;
    if !required.is_empty() {
        let schemas: Vec<Schema> = look.rows(&UNPROTECTED)?;
        for table in schemas.iter().flat_map(|schema| &schema.tables) {
            let Some(pattern) = required.iter().find(|pattern| matches(pattern, table)) else {
                continue;
            };
            let says = format!("{table} has no row security, and rls_required asks for {pattern}");
            verdict.find(Level::Critical, table, says).with_remedy(enable(table));
        }
        verdict.unseen = look.cut(&UNPROTECTED);
    }
    for row in look.rows::<Secured>(&SECURED)? {
        let Secured { table, is_on, is_forced, policies, owner, owner_logs_in } = row;
        if !is_on {
            // It is told above where it is required.
            if verdict.findings.iter().any(|finding| finding.object == table) {
                continue;
            }
            let says = format!("{table} has policies, but row security is off: they do nothing");
            verdict.find(Level::Warning, &table, says).with_remedy(enable(&table));
        } else if policies == 0 {
            let says = format!(
                "{table} has row security and no policy: nobody but {owner} sees a row of it"
            );
            verdict.find(Level::Warning, &table, says);
        } else if !is_forced && owner_logs_in {
            let says = format!("row security of {table} is not for its owner {owner}, who logs in");
            verdict
                .find(Level::Info, &table, says)
                .with_remedy(format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"));
        }
    }
    Ok(verdict)
}

fn enable(table: &str) -> String {
    format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;")
}

/// Whether a table is meant: `*` stands for anything; quotes do not count.
fn matches(pattern: &str, table: &str) -> bool {
    let (pattern, table) = (pattern.replace('"', ""), table.replace('"', ""));
    let mut parts = pattern.split('*');
    let Some(mut rest) = table.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    match last {
        Some(end) => rest.ends_with(end),
        None => rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_tables() {
        for (pattern, table) in [
            ("public.*", "public.orders"),
            ("public.*", "public.\"Odd t\""),
            ("*", "a.b"),
            ("*.tenant_*_log", "app.tenant_a_b_log"),
            ("public.orders", "public.orders"),
        ] {
            assert!(matches(pattern, table), "{pattern} {table}");
        }
        for (pattern, table) in [
            ("public.*", "publicity.orders"),
            ("public.orders", "public.orders2"),
            ("*.tenant_*_log", "app.tenant_log"),
            ("a*a", "a"),
        ] {
            assert!(!matches(pattern, table), "{pattern} {table}");
        }
    }
}
