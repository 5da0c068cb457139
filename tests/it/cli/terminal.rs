//! Progress: a bar on a terminal that leaves nothing behind, a line now and then elsewhere.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{Cluster, Database, Pgtend, Proxy, command};

const COLUMNS: usize = 80;

/// About 1.2 MB of rows that do not compress.
fn with_rows() -> Database<'static> {
    let db = Cluster::shared().create_db("cli_terminal");
    db.psql(
        "CREATE TABLE wide AS SELECT n, (SELECT string_agg(md5((n * m)::text), '')
         FROM generate_series(1, 31) AS m) FROM generate_series(1, 1200) AS n",
    );
    db
}

fn slow_backup(db: &Database<'_>, proxy: &Proxy, repo: &str) -> Pgtend {
    let url = format!("postgresql://postgres@127.0.0.1:{}/{}", proxy.port(), db.name());
    let pgtend = Pgtend::new().args(["backup", "-j1", "--no-globals", "--chunk=128kB"]);
    pgtend.args(["--cluster=c", "--url", &url, "--repo", repo])
}

/// The lines of a wide enough terminal after all this was written to it: as much of one as the output of
/// indicatif needs.
fn screen(output: &str) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::new()], 0_usize, 0_usize);
    let mut rest = output.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => row += 1,
            '\r' => column = 0,
            '\x1b' => {
                assert_eq!(rest.next(), Some('['), "in {output:?}");
                let mut number = String::new();
                let code = loop {
                    match rest.next().expect("a whole sequence") {
                        c if c.is_ascii_digit() || c == ';' || c == '?' => number.push(c),
                        c => break c,
                    }
                };
                let count = number.parse().unwrap_or(1).max(1);
                match (code, number.as_str()) {
                    ('A', _) => row = row.saturating_sub(count),
                    ('B', _) => row += count,
                    ('K', "" | "0") => lines[row].truncate(column),
                    ('K', "2") => lines[row].clear(),
                    ('m' | 'h' | 'l', _) => {}
                    other => panic!("unknown sequence {other:?} in {output:?}"),
                }
            }
            c => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    lines.into_iter().map(|line| String::from_iter(line).trim_end().to_owned()).collect()
}

/// Runs it on a terminal of 80 columns; gives all that was written there.
fn on_a_terminal(pgtend: &Pgtend, color: bool) -> String {
    let plain = pgtend.command();
    let mut words = vec![plain.get_program().to_str().unwrap().to_owned()];
    words.extend(plain.get_args().map(|word| format!("'{}'", word.to_str().unwrap())));
    // From util-linux, which is on every Debian.
    let mut script = Command::new("script");
    script.arg("-qefc").arg(format!("stty cols {COLUMNS} rows 24 && {}", words.join(" ")));
    script.arg("/dev/null").env_clear().current_dir(plain.get_current_dir().unwrap());
    script.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env_remove("COLUMNS").env("TERM", "xterm").env("SHELL", "/bin/sh");
    if color {
        script.env_remove("NO_COLOR");
    }
    let mut child = script.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let output = command::read_all(child.stdout.take().unwrap());
    let status = command::wait(&mut child, Duration::from_secs(60)).expect("it ends");
    let output = String::from_utf8(output.join().unwrap()).unwrap();
    assert!(status.success(), "{status}: {output}");
    output
}

#[test]
fn progress_is_a_bar_on_a_terminal_and_lines_elsewhere() {
    // A database has room for one backup at a time.
    let (db, other) = (with_rows(), with_rows());
    let folder = tempfile::tempdir().unwrap();
    let repo = folder.path().to_str().unwrap();
    // Beside the others, for it waits more than ten seconds.
    let slow = Proxy::start(db.cluster().port());
    slow.rate_limit(Some(90_000));
    let off = slow_backup(&other, &slow, repo).spawn();
    let proxy = Proxy::start(db.cluster().port());
    proxy.rate_limit(Some(1_000_000));

    for color in [false, true] {
        let output = on_a_terminal(&slow_backup(&db, &proxy, repo), color);
        let bars = output.matches("0/1 tables").count();
        assert!(bars >= 2, "the bar was drawn {bars} times in {output:?}");
        assert!(output.contains("s left"), "the summary is cut off: {output:?}");
        assert!(output.contains("MiB/s") || output.contains("KiB/s"), "{output:?}");
        assert_eq!(output.contains("\x1b[36m"), color, "{output:?}");
        // Cleared, with nothing left of it: the talk and the answer alone remain.
        let screen = screen(&output);
        assert!(!screen.iter().any(|line| line.contains('%') || line.contains("=")), "{screen:#?}");
        assert!(screen[0].starts_with("note: using --url, 127.0.0.1:"), "{screen:#?}");
        assert!(screen[1].starts_with("backup 2"), "{screen:#?}");
    }

    // Quiet, and too short to be worth a bar: nothing is drawn at all.
    let quiet = on_a_terminal(&slow_backup(&db, &proxy, repo).arg("-q"), true);
    assert!(!quiet.contains('\x1b') && !quiet.contains('%'), "{quiet:?}");
    let listed = on_a_terminal(&Pgtend::new().args(["backup", "list", "--repo", repo]), true);
    assert!(!listed.contains('\x1b'), "{listed:?}");
    let longest = listed.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
    assert!(longest <= COLUMNS, "{listed}");

    let output = off.wait().expect_code(0);
    let lines: Vec<_> =
        output.stderr.lines().filter(|line| line.starts_with("copying: ")).collect();
    assert!(!lines.is_empty(), "no line in ten seconds: {}", output.stderr);
    // On a busy machine the first frame may not be done by then: 0 B/s.
    assert!(lines[0].contains("B/s, 0/1 tables"), "{lines:?}");
}
