//! `backup prune` and `--keep-*`: what goes, what stays whatever the rules say, and what is never
//! touched.

mod after;
mod broken_off;
mod consent;
mod guards;
mod s3;
mod scene;

use scene::Scene;

#[test]
fn only_what_no_rule_keeps_goes_and_only_of_the_database_that_is_meant() {
    let scene = Scene::new();
    let ages = [6, 5, 4, 3, 2, 1].map(|days| days * 24);
    let own = ages.map(|age| scene.add("prod/app", age));
    // Names that start alike, and one that needs encoding.
    for neighbour in ["prod/app-old", "prod/app%2Fx", "prod/ap", "prod-2/app", "prod%2Fapp/app"] {
        scene.add_all(neighbour, &ages);
    }
    scene.add_foreign(&own[0]);
    let before = scene.files();

    let arguments = ["--cluster=prod", "--database=app", "--keep-last=2", "--min-keep=1"];
    let report = scene.prune(&arguments).arg("--dry-run").run().expect_code(0).json();
    let rows = report["report"]["backups"].as_array().unwrap();
    assert_eq!(rows.len(), 6, "{rows:#?}");
    assert_eq!(rows[0]["action"], "remove");
    assert_eq!(rows[0]["reasons"][0], "no rule keeps it");
    assert_eq!(rows[4]["reasons"][0], "last");
    assert_eq!(rows[5]["reasons"][0], "newest");
    assert_eq!(report["report"]["rules"][0]["name"], "keep_last");
    assert_eq!(scene.files(), before, "a dry run removes nothing");

    let report = scene.prune(&arguments).arg("--confirm=app").run().expect_code(0).json();
    assert_eq!(report["exit"], 0);
    let gone =
        |file: &String| own[..4].iter().any(|id| file.starts_with(&format!("prod/app/{id}/")));
    let expected: Vec<String> = before.into_iter().filter(|file| !gone(file)).collect();
    assert_eq!(scene.files(), expected);
    for id in &own[..4] {
        assert!(!scene.path().join("prod/app").join(id).exists(), "{id} is gone with its folder");
    }
    // Again: there is nothing left to do, and so nothing to agree to.
    let report = scene.prune(&arguments).run().expect_code(0).json()["report"].take();
    assert!(report["backups"].as_array().unwrap().iter().all(|row| row["action"] == "keep"));
    assert_eq!(scene.files(), expected);
}

#[test]
fn every_database_is_judged_by_itself() {
    let scene = Scene::new();
    for place in ["prod/app", "prod/shop", "test/app"] {
        scene.add_all(place, &[72, 48, 24]);
    }
    scene.add("prod/small", 2400);
    let name = scene.path().to_str().unwrap();
    let run = scene.prune(&["--keep-last=1", "--min-keep=2", "--confirm", name]);
    run.run().expect_code(0);
    assert_eq!(scene.count("prod/app"), 2);
    assert_eq!(scene.count("prod/shop"), 2);
    assert_eq!(scene.count("test/app"), 2);
    assert_eq!(scene.count("prod/small"), 1);
    // By cluster: its name is what is typed.
    let run = scene.prune(&["--keep-last=1", "--min-keep=1", "--cluster=test", "--confirm=test"]);
    run.run().expect_code(0);
    assert_eq!(scene.count("test/app"), 1);
    assert_eq!(scene.count("prod/app"), 2);
    // By database: in every cluster that has one.
    let run = scene.prune(&["--keep-last=1", "--min-keep=1", "--database=app", "--confirm=app"]);
    run.run().expect_code(0);
    assert_eq!(scene.count("prod/app"), 1);
    assert_eq!(scene.count("prod/shop"), 2);
}

#[test]
fn the_table_says_what_stays_and_why() {
    let scene = Scene::new();
    let ids = [72, 48, 24].map(|age| scene.add("prod/app", age));
    let run = scene.text(&["--keep-last=2", "--min-keep=1", "--dry-run"]);
    let output = run.run().expect_code(0);
    let lines: Vec<Vec<&str>> =
        output.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "app (cluster prod)");
    assert_eq!(lines[1], ["ID", "STATE", "VERIFIED", "WHY"]);
    assert_eq!(lines[2][0], ids[0]);
    assert!(lines[2].join(" ").ends_with("complete never remove no rule keeps it"), "{lines:?}");
    assert!(lines[3].join(" ").ends_with("complete never keep last"), "{lines:?}");
    assert!(lines[4].join(" ").contains("complete never keep newest, min-keep, last"), "{lines:?}");
    assert!(output.stdout.contains("nothing was removed; 1 of 3 backups ("), "{}", output.stdout);
    let name = scene.path().display();
    assert!(output.stderr.contains(&format!("--confirm {name} answers")), "{}", output.stderr);
}
