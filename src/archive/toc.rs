//! pg_dump's table of contents: read it from a custom-format stream, write it for a directory or
//! for one file in custom format.
//!
//! Source: PostgreSQL's pg_backup_archiver.c (`WriteHead`, `WriteToc`, `ReadToc`),
//! pg_backup_custom.c and pg_backup_directory.c. Archive versions 1.14 (pg_dump 12 to 15),
//! 1.15 (16) and 1.16 (17 and 18). Strings are bytes: names need not be UTF-8.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};

use super::custom::{Compression, int};

/// The archive's format byte for `pg_dump -Fc`.
const CUSTOM: u8 = 1;
/// The archive's format byte for directories (tar's value is the same number in files).
const DIRECTORY: u8 = 3;
/// What a custom-format entry says of its block: where it is, that it is somewhere, that there is
/// none.
const NOT_SET: u8 = 1;
const SET: u8 = 2;
const NO_DATA: u8 = 3;
/// pg_dump's defn for tables whose rows must be loaded through their partition root.
const VIA_ROOT: &[u8] = b"-- load via partition root";
/// No string of a sane archive is longer: function bodies and views end at 1 GB.
const LONGEST_STRING: u32 = 1 << 30;

/// Why bytes are not a table of contents.
#[derive(Debug)]
pub enum TocError {
    /// The stream ended or could not be read.
    Io(io::Error),
    /// Not what pg_dump writes.
    Malformed(String),
    /// An archive version that pgtend does not know.
    Version(u8, u8, u8),
}

impl fmt::Display for TocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                f.write_str("the table of contents ends too early")
            }
            Self::Io(error) => write!(f, "{error}"),
            Self::Malformed(what) => f.write_str(what),
            Self::Version(major, minor, revision) => write!(
                f,
                "archive version {major}.{minor}-{revision} is not one that this pgtend knows \
                 (1.14 to 1.16, pg_dump 12 to 18)"
            ),
        }
    }
}

impl std::error::Error for TocError {}

impl From<io::Error> for TocError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

type Text = Option<Vec<u8>>;

/// The archive's header and entries, as pg_dump wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toc {
    /// Minor archive version: 14, 15 or 16.
    pub minor: u8,
    revision: u8,
    /// struct tm of the dump's start, field by field.
    created: [i32; 7],
    database: Text,
    server_version: Text,
    dump_version: Text,
    /// In pg_dump's order, which is the order of restoring.
    pub entries: Vec<Entry>,
}

/// One object of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// pg_dump's number for the object within this archive.
    pub id: i32,
    /// Whether a data file belongs to it.
    pub has_data: bool,
    table_oid: Text,
    oid_text: Text,
    /// The object's name.
    pub tag: Text,
    /// The object's kind: `TABLE`, `TABLE DATA`, `BLOBS` ..
    pub desc: Text,
    section: i32,
    /// The statement that makes it, or pg_dump's note.
    pub defn: Text,
    /// The statement that drops it; empty where dropping something else does that.
    pub drop: Text,
    /// The statement that loads its data.
    pub copy: Text,
    /// Its schema.
    pub namespace: Text,
    /// Its tablespace; empty for the database's own.
    pub tablespace: Text,
    /// Its table access method; empty where it has none.
    pub access_method: Text,
    relkind: Option<i32>,
    /// The role that owns it; empty where nobody is to become its owner.
    pub owner: Text,
    with_oids: Text,
    depends_on: Vec<Vec<u8>>,
    /// Name of its data file; empty for none (only in directories).
    pub file: Vec<u8>,
}

/// When pg_restore makes an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Beside the object it belongs to (comments, rights).
    None,
    /// Before rows.
    PreData,
    /// Rows, sequence values, large objects.
    Data,
    /// After rows: indexes, constraints, triggers.
    PostData,
}

impl Entry {
    /// When pg_restore makes it.
    pub fn section(&self) -> Section {
        match self.section {
            2 => Section::PreData,
            3 => Section::Data,
            4 => Section::PostData,
            _ => Section::None,
        }
    }

    /// Its kind: `TABLE`, `FK CONSTRAINT` ..
    pub fn kind(&self) -> &str {
        text(&self.desc)
    }

    /// Its name; for functions with its arguments, for parts of a table behind the table's name.
    /// Empty when it is not UTF-8.
    pub fn name(&self) -> &str {
        text(&self.tag)
    }

