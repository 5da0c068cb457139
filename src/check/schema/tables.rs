//! Tables: their keys, and whether they outlive a crash.

use serde::Deserialize;

use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::Judged;
use crate::check::words;
use crate::report::check::Level;
use crate::sql;

pub const NO_PK: Check = Check {
    id: "schema.no_pk",
    kind: Kind::Static,
    title: "tables without a primary key",
    why: "Without a primary key rows can be there twice, nobody can name one of them, and logical \
          replication cannot carry its changes.",
    remedy: "Add a primary key; where no column is one, an identity column.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&WITHOUT_KEY],
    judge: no_pk,
};

const WITHOUT_KEY: Question =
    Question::of("no_primary_key", &[(130_000, sql::CHECK_NO_PRIMARY_KEY)]);

#[derive(Deserialize)]
struct WithoutKey {
    table: String,
    is_full: bool,
    #[serde(default)]
    has_id: bool,
    #[serde(default)]
    partitioned: bool,
    /// No key is possible for the whole then.
    #[serde(default)]
    by_expression: bool,
    /// Quoted, with commas, without id.
    partitioned_by: Option<String>,
}

impl WithoutKey {
    fn remedy(&self) -> String {
        let table = &self.table;
        if self.by_expression {
            return format!(
                "-- {table} is partitioned by an expression and cannot have a primary key: add one \
                 to each of its partitions"
            );
        }
        let columns = match &self.partitioned_by {
            Some(others) => format!("id, {others}"),
            None => "id".to_owned(),
        };
        match (self.has_id, self.partitioned) {
            (true, _) => format!(
                "ALTER TABLE {table} ADD PRIMARY KEY ({columns});  -- see first that ({columns}) \
                 is unique and never null; builds an index under an exclusive lock"
            ),
            // Partitions take no identity column before 17.
            (false, true) => format!(
                "ALTER TABLE {table} ADD COLUMN id bigserial, ADD PRIMARY KEY ({columns});  -- \
                 rewrites all partitions under an exclusive lock; fails where what it is \
                 partitioned by is null"
            ),
            (false, false) => format!(
                "ALTER TABLE {table} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY \
                 KEY;  -- rewrites the table under an exclusive lock"
            ),
        }
    }
}

fn no_pk(look: &Look<'_>) -> Judged {
    let rows: Vec<WithoutKey> = look.rows(&WITHOUT_KEY)?;
    let mut verdict = look.verdict().saying("all tables have a primary key");
    for row in rows {
        let whole = if row.is_full { "; it replicates whole rows" } else { "" };
        let says = format!("{} has no primary key{whole}", row.table);
        verdict.find(Level::Warning, &row.table, says).with_remedy(row.remedy());
    }
    Ok(verdict)
}

pub const PUB_NO_REPLIDENT: Check = Check {
    id: "schema.pub_no_replident",
    kind: Kind::Static,
    title: "published tables whose rows have no identity",
    why: "A subscriber must know which row was changed. Without a replica identity every UPDATE \
          and DELETE of the published table fails, on the publisher.",
    remedy: "Give the table a primary key, or another REPLICA IDENTITY.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&PUBLISHED],
    judge: pub_no_replident,
};

const PUBLISHED: Question =
    Question::of("published_without_identity", &[(130_000, sql::CHECK_PUBLISHED_WITHOUT_IDENTITY)]);

#[derive(Deserialize)]
struct Published {
    publication: String,
    table: String,
}

fn pub_no_replident(look: &Look<'_>) -> Judged {
    let rows: Vec<Published> = look.rows(&PUBLISHED)?;
    let mut verdict = look.verdict().saying("all published tables have a replica identity");
    for Published { publication, table } in rows {
        // A table of several publications is one finding.
        if verdict.findings.iter().any(|finding| finding.object == table) {
            continue;
        }
        let says = format!(
            "{table} is published by {publication} and has no replica identity: its UPDATE and \
             DELETE fail"
        );
        verdict.find(Level::Critical, &table, says).with_remedy(format!(
            "ALTER TABLE {table} REPLICA IDENTITY FULL;  -- better: a primary key"
        ));
    }
    Ok(verdict)
}

