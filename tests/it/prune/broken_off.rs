//! Runs that end in the middle, and what is left of them.

use std::fs;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;

use super::scene::{Scene, files_in, said};
use crate::harness::command;
use crate::scene::PATIENCE;

const LEAST: [&str; 2] = ["--keep-last=1", "--min-keep=1"];

#[test]
fn leftovers_go_when_nothing_in_them_is_young() {
    let scene = Scene::new();
    let place = "prod/app";
    let folder = |id: &str| scene.path().join(place).join(id);
    let whole = [900, 800].map(|age| scene.add(place, age));
    let old = scene.add_broken_off(place, 40);
    let young = scene.add_broken_off(place, 20);
    // One that runs for 40 hours writes all the time.
    let running = scene.add_broken_off(place, 41);
    let toc = fs::File::open(folder(&running).join("toc.dat")).unwrap();
    toc.set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
    // Somebody has put something of his own into it.
    let shared = scene.add_broken_off(place, 50);
    fs::write(folder(&shared).join("why.txt"), "it was me").unwrap();
    scene.age(&folder(&shared), 50);
    let empty = scene.add_broken_off(place, 60);
    files_in(&folder(&empty)).into_iter().for_each(|file| fs::remove_file(file).unwrap());
    fs::File::open(folder(&empty))
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_secs(200_000))
        .unwrap();

    let only = ["--sweep-older-than=24h"];
    let before = scene.files();
    scene.prune(&only).run().expect_code(77);
    assert_eq!(scene.files(), before);
    // No backup is lost: y is enough.
    let output = scene.prune(&only).arg("--yes").run().expect_code(1);
    let report = output.json();
    for id in [&old, &shared, &empty] {
        assert_eq!(said(&report, id), ("remove", "incomplete, and untouched for more than 1d"));
    }
    for id in [&young, &running] {
        assert_eq!(
            said(&report, id),
            ("keep", "incomplete, and may be running: touched within 1d")
        );
        assert!(folder(id).join("toc.dat").exists());
    }
    // Without a rule no backup goes.
    assert_eq!(said(&report, &whole[0]), ("keep", "no rules"));
    assert_eq!(scene.count(place), 2);
    assert!(!folder(&old).exists() && !folder(&empty).exists());
    let left: Vec<_> = files_in(&folder(&shared));
    assert_eq!(left, [folder(&shared).join("why.txt")]);
    assert!(output.stderr.contains("why.txt in its folder is not pgtend's"), "{}", output.stderr);
}

#[test]
fn killed_in_the_middle_every_backup_is_whole_or_none_and_the_next_run_ends_it() {
    let scene = Scene::new();
    let place = "prod/app";
    let ids: Vec<String> = (1..=60).rev().map(|days| scene.add(place, days * 24)).collect();
    let whole = files_in(&scene.path().join(place).join(&ids[0])).len();
    let name = scene.path().to_str().unwrap();
    let arguments = [&LEAST[..], &["--confirm", name]].concat();
    let mut run = scene.prune(&arguments).spawn();
    let started =
        command::until(PATIENCE, || (run.has_ended() || scene.count(place) < 60).then_some(()));
    assert!(started.is_some(), "nothing was removed");
    if !run.has_ended() {
        run.signal(Signal::KILL);
    }
    run.wait();
    for id in scene.published(place) {
        assert_eq!(files_in(&scene.path().join(place).join(&id)).len(), whole, "{id}");
    }
    let newest = ids.last().unwrap();
    assert!(scene.published(place).contains(newest));
    // A folder that it had just emptied has nothing but its own time.
    for entry in fs::read_dir(scene.path().join(place)).unwrap() {
        let folder = fs::File::open(entry.unwrap().path()).unwrap();
        folder.set_modified(SystemTime::now() - Duration::from_secs(200_000)).unwrap();
    }
    // What the killed run has left goes as well: nothing in it is young.
    scene.prune(&arguments).run().expect_code(0);
    assert_eq!(scene.published(place), std::slice::from_ref(newest));
    let left = fs::read_dir(scene.path().join(place)).unwrap().count();
    assert_eq!(left, 1, "{:?}", scene.files());
    scene.verify(newest, 0);
}

#[test]
fn two_at_once_do_no_harm() {
    let scene = Scene::new();
    let place = "prod/app";
    let ids: Vec<String> = (1..=30).rev().map(|days| scene.add(place, days * 24)).collect();
    scene.add("prod/other", 2400);
    let name = scene.path().to_str().unwrap();
    let arguments = [&LEAST[..], &["--confirm", name]].concat();
    let runs = [0, 1, 2].map(|_| scene.prune(&arguments).spawn());
    for run in runs {
        run.wait().expect_code(0);
    }
    // One may have left what another was just removing.
    scene.prune(&arguments).run().expect_code(0);
    assert_eq!(scene.published(place), [ids.last().unwrap().clone()]);
    assert_eq!(fs::read_dir(scene.path().join(place)).unwrap().count(), 1);
    assert_eq!(scene.count("prod/other"), 1);
    scene.verify(ids.last().unwrap(), 0);
}
