//! Reading a file to its end: its own structure by us, and all that is compressed in it by
//! pg_restore, which does the same for a restore.

use std::io::{self, Read, Write};
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::Xxh3Default;

use super::script::Commit;
use super::{Dump, Place, Reading, Trouble, folder};
use crate::archive::foreign::kind::Kind;
use crate::archive::foreign::script::{Facts, Scanner};
use crate::archive::foreign::unwrap::{Unwrapped, unwrap};
use crate::archive::foreign::{Fault, blocks, read_toc, tar};
use crate::archive::toc::{self, Toc};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::program::{ChildGuard, Process, Programs, offline};
use crate::report::Progress;

type Read_<T> = std::result::Result<T, Trouble>;

/// Bytes of a script that are looked at in one go.
const PIECE: usize = 256 << 10;

/// Reads what is at a place. Blocks.
pub fn read(place: Place, reading: &Reading, guard: &ChildGuard) -> Read_<Dump> {
    if place.is_folder() {
        return folder::read(place, reading, guard);
    }
    stream(place, reading, guard)
}

fn stream(place: Place, reading: &Reading, guard: &ChildGuard) -> Read_<Dump> {
    let stored = Arc::new(AtomicU64::new(0));
    let version = place.version(&reading.cancel)?;
    let opened = open(&place, reading, &stored)?;
    let Unwrapped { kind, wrappings, mut bytes } = opened;
    let mut raw = Counted { inner: &mut bytes, bytes: 0, hash: Xxh3Default::new() };
    let (toc, script) = match kind {
        Kind::Custom => {
            let toc = custom(&mut raw, reading, guard)?;
            drain(&mut raw)?;
            (toc, None)
        }
        Kind::Tar => {
            let contents = tar::check(&mut raw)?;
            drain(&mut raw)?;
            if reading.deep {
                again(&place, &contents.toc, reading, guard)?;
            }
            (contents.toc, None)
        }
        _ => {
            let facts = scan(&mut raw)?;
            (Toc::empty(&facts.server_version, &facts.dump_version), Some(facts))
        }
    };
    let (raw_bytes, fingerprint) = (raw.bytes, raw.hash.digest());
    let time = super::place_time::of(&toc, &place, &version);
    Ok(Dump {
        label: place.label(),
        name: place.name(),
        place,
        kind,
        wrappings,
        toc,
        script,
        bytes: stored.load(Ordering::Relaxed),
        raw_bytes,
        version,
        fingerprint,
        commit: Commit::default(),
        time,
        _copy: None,
    })
}

/// The bytes of a place without what is around them, counted and stopped with the run.
pub fn open(place: &Place, reading: &Reading, stored: &Arc<AtomicU64>) -> Read_<Unwrapped> {
    let watched = Watched::new(place, reading, stored)?;
    unwrap(Box::new(watched)).map_err(|(fault, help)| Trouble::Damaged(fault, help))
}

/// Custom format: what we read, pg_restore reads at the same time.
fn custom(input: &mut impl Read, reading: &Reading, guard: &ChildGuard) -> Read_<Toc> {
    let mut head = Vec::new();
    let toc = read_toc(&mut Copied { input, copy: Some(&mut head) })?;
    if !reading.deep {
        blocks::check(&toc, input)?;
        return Ok(toc);
    }
    let mut full = FullRead::start(&toc, &["-Fc"], None, reading, guard)?;
    let mut to = full.stdin.take();
    if let Some(pipe) = &mut to
        && pipe.write_all(&head).is_err()
    {
        to = None;
    }
    let checked = blocks::check(&toc, &mut Copied { input, copy: to.as_mut() });
    drop(to);
    // What we say of a cut file is more to the point.
    checked?;
    full.end()?;
    Ok(toc)
}

/// Has pg_restore read a file once more, as a stream.
fn again(place: &Place, toc: &Toc, reading: &Reading, guard: &ChildGuard) -> Read_<()> {
    let mut input = open(place, reading, &Arc::default())?.bytes;
    let mut full = FullRead::start(toc, &["-Ft"], None, reading, guard)?;
    if let Some(mut to) = full.stdin.take() {
        drain(&mut Copied { input: &mut input, copy: Some(&mut to) })?;
    }
    full.end()
}

