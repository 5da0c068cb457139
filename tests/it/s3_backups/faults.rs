//! Errors, lost answers and cut bodies at every kind of request.

use std::thread;

use super::*;
use crate::harness::s3::{Fault, Faults, Kind};

const MIB: u64 = 1 << 20;

/// Cases that run at once.
const AT_ONCE: usize = 6;

/// Runs cases beside each other, for most of their time is waiting for the next try; each with a
/// database that no other has at that time, for two backups of one hold each other off.
fn each<T: Sync>(name: &str, cases: &[(&str, T)], run: impl Fn(&str, &T, &Database<'_>) + Sync) {
    let databases: Vec<_> = (0..AT_ONCE).map(|_| three_parts(Cluster::shared(), name)).collect();
    for some in cases.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let run = &run;
            for ((what, case), database) in some.iter().zip(&databases) {
                scope.spawn(move || run(what, case, database));
            }
        });
    }
}

/// What a few tries get over.
fn passing() -> Vec<(&'static str, Faults)> {
    let none = Faults::none;
    vec![
        ("parts fail", none().every(3, Kind::PutPart, Fault::InternalError)),
        ("too fast", none().every(2, Kind::PutPart, Fault::SlowDown)),
        ("parts are cut", none().every(3, Kind::PutPart, Fault::CutUpload(MIB))),
        ("answers to parts are lost", none().every(3, Kind::PutPart, Fault::LostResponse)),
        ("parts come, with 500", none().every(3, Kind::PutPart, Fault::DoneBut500)),
        ("objects fail", none().every(2, Kind::PutObject, Fault::InternalError)),
        ("answers to objects are lost", none().every(2, Kind::PutObject, Fault::LostResponse)),
        ("objects come, with 500", none().every(2, Kind::PutObject, Fault::DoneBut500)),
        ("objects are cut", none().every(3, Kind::PutObject, Fault::CutUpload(10))),
        ("begin fails", none().first(1, Kind::BeginUpload, Fault::InternalError)),
        ("the answer to begin is lost", none().first(1, Kind::BeginUpload, Fault::LostResponse)),
        ("complete fails", none().first(2, Kind::Complete, Fault::InternalError)),
        ("complete says 200 with an error", none().first(1, Kind::Complete, Fault::ErrorIn200)),
        ("the answer to complete is lost", none().first(1, Kind::Complete, Fault::LostResponse)),
        ("completed, with 500", none().first(1, Kind::Complete, Fault::DoneBut500)),
        (
            "the answer to the manifest is lost",
            none().first(1, Kind::PutObject, Fault::LostResponse).only_keys_with("manifest.json"),
        ),
        ("lists fail", none().every(2, Kind::List, Fault::InternalError)),
        (
            "lost answers, and no look either",
            none().every(2, Kind::PutObject, Fault::LostResponse).every(
                2,
                Kind::Head,
                Fault::InternalError,
            ),
        ),
    ]
}

#[test]
fn what_passes_is_got_over() {
    each("s3_passing", &passing(), |what, faults, database| {
        let server = S3Server::with(faults.clone());
        let output = backup(&server, database).run();
        assert!(output.code == 0, "{what}: exit code {}\n{}", output.code, output.stderr);
        let met = server.requests().iter().any(|request| request.fault.is_some());
        assert!(met, "{what}: never happened");
        assert_eq!(server.uploads(), Vec::<String>::new(), "{what}: uploads are left");
        server.fail(Faults::none());
        assert_eq!(states(&server), ["complete"], "{what}");
        let verified = verify(&server).run();
        assert!(verified.code == 0, "{what}: {}{}", verified.stdout, verified.stderr);
    });
}

/// What stays, with the exit code.
fn staying() -> Vec<(&'static str, (Faults, i32))> {
    let always = |kind, fault| Faults::none().always(kind, fault);
    let manifest = |fault| always(Kind::PutObject, fault).only_keys_with("manifest.json");
    vec![
        ("parts fail", (always(Kind::PutPart, Fault::InternalError), 74)),
        ("parts are cut", (always(Kind::PutPart, Fault::CutUpload(MIB)), 74)),
        ("parts come, no answer does", (always(Kind::PutPart, Fault::LostResponse), 74)),
        ("parts are denied", (always(Kind::PutPart, Fault::AccessDenied), 77)),
        ("objects fail", (always(Kind::PutObject, Fault::SlowDown), 74)),
        ("objects are denied", (always(Kind::PutObject, Fault::AccessDenied), 77)),
        ("begin fails", (always(Kind::BeginUpload, Fault::InternalError), 74)),
        ("begun, no answer comes", (always(Kind::BeginUpload, Fault::LostResponse), 74)),
        ("complete fails", (always(Kind::Complete, Fault::InternalError), 74)),
        ("complete says 200 with an error", (always(Kind::Complete, Fault::ErrorIn200), 74)),
        ("the manifest fails", (manifest(Fault::InternalError), 74)),
        ("the manifest is denied", (manifest(Fault::AccessDenied), 77)),
    ]
}

