//! Sealed backups: nothing in the store can be read without the identity, and with it they are
//! what others are.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;
use age::x25519;
use pgtend::archive::manifest::{Kind, Manifest};
use serde_json::Value;
use tempfile::TempDir;

use crate::backup_right::repo::{self, Backup, Repo};
use crate::harness::pgtend::Output;
use crate::harness::{Cluster, Database, Pgtend, command, compare};
use crate::restore_right::{Made, restore};
use crate::verify_restore::trial::trial;

/// A word that stands in rows, in a name and in a statement.
const SECRET: &str = "s3cretword";

/// A secret key in a file of its own.
pub struct Key {
    identity: x25519::Identity,
    folder: TempDir,
}

impl Key {
    pub fn new() -> Self {
        let key =
            Self { identity: x25519::Identity::generate(), folder: tempfile::tempdir().unwrap() };
        let text = format!("# created: today\n{}\n", key.secret());
        fs::write(key.file(), text).unwrap();
        fs::set_permissions(key.file(), PermissionsExt::from_mode(0o600)).unwrap();
        key
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("identity.txt")
    }

    pub fn path(&self) -> String {
        self.file().display().to_string()
    }

    fn secret(&self) -> String {
        self.identity.to_string().expose_secret().to_owned()
    }

    pub fn recipient(&self) -> String {
        self.identity.to_public().to_string()
    }

    /// What stock age makes of a stored object.
    fn open(&self, sealed: &[u8]) -> Vec<u8> {
        age::decrypt(&self.identity, sealed).unwrap()
    }
}

fn load(db: &Database<'_>) {
    db.psql(&format!(
        "CREATE TABLE {SECRET}_names (id int PRIMARY KEY, v text DEFAULT '{SECRET}');
         INSERT INTO {SECRET}_names SELECT g, '{SECRET} ' || g FROM generate_series(1, 100) g;
         CREATE TABLE pages (id int, v text);
         INSERT INTO pages SELECT g, md5(g::text) || md5((g + 1)::text) FROM generate_series(1, 20000) g;
         CREATE TABLE no_rows (a int);
         SELECT lo_from_bytea(7000, convert_to(repeat('{SECRET}', 40000), 'UTF8'));
         SELECT lo_create(7001)"
    ));
}

/// A sealed backup, whose record is only a header.
fn back_up(repo: &Repo, db: &Database<'_>, arguments: &[&str]) -> Backup {
    let backup = repo.backup(db, arguments);
    assert!(backup.manifest.hidden);
    backup
}

fn verify(repo: &Repo, level: &str, arguments: &[&str]) -> Output {
    let run = ["verify-backup", "latest", "--no-record", "--level", level];
    repo.pgtend([&run[..], arguments].concat()).run()
}

fn verified(output: &Output) -> Value {
    output.json()["report"]["backups"][0].take()
}

