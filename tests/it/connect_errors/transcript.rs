//! What a run said, in a form that is the same in every run, and many runs at once.

use std::collections::BTreeSet;

use crate::harness::pgtend::{Output, Running};
use crate::harness::{Cluster, Pgtend};

/// In every password that the cases give.
pub const SECRET: &str = "Tr0ub4dor";

/// One run to be, and what it has to say.
pub struct Case {
    name: &'static str,
    code: i32,
    text: &'static str,
    replace: Vec<(String, &'static str)>,
    plain: Run,
    json: Run,
}

enum Run {
    Going(Running),
    Ended(Output),
}

impl Run {
    fn wait(self) -> Output {
        match self {
            Self::Going(running) => running.wait(),
            Self::Ended(output) => output,
        }
    }
}

/// Starts `pgtend backup` twice: for its text, and for JSON.
pub fn case(
    name: &'static str,
    given: impl Fn(Pgtend) -> Pgtend,
    code: i32,
    text: &'static str,
) -> Case {
    let run =
        |format: &str| given(Pgtend::new().args(["backup", "-r", "repo", "--format", format]));
    let (plain, json) = (run("table"), run("json"));
    let homes = [plain.home(), json.home()];
    let replace = homes.iter().map(|home| (home.display().to_string(), "HOME")).collect();
    let [plain, json] = [plain, json].map(|pgtend| Run::Going(pgtend.spawn()));
    Case { name, code, text, replace, plain, json }
}

/// The same where the server's last words may be lost: one that closes while something is still
/// on its way to it resets the connection. Tries until they are heard.
pub fn case_until_heard(
    name: &'static str,
    given: impl Fn(Pgtend) -> Pgtend,
    code: i32,
    text: &'static str,
) -> Case {
    let mut heard = case(name, &given, code, text);
    for _ in 0..10 {
        let outputs = [heard.plain.wait(), heard.json.wait()];
        let lost = outputs.iter().any(|output| {
            let said = [output.stdout.as_str(), &output.stderr];
            said.iter().any(|text| text.contains("the connection broke before the login"))
        });
        let [plain, json] = outputs.map(Run::Ended);
        heard = Case { plain, json, ..heard };
        if !lost {
            break;
        }
        heard = case(name, &given, code, text);
    }
    heard
}

impl Case {
    /// Writes `to` for every `from`.
    pub fn naming(mut self, from: impl ToString, to: &'static str) -> Self {
        self.replace.push((from.to_string(), to));
        self
    }

    /// Writes PORT and SOCKET for those of the server.
    pub fn at(self, cluster: &Cluster) -> Self {
        self.naming(cluster.socket_dir().display(), "SOCKET").naming(cluster.port(), "PORT")
    }

    /// What is wrong with how it ended, and the reasons that it gave.
    fn faults(self) -> (Vec<String>, Vec<String>) {
        let Self { name, code, text, replace, plain, json } = self;
        let same = |said: &str| {
            replace.iter().fold(said.to_owned(), |said, (from, to)| said.replace(from, to))
        };
        let mut faults = Vec::new();
        let (plain, json) = (plain.wait(), json.wait());
        let said = without_what_backup_adds(&same(&plain.stderr));
        if said != text {
            faults.push(format!("{name}: said\n{said}--- instead of\n{text}"));
        }
        if !plain.stdout.is_empty() {
            faults.push(format!("{name}: a failure has no answer: {}", plain.stdout));
        }
        for output in [&plain, &json] {
            if output.code != code {
                faults.push(format!("{name}: exit {} instead of {code}", output.code));
            }
            if output.stdout.contains(SECRET) || output.stderr.contains(SECRET) {
                faults.push(format!("{name}: a secret in\n{}{}", output.stdout, output.stderr));
            }
        }
        if plain.code == 0 || json.code == 0 {
            // There is no error to compare.
            return (faults, Vec::new());
        }
        let told = same(&json_as_text(&json));
        if !text.ends_with(&told) {
            faults.push(format!("{name}: JSON said\n{told}--- instead of\n{text}"));
        }
        let reasons = json.json()["error"]["reasons"].clone();
        let reasons: Vec<String> = match reasons.as_array() {
            Some(list) => list.iter().map(|id| id.as_str().unwrap().to_owned()).collect(),
            None => Vec::new(),
        };
        let named = name.split(": ").next().unwrap();
        if !reasons.is_empty() && reasons.join("+") != named {
            faults.push(format!("{name}: the reasons are {reasons:?}"));
        }
        (faults, reasons)
    }
}

/// What a backup says beside the failed connection is the same in each of them, and has its own
/// tests (`cron`).
fn without_what_backup_adds(said: &str) -> String {
    let added = |line: &&str| {
        *line == "  while: connecting"
            || line.starts_with("  also:  there is no complete backup of ")
    };
    said.split_inclusive('\n').filter(|line| !added(&line.trim_end_matches('\n'))).collect()
}

/// The error of a JSON document, written as the text has it.
fn json_as_text(output: &Output) -> String {
    let document = output.json();
    assert_eq!(document["schema"], "pgtend/1");
    assert_eq!(document["command"], "backup");
    assert_eq!(document["exit"], output.code);
    let error = &document["error"];
    let mut text = format!("error: {}\n", error["what"].as_str().unwrap());
    for (label, key) in [("cause:", "causes"), ("next:", "next")] {
        for line in error[key].as_array().unwrap() {
            text.push_str(&format!("  {label:<6} {}\n", line.as_str().unwrap()));
        }
    }
    text + &format!("  exit:  {}\n", document["exit"])
}

/// Waits for all of them and tells of every fault at once; gives the reasons that were told.
#[track_caller]
pub fn check(cases: Vec<Case>) -> BTreeSet<String> {
    let (faults, reasons): (Vec<_>, Vec<_>) = cases.into_iter().map(Case::faults).unzip();
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    reasons.into_iter().flatten().collect()
}
