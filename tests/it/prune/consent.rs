//! Nothing goes without a rule and without consent.

use super::scene::Scene;

const LAST: [&str; 2] = ["--keep-last=1", "--min-keep=1"];

#[test]
fn without_consent_nothing_goes() {
    let scene = Scene::new();
    scene.add_all("prod/app", &[72, 48, 24]);
    let before = scene.files();
    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let output = scene.text(arguments).run().expect_code(code);
        for word in words {
            assert!(output.stderr.contains(word), "no '{word}' in\n{}", output.stderr);
        }
        assert_eq!(scene.files(), before, "{arguments:?}");
    };
    let with = |more: &[&'static str]| [&LAST[..], more].concat();
    let place = scene.path().to_str().unwrap();
    refused(&LAST, 77, &["not a terminal", "no rule keeps it", &format!("--confirm {place}")]);
    // y is too easily said where a backup goes.
    refused(&with(&["--yes"]), 77, &["--confirm"]);
    refused(&with(&["--confirm=app"]), 77, &["--confirm says 'app'", place]);
    refused(
        &with(&["--database=app", "--confirm", "prod"]),
        77,
        &["--confirm says 'prod', ", "'app'"],
    );
    // Without a rule there is nothing to agree to, and no rule or guard is 0.
    refused(&["--confirm=x"], 64, &["nothing says which backups stay", "--keep-daily"]);
    refused(&["--min-keep=1", "--keep-proven=1"], 64, &["nothing says which backups stay"]);
    refused(&["--keep-last=0"], 64, &["--keep-last"]);
    refused(&["--keep-last=1", "--min-keep=0"], 64, &["--min-keep"]);
    refused(&["--keep-last=1", "--keep-proven=0"], 64, &["--keep-proven"]);
    refused(&["--keep-within=0d"], 64, &["--keep-within"]);
    refused(&["--sweep-older-than=5m", "--yes"], 64, &["1h at least"]);
    // A name that nothing has must not look like a tidy repository.
    refused(&with(&["--database=ap", "--confirm=ap"]), 64, &["no backup of database ap"]);
    refused(&with(&["--cluster=prd", "--confirm=prd"]), 64, &["no backup of cluster prd"]);
    // A flag of a run is none of prune.
    refused(&with(&["--jobs=2"]), 64, &["--jobs"]);
}

#[test]
fn the_name_is_asked_for_on_a_terminal() {
    let scene = Scene::new();
    scene.add_all("prod/app", &[72, 48, 24]);
    let on_a_terminal = |answer: &str| {
        // Its home folder is there as long as this is.
        let pgtend = scene.text(&[&LAST[..], &["--database=app"]].concat());
        let spawned = rexpect::session::spawn_command(pgtend.command(), Some(60_000));
        let mut terminal = spawned.unwrap();
        let told = terminal.exp_string("Type app to go on: ").unwrap();
        assert_eq!(told.matches("to be removed: ").count(), 2, "{told}");
        match answer {
            "^C" => terminal.send_control('c').unwrap(),
            _ => _ = terminal.send_line(answer).unwrap(),
        }
        let said = terminal.exp_eof().unwrap();
        match terminal.process().wait().unwrap() {
            rexpect::process::WaitStatus::Exited(_, code) => (code, said),
            other => panic!("{other:?}"),
        }
    };
    let before = scene.files();
    for (answer, expected) in [("y", 77), ("App", 77), ("^C", 130)] {
        let (code, said) = on_a_terminal(answer);
        assert!(code == expected, "{answer}: {code} {said}");
        assert_eq!(scene.files(), before, "{answer}");
    }
    let (code, said) = on_a_terminal("app");
    assert!(code == 0 && said.contains("removed 2 of 3 backups"), "{code} {said}");
    assert_eq!(scene.count("prod/app"), 1);
}
