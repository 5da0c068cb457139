//! A loader: one thread, one session, piece after piece.

use bytes::Bytes;

use super::data::Load;
use super::large_objects;
use super::pieces::{Piece, Work, raw_bytes};
use crate::archive::frame::{self, Compression, Decoder, RowCounter};
use crate::archive::manifest::{Frame, Object};
use crate::archive::rowhash::RowSum;
use crate::backup::objects::Reader;
use crate::conn::{self, QueryError, Session, Type, get};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::sql::{self, quote_literal};
use crate::worker;

/// Loadings of one piece, all told.
const ATTEMPTS: u32 = 5;
/// Between two tries to connect, growing with each.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(3);
/// How often a transaction whose connection was lost is asked for, a second apart.
const LOOKS: u32 = 60;

/// Why one loading of a piece failed.
#[derive(Debug)]
pub enum Fault {
    /// The connection is gone.
    Lost(QueryError),
    /// The server refuses these rows; others may load.
    Refused(String),
    /// No use in going on.
    Failed(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<QueryError> for Fault {
    fn from(error: QueryError) -> Self {
        if error.is_lost() {
            return Self::Lost(error);
        }
        // Out of disk, memory or connections, a server that stops, a fault of its files: no other
        // table will do better.
        let of_server = ["53", "57", "58", "XX"];
        if error.sqlstate().is_some_and(|state| of_server.iter().any(|c| state.starts_with(c))) {
            return Self::Failed(error.into_error("the server cannot go on"));
        }
        Self::Refused(error.to_string())
    }
}

/// Loads until nothing is left.
pub fn run(load: &Load) -> Result<()> {
    worker::until_stopped(&load.stop, load_all(load))?.ok_or_else(super::stopped)
}

async fn load_all(load: &Load) -> Result<()> {
    let mut loader = Loader { load, session: None, decoder: Decoder::default() };
    while let Some(work) = load.next().await {
        match work {
            Work::Rows(piece) => {
                let outcome = loader.piece(&piece).await?;
                load.piece_done(&piece, outcome);
            }
            Work::LargeObjects(group) => {
                let outcome = loader.large_objects(&group).await?;
                load.large_objects_done(outcome);
            }
        }
    }
    Ok(())
}

/// A loader's session and buffers.
#[derive(Debug)]
pub struct Loader<'a> {
    /// What all share.
    pub load: &'a Load,
    session: Option<Session>,
    decoder: Decoder,
}

impl Loader<'_> {
    /// The session, opened when there is none or when it is gone.
    pub async fn session(&mut self) -> Result<&Session> {
        if self.session.as_ref().is_none_or(Session::is_closed) {
            let mut attempt = 1;
            let session = loop {
                match conn::connect(&self.load.target, &self.load.session).await {
                    Ok(session) => break session,
                    Err(error) if attempt < ATTEMPTS && error.exit() != Exit::Usage => {
                        self.load.progress.note(format!("no connection ({error}); trying again"));
                        tokio::time::sleep(PAUSE * attempt).await;
                        attempt += 1;
                    }
                    Err(error) => return Err(error),
                }
            };
            self.session = Some(session);
        }
        self.session.as_ref().ok_or_else(|| Error::bug("a loader without a session"))
    }

    /// Loads a piece, again after a lost connection; the inner error is the server's refusal.
    async fn piece(&mut self, piece: &Piece) -> Result<Result<RowSum, String>> {
        let label = self.label(piece);
        for _ in 0..ATTEMPTS {
            let mut transaction = None;
            match self.copy(piece, &mut transaction).await {
                Ok(sum) => return Ok(Ok(sum)),
                Err(Fault::Refused(message)) => {
                    // The session is within a failed transaction.
                    self.session = None;
                    return Ok(Err(message));
                }
                Err(Fault::Failed(error)) => return Err(error.during(format!("loading {label}"))),
                Err(Fault::Lost(error)) => {
                    self.end_lost().await?;
                    self.load
                        .progress
                        .note(format!("connection lost while loading {label} ({error})"));
                    // A table that is truncated before can be loaded twice without harm.
                    if let Some(begun) = transaction.filter(|_| !piece.frozen)
                        && self.committed(&begun.id, &label).await?
                    {
                        match begun.sent {
                            Some(sum) => return Ok(Ok(sum)),
                            None => {
                                return Err(Error::bug(format!("{label}: committed unfinished")));
                            }
                        }
                    }
                }
            }
        }
        Err(Error::new(Exit::Unavailable, format!("the connection was lost {ATTEMPTS} times"))
            .during(format!("loading {label}")))
    }

