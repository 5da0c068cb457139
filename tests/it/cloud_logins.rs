//! Logins by way of AWS: tokens of RDS, judged as RDS does, and secrets that rotate.

use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, OnceLock};

use crate::foreign::files::{Files, load_little};
use crate::harness::aws::{self, Secrets, judge_token};
use crate::harness::directory::{Bind, Directory};
use crate::harness::{Cluster, ClusterSpec, Pgtend, TlsVariant, compare};
use crate::restore_right::Made;

const ENDPOINT: &str = "db.c1a2b3.eu-west-1.rds.amazonaws.com";
const REGION: &str = "eu-west-1";
const USERS: [&str; 5] = ["plain", "a+b", "me@corp.com", "with space", "ü&=%/?#'"];

/// Lets in who comes with a token for this endpoint, its port and the user.
fn judge(port: Arc<OnceLock<u16>>) -> Directory {
    Directory::start(move |Bind { name, password }| {
        let Some(port) = port.get() else { return false };
        let user = name.strip_prefix("uid=").unwrap();
        let judged = judge_token(password, (ENDPOINT, *port), REGION, user);
        judged.inspect_err(|why| eprintln!("the token of {user} is refused: {why}")).is_ok()
    })
}

/// A server that asks the directory, where `hba` says so.
fn server(tls: bool, hba: impl Fn(&Directory) -> String) -> (Cluster, Directory) {
    let port = Arc::new(OnceLock::new());
    let directory = judge(Arc::clone(&port));
    let mut spec = ClusterSpec::default().hba(&hba(&directory));
    if tls {
        spec = spec.tls(TlsVariant::Good);
    }
    let cluster = spec.start();
    port.set(cluster.port()).unwrap();
    for user in USERS {
        cluster.psql("postgres", &format!("CREATE ROLE \"{user}\" LOGIN SUPERUSER"));
    }
    (cluster, directory)
}

fn conninfo(cluster: &Cluster, user: &str, more: &str) -> String {
    let user = user.replace('\'', "\\'");
    let port = cluster.port();
    format!("host={ENDPOINT} hostaddr=127.0.0.1 port={port} user='{user}' dbname=postgres {more}")
}

fn pgtend(region: &str) -> Pgtend {
    aws::environment(region)
        .into_iter()
        .fold(Pgtend::new(), |pgtend, (name, value)| pgtend.env(name, value))
}

/// With another region in the environment: the endpoint's own counts.
fn with_iam(cluster: &Cluster, user: &str, more: &str) -> Pgtend {
    let url = conninfo(cluster, user, more);
    pgtend("us-west-2").args(["--show-server", "--format=json", "-v", "--iam", "--url", &url])
}

#[test]
fn a_token_of_every_user_verifies() {
    let (cluster, directory) = server(true, |directory| directory.hba("hostssl", "all"));
    for user in USERS {
        let output = with_iam(&cluster, user, "").run().expect_code(0);
        assert_eq!(output.json()["report"]["user"], user, "{}", output.stdout);
        let token = directory.binds().last().unwrap().password.clone();
        let signature = token.rsplit('=').next().unwrap();
        for text in [&output.stdout, &output.stderr, &cluster.log()] {
            assert!(!text.contains(signature), "{text}");
        }
        assert!(output.stderr.contains("goes to whoever answers"), "{}", output.stderr);
    }
    // As of a session policy: the token of the session is signed too.
    let output = with_iam(&cluster, "a+b", "").env("AWS_SESSION_TOKEN", "a/b+c==").run();
    output.expect_code(0);
    // A region by name, for an endpoint behind a name of one's own; a wrong one is not RDS's.
    let settings = tempfile::NamedTempFile::new().unwrap();
    for (region, code) in [(REGION, 0), ("eu-west-2", 69)] {
        let file = format!(
            "[target.prod]\nurl = \"{}\"\niam = true\naws_region = '{region}'\n",
            conninfo(&cluster, "plain", "")
        );
        std::fs::write(settings.path(), file).unwrap();
        let run = pgtend("us-west-2").args(["--show-server", "--target", "prod", "--config"]);
        let output = run.arg(settings.path()).run().expect_code(code);
        if code != 0 {
            assert_eq!(output.stderr.matches("refused the IAM token").count(), 1);
            assert!(output.stderr.contains("GRANT rds_iam TO"), "{}", output.stderr);
        }
    }
}

