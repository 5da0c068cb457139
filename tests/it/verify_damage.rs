//! verify-backup finds damage, names it, and says nothing where there is none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use pgtend::archive::frame;
use pgtend::archive::manifest::{self, Manifest};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::backup_right::repo::{Backup, Repo};
use crate::harness::{Cluster, Database};
use crate::restore_right::{Made, restore};

/// Flips in all; a third in backups of each compression.
const FLIPS: usize = 201;

/// Tables of several frames, of one and of none; two that have files of one size; large objects,
/// one of them empty.
fn load(db: &Database<'_>) {
    db.psql(
        "CREATE TABLE frames (id int, v text);
         INSERT INTO frames SELECT 100000 + g, md5(g::text) FROM generate_series(1, 4000) g;
         CREATE TABLE same_1 (a text); INSERT INTO same_1 VALUES ('one');
         CREATE TABLE same_2 (a text); INSERT INTO same_2 VALUES ('two');
         CREATE TABLE no_rows (a int);
         CREATE TABLE no_columns (); INSERT INTO no_columns DEFAULT VALUES;
         SELECT lo_from_bytea(1000 + g, convert_to(repeat(md5(g::text), g), 'UTF8'))
         FROM generate_series(1, 5) g;
         SELECT lo_create(2000)",
    );
}

fn back_up(repo: &Repo, db: &Database<'_>, compress: &str) -> Backup {
    repo.backup(db, &["--compress", compress, "--chunk=40kB", "-j2"])
}

/// The report of verifying one backup by its folder, with the exit code.
#[track_caller]
fn verify(repo: &Repo, backup: &Backup, level: &str) -> (i32, Value) {
    let folder = backup.folder.display().to_string();
    let arguments = ["verify-backup", &folder, "--level", level, "--no-record", "-j2"];
    let output = repo.pgtend(arguments).run();
    let report = output.json()["report"]["backups"][0].take();
    assert_eq!(report["id"], backup.report["id"], "{}", output.stderr);
    assert_eq!(report["passed"], output.code == 0, "{report}");
    (output.code, report)
}

/// The problems as `kind object`.
fn problems(report: &Value) -> Vec<String> {
    let mut problems: Vec<String> = report["problems"]
        .as_array()
        .expect("problems")
        .iter()
        .map(|p| format!("{} {}", p["kind"].as_str().unwrap(), p["object"].as_str().unwrap_or("-")))
        .collect();
    problems.sort();
    problems
}

/// SplitMix64: the same flips in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }
}

/// Names of the files of a backup that have a bit to flip.
fn stored(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.metadata().unwrap().len() > 0)
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Flips bits of one backup, one at a time, in each object in turn.
fn flip_bits(repo: &Repo, backup: &Backup, seed: u64) -> BTreeMap<String, usize> {
    let names = stored(&backup.folder);
    let mut random = Random(seed);
    let mut found = BTreeMap::new();
    for number in 0..FLIPS / 3 {
        let name = &names[number % names.len()];
        let path = backup.folder.join(name);
        let whole = fs::read(&path).unwrap();
        let bit = random.below(whole.len() * 8);
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, flipped).unwrap();
        let (code, report) = verify(repo, backup, "content");
        let named = problems(&report).iter().any(|problem| problem.ends_with(&format!(" {name}")));
        assert!(code == 2 && named, "bit {bit} of {name}: exit {code}, {report}");
        fs::write(&path, whole).unwrap();
        *found.entry(name.clone()).or_default() += 1;
    }
    assert_eq!(verify(repo, backup, "content").0, 0, "all is as it was");
    found
}

#[test]
fn every_flipped_bit_is_found_and_its_object_named() {
    let db = Cluster::shared().create_db("flips");
    load(&db);
    let repo = Repo::new();
    let made = ["zstd", "gzip", "none"].map(|compress| back_up(&repo, &db, compress));
    let found = thread::scope(|scope| {
        let repo = &repo;
        let runs = [(&made[0], 1), (&made[1], 2), (&made[2], 3)]
            .map(|(backup, seed)| scope.spawn(move || flip_bits(repo, backup, seed)));
        runs.map(|run| run.join().unwrap())
    });
    assert_eq!(found.iter().flat_map(BTreeMap::values).sum::<usize>(), FLIPS);
    for (found, suffix) in found.iter().zip([".zst", ".gz", ""]) {
        for name in ["toc.dat", "manifest.json", "blobs.toc"] {
            assert!(found.contains_key(name), "{found:?}");
        }
        for name in [format!("globals.sql{suffix}"), format!("blob_1005.dat{suffix}")] {
            assert!(found.contains_key(&name), "{found:?}");
        }
        assert!(found.len() >= 13, "{found:?}");
    }
}

