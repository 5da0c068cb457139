//! Rows: pieces of tables from the store into COPY, by several sessions at once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Request;
use super::loader;
use super::pieces::{self, Piece, Work};
use super::plan::{Plan, Step};
use super::source::Source;
use crate::archive::manifest::Manifest;
use crate::archive::rowhash::RowSum;
use crate::conn::SessionOptions;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::settings::Target;

/// What all loaders share.
#[derive(Debug)]
pub struct Load {
    /// The database, as a place to connect to.
    pub target: Target,
    /// Settings of every loader's session.
    pub session: SessionOptions,
    /// The backup.
    pub source: Arc<Source>,
    /// `COPY .. FROM STDIN (..)` of each table, by the number of its object.
    pub copies: HashMap<usize, TableCopy>,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Ends every loader.
    pub stop: CancellationToken,
    /// Objects whose tables are there from the start; the others once they are
    /// [released](Self::release).
    pub early: BTreeSet<usize>,
    queue: Mutex<Queue>,
    freed: Notify,
}

/// How one table is loaded.
#[derive(Debug, Clone)]
pub struct TableCopy {
    /// The COPY statement without its options.
    pub copy: String,
    /// The table for TRUNCATE, quoted.
    pub table: String,
    /// Encoding of the text.
    pub encoding: String,
    /// Whether this run makes the table: then it is empty, and may be truncated to begin again.
    pub is_new: bool,
    /// Objects whose rows must be there before (foreign keys of extensions' tables).
    pub after: Vec<usize>,
    /// Number of its entry in the plan.
    pub entry: usize,
}

/// What became of a table's rows.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// What was sent and taken.
    pub sum: RowSum,
    /// Why not all of it.
    pub failed: Option<String>,
}

#[derive(Debug, Default)]
struct Queue {
    released: bool,
    waiting: Vec<(u64, Work)>,
    /// Pieces of each table that are not done yet.
    open: HashMap<usize, usize>,
    loaded: HashMap<usize, Loaded>,
    large_objects: u64,
    large_objects_failed: Vec<String>,
    sessions_lost: u64,
}

/// Rows and large objects that were loaded.
#[derive(Debug, Default)]
pub struct LoadedAll {
    /// By the number of the object in the manifest.
    pub tables: HashMap<usize, Loaded>,
    /// Large objects that were written.
    pub large_objects: u64,
    /// Why some were not.
    pub large_objects_failed: Vec<String>,
    /// Connections that were lost and opened again.
    pub sessions_lost: u64,
}

