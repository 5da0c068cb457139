//! What squawk's linter says of a file.

use serde::{Deserialize, Serialize};
use squawk_linter::{Linter, Rule, Version};
use squawk_syntax::{Parse, SourceFile};

use super::read::Lines;

/// What the linter says of one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lint {
    pub file: String,
    pub line: usize,
    /// `adding-field-with-default`: see squawkhq.com/docs.
    pub rule: String,
    pub says: String,
    pub help: Option<String>,
}

/// Rules about style and about what clients see, which is no matter of a deployment's locks, and
/// those that are told better from the server (timeouts that roles have).
const LEFT_OUT: [Rule; 9] = [
    Rule::PreferBigintOverInt,
    Rule::PreferBigintOverSmallint,
    Rule::PreferIdentity,
    Rule::PreferTextField,
    Rule::PreferTimestampTz,
    Rule::BanCharField,
    Rule::PreferRobustStmts,
    Rule::RequireLockTimeout,
    Rule::RequireStatementTimeout,
];

/// Lints a file for a server of this version (150000).
pub fn lint(
    file: &str,
    parse: &Parse<SourceFile>,
    text: &str,
    version_number: u32,
    lines: &Lines,
) -> Vec<Lint> {
    let mut linter = Linter::with_rules(&[], &LEFT_OUT);
    if let Ok(version) = (version_number / 10_000).to_string().parse::<Version>() {
        linter.settings.pg_version = version;
    }
    let violations = linter.lint(parse, text);
    violations
        .into_iter()
        .map(|violation| Lint {
            file: file.to_owned(),
            line: lines.at(usize::from(violation.text_range.start())),
            rule: violation.code.to_string(),
            says: violation.message,
            help: violation.help,
        })
        .collect()
}