/// A copy of the folder as `age -d` and `unzstd` leave it.
fn opened_copy(backup: &Backup, key: &Key) -> TempDir {
    let copy = tempfile::Builder::new().prefix("pgt-open").tempdir().unwrap();
    for object in &backup.manifest.objects {
        let sealed = fs::read(backup.folder.join(&object.name)).unwrap();
        let name = object.name.strip_suffix(".age").expect("every object is sealed");
        let bytes = key.open(&sealed);
        if object.kind == Kind::Record {
            // The whole record, as an unsealed backup has it.
            let whole = Manifest::from_bytes(&bytes).unwrap();
            assert!(whole.objects.iter().any(|object| object.table.is_some()));
        } else {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
    }
    copy
}

#[test]
fn nothing_in_the_store_is_readable_and_stock_tools_with_the_key_restore_it() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("sealed");
    load(&db);
    for (compress, jobs) in [("zstd", "4"), ("none", "1")] {
        let (repo, key) = (Repo::new(), Key::new());
        let recipient = key.recipient();
        let arguments =
            ["--recipient", &recipient, "--compress", compress, "-j", jobs, "--chunk=64kB"];
        let backup = back_up(&repo, &db, &arguments);
        for name in repo.files() {
            let bytes = fs::read(repo.path().join(&name)).unwrap();
            let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!found, "{SECRET} is in {name}");
            let is_age = bytes.starts_with(b"age-encryption.org/v1\n");
            assert!(is_age || name.ends_with("manifest.json"), "{name}");
        }
        // Stock tools.
        let copy = opened_copy(&backup, &key);
        let expanded = copy.path().to_owned();
        if compress == "zstd" {
            let files = fs::read_dir(&expanded).unwrap().map(|entry| entry.unwrap().path());
            let packed = files.filter(|file| file.extension().is_some_and(|end| end == "zst"));
            let mut unzstd = std::process::Command::new("unzstd");
            unzstd.args(["-q", "--rm"]).args(packed);
            command::run(&mut unzstd, "").expect_success("unzstd");
        }
        let target = cluster.create_db("by_stock_tools");
        let mut stock = repo::program(15, "pg_restore", cluster);
        stock.args(["-Fd", "-j2", "-d", target.name()]).arg(&expanded);
        command::run(&mut stock, "").expect_success("pg_restore");
        compare::assert_equal(cluster, db.name(), cluster, target.name());
        // pgtend's own.
        let made = Made::new(cluster, "opened");
        let run = ["latest", "--into", &made.name, "--create", "--yes", "-j3"];
        let output = restore(&repo, cluster, &run).arg("--identity").arg(key.file());
        let report = output.run().expect_code(0).json()["report"].take();
        assert_eq!(report["rows"], backup.manifest.totals.rows, "{report}");
        compare::assert_equal(cluster, db.name(), cluster, &made.name);
        let output = verify(&repo, "content", &["--identity", &key.path()]).expect_code(0);
        let report = verified(&output);
        assert_eq!(report["rows"], backup.manifest.totals.rows);
        let stored: u64 = backup.manifest.objects.iter().map(|object| object.bytes).sum();
        // toc.dat is read twice, the record is not counted the first time.
        let toc = backup.manifest.objects.iter().find(|o| o.kind == Kind::Toc).unwrap().bytes;
        assert_eq!(report["bytes"], stored + toc, "every byte was read, and once");
    }
}

#[test]
fn without_the_identity_one_can_list_and_see_damage_and_is_told_what_was_not_seen() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("no_identity");
    load(&db);
    let (repo, key, other, there) = (Repo::new(), Key::new(), Key::new(), Repo::new());
    let backup = back_up(&repo, &db, &["--recipient", &key.recipient()]);
    let listed = repo.pgtend(["backup", "list"]).run().expect_code(0).json();
    assert_eq!(listed["report"]["backups"][0]["state"], "complete", "{listed}");
    assert_eq!(listed["report"]["backups"][0]["totals"]["rows"], backup.manifest.totals.rows);
    let report = verified(&verify(&repo, "manifest", &[]).expect_code(0));
    assert!(report["unseen"].as_str().unwrap().contains("sealed"), "{report}");
    let document = verify(&repo, "manifest", &[]).json();
    let proves = document["report"]["proves"].as_str().unwrap();
    assert!(proves.contains("what is in them was not seen"), "{proves}");
    for kind in [Kind::Toc, Kind::Record] {
        let object = backup.manifest.objects.iter().find(|object| object.kind == kind).unwrap();
        flip(&backup.folder.join(&object.name), object.bytes / 2);
        let report = verified(&verify(&repo, "manifest", &[]).expect_code(2));
        assert_eq!(report["problems"][0]["object"], object.name.as_str(), "{report}");
        flip(&backup.folder.join(&object.name), object.bytes / 2);
    }
    for level in ["content", "restore"] {
        let report = verified(&verify(&repo, level, &[]).expect_code(3));
        assert_eq!(report["problems"][0]["kind"], "unknown", "{report}");
        assert_eq!(report["passed"], false);
    }
    // What needs it names it, and who has it.
    let into = ["latest", "--into", "nothing_new", "--create", "--yes"];
    let exported = there.path().join("x.dump");
    let export = ["backup", "export", "latest", "-o", exported.to_str().unwrap()];
    for run in [restore(&repo, cluster, &into), repo.pgtend(export)] {
        let output = run.run().expect_code(64);
        assert!(output.stderr.contains(&key.recipient()), "{}", output.stderr);
        assert!(output.stderr.contains("--identity"), "{}", output.stderr);
    }
    let wrong = |run: Pgtend| run.arg("--identity").arg(other.file()).run().expect_code(77);
    let shown = ["backup", "show", "latest"];
    let content = ["verify-backup", "latest"];
    let runs = [
        restore(&repo, cluster, &into),
        repo.pgtend(export),
        repo.pgtend(shown),
        repo.pgtend(content),
    ];
    for output in runs.map(wrong) {
        for key in [&key, &other] {
            assert!(output.stderr.contains(&key.recipient()), "{}", output.stderr);
            assert!(!output.stderr.contains(&key.secret()));
        }
    }
    assert!(!exported.exists());
    // Showing: the header, and all of it.
    let output = repo.pgtend(shown).run().expect_code(0);
    assert!(!output.stdout.contains(SECRET));
    let output = repo.pgtend(shown).env("PGTEND_IDENTITY_FILE", key.file()).run().expect_code(0);
    assert!(output.stdout.contains(SECRET));
    // A copy needs no identity and keeps the seal.
    let to = format!("--to={}", there.path().display());
    repo.pgtend(["backup", "copy", "latest", &to]).run().expect_code(0);
    assert_eq!(repo.files(), there.files());
    verify(&there, "content", &["--identity", &key.path()]).expect_code(0);
    // Damage shows without it.
    let object = backup.manifest.objects.iter().max_by_key(|object| object.bytes).unwrap();
    flip(&backup.folder.join(&object.name), object.bytes / 2);
    let report = verified(&verify(&repo, "content", &[]).expect_code(2));
    assert_eq!(report["problems"][0]["object"], object.name.as_str(), "{report}");
}