#[test]
fn a_missing_or_cut_or_longer_object_is_found_without_reading() {
    let db = Cluster::shared().create_db("missing");
    load(&db);
    for compress in ["zstd", "gzip", "none"] {
        let repo = Repo::new();
        let backup = back_up(&repo, &db, compress);
        for object in &backup.manifest.objects {
            let path = backup.folder.join(&object.name);
            let whole = fs::read(&path).unwrap();
            fs::remove_file(&path).unwrap();
            let (code, report) = verify(&repo, &backup, "manifest");
            assert_eq!((code, problems(&report)), (2, vec![format!("missing {}", object.name)]));
            if let Some((_, cut)) = whole.split_last() {
                fs::write(&path, cut).unwrap();
                let (code, report) = verify(&repo, &backup, "manifest");
                assert_eq!((code, problems(&report)), (2, vec![format!("size {}", object.name)]));
            }
            fs::write(&path, [whole.as_slice(), b"\n"].concat()).unwrap();
            let (code, report) = verify(&repo, &backup, "manifest");
            assert_eq!((code, problems(&report)), (2, vec![format!("size {}", object.name)]));
            fs::write(&path, whole).unwrap();
        }
        let (code, report) = verify(&repo, &backup, "manifest");
        assert_eq!((code, problems(&report)), (0, vec![]));
        assert_eq!(report["objects"], backup.manifest.objects.len());
        fs::remove_file(backup.folder.join("manifest.json")).unwrap();
        let (code, report) = verify(&repo, &backup, "manifest");
        assert_eq!((code, problems(&report)), (2, vec!["incomplete -".to_owned()]));
    }
}

#[test]
fn swapped_objects_and_frames_are_found_by_reading() {
    let db = Cluster::shared().create_db("swapped");
    load(&db);
    let repo = Repo::new();
    let backup = back_up(&repo, &db, "none");
    let names = ["same_1", "same_2"].map(|name| backup.table("public", name).name.clone());
    let paths = names.clone().map(|name| backup.folder.join(name));
    let bytes = paths.clone().map(|path| fs::read(path).unwrap());
    assert_eq!(bytes[0].len(), bytes[1].len());
    fs::write(&paths[0], &bytes[1]).unwrap();
    fs::write(&paths[1], &bytes[0]).unwrap();
    // Names and sizes are right: only the bytes tell.
    assert_eq!(verify(&repo, &backup, "manifest").0, 0);
    let (code, report) = verify(&repo, &backup, "content");
    let mut expected = names.map(|name| format!("damaged {name}")).to_vec();
    expected.sort();
    let mut seen = problems(&report);
    seen.dedup();
    assert_eq!((code, seen), (2, expected));
    let tables: Vec<&str> =
        report["problems"].as_array().unwrap().iter().filter_map(|p| p["table"].as_str()).collect();
    assert!(tables.contains(&"public.same_1") && tables.contains(&"public.same_2"), "{report}");
    fs::write(&paths[0], &bytes[0]).unwrap();
    fs::write(&paths[1], &bytes[1]).unwrap();

    let object = backup.table("public", "frames");
    let [one, other, ..] = &object.frames[..] else { panic!("two frames are needed") };
    // Row for row the same places in both, as far as the shorter one reaches.
    let length = usize::try_from(one.length().min(other.length())).unwrap();
    let path = backup.folder.join(&object.name);
    let whole = fs::read(&path).unwrap();
    let range = |frame: &manifest::Frame| {
        let start = usize::try_from(frame.offset()).unwrap();
        start..start + length
    };
    let mut swapped = whole.clone();
    swapped[range(one)].copy_from_slice(&whole[range(other)]);
    swapped[range(other)].copy_from_slice(&whole[range(one)]);
    assert_ne!(swapped, whole);
    fs::write(&path, swapped).unwrap();
    assert_eq!(verify(&repo, &backup, "manifest").0, 0);
    let (code, report) = verify(&repo, &backup, "content");
    let mut seen = problems(&report);
    seen.dedup();
    assert_eq!((code, seen), (2, vec![format!("damaged {}", object.name)]));
}

