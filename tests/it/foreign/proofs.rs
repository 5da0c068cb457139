//! What verify-backup says of a file of pg_dump, and what it does not.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::files::{Files, gzip, load_little, restore, verify, zstd};
use crate::harness::{Cluster, Pgtend, tools};

/// Programs of a client and of a server.
pub fn with_server(run: Pgtend) -> Pgtend {
    let (client, server) = (tools::client_bindir(15), tools::server_bindir(15));
    let path = format!("{}:{}:/usr/sbin:/usr/bin:/sbin:/bin", client.display(), server.display());
    run.env("PATH", path).time_limit(Duration::from_secs(180))
}

#[test]
fn a_file_restores_in_a_trial_with_the_roles_that_it_names() {
    let db = Cluster::shared().create_db("trial");
    db.load_awkward();
    let files = Files::new();
    for (format, least) in [("-Fc", 40), ("-Fp", 0)] {
        let file = files.dump(15, &db, &[format], format);
        let run = with_server(verify(&file, &["--level", "restore", "-j2"]));
        let document = run.run().expect_code(0).json();
        assert!(document["report"]["does_not_prove"].as_str().unwrap().contains("no digests"));
        let backup = &document["report"]["backups"][0];
        assert_eq!((&backup["passed"], &backup["rows"] == 0), (&true.into(), format == "-Fc"));
        let trial = &backup["trial"];
        assert_eq!((&trial["rows"], &trial["tables"]), (&0.into(), &0.into()), "{trial}");
        assert!(trial["objects_found"].as_u64() >= Some(least), "{trial}");
        assert!(trial["indexes_checked"].as_u64() >= Some(5), "{trial}");
    }
}

#[test]
fn a_trial_that_fails_is_damage_and_one_that_cannot_be_is_unknown() {
    let db = Cluster::shared().create_db("trial");
    load_little(&db);
    let files = Files::new();
    let plain = fs::read_to_string(files.dump(15, &db, &["-Fp"], "plain")).unwrap();
    let data = "COPY public.t (id, v) FROM stdin;\n";
    let twice = plain.replacen(data, &format!("{data}7\tagain\n"), 1);
    let file = files.write("twice.sql", twice.as_bytes());
    verify(&file, &["--level", "content"]).run().expect_code(0);
    let output = with_server(verify(&file, &["--level", "restore"])).run().expect_code(2);
    let problem = output.json()["report"]["backups"][0]["problems"][0].take();
    assert_eq!(problem["kind"], "restore");
    let own = files.dump(15, &db, &["-Fp", "-C"], "own");
    with_server(verify(&own, &["--level", "restore"])).run().expect_code(3);
}

#[test]
fn a_flipped_bit_that_gzip_notices_is_found_and_what_it_proves_is_told() {
    let db = Cluster::shared().create_db("bits");
    load_little(&db);
    let files = Files::new();
    let mut bytes = fs::read(files.dump(15, &db, &["-Fc"], "dump")).unwrap();
    let run = Pgtend::new().args(["verify-backup", "--level", "content"]).arg(files.path("dump"));
    let text = run.run().expect_code(0).stdout;
    for word in
        ["passed verification at level content", "custom format", "not proved", "no digests"]
    {
        assert!(text.contains(word), "{text}");
    }
    let at = bytes.len() - 2000;
    bytes[at] ^= 0x10;
    let file = files.write("dump", &bytes);
    verify(&file, &["--level", "content"]).run().expect_code(2);
}

#[test]
fn a_compression_that_does_not_expand_is_damage() {
    let db = Cluster::shared().create_db("bits");
    load_little(&db);
    let files = Files::new();
    let read = |format: &str| fs::read(files.dump(15, &db, &[format], format)).unwrap();
    let (custom, plain) = (read("-Fc"), read("-Fp"));
    for whole in [gzip(&custom), gzip(&plain), zstd(&custom), zstd(&plain)] {
        verify(&files.write("whole", &whole), &[]).run().expect_code(0);
        for at in [whole.len() / 3, whole.len() - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x04;
            let file = files.write("flipped", &bytes);
            for level in ["manifest", "content"] {
                let output = verify(&file, &["--level", level]).run().expect_code(2);
                let problem = output.json()["report"]["backups"][0]["problems"][0].take();
                // Its sum is what nothing but its decompressor looks at.
                let named = problem["what"].as_str().unwrap().contains("compression is damaged");
                assert!(at < whole.len() - 1 || named, "{problem}");
            }
            let run = restore(db.cluster(), &file, &["--into", db.name(), "--clean"]);
            let output = run.args(["--confirm", db.name()]).run().expect_code(2);
            assert!(output.stderr.contains("nothing was changed"), "{}", output.stderr);
        }
    }
    assert_eq!(db.psql("SELECT count(*) FROM t"), "700");
}

#[test]
fn what_is_not_known_is_no_damage() {
    let db = Cluster::shared().create_db("unknown");
    load_little(&db);
    let files = Files::new();
    let custom = fs::read(files.dump(15, &db, &["-Fc"], "custom")).unwrap();
    let of_version = |minor: u8| {
        let mut bytes = custom.clone();
        bytes[6] = minor;
        bytes
    };
    let sjis = fs::read(files.dump(15, &db, &["-Fp", "-E", "SJIS"], "sjis")).unwrap();
    for (bytes, word) in [
        // pg_dump 11, and one that is not there yet.
        (of_version(13), "1.13"),
        (gzip(&of_version(99)), "1.99"),
        (sjis, "--encoding=UTF8"),
    ] {
        let file = files.write("unknown", &bytes);
        let document = verify(&file, &[]).run().expect_code(3).json();
        let problem = &document["report"]["backups"][0]["problems"][0];
        assert_eq!(problem["kind"], "unknown");
        assert!(problem["what"].as_str().unwrap().contains(word), "{problem}");
        let run = restore(db.cluster(), &file, &["--into", db.name(), "--clean"]);
        let output = run.args(["--confirm", db.name()]).run().expect_code(77);
        assert!(output.stderr.contains(word), "{}", output.stderr);
    }
    assert_eq!(db.psql("SELECT count(*) FROM t"), "700");
}

#[test]
fn age_is_that_of_the_header_or_of_the_file() {
    let db = Cluster::shared().create_db("age");
    load_little(&db);
    let files = Files::new();
    for (format, from) in [("-Fc", "header"), ("-Fp", "modification")] {
        let file = files.dump(15, &db, &[format], format);
        // The header's clock has no zone: the file's own time does not help it here.
        let document = verify(&file, &["--max-age", "26h"]).run().expect_code(0).json();
        let dump = &document["report"]["backups"][0]["dump"];
        assert!(dump["time_from"].as_str().unwrap().contains(from), "{dump}");
        let old = SystemTime::now() - Duration::from_secs(30 * 3600);
        File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
        let document = verify(&file, &["--max-age", "26h"]).run().expect_code(2).json();
        assert_eq!(document["report"]["backups"][0]["problems"][0]["kind"], "too-old");
    }
}
