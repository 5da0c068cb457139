//! Rows and hashes of every table, recomputed from the restored tables.

use std::collections::{BTreeMap, HashMap};

use futures_util::{FutureExt, StreamExt};

use super::Comparison;
use crate::archive::manifest::Table as Recorded;
use crate::archive::rowhash::RowSum;
use crate::backup::chunks::{self, Chunk};
use crate::backup::preflight;
use crate::backup::statements::copy_out;
use crate::backup::table::{Facts, Table};
use crate::conn::{Session, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::verify::ProblemKind;
use crate::sql;

/// Bytes of a table that one session reads at a time: small, for one table may be all there is.
const CHUNK_BYTES: u64 = 16 << 20;

/// A recorded table beside the one that was restored.
struct Pair<'a> {
    entry: Option<i32>,
    recorded: &'a Recorded,
    restored: Option<Restored>,
}

struct Restored {
    oid: u32,
    kind: String,
    root: Option<u32>,
    has_money: bool,
}

/// Tables whose rows are compared as one sum: one table, or all partitions of a root.
#[derive(Default)]
struct Group {
    label: String,
    expected: RowSum,
    found: RowSum,
    /// What could not be read, in the server's words.
    failed: Option<String>,
    has_money: bool,
    /// Rows may have changed their partition, and partitions have their columns in other orders.
    no_hash: bool,
    /// Indexes into the tables to read.
    tables: Vec<Table>,
}

/// One chunk, read.
struct Read {
    group: usize,
    weight: u64,
    result: std::result::Result<RowSum, String>,
}

impl<'a> Comparison<'a> {
    /// Compares every table of the record.
    ///
    /// # Errors
    /// Exit 69 when a connection is lost; 130 when stopped.
    pub async fn rows(&mut self) -> Result<()> {
        let mut groups = self.groups().await?;
        let mut owners = Vec::new();
        let mut tables = Vec::new();
        for (number, group) in groups.iter().enumerate() {
            for table in &group.tables {
                owners.push(number);
                tables.push(table.clone());
            }
        }
        let server = self.session.server();
        let block = u64::from(server.block_size);
        let chunks = chunks::cut(&tables, CHUNK_BYTES, block, server.version_number);
        let weight = chunks.iter().map(|chunk| chunk.weight).sum();
        let progress = self.inputs.progress;
        progress.phase("comparing rows");
        progress.plan(weight, tables.len() as u64);
        let mut left = vec![0_usize; groups.len()];
        chunks.iter().for_each(|chunk| left[owners[chunk.table]] += 1);
        let encoding = self.inputs.manifest.database.text_encoding.clone();
        self.counts.tables = tables.len() as u64;
        let work = async move |session: &Session, chunk: Chunk| {
            let group = owners[chunk.table];
            let table = &tables[chunk.table];
            let result = read(session, table, &chunk, &encoding).await?;
            Ok(Read { group, weight: chunk.weight, result })
        };
        let sink = |read: Read| {
            let group = &mut groups[read.group];
            progress.chunk_done(read.weight);
            match read.result {
                Ok(sum) => {
                    group.found.merge(sum);
                    progress.frame_done(0, sum.rows);
                }
                Err(what) => group.failed = Some(what),
            }
            left[read.group] -= 1;
            if left[read.group] == 0 {
                group.tables.iter().for_each(|_| progress.table_done());
            }
        };
        self.pool().run(chunks.into(), work, sink).await?;
        groups.iter().for_each(|group| self.judge(group));
        Ok(())
    }

    fn judge(&mut self, group: &Group) {
        self.counts.rows += group.found.rows;
        let (expected, found) = (group.expected, group.found);
        let table = Some(group.label.clone());
        if let Some(what) = &group.failed {
            self.add(ProblemKind::Rows, table, format!("it cannot be read: {what}"));
        } else if expected.rows != found.rows {
            let how = if found.rows < expected.rows { "only " } else { "" };
            let what =
                format!("{} rows were backed up, {how}{} were restored", expected.rows, found.rows);
            self.add(ProblemKind::Rows, table, what);
        } else if expected.hash != found.hash && !group.no_hash {
            let what = format!(
                "it has {} rows, as it should, but their hash is {} and was {}",
                found.rows, found.hash, expected.hash
            );
            let reason = match &self.other_versions {
                _ if group.has_money && !self.has_monetary => {
                    Some("lc_monetary is another one".to_owned())
                }
                reason => reason.clone(),
            };
            match reason {
                None => self.add(ProblemKind::Rows, table, what),
                Some(reason) => {
                    let what = format!("{what}; that may be because {reason}");
                    self.add(ProblemKind::Unknown, table, what);
                }
            }
        }
    }

