//! What stays whatever the rules say.

use std::fs;

use super::scene::{Scene, files_in, row, said};

/// The least that a policy can keep.
const LEAST: [&str; 2] = ["--keep-last=1", "--min-keep=1"];

#[test]
fn three_stay_unless_less_is_asked_for() {
    let scene = Scene::new();
    scene.add_all("prod/app", &[96, 72, 48, 24]);
    let run = scene.prune(&["--keep-last=1", "--database=app", "--confirm=app"]);
    let report = run.run().expect_code(0).json();
    assert_eq!(scene.count("prod/app"), 3);
    let rules = report["report"]["rules"].as_array().unwrap();
    let guard = rules.iter().find(|rule| rule["name"] == "min_keep").unwrap();
    assert_eq!(guard["value"], "3");
}

#[test]
fn the_newest_verified_stays_until_its_proof_falls() {
    let scene = Scene::new();
    let ids = [96, 72, 48, 24].map(|age| scene.add("prod/app", age));
    scene.verify(&ids[0], 0);
    scene.verify(&ids[1], 0);
    let plan = |rules: &[&str]| {
        let arguments = [&["--min-keep=1", "--dry-run"], rules].concat();
        let report = scene.prune(&arguments).run().expect_code(0).json();
        ids.clone().map(|id| (said(&report, &id).0 == "keep", said(&report, &id).1.to_owned()))
    };
    let kept = |plan: &[(bool, String); 4]| plan.clone().map(|(keep, _)| keep);
    let first = plan(&["--keep-last=1"]);
    assert_eq!(kept(&first), [false, true, false, true]);
    assert_eq!(first[1].1, "newest verified");
    assert_eq!(kept(&plan(&["--keep-last=1", "--keep-proven=2"])), [true, true, false, true]);

    // Its bytes rot, and a later look finds that: the older proof is the newest now.
    let folder = scene.path().join("prod/app").join(&ids[1]);
    let data = files_in(&folder).into_iter().find(|file| file.to_str().unwrap().ends_with(".zst"));
    let mut bytes = fs::read(data.as_ref().unwrap()).unwrap();
    bytes[20] ^= 1;
    fs::write(data.unwrap(), bytes).unwrap();
    assert_eq!(
        kept(&plan(&["--keep-last=1"])),
        [false, true, false, true],
        "nobody has looked yet"
    );
    scene.verify(&ids[1], 2);
    let now = plan(&["--keep-last=1"]);
    assert_eq!(kept(&now), [true, false, false, true]);
    assert_eq!(now[1].1, "no rule keeps it, and its verification failed");
    // And it takes no place among those that stay.
    assert_eq!(kept(&plan(&["--keep-last=3"])), [true, true, true, true]);
    let name = scene.path().to_str().unwrap();
    scene.prune(&[&LEAST[..], &["--confirm", name]].concat()).run().expect_code(0);
    assert_eq!(scene.published("prod/app"), [&ids[0], &ids[3]].map(String::clone));
}

#[test]
fn what_cannot_be_judged_stays_and_pushes_nothing_out() {
    let scene = Scene::new();
    let [older, old] = [200, 190].map(|age| scene.add("prod/app", age));
    let place = "prod/app";
    let newer = scene.add_changed(place, 180, |manifest| manifest.format = 3);
    let moved = scene.add_changed(place, 170, |manifest| manifest.id = older.clone());
    let damaged = scene.add(place, 160);
    let file = scene.path().join(place).join(&damaged).join("manifest.json");
    let text = fs::read_to_string(&file).unwrap().replace("\"rows\":100", "\"rows\":999");
    fs::write(&file, text).unwrap();
    let running = scene.add_broken_off(place, 1);
    let future = scene.add(place, -5000);
    let name = scene.path().to_str().unwrap();

    let output = scene.prune(&[&LEAST[..], &["--confirm", name]].concat()).run().expect_code(1);
    let report = output.json();
    assert_eq!(said(&report, &older), ("remove", "no rule keeps it"));
    assert_eq!(said(&report, &old), ("keep", "newest"));
    for (id, why) in [
        (&newer, "a newer pgtend wrote it"),
        (&moved, "its record is of backup"),
        (&damaged, "its own digest does not fit"),
        (&running, "may be running"),
        (&future, "lies in the future"),
    ] {
        let (action, reason) = said(&report, id);
        assert!(action == "keep" && reason.contains(why), "{id}: {action} {reason}");
    }
    assert!(output.stderr.contains(&future), "the wrong clock is told: {}", output.stderr);
    assert_eq!(row(&report, &older)["removed"], true);
    assert!(!scene.path().join(place).join(&older).exists());
    for id in [&old, &newer, &moved, &damaged, &running, &future] {
        assert!(scene.path().join(place).join(id).join("toc.dat").exists(), "{id}");
    }
}

#[test]
fn what_cannot_be_removed_stops_nothing_else() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    let ids = [120, 96, 72, 48, 24].map(|age| scene.add("prod/app", age));
    let folder = scene.path().join("prod/app").join(&ids[1]);
    let set = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).unwrap();
    set(0o500);
    let before = files_in(&folder).len();
    let name = scene.path().to_str().unwrap();
    let arguments = [&LEAST[..], &["--confirm", name]].concat();
    // The superuser may write everywhere, unless that is taken from him.
    let bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let output = scene.prune(&arguments).by(bound).run().expect_code(74);
    set(0o700);
    let report = output.json();
    let problem = row(&report, &ids[1])["problem"].as_str().unwrap();
    assert!(problem.contains("cannot remove") && problem.contains(&ids[1]), "{problem}");
    // The manifest goes first, so it is whole.
    assert_eq!(files_in(&folder).len(), before);
    assert_eq!(scene.published("prod/app"), [&ids[1], &ids[4]].map(String::clone));
    scene.verify(&ids[1], 0);
}

#[test]
fn what_is_being_read_stays() {
    let scene = Scene::new();
    let ids = [96, 72, 48, 24].map(|age| scene.add("prod/app", age));
    let mark = |id: &str, hours: i64, what: &str| {
        let since = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(hours);
        let name = format!("in-use-{}-{what}.json", since.strftime("%Y%m%dT%H%M%S.%6fZ"));
        let file = scene.path().join("prod/app").join(id).join(name);
        fs::write(&file, "{}").unwrap();
        file
    };
    mark(&ids[1], 5, "restore");
    // Of a run that was killed long ago.
    mark(&ids[2], 72, "verify-backup");
    // A verification takes its own away again.
    scene.verify(&ids[0], 0);
    let folder = scene.path().join("prod/app").join(&ids[0]);
    let names = files_in(&folder);
    assert!(!names.iter().any(|file| file.to_str().unwrap().contains("in-use")), "{names:?}");
    let arguments = [&LEAST[..], &["--database=app", "--confirm=app"]].concat();
    let report = scene.prune(&arguments).run().expect_code(0).json();
    let (action, reason) = said(&report, &ids[1]);
    assert!(action == "keep" && reason.starts_with("in use: restore since "), "{action} {reason}");
    assert_eq!(scene.published("prod/app"), [&ids[0], &ids[1], &ids[3]].map(String::clone));
    assert!(!scene.path().join("prod/app").join(&ids[2]).exists());
}
