//! Migrations: what the version tables of the common tools say, and the files beside them.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::activity::counted;
use super::dep::{Layout, Plan, plain};
use super::facts::{Answer, Facts};
use super::look::Look;
use super::need::Need;
use super::question::Question;
use super::registry::{Check, Kind};
use super::verdict::{Judged, Silence};
use super::words;
use crate::report::check::{Level, Unit};
use crate::sql;

/// The family.
pub const CHECKS: &[Check] = &[Check {
    id: "migration.state",
    kind: Kind::Static,
    title: "state of the schema's migrations",
    why: "A migration that failed half way leaves a schema that neither the old nor the new \
          version of the application was written for, and most tools refuse to go on.",
    remedy: "Mend by hand what the failed migration left, then tell the tool so: \"flyway \
             repair\", \"prisma migrate resolve\", \"migrate force VERSION\"; sqlx: delete the \
             row with success = false. Restore files that are missing from version control.",
    limits: &[],
    // The version tables.
    needs: &[Need::AllData],
    since: 130_000,
    asks: &[&MIGRATIONS],
    judge: state,
}];

/// The version tables and their rows.
pub const MIGRATIONS: Question = Question::of("migrations", &[(130_000, sql::CHECK_MIGRATIONS)]);

#[derive(Deserialize)]
struct Row {
    schema: String,
    name: String,
    rows: Option<Vec<Value>>,
    readable: bool,
}

/// A version table, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// `public._sqlx_migrations`
    pub table: String,
    /// The tool: `sqlx`.
    pub tool: &'static str,
    /// The oldest first.
    pub applied: Vec<String>,
    /// Versions that failed, with what is wrong with them.
    pub failed: Vec<(String, &'static str)>,
    /// One number stands for all before it.
    pub is_single: bool,
    /// There are older ones that were not read.
    pub is_cut: bool,
}

/// Rows that are read of one version table, the newest.
const MOST_VERSIONS: usize = 10_000;

