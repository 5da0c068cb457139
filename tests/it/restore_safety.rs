//! What a restore refuses, and how consent is given.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use pgtend::archive::manifest::{self, Kind};
use pgtend::archive::toc::{Entry, Toc};
use rustix::process::Signal;
use sha2::{Digest, Sha256};

use crate::backup_right::repo::Repo;
use crate::harness::database::quoted;
use crate::harness::pgtend::Running;
use crate::harness::{Cluster, Database, Pgtend, Proxy, command, compare};
use crate::restore_right::{Made, restore};
use crate::scene::wait_for;

fn small(cluster: &Cluster) -> Database<'_> {
    let db = cluster.create_db("kept");
    db.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    db
}

fn backed_up<'a>(cluster: &'a Cluster) -> (Repo, Database<'a>) {
    let (repo, source) = (Repo::new(), small(cluster));
    repo.backup(&source, &["--no-globals"]);
    (repo, source)
}

/// Runs it, requires the code and these words on stderr; gives the report or error as JSON.
#[track_caller]
fn refused(pgtend: Pgtend, code: i32, words: &[&str]) -> String {
    let output = pgtend.run().expect_code(code);
    for word in words {
        assert!(output.stderr.contains(word), "no '{word}' in\n{}", output.stderr);
    }
    output.stderr
}

fn rows(db: &Database<'_>) -> String {
    db.psql("SELECT string_agg(t::text, ' ' ORDER BY id) FROM t")
}

#[test]
fn a_database_that_is_not_empty_needs_clean() {
    let cluster = Cluster::shared();
    let (repo, _source) = backed_up(cluster);
    let other = small(cluster);
    other.psql("INSERT INTO t VALUES (3, 'mine')");
    let into = |more: &[&str]| {
        restore(&repo, cluster, &[&["latest", "--into", other.name()], more].concat())
    };
    refused(into(&["--yes"]), 77, &["is not empty", "public.t", "--swap", "--clean"]);
    // Its name has to be given, and the right one.
    refused(into(&["--clean"]), 77, &["not a terminal", &format!("--confirm {}", other.name())]);
    refused(into(&["--clean", "--yes"]), 77, &["--confirm"]);
    refused(into(&["--clean", "--confirm", "other"]), 77, &["--confirm says 'other'"]);
    assert_eq!(rows(&other), "(1,a) (2,b) (3,mine)");
}

#[test]
fn the_source_itself_needs_a_flag_of_its_own() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    source.psql("INSERT INTO t VALUES (3, 'today')");
    let name = source.name();
    for how in ["--clean", "--swap"] {
        let run = restore(&repo, cluster, &["latest", "--into", name, how, "--confirm", name]);
        refused(run, 77, &["is the one that was backed up", "--overwrite-source"]);
        let run = restore(&repo, cluster, &["latest", "--into", name, how, "--overwrite-source"]);
        // Only one of them loses something.
        let told = if how == "--clean" { "cannot be undone" } else { "rows of today stay in" };
        refused(run, 77, &[told, "--confirm"]);
    }
    assert_eq!(rows(&source), "(1,a) (2,b) (3,today)");
    // An emptied one loses nothing.
    source.psql("DROP TABLE t");
    let run = restore(&repo, cluster, &["latest", "--into", name, "--yes"]);
    assert_eq!(run.run().expect_code(0).json()["report"]["rows"], 2);
    assert_eq!(rows(&source), "(1,a) (2,b)");
}