    /// Its schema; empty for what has none.
    pub fn schema(&self) -> &str {
        text(&self.namespace)
    }

    /// Whether its name, its schema and its owner are text that pgtend can read.
    pub fn has_utf8_names(&self) -> bool {
        let names = [&self.tag, &self.namespace, &self.owner];
        names.iter().all(|name| std::str::from_utf8(name.as_deref().unwrap_or(b"")).is_ok())
    }

    /// The statement that makes it; empty for none.
    pub fn definition(&self) -> &str {
        text(&self.defn)
    }

    /// The statement that drops it; empty for none.
    pub fn drop_statement(&self) -> &str {
        text(&self.drop)
    }

    /// The statement that loads its rows: `COPY public.t (a, b) FROM stdin;`.
    pub fn copy_statement(&self) -> &str {
        text(&self.copy)
    }

    /// The role that owns it; empty for none.
    pub fn owner_name(&self) -> &str {
        text(&self.owner)
    }

    /// Its tablespace; empty for the database's own.
    pub fn tablespace_name(&self) -> &str {
        text(&self.tablespace)
    }

    /// Its table access method; empty for none.
    pub fn access_method_name(&self) -> &str {
        text(&self.access_method)
    }

    /// The object's oid in the source database; 0 for pg_dump's own entries.
    pub fn oid(&self) -> Option<u32> {
        std::str::from_utf8(self.oid_text.as_deref()?).ok()?.parse().ok()
    }

    /// Whether it holds a table's rows.
    pub fn is_table_data(&self) -> bool {
        self.has_data && self.desc.as_deref() == Some(b"TABLE DATA")
    }

    /// Whether it holds large objects.
    pub fn is_large_objects(&self) -> bool {
        self.has_data && self.desc.as_deref() == Some(b"BLOBS")
    }

    /// Whether its rows are loaded through the root of their partition tree.
    pub fn loads_via_root(&self) -> bool {
        self.defn.as_deref().is_some_and(|defn| defn.starts_with(VIA_ROOT))
    }

    /// The entries that must be restored before this one.
    pub fn dependencies(&self) -> impl Iterator<Item = i32> + '_ {
        self.depends_on.iter().filter_map(|id| std::str::from_utf8(id).ok()?.parse().ok())
    }

    /// Has pg_restore make it with indexes and constraints, once all of `others` are made.
    pub fn make_after(&mut self, others: impl IntoIterator<Item = i32>) {
        self.section = 4;
        self.depends_on.extend(others.into_iter().map(|id| id.to_string().into_bytes()));
    }

    /// `TABLE DATA public.orders`, for people.
    pub fn label(&self) -> String {
        let text =
            |bytes: &Text| String::from_utf8_lossy(bytes.as_deref().unwrap_or(b"")).into_owned();
        match self.namespace.as_deref() {
            None | Some(b"") => format!("{} {}", text(&self.desc), text(&self.tag)),
            Some(_) => {
                format!("{} {}.{}", text(&self.desc), text(&self.namespace), text(&self.tag))
            }
        }
    }
}

/// The data file of a table's rows, uncompressed.
pub fn table_file(oid: u32) -> String {
    format!("{oid}.dat")
}

