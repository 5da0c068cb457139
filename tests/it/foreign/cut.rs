//! A file that ends too early is found, wherever that is, and before anything is touched.

use std::fs;
use std::path::Path;

use super::files::{Files, gzip, load_little, restore, verify, zstd};
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Database};
use crate::restore_right::Made;

/// Lengths to cut a file of so many bytes to: all over it, and at its very end.
fn lengths(bytes: usize, spare: usize) -> Vec<usize> {
    let mut lengths: Vec<usize> =
        [0, 10, 1, 50, 200, 500, 900].iter().map(|thousandth| bytes * thousandth / 1000).collect();
    lengths.extend([1, 2, 5, 9, 600].map(|less| bytes.saturating_sub(less + spare)));
    lengths
}

#[track_caller]
fn is_found(output: Output, what: &str) {
    let Output { code, stdout, stderr, .. } = &output;
    assert_eq!(*code, 2, "{what}\n{stdout}\n{stderr}");
}

/// Cuts a file and has it verified and restored; nothing may come of it.
fn every_cut_is_found(files: &Files, db: &Database<'_>, bytes: &[u8], spare: usize) {
    for (at, length) in lengths(bytes.len(), spare).into_iter().enumerate() {
        let file = files.write("cut", &bytes[..length]);
        let what = format!("{length} of {} bytes", bytes.len());
        is_found(verify(&file, &["--level", "content"]).run(), &what);
        is_found(verify(&file, &["--level", "manifest"]).run(), &what);
        if at % 4 == 3 {
            let run = restore(db.cluster(), &file, &["--into", db.name(), "--clean"]);
            let output = run.args(["--confirm", db.name()]).run();
            is_found(output, &what);
        }
    }
    assert_eq!(db.psql("SELECT count(*) FROM t"), "700");
}

fn source<'a>() -> Database<'a> {
    let db = Cluster::shared().create_db("cut");
    load_little(&db);
    db
}

#[test]
fn archives_in_one_file() {
    let (db, files) = (source(), Files::new());
    for arguments in [&["-Fc"][..], &["-Fc", "-Z0"], &["-Ft"]] {
        let bytes = fs::read(files.dump(15, &db, arguments, "whole")).unwrap();
        verify(&files.path("whole"), &["--level", "content"]).run().expect_code(0);
        every_cut_is_found(&files, &db, &bytes, 0);
    }
}

#[test]
fn scripts() {
    let (db, files) = (source(), Files::new());
    for client in [15, 18] {
        let bytes = fs::read(files.dump(client, &db, &["-Fp"], "whole")).unwrap();
        verify(&files.path("whole"), &["--level", "content"]).run().expect_code(0);
        // The last line is empty: nothing of the file is lost with its end.
        every_cut_is_found(&files, &db, &bytes, 1);
    }
}

#[test]
fn what_is_compressed_around_a_file() {
    let (db, files) = (source(), Files::new());
    let custom = fs::read(files.dump(15, &db, &["-Fc"], "whole")).unwrap();
    let plain = fs::read(files.dump(15, &db, &["-Fp"], "whole")).unwrap();
    every_cut_is_found(&files, &db, &gzip(&plain), 0);
    every_cut_is_found(&files, &db, &zstd(&custom), 0);
    // A cut file that was compressed whole.
    let cut = zstd(&custom[..custom.len() - 1]);
    is_found(verify(&files.write("cut", &cut), &[]).run(), "inside");
    let cut = gzip(&plain[..plain.len() / 2]);
    is_found(verify(&files.write("cut", &cut), &[]).run(), "inside");
}

