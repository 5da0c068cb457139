//! What a store promises, kept by every kind of it: each promise is one test on each store.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pgtend::exit::Exit;
use pgtend::settings::{Environment, S3Settings};
use pgtend::store::Store;
use tempfile::TempDir;

use crate::harness::command;
use crate::harness::dice::Dice;
use crate::harness::s3::{Fault, Faults, Kind, S3Server};

const MIB: usize = 1024 * 1024;

/// Runs one test on a new, empty store.
fn run(store: &Store, test: impl AsyncFnOnce(&Store)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(test(store));
}

/// The same tests on each kind of store.
macro_rules! contract {
    ($($name:ident),* $(,)?) => {
        mod directory {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let folder = TempDir::new().unwrap();
                    super::run(&in_directory(folder.path()), super::$name);
                }
            )*
        }

        mod s3 {
            $(
                #[test]
                fn $name() {
                    super::in_s3(concat!("store_contract::s3::", stringify!($name)), super::$name);
                }
            )*
        }
    };
}

contract! {
    objects_come_back_as_written,
    objects_without_bytes_exist,
    created_objects_are_new,
    published_objects_are_new_and_whole,
    what_is_not_there_is_none,
    reads_are_limited,
    readers_seek,
    large_objects_come_back,
    several_objects_are_written_at_once,
    listings_are_of_one_folder_and_sorted,
    names_are_kept_letter_by_letter,
    removing_is_about_one_object,
    removing_a_folder_touches_no_neighbour,
    folders_that_must_be_new_are,
}

fn in_directory(folder: &Path) -> Store {
    let location = folder.join("repo");
    let environment = Environment::from_list(folder, []);
    Store::open(location.to_str().unwrap(), &S3Settings::new(environment.aws())).unwrap()
}

/// Runs the test of this name in a process of its own: the SDK takes its login from the
/// environment, and nobody changes that of a process with threads. The server gives pages of
/// three entries.
fn in_s3(name: &str, test: impl AsyncFnOnce(&Store)) {
    in_s3_with(Faults::none(), name, test);
}

/// The same with a server that fails as planned.
fn in_s3_with(faults: Faults, name: &str, test: impl AsyncFnOnce(&Store)) {
    const REPOSITORY: &str = "PGTEND_TEST_S3_REPOSITORY";
    if let Ok(location) = env::var(REPOSITORY) {
        let settings = S3Settings::new(Environment::capture().aws());
        return run(&Store::open(&location, &settings).unwrap(), test);
    }
    let server = S3Server::with(faults);
    server.page(3);
    let mut child = Command::new(env::current_exe().unwrap());
    child.env_clear().envs(server.environment()).env(REPOSITORY, server.repository("pg/backups"));
    let ended = command::run(child.args([name, "--exact", "--nocapture"]), "");
    let said = format!("{}{}", ended.stdout(), ended.stderr());
    assert!(ended.status.success() && said.contains(" 1 passed;"), "{name} on S3:\n{said}");
    assert!(server.requests().len() > 1, "nothing was asked");
    assert_eq!(server.uploads(), Vec::<String>::new(), "an upload is left open");
}

/// Bytes that do not compress and come again with the same seed.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    std::iter::repeat_with(|| u8::try_from(dice.below(256)).unwrap()).take(bytes).collect()
}

/// Writes an object in one go.
async fn write(store: &Store, key: &str, bytes: &[u8]) -> pgtend::error::Result<u64> {
    if let Some((folder, _)) = key.rsplit_once('/') {
        store.ensure_folder(&format!("{folder}/")).await?;
    }
    let mut writer = store.create(key).await?;
    writer.append(bytes).await?;
    writer.finish().await
}

async fn read(store: &Store, key: &str) -> Option<Vec<u8>> {
    store.read(key, 1 << 30).await.unwrap()
}

async fn object_names(store: &Store, folder: &str) -> Vec<String> {
    store.objects(folder).await.unwrap().into_iter().map(|object| object.name).collect()
}

async fn objects_come_back_as_written(store: &Store) {
    for size in [1, 1000, MIB] {
        let (key, bytes) = (format!("a/b/{size}.dat"), noise(1, size));
        assert_eq!(write(store, &key, &bytes).await.unwrap(), bytes.len() as u64);
        assert!(read(store, &key).await.as_ref() == Some(&bytes), "{size} bytes");
        let listed = store.objects("a/b/").await.unwrap();
        let found = listed.iter().find(|object| key.ends_with(&object.name)).unwrap();
        assert_eq!(found.bytes, bytes.len() as u64);
    }
}