/// Reads the rows of a version table, which come with the newest first.
fn versions(row: &Row, rows: &[Value]) -> Versions {
    let text = |row: &Value, key: &str| match &row[key] {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let mut read = Versions {
        table: format!("{}.{}", row.schema, row.name),
        is_cut: rows.len() > MOST_VERSIONS,
        ..Versions::default()
    };
    for one in rows.iter().take(MOST_VERSIONS).rev() {
        let failed = match row.name.as_str() {
            "_sqlx_migrations" => {
                read.tool = "sqlx";
                read.applied.extend(text(one, "version"));
                (one["success"] == false).then_some("it failed half way (success = false)")
            }
            "flyway_schema_history" => {
                read.tool = "flyway";
                read.applied.extend(text(one, "version").map(|version| plain(&version)));
                (one["success"] == false).then_some("it failed (success = false)")
            }
            "_prisma_migrations" => {
                read.tool = "prisma";
                if one["rolled_back"] != true {
                    read.applied.extend(text(one, "migration_name"));
                }
                (one["finished"] != true && one["rolled_back"] != true)
                    .then_some("it has begun and not ended")
            }
            "django_migrations" => {
                read.tool = "django";
                let name = format!(
                    "{}.{}",
                    text(one, "app").unwrap_or_default(),
                    text(one, "name").unwrap_or_default()
                );
                read.applied.push(name);
                None
            }
            "alembic_version" => {
                read.tool = "alembic";
                read.applied.extend(text(one, "version_num"));
                None
            }
            _ => {
                read.tool = "rails or dbmate";
                let one = &one["row"];
                read.applied.extend(text(one, "version").map(|version| plain(&version)));
                if one.get("dirty").is_some() {
                    read.tool = "golang-migrate";
                    read.is_single = true;
                }
                (one["dirty"] == true).then_some("it is dirty: it failed half way")
            }
        };
        if let Some(failed) = failed {
            let version = match read.tool {
                "flyway" => text(one, "script"),
                _ => read.applied.last().cloned(),
            };
            read.failed.push((version.unwrap_or_else(|| "?".to_owned()), failed));
        }
    }
    read
}

impl Versions {
    /// How far the schema is, in words.
    fn stands(&self) -> String {
        let Self { table, applied, .. } = self;
        match self.tool {
            // Each application of its project has versions of its own.
            "django" => {
                format!("{table} has {}", words::amount(counted(applied.len()), "migration"))
            }
            "alembic" => format!("{table} is at {}", applied.join(", ")),
            _ => {
                format!("{table} is at {}", applied.last().map_or("no version", String::as_str))
            }
        }
    }

    /// Whether it is the table of files that are named this way.
    fn is_of(&self, layout: Layout) -> bool {
        match self.tool {
            "sqlx" | "rails or dbmate" | "golang-migrate" => layout == Layout::Numbered,
            "flyway" => layout == Layout::Flyway,
            "prisma" => layout == Layout::Prisma,
            _ => false,
        }
    }

    /// Whether it has the version.
    pub fn has(&self, version: &str) -> bool {
        if self.is_single {
            let number = |text: &str| text.parse::<u64>().ok();
            return self.applied.iter().any(|one| number(one) >= number(version));
        }
        self.applied.iter().any(|one| one == version)
    }
}

/// The version tables of files that are named this way. There may be several, in the schemas of
/// several services, and nobody knows whose the files are.
pub fn tables_of(facts: &Facts, layout: Layout) -> Vec<Versions> {
    let Some(Answer::Rows(rows)) = facts.answers.get(MIGRATIONS.name) else { return Vec::new() };
    let rows = rows.iter().filter_map(|row| Row::deserialize(row).ok());
    let tables = rows.filter_map(|row| Some(versions(&row, row.rows.as_deref()?)));
    tables.filter(|table| table.is_of(layout)).collect()
}

fn state(look: &Look<'_>) -> Judged {
    let rows: Vec<Row> = look.rows(&MIGRATIONS)?;
    let plan = Plan::of(look.facts)?;
    if rows.is_empty() && plan.is_none() {
        return Err(Silence::not_applicable("there is no version table of a migration tool"));
    }
    let mut verdict = look.verdict();
    let (mut says, mut unseen) = (Vec::new(), Vec::new());
    for row in &rows {
        let table = format!("{}.{}", row.schema, row.name);
        let Some(rows) = row.rows.as_deref().filter(|_| row.readable) else {
            unseen.push(format!("{table} may not be read"));
            continue;
        };
        let read = versions(row, rows);
        says.push(read.stands());
        if read.is_cut {
            unseen.push(format!(
                "{table} has more than {MOST_VERSIONS} rows: the oldest are not read"
            ));
        }
        for (version, why) in &read.failed {
            let says = format!("{version} of {table}: {why}");
            verdict.find(Level::Critical, format!("{table}/{version}"), says);
        }
        if read.tool == "alembic" && read.applied.len() > 1 {
            let says = format!("{table} has {} heads", read.applied.len());
            verdict.find(Level::Info, &table, says).with_remedy("alembic merge heads");
        }
    }
    if let Some(plan) = &plan {
        let pending = plan.files.iter().filter(|file| file.is_pending).count();
        says.push(format!("{pending} of {} files are pending", plan.files.len()));
        verdict.measure(
            "pending",
            f64::from(u32::try_from(pending).unwrap_or(u32::MAX)),
            Unit::Count,
        );
        // Of several nobody knows which is the files'.
        if let [table] = tables_of(look.facts, plan.layout).as_slice()
            && !table.is_single
        {
            let there: BTreeSet<&str> =
                plan.files.iter().filter_map(|file| file.version.as_deref()).collect();
            for version in table.applied.iter().filter(|one| !there.contains(one.as_str())) {
                let says = format!("{version} is in {} and not among the files", table.table);
                verdict.find(Level::Warning, format!("{}/{version}", table.table), says);
            }
        }
    }
    if !unseen.is_empty() {
        verdict.unseen = Some(unseen.join(", "));
    }
    Ok(verdict.saying(says.join("; ")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    fn read(name: &str, rows: &Value) -> Versions {
        let row = Row { schema: "s".into(), name: name.into(), rows: None, readable: true };
        versions(&row, rows.as_array().unwrap())
    }

    #[test]
    fn each_tools_table_is_read() {
        let sqlx = read(
            "_sqlx_migrations",
            &json!([
            {"version": 2, "success": false}, {"version": 1, "success": true}]),
        );
        assert_eq!(sqlx.applied, ["1", "2"]);
        assert_eq!(sqlx.failed[0].0, "2");
        assert!(sqlx.has("1") && !sqlx.has("3") && sqlx.is_of(Layout::Numbered));
        let flyway = read(
            "flyway_schema_history",
            &json!([
            {"version": null, "script": "R__v.sql", "success": true},
            {"version": "1.02", "script": "V1_02__a.sql", "success": false}]),
        );
        assert_eq!(flyway.applied, ["1.2"]);
        assert_eq!(flyway.failed[0].0, "V1_02__a.sql");
        let prisma = read(
            "_prisma_migrations",
            &json!([
            {"migration_name": "b", "finished": false, "rolled_back": false},
            {"migration_name": "a", "finished": false, "rolled_back": true}]),
        );
        assert_eq!((prisma.applied, prisma.failed.len()), (vec!["b".to_owned()], 1));
        let golang = read("schema_migrations", &json!([{"row": {"version": 7, "dirty": true}}]));
        assert!(golang.has("6") && golang.has("7") && !golang.has("8"));
        assert_eq!(golang.failed.len(), 1);
        let rails = read("schema_migrations", &json!([{"row": {"version": "007"}}]));
        assert!(rails.has("7") && !rails.has("6") && rails.failed.is_empty());
    }

    #[test]
    fn the_newest_is_where_a_schema_stands() {
        let flyway = json!([{"version": "1.10", "success": true},
                            {"version": "1.9", "success": true}]);
        let flyway = read("flyway_schema_history", &flyway);
        assert_eq!(flyway.applied, ["1.9", "1.10"]);
        assert_eq!(flyway.stands(), "s.flyway_schema_history is at 1.10");
        let django = json!([{"app": "auth", "name": "0002"}, {"app": "shop", "name": "0001"}]);
        let django = read("django_migrations", &django);
        assert_eq!(django.stands(), "s.django_migrations has 2 migrations");
        let alembic = read("alembic_version", &json!([{"version_num": "b"}, {"version_num": "a"}]));
        assert_eq!(alembic.stands(), "s.alembic_version is at a, b");
    }

    #[test]
    fn versions_that_were_not_read_are_unseen() {
        let unseen = |rows: usize| {
            let version = json!({"version": 7, "success": true});
            let row = json!({"schema": "s", "name": "_sqlx_migrations", "readable": true,
                             "rows": vec![version; rows]});
            Sample::of("migrations", &[row]).judged(&CHECKS[0]).unwrap().unseen
        };
        assert_eq!(unseen(MOST_VERSIONS), None);
        assert_eq!(
            unseen(MOST_VERSIONS + 1).unwrap(),
            "s._sqlx_migrations has more than 10000 rows: the oldest are not read"
        );
    }
}
