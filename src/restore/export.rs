//! export: a backup becomes one file in pg_dump's custom format, for who wants a file and has
//! stock pg_restore.
//!
//! Frames are read, checked and expanded as a restore does it; the file holds the same rows in
//! pg_dump's own blocks. Roles and tablespaces stay out: no dump of one database has them.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::io::Errno;
use tokio_util::sync::CancellationToken;

use super::loader::{damaged, expand, read_frame};
use super::source::Source;
use crate::archive::custom::{Blocks, Compression};
use crate::archive::frame::{self, COPY_END, Decoder};
use crate::archive::manifest::{Frame, Kind, Object};
use crate::archive::rowhash::RowSum;
use crate::archive::toc::Entry;
use crate::backup::catalog::Found;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::report::Progress;
use crate::report::export::Exported;
use crate::store::{Store, rename_new};

/// What to export, and where to.
#[derive(Debug)]
pub struct Request {
    /// The repository.
    pub store: Store,
    /// The backup.
    pub found: Found,
    /// The file.
    pub output: Output,
    /// How it is compressed.
    pub compress: Compression,
    /// What the operator sees.
    pub progress: Arc<Progress>,
    /// Stops the run.
    pub cancel: CancellationToken,
}

/// Where an export goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stream,
    /// A file.
    File {
        /// Its name.
        path: PathBuf,
        /// Whether one that is there is replaced.
        replace: bool,
    },
}

/// Exports a backup.
///
/// # Errors
/// The backup is damaged (critical), the store or the output fails, the file is there already
/// (usage), or the run was stopped. A file never has its name before it is whole.
pub async fn run(request: &Request) -> Result<Exported> {
    let clock = Instant::now();
    let mut target = Target::open(&request.output, &request.cancel).await?;
    let written = tokio::select! {
        biased;
        () = request.cancel.cancelled() => Err(stopped()),
        written = write(request, &mut target) => written,
    };
    let mut exported = match written.and_then(|exported| target.finish().map(|()| exported)) {
        Ok(exported) => exported,
        Err(error) => return Err(target.abandon(error)),
    };
    exported.seconds = clock.elapsed().as_secs_f64();
    Ok(exported)
}

fn stopped() -> Error {
    Error::new(Exit::Interrupted, "the export was stopped")
}

async fn write(request: &Request, target: &mut Target) -> Result<Exported> {
    let source = Source::open(&request.store, request.found.clone()).await?;
    source.all_there().await?;
    let objects = &source.manifest.objects;
    request.progress.phase("exporting");
    let tables = objects.iter().filter(|object| object.kind == Kind::Table).count();
    request.progress.plan(objects.iter().map(|object| object.bytes).sum(), tables as u64);
    let mut exporter = Exporter {
        source: &source,
        request,
        target,
        blocks: Blocks::new(request.compress),
        decoder: Decoder::default(),
        raw: 0,
        rows: 0,
    };
    let head = source.toc.to_custom(request.compress, &HashMap::new());
    exporter.target.write(&head)?;
    let mut offsets = HashMap::new();
    for entry in source.toc.entries.iter().filter(|entry| entry.has_data) {
        offsets.insert(entry.id, exporter.target.bytes);
        exporter.entry(entry).await?;
    }
    let (raw_bytes, rows) = (exporter.raw, exporter.rows);
    let seekable = target.rewrite(&source.toc.to_custom(request.compress, &offsets))?;
    Ok(Exported {
        id: source.manifest.id.clone(),
        database: source.manifest.database.name.clone(),
        file: match &request.output {
            Output::Stream => None,
            Output::File { path, .. } => Some(path.display().to_string()),
        },
        bytes: target.bytes,
        raw_bytes,
        compress: request.compress.to_string(),
        tables: tables as u64,
        rows,
        large_objects: source.manifest.totals.large_objects,
        offsets: seekable,
        seconds: 0.0,
    })
}

/// An export under way.
struct Exporter<'a> {
    source: &'a Source,
    request: &'a Request,
    target: &'a mut Target,
    blocks: Blocks,
    decoder: Decoder,
    raw: u64,
    rows: u64,
}

