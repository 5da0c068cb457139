//! Every command on a repository in S3: the whole way there and back, the options, and what is
//! said when something is wrong. Faults of the server are elsewhere.

use std::collections::BTreeSet;

use crate::harness::pki::{Pki, TlsVariant};
use crate::harness::s3::{Kind, OWNER, S3Server};
use crate::harness::{Cluster, Pgtend, compare};
use crate::scene::make_table;

/// pgtend with what it needs to reach the server.
fn pgtend(server: &S3Server) -> Pgtend {
    server.environment().into_iter().fold(Pgtend::new(), |run, (name, value)| run.env(name, value))
}

/// A backup of the database to the prefix `pg`.
fn backup(server: &S3Server, url: &str) -> Pgtend {
    let run = pgtend(server).args(["backup", "--url", url, "--repo"]);
    run.arg(server.repository("pg"))
}

#[test]
fn a_database_goes_to_s3_and_comes_back() {
    let server = S3Server::start();
    let cluster = Cluster::shared();
    let database = cluster.create_db("s3_way");
    database.load_awkward();
    make_table(&database, "big", 24);
    let repository = server.repository("pg");
    let output = backup(&server, &database.url())
        .args(["-j2", "--compress=none", "--chunk=4MiB", "--format=json"])
        .run()
        .expect_code(0);
    let id = output.json()["report"]["id"].as_str().unwrap().to_owned();
    let folder = output.json()["report"]["folder"].as_str().unwrap().to_owned();
    let big: BTreeSet<_> =
        server.objects("pg/").into_iter().filter_map(|key| server.parts(&key)).collect();
    assert!(big.iter().any(|parts| *parts > 1), "one object is larger than a part: {big:?}");
    assert_eq!(server.uploads(), Vec::<String>::new());

    let listed = pgtend(&server).args(["backup", "list", "--repo", &repository]).run();
    assert!(listed.expect_code(0).stdout.contains(&id));
    let shown = pgtend(&server).args(["backup", "show", &id, "--repo", &repository]).run();
    shown.expect_code(0);
    let address = format!("{repository}/{folder}");
    for what in [[&id, "--repo", &repository].as_slice(), &[&address]] {
        let verified = pgtend(&server).args(["verify-backup", "--level", "content"]).args(what);
        verified.run().expect_code(0);
    }
    let copy = cluster.create_db("s3_back");
    let restored = pgtend(&server).args(["restore", &address, "--into", copy.name()]);
    restored.args(["--url", &copy.url(), "-j2", "--yes"]).run().expect_code(0);
    compare::assert_equal(cluster, database.name(), cluster, copy.name());
}

#[test]
fn options_reach_every_object() {
    let server = S3Server::start();
    let database = Cluster::shared().create_db("s3_options");
    make_table(&database, "big", 12);
    let run = backup(&server, &database.url()).args(["--compress=none", "--no-globals"]);
    let file = run.home().join("pgtend.toml");
    let text = format!(
        "[repository.\"{}/\"]\nstorage_class = \"STANDARD_IA\"\nobject_lock = \"governance:2d\"\n\
         expected_bucket_owner = \"{OWNER}\"\n",
        server.repository("pg")
    );
    std::fs::write(file, text).unwrap();
    run.args(["--s3-sse", "aws:kms", "--s3-kms-key", "alias/backup"]).run().expect_code(0);
    for kind in [Kind::PutObject, Kind::BeginUpload] {
        let requests = server.requests_of(kind);
        assert!(!requests.is_empty(), "{kind:?}");
        for request in requests {
            let header = |name: &str| request.header(name).to_owned();
            assert_eq!(header("x-amz-storage-class"), "STANDARD_IA");
            assert_eq!(header("x-amz-object-lock-mode"), "GOVERNANCE");
            assert!(header("x-amz-object-lock-retain-until-date").starts_with("20"));
            assert_eq!(header("x-amz-server-side-encryption"), "aws:kms");
            assert_eq!(header("x-amz-server-side-encryption-aws-kms-key-id"), "alias/backup");
            assert_eq!(header("x-amz-expected-bucket-owner"), OWNER);
        }
    }
    // Parts have a checksum, and the whole object has one.
    for request in server.requests_of(Kind::PutPart) {
        assert_ne!(request.header("x-amz-checksum-crc64nvme"), "");
    }
    for request in server.requests_of(Kind::Complete) {
        assert_ne!(request.header("x-amz-checksum-crc64nvme"), "");
        assert_eq!(request.header("x-amz-checksum-type"), "FULL_OBJECT");
        assert_eq!(request.header("if-none-match"), "*");
    }
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let server = S3Server::start();
    let repository = server.repository("pg");
    let list =
        |run: Pgtend, repository: &str| run.args(["backup", "list", "--repo", repository]).run();

    let typo = list(pgtend(&server), &repository).expect_code(64);
    assert!(typo.stderr.contains("there is no repository at s3://"), "{}", typo.stderr);

    let other = list(pgtend(&server), "s3://no-such-bucket/pg").expect_code(69);
    assert!(other.stderr.contains("NoSuchBucket"), "{}", other.stderr);

    let wrong = pgtend(&server).env("AWS_SECRET_ACCESS_KEY", "another-secret-of-somebody");
    let wrong = list(wrong, &repository).expect_code(69);
    assert!(wrong.stderr.contains("SignatureDoesNotMatch"), "{}", wrong.stderr);
    assert!(!wrong.stderr.contains("another-secret"), "{}", wrong.stderr);

    let nobody = Pgtend::new().env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_REGION", "x");
    let nobody = list(nobody.env("AWS_ENDPOINT_URL", server.endpoint()), &repository);
    let nobody = nobody.expect_code(69);
    assert!(nobody.stderr.contains("next:  set AWS_PROFILE"), "{}", nobody.stderr);

    let gone = pgtend(&server).env("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let gone = list(gone.env("AWS_MAX_ATTEMPTS", "2"), &repository).expect_code(69);
    assert!(gone.stderr.contains("cannot connect"), "{}", gone.stderr);

    let stranger = pgtend(&server).args(["--s3-expected-owner", "999999999999"]);
    list(stranger, &repository).expect_code(77);

    let scheme = list(pgtend(&server), "gs://bucket/pg").expect_code(64);
    assert!(scheme.stderr.contains("gs://"), "{}", scheme.stderr);
}

#[test]
fn a_private_authority_is_trusted_by_name_alone() {
    let pki = Pki::shared();
    let identity = pki.server(TlsVariant::Good);
    let server = S3Server::start_tls(&identity.cert, &identity.key);
    let list = |run: Pgtend| run.args(["backup", "list", "--repo", &server.repository("pg")]).run();
    let stranger = list(pgtend(&server)).expect_code(69);
    assert!(stranger.stderr.contains("next:  if a private authority"), "{}", stranger.stderr);
    let known = list(pgtend(&server).env("AWS_CA_BUNDLE", &pki.ca)).expect_code(64);
    assert!(known.stderr.contains("there is no repository"), "{}", known.stderr);
    let nowhere = list(pgtend(&server).env("AWS_CA_BUNDLE", "/no/such/file")).expect_code(64);
    assert!(nowhere.stderr.contains("cannot use AWS_CA_BUNDLE"), "{}", nowhere.stderr);
}
