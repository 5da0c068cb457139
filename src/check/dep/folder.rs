//! Reading a folder of migrations.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::sources::Source;

/// Folders below the given one that are looked into.
const DEPTH: u32 = 4;
/// Files that are read at most, and the bytes of all together.
const FILES: usize = 20_000;
const BYTES: u64 = 64 << 20;
/// Files of SQL.
const SQL: [&str; 3] = ["sql", "psql", "ddl"];
/// Files that are migrations and no SQL.
const CODE: [&str; 6] = ["py", "rb", "xml", "yaml", "js", "ts"];

/// The migrations of a folder, or the one of a file, which is SQL whatever its name.
///
/// # Errors
/// They cannot be read, or are more than any application has.
pub fn sources(path: &Path) -> io::Result<Vec<Source>> {
    let mut found = Found { sources: Vec::new(), left: BYTES };
    if fs::metadata(path)?.is_dir() {
        found.collect(path, path, DEPTH)?;
    } else {
        let name = path.file_name().map_or_else(|| path.to_owned(), PathBuf::from);
        found.add(path, name.display().to_string(), !has(path, &CODE))?;
    }
    Ok(found.sources)
}

struct Found {
    sources: Vec<Source>,
    /// Bytes that may still be read.
    left: u64,
}

impl Found {
    fn collect(&mut self, root: &Path, folder: &Path, depth: u32) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name == "node_modules" || name == "__pycache__" {
                continue;
            }
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            if fs::metadata(&path)?.is_dir() {
                if depth == 0 {
                    return Err(io::Error::other(format!("{shown} lies too deep to be read")));
                }
                self.collect(root, &path, depth - 1)?;
            } else if has(&path, &SQL) {
                self.add(&path, shown, true)?;
            } else if has(&path, &CODE) && !name.starts_with('_') || is_numbered(&name) {
                self.add(&path, shown, false)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, shown: String, is_sql: bool) -> io::Result<()> {
        let text = is_sql.then(|| self.text(path)).transpose()?;
        self.sources.push(Source { path: shown, text });
        if self.sources.len() > FILES {
            return Err(io::Error::other(format!("there are more than {FILES} files")));
        }
        Ok(())
    }

    fn text(&mut self, path: &Path) -> io::Result<String> {
        let mut bytes = Vec::new();
        let read = File::open(path)?.take(self.left + 1).read_to_end(&mut bytes)?;
        let left = u64::try_from(read).ok().and_then(|read| self.left.checked_sub(read));
        self.left = left.ok_or_else(|| {
            let most = BYTES >> 20;
            io::Error::other(format!("with {} they are more than {most} MiB", path.display()))
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Whether its name ends with one of these.
fn has(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|is| extensions.iter().any(|one| is.eq_ignore_ascii_case(one)))
}

/// Whether a file is called as migrations are: by a number or a version.
fn is_numbered(name: &str) -> bool {
    name.trim_start_matches(['V', 'v', '_']).starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_its_migrations_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| fs::write(folder.path().join(name), "SELECT 1").unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::create_dir(folder.path().join("node_modules")).unwrap();
        for name in ["b/up.SQL", "a.sql", "1.toml", "x.py", "_x.py", "README.md", ".a.sql"] {
            write(name);
        }
        write("node_modules/c.sql");
        let found = sources(folder.path()).unwrap();
        let found: Vec<_> = found.iter().map(|one| (&*one.path, one.text.as_deref())).collect();
        let sql = Some("SELECT 1");
        assert_eq!(found, [("1.toml", None), ("a.sql", sql), ("b/up.SQL", sql), ("x.py", None)]);
        let one = sources(&folder.path().join("README.md")).unwrap();
        assert_eq!(one, [Source { path: "README.md".into(), text: Some("SELECT 1".into()) }]);
    }

    #[test]
    fn all_files_together_have_a_bound() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["1.sql", "2.sql"] {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_len(BYTES / 2 + 1).unwrap();
        }
        let error = sources(folder.path()).unwrap_err().to_string();
        assert!(error.contains("2.sql they are more than 64 MiB"), "{error}");
    }
}