fn drain(input: &mut impl Read) -> std::result::Result<(), Fault> {
    io::copy(input, &mut io::sink())?;
    Ok(())
}

/// A script, by our own eyes.
fn scan(input: &mut impl Read) -> Read_<Facts> {
    let mut scanner = Scanner::default();
    let mut buffer = vec![0; PIECE];
    let mut out = Vec::new();
    loop {
        let read = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fault::from(error).into()),
        };
        scanner.feed(&buffer[..read], &mut out)?;
        out.clear();
    }
    Ok(scanner.finish()?)
}

/// pg_restore, which reads all of an archive and writes nothing.
pub struct FullRead {
    process: Process,
    stdin: Option<ChildStdin>,
}

impl FullRead {
    /// Starts it on a path, or without one on what is written to it.
    pub fn start(
        toc: &Toc,
        flags: &[&str],
        path: Option<&std::path::Path>,
        reading: &Reading,
        guard: &ChildGuard,
    ) -> Result<Self> {
        let major = toc::major(&toc.dump_version());
        let programs = Programs::find_for_restore(&reading.environment, major, major)?;
        let program = programs.path("pg_restore");
        let mut command = offline(&program, &reading.environment);
        command.args(flags).args(["-f", "/dev/null"]).args(path);
        let mut process = Process::start(command, &program, guard)?;
        let stdin = process.stdin();
        Ok(Self { process, stdin })
    }

    /// Its verdict.
    pub fn end(mut self) -> Read_<()> {
        drop(self.stdin.take());
        let status = self
            .process
            .wait()
            .map_err(|error| Error::bug("cannot wait for pg_restore").caused_by(&error))?;
        let lines = self.process.lines();
        if status.success() {
            return Ok(());
        }
        let said = |line: &&String| line.contains("error") || line.contains("not support");
        let why = lines.iter().find(said).or(lines.last()).cloned().unwrap_or_default();
        let why = why.trim_start_matches("pg_restore: ").trim_start_matches("error: ").to_owned();
        if why.contains("not support") || why.contains("unsupported version") {
            return Err(Error::new(Exit::Unavailable, "pg_restore cannot read this file")
                .because(why)
                .next("set PGTEND_PG_BINDIR to the folder of a pg_restore that has it")
                .into());
        }
        if status.code().is_none() {
            return Err(
                Error::new(Exit::Unavailable, format!("pg_restore was ended ({status})")).into()
            );
        }
        Err(Fault::Malformed(format!("pg_restore cannot read it to its end: {why}")).into())
    }
}

/// Counts what goes through, and takes its fingerprint.
struct Counted<R> {
    inner: R,
    bytes: u64,
    hash: Xxh3Default,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// Gives somebody else what is read. One that takes no more is left alone: its own end tells why.
struct Copied<'a, R, W> {
    input: &'a mut R,
    copy: Option<&'a mut W>,
}

impl<R: Read, W: Write> Read for Copied<'_, R, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        if let Some(copy) = &mut self.copy
            && copy.write_all(&buffer[..read]).is_err()
        {
            self.copy = None;
        }
        Ok(read)
    }
}

/// Stops reading with the run, and shows how far it is.
pub struct Watched {
    inner: Box<dyn Read + Send>,
    cancel: tokio_util::sync::CancellationToken,
    progress: Arc<Progress>,
    bytes: Arc<AtomicU64>,
}

impl Watched {
    /// The bytes of a place, counted in `stored` too.
    pub fn new(place: &Place, reading: &Reading, stored: &Arc<AtomicU64>) -> Result<Self> {
        Ok(Self {
            inner: place.open(&reading.cancel)?,
            cancel: reading.cancel.clone(),
            progress: Arc::clone(&reading.progress),
            bytes: Arc::clone(stored),
        })
    }
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other(crate::restore::stopped()));
        }
        let read = self.inner.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        self.progress.stored(read as u64);
        Ok(read)
    }
}
