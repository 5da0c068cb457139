//! What is written down of a backup: its manifest, and the report of the run.

use super::statements;
use super::table;
use super::work::Work;
use crate::archive::manifest::{self, Kind, Manifest, Object, Totals};
use crate::archive::seal::Recipients;
use crate::report::backup::{Backup, PlannedTable};

use super::text_encoding;

/// Tables that a dry run lists.
const LISTED_TABLES: usize = 20;
/// COPY text that two readers take in a second, about (reference/performance.md, C); the
/// estimate of a dry run rests on it and says so.
const BYTES_PER_SECOND: f64 = 280e6;

impl Work<'_> {
    /// Sums over the objects.
    pub(super) fn totals(&self, objects: &[Object]) -> Totals {
        let kind = |kind| objects.iter().filter(move |object| object.kind == kind);
        let stored = || objects.iter().filter_map(|object| object.table.as_ref());
        Totals {
            entries: self.coordinator.toc.entries.len() as u64,
            tables: kind(Kind::Table).count() as u64,
            rows: stored().map(|table| table.rows).sum(),
            chunks: stored().map(|table| u64::from(table.chunks)).sum(),
            large_objects: kind(Kind::LargeObject).count() as u64,
            objects: objects.len() as u64,
            raw_bytes: objects.iter().map(|object| object.raw_bytes).sum(),
            bytes: objects.iter().map(|object| object.bytes).sum(),
            ..Totals::default()
        }
    }

    /// The record of the backup.
    pub(super) fn manifest(
        &self,
        mut objects: Vec<Object>,
        totals: Totals,
        warnings: Vec<String>,
    ) -> Manifest {
        let (coordinator, request) = (&self.coordinator, self.request);
        let server = coordinator.session.server();
        let snapshot = &coordinator.snapshot;
        objects.sort_by(|a, b| {
            (a.kind as u8, a.entry, &a.name).cmp(&(b.kind as u8, b.entry, &b.name))
        });
        let pins = statements::PINS.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let monetary = ("lc_monetary".into(), coordinator.room.lc_monetary.clone());
        Manifest {
            format: manifest::FORMAT,
            id: self.ground.place.id.clone(),
            pgtend: env!("CARGO_PKG_VERSION").into(),
            started: self.started,
            finished: jiff::Timestamp::now(),
            source: manifest::Source {
                cluster: self.ground.place.cluster.clone(),
                address: coordinator.session.address().to_string(),
                system_identifier: server.system_identifier.to_string(),
                version: server.version.clone(),
                version_num: server.version_number,
                in_recovery: server.in_recovery,
                pg_dump: coordinator.toc.dump_version(),
            },
            database: manifest::Database {
                name: server.database.clone(),
                oid: server.database_oid,
                encoding: server.encoding.clone(),
                text_encoding: text_encoding(server).into(),
                settings: pins.chain([monetary]).collect(),
                extensions: coordinator.extensions.clone(),
            },
            snapshot: manifest::Snapshot {
                taken: snapshot.taken,
                lsn: snapshot.lsn.clone(),
                held_seconds: snapshot.since.elapsed().as_secs_f64(),
                xmin: snapshot.xmin.clone(),
            },
            options: manifest::Options {
                jobs: self.ground.jobs,
                compress: request.compress,
                chunk: request.chunk,
                filters: request.dump_arguments(),
            },
            labels: request.labels.clone().into_map(),
            warnings,
            totals,
            objects,
            recipients: request.recipients.as_ref().map(Recipients::names).unwrap_or_default(),
            hidden: false,
        }
    }

    /// The report of a run that published.
    pub(super) fn report(&self, manifest: &Manifest) -> Backup {
        Backup {
            id: manifest.id.clone(),
            cluster: manifest.source.cluster.clone(),
            database: manifest.database.name.clone(),
            repository: self.request.store.location(),
            folder: self.ground.place.folder.clone(),
            published: true,
            dry_run: false,
            totals: manifest.totals.clone(),
            snapshot_taken: manifest.snapshot.taken,
            snapshot_lsn: manifest.snapshot.lsn.clone(),
            snapshot_held_seconds: manifest.snapshot.held_seconds,
            jobs: self.ground.jobs,
            compress: self.request.compress.to_string(),
            seconds: self.clock.elapsed().as_secs_f64(),
            pg_dump: manifest.source.pg_dump.clone(),
            labels: manifest.labels.clone(),
            warnings: manifest.warnings.clone(),
            copies: vec![],
            tables: vec![],
            estimated_seconds: None,
            pruned: None,
        }
    }

    /// The report of a dry run.
    pub(super) fn plan(&self) -> Backup {
        let coordinator = &self.coordinator;
        let chunks = self.ground.cut(&coordinator.session, &coordinator.tables);
        let bytes: u64 = coordinator.tables.iter().map(table::Table::bytes).sum();
        let mut counts = vec![0_u64; coordinator.tables.len()];
        for chunk in &chunks {
            counts[chunk.table] += 1;
        }
        let mut tables: Vec<PlannedTable> = coordinator
            .tables
            .iter()
            .zip(counts)
            .map(|(table, chunks)| PlannedTable {
                schema: table.schema.clone(),
                name: table.name.clone(),
                bytes: table.bytes(),
                chunks,
            })
            .collect();
        tables.sort_by_key(|table| std::cmp::Reverse(table.bytes));
        tables.truncate(LISTED_TABLES);
        let mut warnings = coordinator.warnings.clone();
        if self.request.store.free_bytes().is_some_and(|free| free < bytes / 2) {
            warnings.push(format!(
                "{} has less free space than half of the tables' size",
                self.request.store.location()
            ));
        }
        let snapshot = &coordinator.snapshot;
        Backup {
            id: self.ground.place.id.clone(),
            cluster: self.ground.place.cluster.clone(),
            database: coordinator.session.server().database.clone(),
            repository: self.request.store.location(),
            folder: self.ground.place.folder.clone(),
            published: false,
            dry_run: true,
            totals: Totals {
                entries: coordinator.toc.entries.len() as u64,
                tables: coordinator.tables.len() as u64,
                large_objects: coordinator.large_objects.iter().map(|(_, o)| o.len() as u64).sum(),
                raw_bytes: bytes,
                chunks: chunks.len() as u64,
                ..Totals::default()
            },
            snapshot_taken: snapshot.taken,
            snapshot_lsn: snapshot.lsn.clone(),
            snapshot_held_seconds: snapshot.since.elapsed().as_secs_f64(),
            jobs: self.ground.jobs,
            compress: self.request.compress.to_string(),
            seconds: self.clock.elapsed().as_secs_f64(),
            pg_dump: coordinator.toc.dump_version(),
            labels: self.request.labels.clone().into_map(),
            warnings,
            copies: vec![],
            tables,
            estimated_seconds: Some(self.estimate(bytes)),
            pruned: None,
        }
    }

    /// Seconds that so many bytes take, about.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn estimate(&self, bytes: u64) -> f64 {
        let fastest = BYTES_PER_SECOND * self.ground.jobs.min(2) as f64 / 2.0;
        let allowed = self.request.pace.as_ref().map_or(f64::INFINITY, |pace| pace.rate() as f64);
        bytes as f64 / fastest.min(allowed)
    }
}