/// Flips a bit of this byte.
fn flip(file: &Path, at: u64) {
    let mut bytes = fs::read(file).unwrap();
    bytes[usize::try_from(at).unwrap()] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_flipped_byte_anywhere_is_found() {
    let db = Cluster::shared().create_db("sealed_flips");
    load(&db);
    let (repo, key) = (Repo::new(), Key::new());
    let backup = back_up(&repo, &db, &["--recipient", &key.recipient()]);
    let identity = key.path();
    for (number, object) in backup.manifest.objects.iter().enumerate() {
        // In the header, in the first piece, and at the end.
        let places = [30, object.bytes / 2, object.bytes - 1];
        let at = places[number % places.len()];
        let path = backup.folder.join(&object.name);
        flip(&path, at);
        let output = verify(&repo, "content", &["--identity", &identity]).expect_code(2);
        assert!(output.stdout.contains(&object.name), "byte {at}: {}", output.stdout);
        flip(&path, at);
    }
    // A sealed object cut at a piece's end opens piece by piece, and is still not whole.
    let table = backup.manifest.objects.iter().max_by_key(|object| object.bytes).unwrap();
    assert!(table.bytes > 2 * 65_552, "{table:?}");
    let path = backup.folder.join(&table.name);
    let whole = fs::read(&path).unwrap();
    let content = table.content_bytes.unwrap();
    let header = table.bytes - content - content.div_ceil(65_536) * 16;
    fs::write(&path, &whole[..usize::try_from(header).unwrap() + 65_552]).unwrap();
    verify(&repo, "content", &["--identity", &identity]).expect_code(2);
    fs::write(&path, whole).unwrap();
    verify(&repo, "content", &["--identity", &identity]).expect_code(0);
}

/// A successful trial of a part tells what it could not try, a failed one what is wrong.
#[test]
fn records_of_verifications_tell_no_names_and_prove_tables_all_the_same() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("sealed_records");
    load(&db);
    // Large enough for a part of its own: its key cannot be tried there.
    db.psql(&format!(
        "CREATE TABLE {SECRET}_refs (id int CONSTRAINT {SECRET}_fk REFERENCES {SECRET}_names, v text);
         INSERT INTO {SECRET}_refs SELECT g, repeat('x', 30000) FROM generate_series(1, 100) g"
    ));
    let (repo, key) = (Repo::new(), Key::new());
    let backup = back_up(&repo, &db, &["--recipient", &key.recipient()]);
    let identity = ["--identity", &key.path()];
    let coverage = || {
        let show = repo.pgtend(["backup", "show", "latest"]).args(identity).run();
        show.expect_code(0).json()["report"]["coverage"].take()
    };
    let mut not_tried = 0;
    for share in ["1/3", "2/3", "3/3"] {
        let run = trial(&repo, cluster, [&format!("--tables={share}")]).args(identity);
        let report = verified(&run.run().expect_code(0));
        not_tried += report["part"]["not_tried"].as_array().map_or(0, Vec::len);
    }
    assert!(not_tried > 0, "a name would be told");
    let known = coverage();
    assert_eq!(
        (&known["proven"], &known["level"]),
        (&known["tables"], &"restore".into()),
        "{known}"
    );
    // The next backup's tables are known by the records of this one; to nobody else.
    let next = back_up(&repo, &db, &["--recipient", &key.recipient()]);
    let known = coverage();
    assert_eq!(known["proven"], known["tables"], "{known}");
    assert_eq!(known["oldest"]["table"].as_str().map(str::is_empty), Some(false));
    // Damage of what is sealed, of the bytes and of the assertions.
    let file = key.folder.path().join("holds.sql");
    fs::write(&file, format!("SELECT false, v FROM {SECRET}_names LIMIT 1")).unwrap();
    let assertion = format!("--assert={}", file.display());
    trial(&repo, cluster, [&assertion]).args(identity).run().expect_code(2);
    let table = next.manifest.objects.iter().max_by_key(|object| object.bytes).unwrap();
    flip(&next.folder.join(&table.name), table.bytes / 2);
    let run = repo.pgtend(["verify-backup", "latest"]).args(identity).run().expect_code(2);
    assert!(run.stdout.contains(&table.name), "{}", run.stdout);
    let mut records = 0;
    for name in repo.files().iter().filter(|name| name.contains("/verifications/")) {
        records += 1;
        let text = fs::read_to_string(repo.path().join(name)).unwrap();
        for secret in [SECRET, "pages", "no_rows", "sha256:"] {
            assert!(!text.contains(secret), "{secret} is in {name}: {text}");
        }
    }
    assert_eq!(records, 5);
    assert!(backup.folder.join("verifications").is_dir());
}

