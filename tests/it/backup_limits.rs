//! Limits and labels of a run: how fast it reads, for whom it waits, and what it is called.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::{Cluster, Database, Pgtend, command};
use crate::scene::{PATIENCE, Psql, Repository, coordinator_pid, make_table};

/// pgtend's advisory lock, as another backup would hold it.
const HOLD: &str = "SELECT pg_advisory_lock(8099570433841692673);";

/// Holds the lock in a session of its own.
fn hold(database: &Database<'_>) -> Psql {
    let mut holder = Psql::start(database.cluster(), database.name());
    holder.send(HOLD);
    coordinator_pid(database);
    holder
}

#[test]
fn all_readers_together_stay_below_the_rate_limit() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("paced");
    make_table(&database, "big", 5);
    database.psql("SELECT lo_from_bytea(0, decode(repeat(md5('x'), 65536), 'hex'))");
    let repository = Repository::new();
    let start = Instant::now();
    let arguments = ["-j3", "--chunk=256kB", "--rate-limit=3MiB/s"];
    repository.backup(&database.url()).args(arguments).run().expect_code(0);
    // 5 MiB of rows and 1 MiB of a large object; a tenth of a second may be made up for.
    assert!(start.elapsed() > Duration::from_millis(1850), "{:?}", start.elapsed());
    repository.verify();

    // The file's own limit holds too, and is what is shown.
    let file = "[backup]\nrate_limit = '6MiB/s'\n";
    let run = Repository::new();
    let pgtend = run.backup(&database.url()).arg("-j2");
    std::fs::write(pgtend.home().join("pgtend.toml"), file).unwrap();
    let start = Instant::now();
    pgtend.run().expect_code(0);
    assert!(start.elapsed() > Duration::from_millis(875), "{:?}", start.elapsed());
    for wrong in ["0", "20", "fast"] {
        repository.backup(&database.url()).args(["--rate-limit", wrong]).run().expect_code(64);
    }
}

#[test]
fn a_signal_ends_a_slow_backup_at_once() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("slow");
    make_table(&database, "big", 8);
    let repository = Repository::new();
    let run = repository.backup(&database.url()).args(["-j2", "--rate-limit=32KiB/s"]).spawn();
    let come = command::until(PATIENCE, || (repository.backups().len() == 1).then_some(()));
    assert!(come.is_some(), "the backup does not begin");
    run.signal(Signal::INT);
    let start = Instant::now();
    run.wait().expect_code(130);
    // At this rate the rest takes four minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    repository.assert_empty();
}

#[test]
fn a_backup_waits_for_another_one_and_says_for_whom() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("awaited");
    make_table(&database, "t", 1);
    let mut holder = hold(&database);
    let pid = coordinator_pid(&database);
    let repository = Repository::new();
    let backup = |patience: &[&str]| repository.backup(&database.url()).args(patience);

    let output = backup(&[]).run().expect_code(75);
    let who = format!("pid {pid} (application, role postgres), connected since 2");
    let cause = &output.json()["error"]["causes"][0];
    assert!(cause.as_str().unwrap().starts_with(&who), "{cause}");
    assert_eq!(output.json()["error"]["next"][0], "wait for its end: --retry-lock 30m does that");

    let start = Instant::now();
    let output = backup(&["--retry-lock=1s"]).run().expect_code(75);
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert!(output.json()["error"]["causes"].to_string().contains("--retry-lock 1s"));

    let words = format!("another backup of this database is running: {who}");
    let mut stopped = backup(&["--retry-lock=30m"]).spawn();
    stopped.until_said(&words);
    let mut patient = backup(&["--retry-lock=30m"]).spawn();
    patient.until_said(&words);
    stopped.signal(Signal::TERM);
    let start = Instant::now();
    stopped.wait().expect_code(143);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(!patient.has_ended());
    repository.assert_empty();
    holder.close();
    let output = patient.wait().expect_code(0);
    assert_eq!(output.stderr.matches("another backup of this database").count(), 1);
    repository.verify();
}

#[test]
fn labels_are_kept_with_the_backup_and_found_again() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("labelled");
    let repository = Repository::new();
    let backup = |labels: &[&str]| {
        let pgtend = repository.backup(&database.url()).arg("--no-globals").args(labels);
        let file = "[backup]\nlabels = { team = \"shop\", ticket = \"none\" }\n";
        std::fs::write(pgtend.home().join("pgtend.toml"), file).unwrap();
        let report = pgtend.run().expect_code(0).json()["report"].take();
        report["id"].as_str().unwrap().to_owned()
    };
    let plain = backup(&[]);
    let release = backup(&["--label", "ticket=OPS-1", "--label=why=before the release, really"]);
    let list = |arguments: &[&str]| {
        let run = Pgtend::new().args(["backup", "list", "--repo"]).arg(repository.path());
        run.args(arguments).run()
    };
    let ids = |labels: &[&str]| {
        let output = list(&[&["--format=json"], labels].concat()).expect_code(0);
        let backups = output.json()["report"]["backups"].take();
        let ids = backups.as_array().unwrap().iter().map(|backup| backup["id"].clone());
        ids.map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["--label", "team=shop"]), [plain.clone(), release.clone()]);
    assert_eq!(ids(&["--label", "ticket=none"]), std::slice::from_ref(&plain));
    assert_eq!(
        ids(&["--label", "team=shop", "--label", "ticket=OPS-1"]),
        std::slice::from_ref(&release)
    );
    assert_eq!(ids(&["--label", "team=web"]), [""; 0]);
    let output = list(&["--label", "ticket=OPS-1"]).expect_code(0);
    let shown = "team=shop, ticket=OPS-1, why=before the release, really";
    let whole = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(whole.contains("LABELS") && whole.contains(shown), "{}", output.stdout);
    let show = Pgtend::new().args(["backup", "show", &release, "--repo"]).arg(repository.path());
    let output = show.run().expect_code(0);
    assert!(output.stdout.contains(&format!("labels    {shown}")), "{}", output.stdout);

    // What labels a damaged record had is unknown: it stays in the list.
    let folder = repository.backups().into_iter().find(|folder| folder.ends_with(&plain)).unwrap();
    std::fs::write(folder.join("manifest.json"), "{}").unwrap();
    let output = list(&["--format=json", "--label", "ticket=OPS-1"]).expect_code(1);
    assert!(output.stdout.contains(&plain) && output.stdout.contains(&release));

    for wrong in ["ticket", "a b=x", "=x", "a="] {
        let refused = repository.backup(&database.url()).args(["--label", wrong]).run();
        refused.expect_code(64);
    }
}

#[test]
fn settings_show_limits_and_labels_where_they_are_from() {
    let file = "[backup]\nrate_limit = \"20MiB/s\"\nlabels = { team = \"shop\", why = \"x\" }\n";
    let show = |arguments: &[&str]| {
        let run = Pgtend::new().args(["backup", "--show-settings", "-h", "db", "-U", "me"]);
        let run = run.args(arguments);
        std::fs::write(run.home().join("pgtend.toml"), file).unwrap();
        run.run().expect_code(0).stdout
    };
    let toml = show(&["--format=toml", "--label=why=y"]);
    assert!(toml.contains("rate_limit = \"20MiB/s\""), "{toml}");
    assert!(toml.contains("labels.team = \"shop\"  # [backup]"), "{toml}");
    assert!(toml.contains("labels.why = \"y\"  # --label"), "{toml}");
    let read: toml::Table = toml.parse().expect("TOML");
    assert_eq!(read["backup"]["labels"]["team"].as_str(), Some("shop"));
}
