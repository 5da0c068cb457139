//! `--list`: the catalogue, without a server.

use crate::harness::Pgtend;

fn list(arguments: &[&str]) -> crate::harness::pgtend::Output {
    Pgtend::new().args(["check", "--list"]).args(arguments).run()
}

#[test]
fn every_check_is_listed_with_all_its_texts() {
    let document = list(&["--format=json"]).expect_code(0).json();
    let checks = document["report"]["checks"].as_array().unwrap();
    let ids: Vec<&str> = checks.iter().map(|check| check["id"].as_str().unwrap()).collect();
    let all: Vec<&str> = pgtend::check::all().map(|check| check.id).collect();
    assert_eq!(ids, all);
    let one = checks.iter().find(|check| check["id"] == "conn.utilization").unwrap();
    assert_eq!(one["limits"][0]["place"], "conn.utilization");
    assert_eq!(
        (&one["limits"][0]["warning"], &one["limits"][0]["critical"]),
        (&"80%".into(), &"90%".into())
    );
    assert!(
        one["why"].as_str().unwrap().ends_with('.')
            && one["remedy"].as_str().unwrap().ends_with('.')
    );
}

#[test]
fn the_table_has_a_line_for_a_check() {
    let output = list(&["--only", "conn.utilization"]).expect_code(0);
    let line = output.stdout.lines().nth(1).unwrap();
    assert!(line.starts_with("conn.utilization  runtime  connections in use"), "{line}");
    assert!(line.contains("80% / 90%"), "{line}");
    let csv = list(&["--format=csv"]).expect_code(0).stdout;
    assert!(csv.starts_with("id,kind,title,limits,needs,why,remedy,since\n"), "{csv}");
    let output = list(&["--format=sarif"]).expect_code(64);
    assert!(output.stderr.contains("check --list has no --format sarif"), "{}", output.stderr);
}

#[test]
fn the_manual_has_a_section_for_every_check() {
    let files = pgtend::command::generate::artifacts().unwrap();
    let text = |name: &str| {
        let (_, bytes) = files.iter().find(|(path, _)| path == name).unwrap();
        String::from_utf8(bytes.clone()).unwrap()
    };
    let page = text("man/pgtend-checks.7");
    for check in pgtend::check::all() {
        let heading = format!("\n.SS \"{}\"\n", check.id.replace('-', "\\-"));
        assert_eq!(page.matches(&heading).count(), 1, "{}", check.id);
    }
    // Nothing of a text is taken for a request.
    let requests = [".TH", ".SH", ".SS", ".TP"];
    let odd = page.lines().find(|line| {
        line.starts_with(['.', '\'']) && !requests.iter().any(|known| line.starts_with(known))
    });
    assert_eq!(odd, None);
    assert!(text("man/pgtend-check.1").contains("\\fBpgtend\\-checks\\fR(7)"));
}
