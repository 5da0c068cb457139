//! The architecture's rules about who may use what, checked on the source text.
//!
//! Not a compiler: it looks at paths (`crate::x`, `tokio_postgres::..`) and string literals in the
//! code of src/, without comments and without unit tests. What fails here is a question to the
//! author: move the code, or change the rule with a reason.

mod rules;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use rules::faults;
use source::Source;

#[test]
fn every_source_file_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 2, "src/ is not where it was: {files:?}");
    let read = |file: &PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        (path, Source::parse(&fs::read_to_string(file).unwrap()))
    };
    let sources: Vec<_> = files.iter().map(read).collect();
    let mut found: Vec<_> =
        sources.iter().flat_map(|(path, source)| faults(path, source)).collect();
    found.extend(rules::scattered(&sources));
    assert!(found.is_empty(), "{} rules broken:\n{}", found.len(), found.join("\n"));
}

/// What changes a server takes a consent, and nobody else makes one.
#[test]
fn only_the_terminal_gives_consent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let makers = |call: &str| {
        let calls = |file: &&PathBuf| fs::read_to_string(file).unwrap().contains(call);
        let named = |file: &PathBuf| file.strip_prefix(&root).unwrap().display().to_string();
        let mut makers: Vec<String> = files.iter().filter(calls).map(named).collect();
        makers.sort();
        makers
    };
    assert_eq!(makers("Consent::given"), ["ui/consent.rs"]);
    assert_eq!(makers("Consent::for_own_database"), ["verify/trial.rs"]);
    assert_eq!(makers("Consent::by_rules_of_the_run"), ["command/backup/prune.rs"]);
    assert_eq!(makers("Consent(())"), ["consent.rs"]);
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The rules can fail: each of these snippets breaks one.
#[test]
fn bad_snippets_are_seen() {
    for (path, text, expected) in [
        ("check/mod.rs", "use tokio_postgres::Client;", "only conn may use tokio_postgres"),
        ("check/mod.rs", "fn f() { let x = ::openssl::x509::X509::new(); }", "openssl"),
        ("check/mod.rs", "use ::clap::Args;", "clap"),
        ("store/s3.rs", "use aws_sdk_s3::Client;", "only aws may use aws_*"),
        ("report/mod.rs", "#[derive(clap::Args)] struct A;", "clap"),
        ("backup/mod.rs", "use crate::render;", "backup may not use render"),
        ("conn/mod.rs", "use crate::{error::Error, ui::progress};", "conn may not use ui"),
        ("conn/mod.rs", "use crate::{\n  error,\n  backup::{a, b},\n};", "conn may not use backup"),
        ("conn/tls.rs", "fn f() { super::super::command::run() }", "conn may not use command"),
        ("error.rs", "use super::cli;", "error may not use cli"),
        ("sql/mod.rs", "pub(in crate::conn) fn f() {}", "sql may not use conn"),
        ("check/a.rs", "const Q: &str = \"SELECT 1\";", "SQL belongs into src/sql"),
        ("tune/a.rs", "f(r#\"\n  ALTER SYSTEM SET x = \"y\"\"#)", "SQL belongs into src/sql"),
        ("check/a.rs", "f(b\"WITH x AS (SELECT 1)\")", "SQL belongs into src/sql"),
        ("surprise/mod.rs", "", "no layer is named surprise"),
    ] {
        let found = faults(path, &Source::parse(text));
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        assert!(found[0].contains(expected), "{}", found[0]);
    }
}

#[test]
fn good_snippets_pass() {
    for (path, text) in [
        ("conn/mod.rs", "use tokio_postgres::Client; use crate::{error::Error, settings};"),
        ("conn/tls.rs", "use super::session; use crate::conn::error;"),
        ("aws/s3.rs", "use aws_sdk_s3 as s3;"),
        ("command/backup.rs", "use clap::Args; use crate::{backup, render, ui};"),
        ("check/a.rs", "/// [`crate::render`] and \"SELECT 1\" in words\nfn f() {}"),
        ("check/a.rs", "/* use clap::Args; /* nested */ \"SELECT 1\" */"),
        ("check/a.rs", "f(\"use clap::Args;\"); let c = '\"'; let life: &'static str = \"x\";"),
        ("check/a.rs", "f(\"SELECTED rows\"); f(\"select all of it\");"),
        (
            "check/a.rs",
            "fn f() {}\n#[cfg(test)]\nmod tests { use clap::X; const A: &str = \"SELECT 1\"; }",
        ),
        ("sql/mod.rs", "const Q: &str = \"SELECT 1\";"),
        ("verify/trial.rs", "use crate::restore; use crate::archive::toc;"),
        ("backup/worker.rs", "format!(\"COPY {table} TO STDOUT\")"),
        ("check/a.rs", "let raw_clap_x = my::clap::y; let openssl = 3;"),
        ("main.rs", "use pgtend::command; fn main() {}"),
    ] {
        let found = faults(path, &Source::parse(text));
        assert!(found.is_empty(), "{path}: {found:?}");
    }
}

#[test]
fn a_terminal_crate_in_two_files_is_seen() {
    let file = |path: &str, text: &str| (path.to_owned(), Source::parse(text));
    let one = file("render/table.rs", "use comfy_table::Table;");
    let two = file("render/other.rs", "use comfy_table::Cell;");
    assert!(rules::scattered(&[one]).is_empty());
    let one = file("render/table.rs", "use comfy_table::Table;");
    let found = rules::scattered(&[one, two]);
    assert_eq!(
        found,
        ["comfy_table is used in more than one file: render/other.rs, render/table.rs"]
    );
}
