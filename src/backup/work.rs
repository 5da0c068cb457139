//! From the plan to the published backup: readers, objects, record.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::chunks::Chunk;
use super::coordinator::{Coordinator, finish, note_waiters, ping};
use super::copying::Copying;
use super::globals::{Globals, NoGlobals};
use super::head_start::{Ahead, Ground};
use super::run::{self, Event, Run, Stop};
use super::table::Table;
use super::{Request, canaries, globals, large_objects, publish, reader};
use crate::archive::frame::Encoder;
use crate::archive::manifest::{self, Canary, Kind, Manifest, Object, Totals};
use crate::archive::seal;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::backup::Backup;

/// How often the coordinator's session shows that it lives.
const PING: Duration = Duration::from_secs(20);
/// Large objects from which on a warning is due: each is an object of its own.
const MANY_LARGE_OBJECTS: u64 = 10_000;

/// One attempt at a backup, with everything decided.
pub(super) struct Work<'a> {
    pub(super) request: &'a Request,
    pub(super) coordinator: Coordinator,
    pub(super) ground: &'a Ground<'a>,
    pub(super) clock: Instant,
    pub(super) started: jiff::Timestamp,
}

impl Work<'_> {
    /// Reads everything that is not on its way, stores it, and publishes the record.
    pub(super) async fn copy_and_publish(&self, ahead: Option<Ahead>) -> Result<Backup, Stop> {
        let request = self.request;
        let coordinator = &self.coordinator;
        let (store, folder) = (&request.store, self.ground.place.folder.as_str());
        let toc_bytes = coordinator.toc.to_directory();
        let recipients = request.recipients.as_ref();
        let toc = publish::store_whole(store, folder, "toc.dat", Kind::Toc, &toc_bytes, recipients);
        let toc = self.unless_stopped(toc).await?;
        let mut lists = Vec::new();
        let mut groups = Vec::new();
        for (entry, oids) in &coordinator.large_objects {
            lists.push(self.unless_stopped(self.list_large_objects(*entry, oids)).await?);
            groups.extend(large_objects::groups(*entry, oids));
        }
        let (mut copying, known) = match ahead {
            Some(Ahead { copying, oids }) => (copying, oids),
            None => {
                (self.ground.begin(&coordinator.session, &coordinator.snapshot)?, HashSet::new())
            }
        };
        let rest = coordinator.tables.iter().filter(|table| !known.contains(&table.oid));
        let rest: Vec<Table> = rest.cloned().collect();
        let run = Arc::clone(&copying.run);
        run.add(&rest, self.ground.cut(&coordinator.session, &rest));
        run.complete(groups);
        let globals = async {
            if matches!(request.globals, Globals::LeaveOut) {
                return Ok(None);
            }
            let child = coordinator.session.child();
            let database = coordinator.session.server().database.as_str();
            globals::store(request, &coordinator.programs, child, database, folder).await.map(Some)
        };
        tokio::pin!(globals);
        let mut copying = std::pin::pin!(self.copy(&mut copying));
        // A failed copy ends the run, whatever pg_dumpall still does.
        let (mut canaries, globals) = tokio::select! {
            globals = &mut globals => match globals {
                // Nobody needs the rest then; whoever was stopped ends in order.
                Err(NoGlobals::NotStored(error)) if !request.cancel.is_cancelled() => {
                    return Err(error.into());
                }
                globals => (copying.await?, globals),
            },
            copied = &mut copying => (copied?, globals.await),
        };
        let mut warnings = coordinator.warnings.clone();
        let globals = match globals {
            Ok(None) => None,
            Ok(Some((object, lines))) => {
                warnings.extend(lines);
                Some(object)
            }
            Err(NoGlobals::NotStored(error)) => return Err(error.into()),
            Err(NoGlobals::NotRead(error)) => {
                let name = publish::stored_name(&globals::name(request.compress), recipients);
                self.unless_stopped(store.remove(&format!("{folder}{name}"))).await?;
                warnings.push(format!("roles and tablespaces are not in this backup: {error}"));
                None
            }
        };
        request.progress.phase("publishing");
        let mut objects = vec![toc];
        objects.extend(lists);
        objects.extend(self.unless_stopped(self.with_entries(run.take_objects())).await?);
        for table in objects.iter_mut().filter_map(|object| object.table.as_mut()) {
            table.canary = canaries.remove(&table.oid).filter(|known| *known != Canary::default());
        }
        objects.extend(globals);
        let totals =
            Totals { retried_chunks: run.retried.load(Ordering::Relaxed), ..self.totals(&objects) };
        if totals.large_objects > MANY_LARGE_OBJECTS {
            warnings.push(format!(
                "{} large objects: each is an object of its own in the store",
                totals.large_objects
            ));
        }
        let manifest = self.manifest(objects, totals, warnings);
        let record = self.unless_stopped(self.record(&manifest)).await?;
        if request.cancel.is_cancelled() {
            return Err(Stop::Asked);
        }
        self.publish(&record).await?;
        Ok(self.report(&manifest))
    }

    /// The work's result, unless the run is stopped before: a store far away may take its time.
    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T, Stop> {
        tokio::select! {
            biased;
            () = self.request.cancel.cancelled() => Err(Stop::Asked),
            result = work => result.map_err(Stop::from),
        }
    }

    /// Names the entries of the tables' objects. A head start may have taken tables that are in no
    /// entry: their objects are removed.
    async fn with_entries(&self, objects: Vec<Object>) -> Result<Vec<Object>> {
        let tables: HashMap<u32, &Table> =
            self.coordinator.tables.iter().map(|table| (table.oid, table)).collect();
        let mut named = Vec::with_capacity(objects.len());
        for mut object in objects {
            if let Some(stored) = &mut object.table {
                let Some(known) = tables.get(&stored.oid) else {
                    let key = format!("{}{}", self.ground.place.folder, object.name);
                    self.request.store.remove(&key).await?;
                    continue;
                };
                object.entry = Some(known.entry);
                stored.via_root = known.via_root;
            }
            named.push(object);
        }
        Ok(named)
    }

    async fn list_large_objects(&self, entry: i32, oids: &[u32]) -> Result<Object> {
        let found = self.coordinator.toc.entries.iter().find(|other| other.id == entry);
        let name = found.map(|entry| String::from_utf8_lossy(&entry.file).into_owned());
        let name = name.ok_or_else(|| Error::bug("an entry without a file name"))?;
        let list: String = oids.iter().map(|oid| format!("{oid} blob_{oid}.dat\n")).collect();
        let mut object = publish::store_whole(
            &self.request.store,
            &self.ground.place.folder,
            &name,
            Kind::LargeObjectList,
            list.as_bytes(),
            self.request.recipients.as_ref(),
        )
        .await?;
        object.entry = Some(entry);
        Ok(object)
    }

    /// Runs the readers, reads what only the coordinator can, and keeps the snapshot alive.
    /// When it returns, no reader runs any more. Gives the tables' canaries.
    async fn copy(&self, copying: &mut Copying) -> Result<HashMap<u32, Canary>, Stop> {
        let run = Arc::clone(&copying.run);
        let Coordinator { session, tables, snapshot, .. } = &self.coordinator;
        let canaries = canaries::take(session, tables, snapshot.taken);
        let canaries = canaries.await.map_err(Stop::StartOver)?;
        let mut encoder = Encoder::new(run.compress).map_err(run::compress_failed)?;
        let mut noted = HashSet::new();
        let mut failure = None;
        loop {
            let event = tokio::select! {
                event = copying.event() => event,
                () = tokio::time::sleep(PING) => {
                    ping(&self.coordinator.session).await?;
                    self.check_snapshot_age()?;
                    continue;
                }
            };
            match event {
                None => break,
                Some(Event::Ended(result)) => {
                    // The first failure is the cause; the others were only asked to stop.
                    if let Err(stop) = result
                        && !matches!(stop, Stop::Asked)
                    {
                        failure.get_or_insert(stop);
                    }
                }
                // Was it the server? Then the snapshot is gone too.
                Some(Event::Lost) => ping(&self.coordinator.session).await?,
                Some(Event::Deferred(_)) if run.stop.is_cancelled() => {}
                Some(Event::Deferred(chunk)) => {
                    self.copy_deferred(&run, chunk, &mut encoder, &mut noted).await?;
                }
            }
        }
        if let Some(stop) = failure {
            return Err(stop);
        }
        if run.stop.is_cancelled() {
            return Err(Stop::Asked);
        }
        self.check_snapshot_age()?;
        // Its snapshot was whole to the end only if its session was.
        finish(&self.coordinator.session).await?;
        Ok(canaries)
    }

    async fn copy_deferred(
        &self,
        run: &Run,
        mut chunk: Chunk,
        encoder: &mut Encoder,
        noted: &mut HashSet<usize>,
    ) -> Result<(), Stop> {
        let session = &self.coordinator.session;
        if noted.insert(chunk.table) {
            note_waiters(session, &run.table(chunk.table).table, &run.progress).await?;
        }
        let copied = reader::copy_deferred(run, session, &mut chunk, encoder);
        tokio::select! {
            biased;
            // Whoever stopped the run tells why.
            () = run.stop.cancelled() => Ok(()),
            copied = copied => copied,
        }
    }

    fn check_snapshot_age(&self) -> Result<(), Stop> {
        let age = self.coordinator.snapshot.since.elapsed();
        match self.request.max_snapshot_age {
            Some(limit) if age > limit => Err(Stop::Failed(
                Error::new(Exit::Busy, "the snapshot is older than --max-snapshot-age")
                    .because(format!("{} s, the limit is {} s", age.as_secs(), limit.as_secs()))
                    .next("raise the limit, use more readers (-j), or read from a standby"),
            )),
            _ => Ok(()),
        }
    }

    /// Publishes the record. From here on nobody gives up before the store has answered: a request
    /// that was sent may be obeyed after its sender is gone, and after what it lists was removed.
    async fn publish(&self, record: &[u8]) -> Result<()> {
        let progress = &self.request.progress;
        progress.doubt(Some(&self.ground.place.id));
        let key = format!("{}{}", self.ground.place.folder, manifest::NAME);
        let published = self.request.store.publish(&key, record).await;
        progress.doubt(None);
        published
    }

    /// Checks that every object is in the store with its size; returns the record's bytes.
    async fn record(&self, manifest: &Manifest) -> Result<Vec<u8>> {
        let (store, folder) = (&self.request.store, self.ground.place.folder.as_str());
        self.refuse_gaps(manifest)?;
        let header = self.seal(manifest).await?;
        let manifest = header.as_ref().unwrap_or(manifest);
        let listed: HashMap<String, u64> =
            store.objects(folder).await?.into_iter().map(|o| (o.name, o.bytes)).collect();
        for object in &manifest.objects {
            if listed.get(&object.name) != Some(&object.bytes) {
                return Err(Error::new(
                    Exit::Io,
                    format!("{} is not whole in the store", object.name),
                )
                .because("something else changed the backup's folder while it was written"));
            }
        }
        store.sync_folder(folder).await?;
        let bytes = manifest
            .to_bytes()
            .map_err(|error| Error::bug("cannot write the manifest").caused_by(&error))?;
        if bytes.len() as u64 > manifest::LIMIT {
            return Err(Error::new(Exit::Unavailable, "the record of this backup is too large")
                .because(format!("{} objects need {} bytes", manifest.objects.len(), bytes.len()))
                .next("back up in parts (-n), or without large objects (--no-large-objects)"));
        }
        Ok(bytes)
    }

    /// Stores the whole record of a sealed backup, and makes its header.
    async fn seal(&self, manifest: &Manifest) -> Result<Option<Manifest>> {
        let Some(recipients) = &self.request.recipients else { return Ok(None) };
        let (store, folder) = (&self.request.store, self.ground.place.folder.as_str());
        let bytes = manifest
            .to_bytes()
            .map_err(|error| Error::bug("cannot write the manifest").caused_by(&error))?;
        let name = manifest::SEALED_RECORD.trim_end_matches(seal::SUFFIX);
        let record =
            publish::store_whole(store, folder, name, Kind::Record, &bytes, Some(recipients));
        Ok(Some(manifest.header(Object { frames: Vec::new(), ..record.await? })))
    }

    /// Every entry with data must have its object.
    fn refuse_gaps(&self, manifest: &Manifest) -> Result<()> {
        let names: HashSet<&str> =
            manifest.objects.iter().map(|object| object.name.as_str()).collect();
        for entry in self.coordinator.toc.entries.iter().filter(|entry| entry.has_data) {
            let file = String::from_utf8_lossy(&entry.file);
            let recipients = self.request.recipients.as_ref();
            let compressed = format!("{file}{}", self.request.compress.suffix());
            let stored = [&*file, &compressed].map(|name| publish::stored_name(name, recipients));
            if !stored.iter().any(|name| names.contains(name.as_str())) {
                return Err(Error::bug(format!("{} was not copied", entry.label())));
            }
        }
        let expected: usize =
            self.coordinator.large_objects.iter().map(|(_, oids)| oids.len()).sum();
        if manifest.totals.large_objects != expected as u64 {
            return Err(Error::bug("not every large object was copied"));
        }
        Ok(())
    }
}
