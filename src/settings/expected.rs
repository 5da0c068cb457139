//! The list of objects that must be there: the file of `[check.schema] expected`.

use std::path::Path;

use super::{Settings, bounded};
use crate::error::{Error, Result};

/// Above this it is no list of objects; bytes.
const LARGEST: u64 = 16 << 20;

impl Settings {
    /// Its lines, without empty ones and comments; none where there is no such file. Each begins
    /// with one of `kinds`.
    ///
    /// # Errors
    /// Usage, when it cannot be read, or a line is none.
    pub fn expected_objects(&self, kinds: &[&str]) -> Result<Option<Vec<String>>> {
        let Some(path) = &self.check.schema_expected else { return Ok(None) };
        read(&self.environment().folder().join(path), kinds).map(Some)
    }
}

fn read(path: &Path, kinds: &[&str]) -> Result<Vec<String>> {
    let fault = || Error::usage(format!("cannot read check.schema.expected {}", path.display()));
    let unread = |error: &std::io::Error| {
        fault().caused_by(error).next("expected in [check.schema] of pgtend.toml names the file")
    };
    let bytes = bounded::open(path).and_then(|file| file.read(LARGEST));
    let bytes = bytes.map_err(|error| unread(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| fault().caused_by(&error))?;
    let mut lines = Vec::new();
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let kind = line.split_whitespace().next().unwrap_or_default();
        if !kinds.contains(&kind) || kind == line {
            return Err(fault()
                .because(format!("line {number} is no kind and name: {line}"))
                .next(format!("the kinds are {}", kinds.join(", "))));
        }
        lines.push(line.to_owned());
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_kind_and_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("objects");
        let of = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read(&path, &["table", "index"])
        };
        let lines = of("# ours\n\n  table public.orders \nindex public.i\n").unwrap();
        assert_eq!(lines, ["table public.orders", "index public.i"]);
        for wrong in ["table a\nview b", "table a\ntable"] {
            assert!(of(wrong).unwrap_err().causes()[0].starts_with("line 2 is no kind"), "{wrong}");
        }
    }
}
