//! amcheck over every btree index and, from PostgreSQL 14 on, every table: what it finds is
//! damage.

use super::Comparison;
use crate::backup::preflight;
use crate::conn::{self, QueryError, Session, SessionOptions, get};
use crate::error::Result;
use crate::report::verify::ProblemKind;
use crate::sql::{self, quote_name};
use crate::verify::scratch::for_writing;

/// `verify_heapam` came with this version.
const HEAPS: u32 = 140_000;
/// Findings of one table that are told.
const TOLD: usize = 3;

/// An index or a table to look at.
struct Checkable {
    oid: u32,
    is_index: bool,
    label: String,
    table: String,
    bytes: i64,
}

/// What amcheck said of one.
struct Checked {
    is_index: bool,
    bytes: u64,
    found: Vec<(ProblemKind, String, String)>,
}

impl Comparison<'_> {
    /// Checks every btree index against its table, and every table's pages.
    ///
    /// # Errors
    /// Exit 69 when a connection is lost; 130 when stopped.
    pub async fn amcheck(&mut self) -> Result<()> {
        let Some(schema) = self.install_amcheck().await? else { return Ok(()) };
        let rows = self.session.rows(sql::CHECKABLE.text, &[]).await.map_err(preflight::catalog)?;
        let heaps = self.session.server().version_number >= HEAPS;
        let mut items = Vec::new();
        for row in &rows {
            let item = Checkable {
                oid: get(row, "oid")?,
                is_index: get(row, "is_index")?,
                label: get(row, "label")?,
                table: get(row, "table_label")?,
                bytes: get(row, "bytes")?,
            };
            if item.is_index || heaps {
                items.push(item);
            }
        }
        let progress = self.inputs.progress;
        progress.phase("checking indexes and tables (amcheck)");
        progress.plan(items.iter().map(|item| item.bytes.unsigned_abs()).sum(), 0);
        let mut checked = Vec::with_capacity(items.len());
        let schema = quote_name(&schema);
        let work =
            async move |session: &Session, item: Checkable| check(session, &schema, item).await;
        let sink = |one: Checked| {
            progress.chunk_done(one.bytes);
            checked.push(one);
        };
        self.pool().run(items, work, sink).await?;
        let whole = |index: bool| {
            checked.iter().filter(|one| one.is_index == index && one.found.is_empty()).count()
        };
        self.counts.indexes_checked = Some(whole(true) as u64);
        self.counts.heaps_checked = heaps.then(|| whole(false) as u64);
        for (kind, table, what) in checked.into_iter().flat_map(|one| one.found) {
            self.add(kind, Some(table), what);
        }
        Ok(())
    }

    /// The schema of amcheck's functions; `None`, with a note, where it cannot be had.
    async fn install_amcheck(&self) -> Result<Option<String>> {
        if let Some(schema) = self.amcheck_schema().await? {
            return Ok(Some(schema));
        }
        let options = SessionOptions {
            application: "pgtend/verify".into(),
            settings: for_writing(),
            ..SessionOptions::default()
        };
        let session = conn::connect(&self.session.same_server(), &options).await?;
        if let Err(error) = session.batch("CREATE EXTENSION amcheck WITH SCHEMA pg_catalog").await {
            if error.is_lost() {
                return Err(error.into_error("the connection to the restored database was lost"));
            }
            self.inputs.progress.note(format!(
                "indexes and tables are not checked by amcheck: {}",
                error.message()
            ));
            return Ok(None);
        }
        self.amcheck_schema().await
    }

    async fn amcheck_schema(&self) -> Result<Option<String>> {
        let rows = self.session.rows(sql::AMCHECK.text, &[]).await.map_err(preflight::catalog)?;
        rows.first().map(|row| get(row, "schema")).transpose()
    }
}

async fn check(session: &Session, schema: &str, item: Checkable) -> Result<Checked> {
    let Checkable { oid, is_index, label, table, bytes } = item;
    // Where its functions are is only known now.
    let statement = if is_index {
        format!("SELECT {schema}.bt_index_check('{oid}'::regclass, true)")
    } else {
        format!(
            "SELECT blkno, offnum, msg FROM {schema}.verify_heapam('{oid}'::regclass) LIMIT {TOLD}"
        )
    };
    let mut found = Vec::new();
    match session.simple(&statement).await {
        Ok(rows) if !is_index => {
            for row in rows {
                let parts = ["block", "item", ""].into_iter().zip(row);
                let told = parts.filter_map(|(name, value)| Some(format!("{name} {}", value?)));
                let what = told.collect::<Vec<_>>().join(",");
                found.push((ProblemKind::Corrupt, table.clone(), format!("{label}: {what}")));
            }
        }
        Ok(_) => {}
        Err(error) if error.is_lost() => {
            return Err(error.into_error(format!("the connection was lost while checking {label}")));
        }
        Err(error) => found.push((kind_of(&error), table, format!("{label}: {error}"))),
    }
    Ok(Checked { is_index, bytes: bytes.unsigned_abs(), found })
}

/// Damage has codes of its own (XX001, XX002); all else is no verdict.
fn kind_of(error: &QueryError) -> ProblemKind {
    match error.sqlstate() {
        Some("XX001" | "XX002") => ProblemKind::Corrupt,
        _ => ProblemKind::Unknown,
    }
}