async fn objects_without_bytes_exist(store: &Store) {
    store.ensure_folder("a/").await.unwrap();
    let written = store.create("a/never-appended").await.unwrap().finish().await.unwrap();
    assert_eq!(written, 0);
    assert_eq!(write(store, "a/nothing", b"").await.unwrap(), 0);
    for key in ["a/never-appended", "a/nothing"] {
        assert_eq!(read(store, key).await, Some(Vec::new()));
        let mut reader = store.open_object(key).await.unwrap().expect("it is there");
        assert_eq!(reader.bytes().unwrap(), 0);
        assert_eq!(reader.read_full(&mut [0; 10]).await.unwrap(), 0);
    }
    let listed = store.objects("a/").await.unwrap();
    assert_eq!(listed.iter().map(|object| object.bytes).collect::<Vec<_>>(), [0, 0]);
}

async fn created_objects_are_new(store: &Store) {
    write(store, "a/x", b"first").await.unwrap();
    for bytes in [b"second".to_vec(), noise(2, 12 * MIB)] {
        write(store, "a/x", &bytes).await.expect_err("one is there");
        assert_eq!(read(store, "a/x").await.as_deref(), Some(&b"first"[..]));
    }
    assert_eq!(object_names(store, "a/").await, ["x"]);
}

async fn published_objects_are_new_and_whole(store: &Store) {
    store.ensure_folder("a/b/").await.unwrap();
    store.publish("a/b/manifest.json", b"{}").await.unwrap();
    store.sync_folder("a/b/").await.unwrap();
    for bytes in [&b"{}"[..], b"{\"other\": 1}", b""] {
        store.publish("a/b/manifest.json", bytes).await.expect_err("one is there");
    }
    assert_eq!(read(store, "a/b/manifest.json").await.as_deref(), Some(&b"{}"[..]));
    assert_eq!(object_names(store, "a/b/").await, ["manifest.json"]);
}

async fn what_is_not_there_is_none(store: &Store) {
    assert_eq!(read(store, "a/x").await, None);
    assert!(store.open_object("a/x").await.unwrap().is_none());
    for folder in ["", "a/", "a/b/"] {
        assert_eq!(object_names(store, folder).await, Vec::<String>::new());
        assert_eq!(store.folders(folder).await.unwrap(), Vec::<String>::new());
    }
    store.remove("a/x").await.unwrap();
    // A folder is no object.
    write(store, "a/x/y", b"1").await.unwrap();
    assert_eq!(object_names(store, "a/").await, Vec::<String>::new());
}

async fn reads_are_limited(store: &Store) {
    write(store, "a/x", &[7; 100]).await.unwrap();
    assert_eq!(store.read("a/x", 100).await.unwrap().map(|bytes| bytes.len()), Some(100));
    let error = store.read("a/x", 99).await.expect_err("one byte too many");
    assert!(format!("{error:?}").contains("99 bytes"), "{error:?}");
}

async fn readers_seek(store: &Store) {
    let bytes = noise(3, 3 * MIB + 7);
    write(store, "a/x", &bytes).await.unwrap();
    let mut reader = store.open_object("a/x").await.unwrap().expect("it is there");
    assert_eq!(reader.bytes().unwrap(), bytes.len() as u64);
    let mut dice = Dice::new(4);
    let ends = [(0, 10), (bytes.len() - 5, 10), (bytes.len(), 10), (MIB, 0), (0, bytes.len() + 1)];
    let chosen: Vec<_> =
        (0..20).map(|_| (dice.below(bytes.len()), dice.below(MIB))).chain(ends).collect();
    for (at, length) in chosen {
        reader.seek(at as u64).await.unwrap();
        let mut buffer = vec![0; length];
        let filled = reader.read_full(&mut buffer).await.unwrap();
        let wanted = &bytes[at..bytes.len().min(at + length)];
        assert!(buffer[..filled] == *wanted, "{filled} of {length} bytes at {at}");
    }
    // Without a seek it goes on where it was.
    reader.seek(0).await.unwrap();
    let mut again = Vec::new();
    let mut piece = vec![0; 300_001];
    loop {
        let filled = reader.read_full(&mut piece).await.unwrap();
        again.extend_from_slice(&piece[..filled]);
        if filled < piece.len() {
            break;
        }
    }
    assert!(again == bytes, "read on from the start");
}

