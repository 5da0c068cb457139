//! A copy, and whoever else is at work there at the same time.

use std::io::Read as _;
use std::process::Stdio;

use super::*;
use crate::harness::pgtend::Output;
use crate::harness::s3::{Fault, Faults, Kind};
use crate::scene::PATIENCE;

/// At least one of the copies is there, and the others say why they are not.
#[track_caller]
fn one_or_more(outputs: Vec<Output>) {
    for output in &outputs {
        let refused = output.code == 75 && output.stderr.contains("by another run");
        assert!(output.code == 0 || refused, "exit code {}\n{}", output.code, output.stderr);
    }
    assert!(outputs.iter().any(|output| output.code == 0), "{outputs:?}");
}

/// Three runs of it at once.
#[track_caller]
fn three(run: impl Fn() -> Pgtend) -> Vec<Output> {
    let running: Vec<_> = (0..3).map(|_| run().spawn()).collect();
    running.into_iter().map(|running| running.wait()).collect()
}

/// Waits until a request of this kind came for a key with these words in it.
#[track_caller]
fn until_asked(server: &S3Server, kind: Kind, words: &str) {
    let asked = || server.requests_of(kind).iter().any(|request| request.key.contains(words));
    command::until(PATIENCE, || asked().then_some(())).expect("it is asked");
}

/// Marks and signs among these names.
fn signs(names: &[String]) -> Vec<String> {
    let is_sign = |name: &&String| name.contains("/copying-") || name.contains("/in-use-");
    names.iter().filter(is_sign).cloned().collect()
}

#[test]
fn copies_at_once_do_each_other_no_harm() {
    let db = Cluster::shared().create_db("at_once");
    load(&db);
    let (here, there) = (Repo::new(), Repo::new());
    let backup = here.backup(&db, &[]);
    let place = backup.report["folder"].as_str().unwrap();
    let folder = there.path().join(place);
    for leftovers in [false, true, false, true] {
        if leftovers {
            fs::remove_file(folder.join("manifest.json")).unwrap();
            fs::write(folder.join("toc.dat"), "half").unwrap();
        } else if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        one_or_more(three(|| copy(&here, there.path(), &["-j1"])));
        assert_eq!(contents(&here), contents(&there));
    }
    let server = S3Server::start();
    let repository = server.repository("copies");
    let to = ["backup", "copy", "latest", "--to", &repository];
    let names = here.files();
    for leftovers in [false, true, false, true] {
        for name in server.objects("") {
            if !leftovers || name.ends_with("manifest.json") {
                server.remove(&name);
            }
        }
        one_or_more(three(|| with_s3(&server, here.pgtend(to))));
        let stored = names.iter().map(|name| format!("copies/{name}")).collect::<Vec<_>>();
        assert_eq!(server.objects(""), stored);
        assert_eq!(server.uploads(), [""; 0]);
    }
    let verify = Pgtend::new().args(["verify-backup", "latest", "--level=content", "--no-record"]);
    with_s3(&server, verify.args(["-r", &repository])).run().expect_code(0);
}

#[test]
fn a_copy_that_is_stopped_removes_its_own_and_nothing_of_another_runs() {
    let db = Cluster::shared().create_db("two_runs");
    load(&db);
    let here = Repo::new();
    let backup = here.backup(&db, &[]);
    let server = S3Server::start();
    let repository = server.repository("copies");
    let run = || with_s3(&server, here.pgtend(["backup", "copy", "latest", "--to", &repository]));
    let folder = format!("copies/{}", backup.report["folder"].as_str().unwrap());
    let hang = Faults::none().always(Kind::PutObject, Fault::Silence).only_keys_with("toc.dat");
    for other in [false, true] {
        server.fail(hang.clone());
        server.forget_requests();
        let running = run().spawn();
        until_asked(&server, Kind::PutObject, "toc.dat");
        assert_eq!(signs(&server.objects("")).len(), 1);
        let sign = format!(
            "{folder}copying-{}-f00d.json",
            jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ")
        );
        if other {
            server.put(&sign, "{}");
            server.put(&format!("{folder}theirs.dat"), "theirs");
        }
        running.signal(Signal::INT);
        let output = running.wait().expect_code(130);
        if !other {
            assert_eq!(server.objects(""), [""; 0]);
            continue;
        }
        assert!(output.stderr.contains("another run is at work there"), "{}", output.stderr);
        assert_eq!(signs(&server.objects("")), std::slice::from_ref(&sign));
        assert!(server.object(&format!("{folder}theirs.dat")).is_some());
        // Which is waited for, and replaced when it is gone.
        server.fail(Faults::none());
        let output = run().run().expect_code(75);
        assert!(output.stderr.contains("by another run"), "{}", output.stderr);
        server.remove(&sign);
        assert!(run().run().expect_code(0).stderr.contains("broken off"));
        assert_eq!(server.objects("").len(), here.files().len());
    }
}

