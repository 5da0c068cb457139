//! Completions and man pages are committed, and as the command line is now.
//!
//! `PGTEND_BLESS=1 cargo test --test it -- artifacts` writes them anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::harness::command;

/// Folders that hold generated files and nothing else.
const FOLDERS: [&str; 2] = ["completions", "man"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn wanted() -> BTreeMap<String, Vec<u8>> {
    pgtend::command::generate::artifacts().unwrap().into_iter().collect()
}

/// What lies in the folders now.
fn present(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in FOLDERS {
        let Ok(entries) = fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

/// Names of files that are missing, stale or different.
fn differing(
    wanted: &BTreeMap<String, Vec<u8>>,
    present: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let mut names: Vec<String> = wanted
        .keys()
        .chain(present.keys())
        .filter(|name| wanted.get(*name) != present.get(*name))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

fn bless(root: &Path, wanted: &BTreeMap<String, Vec<u8>>) {
    for name in present(root).keys().filter(|name| !wanted.contains_key(*name)) {
        fs::remove_file(root.join(name)).unwrap();
    }
    for (name, text) in wanted {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn completions_and_man_pages_are_in_step() {
    let (root, wanted) = (root(), wanted());
    if env::var_os("PGTEND_BLESS").is_some() {
        bless(&root, &wanted);
    }
    let differing = differing(&wanted, &present(&root));
    assert!(
        differing.is_empty(),
        "not as the command line is: {}; PGTEND_BLESS=1 cargo test --test it -- artifacts",
        differing.join(", ")
    );
}

#[test]
fn blessing_writes_what_is_missing_and_removes_what_is_stale() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = wanted();
    fs::create_dir_all(folder.path().join("man")).unwrap();
    fs::write(folder.path().join("man/pgtend-gone.1"), "old").unwrap();
    let names = differing(&wanted, &present(folder.path()));
    assert_eq!(names.len(), wanted.len() + 1, "{names:?}");
    bless(folder.path(), &wanted);
    assert_eq!(differing(&wanted, &present(folder.path())), Vec::<String>::new());
    assert!(!folder.path().join("man/pgtend-gone.1").exists());
}

#[test]
fn every_command_has_a_page_with_the_exit_codes() {
    let wanted = wanted();
    for name in ["pgtend", "pgtend-backup", "pgtend-backup-list", "pgtend-verify-backup"] {
        let page = String::from_utf8(wanted[&format!("man/{name}.1")].clone()).unwrap();
        for (exit, meaning) in pgtend::exit::Exit::ALL {
            let entry = format!(".TP\n\\fB{}\\fR\n{meaning}\n", exit.code());
            assert!(page.contains(&entry), "{name}: no {entry}");
        }
        assert!(!page.contains("password="), "{name}");
    }
}

/// bash is everywhere that the tests run; the words are asked for as readline would.
#[test]
fn bash_completes_commands_and_flags() {
    let folder = tempfile::tempdir().unwrap();
    bless(folder.path(), &wanted());
    let complete = |words: &str| {
        let script = format!(
            "source {}/completions/pgtend.bash && COMP_WORDS=({words}) && \
             COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) && \
             _pgtend pgtend \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\" && \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            folder.path().display()
        );
        let mut bash = std::process::Command::new("bash");
        command::run(bash.args(["--norc", "-c", &script]), "").expect_success("bash").stdout()
    };
    assert_eq!(complete("pgtend ver"), "verify-backup\n");
    assert_eq!(complete("pgtend backup --exclude-table-"), "--exclude-table-data\n");
    assert_eq!(complete("pgtend backup sh"), "show\n");
}
