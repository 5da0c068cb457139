//! Directory format: a folder with toc.dat and a file for each table.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::script::Commit;
use super::whole::FullRead;
use super::{Dump, Place, Reading, Trouble, place_time};
use crate::archive::foreign::kind::Kind;
use crate::archive::foreign::{Fault, read_toc};
use crate::archive::toc::{Entry, Toc, TocError};
use crate::error::Error;
use crate::exit::Exit;
use crate::program::ChildGuard;

/// What pg_dump ends a table's rows with.
const END: &[u8] = b"\\.\n\n\n";
/// The same with --inserts; of a table without rows [`NO_INSERTS`] is all.
const END_OF_INSERTS: &[u8] = b";\n\n\n";
const NO_INSERTS: &[u8] = b"\n\n";
/// Names that a data file may have behind that of its entry.
const SUFFIXES: [&str; 4] = ["", ".gz", ".zst", ".lz4"];

/// Reads a folder's files. Blocks.
pub fn read(place: Place, reading: &Reading, guard: &ChildGuard) -> Result<Dump, Trouble> {
    let (label, name) = (place.label(), place.name());
    let (copy, path) = match &place {
        Place::Folder(path) => (None, path.clone()),
        _ => {
            reading.progress.note(format!(
                "{label} is in directory format: it is copied to {} for the time of the run",
                reading.environment.temporary_folder().display()
            ));
            let copy = place.fetch(reading)?;
            let path = copy.path().to_owned();
            (Some(copy), path)
        }
    };
    let local = Place::Folder(path.clone());
    // The time of a copy is nobody's.
    let times = match &copy {
        Some(_) => place.version(&reading.cancel)?,
        None => Vec::new(),
    };
    let version = local.version(&reading.cancel)?;
    let toc = match File::open(path.join("toc.dat")) {
        Ok(file) => read_toc(&mut BufReader::new(file))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let what = "it has no toc.dat: it is no dump in directory format";
            return Err(Fault::Malformed(what.into()).into());
        }
        Err(error) => return Err(failed(&path.join("toc.dat"), &error).into()),
    };
    let mut files = Files { folder: &path, deep: reading.deep, bytes: 0, raw: 0 };
    files.file("toc.dat", End::Any)?;
    let mut seen = HashSet::new();
    for entry in toc.entries.iter().filter(|entry| entry.has_data) {
        if reading.cancel.is_cancelled() {
            return Err(crate::restore::stopped().into());
        }
        files.entry(&toc, entry, &mut seen)?;
    }
    let (bytes, raw_bytes) = (files.bytes, files.raw);
    if reading.deep {
        FullRead::start(&toc, &["-Fd"], Some(&path), reading, guard)?.end()?;
    }
    let time = place_time::of(&toc, &place, if copy.is_some() { &times } else { &version });
    Ok(Dump {
        place: local,
        label,
        name,
        kind: Kind::Directory,
        wrappings: Vec::new(),
        toc,
        script: None,
        bytes,
        raw_bytes,
        version,
        fingerprint: 0,
        commit: Commit::default(),
        time,
        _copy: copy,
    })
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot read {}", path.display())).caused_by(error)
}

/// How a file ends when it is whole.
#[derive(Debug, Clone, Copy)]
enum End {
    Copy,
    Inserts,
    /// Nothing tells.
    Any,
}

impl End {
    /// Whether so many bytes with these at their end are whole.
    fn is(self, bytes: u64, tail: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Copy => tail == END,
            Self::Inserts => {
                tail.ends_with(END_OF_INSERTS)
                    || tail == NO_INSERTS && bytes == NO_INSERTS.len() as u64
            }
        }
    }
}

struct Files<'a> {
    folder: &'a Path,
    deep: bool,
    bytes: u64,
    raw: u64,
}