#[test]
fn nothing_is_made_without_consent() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let made = Made::new(cluster, "never");
    let run = || restore(&repo, cluster, &["latest", "--into", &made.name, "--create"]);
    refused(run(), 77, &["for lack of consent", "not a terminal", "--yes"]);
    // A dry run never asks, and does nothing.
    let report = run().arg("--dry-run").run().expect_code(0).json()["report"].take();
    assert_eq!(report["dry_run"], true);
    assert_eq!(report["objects"], report["restored"]);
    let known = |name: &str| {
        cluster
            .psql("postgres", &format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'"))
    };
    assert_eq!(known(&made.name), "0");
    assert_eq!(known(&format!("{}_restoring", made.name)), "0");
    // What exists is not created, and what does not exist is not swapped with.
    let run = restore(&repo, cluster, &["latest", "--into", source.name(), "--create", "--yes"]);
    refused(run, 77, &["exists", "--swap"]);
    let run = restore(&repo, cluster, &["latest", "--into", &made.name, "--swap", "--yes"]);
    refused(run, 64, &["no database", "--create"]);
    // A database of somebody else's in the place of ours is left alone.
    let beside = format!("{}_restoring", made.name);
    cluster.psql("postgres", &format!("CREATE DATABASE \"{beside}\""));
    cluster.psql(&beside, "CREATE TABLE theirs ()");
    let run = restore(&repo, cluster, &["latest", "--into", &made.name, "--create", "--yes"]);
    refused(run, 77, &["pgtend did not make this database"]);
    assert_eq!(known(&beside), "1");
}

#[test]
fn consent_is_asked_for_on_a_terminal() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let target = small(cluster);
    target.psql("INSERT INTO t VALUES (3, 'mine')");
    let on_a_terminal = |arguments: &[&str], question: &str, answer: &str| -> (i32, String) {
        let pgtend = restore(&repo, cluster, arguments);
        let command = pgtend.command();
        let mut terminal = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
        terminal.exp_string(question).unwrap();
        match answer {
            "^C" => terminal.send_control('c').unwrap(),
            _ => _ = terminal.send_line(answer).unwrap(),
        }
        let said = terminal.exp_eof().unwrap();
        let status = terminal.process().wait().unwrap();
        let code = match status {
            rexpect::process::WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}"),
        };
        (code, said)
    };
    let made = Made::new(cluster, "asked");
    let create = ["latest", "--into", &made.name, "--create"];
    let (code, said) = on_a_terminal(&create, "Go on? [y/N]", "n");
    assert!(code == 77 && said.contains("the answer was not y"), "{code} {said}");
    let (code, said) = on_a_terminal(&create, "Go on? [y/N]", "y");
    assert!(code == 0, "{said}");
    compare::assert_equal(cluster, source.name(), cluster, &made.name);
    // Ctrl-C is an answer too, and the first one is enough.
    let other = Made::new(cluster, "stopped");
    let create = ["latest", "--into", &other.name, "--create"];
    let (code, said) = on_a_terminal(&create, "Go on? [y/N]", "^C");
    assert!(code == 130 && said.contains("nothing was changed"), "{code} {said}");
    let question = format!("Type {} to go on:", target.name());
    let swap = ["latest", "--into", target.name(), "--swap"];
    let (code, said) = on_a_terminal(&swap, &question, "y");
    assert!(code == 77 && said.contains("another name was typed"), "{code} {said}");
    assert_eq!(rows(&target), "(1,a) (2,b) (3,mine)");
}

#[test]
fn a_standby_and_an_unknown_server_are_refused() {
    let cluster = Cluster::shared();
    let (repo, _source) = backed_up(cluster);
    let standby = cluster.standby();
    let run = restore(&repo, &standby, &["latest", "--into", "postgres", "--yes"]);
    refused(run, 77, &["is a standby"]);
    let run = restore(&repo, cluster, &["latest", "--into", "no_such", "--yes"]);
    refused(run, 69, &["no_such"]);
}