/// pg_dump, pg_dumpall and every reader log in for themselves.
#[test]
fn a_backup_logs_in_with_tokens_of_its_own() {
    let (cluster, directory) = server(true, |directory| directory.hba("hostssl", "all"));
    cluster.psql("postgres", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS id");
    let repo = tempfile::tempdir().unwrap();
    let url = conninfo(&cluster, "me@corp.com", "");
    let run = pgtend(REGION).args(["backup", "-j", "2", "--iam", "--url", &url, "--repo"]);
    let output = run.arg(repo.path()).run().expect_code(0);
    assert!(!output.stderr.contains("warning"), "{}", output.stderr);
    // The coordinator, pg_dump, pg_dumpall and a reader, at the least.
    assert!(directory.binds().len() >= 4, "{}", directory.binds().len());
}

/// However many sessions it opens: the program may ask somebody for a code.
#[test]
fn a_program_that_hands_out_credentials_runs_once() {
    let (cluster, directory) = server(true, |directory| directory.hba("hostssl", "all"));
    let home = tempfile::tempdir().unwrap();
    let (program, config) = (home.path().join("hand-out"), home.path().join("config"));
    let runs = home.path().join("runs");
    let text = format!(
        "#!/bin/sh\necho run >>{}\necho '{}'\n",
        runs.display(),
        serde_json::json!({
            "Version": 1, "AccessKeyId": aws::KEY_ID, "SecretAccessKey": aws::SECRET_KEY,
        }),
    );
    std::fs::write(&program, text).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let text = format!("[default]\ncredential_process = {}\n", program.display());
    std::fs::write(&config, text).unwrap();
    let repo = tempfile::tempdir().unwrap();
    let url = conninfo(&cluster, "plain", "");
    let run =
        Pgtend::new().env("AWS_CONFIG_FILE", &config).env("AWS_EC2_METADATA_DISABLED", "true");
    let run = run.args(["backup", "-j", "2", "--iam", "--url", &url, "--repo"]);
    run.arg(repo.path()).run().expect_code(0);
    // The coordinator, pg_dump and pg_dumpall: there is nothing to read.
    assert!(directory.binds().len() >= 3, "{}", directory.binds().len());
    assert_eq!(std::fs::read_to_string(runs).unwrap(), "run\n");
}

/// pg_restore and psql, from a backup and from files of pg_dump.
#[test]
fn a_restore_logs_in_with_tokens_of_its_own() {
    let (cluster, directory) = server(true, |directory| directory.hba("hostssl", "all"));
    let db = cluster.create_db("tokens");
    load_little(&db);
    let (repo, files) = (tempfile::tempdir().unwrap(), Files::new());
    let url = conninfo(&cluster, "me@corp.com", "").replace("dbname=postgres", "");
    let of = |db: &str| format!("{url} dbname={db}");
    let run = pgtend(REGION).args(["backup", "--iam", "--url", &of(db.name()), "--repo"]);
    run.arg(repo.path()).run().expect_code(0);
    let (custom, plain) = (files.dump(15, &db, &["-Fc"], "c"), files.dump(15, &db, &["-Fp"], "p"));
    let (custom, plain) = (custom.to_str().unwrap(), plain.to_str().unwrap());
    for (name, jobs) in [("latest", "2"), (custom, "2"), (custom, "1"), (plain, "1")] {
        let before = directory.binds().len();
        let copy = Made::new(&cluster, "copy");
        let run =
            pgtend(REGION).args(["restore", name, "--iam", "--url", &of("postgres"), "-j", jobs]);
        let run = run.args(["--into", &copy.name, "--create", "--yes", "--repo"]);
        run.arg(repo.path()).run().expect_code(0);
        compare::assert_equal(&cluster, db.name(), &cluster, &copy.name);
        assert!(directory.binds().len() >= before + 3, "{name}");
    }
}

#[test]
fn no_token_goes_over_a_line_in_clear() {
    let plain = server(false, |directory| directory.hba("host", "all"));
    let refused = server(true, |directory| {
        format!("hostssl all all 127.0.0.1/32 reject\n{}", directory.hba("hostnossl", "all"))
    });
    for (cluster, directory) in [&plain, &refused] {
        for more in ["", "sslmode=disable", "sslmode=allow", "sslmode=prefer", "sslmode=require"] {
            let output = with_iam(cluster, "plain", more).run().expect_code(69);
            assert!(directory.binds().is_empty(), "{more}: {}", output.stderr);
        }
        // What is in the environment, and in a password file, does not weaken it either.
        let run = with_iam(cluster, "plain", "").env("PGSSLMODE", "prefer");
        run.env("PGREQUIRESSL", "0").run().expect_code(69);
        assert!(directory.binds().is_empty());
    }
    let (cluster, directory) = &plain;
    let socket = cluster.socket_dir().display();
    let socket = format!("host={socket} port={} user=plain dbname=postgres", cluster.port());
    let run = pgtend(REGION).args(["--show-server", "--iam", "--url", &socket]);
    let output = run.run().expect_code(64);
    assert!(output.stderr.contains("it has a Unix socket, and a token needs TLS"));
    let bound = conninfo(cluster, "plain", "channel_binding=require");
    let run = pgtend(REGION).args(["--show-server", "--iam", "--url", &bound]);
    run.run().expect_code(64);
    assert!(directory.binds().is_empty());
}

#[test]
fn what_a_token_lacks_is_named() {
    let (cluster, directory) = server(true, |directory| directory.hba("hostssl", "all"));
    let url = conninfo(&cluster, "plain", "");
    let run = || Pgtend::new().args(["--show-server", "--iam", "--url", &url]);
    let bare = |run: Pgtend| {
        aws::environment(REGION)
            .into_iter()
            .filter(|(name, _)| !name.ends_with("KEY_ID") && !name.ends_with("ACCESS_KEY"))
            .fold(run, |run, (name, value)| run.env(name, value))
    };
    let output = bare(run()).run().expect_code(69);
    assert!(output.stderr.contains("cannot make an IAM token for plain"), "{}", output.stderr);
    assert!(output.stderr.contains("AWS_PROFILE"), "{}", output.stderr);
    let here = format!("host=localhost port={} user=plain dbname=postgres", cluster.port());
    let run = Pgtend::new().args(["--show-server", "--iam", "--url", &here]);
    let variables = aws::environment("").into_iter().filter(|(_, value)| !value.is_empty());
    let run = variables.fold(run, |run, (name, value)| run.env(name, value));
    let output = run.run().expect_code(64);
    assert!(output.stderr.contains("localhost is not an endpoint of RDS"), "{}", output.stderr);
    assert!(directory.binds().is_empty());
}

fn with_secret(secrets: &Secrets, cluster: &Cluster, id: &str, user: &str) -> Pgtend {
    let url = format!("host=127.0.0.1 port={} dbname=postgres {user}", cluster.port());
    pgtend("eu-north-1").env("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.endpoint()).args([
        "--show-server",
        "--format=json",
        "--secret",
        id,
        "--url",
        &url,
    ])
}