pub const UNLOGGED: Check = Check {
    id: "schema.unlogged",
    kind: Kind::Static,
    title: "tables that a crash empties",
    why: "An unlogged table is truncated when the server starts after a crash, is empty on every \
          standby after a promotion, and is in no physical backup.",
    remedy: "Make it logged with ALTER TABLE .. SET LOGGED, unless the rows can be made again.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&NOT_LOGGED],
    judge: unlogged,
};

const NOT_LOGGED: Question = Question::of("unlogged", &[(130_000, sql::CHECK_UNLOGGED)]);

#[derive(Deserialize)]
struct NotLogged {
    name: String,
    is_sequence: bool,
}

fn unlogged(look: &Look<'_>) -> Judged {
    let rows: Vec<NotLogged> = look.rows(&NOT_LOGGED)?;
    let mut verdict = look.verdict().saying("no table is unlogged");
    for NotLogged { name, is_sequence } in rows {
        let (what, word) = if is_sequence { ("sequence", "SEQUENCE") } else { ("table", "TABLE") };
        verdict
            .find(
                Level::Warning,
                &name,
                format!("the {what} {name} is unlogged: a crash empties it"),
            )
            .with_remedy(format!(
                "ALTER {word} {name} SET LOGGED;  -- writes all of it to the WAL under an \
                 exclusive lock"
            ));
    }
    Ok(verdict)
}

pub const INT_PK: Check = Check {
    id: "schema.int_pk",
    kind: Kind::Static,
    title: "keys that end at two thousand millions",
    why: "An integer key ends at 2,147,483,647, a smallint one at 32,767, and to widen it later \
          rewrites a table that is large by then. seq.exhaustion tells when it gets close.",
    remedy: "Use bigint for new keys; plan the change of the large tables.",
    limits: &[],
    needs: &[],
    since: 130_000,
    asks: &[&NARROW],
    judge: int_pk,
};

const NARROW: Question =
    Question::of("narrow_keys", &[(130_000, sql::CHECK_NARROW_KEYS)]).may_be_cut();

#[derive(Deserialize)]
struct Narrow {
    table: String,
    column: String,
    quoted: String,
    #[serde(rename = "type")]
    width: String,
    is_uncounted: bool,
    rows: f64,
}

fn int_pk(look: &Look<'_>) -> Judged {
    let rows: Vec<Narrow> = look.rows(&NARROW)?;
    let mut verdict = look.verdict().saying("all keys are wide enough");
    for Narrow { table, column, quoted, width, is_uncounted, rows } in rows {
        let held = match is_uncounted {
            true => String::new(),
            false => format!(", with about {}", words::amount(rows, "row")),
        };
        let says = format!("{table} has the {width} key {column}{held}");
        verdict.find(Level::Info, format!("{table}.{column}"), says).with_remedy(format!(
            "ALTER TABLE {table} ALTER COLUMN {quoted} TYPE bigint;  -- rewrites the table under \
             an exclusive lock"
        ));
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn the_key_that_is_proposed_fits_the_table() {
        let remedy = |has_id: bool, by: Option<&str>, by_expression: bool| {
            let row = json!({"table": "public.t", "is_full": false, "has_id": has_id,
                             "partitioned": by.is_some() || by_expression,
                             "by_expression": by_expression, "partitioned_by": by});
            let sample = Sample::of("no_primary_key", &[row]);
            sample.judged(&NO_PK).unwrap().findings.remove(0).remedy.unwrap()
        };
        for (remedy, begins) in [
            (remedy(true, None, false), "ALTER TABLE public.t ADD PRIMARY KEY (id);  -- see first"),
            (
                remedy(true, Some("\"At\""), false),
                "ALTER TABLE public.t ADD PRIMARY KEY (id, \"At\");",
            ),
            (
                remedy(false, Some("a, b"), false),
                "ALTER TABLE public.t ADD COLUMN id bigserial, ADD PRIMARY KEY (id, a, b);",
            ),
            (remedy(false, None, false), "ALTER TABLE public.t ADD COLUMN id bigint GENERATED"),
            (remedy(false, None, true), "-- public.t is partitioned by an expression"),
        ] {
            assert!(remedy.starts_with(begins), "{remedy}");
        }
    }
}