    /// Finds the restored tables and what is compared as one.
    async fn groups(&mut self) -> Result<Vec<Group>> {
        let pairs = self.pairs().await?;
        let roots = self.roots(&pairs);
        let leaves = self.leaves(&roots).await?;
        let mut groups: BTreeMap<(bool, u32), Group> = BTreeMap::new();
        let mut oids: Vec<u32> = leaves.values().flat_map(|(_, leaves)| leaves.clone()).collect();
        oids.extend(pairs.iter().filter_map(|pair| pair.restored.as_ref()).map(|r| r.oid));
        oids.sort_unstable();
        oids.dedup();
        let facts = preflight::tables(&self.session, &oids).await?;
        let recorded: HashMap<u32, &Recorded> = pairs
            .iter()
            .filter_map(|pair| Some((pair.restored.as_ref()?.oid, pair.recorded)))
            .collect();
        for pair in &pairs {
            let root = self.root_of(pair, &roots);
            let sum = RowSum { rows: pair.recorded.rows, hash: pair.recorded.row_hash };
            if let Some(what) = unlike(pair, &facts) {
                self.add(ProblemKind::Missing, Some(label(pair.recorded)), what);
                if root.is_none() {
                    continue;
                }
            }
            let Some(key) = root
                .map(|root| (true, root))
                .or_else(|| pair.restored.as_ref().map(|restored| (false, restored.oid)))
            else {
                continue;
            };
            let group = groups.entry(key).or_default();
            group.expected.merge(sum);
            group.has_money |= pair.restored.as_ref().is_some_and(|r| r.has_money);
            if root.is_none() {
                group.label = label(pair.recorded);
                group.tables = table_to_read(key.1, &facts, Some(pair.recorded));
            }
        }
        for ((is_root, oid), group) in &mut groups {
            let Some((label, leaves)) = leaves.get(oid).filter(|_| *is_root) else { continue };
            group.label = format!("{label} (with all its partitions)");
            group.tables = leaves
                .iter()
                .flat_map(|leaf| table_to_read(*leaf, &facts, recorded.get(leaf).copied()))
                .collect();
            group.no_hash = group.tables.windows(2).any(|two| two[0].columns != two[1].columns);
            if group.no_hash {
                self.inputs.progress.note(format!(
                    "{label}: its partitions have their columns in different orders, and rows \
                     may have changed partition: they are counted, not hashed"
                ));
            }
        }
        Ok(groups.into_values().collect())
    }

    async fn pairs(&self) -> Result<Vec<Pair<'a>>> {
        let recorded: Vec<(Option<i32>, &'a Recorded)> = self
            .inputs
            .manifest
            .objects
            .iter()
            .filter(|object| !object.entry.is_some_and(|id| self.inputs.left_out.contains(&id)))
            .filter_map(|object| Some((object.entry, object.table.as_ref()?)))
            .collect();
        let schemas: Vec<&str> = recorded.iter().map(|(_, table)| table.schema.as_str()).collect();
        let names: Vec<&str> = recorded.iter().map(|(_, table)| table.name.as_str()).collect();
        let rows = self
            .session
            .rows(
                sql::RESTORED_TABLES.text,
                &[(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)],
            )
            .await
            .map_err(preflight::catalog)?;
        if rows.len() != recorded.len() {
            return Err(Error::bug("a table was looked up twice"));
        }
        let mut pairs = Vec::with_capacity(rows.len());
        for ((entry, recorded), row) in recorded.into_iter().zip(&rows) {
            let restored = match get::<Option<u32>>(row, "oid")? {
                None => None,
                Some(oid) => Some(Restored {
                    oid,
                    kind: get(row, "kind")?,
                    root: get(row, "root")?,
                    has_money: get(row, "has_money")?,
                }),
            };
            pairs.push(Pair { entry, recorded, restored });
        }
        Ok(pairs)
    }