#[test]
fn files_of_a_folder() {
    let (db, files) = (source(), Files::new());
    for (number, arguments) in [&["-Fd"][..], &["-Fd", "-Z0"]].iter().enumerate() {
        let whole = files.dump(15, &db, arguments, &format!("whole{number}"));
        verify(&whole, &[]).run().expect_code(0);
        let mut names: Vec<String> = fs::read_dir(&whole)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert!(names.len() > 4, "{names:?}");
        for name in &names {
            let bytes = fs::read(whole.join(name)).unwrap();
            // Without compression nobody knows how long a large object is.
            let is_open = name.starts_with("blob_") && !name.ends_with(".gz");
            let cuts = if is_open { vec![] } else { vec![0, bytes.len() / 2, bytes.len() - 1] };
            for (at, length) in cuts.into_iter().enumerate() {
                let copy = files.copy_of(&whole, &format!("{number}-{name}-{at}"));
                fs::write(copy.join(name), &bytes[..length]).unwrap();
                // The list of large objects ends with a line, whatever stands behind it.
                is_found(verify(&copy, &[]).run(), &format!("{name} cut to {length}"));
            }
            let copy = files.copy_of(&whole, &format!("{number}-{name}-gone"));
            fs::remove_file(copy.join(name)).unwrap();
            let code = verify(&copy, &[]).run().code;
            assert_ne!(code, 0, "{name} is gone");
        }
    }
}

#[test]
fn a_dump_of_a_cluster_is_whole_only_at_its_own_end() {
    let (db, files) = (source(), Files::new());
    let part = fs::read_to_string(files.dump(15, &db, &["-Fp"], "part")).unwrap();
    let whole = format!(
        "--\n-- PostgreSQL database cluster dump\n--\n\nCREATE ROLE x;\n\n\\connect app\n\n{part}\n\
         --\n-- PostgreSQL database cluster dump complete\n--\n\n"
    );
    let file = files.write("all.sql", whole.as_bytes());
    verify(&file, &["--level", "content"]).run().expect_code(0);
    let cut = whole.rfind("--\n-- PostgreSQL database cluster dump complete").unwrap();
    is_found(verify(&files.write("all.sql", &whole.as_bytes()[..cut]), &[]).run(), "cluster");
    // Never run: it would make roles, whatever --into says.
    let copy = Made::new(Cluster::shared(), "copy");
    let file = files.write("all.sql", whole.as_bytes());
    let output = run_create(&file, &copy).expect_code(77);
    assert!(output.stderr.contains("pg_dumpall"), "{}", output.stderr);
}

fn run_create(file: &Path, copy: &Made<'_>) -> Output {
    restore(Cluster::shared(), file, &["--into", &copy.name, "--create", "--yes"]).run()
}

#[test]
fn files_of_a_folder_at_level_manifest_and_rows_of_inserts() {
    let (db, files) = (source(), Files::new());
    let whole = files.dump(15, &db, &["-Fd"], "d");
    let name = |folder: &Path| {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let rows = names.filter(|path| !path.ends_with("toc.dat"));
        rows.max_by_key(|path| path.metadata().unwrap().len()).unwrap()
    };
    let path = name(&whole);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, "").unwrap();
    is_found(verify(&whole, &["--level", "manifest"]).run(), "an empty file");
    // A half one cannot be told without expanding it: then it is not claimed either.
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let report = verify(&whole, &["--level", "manifest"]).run().expect_code(0).json();
    let said = |what: &str| report["report"][what].as_str().unwrap().to_owned();
    assert!(said("proves").contains("those that are not compressed do not end"), "{report}");
    assert!(said("does_not_prove").contains("the compressed files"), "{report}");
    is_found(verify(&whole, &["--level", "content"]).run(), "half a file");

    let inserts = files.dump(15, &db, &["-Fd", "-Z0", "--inserts"], "i");
    verify(&inserts, &[]).run().expect_code(0);
    let path = name(&inserts);
    let bytes = fs::read(&path).unwrap();
    let row = bytes.windows(2).rposition(|end| end == b";\n").unwrap();
    let earlier = bytes[..row].windows(2).rposition(|end| end == b";\n").unwrap();
    for length in [0, 1, 2, bytes.len() / 2, earlier + 2, row + 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        is_found(verify(&inserts, &[]).run(), &format!("{length} of {}", bytes.len()));
    }
    db.psql("DROP TABLE u; DELETE FROM t");
    verify(&files.dump(15, &db, &["-Fd", "-Z0", "--inserts"], "none"), &[]).run().expect_code(0);
}