#[test]
fn what_stays_fails_clearly_and_leaves_nothing() {
    each("s3_staying", &staying(), |what, (faults, code), database| {
        let server = S3Server::with(faults.clone());
        let output = backup(&server, database).env("AWS_MAX_ATTEMPTS", "2").run();
        assert_failed_cleanly(&server, &output, what);
        assert_eq!(output.code, *code, "{what}:\n{}", output.stderr);
    });
}

/// A manifest that nobody can tell is there or not, is looked for; told the truth about.
#[test]
fn a_manifest_whose_answers_are_all_lost_is_found() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_lost_manifest");
    let lost = Faults::none().always(Kind::PutObject, Fault::LostResponse);
    let server = S3Server::with(lost.only_keys_with("manifest.json"));
    backup(&server, &database).run().expect_code(0);
    assert_eq!(states(&server), ["complete"]);
    verify(&server).run().expect_code(0);
}

#[test]
fn reads_get_over_faults_and_a_store_that_fails_is_no_damage() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_reads");
    let server = S3Server::start();
    backup(&server, &database).run().expect_code(0);
    let none = Faults::none;
    for faults in [
        none().every(3, Kind::Get, Fault::InternalError),
        none().every(2, Kind::Get, Fault::SlowDown),
        none().every(3, Kind::Get, Fault::CutDownload(MIB)),
        none().every(2, Kind::Get, Fault::CutDownload(10)),
        none().every(3, Kind::Get, Fault::LostResponse),
    ] {
        server.forget_requests();
        server.fail(faults.clone());
        let output = verify(&server).run();
        assert!(output.code == 0, "{faults:?}: {}{}", output.stdout, output.stderr);
        assert!(server.requests().iter().any(|request| request.fault.is_some()), "{faults:?}");
    }
    for fault in [Fault::InternalError, Fault::CutDownload(10), Fault::LostResponse] {
        server.fail(none().always(Kind::Get, fault).only_keys_with(".dat"));
        let output = verify(&server).env("AWS_MAX_ATTEMPTS", "2").run();
        assert_eq!(output.code, 69, "{fault:?}: {}{}", output.stdout, output.stderr);
    }
}

/// That a cluster's roles cannot be read is a warning; that they cannot be stored is no backup.
#[test]
fn globals_that_the_store_refuses_fail_the_backup() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("s3_globals");
    database.psql("CREATE TABLE t AS SELECT 1 AS v");
    let server = S3Server::start();
    let run = || at(cluster, pgtend(&server, &["backup", "-d", database.name()]));
    run().run().expect_code(0);
    let denied = Faults::none().always(Kind::PutObject, Fault::AccessDenied);
    server.fail(denied.only_keys_with("globals.sql"));
    server.forget_requests();
    let output = run().run().expect_code(77);
    assert!(output.stderr.contains("AccessDenied"), "{}", output.stderr);
    assert!(output.stderr.contains("globals.sql"), "{}", output.stderr);
    let lists = server.requests_of(Kind::List);
    assert_eq!(states(&server), ["complete"]);
    let stands = format!("the newest complete backup of {} is ", database.name());
    assert!(output.stderr.contains(&stands), "{}", output.stderr);
    // It was looked for in its own folder alone, whatever else the repository holds.
    let of_all = lists.iter().find(|list| list.query.ends_with("prefix=pg%2Fprod%2F"));
    assert!(!lists.is_empty() && of_all.is_none(), "{of_all:?}");
}

/// What the store has to say is told of a run that fails, too.
#[test]
fn a_failed_run_tells_what_the_server_does_not_know() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("s3_notes");
    database.psql("CREATE TABLE t AS SELECT 1 AS v");
    let faults = Faults::none()
        .always(Kind::PutObject, Fault::AccessDenied)
        .only_keys_with("manifest.json")
        .first(1, Kind::PutObject, Fault::NotImplemented);
    let server = S3Server::with(faults);
    let output = backup(&server, &database).run().expect_code(77);
    assert_failed_cleanly(&server, &output, "no checksums, and no record");
    assert!(output.stderr.contains("going on without"), "{}", output.stderr);
}