impl Files<'_> {
    fn entry(
        &mut self,
        toc: &Toc,
        entry: &Entry,
        seen: &mut HashSet<String>,
    ) -> Result<(), Trouble> {
        let file = String::from_utf8_lossy(&entry.file).into_owned();
        // Nothing of an archive leads out of its folder.
        if file.is_empty() || file.contains('/') || file.starts_with('.') {
            let what = format!("{} has a data file of the name {file:?}", entry.label());
            return Err(Fault::Malformed(what).into());
        }
        if !seen.insert(file.clone()) {
            return Ok(());
        }
        if !entry.is_large_objects() {
            let end = match (entry.is_table_data(), entry.copy_statement().trim()) {
                (false, _) => End::Any,
                (true, "") => End::Inserts,
                (true, _) => End::Copy,
            };
            return self.file(&file, end).map_err(|trouble| named(trouble, &entry.label()));
        }
        self.file(&file, End::Any)?;
        let path = self.folder.join(&file);
        let mut listed = 0;
        let list = std::fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
        if !list.is_empty() && !list.ends_with('\n') {
            return Err(Fault::cut(format!("{file}, the list of its large objects")).into());
        }
        for line in list.lines() {
            let Some((_, object)) = line.split_once(' ') else {
                return Err(Fault::cut(format!("{file}, the list of its large objects")).into());
            };
            if object.contains('/') || object.starts_with('.') {
                return Err(Fault::Malformed(format!("{file} names {object:?}")).into());
            }
            self.file(object, End::Any)?;
            listed += 1;
        }
        let Ok(expected) = large_objects(toc, entry) else {
            return Err(
                Fault::Malformed(format!("{}: no list of its objects", entry.label())).into()
            );
        };
        if listed != expected {
            let what = format!("{file} lists {listed} of {expected} large objects");
            return Err(Fault::cut(what).into());
        }
        Ok(())
    }

    /// Looks at one file, whatever it is compressed with, and at its end.
    fn file(&mut self, name: &str, end: End) -> Result<(), Trouble> {
        let mut found =
            SUFFIXES.iter().map(|suffix| (*suffix, self.folder.join(format!("{name}{suffix}"))));
        let Some((suffix, path)) = found.find(|(_, path)| path.is_file()) else {
            return Err(Fault::cut(format!("{name} is not there")).into());
        };
        let length = path.metadata().map_err(|error| failed(&path, &error))?.len();
        self.bytes += length;
        // No compressed stream is empty, whatever is in it; lz4 is written lazily.
        if length == 0 && matches!(suffix, ".gz" | ".zst") {
            return Err(Fault::cut(format!("{name}{suffix} is empty")).into());
        }
        if !self.deep && !suffix.is_empty() {
            return Ok(());
        }
        let (raw, tail) = tail(&path, suffix).map_err(|fault| match fault {
            Fault::Io(error) => Trouble::from(failed(&path, &error)),
            fault => Trouble::from(Fault::cut(format!("{name}{suffix}: {fault}"))),
        })?;
        self.raw += raw;
        // pg_restore itself looks into lz4.
        if suffix != ".lz4" && !end.is(raw, &tail) {
            return Err(
                Fault::cut(format!("{name}{suffix} does not end as a table's rows do")).into()
            );
        }
        Ok(())
    }
}

fn named(trouble: Trouble, label: &str) -> Trouble {
    match trouble {
        Trouble::Damaged(Fault::Cut(what), help) => {
            Trouble::Damaged(Fault::Cut(format!("{what} ({label})")), help)
        }
        other => other,
    }
}

/// The number of large objects whose bytes belong to an entry.
fn large_objects(toc: &Toc, entry: &Entry) -> Result<usize, TocError> {
    match toc.large_objects_of(entry)? {
        Some(oids) => Ok(oids.len()),
        // Before 17 each has an entry of its own, and one list has all.
        None => Ok(toc.entries.iter().filter(|entry| entry.kind() == "BLOB").count()),
    }
}

/// Expanded bytes of a file, and the last of them.
fn tail(path: &PathBuf, suffix: &str) -> Result<(u64, Vec<u8>), Fault> {
    let file = BufReader::with_capacity(256 << 10, File::open(path)?);
    let mut bytes: Box<dyn Read> = match suffix {
        ".gz" => Box::new(MultiGzDecoder::new(file)),
        ".zst" => Box::new(zstd::stream::read::Decoder::with_buffer(file)?),
        _ => Box::new(file),
    };
    let (mut raw, mut tail) = (0, Vec::new());
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = match bytes.read(&mut buffer) {
            Ok(0) => return Ok((raw, tail)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A stream that does not expand is as good as cut.
            Err(error) if !suffix.is_empty() => return Err(Fault::cut(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        raw += read as u64;
        tail.extend_from_slice(&buffer[..read]);
        tail.drain(..tail.len().saturating_sub(END.len()));
    }
}