impl Exporter<'_> {
    /// The block of one entry.
    async fn entry(&mut self, entry: &Entry) -> Result<()> {
        let objects = &self.source.manifest.objects;
        let of_entry =
            |kind| move |object: &&Object| object.kind == kind && object.entry == Some(entry.id);
        if entry.is_large_objects() {
            self.blocks.begin_large_objects(entry.id);
            let mut large: Vec<(u32, &Object)> = Vec::new();
            for object in objects.iter().filter(of_entry(Kind::LargeObject)) {
                let oid = object.large_object();
                large.push((oid.ok_or_else(|| damaged(object, "no large object's name"))?, object));
            }
            large.sort_unstable_by_key(|(oid, _)| *oid);
            for (oid, object) in large {
                self.blocks.begin_large_object(oid);
                self.data(object).await?;
            }
            self.blocks.end_large_objects();
            return self.flush();
        }
        let object = objects.iter().find(of_entry(Kind::Table)).ok_or_else(|| {
            Error::new(Exit::Critical, format!("the backup has no rows of {}", entry.label()))
                .next("verify it: pgtend verify-backup")
        })?;
        self.blocks.begin_table(entry.id);
        let sum = self.data(object).await?;
        let recorded = object.table.as_ref().map(|table| (table.rows, table.row_hash));
        if recorded != Some((sum.rows, sum.hash)) {
            return Err(damaged(object, "its rows are not those of the record"));
        }
        self.rows += sum.rows;
        self.request.progress.table_done();
        self.flush()
    }

    /// The bytes of one object, to the end of its stream.
    async fn data(&mut self, object: &Object) -> Result<RowSum> {
        let mut reader = self.source.open_object(object).await?;
        let compression = frame::Compression::of_name(&object.name);
        let mut sum = RowSum::default();
        for (number, frame) in object.frames.iter().enumerate() {
            // A directory's reads never wait: here whoever stops the run gets a turn.
            tokio::task::yield_now().await;
            let stored = read_frame(&mut reader, object, frame).await?;
            if object.kind == Kind::Table && number + 1 == object.frames.len() {
                self.end_of_rows(object, frame, &stored)?;
                break;
            }
            let (blocks, rows) = expand(&mut self.decoder, compression, object, frame, &stored)?;
            for block in blocks {
                self.blocks.push(&block).map_err(|error| packing(&error))?;
                self.flush()?;
            }
            sum.merge(rows);
            self.raw += frame.raw_length();
            self.request.progress.frame_done(frame.raw_length(), frame.rows());
            self.request.progress.chunk_done(frame.length());
        }
        self.blocks.end().map_err(|error| packing(&error))?;
        Ok(sum)
    }

    /// The last frame of a table holds no rows, but what follows them in a dump.
    fn end_of_rows(&mut self, object: &Object, frame: &Frame, stored: &[u8]) -> Result<()> {
        let compression = frame::Compression::of_name(&object.name);
        let mut end = Vec::new();
        let decoded = self.decoder.decode(compression, stored, frame.raw_length(), &mut |block| {
            end.extend_from_slice(block);
        });
        if decoded.is_err() || end != COPY_END {
            return Err(damaged(object, "the end of the table's rows is not where it should be"));
        }
        self.raw += end.len() as u64;
        self.blocks.push(&end).map_err(|error| packing(&error))
    }

    fn flush(&mut self) -> Result<()> {
        self.target.write(&self.blocks.out)?;
        self.blocks.out.clear();
        Ok(())
    }
}

fn packing(error: &io::Error) -> Error {
    Error::bug("cannot compress").caused_by(error)
}

/// How often it is looked whether somebody reads a FIFO.
const LOOK: Duration = Duration::from_millis(100);

/// Where the bytes go.
enum Sink {
    /// A file under another name, until it is whole.
    Part(File, PathBuf),
    /// A FIFO or a device, which stays what it is.
    Pipe(File, PathBuf),
    Stdout,
    /// A file that has its name.
    Named,
}

/// The file in the making.
struct Target {
    output: Output,
    sink: Sink,
    bytes: u64,
}

impl Target {
    async fn open(output: &Output, cancel: &CancellationToken) -> Result<Self> {
        let sink = match output {
            Output::Stream => Sink::Stdout,
            Output::File { path, replace } => match fs::metadata(path) {
                Ok(found) if found.file_type().is_fifo() || found.file_type().is_char_device() => {
                    Sink::Pipe(open_pipe(path, cancel).await?, path.clone())
                }
                Ok(found) if !found.is_file() => return Err(no_file(path)),
                _ if !replace && fs::symlink_metadata(path).is_ok() => return Err(there(path)),
                _ => {
                    let (file, part) = create_beside(path)?;
                    Sink::Part(file, part)
                }
            },
        };
        Ok(Self { output: output.clone(), sink, bytes: 0 })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes += bytes.len() as u64;
        match &mut self.sink {
            Sink::Part(file, path) | Sink::Pipe(file, path) => {
                file.write_all(bytes).map_err(|error| fault("write", path, &error))
            }
            Sink::Stdout | Sink::Named => io::stdout().lock().write_all(bytes).map_err(|error| {
                Error::new(Exit::Io, "cannot write the dump to standard output").caused_by(&error)
            }),
        }
    }

