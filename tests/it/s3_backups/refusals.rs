//! Logins, buckets, endpoints and clocks that do not do: one clear error each.

use super::*;
use crate::harness::cluster::free_port;
use crate::harness::pki::{Pki, TlsVariant};
use crate::harness::s3::{Fault, Faults, Kind};

/// One error, with these words, this exit code and a next step; nothing is left.
#[track_caller]
fn refused(server: &S3Server, run: Pgtend, code: i32, words: &[&str]) -> Output {
    let output = run.env("AWS_MAX_ATTEMPTS", "2").run();
    assert_failed_cleanly(server, &output, &format!("{words:?}"));
    assert_eq!(output.code, code, "{}", output.stderr);
    for word in words {
        assert!(output.stderr.contains(word), "not {word}:\n{}", output.stderr);
    }
    let errors = output.stderr.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "{}", output.stderr);
    output
}

#[test]
fn logins_and_buckets_that_do_not_do_are_told_clearly() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("s3_refused");
    database.psql("CREATE TABLE t AS SELECT 1 AS v");
    let server = S3Server::start();
    let run = || backup(&server, &database);
    let wrong = "another-secret/thatMustNotBeShown00";
    let output = refused(
        &server,
        run().env("AWS_SECRET_ACCESS_KEY", wrong),
        69,
        &["SignatureDoesNotMatch", "check the credentials"],
    );
    assert!(!output.stderr.contains(wrong), "{}", output.stderr);
    let nobody = run().env("AWS_ACCESS_KEY_ID", "AKIANOBODYNOBODY0000");
    refused(&server, nobody, 69, &["InvalidAccessKeyId", "check the credentials"]);
    let none = run().env("AWS_ACCESS_KEY_ID", "").env("AWS_SECRET_ACCESS_KEY", "");
    refused(&server, none, 69, &["AWS_PROFILE"]);
    let elsewhere = run().args(["--s3-expected-owner", "999999999999"]);
    refused(&server, elsewhere, 77, &["AccessDenied", "policy"]);
    let mut bucket = Pgtend::new().args(["backup", "-d", database.name(), "--no-globals"]);
    bucket = bucket.args(["--repo", "s3://no-such-bucket/pg"]);
    for (name, value) in server.environment() {
        bucket = bucket.env(name, value);
    }
    refused(&server, at(cluster, bucket), 69, &["NoSuchBucket", "no-such-bucket"]);
    let port = free_port().to_string();
    let nowhere = run().env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"));
    refused(&server, nowhere, 69, &[&port, "endpoint"]);
    // A clock that is wrong is no refusal: the server's answer tells the time.
    server.clock_ahead(3600);
    run().run().expect_code(0);
}

#[test]
fn what_a_policy_forbids_is_told_before_and_after_the_copy() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_denied");
    for kind in [Kind::List, Kind::PutObject, Kind::BeginUpload] {
        let server = S3Server::with(Faults::none().always(kind, Fault::AccessDenied));
        refused(&server, backup(&server, &database), 77, &["AccessDenied", "policy"]);
    }
}

/// What was written cannot be removed: that is said, and nothing counts as a backup.
#[test]
fn what_may_not_be_removed_is_no_backup() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_stays");
    let denied = Faults::none()
        .always(Kind::Delete, Fault::AccessDenied)
        .always(Kind::PutObject, Fault::AccessDenied)
        .only_keys_with("manifest.json");
    let server = S3Server::with(denied);
    let output = backup(&server, &database).env("AWS_MAX_ATTEMPTS", "2").run();
    assert_eq!(output.code, 77, "{}", output.stderr);
    assert_eq!(server.uploads(), Vec::<String>::new());
    assert!(!states(&server).contains(&"complete".to_owned()));
}

#[test]
fn a_private_authority_is_trusted_when_it_is_named() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("s3_tls");
    database.psql("CREATE TABLE t AS SELECT 1 AS v");
    let pki = Pki::shared();
    let files = pki.server(TlsVariant::Good);
    let server = S3Server::start_tls(&files.cert, &files.key);
    refused(&server, backup(&server, &database), 69, &["AWS_CA_BUNDLE"]);
    for bundle in [&pki.ca, &pki.bundle] {
        backup(&server, &database).env("AWS_CA_BUNDLE", bundle).run().expect_code(0);
    }
    verify(&server).env("AWS_CA_BUNDLE", &pki.ca).run().expect_code(0);
}
