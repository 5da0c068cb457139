//! Signals in the middle of an upload, and kill -9.

use rustix::process::Signal;

use super::*;
use crate::harness::command;
use crate::harness::s3::{Fault, Faults, Kind};
use crate::scene::PATIENCE;

/// A server whose second part never gets an answer, once it has been asked for it.
fn hanging(server: &S3Server, kind: Kind) {
    let asked = || {
        let requests = server.requests_of(kind);
        requests.iter().any(|request| request.fault == Some(Fault::Silence)).then_some(())
    };
    command::until(PATIENCE, asked).expect("the upload is under way");
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
    server.fail(Faults::none());
    backup(&server, &database).run().expect_code(0);
    verify(&server).run().expect_code(0);
    assert_eq!(states(&server).iter().filter(|state| *state == "complete").count(), 1);
}
