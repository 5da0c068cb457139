//! The copy that faults are put into: gone with this, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::archive::manifest::{self, Manifest, Object, is_object_name};
use crate::backup::catalog::Found;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::store::Store;
use crate::verify::rotation::unit_of;

/// Stored bytes that are copied; of a larger backup the smallest tables, and one at least.
const SAMPLE: u64 = 64 << 20;
/// Stored bytes of the largest table that is copied though it is beyond the sample.
const LARGEST: u64 = 256 << 20;
/// Objects of the largest backup: each is a file in the copy.
const MOST_OBJECTS: usize = 200_000;
/// Room beside the objects.
const SPARE: u64 = 16 << 20;
/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// A copy of a backup, or of a sample of it.
#[derive(Debug)]
pub struct Copy {
    /// A repository that holds nothing else.
    pub store: Store,
    /// The backup's record.
    pub record: Manifest,
    /// Names of the objects that were copied; the others are holes.
    pub copied: BTreeSet<String>,
    /// Their stored bytes.
    pub bytes: u64,
    folder: PathBuf,
    /// Removes everything when dropped.
    _root: TempDir,
}

impl Copy {
    /// Copies a backup into a new folder in `parent`.
    ///
    /// # Errors
    /// Exit 74 without room; what the store says.
    pub async fn make(
        store: &Store,
        found: &Found,
        record: &Manifest,
        parent: &Path,
    ) -> Result<Self> {
        if record.objects.len() > MOST_OBJECTS {
            return Err(Error::new(Exit::Unavailable, "the backup has too many objects to copy")
                .because(format!("{}, the limit is {MOST_OBJECTS}", record.objects.len()))
                .next("put the verifier to the test with another backup"));
        }
        let objects = sample(record);
        let bytes = objects.iter().map(|object| object.bytes).sum();
        refuse_without_room(parent, bytes)?;
        let failed = |error: &std::io::Error| failed("make a folder in", parent, error);
        let root = tempfile::Builder::new()
            .prefix("pgtend-self-test-")
            .tempdir_in(parent)
            .map_err(|error| failed(&error))?;
        let folder = root.path().join(&found.folder);
        fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
        let copy = Self {
            store: Store::directory(root.path()),
            record: record.clone(),
            copied: objects.iter().map(|object| object.name.clone()).collect(),
            bytes,
            folder,
            _root: root,
        };
        let key = format!("{}{}", found.folder, manifest::NAME);
        let own = store.read(&key, manifest::LIMIT).await?.unwrap_or_default();
        copy.write(manifest::NAME, &own)?;
        for object in record.objects.iter().filter(|object| is_object_name(&object.name)) {
            if copy.copied.contains(&object.name) {
                copy.fetch(store, found, object).await?;
            } else {
                let path = copy.folder.join(&object.name);
                let made = File::create(&path).and_then(|file| file.set_len(object.bytes));
                made.map_err(|error| self::failed("make", &path, &error))?;
            }
        }
        Ok(copy)
    }

    async fn fetch(&self, store: &Store, found: &Found, object: &Object) -> Result<()> {
        let path = self.folder.join(&object.name);
        let failed = |error: &std::io::Error| failed("write", &path, error);
        let mut file = File::create(&path).map_err(|error| failed(&error))?;
        let key = format!("{}{}", found.folder, object.name);
        // What is missing is missing in the copy too, and stops the test before it starts.
        let Some(mut reader) = store.open_object(&key).await? else { return Ok(()) };
        let mut piece = vec![0; PIECE];
        loop {
            let read = reader.read_full(&mut piece).await?;
            if read == 0 {
                return Ok(());
            }
            file.write_all(&piece[..read]).map_err(|error| failed(&error))?;
            tokio::task::yield_now().await;
        }
    }

    /// An object's bytes in the copy; none when it is not there.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &path, &error)),
        }
    }

    /// Replaces an object of the copy.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).map_err(|error| failed("write", &path, &error))
    }

    /// Removes an object of the copy.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.folder.join(name);
        fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))
    }

    /// What some objects are now.
    pub fn keep(&self, names: &[String]) -> Result<Kept> {
        let one = |name: &String| Ok((name.clone(), self.read(name)?));
        Ok(Kept { objects: names.iter().map(one).collect::<Result<_>>()? })
    }
}

/// Objects as they were before a fault.
pub struct Kept {
    objects: Vec<(String, Option<Vec<u8>>)>,
}

impl Kept {
    /// Makes them what they were.
    pub fn put_back(self, copy: &Copy) -> Result<()> {
        for (name, bytes) in self.objects {
            match bytes {
                Some(bytes) => copy.write(&name, &bytes)?,
                None if copy.read(&name)?.is_some() => copy.remove(&name)?,
                None => {}
            }
        }
        Ok(())
    }
}

