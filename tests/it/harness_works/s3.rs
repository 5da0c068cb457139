//! The S3 server refuses what Amazon refuses: a client's fault must not pass here.

use std::time::Duration;

use crate::harness::s3::client::{Answer, ask, ask_as};
use crate::harness::s3::{Fault, Faults, Kind, S3Server};

const MIB: usize = 1024 * 1024;
/// Of `hello`.
const SHA256: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
const CRC64: &str = "M3eFcAZSQlc=";

#[track_caller]
fn is(answer: &Answer, status: u16, words: &str) {
    assert!(
        answer.status == status && answer.text().contains(words),
        "not {status} {words}: {}\n{}",
        answer.head,
        answer.text()
    );
}

fn begin(server: &S3Server, headers: &[(&str, &str)]) -> String {
    let answer = ask(server, "POST", "/x?uploads=", headers, b"").unwrap();
    is(&answer, 200, "<UploadId>");
    inside(&answer.text(), "UploadId")
}

fn inside(text: &str, tag: &str) -> String {
    let start = text.find(&format!("<{tag}>")).expect(tag) + tag.len() + 2;
    text[start..][..text[start..].find('<').unwrap()].to_owned()
}

fn put_part(server: &S3Server, id: &str, number: u32, bytes: &[u8]) -> Answer {
    let path = format!("/x?partNumber={number}&uploadId={id}");
    ask(server, "PUT", &path, &[], bytes).unwrap()
}