impl Load {
    /// Plans what is to be loaded: the planned tables and, where planned, large objects.
    pub fn new(
        request: &Request,
        target: Target,
        session: SessionOptions,
        source: Arc<Source>,
        plan: &Plan,
        early: BTreeSet<usize>,
    ) -> Result<Self> {
        let manifest = &source.manifest;
        let copies = copies(manifest, plan)?;
        let large_objects =
            plan.step(Step::Load).any(|index| plan.toc.entries[index].is_large_objects());
        let mut queue = Queue::default();
        let total: u64 = copies.keys().map(|object| manifest.objects[*object].raw_bytes).sum();
        let share = total / request.jobs.max(1) as u64;
        for (object, table) in &copies {
            let cut = pieces::cut(manifest, *object, share, table.is_new);
            queue.open.insert(*object, cut.len());
            queue.loaded.insert(*object, Loaded::default());
            for piece in cut {
                let bytes = pieces::raw_bytes(&manifest.objects[*object], &piece.frames);
                queue.waiting.push((bytes, Work::Rows(piece)));
            }
        }
        if large_objects {
            queue.waiting.extend(pieces::large_objects(manifest).into_iter().map(|work| (0, work)));
        }
        // The largest is taken first, from the end; parts of one table in their order.
        queue.waiting.sort_by_key(|(bytes, work)| {
            let first = match work {
                Work::Rows(piece) => (piece.object, piece.frames.start),
                Work::LargeObjects(group) => (group.first().copied().unwrap_or(0), 0),
            };
            (*bytes, std::cmp::Reverse(first))
        });
        Ok(Self {
            target,
            session,
            source,
            copies,
            progress: Arc::clone(&request.progress),
            stop: request.cancel.child_token(),
            early,
            queue: Mutex::new(queue),
            freed: Notify::new(),
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next work; waits while all that is left depends on what others load now.
    pub async fn next(&self) -> Option<Work> {
        loop {
            let freed = self.freed.notified();
            {
                let mut queue = self.queue();
                if queue.waiting.is_empty() {
                    return None;
                }
                let ready = (0..queue.waiting.len()).rev().find(|at| self.is_ready(&queue, *at));
                if let Some(at) = ready {
                    return Some(queue.waiting.remove(at).1);
                }
            }
            freed.await;
        }
    }

    fn is_ready(&self, queue: &Queue, at: usize) -> bool {
        match &queue.waiting[at].1 {
            Work::Rows(piece) if !queue.released && !self.early.contains(&piece.object) => false,
            Work::LargeObjects(_) if !queue.released => false,
            Work::Rows(piece) => self.copies[&piece.object]
                .after
                .iter()
                .all(|other| queue.open.get(other).is_none_or(|open| *open == 0)),
            Work::LargeObjects(_) => true,
        }
    }

    /// All tables and large objects are there now.
    pub fn release(&self) {
        self.queue().released = true;
        self.freed.notify_waiters();
    }

    /// Takes tables out that could not be made; their rows are told as not loaded.
    pub fn give_up(&self, objects: &BTreeSet<usize>, why: &str) {
        let mut queue = self.queue();
        queue.waiting.retain(
            |(_, work)| !matches!(work, Work::Rows(piece) if objects.contains(&piece.object)),
        );
        for object in objects {
            queue.open.insert(*object, 0);
            if let Some(loaded) = queue.loaded.get_mut(object) {
                loaded.failed = Some(why.to_owned());
            }
        }
        drop(queue);
        self.freed.notify_waiters();
    }

    /// A piece is loaded, or given up.
    pub fn piece_done(&self, piece: &Piece, outcome: Result<RowSum, String>) {
        let mut queue = self.queue();
        let loaded = queue.loaded.entry(piece.object).or_default();
        match outcome {
            Ok(sum) => loaded.sum.merge(sum),
            Err(error) => drop(loaded.failed.get_or_insert(error)),
        }
        let failed = loaded.failed.is_some();
        if let Some(open) = queue.open.get_mut(&piece.object) {
            *open = open.saturating_sub(1);
            let done = *open == 0;
            if failed {
                // What is left of it would fail in the same way.
                let before = queue.waiting.len();
                queue.waiting.retain(
                    |(_, work)| !matches!(work, Work::Rows(other) if other.object == piece.object),
                );
                let gone = before - queue.waiting.len();
                if let Some(open) = queue.open.get_mut(&piece.object) {
                    *open = open.saturating_sub(gone);
                }
            } else if done {
                self.progress.table_done();
            }
        }
        drop(queue);
        self.freed.notify_waiters();
    }

    /// Some large objects are written, or not.
    pub fn large_objects_done(&self, outcome: Result<u64, String>) {
        let mut queue = self.queue();
        match outcome {
            Ok(number) => queue.large_objects += number,
            Err(error) => queue.large_objects_failed.push(error),
        }
    }

    /// A connection was lost.
    pub fn session_lost(&self) {
        self.queue().sessions_lost += 1;
    }

    /// Loads everything with `jobs` sessions.
    ///
    /// # Errors
    /// The store or the server cannot be reached any more, or the run was stopped. What the server
    /// refuses of one table is told in the result.
    pub async fn run(self: &Arc<Self>, jobs: usize) -> Result<LoadedAll> {
        let bytes = self.queue().waiting.iter().map(|(bytes, _)| *bytes).sum();
        self.progress.plan(bytes, self.copies.len() as u64);
        let jobs = jobs.min(self.queue().waiting.len());
        let mut ends = Vec::new();
        for number in 0..jobs {
            let (done, ended) = tokio::sync::oneshot::channel();
            let load = Arc::clone(self);
            let thread = std::thread::Builder::new().name(format!("loader-{number}"));
            thread
                .spawn(move || {
                    let result = loader::run(&load);
                    if result.is_err() {
                        load.stop.cancel();
                    }
                    done.send(result).unwrap_or(());
                })
                .map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
            ends.push(ended);
        }
        let mut failure: Option<Error> = None;
        for end in ends {
            let result = end.await.unwrap_or_else(|_| Err(Error::bug("a loader panicked")));
            if let Err(error) = result {
                // The first one stopped the others, which is all that they have to tell.
                if failure.as_ref().is_none_or(|known| known.exit() == Exit::Interrupted) {
                    failure = Some(error);
                }
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        let mut queue = self.queue();
        Ok(LoadedAll {
            tables: std::mem::take(&mut queue.loaded),
            large_objects: queue.large_objects,
            large_objects_failed: std::mem::take(&mut queue.large_objects_failed),
            sessions_lost: queue.sessions_lost,
        })
    }
}

/// How each planned table is loaded.
fn copies(manifest: &Manifest, plan: &Plan) -> Result<HashMap<usize, TableCopy>> {
    let by_entry: HashMap<i32, usize> = manifest
        .objects
        .iter()
        .enumerate()
        .filter(|(_, object)| object.table.is_some())
        .filter_map(|(number, object)| Some((object.entry?, number)))
        .collect();
    let planned: HashSet<usize> = plan.step(Step::Load).collect();
    // Tables of extensions come with rows of their own.
    let new: HashSet<(&str, &str)> = plan
        .step(Step::Before)
        .map(|index| &plan.toc.entries[index])
        .filter(|entry| entry.kind() == "TABLE")
        .map(|entry| (entry.schema(), entry.name()))
        .collect();
    let mut copies = HashMap::new();
    for index in &planned {
        let entry = &plan.toc.entries[*index];
        if !entry.is_table_data() {
            continue;
        }
        let object = *by_entry.get(&entry.id).ok_or_else(|| {
            Error::new(Exit::Critical, format!("the backup has no rows of {}", entry.label()))
                .next("verify it: pgtend verify-backup")
        })?;
        let statement = entry.copy_statement();
        let copy = statement.trim_end().strip_suffix("FROM stdin;").ok_or_else(|| {
            Error::bug(format!("{}: not a COPY statement: {statement}", entry.label()))
        })?;
        let after = entry
            .dependencies()
            .filter_map(|id| plan.index_of(id))
            .filter(|other| planned.contains(other) && other != index)
            .filter_map(|other| by_entry.get(&plan.toc.entries[other].id).copied())
            .collect();
        copies.insert(
            object,
            TableCopy {
                copy: format!("{copy}FROM STDIN"),
                table: crate::sql::quote_qualified(entry.schema(), entry.name()),
                encoding: manifest.database.text_encoding.clone(),
                is_new: new.contains(&(entry.schema(), entry.name())),
                after,
                entry: *index,
            },
        );
    }
    Ok(copies)
}
