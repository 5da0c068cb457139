//! How far a long run is: counters that workers raise and a display reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::conn::Tell;

/// Counters of a long run, shared by all who work on it.
#[derive(Debug, Default)]
pub struct Progress {
    weight: AtomicU64,
    weight_done: AtomicU64,
    raw: AtomicU64,
    stored: AtomicU64,
    rows: AtomicU64,
    tables: AtomicU64,
    tables_done: AtomicU64,
    text: Mutex<Text>,
}

#[derive(Debug, Default)]
struct Text {
    /// The database that it is about, where one is known.
    database: Option<String>,
    phase: &'static str,
    /// What it was last about in this phase: a table.
    object: Option<String>,
    since: Option<Instant>,
    /// Whether the counters are those of this phase.
    measured: bool,
    in_doubt: Option<String>,
    news: Vec<News>,
}

/// Something that happened in a run; each is told once, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The run began to do this, then.
    Phase(&'static str, Instant),
    /// Something for the operator.
    Note(String),
    /// Something for an operator who wants to know all.
    Detail(String),
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// What the run is doing.
    pub phase: &'static str,
    /// Since it does that; none before the first phase.
    pub since: Option<Instant>,
    /// Bytes to do in this phase, about; 0 where that is not known.
    pub weight: u64,
    /// Bytes of them that are done.
    pub weight_done: u64,
    /// Bytes before compression, done.
    pub raw: u64,
    /// Bytes stored or read from the store.
    pub stored: u64,
    /// Rows done.
    pub rows: u64,
    /// Tables to do.
    pub tables: u64,
    /// Tables done.
    pub tables_done: u64,
}

impl Progress {
    /// Names the database that the run is about from now on.
    pub fn about(&self, database: &str) {
        self.text().database = Some(database.to_owned());
    }

    /// The database that the run is about, where one is known.
    pub fn database(&self) -> Option<String> {
        self.text().database.clone()
    }

    /// Names what the run is doing now. How far that is, is not known before
    /// [`plan`](Self::plan).
    pub fn phase(&self, phase: &'static str) {
        let now = Instant::now();
        let mut text = self.text();
        text.phase = phase;
        text.object = None;
        text.since = Some(now);
        text.measured = false;
        text.news.push(News::Phase(phase, now));
    }

    /// Names the object that the phase is about now; of several at once, the last one.
    pub fn at(&self, object: &str) {
        self.text().object = Some(object.to_owned());
    }

    /// What the run is doing, in words: `copying public.orders`. None before the first phase.
    pub fn place(&self) -> Option<String> {
        let text = self.text();
        let object = text.object.as_ref().map_or(String::new(), |object| format!(" {object}"));
        (!text.phase.is_empty()).then(|| format!("{}{object}", text.phase))
    }

    /// Names the backup whose record was sent to the store, as long as there is no answer; `None`
    /// after it.
    pub fn doubt(&self, id: Option<&str>) {
        self.text().in_doubt = id.map(str::to_owned);
    }

    /// The backup of which nobody knows whether it is published.
    pub fn in_doubt(&self) -> Option<String> {
        self.text().in_doubt.clone()
    }

    /// Says something to the operator, once.
    pub fn note(&self, note: impl Into<String>) {
        self.text().news.push(News::Note(note.into()));
    }

    /// Says something to an operator who wants to know all, once.
    pub fn detail(&self, detail: impl Into<String>) {
        self.text().news.push(News::Detail(detail.into()));
    }

    /// What [`crate::conn::connect`] says goes to an operator who wants to know all.
    pub fn listener(self: &Arc<Self>) -> Tell {
        let progress = Arc::clone(self);
        Tell::new(move |text| progress.detail(text))
    }

    /// Takes what happened since the last call.
    pub fn take_news(&self) -> Vec<News> {
        std::mem::take(&mut self.text().news)
    }

    /// Sets what is to be done in this phase: about so many bytes, in so many tables (0: it does
    /// not go by tables). Nothing of it is done yet.
    pub fn plan(&self, weight: u64, tables: u64) {
        let done = [&self.weight_done, &self.raw, &self.stored, &self.rows, &self.tables_done];
        for counter in done {
            counter.store(0, Ordering::Relaxed);
        }
        self.weight.store(weight, Ordering::Relaxed);
        self.tables.store(tables, Ordering::Relaxed);
        self.text().measured = true;
    }

    /// There is more to do in this phase, as [`Self::plan`] has it.
    pub fn plan_more(&self, weight: u64, tables: u64) {
        self.weight.fetch_add(weight, Ordering::Relaxed);
        self.tables.fetch_add(tables, Ordering::Relaxed);
    }

    /// A frame is stored.
    pub fn frame_done(&self, raw: u64, rows: u64) {
        self.raw.fetch_add(raw, Ordering::Relaxed);
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// A part of the plan is done.
    pub fn chunk_done(&self, weight: u64) {
        self.weight_done.fetch_add(weight, Ordering::Relaxed);
    }

    /// A table is done.
    pub fn table_done(&self) {
        self.tables_done.fetch_add(1, Ordering::Relaxed);
    }

    /// An object is stored, or was read from the store.
    pub fn stored(&self, bytes: u64) {
        self.stored.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The counters now.
    pub fn reading(&self) -> Reading {
        let (phase, since, measured) = {
            let text = self.text();
            (text.phase, text.since, text.measured)
        };
        if !measured {
            return Reading { phase, since, ..Reading::default() };
        }
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            phase,
            since,
            weight: load(&self.weight),
            weight_done: load(&self.weight_done),
            raw: load(&self.raw),
            stored: load(&self.stored),
            rows: load(&self.rows),
            tables: load(&self.tables),
            tables_done: load(&self.tables_done),
        }
    }

    fn text(&self) -> MutexGuard<'_, Text> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_belong_to_their_phase() {
        let progress = Progress::default();
        assert_eq!(progress.place(), None);
        progress.phase("copying");
        progress.at("public.t");
        assert_eq!(progress.place().unwrap(), "copying public.t");
        progress.plan(100, 2);
        progress.frame_done(10, 1);
        progress.chunk_done(50);
        assert_eq!((progress.reading().weight_done, progress.reading().raw), (50, 10));
        progress.phase("building indexes");
        assert_eq!(progress.place().unwrap(), "building indexes");
        let reading = progress.reading();
        assert_eq!((reading.phase, reading.weight, reading.raw), ("building indexes", 0, 0));
        progress.phase("comparing rows");
        progress.plan(30, 0);
        let reading = progress.reading();
        assert_eq!((reading.weight, reading.weight_done, reading.raw), (30, 0, 0));
    }
}
