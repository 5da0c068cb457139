//! Signals in the middle of an upload, and kill -9.

use std::thread;

use rustix::process::Signal;

use super::*;
use crate::harness::command;
use crate::harness::s3::{Fault, Faults, Kind};
use crate::scene::{PATIENCE, assert_nothing_runs};

/// Waits until a request of this kind gets no answer; returns its key.
fn hanging(server: &S3Server, kind: Kind) -> String {
    let asked = || {
        let requests = server.requests_of(kind).into_iter();
        requests.filter(|request| request.fault.is_some()).map(|request| request.key).next()
    };
    command::until(PATIENCE, asked).expect("the upload is under way")
}

#[test]
fn a_signal_during_an_upload_leaves_nothing() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_signalled");
    for (signal, code, kind) in [
        (Signal::INT, 130, Kind::PutPart),
        (Signal::TERM, 143, Kind::PutPart),
        (Signal::INT, 130, Kind::Complete),
        (Signal::TERM, 143, Kind::BeginUpload),
        (Signal::INT, 130, Kind::PutObject),
    ] {
        let server = S3Server::with(Faults::none().always(kind, Fault::Silence));
        let run = backup(&server, &database).spawn();
        hanging(&server, kind);
        run.signal(signal);
        let output = run.wait();
        assert_eq!(output.code, code, "{kind:?}: {}", output.stderr);
        assert!(output.stderr.contains("was stopped"), "{kind:?}: {}", output.stderr);
        assert_nothing_left(&server, &format!("{signal:?} at {kind:?}\n{}", output.stderr));
    }
}

/// Nobody is left to give the upload up: it stays, where prune's sweep can see it.
#[test]
fn a_killed_backup_leaves_an_upload_and_no_backup() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_killed");
    let server = S3Server::with(Faults::none().nth(2, Kind::PutPart, Fault::Silence));
    let run = backup(&server, &database).spawn();
    hanging(&server, Kind::PutPart);
    run.signal(Signal::KILL);
    assert_eq!(run.wait().code, -9);
    assert_eq!(server.uploads().len(), 1);
    assert!(server.uploads()[0].starts_with(PREFIX), "{:?}", server.uploads());
    assert!(!states(&server).contains(&"complete".to_owned()));
    // Its lock goes with its session.
    assert_nothing_runs(&database);
    server.fail(Faults::none());
    backup(&server, &database).run().expect_code(0);
    verify(&server).run().expect_code(0);
    assert_eq!(states(&server).iter().filter(|state| *state == "complete").count(), 1);
}

/// A server that keeps the record's request in its hands.
fn holding_the_record() -> S3Server {
    let held = Faults::none().always(Kind::PutObject, Fault::Held);
    S3Server::with(held.only_keys_with("manifest.json"))
}

/// The store does what it was asked for, whoever is still there.
#[track_caller]
fn assert_whole_in_the_end(server: &S3Server, record: &str) {
    server.let_go();
    let come = || server.object(record).map(drop);
    command::until(PATIENCE, come).expect("the record is stored");
    assert_eq!(states(server), ["complete"]);
    verify(server).run().expect_code(0);
}

#[test]
fn a_signal_while_the_record_is_on_its_way_leaves_a_whole_backup() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_late_record");
    let server = holding_the_record();
    let run = backup(&server, &database).spawn();
    let record = hanging(&server, Kind::PutObject);
    run.signal(Signal::INT);
    // Time to tidy up, for who does so too early.
    thread::sleep(Duration::from_secs(1));
    assert_whole_in_the_end(&server, &record);
    let output = run.wait().expect_code(0);
    let id = record.split('/').rev().nth(1).unwrap();
    assert!(output.stdout.contains(id), "{}", output.stdout);
}

#[test]
fn ended_at_once_while_the_record_is_on_its_way_it_says_so_and_removes_nothing() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_doubtful_record");
    let server = holding_the_record();
    let run = backup(&server, &database).spawn();
    let record = hanging(&server, Kind::PutObject);
    run.signal(Signal::INT);
    thread::sleep(Duration::from_millis(500));
    run.signal(Signal::INT);
    let output = run.wait().expect_code(130);
    let id = record.split('/').rev().nth(1).unwrap();
    let words = format!("it is not known whether backup {id} is complete");
    assert!(output.stderr.contains(&words), "{}", output.stderr);
    assert!(!output.stderr.contains("nothing was published"), "{}", output.stderr);
    assert_whole_in_the_end(&server, &record);
}
