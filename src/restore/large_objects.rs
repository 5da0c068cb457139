//! The bytes of large objects. Each is written at its own offsets, so writing it twice does no
//! harm.

use super::data::Load;
use super::loader::{Fault, expand, open_object, read_frame};
use crate::archive::frame::{Compression, Decoder};
use crate::archive::manifest::Object;
use crate::conn::{Session, Type};
use crate::error::{Error, Result};
use crate::sql;

/// Bytes that are sent in one round trip, about.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes of one piece: far below what a parameter may have.
const PIECE_BYTES: usize = 1 << 20;

/// Pieces on their way to the server.
#[derive(Default)]
struct Batch {
    oids: Vec<u32>,
    offsets: Vec<i64>,
    pieces: Vec<Vec<u8>>,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, oid: u32, offset: u64, piece: &[u8]) {
        self.oids.push(oid);
        self.offsets.push(i64::try_from(offset).unwrap_or(i64::MAX));
        self.pieces.push(piece.to_vec());
        self.bytes += piece.len();
    }

    async fn send(&mut self, session: &Session) -> Result<(), Fault> {
        if self.oids.is_empty() {
            return Ok(());
        }
        session
            .rows(
                sql::LARGE_OBJECT_PUT.text,
                &[
                    (&self.oids, Type::OID_ARRAY),
                    (&self.offsets, Type::INT8_ARRAY),
                    (&self.pieces, Type::BYTEA_ARRAY),
                ],
            )
            .await?;
        *self = Self::default();
        Ok(())
    }
}

/// Writes some large objects, which exist and are empty; returns their number.
pub async fn write(
    load: &Load,
    session: &Session,
    group: &[usize],
    decoder: &mut Decoder,
) -> Result<u64, Fault> {
    session.batch("BEGIN").await?;
    let mut batch = Batch::default();
    for number in group {
        let object = &load.source.manifest.objects[*number];
        let oid = oid_of(object)?;
        let compression = Compression::of_name(&object.name);
        let mut reader = open_object(load, object).await?;
        let mut offset = 0;
        for frame in &object.frames {
            let stored = read_frame(&mut reader, object, frame).await?;
            let (blocks, _) = expand(decoder, compression, object, frame, &stored)?;
            for block in blocks {
                for piece in block.chunks(PIECE_BYTES) {
                    batch.add(oid, offset, piece);
                    offset += piece.len() as u64;
                    if batch.bytes >= BATCH_BYTES {
                        batch.send(session).await?;
                    }
                }
            }
            load.progress.frame_done(frame.raw_length(), 0);
        }
    }
    batch.send(session).await?;
    session.batch("COMMIT").await?;
    Ok(group.len() as u64)
}

fn oid_of(object: &Object) -> Result<u32> {
    object
        .large_object()
        .ok_or_else(|| Error::bug(format!("{} is not a large object's name", object.name)))
}
