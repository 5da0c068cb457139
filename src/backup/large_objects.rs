//! Large objects: each is an object of the backup, read in bounded pieces.

use futures_util::future::try_join_all;

use super::coordinator::local_pins;
use super::publish::Sink;
use super::reader::{Fault, cannot_begin, classify};
use super::run::{LargeObjects, Run, compress_failed};
use super::statements::begin_with_snapshot;
use crate::archive::frame::Encoder;
use crate::archive::manifest::Kind;
use crate::conn::{QueryError, Session, Type, get};
use crate::error::{Error, Result};
use crate::sql;

/// Bytes read of each large object at first: most are smaller.
const HEAD_BYTES: i32 = 256 << 10;
/// Large objects whose heads are read in one round trip.
const HEADS: usize = 16;
/// Bytes of one further piece, and pieces under way at once.
const PIECE_BYTES: i32 = 1 << 20;
const PIECES: i64 = 4;
/// Large objects that one reader takes at a time.
const GROUP: usize = 256;

/// Splits an entry's large objects into pieces of work.
pub fn groups(entry: i32, oids: &[u32]) -> Vec<LargeObjects> {
    oids.chunks(GROUP).map(|oids| LargeObjects { entry, oids: oids.to_vec() }).collect()
}

/// How far a group is: what is stored stays stored when a connection is lost.
#[derive(Debug)]
pub struct Progress {
    group: LargeObjects,
    done: usize,
    open: Option<(Sink, i64)>,
    /// Written to their ends; the store has not said yet that it has them.
    sealed: Vec<Sink>,
}

impl Progress {
    /// Nothing is stored yet.
    pub fn new(group: LargeObjects) -> Self {
        Self { group, done: 0, open: None, sealed: Vec::new() }
    }
}

const LABEL: &str = "large objects";

fn failed(error: QueryError) -> Fault {
    classify(error, LABEL)
}

/// Copies the rest of a group in one transaction under the snapshot.
pub async fn copy(
    run: &Run,
    session: &Session,
    progress: &mut Progress,
    encoder: &mut Encoder,
) -> Result<(), Fault> {
    let begin = begin_with_snapshot(&run.snapshot, &local_pins(session, &run.session));
    session.batch(&begin).await.map_err(|error| cannot_begin(error, LABEL))?;
    let mut meter = run.meter();
    while progress.done < progress.group.oids.len() {
        let end = (progress.done + HEADS).min(progress.group.oids.len());
        let oids = progress.group.oids[progress.done..end].to_vec();
        let heads = session
            .rows(
                sql::LARGE_OBJECT_HEADS.text,
                &[(&oids, Type::OID_ARRAY), (&HEAD_BYTES, Type::INT4)],
            )
            .await
            .map_err(failed)?;
        if heads.len() != oids.len() {
            return Err(Error::bug("a large object of the snapshot is missing").into());
        }
        for row in &heads {
            let oid: u32 = get(row, "oid")?;
            let head: &[u8] = get(row, "head")?;
            if meter.add(head.len()) {
                meter.settle().await;
            }
            copy_one(run, session, progress, oid, head, encoder).await?;
            progress.done += 1;
        }
        close(run, progress).await?;
    }
    meter.settle().await;
    session.batch("COMMIT").await.map_err(failed)
}

async fn copy_one(
    run: &Run,
    session: &Session,
    progress: &mut Progress,
    oid: u32,
    head: &[u8],
    encoder: &mut Encoder,
) -> Result<(), Fault> {
    encoder.restart().map_err(compress_failed)?;
    let (sink, mut stored) = match progress.open.take() {
        Some(open) => open,
        None => {
            let name = format!("blob_{oid}.dat{}", run.compress.suffix());
            (run.create(&name, Kind::LargeObject).await?, 0)
        }
    };
    let result = copy_bytes(run, session, &sink, &mut stored, oid, head, encoder).await;
    if result.is_err() {
        progress.open = Some((sink, stored));
        return result;
    }
    sink.seal().await?;
    progress.sealed.push(sink);
    Ok(())
}

/// Makes objects durable, all at once: each may take the time of a round trip.
async fn close(run: &Run, progress: &mut Progress) -> Result<()> {
    let sealed = std::mem::take(&mut progress.sealed);
    for (mut object, _) in try_join_all(sealed.iter().map(Sink::finish)).await? {
        object.entry = Some(progress.group.entry);
        run.add_object(object);
    }
    Ok(())
}

async fn copy_bytes(
    run: &Run,
    session: &Session,
    sink: &Sink,
    stored: &mut i64,
    oid: u32,
    head: &[u8],
    encoder: &mut Encoder,
) -> Result<(), Fault> {
    let mut next = *stored;
    if next == 0 {
        encoder.push_bytes(head).map_err(compress_failed)?;
        next = i64::try_from(head.len()).unwrap_or(i64::MAX);
    }
    // A head that is not full is the whole object.
    let mut meter = run.meter();
    let mut more = *stored > 0 || head.len() >= usize::try_from(HEAD_BYTES).unwrap_or(0);
    while more {
        let offsets: Vec<i64> = (0..PIECES).map(|n| next + n * i64::from(PIECE_BYTES)).collect();
        let pieces = try_join_all(offsets.iter().map(|offset| {
            let parameters: [(&(dyn crate::conn::ToSql + Sync), Type); 3] =
                [(&oid, Type::OID), (offset, Type::INT8), (&PIECE_BYTES, Type::INT4)];
            async move { session.rows(sql::LARGE_OBJECT_PART.text, &parameters).await }
        }))
        .await
        .map_err(failed)?;
        for rows in &pieces {
            let row = rows.first().ok_or_else(|| Error::bug("lo_get gave no row"))?;
            let part: &[u8] = get(row, "part")?;
            if meter.add(part.len()) {
                meter.settle().await;
            }
            if encoder.is_full_before(part.len()) {
                ship(run, sink, stored, encoder).await?;
            }
            encoder.push_bytes(part).map_err(compress_failed)?;
            next += i64::try_from(part.len()).unwrap_or(i64::MAX);
            more = part.len() == usize::try_from(PIECE_BYTES).unwrap_or(0);
            if !more {
                break;
            }
        }
    }
    meter.settle().await;
    if *stored == 0 && head.is_empty() {
        let frame = encoder.finish_even_empty().map_err(compress_failed)?;
        return sink.append(&frame).await.map(drop).map_err(Fault::from);
    }
    ship(run, sink, stored, encoder).await.map_err(Fault::from)
}

async fn ship(run: &Run, sink: &Sink, stored: &mut i64, encoder: &mut Encoder) -> Result<()> {
    if let Some(frame) = encoder.finish().map_err(compress_failed)? {
        sink.append(&frame).await?;
        *stored += i64::try_from(frame.raw).unwrap_or(i64::MAX);
        run.progress.frame_done(frame.raw, 0);
    }
    encoder.restart().map_err(compress_failed)
}