#[test]
fn a_swap_keeps_the_old_database_and_its_name_never_is_without_one() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let target = small(cluster);
    target.psql("INSERT INTO t VALUES (3, 'mine')");
    let name = target.name().to_owned();
    let swap =
        || restore(&repo, cluster, &["latest", "--into", &name, "--swap", "--confirm", &name]);
    // Somebody works in the old one: it stays what it is, and so does the new one beside.
    let mut psql = crate::scene::Psql::start(cluster, &name);
    psql.send("SELECT 1;");
    wait_for(
        &source,
        "a session in the target",
        &format!("SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = '{name}'"),
    );
    let dry = swap().arg("--dry-run").run().expect_code(0).json()["report"].take();
    assert!(dry["notes"].to_string().contains("must be gone at the end"), "{dry}");
    refused(swap(), 75, &["cannot rename", "restored and complete", "end the sessions"]);
    assert_eq!(rows(&target), "(1,a) (2,b) (3,mine)");
    psql.close();
    let report = swap().run().expect_code(0).json()["report"].take();
    assert_eq!(rows(&target), "(1,a) (2,b)");
    let previous = report["previous"].as_str().unwrap();
    assert!(previous.starts_with(&format!("{name}_before_")), "{previous}");
    let old = cluster.psql(previous, "SELECT string_agg(t::text, ' ' ORDER BY id) FROM t");
    assert_eq!(old, "(1,a) (2,b) (3,mine)");
    cluster.psql("postgres", &format!("DROP DATABASE \"{previous}\""));
    compare::assert_equal(cluster, source.name(), cluster, &name);
}

/// Owner, limit, rights, comment and settings.
fn of_the_database(cluster: &Cluster, name: &str) -> String {
    let sql = format!(
        "SELECT datdba::regrole, datconnlimit,
                (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(datacl) a),
                shobj_description(oid, 'pg_database'),
                (SELECT string_agg(setrole::regrole || s.setconfig::text, ' ' ORDER BY setrole)
                 FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)
           FROM pg_database d WHERE datname = $n${name}$n$"
    );
    cluster.psql("postgres", &sql)
}

#[test]
fn what_belongs_to_the_database_itself_comes_back_with_it() {
    let cluster = Cluster::shared();
    let (repo, source) = (Repo::new(), small(cluster));
    let quoted = format!("\"{}\"", source.name());
    source.psql("DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object OR unique_violation THEN END $$");
    for statement in [
        "ALTER DATABASE db SET work_mem = '5MB'",
        "ALTER DATABASE db SET default_transaction_read_only = on",
        "ALTER ROLE reader IN DATABASE db SET statement_timeout = '7s'",
        "COMMENT ON DATABASE db IS 'it''s DATABASE db'",
        "REVOKE CONNECT ON DATABASE db FROM PUBLIC",
        "GRANT CONNECT ON DATABASE db TO reader",
        "ALTER DATABASE db OWNER TO reader",
        "REVOKE TEMPORARY ON DATABASE db FROM reader",
        "ALTER DATABASE db CONNECTION LIMIT 7",
    ] {
        cluster.psql("postgres", &statement.replacen(" db ", &format!(" {quoted} "), 1));
    }
    repo.backup(&source, &["--no-globals"]);
    let made = Made::new(cluster, "we\"ird 'name");
    let report = restore(&repo, cluster, &["latest", "--into", &made.name, "--create", "--yes"]);
    report.run().expect_code(0);
    let facts = |name: &str| of_the_database(cluster, name);
    assert_eq!(facts(source.name()), facts(&made.name));
    assert!(facts(&made.name).contains("it's DATABASE db"), "{}", facts(&made.name));
    compare::assert_equal(cluster, source.name(), cluster, &made.name);
    // A read-only default does not stop a restore into a database that is there.
    let empty = cluster.create_db("read_only");
    cluster.psql(
        "postgres",
        &format!("ALTER DATABASE \"{}\" SET default_transaction_read_only = on", empty.name()),
    );
    let run = restore(&repo, cluster, &["latest", "--into", empty.name(), "--yes"]);
    let report = run.run().expect_code(0).json()["report"].take();
    assert_eq!(report["rows"], 2);
    let left = report["left_out"].to_string();
    assert!(left.contains("--create or --swap"), "{left}");
}

