//! The same in S3: by whole names, with uploads that nobody finished.

use std::fs;
use std::time::Duration;

use super::scene::{Scene, said};
use crate::harness::Pgtend;
use crate::harness::s3::S3Server;
use crate::harness::s3::client::ask;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A server with what a repository in a directory has.
fn server(scene: &Scene) -> S3Server {
    let server = S3Server::start();
    for file in scene.files() {
        let (name, _) = file.rsplit_once(' ').unwrap();
        server.put(&format!("pg/{name}"), fs::read(scene.path().join(name)).unwrap());
    }
    server
}

fn prune(server: &S3Server, arguments: &[&str]) -> Pgtend {
    let run = Pgtend::new().args(["backup", "prune", "--format=json"]).args(arguments);
    let run = run.arg("--repo").arg(server.repository("pg"));
    server.environment().into_iter().fold(run, |run, (name, value)| run.env(name, value))
}

fn begin_upload(server: &S3Server, key: &str) {
    assert_eq!(ask(server, "POST", &format!("/{key}?uploads="), &[], b"").unwrap().status, 200);
}

#[test]
fn in_s3_only_what_no_rule_keeps_goes_and_what_is_locked_stays() {
    let scene = Scene::new();
    let ids = [120, 96, 72, 48, 24].map(|age| scene.add("prod/app", age));
    scene.add_all("prod/app-old", &[72, 48, 24]);
    let server = server(&scene);
    // Prefixes and names that start alike.
    let oldest = format!("prod/app/{}", ids[0]);
    for key in ["pg-2/", "p/", ""].map(|prefix| format!("{prefix}{oldest}/toc.dat")) {
        server.put(&key, "theirs");
    }
    for key in
        ["prod/app-old.txt".to_owned(), format!("{oldest}.tar"), format!("{oldest}x/toc.dat")]
    {
        server.put(&format!("pg/{key}"), "theirs");
    }
    let locked = format!("pg/prod/app/{}/manifest.json", ids[1]);
    server.lock(&locked);
    let before = server.objects("");
    let arguments = ["--database=app", "--keep-last=1", "--min-keep=2"];
    let refused = prune(&server, &arguments).run().expect_code(77);
    assert!(refused.stderr.contains("--confirm app"), "{}", refused.stderr);
    assert_eq!(server.objects(""), before);

    let output = prune(&server, &arguments).arg("--confirm=app").run().expect_code(74);
    let report = output.json();
    assert!(report["report"]["backups"][1]["problem"].is_string(), "{report:#}");
    let gone = [&ids[0], &ids[2]].map(|id| format!("pg/prod/app/{id}/"));
    let expected: Vec<String> = before
        .into_iter()
        .filter(|key| !gone.iter().any(|folder| key.starts_with(folder)))
        .collect();
    assert_eq!(server.objects(""), expected);
}

#[test]
fn in_s3_leftovers_go_with_their_uploads_when_nothing_is_young() {
    let scene = Scene::new();
    scene.add("prod/app", 24);
    let [old, running, young] = [50, 45, 2].map(|age| scene.add_broken_off("prod/app", age));
    let server = server(&scene);
    // Of these there is nothing but an upload.
    let [bare, large] = ["20200101T000000Z-000001", "20200101T000000Z-000002"];
    for id in [&old, bare] {
        begin_upload(&server, &format!("pg/prod/app/{id}/1.dat.zst"));
    }
    begin_upload(&server, &format!("pg-2/prod/app/{bare}/1.dat.zst"));
    server.age_uploads(DAY * 2);
    server.age_objects("pg/", DAY * 2);
    // A backup that runs for days: one of its uploads is young, or a part of an old one.
    begin_upload(&server, &format!("pg/prod/app/{running}/1.dat.zst"));
    begin_upload(&server, &format!("pg/prod/app/{large}/1.dat.zst"));

    let report = prune(&server, &["--sweep-older-than=24h", "--yes"]).run().expect_code(0).json();
    for id in [old.as_str(), bare] {
        assert_eq!(said(&report, id).0, "remove", "{report:#}");
        assert_eq!(server.objects(&format!("pg/prod/app/{id}/")), Vec::<String>::new());
    }
    for id in [running.as_str(), large, &young] {
        assert_eq!(said(&report, id).0, "keep", "{report:#}");
    }
    assert!(!server.objects(&format!("pg/prod/app/{running}/")).is_empty());
    let left = [
        format!("pg-2/prod/app/{bare}/1.dat.zst"),
        format!("pg/prod/app/{large}/1.dat.zst"),
        format!("pg/prod/app/{running}/1.dat.zst"),
    ];
    assert_eq!(server.uploads(), left);
}