/// A record is whole by its own digest, which is no signature: its numbers may be anything.
#[test]
fn a_record_that_asks_for_too_much_memory_is_damage() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("too_much");
    load(&db);
    let repo = Repo::new();
    let backup = back_up(&repo, &db, "zstd");
    let path = backup.folder.join(manifest::NAME);
    let at = backup.manifest.objects.iter().position(|o| o.name == one_table(&backup)).unwrap();
    let refused = |record: &Manifest, words: &str| {
        fs::write(&path, record.to_bytes().unwrap()).unwrap();
        let (code, report) = verify(&repo, &backup, "content");
        assert_eq!(code, 2, "{report}");
        assert!(report["problems"].to_string().contains(words), "{report}");
        let folder = backup.folder.display().to_string();
        let made = Made::new(cluster, "too_much");
        let into = [&folder, "--into", &made.name, "--create", "--yes"];
        let output = restore(&repo, cluster, &into).run().expect_code(2);
        assert!(output.stderr.contains(words), "no '{words}' in {}", output.stderr);
    };

    let mut record = backup.manifest.clone();
    record.objects[at].frames[0].1 = 1 << 46;
    refused(&record, "cannot be");
    record.objects[at].bytes = 1 << 46;
    refused(&record, "cannot be");

    // A few stored bytes that expand to 256 MiB, where a few rows should be.
    let mut record = backup.manifest.clone();
    let object = &mut record.objects[at];
    let stored_path = backup.folder.join(&object.name);
    let whole = fs::read(&stored_path).unwrap();
    let first = object.frames[0].clone();
    let mut encoder = frame::Encoder::new(frame::Compression::DEFAULT).unwrap();
    for _ in 0..256 {
        encoder.push_bytes(&[b'x'; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap().unwrap().stored.to_vec();
    let rest = &whole[usize::try_from(first.length()).unwrap()..];
    let stored = [&bomb[..], rest].concat();
    object.frames[0].1 = bomb.len() as u64;
    object.frames[0].4 = frame::checksum(&bomb);
    for frame in &mut object.frames[1..] {
        frame.0 = frame.0 - first.length() + bomb.len() as u64;
    }
    object.bytes = stored.len() as u64;
    object.sha256 = manifest::hex(&Sha256::digest(&stored));
    fs::write(&stored_path, stored).unwrap();
    refused(&record, "it expands to more than");
}

/// The object of the table with several frames.
fn one_table(backup: &Backup) -> String {
    backup.table("public", "frames").name.clone()
}

#[test]
fn a_record_in_another_backups_folder_is_found() {
    let db = Cluster::shared().create_db("foreign");
    load(&db);
    let repo = Repo::new();
    let (one, other) = (back_up(&repo, &db, "zstd"), back_up(&repo, &db, "zstd"));
    let record = |backup: &Backup| backup.folder.join("manifest.json");
    fs::copy(record(&one), record(&other)).unwrap();
    for level in ["manifest", "content"] {
        let (code, report) = verify(&repo, &other, level);
        assert_eq!(code, 2, "{level}");
        let told = report["problems"].to_string();
        let id = one.report["id"].as_str().unwrap();
        assert!(told.contains(&format!("the record is of backup {id}")), "{told}");
    }
    assert_eq!(verify(&repo, &one, "content").0, 0);
}

#[test]
fn objects_that_nobody_wrote_down_are_harmless() {
    let db = Cluster::shared().create_db("extra");
    load(&db);
    let repo = Repo::new();
    let backup = back_up(&repo, &db, "zstd");
    let bytes = verify(&repo, &backup, "content").1["bytes"].clone();
    for name in ["99999.dat.zst", "99998.dat", "notes.txt", "manifest.json.tmp", "blob_7.dat.zst"] {
        fs::write(backup.folder.join(name), "not a frame of anything").unwrap();
    }
    fs::create_dir(backup.folder.join("lost+found")).unwrap();
    for level in ["manifest", "content"] {
        let (code, report) = verify(&repo, &backup, level);
        assert_eq!((code, problems(&report)), (0, vec![]), "{level}");
    }
    assert_eq!(verify(&repo, &backup, "content").1["bytes"], bytes, "they are not even read");
}

/// All of a list's or a verification's backups, by id.
fn backups(output: &crate::harness::pgtend::Output) -> BTreeMap<String, Value> {
    let json = output.json();
    let backups = json["report"]["backups"].as_array().expect("backups").clone();
    backups.into_iter().map(|b| (b["id"].as_str().unwrap().to_owned(), b)).collect()
}

#[test]
fn age_limits_and_choices_of_several_backups() {
    let cluster = Cluster::shared();
    let (one, two) = (cluster.create_db("aged"), cluster.create_db("aged"));
    load(&one);
    load(&two);
    let repo = Repo::new();
    let ids = [&one, &one, &two]
        .map(|db| back_up(&repo, db, "zstd").report["id"].as_str().unwrap().to_owned());
    thread::sleep(Duration::from_millis(2100));
    let run = |arguments: &[&str]| repo.pgtend([&["verify-backup"], arguments].concat()).run();
    let manifest = ["--level", "manifest", "--no-record"];
    let with = |arguments: &[&str]| run(&[arguments, &manifest].concat());

    let all = backups(&with(&["--since", "1h"]).expect_code(0));
    assert_eq!(all.keys().collect::<Vec<_>>().len(), 3);
    assert!(ids.iter().all(|id| all[id]["passed"] == true));
    let none = with(&["--since", "1s"]).expect_code(2);
    assert!(none.stderr.contains("no backup in"), "{}", none.stderr);

    let some = backups(&with(&[&ids[0], &ids[2], &ids[0]]).expect_code(0));
    assert_eq!(some.keys().collect::<Vec<_>>(), [&ids[0], &ids[2]]);
    let latest = backups(&with(&[&format!("latest:{}", one.name())]).expect_code(0));
    assert_eq!(latest.keys().collect::<Vec<_>>(), [&ids[1]]);
    let unclear = with(&["latest"]).expect_code(64);
    assert!(unclear.stderr.contains("several databases"), "{}", unclear.stderr);
    with(&["20010101T"]).expect_code(64);
    with(&[]).expect_code(64);

    with(&[&ids[0], "--max-age", "1h"]).expect_code(0);
    let old = with(&[&ids[0], "--max-age", "1s"]).expect_code(2);
    let old = &backups(&old)[&ids[0]];
    assert_eq!(problems(old), ["too-old -"]);

    // Damage of one hides nothing of the others.
    let folder = fs::read_dir(repo.path()).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(folder.join(one.name()).join(&ids[0]).join("toc.dat")).unwrap();
    let all = backups(&with(&["--since", "1h"]).expect_code(2));
    let passed: Vec<bool> = ids.iter().map(|id| all[id]["passed"] == true).collect();
    assert_eq!(passed, [false, true, true]);
}

#[test]
fn what_was_verified_stands_in_the_repository_and_in_the_list() {
    let db = Cluster::shared().create_db("recorded");
    load(&db);
    let repo = Repo::new();
    let backup = back_up(&repo, &db, "zstd");
    let id = backup.report["id"].as_str().unwrap().to_owned();
    let folder = backup.folder.join("verifications");
    let listed = || {
        let list = repo.pgtend(["backup", "list"]).run().expect_code(0);
        backups(&list)[&id].clone()
    };
    let records = || {
        let entries = fs::read_dir(&folder).map(|entries| entries.map(|e| e.unwrap().path()));
        let mut paths: Vec<_> = entries.map(Iterator::collect).unwrap_or_default();
        paths.sort();
        paths
            .iter()
            .map(|path| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap())
            .collect::<Vec<_>>()
    };
    let run = |level: &str, code: i32| {
        repo.pgtend(["verify-backup", &id, "--level", level]).run().expect_code(code)
    };

    let first = listed();
    assert_eq!(first["state"], "complete");
    assert_eq!(first["database"], db.name());
    assert_eq!(first["totals"]["rows"], backup.manifest.totals.rows);
    assert_eq!(first.get("verified"), None);
    repo.pgtend(["verify-backup", &id, "--no-record"]).run().expect_code(0);
    assert!(!folder.exists(), "--no-record leaves none");

    run("manifest", 0);
    assert_eq!(records().len(), 1);
    assert_eq!(listed()["verified"]["level"], "manifest");
    run("content", 0);
    run("manifest", 0);
    let record = &records()[1];
    assert_eq!(records().len(), 3);
    assert_eq!(record["result"]["level"], "content");
    assert_eq!(record["result"]["passed"], true);
    assert_eq!(record["result"]["rows"], backup.manifest.totals.rows);
    assert_eq!(record["result"]["tables"], 5);
    assert_eq!(record["result"]["raw_bytes"], backup.manifest.totals.raw_bytes);
    assert_eq!(record["result"]["bytes"], {
        // toc.dat is read by both levels.
        let toc = &backup.manifest.objects[0];
        assert_eq!(toc.name, "toc.dat");
        backup.manifest.totals.bytes + toc.bytes
    });
    // The highest level that passed, and when.
    assert_eq!(listed()["verified"]["level"], "content");
    assert_eq!(listed()["verified"]["passed"], true);
    assert_eq!(listed()["verified"]["at"], record["at"]);

    let path = backup.folder.join(&backup.table("public", "frames").name);
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    damaged[10] ^= 1;
    fs::write(&path, damaged).unwrap();
    run("content", 2);
    assert_eq!(records().len(), 4);
    assert_eq!(listed()["verified"]["passed"], false, "a newer failure hides the older proof");
    fs::write(&path, whole).unwrap();
    run("content", 0);
    assert_eq!(listed()["verified"]["passed"], true);

    fs::remove_file(backup.folder.join("manifest.json")).unwrap();
    assert_eq!(listed()["state"], "incomplete");
    fs::write(backup.folder.join("manifest.json"), "{}").unwrap();
    let list = repo.pgtend(["backup", "list"]).run().expect_code(1);
    assert_eq!(backups(&list)[&id]["state"], "damaged");
}