    /// pg_dump's note on an entry that loads through a root, which is the same for all of a root.
    fn root_note(&self, pair: &Pair<'_>) -> Option<&'a str> {
        let entry = self.inputs.toc.entries.iter().find(|entry| Some(entry.id) == pair.entry)?;
        Some(entry.definition())
    }

    /// Roots that rows were loaded through, by pg_dump's note.
    fn roots(&self, pairs: &[Pair<'_>]) -> HashMap<String, u32> {
        let via_root = pairs.iter().filter(|pair| pair.recorded.via_root);
        via_root
            .filter_map(|pair| {
                let root = pair.restored.as_ref()?.root?;
                Some((self.root_note(pair)?.to_owned(), root))
            })
            .collect()
    }

    /// The root that a table's rows are compared with.
    fn root_of(&self, pair: &Pair<'_>, roots: &HashMap<String, u32>) -> Option<u32> {
        if pair.recorded.via_root {
            return roots.get(self.root_note(pair)?).copied();
        }
        let root = pair.restored.as_ref()?.root?;
        roots.values().any(|known| *known == root).then_some(root)
    }

    /// The label of each root, and the tables with its rows.
    async fn leaves(
        &self,
        roots: &HashMap<String, u32>,
    ) -> Result<HashMap<u32, (String, Vec<u32>)>> {
        let mut oids: Vec<u32> = roots.values().copied().collect();
        oids.sort_unstable();
        oids.dedup();
        let rows = self.session.rows(sql::LEAVES.text, &[(&oids, Type::OID_ARRAY)]).await;
        let mut leaves: HashMap<u32, (String, Vec<u32>)> = HashMap::new();
        for row in &rows.map_err(preflight::catalog)? {
            let root = leaves.entry(get(row, "root")?).or_default();
            root.0 = get(row, "label")?;
            root.1.push(get(row, "leaf")?);
        }
        Ok(leaves)
    }
}

fn label(table: &Recorded) -> String {
    format!("{}.{}", table.schema, table.name)
}

fn facts_of(oid: u32, facts: &[Facts]) -> Option<&Facts> {
    facts.binary_search_by_key(&oid, |facts| facts.table.oid).ok().and_then(|at| facts.get(at))
}

/// Why rows of a recorded table cannot be read back; `None` when they can.
fn unlike(pair: &Pair<'_>, facts: &[Facts]) -> Option<String> {
    let Some(restored) = &pair.restored else {
        return Some(format!(
            "the table is missing; {} rows of it were backed up",
            pair.recorded.rows
        ));
    };
    if restored.kind != "r" {
        return Some("it is no table any more".into());
    }
    let Some(facts) = facts_of(restored.oid, facts) else {
        return Some("the table has gone while it was looked at".into());
    };
    let columns = &facts.table.columns;
    let missing = pair.recorded.columns.iter().find(|column| !columns.contains(column));
    missing.map(|column| format!("column {column} is missing"))
}

/// The table to read, with the columns of the record; none where they are not all there.
fn table_to_read(oid: u32, facts: &[Facts], recorded: Option<&Recorded>) -> Vec<Table> {
    let Some(facts) = facts_of(oid, facts) else { return Vec::new() };
    let mut table = facts.table.clone();
    if let Some(recorded) = recorded {
        if recorded.columns.iter().any(|column| !table.columns.contains(column)) {
            return Vec::new();
        }
        table.columns.clone_from(&recorded.columns);
    }
    vec![table]
}

/// Counts and hashes one chunk; the inner error is about the table, the outer about the run.
async fn read(
    session: &Session,
    table: &Table,
    chunk: &Chunk,
    encoding: &str,
) -> Result<std::result::Result<RowSum, String>> {
    let copy = copy_out(&table.schema, &table.name, &table.columns, &chunk.part, encoding);
    let lost = |error: crate::conn::QueryError| {
        if error.is_lost() {
            let what = format!("the connection was lost while reading {}", table.label());
            return Err(error.into_error(what).with_exit(Exit::Unavailable));
        }
        Ok(Err(error.to_string()))
    };
    let mut stream = match session.copy_out(&copy).await {
        Ok(stream) => stream,
        Err(error) => return lost(error),
    };
    let mut sum = RowSum::default();
    loop {
        let row = match stream.next().now_or_never() {
            Some(row) => row,
            None => stream.next().await,
        };
        match row {
            None => return Ok(Ok(sum)),
            Some(Ok(row)) => sum.add(&row),
            Some(Err(error)) => return lost(error),
        }
    }
}
