//! Files of pg_dump in S3: read from there, without a copy but for directory format.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::files::{Files, gzip, load_little, restore, verify};
use crate::harness::s3::S3Server;
use crate::harness::{Cluster, Pgtend, compare};
use crate::restore_right::Made;

pub fn at(server: &S3Server, run: Pgtend) -> Pgtend {
    server.environment().into_iter().fold(run, |run, (name, value)| run.env(name, value))
}

#[test]
fn every_format_comes_back_from_s3() {
    let cluster = Cluster::shared();
    let db = cluster.create_db("stored");
    load_little(&db);
    let (files, server) = (Files::new(), S3Server::start());
    let put = |key: &str, bytes: Vec<u8>| server.put(&format!("dumps/{key}"), bytes);
    let read = |format: &str| fs::read(files.dump(15, &db, &[format], format)).unwrap();
    put("app.sql.gz", read("-Fc"));
    put("app.tar", read("-Ft"));
    put("app.dump", gzip(&read("-Fp")));
    let folder = files.dump(15, &db, &["-Fd"], "folder");
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        put(&format!("folder/{name}"), fs::read(entry.path()).unwrap());
    }
    for key in ["app.sql.gz", "app.tar", "app.dump", "folder"] {
        let address = server.repository(&format!("dumps/{key}"));
        at(&server, verify(Path::new(&address), &[])).run().expect_code(0);
        let copy = Made::new(cluster, "copy");
        let arguments = ["--into", &copy.name, "--create", "--yes"];
        let run = at(&server, restore(cluster, Path::new(&address), &arguments));
        let temporary = tempfile::tempdir().unwrap();
        run.env("TMPDIR", temporary.path()).run().expect_code(0);
        compare::assert_equal(cluster, db.name(), cluster, &copy.name);
        assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "{key}");
    }
    let address = server.repository("dumps/nothing");
    at(&server, verify(Path::new(&address), &[])).run().expect_code(64);
    let cut = read("-Fc");
    put("app.sql.gz", cut[..cut.len() - 3].to_vec());
    let address = server.repository("dumps/app.sql.gz");
    at(&server, verify(Path::new(&address), &[])).run().expect_code(2);
}

#[test]
fn age_is_that_of_the_object_where_the_header_is_later_or_there_is_none() {
    let db = Cluster::shared().create_db("age");
    load_little(&db);
    let (files, server) = (Files::new(), S3Server::start());
    for (key, format) in [("c", "-Fc"), ("p", "-Fp")] {
        server.put(key, fs::read(files.dump(15, &db, &[format], key)).unwrap());
    }
    for entry in fs::read_dir(files.dump(15, &db, &["-Fd"], "d")).unwrap().map(Result::unwrap) {
        let key = format!("d/{}", entry.file_name().into_string().unwrap());
        server.put(&key, fs::read(entry.path()).unwrap());
    }
    for (key, aged) in [("c", "c"), ("p", "p"), ("d", "d/")] {
        let address = server.repository(key);
        let run = || at(&server, verify(Path::new(&address), &["--max-age", "26h"])).run();
        run().expect_code(0);
        server.age_objects(aged, Duration::from_secs(30 * 3600));
        let backup = run().expect_code(2).json()["report"]["backups"][0].take();
        assert_eq!(backup["problems"][0]["kind"], "too-old", "{backup}");
        assert!(backup["dump"]["time_from"].as_str().unwrap().contains("in the store"));
    }
}