/// More than one part of any S3 upload, in pieces that fit no part.
async fn large_objects_come_back(store: &Store) {
    let bytes = noise(5, 37 * MIB + 123);
    store.ensure_folder("a/").await.unwrap();
    let mut writer = store.create("a/x").await.unwrap();
    let (mut dice, mut at) = (Dice::new(6), 0);
    while at < bytes.len() {
        let end = bytes.len().min(at + 1 + dice.below(3 * MIB));
        writer.append(&bytes[at..end]).await.unwrap();
        at = end;
    }
    assert_eq!(writer.finish().await.unwrap(), bytes.len() as u64);
    assert!(read(store, "a/x").await.as_ref() == Some(&bytes), "it came back otherwise");
    let mut reader = store.open_object("a/x").await.unwrap().expect("it is there");
    reader.seek(20 * MIB as u64).await.unwrap();
    let mut middle = vec![0; 9 * MIB];
    assert_eq!(reader.read_full(&mut middle).await.unwrap(), middle.len());
    assert!(middle == bytes[20 * MIB..29 * MIB], "the middle came back otherwise");
}

async fn several_objects_are_written_at_once(store: &Store) {
    store.ensure_folder("a/").await.unwrap();
    let mut writers = Vec::new();
    for number in 0..4 {
        writers.push(store.create(&format!("a/{number}")).await.unwrap());
    }
    for round in 0..3 {
        for (number, writer) in writers.iter_mut().enumerate() {
            let seed = (round * 10 + number) as u64;
            writer.append(&noise(seed, 2 * MIB + number)).await.unwrap();
        }
    }
    // The last begun ends first.
    for writer in writers.into_iter().rev() {
        writer.finish().await.unwrap();
    }
    for number in 0..4 {
        let wanted: Vec<u8> = (0..3)
            .flat_map(|round| noise((round * 10 + number) as u64, 2 * MIB + number))
            .collect();
        assert!(read(store, &format!("a/{number}")).await == Some(wanted), "object {number}");
    }
}

async fn listings_are_of_one_folder_and_sorted(store: &Store) {
    let names = ["10", "2", "a", "b", "c", "d", "e"];
    for name in names {
        write(store, &format!("top/{name}"), name.as_bytes()).await.unwrap();
        write(store, &format!("top/in-{name}/deep/object"), b"1").await.unwrap();
    }
    write(store, "top-other/x", b"1").await.unwrap();
    assert_eq!(object_names(store, "top/").await, names);
    let folders = names.map(|name| format!("in-{name}"));
    assert_eq!(store.folders("top/").await.unwrap(), folders);
    assert_eq!(store.folders("top/in-a/").await.unwrap(), ["deep"]);
    assert_eq!(store.folders("").await.unwrap(), ["top", "top-other"]);
    assert_eq!(object_names(store, "").await, Vec::<String>::new());
}

async fn names_are_kept_letter_by_letter(store: &Store) {
    let mut names = vec![
        "a b",
        "100%",
        "%41",
        "%2F",
        "a+b",
        "ü",
        "日本",
        "q'",
        "x&y=z",
        "semi;colon",
        "$HOME",
        "(1)",
        "!",
        "@",
        "~tilde",
        "comma,",
        "a..b",
        "UPPER",
        "[x]",
        "ends.",
    ];
    names.sort_unstable();
    for name in &names {
        write(store, &format!("{name}/{name}"), name.as_bytes()).await.unwrap();
        assert_eq!(read(store, &format!("{name}/{name}")).await.as_deref(), Some(name.as_bytes()));
        assert_eq!(object_names(store, &format!("{name}/")).await, [*name]);
    }
    assert_eq!(store.folders("").await.unwrap(), names);
    for name in &names {
        store.remove(&format!("{name}/{name}")).await.unwrap();
        assert_eq!(object_names(store, &format!("{name}/")).await, Vec::<String>::new(), "{name}");
    }
}