#[test]
fn several_recipients_of_files_and_settings_can_each_open_it() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("recipients");
    load(&db);
    let repo = Repo::new();
    let keys = [Key::new(), Key::new(), Key::new()];
    let file = keys[0].folder.path().join("recipients.txt");
    let text = format!("# the team\n\n{}\n{}\n", keys[1].recipient(), keys[2].recipient());
    fs::write(&file, text).unwrap();
    let first = keys[0].recipient();
    let arguments = ["--recipient", &first, "--recipients-file", file.to_str().unwrap()];
    let backup = back_up(&repo, &db, &arguments);
    assert_eq!(backup.manifest.recipients.len(), 3);
    for key in &keys {
        verify(&repo, "content", &["--identity", &key.path()]).expect_code(0);
    }
    // One of several identities is enough; one that others can read is told.
    let other = Key::new();
    fs::set_permissions(other.file(), PermissionsExt::from_mode(0o644)).unwrap();
    let both = ["--identity", &other.path(), "--identity", &keys[2].path()];
    let output = verify(&repo, "manifest", &both).expect_code(0);
    assert!(output.stderr.contains("0644"), "{}", output.stderr);
    assert!(verified(&output)["unseen"].is_null());
    // From pgtend.toml, both halves.
    let run = repo.backup_command(cluster, db.name(), &["-T", "pages"]);
    let toml = |home: &Path| {
        let (identity, recipient) = (keys[1].path(), keys[1].recipient());
        let text = format!("identity = \"{identity}\"\n[backup]\nrecipients = [\"{recipient}\"]\n");
        fs::write(home.join("pgtend.toml"), text).unwrap();
    };
    toml(run.home());
    let backup = repo.done(run.run().expect_code(0));
    assert_eq!(backup.manifest.recipients, [keys[1].recipient()]);
    let run = repo.pgtend(["verify-backup", "latest"]);
    toml(run.home());
    run.run().expect_code(0);
}

#[test]
fn keys_that_are_none_are_refused_before_anything_is_read() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("wrong_keys");
    let (repo, key) = (Repo::new(), Key::new());
    let empty = key.folder.path().join("empty.txt");
    fs::write(&empty, "# nobody\n").unwrap();
    let empty = empty.to_str().unwrap();
    let (secret, path) = (key.secret(), key.path());
    for arguments in [
        ["--recipient", "age1nonsense"],
        ["--recipient", &secret],
        ["--recipient", ""],
        ["--recipients-file", empty],
        ["--recipients-file", "/nowhere"],
        ["--recipients-file", &path],
    ] {
        let output = repo.backup_command(cluster, db.name(), &arguments).run().expect_code(64);
        assert!(!output.stderr.contains(&secret) && !output.stdout.contains(&secret));
        assert_eq!(repo.files(), [""; 0]);
    }
    repo.backup(&db, &[]);
    fs::write(key.file(), format!("{}x\n", key.secret())).unwrap();
    for file in [path.as_str(), empty, "/nowhere"] {
        let output = verify(&repo, "manifest", &["--identity", file]).expect_code(64);
        assert!(output.stderr.contains(file), "{}", output.stderr);
        assert!(!output.stderr.contains(&secret) && !output.stdout.contains(&secret));
    }
}