#[test]
fn statements_about_a_database_never_reach_the_source() {
    let cluster = Cluster::shared();
    let (repo, source) = (Repo::new(), cluster.create_db("new\nline"));
    source.psql("CREATE TABLE t (id int); INSERT INTO t VALUES (1)");
    let name = quoted(source.name());
    // A role that looks like the statement's end.
    let role = quoted(&format!("x DATABASE {} y", source.name()));
    cluster.psql("postgres", &format!("CREATE ROLE {role}"));
    let set = |size: &str| {
        for statement in [
            format!("ALTER DATABASE {name} SET work_mem = '{size}'"),
            format!("ALTER ROLE {role} IN DATABASE {name} SET work_mem = '{size}'"),
            format!("COMMENT ON DATABASE {name} IS '{size}'"),
        ] {
            cluster.psql("postgres", &statement);
        }
    };
    set("5MB");
    repo.backup(&source, &["--no-globals"]);
    set("6MB");
    let today = of_the_database(cluster, source.name());
    let made = Made::new(cluster, "other");
    restore(&repo, cluster, &["latest", "--into", &made.name, "--create", "--yes"])
        .run()
        .expect_code(0);
    assert_eq!(of_the_database(cluster, source.name()), today);
    assert_eq!(of_the_database(cluster, &made.name), today.replace("6MB", "5MB"));
    for database in [source.name(), &made.name] {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", quoted(database));
        cluster.psql("postgres", &drop);
    }
    cluster.psql("postgres", &format!("DROP ROLE {role}"));
}

#[test]
fn one_forbidden_setting_does_not_undo_the_others() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let name = quoted(source.name());
    for statement in [
        "ALTER DATABASE db SET log_min_duration_statement = '5s'",
        "ALTER DATABASE db SET work_mem = '5MB'",
        "REVOKE CONNECT ON DATABASE db FROM PUBLIC",
        "COMMENT ON DATABASE db IS 'mine'",
    ] {
        cluster.psql("postgres", &statement.replacen(" db ", &format!(" {name} "), 1));
    }
    repo.backup(&source, &["--no-globals"]);
    let made = Made::new(cluster, "forbidden");
    let role = format!("plain_{}", made.name);
    cluster.psql("postgres", &format!("CREATE ROLE {role} LOGIN CREATEDB"));
    let arguments = ["latest", "--into", &made.name, "--create", "--yes", "--no-owner"];
    let run = restore(&repo, cluster, &arguments).env("PGUSER", &role);
    let report = run.run().expect_code(2).json()["report"].take();
    let failed: Vec<_> = report["failed"].as_array().unwrap().iter().collect();
    let about_the_database: Vec<&str> = failed
        .iter()
        .filter_map(|failed| failed["statement"].as_str())
        .filter(|statement| statement.contains("DATABASE"))
        .collect();
    assert_eq!(about_the_database.len(), 1, "{report}");
    assert!(about_the_database[0].contains("log_min_duration_statement"), "{report}");
    let facts = of_the_database(cluster, &made.name);
    assert!(facts.contains("{work_mem=5MB}") && facts.contains("mine"), "{facts}");
    assert!(facts.contains("|=T/"), "{facts}");
    assert_eq!(cluster.psql(&made.name, "SELECT count(*) FROM t"), "2");
    cluster.psql("postgres", &format!("DROP DATABASE \"{}\"", made.name));
    cluster.psql("postgres", &format!("DROP ROLE {role}"));
}

/// A restore through a slow line, when its database beside is there and marked.
fn slow<'a>(repo: &Repo, source: &Database<'a>, made: &Made<'a>) -> (Proxy, Running) {
    let cluster = source.cluster();
    let proxy = Proxy::start(cluster.port());
    proxy.delay(Duration::from_millis(100), Duration::from_millis(100));
    let arguments = ["latest", "--into", &made.name, "--create", "--yes"];
    let run = restore(repo, cluster, &arguments).env("PGPORT", proxy.port().to_string()).spawn();
    let marked = format!(
        "SELECT count(*) = 1 FROM pg_database WHERE datname = '{}_restoring'
            AND shobj_description(oid, 'pg_database') LIKE 'pgtend restore, unfinished%'",
        made.name
    );
    wait_for(source, "the database beside", &marked);
    (proxy, run)
}