#[test]
fn what_is_copied_or_exported_is_not_pruned() {
    let db = Cluster::shared().create_db("copied_and_pruned");
    load(&db);
    make_table(&db, "big", 2);
    let here = Repo::new();
    let backup = here.backup(&db, &["--compress=none"]);
    here.backup(&db, &["--compress=none"]);
    let id = backup.report["id"].as_str().unwrap();
    let prune = || {
        let rules = ["backup", "prune", "--keep-last=1", "--min-keep=1", "--yes"];
        let name = ["--database", db.name(), "--confirm", db.name()];
        let report = here.pgtend([&rules[..], &name].concat()).run().expect_code(0).json();
        let rows = report["report"]["backups"].as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == id).unwrap();
        format!("{}: {}", row["action"].as_str().unwrap(), row["reasons"][0].as_str().unwrap())
    };
    let server = S3Server::with(
        Faults::none().always(Kind::PutObject, Fault::Silence).only_keys_with("toc.dat"),
    );
    let to = server.repository("copies");
    let running = with_s3(&server, here.pgtend(["backup", "copy", id, "--to", &to])).spawn();
    until_asked(&server, Kind::PutObject, "toc.dat");
    let said = prune();
    assert!(said.starts_with("keep: in use: backup-copy since "), "{said}");
    running.signal(Signal::INT);
    running.wait().expect_code(130);
    assert_eq!(signs(&here.files()), [""; 0]);

    // More than a pipe holds.
    let run = here.pgtend(["backup", "export", id, "-o", "-", "--compress=none"]);
    let mut export = run.command();
    export.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = export.spawn().unwrap();
    let marked = command::until(PATIENCE, || (!signs(&here.files()).is_empty()).then_some(()));
    let said = prune();
    let mut dump = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut dump).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(marked.is_some() && said.starts_with("keep: in use: backup-export since "), "{said}");
    assert_eq!(signs(&here.files()), [""; 0]);
    assert_eq!(prune(), "remove: no rule keeps it");
}

#[test]
fn a_copy_is_there_though_its_proofs_are_not() {
    let db = Cluster::shared().create_db("copy_without_proofs");
    load(&db);
    let (here, there) = (Repo::new(), Repo::new());
    let backup = here.backup(&db, &[]);
    let proofs = backup.folder.join("verifications");
    fs::create_dir(&proofs).unwrap();
    let record = fs::File::create(proofs.join("20261121T174659.123456Z.json")).unwrap();
    let warned = |output: &Output, why: &str| {
        let report = output.json()["report"].take();
        assert_eq!(report["already_there"], false, "{report}");
        let warnings = report["warnings"].as_array().unwrap();
        let warning = warnings[0].as_str().unwrap();
        assert!(warnings.len() == 1 && warning.contains("verification records"), "{report}");
        assert!(warning.contains(why) && output.stderr.contains(why), "{}", output.stderr);
    };
    // Nobody reads one so large.
    record.set_len(17 << 20).unwrap();
    warned(&copy(&here, there.path(), &[]).run().expect_code(1), "no object of pgtend's");
    there.pgtend(["verify-backup", "latest", "--level=content"]).run().expect_code(0);
    record.set_len(2).unwrap();
    let server = S3Server::with(
        Faults::none().always(Kind::PutObject, Fault::Silence).only_keys_with("verifications/"),
    );
    let repository = server.repository("copies");
    let to = ["backup", "copy", "latest", "--to", &repository];
    let running = with_s3(&server, here.pgtend(to)).spawn();
    until_asked(&server, Kind::PutObject, "verifications/");
    running.signal(Signal::INT);
    warned(&running.wait().expect_code(1), "stopped");
    // The record of its verification alone is missing.
    assert_eq!(server.objects("").len(), here.files().len() - 1);
}

#[test]
fn a_store_that_refuses_checksums_is_told_of() {
    let db = Cluster::shared().create_db("copy_without_sums");
    load(&db);
    let here = Repo::new();
    here.backup(&db, &[]);
    let server = S3Server::with(Faults::none().first(1, Kind::PutObject, Fault::NotImplemented));
    let repository = server.repository("copies");
    let to = ["backup", "copy", "latest", "--to", &repository];
    let output = with_s3(&server, here.pgtend(to)).run().expect_code(0);
    assert!(output.stderr.contains("going on without"), "{}", output.stderr);
}
