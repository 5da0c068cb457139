//! The positions of sequences against those that the archive sets.

use super::Comparison;
use crate::backup::preflight;
use crate::conn::{Type, get};
use crate::error::{Error, Result};
use crate::report::verify::ProblemKind;
use crate::sql::{self, quote_qualified};

/// Sequences that one statement reads.
const BATCH: usize = 200;

/// Where the archive sets a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    last: i64,
    is_called: bool,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { last, is_called } = self;
        write!(f, "{last} ({})", if *is_called { "used" } else { "not yet used" })
    }
}

impl Comparison<'_> {
    /// Compares every sequence that the archive sets.
    ///
    /// # Errors
    /// Exit 69 when the connection is lost.
    pub async fn sequences(&mut self) -> Result<()> {
        let mut wanted = Vec::new();
        for entry in &self.inputs.toc.entries {
            if entry.kind() != "SEQUENCE SET" || self.inputs.left_out.contains(&entry.id) {
                continue;
            }
            let position = parse(entry.definition()).ok_or_else(|| {
                Error::bug(format!("no position in the archive's {}", entry.label()))
            })?;
            wanted.push((entry.schema(), entry.name(), position));
        }
        self.counts.sequences = wanted.len() as u64;
        for batch in wanted.chunks(BATCH) {
            self.compare_batch(batch).await?;
        }
        Ok(())
    }

    async fn compare_batch(&mut self, batch: &[(&str, &str, Position)]) -> Result<()> {
        let schemas: Vec<&str> = batch.iter().map(|(schema, ..)| *schema).collect();
        let names: Vec<&str> = batch.iter().map(|(_, name, _)| *name).collect();
        let parameters: [(&(dyn crate::conn::ToSql + Sync), Type); 2] =
            [(&schemas, Type::TEXT_ARRAY), (&names, Type::TEXT_ARRAY)];
        let rows = self.session.rows(sql::SEQUENCES.text, &parameters).await;
        let mut there = Vec::new();
        for ((schema, name, position), row) in batch.iter().zip(&rows.map_err(preflight::catalog)?)
        {
            if get::<bool>(row, "is_sequence")? {
                there.push((*schema, *name, *position));
            } else {
                let what = format!("sequence {schema}.{name} is missing");
                self.add(ProblemKind::Sequence, None, what);
            }
        }
        // The name of a relation is no parameter.
        let selects: Vec<String> = there
            .iter()
            .map(|(schema, name, _)| {
                format!("SELECT last_value, is_called FROM {}", quote_qualified(schema, name))
            })
            .collect();
        // Each its own answer, in this order.
        let rows = self.session.simple(&selects.join("; ")).await;
        let rows = rows.map_err(|error| error.into_error("cannot read the sequences"))?;
        if rows.len() != there.len() {
            return Err(Error::bug("a sequence gave no position"));
        }
        for ((schema, name, wanted), row) in there.into_iter().zip(&rows) {
            let found = position_of(row).ok_or_else(|| Error::bug("a sequence's position"))?;
            if found != wanted {
                let what = format!("sequence {schema}.{name} is at {found}, it was at {wanted}");
                self.add(ProblemKind::Sequence, None, what);
            }
        }
        Ok(())
    }
}

fn position_of(row: &[Option<String>]) -> Option<Position> {
    let [Some(last), Some(is_called)] = row else { return None };
    Some(Position { last: last.parse().ok()?, is_called: is_called == "t" })
}

/// Out of `SELECT pg_catalog.setval('public.sq', 5, true);`: the name may hold anything.
fn parse(definition: &str) -> Option<Position> {
    let inner = definition.trim_end().strip_suffix(");")?;
    let (rest, is_called) = inner.rsplit_once(", ")?;
    let (_, last) = rest.rsplit_once(", ")?;
    let is_called = match is_called {
        "true" => true,
        "false" => false,
        _ => return None,
    };
    Some(Position { last: last.parse().ok()?, is_called })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_from_pg_dumps_statement() {
        let position = |last, is_called| Some(Position { last, is_called });
        for (text, expected) in [
            ("SELECT pg_catalog.setval('public.sq', 5, true);\n\n\n", position(5, true)),
            ("SELECT pg_catalog.setval('a.\", 7, false);', 1', -3, false);", position(-3, false)),
            ("SELECT pg_catalog.setval('public.sq', 5);", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