#[test]
fn a_secret_logs_in_and_is_fetched_again_when_it_has_rotated() {
    let secrets = Secrets::start();
    let cluster = ClusterSpec::default().hba("host all all 127.0.0.1/32 scram-sha-256").start();
    cluster.psql("postgres", "CREATE ROLE app LOGIN PASSWORD 'n3w%p@ss'");
    let json = |password: &str| {
        format!("{{\"username\": \"app\", \"password\": \"{password}\", \"engine\": \"postgres\"}}")
    };
    let (old, new) = (json("0ld-pass"), json("n3w%p@ss"));
    secrets.put("fresh", &[&new]);
    secrets.put("rotated", &[&old, &new]);
    secrets.put("stale", &[&old]);
    secrets.put("bare", &["n3w%p@ss\n"]);
    secrets.put("broken", &["{\"username\": \"app\""]);
    let arn = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:rds!db-1";
    secrets.put(arn, &[&new]);
    let cases = [
        ("fresh", "", 0, 1),
        ("fresh", "user=app", 0, 1),
        ("rotated", "", 0, 2),
        ("rotated", "user=app", 0, 1),
        ("bare", "user=app", 0, 1),
        (arn, "", 0, 1),
        ("stale", "user=app", 69, 2),
        ("broken", "user=app", 69, 1),
        ("missing", "user=app", 69, 1),
        ("forbidden", "user=app", 77, 1),
    ];
    for (id, user, code, times) in cases {
        let before = secrets.asked().len();
        let output = with_secret(&secrets, &cluster, id, user).run().expect_code(code);
        let asked = &secrets.asked()[before..];
        assert_eq!(asked.len(), times, "{id} {user}: {asked:?}\n{}", output.stderr);
        let region = if id == arn { "ap-south-1" } else { "eu-north-1" };
        assert!(asked.iter().all(|asked| asked.ends_with(region)), "{asked:?}");
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains("0ld-pass") && !text.contains("n3w%p@ss"), "{text}");
        }
        if code == 0 {
            assert_eq!(output.json()["report"]["user"], "app");
        } else {
            assert!(output.stderr.contains(id) || id == "stale", "{}", output.stderr);
        }
    }
}