fn complete(
    server: &S3Server,
    id: &str,
    parts: &[(u32, &str)],
    headers: &[(&str, &str)],
) -> Answer {
    let parts: String = parts
        .iter()
        .map(|(n, etag)| format!("<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    ask(server, "POST", &format!("/x?uploadId={id}"), headers, body.as_bytes()).unwrap()
}

#[test]
fn signatures_buckets_and_owners_are_checked() {
    let server = S3Server::start();
    is(&ask_as("wrong", &server, "PUT", "/x", &[], b"1").unwrap(), 403, "SignatureDoesNotMatch");
    is(&ask(&server, "GET", "//elsewhere/x", &[], b"").unwrap(), 404, "NoSuchBucket");
    let owner = |owner| ask(&server, "PUT", "/x", &[("x-amz-expected-bucket-owner", owner)], b"1");
    is(&owner("999999999999").unwrap(), 403, "AccessDenied");
    assert_eq!(server.objects(""), Vec::<String>::new());
    is(&owner("111122223333").unwrap(), 200, "");
    server.clock_ahead(3600);
    is(&ask(&server, "GET", "/x", &[], b"").unwrap(), 403, "RequestTimeTooSkewed");
}

#[test]
fn wrong_checksums_are_refused_and_right_ones_returned() {
    let server = S3Server::start();
    let wrong = "AAAAAAAAAAA=";
    for (name, right) in [("sha256", SHA256), ("crc64nvme", CRC64)] {
        let header = format!("x-amz-checksum-{name}");
        is(&ask(&server, "PUT", "/x", &[(&header, wrong)], b"hello").unwrap(), 400, "BadDigest");
        assert_eq!(server.objects(""), Vec::<String>::new());
        let put = ask(&server, "PUT", "/x", &[(&header, right)], b"hello").unwrap();
        is(&put, 200, "");
        assert_eq!(put.header(&header), right);
        let head = ask(&server, "HEAD", "/x", &[("x-amz-checksum-mode", "ENABLED")], b"").unwrap();
        assert_eq!(head.header(&header), right);
        server.remove("x");
    }
    let id = begin(&server, &[("x-amz-checksum-algorithm", "CRC64NVME")]);
    let path = format!("/x?partNumber=1&uploadId={id}");
    let part = |sum| ask(&server, "PUT", &path, &[("x-amz-checksum-crc64nvme", sum)], b"hello");
    is(&part(wrong).unwrap(), 400, "BadDigest");
    let answer = part(CRC64).unwrap();
    assert_eq!(answer.header("x-amz-checksum-crc64nvme"), CRC64);
    let etag = answer.header("etag");
    let sum = [("x-amz-checksum-crc64nvme", wrong), ("x-amz-checksum-type", "FULL_OBJECT")];
    is(&complete(&server, &id, &[(1, etag)], &sum), 400, "BadDigest");
    let size = [("x-amz-mp-object-size", "6")];
    is(&complete(&server, &id, &[(1, etag)], &size), 400, "InvalidRequest");
    let right = [("x-amz-checksum-crc64nvme", CRC64), ("x-amz-mp-object-size", "5")];
    let done = complete(&server, &id, &[(1, etag)], &right);
    is(&done, 200, CRC64);
    assert_eq!(server.object("x").as_deref(), Some(&b"hello"[..]));
}

#[test]
fn uploads_have_rules() {
    let server = S3Server::start();
    let id = begin(&server, &[]);
    assert_eq!(server.uploads(), ["x"]);
    is(&ask(&server, "GET", "/?uploads=", &[], b"").unwrap(), 200, &id);
    let etag = |answer: &Answer| answer.header("etag").to_owned();
    let small = etag(&put_part(&server, &id, 1, b"small"));
    let last = etag(&put_part(&server, &id, 2, b"last"));
    is(&put_part(&server, &id, 10_001, b"x"), 400, "InvalidArgument");
    is(&complete(&server, &id, &[(1, &small), (2, &last)], &[]), 400, "EntityTooSmall");
    is(&complete(&server, &id, &[(1, &last)], &[]), 400, "InvalidPart");
    is(&complete(&server, &id, &[(3, &last)], &[]), 400, "InvalidPart");
    let whole = etag(&put_part(&server, &id, 1, &vec![1; 5 * MIB]));
    is(&complete(&server, &id, &[(2, &last), (1, &whole)], &[]), 400, "InvalidPartOrder");
    server.put("x", &b"there"[..]);
    let new = [("if-none-match", "*")];
    is(&complete(&server, &id, &[(1, &whole), (2, &last)], &new), 412, "PreconditionFailed");
    is(&ask(&server, "PUT", "/x", &new, b"1").unwrap(), 412, "PreconditionFailed");
    server.remove("x");
    is(&complete(&server, &id, &[(1, &whole), (2, &last)], &new), 200, "-2");
    assert_eq!((server.uploads().len(), server.parts("x")), (0, Some(2)));
    is(&complete(&server, &id, &[(1, &whole), (2, &last)], &[]), 404, "NoSuchUpload");
    let id = begin(&server, &[]);
    put_part(&server, &id, 1, b"1");
    let abort = || ask(&server, "DELETE", &format!("/x?uploadId={id}"), &[], b"").unwrap();
    is(&abort(), 204, "");
    is(&abort(), 404, "NoSuchUpload");
    is(&put_part(&server, &id, 2, b"2"), 404, "NoSuchUpload");
    assert_eq!(server.uploads(), Vec::<String>::new());
}

#[test]
fn listings_have_pages_and_reads_have_ranges() {
    let server = S3Server::start();
    server.page(2);
    for key in ["a b", "a/1", "a/2", "b/1", "c", "d"] {
        server.put(key, key.as_bytes().to_vec());
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let path = format!("/?list-type=2&delimiter=%2F&max-keys=1000{token}");
        let text = ask(&server, "GET", &path, &[], b"").unwrap().text();
        seen.push(
            text.matches("<Contents>").count() * 10 + text.matches("<CommonPrefixes>").count(),
        );
        if !text.contains("<NextContinuationToken>") {
            break;
        }
        let next = inside(&text, "NextContinuationToken").replace('=', "%3D");
        token = format!("&continuation-token={next}");
    }
    // An object and a folder, a folder and an object, an object.
    assert_eq!(seen, [11, 11, 10]);
    let range = |range| ask(&server, "GET", "/a/1", &[("range", range)], b"").unwrap();
    is(&range("bytes=1-"), 206, "/1");
    is(&range("bytes=0-0"), 206, "a");
    is(&range("bytes=3-"), 416, "InvalidRange");
    is(&ask(&server, "GET", "/a%20b", &[], b"").unwrap(), 200, "a b");
    let other = [("if-match", "\"0123456789abcdef0123456789abcdef\"")];
    is(&ask(&server, "GET", "/a%20b", &other, b"").unwrap(), 412, "PreconditionFailed");
}

#[test]
fn faults_come_when_they_are_planned() {
    let plan = Faults::none()
        .every(2, Kind::PutObject, Fault::SlowDown)
        .nth(1, Kind::Get, Fault::CutDownload(3))
        .nth(2, Kind::Get, Fault::InternalError)
        .first(1, Kind::Complete, Fault::ErrorIn200)
        .nth(2, Kind::Complete, Fault::LostResponse)
        .first(1, Kind::Delete, Fault::DoneBut500);
    let server = S3Server::with(plan);
    is(&ask(&server, "PUT", "/y", &[], b"hello").unwrap(), 200, "");
    is(&ask(&server, "PUT", "/z", &[], b"hello").unwrap(), 503, "SlowDown");
    assert_eq!(server.objects(""), ["y"]);
    ask(&server, "GET", "/y", &[], b"").expect_err("cut after 3 bytes");
    is(&ask(&server, "GET", "/y", &[], b"").unwrap(), 500, "InternalError");
    is(&ask(&server, "GET", "/y", &[], b"").unwrap(), 200, "hello");
    is(&ask(&server, "DELETE", "/y", &[], b"").unwrap(), 500, "InternalError");
    assert_eq!(server.objects(""), Vec::<String>::new());
    let id = begin(&server, &[]);
    let etag = put_part(&server, &id, 1, b"1").header("etag").to_owned();
    is(&complete(&server, &id, &[(1, &etag)], &[]), 200, "<Error>");
    assert_eq!(server.objects(""), Vec::<String>::new());
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>\
         </CompleteMultipartUpload>"
    );
    let lost = ask(&server, "POST", &format!("/x?uploadId={id}"), &[], body.as_bytes());
    lost.expect_err("no answer");
    assert_eq!(server.objects(""), ["x"]);
    server.fail(Faults::none().first(1, Kind::PutPart, Fault::CutUpload(1)));
    let id = begin(&server, &[]);
    let path = format!("/x?partNumber=1&uploadId={id}");
    ask(&server, "PUT", &path, &[], &vec![0; 4 * MIB]).expect_err("cut in the middle");
    is(&put_part(&server, &id, 1, b"1"), 200, "");
    let said = server.requests_of(Kind::PutPart);
    assert_eq!(said.iter().map(|r| r.status).collect::<Vec<_>>(), [Some(200), None, Some(200)]);
    assert!(said.iter().all(|request| request.header("authorization") == "(not kept)"));
    server.age_uploads(Duration::from_secs(86_400));
}