#[test]
fn a_database_that_another_run_fills_is_not_dropped() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let made = Made::new(cluster, "shared");
    let (proxy, first) = slow(&repo, &source, &made);
    // It cannot go on, and for a moment nobody is in its database.
    proxy.stall();
    let beside = format!("{}_restoring", made.name);
    let oid = format!("SELECT oid FROM pg_database WHERE datname = '{beside}'");
    let before = cluster.psql("postgres", &oid);
    cluster.psql(
        "postgres",
        &format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{beside}'"
        ),
    );
    let nobody = format!("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '{beside}'");
    wait_for(&source, "the end of its sessions", &nobody);
    let second = restore(&repo, cluster, &["latest", "--into", &made.name, "--create", "--yes"]);
    refused(second, 75, &["another restore works on", "try again"]);
    assert_eq!(cluster.psql("postgres", &oid), before);
    first.signal(Signal::KILL);
    first.wait();
}

#[test]
fn a_lost_maintenance_session_does_not_lose_the_restore() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let made = Made::new(cluster, "lost");
    let (_proxy, run) = slow(&repo, &source, &made);
    let ended = cluster.psql(
        "postgres",
        &format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
              WHERE query LIKE 'COMMENT ON DATABASE \"{}_restoring\"%'",
            made.name
        ),
    );
    assert_eq!(ended, "1");
    run.wait().expect_code(0);
    compare::assert_equal(cluster, source.name(), cluster, &made.name);
}

#[test]
fn a_complete_database_is_kept_when_it_cannot_get_its_name() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let made = Made::new(cluster, "taken");
    let (_proxy, run) = slow(&repo, &source, &made);
    cluster.psql("postgres", &format!("CREATE DATABASE {}", made.name));
    let output = run.wait();
    assert_ne!(output.code, 0);
    let beside = format!("{}_restoring", made.name);
    for words in ["cannot rename", &format!("{beside} is restored and complete"), "RENAME TO"] {
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    compare::assert_equal(cluster, source.name(), cluster, &beside);
}

#[test]
fn a_tablespace_that_the_server_lacks_is_left_out() {
    let cluster = Cluster::shared();
    let (repo, source) = (Repo::new(), small(cluster));
    let (name, space) = (quoted(source.name()), format!("fast_{}", source.name()));
    cluster.psql(
        "postgres",
        &format!("SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE {space} LOCATION '';"),
    );
    cluster.psql("postgres", &format!("ALTER DATABASE {name} SET TABLESPACE {space}"));
    repo.backup(&source, &["--no-globals"]);
    cluster.psql("postgres", &format!("ALTER DATABASE {name} SET TABLESPACE pg_default"));
    cluster.psql("postgres", &format!("DROP TABLESPACE {space}"));
    let made = Made::new(cluster, "space");
    let run = restore(&repo, cluster, &["latest", "--into", &made.name, "--create", "--yes"]);
    let report = run.run().expect_code(0).json()["report"].take();
    let notes = report["notes"].to_string();
    assert!(notes.contains(&space) && notes.contains("default tablespace"), "{notes}");
    compare::assert_equal(cluster, source.name(), cluster, &made.name);
}

/// Between the question and the answer somebody makes a table of the same name.
#[test]
fn what_appears_after_the_question_is_left_alone() {
    let cluster = Cluster::shared();
    let (repo, _source) = backed_up(cluster);
    let target = cluster.create_db("later");
    let pgtend = restore(&repo, cluster, &["latest", "--into", target.name()]);
    let command = pgtend.command();
    let mut terminal = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    terminal.exp_string("Go on? [y/N]").unwrap();
    target.psql("CREATE TABLE t (id int, v text); INSERT INTO t VALUES (7, 'mine')");
    terminal.send_line("y").unwrap();
    let said = terminal.exp_eof().unwrap();
    let status = terminal.process().wait().unwrap();
    assert!(matches!(status, rexpect::process::WaitStatus::Exited(_, 77)), "{status:?} {said}");
    assert_eq!(rows(&target), "(7,mine)");
}

