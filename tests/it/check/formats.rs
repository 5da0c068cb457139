//! Forms for programs: each is read by a program of somebody else's.

use std::fs;

use pgtend::exit::Exit;
use pgtend::render::{self, Text};
use pgtend::report::check::FailOn;
use regex::Regex;
use serde_json::Value;

use super::{sample, stage};
use crate::harness::activity::{Client, Way};
use crate::harness::{Cluster, Pgtend};

/// The official schema (OASIS), as the crate serde-sarif has it.
const SARIF: &str = include_str!("../data/sarif-2.1.0.json");

/// The schema's validator. A pattern of it has a bracket too many, which is no regular
/// expression; nothing of ours is matched with it.
fn validator() -> jsonschema::Validator {
    let (wrong, right) = ("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    assert_eq!(SARIF.matches(wrong).count(), 2);
    let schema: Value = serde_json::from_str(&SARIF.replace(wrong, right)).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// Panics unless the document is SARIF.
#[track_caller]
fn is_sarif(text: &str) -> Value {
    let validator = validator();
    let document: Value = serde_json::from_str(text).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{text}");
    document
}

#[test]
fn sarif_fits_its_schema_and_has_each_finding_once() {
    let document = is_sarif(&sample::two().sarif().unwrap());
    let run = &document["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    let of = |id: &str| results.iter().filter(|one| one["ruleId"] == id).collect::<Vec<_>>();
    let critical = of("conn.utilization")[0];
    assert_eq!(critical["level"], "error");
    assert_eq!(critical["message"]["text"], "96 of 97 usable connections are used");
    let place = &critical["locations"][0];
    assert_eq!(
        place["physicalLocation"]["artifactLocation"]["uri"],
        "postgresql://db.example.com:5432/shop"
    );
    assert_eq!(place["logicalLocations"][0]["fullyQualifiedName"], "shop/server");
    let print = &critical["partialFingerprints"]["pgtend/1"];
    assert_eq!(print, "shop/conn.utilization:server");
    let index = usize::try_from(critical["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(run["tool"]["driver"]["rules"][index]["id"], "conn.utilization");
    assert_eq!(of("size.database")[0]["level"], "note");
    // What is excused is suppressed, and is there.
    let suppressed = of("idx.invalid")[1];
    assert_eq!(suppressed["suppressions"][0]["justification"], "ignored: it goes away");
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false, "a server could not be reached");
    let told = invocation["toolExecutionNotifications"].as_array().unwrap();
    let texts: Vec<&str> =
        told.iter().map(|one| one["message"]["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "shop: act.long_query is unknown: monitor does not see what other roles' sessions do",
            "dead: cannot connect: connection refused",
        ]
    );
}

#[test]
fn the_schema_refuses_what_is_no_sarif() {
    let mut document = is_sarif(&sample::one().sarif().unwrap());
    document["runs"][0]["results"][0]["level"] = "dreadful".into();
    assert!(!validator().is_valid(&document));
}

#[test]
fn junit_has_a_case_for_each_check() {
    let text = sample::two().junit().unwrap();
    let suites = junit_parser::from_reader(text.as_bytes()).unwrap();
    assert_eq!((suites.tests, suites.failures, suites.errors), (7, 2, 2), "{text}");
    let shop = &suites.suites[0];
    assert_eq!((shop.name.as_str(), shop.cases.len()), ("shop", 6));
    let case = |id: &str| shop.cases.iter().find(|case| case.original_name == id).unwrap();
    assert!(case("lock.waiting").status.is_success());
    assert!(case("size.database").status.is_success());
    assert!(case("repl.lag").status.is_skipped());
    assert!(case("act.long_query").status.is_error());
    let failure = case("idx.invalid").status.failure_as_ref();
    assert!(failure.message.contains("<d>&"), "{}", failure.message);
    assert!(failure.text.contains("REINDEX INDEX CONCURRENTLY x;"), "{}", failure.text);
    assert_eq!(case("idx.invalid").classname.as_deref(), Some("pgtend.idx"));
    let dead = &suites.suites[1].cases[0];
    assert_eq!(dead.status.error_as_ref().message, "cannot connect: connection refused");
}

#[test]
fn what_does_not_fail_the_run_fails_no_test() {
    let mut report = sample::one();
    report.gate.fail_on = FailOn::Critical;
    report.gate.allowed = vec!["act".into()];
    let suites = junit_parser::from_reader(report.junit().unwrap().as_bytes()).unwrap();
    assert_eq!((suites.failures, suites.errors), (1, 0));
    let shop = &report.servers[0];
    assert_eq!(report.gate.outcome(&shop.checks), Exit::Critical);
    assert_eq!(report.gate.outcome(&shop.checks[..5]), Exit::Good);
}

#[test]
fn prometheus_reads_every_sample() {
    let text = render::exposition(&sample::two().metrics());
    let lines = text.lines().map(|line| Ok(line.to_owned()));
    let scrape = prometheus_parse::Scrape::parse(lines).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(scrape.samples.len(), samples, "{text}");
    let value = |metric: &str, labels: &[(&str, &str)]| {
        let found: Vec<_> = scrape
            .samples
            .iter()
            .filter(|one| one.metric == metric)
            .filter(|one| labels.iter().all(|(name, value)| one.labels.get(name) == Some(*value)))
            .collect();
        assert_eq!(found.len(), 1, "{metric} {labels:?}\n{text}");
        match found[0].value {
            prometheus_parse::Value::Gauge(value) => value,
            ref other => panic!("{other:?}"),
        }
    };
    let status = |id| value("pgtend_check_status", &[("target", "shop"), ("id", id)]);
    let ids = ["lock.waiting", "idx.invalid", "conn.utilization", "act.long_query"];
    assert_eq!(ids.map(status), [0.0, 1.0, 2.0, 3.0]);
    let found = |id| value("pgtend_check_findings", &[("target", "shop"), ("id", id)]);
    // The excused one does not count, nor does what is only worth knowing.
    assert_eq!([found("idx.invalid"), found("size.database")], [1.0, 0.0]);
    let used = [("target", "shop"), ("id", "conn.utilization"), ("name", "used")];
    assert_eq!(value("pgtend_check_value", &used), 96.0);
    assert_eq!(value("pgtend_check_up", &[("target", "shop")]), 1.0);
    assert_eq!(value("pgtend_check_up", &[("target", "dead")]), 0.0);
    assert_eq!(value("pgtend_check_verdict", &[("target", "dead")]), 2.0);
    let at = value("pgtend_check_last_run_timestamp_seconds", &[("target", "shop")]);
    assert_eq!(at, 1_767_323_045.0);
}

/// A label in quotes, a value with a unit, and limits: the guidelines of the Monitoring Plugins.
const NUMBER: &str =
    r"'((?:[^'=]|'')+)'=(-?\d+(?:\.\d+)?)(us|ms|s|%|B|KB|MB|TB|c)?((?:;[-@~:.\d]*){0,4})";

#[track_caller]
fn numbers(text: &str) -> Vec<[String; 4]> {
    let first = text.lines().next().unwrap();
    let (_, numbers) = first.split_once(" | ").unwrap();
    let whole = Regex::new(&format!("^{NUMBER}(?: {NUMBER})*$")).unwrap();
    assert!(whole.is_match(numbers), "{numbers}");
    let one = Regex::new(NUMBER).unwrap();
    let part = |found: &regex::Captures<'_>, at: usize| {
        found.get(at).map_or(String::new(), |part| part.as_str().to_owned())
    };
    one.captures_iter(numbers).map(|found| [1, 2, 3, 4].map(|at| part(&found, at))).collect()
}

#[test]
fn nagios_reads_every_number_under_a_label_of_its_own() {
    let report = sample::one();
    let text = render::plugin(&report.plugin().unwrap(), Exit::Critical);
    let start = "PGTEND CHECK CRITICAL: critical: conn.utilization: 96 of 97 usable connections \
                 are used; 6 checks: ";
    assert!(text.starts_with(start), "{text}");
    let numbers = numbers(&text);
    let mut labels: Vec<&str> = numbers.iter().map(|[label, ..]| label.as_str()).collect();
    assert_eq!(labels.len(), 4, "NaN is no number: {text}");
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), 4, "{text}");
    let of = |label: &str| numbers.iter().find(|[own, ..]| own == label).unwrap().clone();
    assert_eq!(of("idx.invalid"), ["idx.invalid", "12.5", "%", ";80;90;;100"]);
    assert_eq!(of("conn.utilization:used")[1..], ["96", "", ";80;90;;100"]);
    assert_eq!(of("conn.utilization:used_2")[1], "5");
    let below = numbers.iter().find(|[label, ..]| label.contains("public.")).unwrap();
    assert_eq!(below[1..], ["1000000000", "B", ";80:;90:;;100"]);
    assert!(text.lines().any(|line| line.starts_with("unknown: act.long_query: ")), "{text}");
    assert!(!text.contains("old is not valid"), "{text}");
}

#[test]
fn nagios_says_the_worst_of_several_first() {
    let report = sample::two();
    let text = render::plugin(&report.plugin().unwrap(), Exit::Critical);
    assert!(
        text.starts_with("PGTEND CHECK CRITICAL: 2 of 2 servers are not healthy: shop: "),
        "{text}"
    );
    assert!(text.lines().any(|line| line == "dead: cannot connect: connection refused"), "{text}");
    assert!(numbers(&text).iter().all(|[label, ..]| label.starts_with("shop/")), "{text}");
}

#[test]
fn annotations_are_one_line_each() {
    let text = sample::two().annotations();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "::notice title=size.database::shop has 12.0 GiB (shop)",
            "::warning title=act.long_query is unknown::monitor does not see what other roles' \
             sessions do (shop)",
            "::warning title=idx.invalid::public.\"a'b\"|c=<d>&,%0A::error::\\ é]]> is not \
             valid%0AREINDEX INDEX CONCURRENTLY x; (shop)",
            "::error title=conn.utilization::96 of 97 usable connections are used (shop)",
            "shop: 6 checks: 1 healthy, 1 worth knowing, 1 warning, 1 critical, 1 unknown, 1 not \
             applicable; 1 finding does not count (ignored, or in the baseline)",
            "::error title=pgtend check::cannot connect: connection refused (dead)",
        ]
    );
}

