//! Backups as cron runs them: no terminal, next to no environment, standard input closed. The
//! result line, JSON, the exit code, the metrics file, the ping, the operator's commands and the
//! log tell the same story, and none of them a secret.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::command::{self, Finished, read_all, wait};
use crate::harness::listener::Heard;
use crate::harness::pki::Pki;
use crate::harness::{Cluster, ClusterSpec, Listener, Proxy, tools};
use crate::scene::{PATIENCE, Repository, files_below, make_table, wait_for_bytes};

const PASSWORD: &str = "Zq7NobodyMaySeeMe";
/// The part of the ping's URL that makes it a secret.
const TOKEN: &str = "/9d1f-ping-token";

/// A crontab's line and its world.
struct Job {
    home: tempfile::TempDir,
    repository: Repository,
    listener: Listener,
}

/// What a run left for others to read.
struct Told {
    code: i32,
    json: Value,
    log: Vec<Value>,
    metrics: String,
    pings: Vec<Heard>,
    /// The environment of the command that ran after it.
    hook: String,
    stderr: String,
}

impl Job {
    fn new(listener: Listener, host: &str, user: &str, database: &str) -> Self {
        let home = tempfile::Builder::new().prefix("pgt-cron").tempdir().unwrap();
        let repository = Repository::new();
        let job = Self { home, repository, listener };
        job.password(PASSWORD);
        let text = format!(
            "default_target = \"prod\"\nrepo = \"{}\"\n[target.prod]\n{host}\nuser = \"{user}\"\n\
             dbname = \"{database}\"\nconnect_timeout = 20\n\
             [backup]\njobs = 1\ncompress = \"none\"\nping = \"{}\"\nmetrics_file = \"{}\"\n\
             after = \"env >$HOME/hook\"\non_failure = \"env >$HOME/hook\"\n",
            job.repository.path().display(),
            job.listener.url(TOKEN),
            job.metrics_file().display(),
        );
        let folder = job.home.path().join(".config/pgtend");
        fs::create_dir_all(&folder).unwrap();
        write_own(&folder.join("pgtend.toml"), &text);
        job
    }

    fn password(&self, password: &str) {
        write_own(&self.home.path().join(".pgpass"), &format!("*:*:*:*:{password}\n"));
    }

    fn metrics_file(&self) -> PathBuf {
        self.home.path().join("pgtend.prom")
    }

    /// What cron does with a line; `before` stands in front of it.
    fn start(&self, before: &str, line: &str) -> std::process::Child {
        let program = Path::new(env!("CARGO_BIN_EXE_pgtend")).parent().unwrap();
        let clients = tools::client_bindir(15);
        let path = format!("PATH={}:{}:/usr/bin:/bin", program.display(), clients.display());
        let mut cron = Command::new("/usr/bin/env");
        cron.arg("-i").arg(format!("HOME={}", self.home.path().display())).arg(path);
        cron.args(["/bin/sh", "-c", &format!("{before} exec {line} <&-")]);
        cron.current_dir("/").stdin(Stdio::null());
        cron.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn finish(&self, mut child: std::process::Child) -> Told {
        let stdout = read_all(child.stdout.take().unwrap());
        let stderr = read_all(child.stderr.take().unwrap());
        let status = wait(&mut child, Duration::from_secs(180)).expect("it ends");
        let finished =
            Finished { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() };
        let (out, err) = (finished.stdout(), finished.stderr());
        let hook = self.home.path().join("hook");
        let told = Told {
            code: status.code().expect("an exit code"),
            json: serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}\n{err}")),
            log: err
                .lines()
                .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
                .collect(),
            metrics: fs::read_to_string(self.metrics_file()).unwrap_or_default(),
            pings: self.listener.take(),
            hook: fs::read_to_string(&hook).unwrap_or_default(),
            stderr: err,
        };
        if hook.exists() {
            fs::remove_file(hook).unwrap();
        }
        let bodies: String = told.pings.iter().map(|heard| heard.body.as_str()).collect();
        for said in [&out, &told.stderr, &told.metrics, &told.hook, &bodies] {
            assert!(!said.contains(PASSWORD) && !said.contains(TOKEN), "{said}");
        }
        told
    }

    fn run(&self, before: &str, flags: &str) -> Told {
        self.finish(self.start(before, &line(flags)))
    }
}

fn line(flags: &str) -> String {
    format!("pgtend backup --format json --log-format json {flags}")
}

