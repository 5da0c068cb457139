//! Pruning after a backup.

use std::fs;

use super::scene::Scene;
use crate::harness::{Cluster, Database, Pgtend};

fn database(cluster: &Cluster) -> Database<'_> {
    let db = cluster.create_db("kept");
    db.psql("CREATE TABLE t AS SELECT n FROM generate_series(1, 10) n");
    db
}

fn backup(scene: &Scene, db: &Database<'_>, more: &[&str]) -> Pgtend {
    let base = ["backup", "--no-globals", "--cluster=prod", "--format=json", "--url"];
    Pgtend::new().args(base).arg(db.url()).args(more).arg("-r").arg(scene.path())
}

#[test]
fn a_backup_removes_older_ones_of_its_own_database_only() {
    let cluster = Cluster::shared();
    let (scene, db) = (Scene::new(), database(cluster));
    let place = format!("prod/{}", db.name());
    scene.add_all(&place, &[96, 72, 48, 24]);
    let leftover = scene.add_broken_off(&place, 300);
    let others = [format!("prod/{}x", db.name()), format!("prod-2/{}", db.name())];
    for other in &others {
        scene.add_all(other, &[96, 72, 48, 24]);
    }
    // A dry run shows what would be read, and removes nothing. Nor does a backup without a rule.
    // The copies are of another database of the same server, which no rule of the folder minds.
    backup(&scene, &db, &["--keep-last=1", "--min-keep=1", "--dry-run"]).run().expect_code(0);
    assert_eq!(scene.count(&place), 4);
    let report = backup(&scene, &db, &["--min-keep=1"]).run().expect_code(0).json();
    assert!(report["report"]["pruned"].is_null(), "{report:#}");
    assert_eq!(scene.count(&place), 5);

    let output = backup(&scene, &db, &["--keep-last=2", "--min-keep=1"]).run().expect_code(0);
    let report = output.json()["report"].take();
    assert_eq!(report["published"], true);
    let rows = report["pruned"]["backups"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["removed"] == true).count(), 4, "{rows:#?}");
    let left = scene.published(&place);
    assert_eq!(left.len(), 2);
    assert_eq!(left[1], report["id"].as_str().unwrap());
    // What others may be doing is for prune.
    assert!(scene.path().join(&place).join(leftover).exists());
    for other in &others {
        assert_eq!(scene.count(other), 4, "{other}");
    }
}

#[test]
fn the_rules_may_stand_in_the_settings_and_flags_go_before() {
    let cluster = Cluster::shared();
    let (scene, db) = (Scene::new(), database(cluster));
    let place = format!("prod/{}", db.name());
    scene.add_all(&place, &[96, 72, 48, 24]);
    let file = scene.path().join("settings.toml");
    fs::write(&file, "[backup]\nkeep_last = 3\nmin_keep = 1\n").unwrap();
    let run = |more: &[&str]| {
        let run = backup(&scene, &db, more).arg("--config").arg(&file);
        run.run().expect_code(0).json()["report"].take()
    };
    run(&[]);
    assert_eq!(scene.count(&place), 3);
    let report = run(&["--keep-last=1"]);
    assert_eq!(scene.published(&place), [report["id"].as_str().unwrap()]);
    // Prune takes them from there too.
    scene.add_all(&place, &[96, 72, 48]);
    let run = scene.prune(&["--database", db.name(), "--confirm", db.name()]);
    run.arg("--config").arg(&file).run().expect_code(0);
    assert_eq!(scene.count(&place), 3);
}

#[test]
fn a_backup_that_cannot_remove_older_ones_is_published_and_warns() {
    use std::os::unix::fs::PermissionsExt;
    let cluster = Cluster::shared();
    let (scene, db) = (Scene::new(), database(cluster));
    let place = format!("prod/{}", db.name());
    let id = scene.add(&place, 48);
    let folder = scene.path().join(&place).join(&id);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    let run = backup(&scene, &db, &["--keep-last=1", "--min-keep=1"]);
    let output = run.by(["setpriv", "--bounding-set=-dac_override,-dac_read_search"]).run();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let output = output.expect_code(1);
    assert_eq!(output.json()["report"]["published"], true);
    let told = format!("older backup {id} was not removed: cannot remove");
    assert!(output.stderr.contains(&told), "{}", output.stderr);
    assert_eq!(scene.count(&place), 2);
}

#[test]
fn a_failed_backup_removes_nothing() {
    let cluster = Cluster::shared();
    let (scene, db) = (Scene::new(), database(cluster));
    let place = format!("prod/{}", db.name());
    scene.add_all(&place, &[96, 72, 48, 24]);
    let before = scene.files();
    let arguments = ["--keep-last=1", "--min-keep=1", "--table=no_such_table"];
    let output = backup(&scene, &db, &arguments).run();
    assert_ne!(output.code, 0, "{}", output.stdout);
    assert_eq!(scene.files(), before);
}