#[test]
fn a_table_of_values_has_a_row_for_each_finding_and_each_unknown() {
    let csv = render::csv(&sample::two().sheets());
    assert!(csv.starts_with("target,host,port,database,check,status,object,says,value,remedy,"));
    let rows = |word: &str| csv.lines().filter(|line| line.contains(word)).count();
    assert_eq!(rows("shop,db.example.com,5432,shop,"), 5, "{csv}");
    assert_eq!(rows(",act.long_query,unknown,,"), 1);
    assert_eq!(rows("dead,,,,,critical,,cannot connect: connection refused"), 1);
    assert_eq!(rows(",ignored: it goes away"), 1);
}

#[test]
fn one_run_writes_every_form_into_its_file() {
    let db = Cluster::shared().create_db("forms");
    db.psql("CREATE TABLE twice (k int); INSERT INTO twice VALUES (1), (1)");
    let build = "CREATE UNIQUE INDEX CONCURRENTLY twice_k ON twice (k)";
    assert!(db.cluster().psql_result(db.name(), build).is_err());
    let folder = tempfile::tempdir().unwrap();
    let forms = ["json", "csv", "markdown", "nagios", "prometheus", "junit", "sarif", "github"];
    let path = |form: &str| folder.path().join(format!("report.{form}"));
    let only = ["check", "--url", &db.url(), "--only", "idx.invalid"];
    let mut pgtend = Pgtend::new().args(only);
    for form in forms {
        pgtend = pgtend.arg("--output").arg(format!("{form}={}", path(form).display()));
    }
    let output = pgtend.run().expect_code(2);
    assert!(
        output
            .stdout
            .contains("critical  idx.invalid  public.twice_k of public.twice is not valid"),
        "{}",
        output.stdout
    );
    let text = |form: &str| fs::read_to_string(path(form)).unwrap();
    for form in forms {
        assert!(text(form).contains("idx.invalid"), "{form}: {}", text(form));
    }
    let document = is_sarif(&text("sarif"));
    assert_eq!(document["runs"][0]["results"][0]["ruleId"], "idx.invalid");
    let suites = junit_parser::from_reader(text("junit").as_bytes()).unwrap();
    assert_eq!((suites.tests, suites.failures), (1, 1));
    // Nothing half-written is left there.
    let left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".pgtend-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn other_commands_have_no_such_forms() {
    for form in ["junit", "sarif", "github"] {
        let output = Pgtend::new().args(["connections", "--format", form]).run().expect_code(64);
        assert!(output.stderr.contains(&format!("connections has no --format {form}")));
    }
    Pgtend::new().args(["check", "--output", "toml=x"]).run().expect_code(64);
    let db = Cluster::shared().create_db("forms");
    let nowhere = ["check", "--only", "idx.invalid", "--output", "junit=/nowhere/x", "--url"];
    let output = Pgtend::new().args(nowhere).arg(db.url()).run().expect_code(74);
    assert!(output.stderr.contains("cannot write /nowhere/x"), "{}", output.stderr);
    // The verdict is told all the same, and critical stays critical.
    assert!(output.stdout.contains("1 check: 1 healthy"), "{}", output.stdout);
    db.psql("CREATE TABLE twice (k int); INSERT INTO twice VALUES (1), (1)");
    let build = "CREATE UNIQUE INDEX CONCURRENTLY twice_k ON twice (k)";
    assert!(db.cluster().psql_result(db.name(), build).is_err());
    let output = Pgtend::new().args(nowhere).arg(db.url()).run().expect_code(2);
    assert!(output.stdout.contains("1 check: 1 critical"), "{}", output.stdout);
}