fn write_own(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

impl Told {
    fn metric(&self, name: &str) -> Option<f64> {
        let start = format!("pgtend_backup_{name}{{");
        let line = self.metrics.lines().find(|line| line.starts_with(&start))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// The log's last word on it.
    fn result(&self) -> &Value {
        let found = self.log.iter().rfind(|line| line["event"] == "result");
        found.unwrap_or_else(|| panic!("no result in {}", self.stderr))
    }

    fn variable(&self, name: &str) -> &str {
        let found = self.hook.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        found.unwrap_or_else(|| panic!("no {name} in {}", self.hook))
    }

    fn paths(&self) -> Vec<&str> {
        self.pings.iter().map(|heard| heard.path.strip_prefix(TOKEN).unwrap()).collect()
    }

    /// All of them say that it ended with `code`; gives the id of a published backup.
    #[track_caller]
    fn same_story(&self, code: i32) -> Option<String> {
        let stderr = &self.stderr;
        assert_eq!(self.code, code, "{}\n{stderr}", self.json);
        assert_eq!(self.json["exit"], code, "{}", self.json);
        assert_eq!(self.metric("last_exit_code"), Some(f64::from(code)), "{}", self.metrics);
        assert_eq!(self.result()["exit"], code, "{stderr}");
        let last = self.pings.last().expect("a ping");
        assert!(last.body.contains(&format!("(exit {code})")), "{last:?}");
        assert_eq!(self.variable("PGTEND_EXIT_CODE"), code.to_string());
        let id = self.json["report"]["id"].as_str().map(str::to_owned);
        match &id {
            Some(id) => {
                assert_eq!(self.paths(), ["/start", ""]);
                assert!(last.body.contains(id) && self.result()["id"] == id.as_str());
                assert_eq!(self.variable("PGTEND_BACKUP_ID"), id);
                assert_eq!(
                    self.metric("last_run_timestamp_seconds"),
                    self.metric("last_success_timestamp_seconds")
                );
                let totals = &self.json["report"]["totals"];
                for (metric, total) in [
                    ("bytes", "bytes"),
                    ("raw_bytes", "raw_bytes"),
                    ("rows", "rows"),
                    ("tables", "tables"),
                ] {
                    assert_eq!(self.metric(metric), totals[total].as_f64(), "{metric}");
                    assert_eq!(self.result()[total], totals[total]);
                }
            }
            None => {
                assert_eq!(self.paths(), ["/start", "/fail"]);
                assert_eq!(self.variable("PGTEND_RESULT"), "failure");
                let what = self.json["error"]["what"].as_str().unwrap();
                assert!(self.variable("PGTEND_ERROR").starts_with(what));
                assert!(last.body.contains(what), "{last:?}");
                assert!(last.body.ends_with(&format!("  exit:  {code}\n")), "{last:?}");
                let failure = self.log.last().unwrap();
                assert_eq!(
                    (&failure["event"], &failure["message"]),
                    (&"failure".into(), &what.into())
                );
            }
        }
        id
    }

    /// A failure that names this phase, and the backup that stands.
    #[track_caller]
    fn failed(&self, code: i32, phase: &str, stands: &str) {
        assert_eq!(self.same_story(code), None);
        let error = &self.json["error"];
        assert_eq!(error["phase"], phase, "{error}");
        let fact = error["also"][0].as_str().unwrap_or_default();
        assert!(fact.starts_with("the newest complete backup of app"), "{error}");
        assert!(fact.contains(stands) && fact.contains(" old, never verified"), "{fact}");
        assert!(self.pings.last().unwrap().body.contains(stands));
    }
}

/// Good, with a wrong password, without room, ended by a signal, of every database, and with a
/// server that stops.
#[test]
fn every_run_tells_one_story_to_all() {
    let hba = "host all all all scram-sha-256";
    let cluster = ClusterSpec::default().hba(hba).start();
    cluster.psql("postgres", &format!("CREATE ROLE backup LOGIN SUPERUSER PASSWORD '{PASSWORD}'"));
    cluster.psql("postgres", "CREATE DATABASE app");
    cluster.psql("app", "CREATE TABLE orders AS SELECT generate_series(1, 100) AS id");
    cluster.psql(
        "app",
        "CREATE TABLE big AS SELECT i, repeat(md5(i::text), 31) FROM generate_series(1, 8192) i",
    );
    let proxy = Proxy::start(cluster.port());
    let host = format!("host = \"127.0.0.1\"\nport = {}", proxy.port());
    let job = Job::new(Listener::start(), &host, "backup", "app");

    let good = job.run("", "");
    let id = good.same_story(0).expect("an id");
    assert_eq!(good.variable("PGTEND_RESULT"), "success");
    assert_eq!(good.variable("PGTEND_DATABASE"), "app");
    assert_eq!(good.variable("PGTEND_REPOSITORY"), job.repository.path().to_str().unwrap());
    assert!(
        good.metrics.contains("{cluster=\"prod\",database=\"app\",repository=\""),
        "{}",
        good.metrics
    );
    let mode = fs::metadata(job.metrics_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
    let stood = good.metric("last_success_timestamp_seconds");
    let kept = |told: &Told| {
        assert_eq!(told.metric("last_success_timestamp_seconds"), stood, "{}", told.metrics);
        assert_eq!(told.metric("rows"), good.metric("rows"), "{}", told.metrics);
    };

    job.password("wrong");
    let told = job.run("", "");
    told.failed(69, "connecting", &id);
    kept(&told);
    assert_eq!(told.json["error"]["reasons"][0], "wrong-password", "{}", told.json);
    job.password(PASSWORD);

    let told = job.run("ulimit -f 2000;", "-T orders");
    told.failed(74, "copying public.big", &id);
    kept(&told);

    proxy.rate_limit(Some(2 << 20));
    let contents = || {
        let files = files_below(job.repository.path());
        files.iter().filter(|file| file.ends_with("toc.dat")).count()
    };
    let slow = |line: &str| {
        let (before, known) = (proxy.bytes_down(), contents());
        let child = job.start("", line);
        wait_for_bytes(&proxy, before + (1 << 20));
        // Rows are on their way before it is there.
        command::until(PATIENCE, || (contents() > known).then_some(())).expect("its toc.dat");
        child
    };
    let child = slow(&line(""));
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    let told = job.finish(child);
    told.failed(143, "copying public.big", &id);
    kept(&told);

    let child = slow(&line(""));
    cluster.stop_immediate();
    let told = job.finish(child);
    proxy.rate_limit(None);
    told.failed(69, "connecting, in a new start after copying public.big", &id);
    kept(&told);
    cluster.start_again();

    // Every database, and one of them cannot be read.
    cluster.psql("postgres", "CREATE DATABASE closed; CREATE ROLE other LOGIN PASSWORD 'x'");
    cluster.psql("postgres", "REVOKE CONNECT ON DATABASE closed FROM PUBLIC; ALTER ROLE backup NOSUPERUSER; GRANT pg_read_all_data TO backup");
    let told = job.run("", "--all-databases --exclude-database postgres");
    assert_eq!((told.code, &told.json["exit"]), (77, &77.into()), "{}", told.stderr);
    assert_eq!(told.paths(), ["/start", "/fail"]);
    assert_eq!(told.variable("PGTEND_EXIT_CODE"), "77");
    assert_eq!(told.variable("PGTEND_DATABASE"), "app");
    for (database, code) in [("app", 0), ("closed", 77)] {
        let result =
            told.log.iter().find(|line| line["event"] == "result" && line["database"] == database);
        assert_eq!(result.unwrap()["exit"], code, "{}", told.stderr);
        let line = format!("last_exit_code{{cluster=\"prod\",database=\"{database}\"");
        let line = told.metrics.lines().find(|found| found.contains(&line)).unwrap();
        assert!(line.ends_with(&format!(" {code}")), "{line}");
    }
    let body = &told.pings.last().unwrap().body;
    assert!(body.starts_with("backup 2") && body.contains("backup of closed failed"), "{body}");
    assert!(body.contains("there is no complete backup of closed in"), "{body}");
}

/// The backup is published and somebody could not be told: exit 1, and everybody else knows.
#[test]
fn what_could_not_be_told_is_a_warning_of_a_published_backup() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("cron");
    make_table(&database, "t", 1);
    let host = format!("host = \"127.0.0.1\"\nport = {}", cluster.port());
    let job = Job::new(Listener::start(), &host, "postgres", database.name());

    job.listener.answer_with(404);
    let told = job.run("", "");
    assert_eq!((told.code, &told.json["exit"]), (1, &1.into()), "{}", told.stderr);
    assert_eq!((told.metric("last_exit_code"), &told.result()["exit"]), (Some(1.0), &1.into()));
    assert_eq!(
        told.metric("last_run_timestamp_seconds"),
        told.metric("last_success_timestamp_seconds")
    );
    let warning = told.json["report"]["warnings"][0].as_str().unwrap();
    assert!(
        warning.starts_with("the ping to 127.0.0.1 did not arrive: the answer was 404"),
        "{warning}"
    );
    assert_eq!(told.paths(), ["/start", ""], "a wrong URL is not tried again");
    assert!(told.stderr.contains(warning), "{}", told.stderr);

    // A busy service is asked again, and a failing command does not hide the ping.
    job.listener.answer_with(503);
    let told = job.run("", "--after 'echo out; echo err >&2; exit 3'");
    assert_eq!(told.code, 1, "{}", told.stderr);
    assert_eq!(told.paths().iter().filter(|path| path.is_empty()).count(), 3);
    let warnings = told.json["report"]["warnings"].to_string();
    assert!(
        warnings.contains("the command of --after failed: it ended with exit code 3"),
        "{warnings}"
    );
    assert!(warnings.contains("it said: err") && warnings.contains("503"), "{warnings}");
    let said: Vec<&Value> = told
        .log
        .iter()
        .filter(|line| line["event"] == "hook")
        .map(|line| &line["message"])
        .collect();
    assert_eq!(said, ["out", "err"]);

    job.listener.answer_with(200);
    let told = job.run("", "--metrics-file /nowhere/x.prom");
    assert_eq!((told.code, &told.json["exit"]), (1, &1.into()), "{}", told.stderr);
    let body = &told.pings.last().unwrap().body;
    assert!(
        body.contains("(exit ") && body.contains("cannot write the metrics file /nowhere/x.prom"),
        "{body}"
    );

    // A dry run is nobody's business.
    let told = job.run("", "--dry-run --before false");
    assert_eq!((told.code, told.pings.len(), told.hook.as_str()), (0, 0, ""), "{}", told.stderr);
}

#[test]
fn a_ping_goes_out_by_https_to_who_can_be_trusted() {
    let cluster = Cluster::shared();
    let database = cluster.create_db("cron_tls");
    let host = format!("host = \"127.0.0.1\"\nport = {}", cluster.port());
    let job = Job::new(Listener::start_tls(), &host, "postgres", database.name());
    let authority = format!("AWS_CA_BUNDLE={}", Pki::shared().ca.display());
    job.run(&format!("{authority}; export AWS_CA_BUNDLE;"), "").same_story(0).expect("an id");
    let told = job.run("", "");
    assert_eq!((told.code, told.pings.len()), (1, 0), "{}", told.stderr);
    assert!(
        told.stderr.contains("the ping to 127.0.0.1 did not arrive: TLS with 127.0.0.1"),
        "{}",
        told.stderr
    );
}

/// Without the first command's success there is no backup, and nothing of it is tried.
#[test]
fn a_command_that_fails_before_stops_the_run_before_it_connects() {
    let host = "host = \"127.0.0.1\"\nport = 1";
    let job = Job::new(Listener::start(), host, "postgres", "app");
    let told =
        job.run("PGPASSWORD=x; export PGPASSWORD;", "--before 'env; echo not mounted >&2; false'");
    assert_eq!(told.same_story(69), None);
    let error = &told.json["error"];
    assert_eq!(error["what"], "the command of --before failed");
    assert_eq!(error["phase"], "running the command of --before");
    let causes = error["causes"].to_string();
    assert!(causes.contains("exit code 1") && causes.contains("it said: not mounted"), "{causes}");
    assert!(!told.stderr.contains("PGPASSWORD") && told.stderr.contains("PGTEND_RESULT=starting"));
    let told = job.run("", "--before 'exit 75'");
    assert_eq!(told.same_story(75), None);
    let told = job.run("", "--before 'sleep 600' --hook-timeout 1s");
    assert_eq!(told.same_story(69), None);
    assert!(told.stderr.contains("it did not end within 1s and was killed"), "{}", told.stderr);

    // A signal ends the command, with all that it started.
    let pid = job.home.path().join("pid");
    let command = format!("--before 'sleep 601 & echo $! >{}; wait'", pid.display());
    let child = job.start("", &line(&command));
    let started = || fs::read_to_string(&pid).ok().filter(|text| text.ends_with('\n'));
    let sleeper = command::until(PATIENCE, started).unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let told = job.finish(child);
    assert_eq!(told.same_story(130), None);
    let ended = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", sleeper.trim()));
        stat.map_or(true, |stat| stat.contains(") Z ")).then_some(())
    };
    command::until(PATIENCE, ended).expect("the command has ended");
}

/// A URL that cannot be pinged is refused before anything is done, and not repeated.
#[test]
fn a_ping_url_is_checked_and_never_repeated() {
    for url in [
        "9d1f-ping-token",
        "ftp://h/9d1f-ping-token",
        "https://u:9d1f-ping-token@h/",
        "https://[9d1f-ping-token",
    ] {
        let run =
            crate::harness::Pgtend::new().args(["backup", "--repo", "/nowhere", "--ping", url]);
        let output = run.run().expect_code(64);
        assert!(output.stderr.contains("invalid ping URL from --ping"), "{}", output.stderr);
        assert!(!output.stderr.contains("9d1f"), "{}", output.stderr);
    }
    for format in ["table", "json", "toml"] {
        let run = crate::harness::Pgtend::new().args([
            "--show-settings",
            "--format",
            format,
            "-v",
            "backup",
        ]);
        let run = run.args(["--ping", "https://hc/9d1f-ping-token", "-h", "h", "--after", "true"]);
        let output = run.run().expect_code(0);
        assert!(
            output.stdout.contains("ping") && output.stdout.contains("***"),
            "{}",
            output.stdout
        );
        assert!(!(output.stdout + &output.stderr).contains("9d1f"));
    }
}