    /// Gives a lost session up. Its server process may not know yet that nobody is there any more,
    /// and hold the locks that the next one waits for.
    async fn end_lost(&mut self) -> Result<()> {
        self.load.session_lost();
        let Some(pid) = self.session.take().map(|session| session.server().pid) else {
            return Ok(());
        };
        let application = super::prepare::APPLICATION;
        let parameters: [(&(dyn conn::ToSql + Sync), Type); 2] =
            [(&pid, Type::INT4), (&application, Type::TEXT)];
        match self.session().await?.rows(sql::END_LOST.text, &parameters).await {
            Err(error) if !error.is_lost() => Err(error.into_error("cannot end a lost session")),
            // A second loss is met again by whoever uses the session next.
            _ => Ok(()),
        }
    }

    fn label(&self, piece: &Piece) -> String {
        let table = self.load.source.manifest.objects[piece.object].table.as_ref();
        table.map_or_else(String::new, |table| format!("{}.{}", table.schema, table.name))
    }

    /// Whether a transaction of ours, whose connection is lost, has committed.
    async fn committed(&mut self, id: &str, label: &str) -> Result<bool> {
        for _ in 0..LOOKS {
            let session = self.session().await?;
            let rows = session.rows(sql::TRANSACTION.text, &[(&id, Type::TEXT)]).await;
            let status: Option<String> = match rows {
                Err(error) if error.is_lost() => {
                    self.session = None;
                    continue;
                }
                Err(error) => return Err(error.into_error("cannot ask for a transaction")),
                Ok(rows) => match rows.first() {
                    Some(row) => get(row, "status")?,
                    None => None,
                },
            };
            match status.as_deref() {
                Some("committed") => return Ok(true),
                Some("aborted") => return Ok(false),
                Some(_) => tokio::time::sleep(std::time::Duration::from_secs(1)).await,
                None => break,
            }
        }
        Err(Error::new(
            Exit::Unavailable,
            format!("it is not known whether rows of {label} were loaded"),
        )
        .because(format!(
            "the connection was lost, and the server does not tell what became of transaction {id}"
        ))
        .next("restore again, into a new database or with --clean"))
    }

    /// Loads a piece in one transaction.
    async fn copy(&mut self, piece: &Piece, begun: &mut Option<Begun>) -> Result<RowSum, Fault> {
        let load = self.load;
        let object = &load.source.manifest.objects[piece.object];
        let table = &load.copies[&piece.object];
        let truncate =
            if piece.frozen { format!("TRUNCATE ONLY {};", table.table) } else { String::new() };
        let begin = format!("BEGIN; {truncate} SELECT pg_current_xact_id()::text;");
        // Frozen pages need no second writing: neither by the first reader nor by vacuum.
        let freeze = if piece.frozen { ", FREEZE" } else { "" };
        let copy = format!("{} (ENCODING {}{freeze})", table.copy, quote_literal(&table.encoding));
        let mut reader = open(load, object, piece).await?;
        let session = self.session().await?;
        // Joined futures travel in one round trip.
        let (rows, prepared) = tokio::join!(session.simple(&begin), session.prepare_copy(&copy));
        let id = rows?.last().and_then(|row| row.first().cloned().flatten());
        let id = id.ok_or_else(|| Error::bug("a transaction without an id"))?;
        *begun = Some(Begun { id, sent: None });
        let mut stream = session.copy_in_prepared(&prepared?).await?;
        let mut sum = RowSum::default();
        let compression = Compression::of_name(&object.name);
        for frame in &object.frames[piece.frames.clone()] {
            let stored = read_frame(&mut reader, object, frame).await?;
            let (blocks, rows) = expand(&mut self.decoder, compression, object, frame, &stored)?;
            for block in blocks {
                stream.send(block).await?;
            }
            sum.merge(rows);
            load.progress.frame_done(frame.raw_length(), frame.rows());
        }
        let taken = stream.finish().await?;
        if taken != sum.rows {
            let what = format!("{} rows were sent and {taken} taken", sum.rows);
            return Err(Fault::Refused(what));
        }
        if let Some(begun) = begun {
            begun.sent = Some(sum);
        }
        let session = self.session.as_ref().ok_or_else(|| Error::bug("no session"))?;
        session.batch("COMMIT").await?;
        load.progress.chunk_done(raw_bytes(object, &piece.frames));
        Ok(sum)
    }