#[test]
fn a_signal_during_the_drop_pass_drops_nothing() {
    let cluster = Cluster::shared();
    let (repo, _source) = backed_up(cluster);
    let target = small(cluster);
    let mut holder = crate::scene::Psql::start(cluster, target.name());
    holder.send("BEGIN; SELECT * FROM t;");
    wait_for(
        &target,
        "a lock on the table",
        "SELECT count(*) > 0 FROM pg_locks WHERE relation = 't'::regclass",
    );
    let words = ["latest", "--into", target.name(), "--clean", "--confirm", target.name()];
    let run = restore(&repo, cluster, &words).spawn();
    wait_for(
        &target,
        "the drop pass",
        "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 't'::regclass",
    );
    run.signal(Signal::INT);
    let output = run.wait().expect_code(130);
    assert!(output.stderr.contains("nothing was dropped"), "{}", output.stderr);
    holder.close();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(rows(&target), "(1,a) (2,b)");
}

/// A manifest from somebody else says what settings to make.
#[test]
fn the_record_of_a_backup_runs_no_statements() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let found = repo.files().into_iter().find(|file| file.ends_with("manifest.json")).unwrap();
    let path = repo.path().join(found);
    let bytes = fs::read(&path).unwrap();
    let mut manifest = manifest::Manifest::from_bytes(&bytes).unwrap();
    let evil = "x.y = 1; COMMIT; BEGIN READ WRITE; DROP TABLE t; COMMIT; SET x.z";
    manifest.database.settings.push((evil.into(), "1".into()));
    fs::write(&path, manifest.to_bytes().unwrap()).unwrap();
    let name = source.name();
    let words = ["latest", "--into", name, "--clean", "--overwrite-source", "--dry-run"];
    restore(&repo, cluster, &words).run().expect_code(0);
    assert_eq!(rows(&source), "(1,a) (2,b)");
}

/// One server has many addresses.
#[test]
fn the_source_is_known_by_another_address_too() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let name = source.name().to_owned();
    // Made again, as a swap does: another oid.
    cluster.psql("postgres", &format!("DROP DATABASE \"{name}\""));
    cluster.psql("postgres", &format!("CREATE DATABASE \"{name}\""));
    source.psql("CREATE TABLE t (id int, v text); INSERT INTO t VALUES (7, 'new')");
    let words = ["latest", "--into", &name, "--clean", "--confirm", &name];
    let run = restore(&repo, cluster, &words).env("PGHOST", cluster.socket_dir());
    refused(run, 77, &["--overwrite-source"]);
    assert_eq!(rows(&source), "(7,new)");
}

/// The login database is the one that is made, or replaced.
#[test]
fn the_database_of_the_url_may_be_the_one_that_is_made() {
    let cluster = Cluster::shared();
    let (repo, _source) = backed_up(cluster);
    let made = Made::new(cluster, "by_url");
    for how in ["--create", "--swap"] {
        let run = restore(
            &repo,
            cluster,
            &["latest", "--into", &made.name, how, "--yes", "--confirm", &made.name],
        )
        .env("DATABASE_URL", cluster.url(&made.name));
        let report = run.run().expect_code(0).json()["report"].take();
        if let Some(previous) = report["previous"].as_str() {
            cluster.psql("postgres", &format!("DROP DATABASE \"{previous}\""));
        }
    }
}

/// Runs it on a terminal; the caller types.
fn on_a_terminal(pgtend: &Pgtend) -> (Child, ChildStdout) {
    let plain = pgtend.command();
    let words = [plain.get_program()].into_iter().chain(plain.get_args());
    let words: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut script = Command::new("script");
    script.arg("-qefc").arg(format!("exec {}", words.join(" "))).arg("/dev/null");
    script.env_clear().current_dir(plain.get_current_dir().unwrap());
    script.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").env("SHELL", "/bin/sh");
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let output = child.stdout.take().unwrap();
    (child, output)
}