    /// Replaces the first bytes; false where nothing can be replaced.
    fn rewrite(&mut self, head: &[u8]) -> Result<bool> {
        let Sink::Part(file, path) = &mut self.sink else { return Ok(false) };
        let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(head));
        written.map_err(|error| fault("write", path, &error))?;
        Ok(true)
    }

    /// Makes it durable and gives it its name.
    fn finish(&mut self) -> Result<()> {
        let (Sink::Part(file, part), Output::File { path, replace }) = (&self.sink, &self.output)
        else {
            return io::stdout().lock().flush().map_err(|error| {
                Error::new(Exit::Io, "cannot write the dump to standard output").caused_by(&error)
            });
        };
        file.sync_all().map_err(|error| fault("sync", part, &error))?;
        if *replace {
            fs::rename(part, path).map_err(|error| fault("rename the export to", path, &error))?;
        } else {
            match rename_new(part, path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(there(path)),
                named => named.map_err(|error| fault("name the export", path, &error))?,
            }
        }
        self.sink = Sink::Named;
        let folder = folder_of(path);
        let synced = File::open(&folder).and_then(|folder| folder.sync_all());
        match synced {
            // Some file systems cannot sync a folder; they order names themselves.
            Err(error)
                if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) =>
            {
                Err(fault("sync", &folder, &error))
            }
            _ => Ok(()),
        }
    }

    /// Removes what was written.
    fn abandon(self, error: Error) -> Error {
        let part = match &self.sink {
            Sink::Part(_, part) => part,
            Sink::Pipe(_, path) if self.bytes > 0 => return useless(error, &path.display()),
            Sink::Stdout if self.bytes > 0 => return useless(error, &"standard output"),
            Sink::Pipe(..) | Sink::Stdout | Sink::Named => return error,
        };
        match fs::remove_file(part) {
            Ok(()) => error,
            Err(left) => error.because(format!("and {} is still there: {left}", part.display())),
        }
    }
}

fn useless(error: Error, place: &dyn std::fmt::Display) -> Error {
    error.next(format!("what came out of {place} is no dump: throw it away"))
}

/// Opens a FIFO or a device for writing, once somebody reads it.
async fn open_pipe(path: &Path, cancel: &CancellationToken) -> Result<File> {
    let mut open = OpenOptions::new();
    // Without somebody who reads, a FIFO does not open; nor would a signal be heard.
    open.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    loop {
        match open.open(path) {
            Ok(file) => {
                let flags = rustix::fs::fcntl_getfl(&file);
                let blocking = flags.map(|flags| flags - OFlags::NONBLOCK);
                let set = blocking.and_then(|flags| rustix::fs::fcntl_setfl(&file, flags));
                set.map_err(|error| fault("open", path, &error.into()))?;
                return Ok(file);
            }
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {}
            Err(error) => return Err(fault("open", path, &error)),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = cancel.cancelled() => return Err(stopped()),
        }
    }
}

fn no_file(path: &Path) -> Error {
    Error::usage(format!("{} is neither a file nor a pipe", path.display()))
        .next("give a file's name, or - for standard output")
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A new file in the folder of `path`, readable by its owner alone, as backups are.
fn create_beside(path: &Path) -> Result<(File, PathBuf)> {
    use std::hash::{BuildHasher, Hasher};
    let name = path
        .file_name()
        .ok_or_else(|| Error::usage(format!("{} is not a file's name", path.display())))?;
    let random = std::hash::RandomState::new().build_hasher().finish();
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{random:016x}.part"));
    let part = folder_of(path).join(part);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
    file.map(|file| (file, part.clone())).map_err(|error| fault("create", &part, &error))
}

fn there(path: &Path) -> Error {
    Error::usage(format!("{} is there already", path.display()))
        .next("give another name, or --force to replace it")
}

fn fault(doing: &str, path: &Path, error: &io::Error) -> Error {
    let failure =
        Error::new(Exit::Io, format!("cannot {doing} {}", path.display())).caused_by(error);
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            failure.next("free space there, or give another --output")
        }
        _ => failure,
    }
}
