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
    phase: &'static str,
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
    /// Bytes to do, about; 0 while that is not known.
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
    /// Names what the run is doing now.
    pub fn phase(&self, phase: &'static str) {
        let mut text = self.text();
        text.phase = phase;
        text.news.push(News::Phase(phase, Instant::now()));
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

    /// Sets what is to be done: about so many bytes, in so many tables.
    pub fn plan(&self, weight: u64, tables: u64) {
        self.weight.store(weight, Ordering::Relaxed);
        self.tables.store(tables, Ordering::Relaxed);
    }

    /// Nothing is done yet, again.
    pub fn start_over(&self) {
        for counter in [
            &self.weight,
            &self.weight_done,
            &self.raw,
            &self.stored,
            &self.rows,
            &self.tables,
            &self.tables_done,
        ] {
            counter.store(0, Ordering::Relaxed);
        }
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
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reading {
            phase: self.text().phase,
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