async fn removing_is_about_one_object(store: &Store) {
    for key in ["a/x", "a/xy", "a/y", "b/x"] {
        write(store, key, key.as_bytes()).await.unwrap();
    }
    store.remove("a/x").await.unwrap();
    assert_eq!(read(store, "a/x").await, None);
    assert_eq!(object_names(store, "a/").await, ["xy", "y"]);
    assert_eq!(object_names(store, "b/").await, ["x"]);
    // Once more is no fault, and the name is free again.
    store.remove("a/x").await.unwrap();
    write(store, "a/x", b"again").await.unwrap();
    assert_eq!(read(store, "a/x").await.as_deref(), Some(&b"again"[..]));
}

async fn removing_a_folder_touches_no_neighbour(store: &Store) {
    for number in 0..8 {
        write(store, &format!("top/x/{number}.dat"), b"1").await.unwrap();
    }
    let stays = ["top/x-other/a", "top/xy/a", "top/x.json", "top/w/x/a", "x/a"];
    for key in stays {
        write(store, key, key.as_bytes()).await.unwrap();
    }
    store.publish("top/x/manifest.json", b"{}").await.unwrap();
    store.clear_folder("top/x/", |name| name != "0.dat").await.unwrap();
    store.remove_empty_folder("top/x/").await.unwrap();
    let left = object_names(store, "top/x/").await;
    assert!(left.len() == 8 && !left.contains(&"0.dat".to_owned()), "{left:?}");
    // Once more is no fault: another run may have been quicker.
    for _ in 0..2 {
        store.remove_folder("top/x/").await.unwrap();
    }
    store.remove_empty_folder("top/x/").await.unwrap();
    assert_eq!(object_names(store, "top/x/").await, Vec::<String>::new());
    assert_eq!(store.folders("top/").await.unwrap(), ["w", "x-other", "xy"]);
    for key in stays {
        assert_eq!(read(store, key).await.as_deref(), Some(key.as_bytes()), "{key}");
    }
}

async fn folders_that_must_be_new_are(store: &Store) {
    store.create_folder("cluster/db/id/").await.unwrap();
    write(store, "cluster/db/id/x", b"1").await.unwrap();
    store.create_folder("cluster/db/id/").await.expect_err("one is there");
    store.create_folder("cluster/db/other/").await.unwrap();
    for _ in 0..2 {
        store.ensure_folder("cluster/db/id/").await.unwrap();
        store.ensure_folder("new/one/").await.unwrap();
    }
    assert_eq!(read(store, "cluster/db/id/x").await.as_deref(), Some(&b"1"[..]));
}

/// Several write one object: whoever comes after the failure is told the same.
#[test]
fn an_upload_that_failed_says_so_each_time() {
    let denied = Faults::none().always(Kind::PutPart, Fault::AccessDenied);
    let name = "store_contract::an_upload_that_failed_says_so_each_time";
    in_s3_with(denied, name, async |store| {
        let mut writer = store.create("a/denied").await.unwrap();
        let piece = noise(3, 9 * MIB);
        let mut errors = Vec::new();
        for _ in 0..20 {
            errors.extend(writer.append(&piece).await.err());
        }
        errors.extend(writer.finish().await.err());
        assert!(errors.len() > 3, "{errors:?}");
        for error in &errors {
            assert_eq!(error.exit(), Exit::Refused, "{error}");
            assert!(error.to_string().contains("AccessDenied"), "{error}");
        }
    });
}

/// One request without an answer does not keep a folder from being removed.
#[test]
fn a_folder_is_removed_while_an_upload_hangs() {
    let faults = Faults::none().always(Kind::PutPart, Fault::AccessDenied).first(
        1,
        Kind::Abort,
        Fault::Silence,
    );
    let name = "store_contract::a_folder_is_removed_while_an_upload_hangs";
    in_s3_with(faults, name, async |store| {
        write(store, "a/whole", b"whole").await.unwrap();
        let mut writer = store.create("a/denied").await.unwrap();
        // Its task cannot give it up.
        writer.append(&noise(4, 9 * MIB)).await.unwrap();
        drop(writer);
        // As long as a run that fails waits for it.
        let removed = tokio::time::timeout(Duration::from_secs(10), store.remove_folder("a/"));
        removed.await.expect("it does not wait for ever").unwrap();
        assert_eq!(object_names(store, "a/").await, Vec::<String>::new());
    });
}