/// What is always looked at, and the smallest tables. Large objects go with their lists.
fn sample(record: &Manifest) -> Vec<&Object> {
    // Of each unit its stored bytes, and whether it has rows.
    let mut of_units: BTreeMap<String, (u64, bool)> = BTreeMap::new();
    for object in &record.objects {
        let Some(name) = unit_of(object) else { continue };
        let (bytes, has_rows) = of_units.entry(name).or_default();
        *bytes = bytes.saturating_add(object.bytes);
        *has_rows |= object.table.as_ref().is_some_and(|table| table.rows > 0);
    }
    let all = record.totals.bytes <= SAMPLE;
    let mut sizes: Vec<(u64, String, bool)> = of_units
        .into_iter()
        .map(|(name, (bytes, has_rows))| (if all { 0 } else { bytes }, name, has_rows))
        .collect();
    sizes.sort();
    let mut left = SAMPLE;
    let mut any_rows = false;
    let mut chosen = BTreeSet::new();
    for (bytes, name, has_rows) in sizes {
        let first = !any_rows && bytes <= LARGEST && has_rows;
        if bytes <= left || first {
            left = left.saturating_sub(bytes);
            any_rows |= first;
            chosen.insert(name);
        }
    }
    let wanted = |object: &&Object| unit_of(object).is_none_or(|name| chosen.contains(&name));
    record.objects.iter().filter(wanted).filter(|object| is_object_name(&object.name)).collect()
}

fn refuse_without_room(folder: &Path, bytes: u64) -> Result<()> {
    let stat = rustix::fs::statvfs(folder).map_err(|error| {
        Error::new(Exit::Io, format!("cannot look at {}", folder.display()))
            .caused_by(&error)
            .next("give another folder: --scratch-dir DIR")
    })?;
    let (free, needed) = (stat.f_bavail.saturating_mul(stat.f_frsize), bytes.saturating_add(SPARE));
    if free >= needed {
        return Ok(());
    }
    Err(Error::new(Exit::Io, format!("not enough room in {}", folder.display()))
        .because(format!(
            "a self-test needs {} MiB for its copy, {} MiB are free",
            needed.div_ceil(1 << 20),
            free >> 20
        ))
        .next("free space there, or give another folder: --scratch-dir DIR"))
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(Exit::Io, format!("cannot {doing} {}", path.display()))
        .caused_by(error)
        .next("give another folder: --scratch-dir DIR")
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::archive::manifest::{Frame, Kind, tests::sample as record};

    const BYTES: usize = 48;

    fn content(name: &str) -> Vec<u8> {
        name.bytes().cycle().take(BYTES).collect()
    }

    /// A copy of a small backup that was never one.
    pub fn sample() -> Copy {
        let mut record = record();
        let table = record.objects.remove(0);
        for name in ["7.dat", "8.dat"] {
            let mut object = table.clone();
            object.name = name.into();
            object.bytes = BYTES as u64;
            object.frames = vec![Frame(0, 20, 20, 1, 0), Frame(20, 28, 3, 0, 0)];
            record.objects.push(object);
        }
        let mut toc = table;
        (toc.name, toc.kind, toc.table) = ("toc.dat".into(), Kind::Toc, None);
        record.objects.push(toc);
        let root = TempDir::new().unwrap();
        let copy = Copy {
            store: Store::directory(root.path()),
            copied: record.objects.iter().map(|object| object.name.clone()).collect(),
            bytes: 0,
            folder: root.path().to_owned(),
            _root: root,
            record,
        };
        for name in &copy.copied {
            copy.write(name, &content(name)).unwrap();
        }
        copy.write(manifest::NAME, &copy.record.to_bytes().unwrap()).unwrap();
        copy
    }

    impl Copy {
        /// Whether every object of [`sample`] is what it was.
        pub fn is_as_made(&self) -> bool {
            let record = self.read(manifest::NAME).unwrap().unwrap();
            record == self.record.to_bytes().unwrap()
                && self.copied.iter().all(|name| self.read(name).unwrap() == Some(content(name)))
        }
    }

    #[test]
    fn a_sample_has_the_smallest_tables_and_one_with_rows_at_least() {
        let mut record = record();
        let table = record.objects.remove(0);
        let sizes = [(1, 0_u64, 0), (2, 30 << 20, 5), (3, 20 << 20, 5), (4, 40 << 20, 5)];
        for (number, bytes, rows) in sizes {
            let mut object = table.clone();
            (object.name, object.bytes) = (format!("{number}.dat"), bytes);
            if let Some(table) = &mut object.table {
                (table.name, table.rows) = (format!("t{number}"), rows);
            }
            record.objects.push(object);
        }
        record.totals.bytes = 90 << 20;
        let names = |record: &Manifest| {
            super::sample(record).iter().map(|object| object.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&record), ["1.dat", "2.dat", "3.dat"]);
        record.objects.retain(|object| object.name == "1.dat" || object.name == "4.dat");
        record.objects[1].bytes = 100 << 20;
        record.totals.bytes = 100 << 20;
        assert_eq!(names(&record), ["1.dat", "4.dat"]);
    }
}
