//! What objects are given, and what they are checked with, as the server was told.

use super::*;
use crate::harness::s3::{Kind, OWNER, Request};

/// The requests that make objects.
fn making(server: &S3Server) -> Vec<Request> {
    let mut found = server.requests_of(Kind::PutObject);
    found.extend(server.requests_of(Kind::BeginUpload));
    assert!(found.iter().any(|r| r.kind == Kind::BeginUpload), "nothing was sent in parts");
    found
}

#[test]
fn objects_are_given_what_was_asked_for() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_given");
    let server = S3Server::start();
    backup(&server, &database)
        .args(["--s3-sse", "aws:kms", "--s3-kms-key", "alias/backups"])
        .args(["--s3-storage-class", "STANDARD_IA", "--s3-object-lock", "governance:30d"])
        .args(["--s3-expected-owner", OWNER])
        .run()
        .expect_code(0);
    for request in making(&server) {
        // Where runs hold each other off is nothing to keep.
        let kept = request.key.contains(".dat") || request.key.ends_with("manifest.json");
        for (name, value) in [
            ("x-amz-server-side-encryption", "aws:kms"),
            ("x-amz-server-side-encryption-aws-kms-key-id", "alias/backups"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-object-lock-mode", "GOVERNANCE"),
        ] {
            assert!(!kept || request.header(name) == value, "{name} of {request:?}");
        }
        let until: jiff::Timestamp = match request.header("x-amz-object-lock-retain-until-date") {
            "" if !kept => continue,
            date => date.parse().expect("a date"),
        };
        let days = until.duration_since(jiff::Timestamp::now()).as_secs_f64() / 86_400.0;
        assert!((29.9..30.1).contains(&days), "{days} days");
    }
    let owners = server.requests();
    assert!(owners.iter().all(|r| r.header("x-amz-expected-bucket-owner") == OWNER), "{owners:?}");
    verify(&server).run().expect_code(0);
}

#[test]
fn uploads_are_checked_by_the_server() {
    let cluster = Cluster::shared();
    let database = three_parts(cluster, "s3_sums");
    for (asked, name) in [
        (None, "x-amz-checksum-crc64nvme"),
        (Some("crc64nvme"), "x-amz-checksum-crc64nvme"),
        (Some("crc32"), "x-amz-checksum-crc32"),
        (Some("sha256"), "x-amz-checksum-sha256"),
    ] {
        let server = S3Server::start();
        let asked = asked.map(|sum| format!("--s3-checksum={sum}"));
        backup(&server, &database).args(asked).run().expect_code(0);
        let has = |request: &Request| {
            !request.header(name).is_empty() || request.header("x-amz-trailer") == name
        };
        let mut sent = server.requests_of(Kind::PutObject);
        sent.extend(server.requests_of(Kind::PutPart));
        assert!(sent.iter().all(has), "{name}: {sent:?}");
        for complete in server.requests_of(Kind::Complete) {
            assert_eq!(complete.header("if-none-match"), "*", "{complete:?}");
            // Checksums of parts that make one of the whole.
            if !name.ends_with("sha256") {
                assert!(!complete.header(name).is_empty(), "{complete:?}");
                assert!(!complete.header("x-amz-mp-object-size").is_empty(), "{complete:?}");
            }
        }
        verify(&server).run().expect_code(0);
    }
    let server = S3Server::start();
    backup(&server, &database).arg("--s3-checksum=none").run().expect_code(0);
    verify(&server).run().expect_code(0);
}
