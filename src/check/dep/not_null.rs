//! Whether a CHECK keeps nulls out of a column when a statement comes to it: one that is there, or
//! one of the statements before it. SET NOT NULL reads no row then.

use serde::Deserialize;

use super::statement::Work;

/// A CHECK that says IS NOT NULL.
#[derive(Debug, Clone, Deserialize)]
pub struct NullCheck {
    pub name: String,
    /// As `pg_get_constraintdef` writes it.
    pub says: String,
    pub is_valid: bool,
}

impl NullCheck {
    /// The column, when it says nothing else.
    fn column(&self) -> Option<String> {
        let says = self.says.strip_suffix(" NOT VALID").unwrap_or(&self.says);
        let column = says.strip_prefix("CHECK ((")?.strip_suffix(" IS NOT NULL))")?;
        let quoted = column.strip_prefix('"').and_then(|column| column.strip_suffix('"'));
        Some(quoted.map_or_else(|| column.to_owned(), |column| column.replace("\"\"", "\"")))
    }
}

/// A CHECK as it will be.
struct Known {
    name: Option<String>,
    column: String,
    is_valid: bool,
    /// It was valid before the first statement: no ROLLBACK takes it back.
    is_settled: bool,
}

/// The checks of one table from statement to statement.
pub struct NullChecks(Vec<Known>);

impl NullChecks {
    /// As the server has them.
    pub fn new(there: &[NullCheck]) -> Self {
        let known = |check: &NullCheck| {
            Some(Known {
                name: Some(check.name.clone()),
                column: check.column()?,
                is_valid: check.is_valid,
                is_settled: check.is_valid,
            })
        };
        Self(there.iter().filter_map(known).collect())
    }

    /// What a statement before does to the table.
    pub fn after(&mut self, work: &Work) {
        match work {
            Work::RulesOutNulls { name, column, is_valid } => self.0.push(Known {
                name: name.clone(),
                column: column.clone(),
                is_valid: *is_valid,
                is_settled: false,
            }),
            Work::Validates { name } => {
                for check in self.0.iter_mut().filter(|check| check.name.as_ref() == Some(name)) {
                    check.is_valid = true;
                }
            }
            work => self.lose(work),
        }
    }

    /// The same of the statement itself: what it drops is gone before it sets NOT NULL, what it
    /// adds comes afterwards.
    pub fn lose(&mut self, work: &Work) {
        let is_named = |check: &Known, name: &String| check.name.as_ref() == Some(name);
        self.0.retain(|check| match work {
            Work::Drops => false,
            Work::DropsConstraint { name } => !is_named(check, name),
            Work::DropsColumn { column } => check.column != *column,
            Work::Renames { name } => !is_named(check, name) && check.column != *name,
            _ => true,
        });
    }

    /// A ROLLBACK: what came before it may not have happened.
    pub fn undo(&mut self) {
        self.0.retain(|check| check.is_settled);
    }

    /// Whether a column has no nulls.
    pub fn rule_out(&self, column: &str) -> bool {
        self.0.iter().any(|check| check.is_valid && check.column == column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, says: &str, is_valid: bool) -> NullCheck {
        NullCheck { name: name.into(), says: says.into(), is_valid }
    }

    fn adds(name: &str, column: &str, is_valid: bool) -> Work {
        Work::RulesOutNulls { name: Some(name.into()), column: column.into(), is_valid }
    }

    #[test]
    fn a_valid_check_of_nothing_else_rules_nulls_out() {
        for (says, is_valid, column, expected) in [
            ("CHECK ((c IS NOT NULL))", true, "c", true),
            ("CHECK ((\"C\"\"d\" IS NOT NULL))", true, "C\"d", true),
            ("CHECK ((c IS NOT NULL))", true, "d", false),
            ("CHECK ((c IS NOT NULL)) NOT VALID", false, "c", false),
            ("CHECK ((c IS NOT NULL)) NO INHERIT", true, "c", false),
            ("CHECK (((c IS NOT NULL) OR (d IS NOT NULL)))", true, "c", false),
        ] {
            let checks = NullChecks::new(&[check("k", says, is_valid)]);
            assert_eq!(checks.rule_out(column), expected, "{says} {column}");
        }
    }

    #[test]
    fn one_that_is_validated_before_counts() {
        let validates = Work::Validates { name: "k".into() };
        let mut checks = NullChecks::new(&[]);
        checks.after(&adds("k", "c", false));
        assert!(!checks.rule_out("c"));
        checks.after(&Work::Validates { name: "other".into() });
        assert!(!checks.rule_out("c"));
        checks.after(&validates);
        assert!(checks.rule_out("c") && !checks.rule_out("d"));
        // One that an earlier deployment left.
        let there = check("k", "CHECK ((c IS NOT NULL)) NOT VALID", false);
        let mut checks = NullChecks::new(&[there]);
        checks.after(&validates);
        assert!(checks.rule_out("c"));
        checks.undo();
        assert!(!checks.rule_out("c"));
    }

    #[test]
    fn one_that_is_dropped_before_does_not() {
        for work in [
            Work::DropsConstraint { name: "k".into() },
            Work::DropsColumn { column: "c".into() },
            Work::Renames { name: "c".into() },
            Work::Drops,
        ] {
            let mut checks = NullChecks::new(&[check("k", "CHECK ((c IS NOT NULL))", true)]);
            checks.undo();
            assert!(checks.rule_out("c"));
            checks.after(&work);
            assert!(!checks.rule_out("c"), "{work:?}");
        }
        let mut checks = NullChecks::new(&[]);
        checks.lose(&adds("k", "c", true));
        assert!(!checks.rule_out("c"));
    }
}
