//! What a file is, by its first bytes.

/// A format of pg_dump or pg_dumpall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `pg_dump -Fc`
    Custom,
    /// `pg_dump -Ft`
    Tar,
    /// `pg_dump -Fd`
    Directory,
    /// `pg_dump -Fp`
    Plain,
    /// `pg_dumpall`
    Cluster,
}

impl Kind {
    /// For people: `custom format`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Custom => "custom format",
            Self::Tar => "tar format",
            Self::Directory => "directory format",
            Self::Plain => "plain SQL",
            Self::Cluster => "plain SQL of pg_dumpall",
        }
    }

    /// For programs.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Custom => "custom",
            Self::Tar => "tar",
            Self::Directory => "directory",
            Self::Plain => "plain",
            Self::Cluster => "pg_dumpall",
        }
    }

    /// Whether it is SQL for psql rather than an archive for pg_restore.
    pub const fn is_script(self) -> bool {
        matches!(self, Self::Plain | Self::Cluster)
    }
}

/// A compression around a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// gzip
    Gzip,
    /// zstd
    Zstd,
}

impl Wrapping {
    /// `gzip`
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What first bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sniffed {
    /// A file of pg_dump.
    Dump(Kind),
    /// Compressed: to be looked at inside.
    Wrapped(Wrapping),
    /// Something else; what it is, and what helps.
    Other(&'static str, Option<&'static str>),
}

/// Bytes that [`sniff`] wants to see, where there are so many.
pub const HEAD: usize = 8 << 10;

/// Where in a tar header its signature stands.
const TAR_SIGNATURE: usize = 257;

const PLAIN_HEAD: &[u8] = b"-- PostgreSQL database dump";
const CLUSTER_HEAD: &[u8] = b"-- PostgreSQL database cluster dump";

/// Known things that are no dumps of pg_dump.
const OTHERS: [(&[u8], &str, Option<&str>); 12] = [
    (b"\x04\x22\x4d\x18", "lz4-compressed", Some("expand it first: lz4 -d")),
    (b"BZh", "bzip2-compressed", Some("expand it first: bunzip2 -k")),
    (b"\xfd7zXZ\0", "xz-compressed", Some("expand it first: unxz -k")),
    (b"PK\x03\x04", "a zip file", Some("expand it first: unzip")),
    (b"age-encryption.org/", "encrypted with age", Some("decrypt it first: age -d")),
    (b"-----BEGIN AGE", "encrypted with age", Some("decrypt it first: age -d")),
    (b"-----BEGIN PGP", "encrypted with PGP", Some("decrypt it first: gpg -d")),
    (b"Salted__", "encrypted with openssl", Some("decrypt it first: openssl enc -d")),
    (b"\xff\xd8\xff", "a JPEG image", None),
    (b"\x89PNG", "a PNG image", None),
    (b"-- MySQL dump", "a dump of MySQL", None),
    (
        b"\xff\xfe",
        "text in UTF-16, as PowerShell writes it with >",
        Some("dump again with pg_dump --file=NAME, which writes the bytes itself"),
    ),
];

/// What a file with these first bytes (up to [`HEAD`]) is.
pub fn sniff(head: &[u8]) -> Sniffed {
    if head.is_empty() {
        return Sniffed::Other("empty", None);
    }
    if head.starts_with(&[0x1f, 0x8b]) {
        return Sniffed::Wrapped(Wrapping::Gzip);
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Sniffed::Wrapped(Wrapping::Zstd);
    }
    if head.starts_with(b"PGDMP") {
        // The signature, three bytes of version, two of sizes; then the format.
        return match head.get(10) {
            Some(1) | None => Sniffed::Dump(Kind::Custom),
            // A directory's toc.dat says so too.
            Some(3) => Sniffed::Other(
                "the table of contents of a dump in directory format, without its data",
                Some("give the folder that it stands in"),
            ),
            Some(_) => Sniffed::Other("an archive of pg_dump in an unknown format", None),
        };
    }
    if head.get(TAR_SIGNATURE..TAR_SIGNATURE + 5) == Some(b"ustar") {
        return if head.starts_with(b"toc.dat\0") {
            Sniffed::Dump(Kind::Tar)
        } else {
            Sniffed::Other(
                "a tar file, but not one of pg_dump (its first member is not toc.dat)",
                Some("if it holds a dump in directory format: unpack it, and give the folder"),
            )
        };
    }
    if let Some((_, what, help)) = OTHERS.iter().find(|(start, ..)| head.starts_with(start)) {
        return Sniffed::Other(what, *help);
    }
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    if head.contains(&0) {
        return Sniffed::Other("binary, and no format of pg_dump", None);
    }
    // A script's own first lines; somebody may have put something in front of them.
    match lines.find_map(|line| match line {
        CLUSTER_HEAD => Some(Kind::Cluster),
        PLAIN_HEAD => Some(Kind::Plain),
        _ => None,
    }) {
        Some(kind) => Sniffed::Dump(kind),
        None => Sniffed::Other(
            "text without the first lines of pg_dump: whether it is whole could not be told",
            Some("if you trust it, run it yourself: psql -X -v ON_ERROR_STOP=1 -1 -f FILE"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let mut tar = vec![0; 600];
        tar[..8].copy_from_slice(b"toc.dat\0");
        tar[257..262].copy_from_slice(b"ustar");
        let plain = b"--\n-- PostgreSQL database dump\n--\n\n";
        for (head, expected) in [
            (&b"PGDMP\x01\x0e\x00\x04\x08\x01"[..], Sniffed::Dump(Kind::Custom)),
            (b"PGDMP", Sniffed::Dump(Kind::Custom)),
            (&tar, Sniffed::Dump(Kind::Tar)),
            (plain, Sniffed::Dump(Kind::Plain)),
            (b"--\r\n-- PostgreSQL database dump\r\n--\r\n", Sniffed::Dump(Kind::Plain)),
            (b"--\n-- PostgreSQL database cluster dump\n--\n", Sniffed::Dump(Kind::Cluster)),
            (&[0x1f, 0x8b, 8], Sniffed::Wrapped(Wrapping::Gzip)),
            (&[0x28, 0xb5, 0x2f, 0xfd], Sniffed::Wrapped(Wrapping::Zstd)),
        ] {
            assert_eq!(sniff(head), expected);
        }
    }

    #[test]
    fn what_is_none_of_pg_dumps_is_named() {
        tells(b"", "empty");
        tells(b"\xff\xd8\xff\xe0", "JPEG");
        tells(b"\x04\x22\x4d\x18", "lz4");
        tells(b"SELECT 1;\n", "text without");
        tells(b"a\0b", "binary");
        tells(b"PGDMP\x01\x0e\x00\x04\x08\x03", "table of contents");
    }

    fn tells(head: &[u8], word: &str) {
        let Sniffed::Other(what, _) = sniff(head) else { panic!("{head:?}") };
        assert!(what.contains(word), "{what}");
    }
}