#[test]
fn facts_hold_no_secrets_of_the_server() {
    let db = Cluster::shared().create_db("quiet");
    db.psql(&format!("ALTER DATABASE {} SET app.settings.jwt = 'JwtS3cretValue'", db.name()));
    db.psql(
        "CREATE TABLE schema_migrations (version text, statements text[]);
         INSERT INTO schema_migrations VALUES ('1', ARRAY['CREATE ROLE x PASSWORD ''Tr0ub4dor'''])",
    );
    let mut client =
        Client::start_in(Cluster::shared(), db.name(), "postgres", "quiet", Way::Socket);
    client.send("SELECT 'K3yInText', pg_sleep(60)");
    let seen = format!(
        "SELECT state = 'active' AND query LIKE '%K3yInText%' FROM pg_stat_activity WHERE pid = {}",
        client.pid
    );
    stage::until(&db, &seen);
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("facts.json");
    let url = db.url();
    let arguments = ["check", "--verbose", "--pre-deploy", "--url", &url, "--save"];
    let output = Pgtend::new().args(arguments).arg(&saved).run();
    assert!(output.code < 4, "exit {}\n{}", output.code, output.stderr);
    let facts = fs::read_to_string(&saved).unwrap();
    for part in ["app.settings.jwt", "schema_migrations", "SELECT .."] {
        assert!(facts.contains(part), "{part}: {facts}");
    }
    for text in [&facts, &output.stdout, &output.stderr] {
        for secret in ["JwtS3cretValue", "Tr0ub4dor", "K3yInText"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}