    /// Writes large objects, again after a lost connection.
    async fn large_objects(&mut self, group: &[usize]) -> Result<Result<u64, String>> {
        for _ in 0..ATTEMPTS {
            self.session().await?;
            let Some(session) = self.session.as_ref() else { continue };
            match large_objects::write(self.load, session, group, &mut self.decoder).await {
                Ok(number) => return Ok(Ok(number)),
                Err(Fault::Refused(message)) => {
                    self.session = None;
                    return Ok(Err(message));
                }
                Err(Fault::Failed(error)) => return Err(error.during("loading large objects")),
                Err(Fault::Lost(error)) => {
                    self.end_lost().await?;
                    self.load.progress.note(format!("connection lost ({error})"));
                }
            }
        }
        Err(Error::new(Exit::Unavailable, format!("the connection was lost {ATTEMPTS} times"))
            .during("loading large objects"))
    }
}

/// A transaction that has begun.
#[derive(Debug)]
struct Begun {
    id: String,
    /// Set once it is asked to commit.
    sent: Option<RowSum>,
}

async fn open(load: &Load, object: &Object, piece: &Piece) -> Result<Reader> {
    let mut reader = open_object(load, object).await?;
    if let Some(first) = object.frames.get(piece.frames.start) {
        reader.seek(first.offset()).await?;
    }
    Ok(reader)
}

/// Opens an object of the backup, which must be there.
pub async fn open_object(load: &Load, object: &Object) -> Result<Reader> {
    load.source.open_object(object).await
}

/// An object that is not what was written.
pub fn damaged(object: &Object, what: &str) -> Error {
    Error::new(Exit::Critical, format!("the backup is damaged: {}", object.name))
        .because(what)
        .next("see what else is: pgtend verify-backup --level content")
        .next("or restore another backup")
}

/// Reads the next frame of an object and checks its bytes.
pub async fn read_frame(reader: &mut Reader, object: &Object, frame: &Frame) -> Result<Vec<u8>> {
    // The record may promise more than there is.
    if frame.offset().saturating_add(frame.length()) > reader.bytes()? {
        return Err(damaged(object, "it is cut"));
    }
    let mut stored = vec![0; usize::try_from(frame.length()).unwrap_or(0)];
    if reader.read_full(&mut stored).await? < stored.len() {
        return Err(damaged(object, "it is cut"));
    }
    if frame::checksum(&stored) != frame.checksum() {
        let at = frame.offset();
        return Err(damaged(
            object,
            &format!("the checksum of its frame at byte {at} does not fit"),
        ));
    }
    Ok(stored)
}

/// The raw bytes of a frame, in blocks; for a table its rows too, which must be as many as were
/// read from the source.
pub fn expand(
    decoder: &mut Decoder,
    compression: Compression,
    object: &Object,
    frame: &Frame,
    stored: &[u8],
) -> Result<(Vec<Bytes>, RowSum)> {
    let mut blocks = Vec::new();
    let mut counter = RowCounter::default();
    let is_table = object.table.is_some();
    let raw = decoder
        .decode(compression, stored, frame.raw_length(), &mut |block| {
            if is_table {
                counter.push(block);
            }
            blocks.push(Bytes::copy_from_slice(block));
        })
        .map_err(|error| damaged(object, &format!("a frame does not expand: {error}")))?;
    let sum = counter.finish().ok_or_else(|| damaged(object, "its last row is cut"))?;
    if raw != frame.raw_length() || sum.rows != frame.rows() {
        return Err(damaged(object, "a frame expands to other bytes than went in"));
    }
    Ok((blocks, sum))
}