/// What is written until `question` is.
#[track_caller]
fn until(output: &mut ChildStdout, question: &str) -> String {
    let (mut text, mut byte) = (Vec::new(), [0]);
    while !text.ends_with(question.as_bytes()) {
        let read = output.read(&mut byte).unwrap();
        assert_eq!(read, 1, "no '{question}' in {}", String::from_utf8_lossy(&text));
        text.push(byte[0]);
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn ctrl_c_at_the_question_ends_it_and_whoever_is_asked_is_told_what_about() {
    let cluster = Cluster::shared();
    let (repo, source) = backed_up(cluster);
    let name = "kept\r\u{1b}[2Knew";
    let exists = |name: &str| {
        let sql = format!("SELECT count(*) FROM pg_database WHERE datname LIKE '{name}%'");
        cluster.psql("postgres", &sql)
    };
    let asked = restore(&repo, cluster, &["latest", "--into", name, "--create", "-q"]);
    let (mut child, mut output) = on_a_terminal(&asked);
    let shown = until(&mut output, "Go on? [y/N] ");
    assert!(shown.contains(&format!("of {}", source.name())), "{shown}");
    assert!(shown.contains("kept\\r\\u{1b}[2Knew"), "{shown:?}");
    assert!(!shown.contains("\u{1b}[2K"), "{shown:?}");
    child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
    let status = command::wait(&mut child, Duration::from_secs(30)).expect("it ends");
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(status.code(), Some(130), "{rest}");
    assert!(rest.contains("nothing was changed"), "{rest}");
    assert_eq!(exists("kept_\\%new"), "0");

    // An answer is still an answer.
    let asked = restore(&repo, cluster, &["latest", "--into", "never_made", "--create"]);
    let (mut child, mut output) = on_a_terminal(&asked);
    until(&mut output, "Go on? [y/N] ");
    child.stdin.as_mut().unwrap().write_all(b"n\r").unwrap();
    let status = command::wait(&mut child, Duration::from_secs(30)).expect("it ends");
    assert_eq!(status.code(), Some(77));
    assert_eq!(exists("never_made"), "0");
}

#[test]
fn a_table_of_contents_that_changes_other_tables_is_refused() {
    let cluster = Cluster::shared();
    let (repo, source) = (Repo::new(), small(cluster));
    let backup = repo.backup(&source, &["--no-globals"]);
    let target = cluster.create_db("kept");
    target.psql("CREATE TABLE t (id int); CREATE TABLE other (id int PRIMARY KEY, v text)");
    let path = backup.folder.join("toc.dat");
    let whole = Toc::read(&mut &fs::read(&path).unwrap()[..]).unwrap();
    let refused = |change: &dyn Fn(&mut Entry)| {
        let mut toc = whole.clone();
        toc.entries.iter_mut().for_each(change);
        assert_ne!(toc, whole);
        let bytes = toc.to_directory();
        let mut record = backup.manifest.clone();
        let object = record.objects.iter_mut().find(|object| object.kind == Kind::Toc).unwrap();
        (object.bytes, object.raw_bytes) = (bytes.len() as u64, bytes.len() as u64);
        object.frames[0].1 = bytes.len() as u64;
        object.frames[0].2 = bytes.len() as u64;
        object.frames[0].4 = pgtend::archive::frame::checksum(&bytes);
        object.sha256 = manifest::hex(&Sha256::digest(&bytes));
        fs::write(&path, bytes).unwrap();
        fs::write(backup.folder.join(manifest::NAME), record.to_bytes().unwrap()).unwrap();
        let into = ["latest", "--into", target.name(), "--clean", "--confirm", target.name()];
        refused(
            restore(&repo, cluster, &into),
            2,
            &["toc.dat is not what pg_dump writes", "other"],
        );
        let kept = target.psql("SELECT count(*) FROM pg_class WHERE relname IN ('t', 'other')");
        assert_eq!(kept, "2");
        assert_eq!(target.psql("SELECT count(*) FROM other"), "0");
    };
    refused(&|entry| {
        if entry.is_table_data() {
            entry.copy = Some(b"COPY public.other (id, v) FROM stdin;\n".to_vec());
        }
    });
    refused(&|entry| {
        if entry.kind() == "TABLE" {
            entry.drop = Some(b"DROP TABLE public.other;\n".to_vec());
        }
    });
}