impl Toc {
    /// Reads header and entries from `pg_dump -Fc` output or a directory's toc.dat, and nothing
    /// behind them.
    pub fn read(input: &mut impl Read) -> Result<Self, TocError> {
        let mut reader = Reader { input, int_size: 0 };
        if &reader.array::<5>()? != b"PGDMP" {
            return Err(TocError::Malformed(
                "not a pg_dump archive (no PGDMP at its start)".into(),
            ));
        }
        let [major, minor, revision] = reader.array::<3>()?;
        if major != 1 || !(14..=16).contains(&minor) {
            return Err(TocError::Version(major, minor, revision));
        }
        reader.int_size = reader.byte()?;
        if reader.int_size != 4 {
            return Err(TocError::Malformed(format!(
                "integers of {} bytes; pg_dump writes 4",
                reader.int_size
            )));
        }
        let offset_size = reader.byte()?;
        let format = reader.byte()?;
        if !matches!(format, CUSTOM | DIRECTORY) || offset_size != 8 {
            return Err(TocError::Malformed(format!(
                "format {format} with offsets of {offset_size} bytes is neither custom nor directory"
            )));
        }
        if minor >= 15 {
            reader.byte()?;
        } else {
            reader.int()?;
        }
        let mut created = [0; 7];
        for field in &mut created {
            *field = reader.int()?;
        }
        let (database, server_version, dump_version) =
            (reader.string()?, reader.string()?, reader.string()?);
        let count = reader.int()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(reader.entry(minor, format)?);
        }
        Ok(Self { minor, revision, created, database, server_version, dump_version, entries })
    }

    /// The bytes of a directory's toc.dat.
    ///
    /// Compression is written as none: pg_restore finds compressed data files by their suffix,
    /// and a build without zstd then still restores after `unzstd --rm *.zst`.
    pub fn to_directory(&self) -> Vec<u8> {
        self.written(DIRECTORY, Compression::None, |entry, out| {
            out.string(&Some(entry.file.clone()));
        })
    }

    /// The bytes that a file in custom format starts with. `offsets` are those of the entries'
    /// blocks in it; where they are missing pg_restore has to search. They change no length.
    pub fn to_custom(&self, compression: Compression, offsets: &HashMap<i32, u64>) -> Vec<u8> {
        self.written(CUSTOM, compression, |entry, out| {
            let (state, offset) = match (entry.has_data, offsets.get(&entry.id)) {
                (false, _) => (NO_DATA, 0),
                (true, None) => (NOT_SET, 0),
                (true, Some(offset)) => (SET, *offset),
            };
            out.0.push(state);
            out.0.extend_from_slice(&offset.to_le_bytes());
        })
    }

    fn written(
        &self,
        format: u8,
        compression: Compression,
        extra: impl Fn(&Entry, &mut Writer),
    ) -> Vec<u8> {
        let mut out = Writer(Vec::new());
        out.0.extend_from_slice(b"PGDMP");
        out.0.extend_from_slice(&[1, self.minor, self.revision, 4, 8, format]);
        match compression {
            Compression::None if self.minor >= 15 => out.0.push(0),
            Compression::Gzip(_) if self.minor >= 15 => out.0.push(1),
            Compression::None => out.int(0),
            Compression::Gzip(level) => out.int(i32::try_from(level).unwrap_or(-1)),
        }
        for field in self.created {
            out.int(field);
        }
        out.string(&self.database);
        out.string(&self.server_version);
        out.string(&self.dump_version);
        out.int(i32::try_from(self.entries.len()).unwrap_or(i32::MAX));
        for entry in &self.entries {
            out.entry(entry, self.minor);
            extra(entry, &mut out);
        }
        out.0
    }

    /// Names the data file of every entry that has one, as pg_dump -Fd does.
    pub fn name_files(&mut self) {
        let per_group = self.minor >= 16;
        for entry in &mut self.entries {
            entry.file = if !entry.has_data {
                Vec::new()
            } else if entry.is_large_objects() {
                if per_group { format!("blobs_{}.toc", entry.id) } else { "blobs.toc".into() }
                    .into()
            } else {
                format!("{}.dat", entry.id).into()
            };
        }
    }

    /// Names the data file of every table by its oid instead, which is known before pg_dump's
    /// number is; pg_restore takes whatever name stands here.
    pub fn name_tables_by_oid(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.has_data) {
            if let Some(oid) = entry.oid().filter(|_| entry.is_table_data()) {
                entry.file = table_file(oid).into();
            }
        }
    }

    /// The large objects of a `BLOBS` entry; `None` means all of the snapshot (before 1.16).
    ///
    /// From 1.16 on they are the lines of the defn of the `BLOB METADATA` entry that it
    /// depends on.
    pub fn large_objects_of(&self, entry: &Entry) -> Result<Option<Vec<u32>>, TocError> {
        if self.minor < 16 {
            return Ok(None);
        }
        let mut oids = Vec::new();
        let mut found = false;
        for id in entry.dependencies() {
            let Some(metadata) = self
                .entries
                .iter()
                .find(|other| other.id == id && other.desc.as_deref() == Some(b"BLOB METADATA"))
            else {
                continue;
            };
            found = true;
            for line in metadata.defn.as_deref().unwrap_or(b"").split(|byte| *byte == b'\n') {
                if line.is_empty() {
                    continue;
                }
                let oid = std::str::from_utf8(line).ok().and_then(|text| text.trim().parse().ok());
                oids.push(oid.ok_or_else(|| {
                    TocError::Malformed(format!("{}: no list of large objects", metadata.label()))
                })?);
            }
        }
        if !found {
            return Err(TocError::Malformed(format!(
                "{} depends on no BLOB METADATA entry",
                entry.label()
            )));
        }
        Ok(Some(oids))
    }

    /// One without entries: what a plain dump says of itself is in no table of contents.
    pub fn empty(server_version: &str, dump_version: &str) -> Self {
        Self {
            minor: 14,
            revision: 0,
            created: [0; 7],
            database: None,
            server_version: Some(server_version.into()),
            dump_version: Some(dump_version.into()),
            entries: Vec::new(),
        }
    }

    /// One of schemas, each of one of these owners: for whom only roles matter.
    pub fn of_owners<'a>(owners: impl IntoIterator<Item = &'a String>) -> Self {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        let one = |(at, owner): (usize, &String)| Entry {
            id: i32::try_from(at + 1).unwrap_or(i32::MAX),
            has_data: false,
            table_oid: text("0"),
            oid_text: text("0"),
            tag: text(owner),
            desc: text("SCHEMA"),
            section: 2,
            defn: text(""),
            drop: text(""),
            copy: None,
            namespace: None,
            tablespace: None,
            access_method: None,
            relkind: None,
            owner: text(owner),
            with_oids: text("false"),
            depends_on: Vec::new(),
            file: Vec::new(),
        };
        let entries = owners.into_iter().enumerate().map(one).collect();
        Self { entries, ..Self::empty("", "") }
    }

    /// When pg_dump began, by the clock of its machine, without its time zone; `None` when that
    /// is no time.
    pub fn created(&self) -> Option<jiff::civil::DateTime> {
        let [second, minute, hour, day, month, year, _] = self.created;
        let small = |number: i32| i8::try_from(number).ok();
        if self.created == [0; 7] {
            return None;
        }
        jiff::civil::DateTime::new(
            i16::try_from(year.checked_add(1900)?).ok()?,
            small(month.checked_add(1)?)?,
            small(day)?,
            small(hour)?,
            small(minute)?,
            // A leap second.
            small(second.min(59))?,
            0,
        )
        .ok()
    }

    /// The database that was dumped.
    pub fn database(&self) -> String {
        lossy(&self.database)
    }

    /// Version of the server that was dumped: `15.18 (Debian 15.18-1)`.
    pub fn server_version(&self) -> String {
        lossy(&self.server_version)
    }

    /// pg_dump's own version.
    pub fn dump_version(&self) -> String {
        lossy(&self.dump_version)
    }
}

/// `15` of `15.18 (Debian 15.18-1)`; 0 for what is no version.
pub fn major(version: &str) -> u32 {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Names and statements are UTF-8 in every backup of pgtend (preflight refuses others).
fn text(bytes: &Text) -> &str {
    std::str::from_utf8(bytes.as_deref().unwrap_or(b"")).unwrap_or("")
}

fn lossy(text: &Text) -> String {
    String::from_utf8_lossy(text.as_deref().unwrap_or(b"")).into_owned()
}

struct Reader<'a, R> {
    input: &'a mut R,
    int_size: u8,
}

impl<R: Read> Reader<'_, R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], TocError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, TocError> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn int(&mut self) -> Result<i32, TocError> {
        let sign = self.byte()?;
        let value = u32::from_le_bytes(self.array::<4>()?);
        let value = i32::try_from(value)
            .map_err(|_| TocError::Malformed(format!("number {value} is too large")))?;
        match sign {
            0 => Ok(value),
            1 => Ok(-value),
            other => Err(TocError::Malformed(format!("sign byte {other}"))),
        }
    }

    fn string(&mut self) -> Result<Text, TocError> {
        let Ok(length) = u32::try_from(self.int()?) else { return Ok(None) };
        if length > LONGEST_STRING {
            return Err(TocError::Malformed(format!("a string of {length} bytes")));
        }
        // Grows with what is really there: a damaged length must not reserve a gigabyte.
        let mut bytes = Vec::new();
        let read = self.input.by_ref().take(u64::from(length)).read_to_end(&mut bytes)?;
        if u32::try_from(read) != Ok(length) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(Some(bytes))
    }

    fn entry(&mut self, minor: u8, format: u8) -> Result<Entry, TocError> {
        let id = self.int()?;
        let has_data = self.int()? != 0;
        let (table_oid, oid_text) = (self.string()?, self.string()?);
        let (tag, desc) = (self.string()?, self.string()?);
        let section = self.int()?;
        let (defn, drop, copy) = (self.string()?, self.string()?, self.string()?);
        let (namespace, tablespace, access_method) =
            (self.string()?, self.string()?, self.string()?);
        let relkind = if minor >= 16 { Some(self.int()?) } else { None };
        let (owner, with_oids) = (self.string()?, self.string()?);
        let mut depends_on = Vec::new();
        while let Some(id) = self.string()? {
            depends_on.push(id);
        }
        let file = if format == DIRECTORY {
            self.string()?.unwrap_or_default()
        } else {
            // One state byte and the offset, which a pipe leaves unset.
            self.array::<9>()?;
            Vec::new()
        };
        Ok(Entry {
            id,
            has_data,
            table_oid,
            oid_text,
            tag,
            desc,
            section,
            defn,
            drop,
            copy,
            namespace,
            tablespace,
            access_method,
            relkind,
            owner,
            with_oids,
            depends_on,
            file,
        })
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn int(&mut self, value: i32) {
        self.0.extend(int(value));
    }

    fn string(&mut self, text: &Text) {
        match text {
            None => self.int(-1),
            Some(bytes) => {
                self.int(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
                self.0.extend_from_slice(bytes);
            }
        }
    }

    fn entry(&mut self, entry: &Entry, minor: u8) {
        self.int(entry.id);
        self.int(i32::from(entry.has_data));
        for text in [&entry.table_oid, &entry.oid_text, &entry.tag, &entry.desc] {
            self.string(text);
        }
        self.int(entry.section);
        for text in [
            &entry.defn,
            &entry.drop,
            &entry.copy,
            &entry.namespace,
            &entry.tablespace,
            &entry.access_method,
        ] {
            self.string(text);
        }
        if minor >= 16 {
            self.int(entry.relkind.unwrap_or(0));
        }
        self.string(&entry.owner);
        self.string(&entry.with_oids);
        for id in &entry.depends_on {
            self.string(&Some(id.clone()));
        }
        self.string(&None);
    }
}

/// Tables of contents for unit tests.
#[cfg(test)]
pub(crate) mod sample {
    use super::{Entry, Section, Toc};

    /// An entry that depends on nothing, of section None.
    pub fn entry(id: i32, kind: &str, schema: &str, name: &str, definition: &str) -> Entry {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        Entry {
            id,
            has_data: matches!(kind, "TABLE DATA" | "BLOBS"),
            table_oid: text("0"),
            oid_text: text("0"),
            tag: text(name),
            desc: text(kind),
            section: 1,
            defn: text(definition),
            drop: text(""),
            copy: None,
            namespace: text(schema),
            tablespace: None,
            access_method: None,
            relkind: None,
            owner: None,
            with_oids: text("false"),
            depends_on: Vec::new(),
            file: Vec::new(),
        }
    }

    impl Entry {
        pub fn owned_by(mut self, owner: &str) -> Self {
            self.owner = Some(owner.into());
            self
        }

        pub fn depending_on(mut self, ids: &[i32]) -> Self {
            self.depends_on = ids.iter().map(|id| id.to_string().into_bytes()).collect();
            self
        }

        pub fn of_section(mut self, section: Section) -> Self {
            self.section = match section {
                Section::None => 1,
                Section::PreData => 2,
                Section::Data => 3,
                Section::PostData => 4,
            };
            self
        }
    }

    /// An archive of a server of this version.
    pub fn toc(server_version: &str, entries: Vec<Entry>) -> Toc {
        Toc {
            minor: 14,
            revision: 0,
            created: [0; 7],
            database: Some(b"app".to_vec()),
            server_version: Some(server_version.into()),
            dump_version: Some(server_version.into()),
            entries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: i32, desc: &str, has_data: bool) -> Entry {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        Entry {
            id,
            has_data,
            table_oid: text("0"),
            oid_text: text("16384"),
            tag: text("we\"ird (s"),
            desc: text(desc),
            section: 3,
            defn: text(""),
            drop: None,
            copy: text("COPY public.t (a) FROM stdin;\n"),
            namespace: text("public"),
            tablespace: text(""),
            access_method: text("heap"),
            relkind: None,
            owner: text("postgres"),
            with_oids: text("false"),
            depends_on: vec![b"12".to_vec()],
            file: Vec::new(),
        }
    }

    fn toc(minor: u8, entries: Vec<Entry>) -> Toc {
        let mut toc = Toc {
            minor,
            revision: 0,
            created: [1, 2, 3, 4, 5, 126, -1],
            database: Some(b"caf\xe9".to_vec()),
            server_version: Some(b"15.18".to_vec()),
            dump_version: None,
            entries,
        };
        if minor >= 16 {
            for entry in &mut toc.entries {
                entry.relkind = Some(114);
            }
        }
        toc.name_files();
        toc
    }

    #[test]
    fn what_is_written_is_read_back() {
        for minor in 14..=16 {
            let toc = toc(
                minor,
                vec![
                    entry(7, "TABLE DATA", true),
                    entry(8, "BLOBS", true),
                    entry(9, "TABLE", false),
                ],
            );
            let bytes = toc.to_directory();
            assert_eq!(Toc::read(&mut &bytes[..]).unwrap(), toc);
        }
    }

    #[test]
    fn a_custom_file_has_the_same_entries_and_as_many_bytes_with_offsets() {
        for (minor, compression) in
            [(14, Compression::Gzip(3)), (15, Compression::None), (16, Compression::Gzip(1))]
        {
            let mut toc = toc(minor, vec![entry(7, "TABLE DATA", true), entry(9, "TABLE", false)]);
            let without = toc.to_custom(compression, &HashMap::new());
            let bytes = toc.to_custom(compression, &HashMap::from([(7, 0x0102_0304_0506)]));
            assert_eq!(without.len(), bytes.len());
            assert_ne!(without, bytes);
            assert!(bytes.ends_with(&[3, 0, 0, 0, 0, 0, 0, 0, 0]));
            // Data files are a directory's.
            toc.entries.iter_mut().for_each(|entry| entry.file.clear());
            assert_eq!(Toc::read(&mut &bytes[..]).unwrap(), toc);
        }
    }

    #[test]
    fn files_are_named_as_pg_dump_names_them() {
        let names = |minor| {
            let toc = toc(
                minor,
                vec![
                    entry(7, "TABLE DATA", true),
                    entry(8, "BLOBS", true),
                    entry(9, "TABLE", false),
                ],
            );
            toc.entries
                .iter()
                .map(|e| String::from_utf8(e.file.clone()).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(14), ["7.dat", "blobs.toc", ""]);
        assert_eq!(names(16), ["7.dat", "blobs_8.toc", ""]);
    }

    #[test]
    fn every_cut_is_an_error_and_never_a_panic() {
        let bytes = toc(16, vec![entry(7, "TABLE DATA", true)]).to_directory();
        for end in 0..bytes.len() {
            assert!(Toc::read(&mut &bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn an_unknown_version_is_named() {
        let mut bytes = toc(16, vec![]).to_directory();
        bytes[6] = 17;
        let error = Toc::read(&mut &bytes[..]).unwrap_err().to_string();
        assert!(error.contains("1.17-0"), "{error}");
    }

    #[test]
    fn large_objects_come_from_the_metadata_entry() {
        let mut metadata = entry(12, "BLOB METADATA", false);
        metadata.defn = Some(b"16400\n16402\n".to_vec());
        let toc = toc(16, vec![metadata, entry(13, "BLOBS", true)]);
        assert_eq!(toc.large_objects_of(&toc.entries[1]).unwrap(), Some(vec![16400, 16402]));
        assert!(
            self::toc(16, vec![entry(13, "BLOBS", true)])
                .large_objects_of(&entry(13, "BLOBS", true))
                .is_err()
        );
    }

    #[test]
    fn root_loaded_tables_are_known_by_their_defn() {
        let mut data = entry(7, "TABLE DATA", true);
        assert!(!data.loads_via_root());
        data.defn = Some(b"-- load via partition root app.root".to_vec());
        assert!(data.loads_via_root());
    }
}
