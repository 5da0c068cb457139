//! Subscriptions: errors of what they apply.

use serde::Deserialize;

use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::question::Question;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::sql;

pub const ERRORS: Check = Check {
    id: "repl.sub_errors",
    kind: Kind::Runtime,
    title: "errors of subscriptions",
    why: "A subscription that meets a row it cannot apply stands still and tries again for ever; \
          its publisher keeps the log meanwhile; so it does for one that is disabled, by hand or \
          by disable_on_error. From PostgreSQL 18 on conflicts are counted too: some of them skip \
          rows without an error.",
    remedy: "Read the row and the reason in the subscriber's log, and repair the row; with \
             ALTER SUBSCRIPTION .. SKIP the transaction is left out. With one sample all errors \
             since the statistics were reset count: pg_stat_reset_subscription_stats(oid) begins \
             anew, and with --state only new ones count.",
    limits: &[LimitSpec::warn_above("errors and conflicts", Unit::Count, 1.0)],
    needs: &[],
    since: 150_000,
    asks: &[&SUBSCRIPTIONS],
    judge: errors,
};

const SUBSCRIPTIONS: Question = Question::of(
    "subscription_errors",
    &[(150_000, sql::CHECK_SUBSCRIPTION_ERRORS), (180_000, sql::CHECK_SUBSCRIPTION_ERRORS_18)],
)
.compared();

#[derive(Deserialize)]
struct Subscription {
    subscription: String,
    apply_errors: f64,
    sync_errors: f64,
    conflicts: f64,
    enabled: Option<bool>,
}

impl Subscription {
    fn sum(&self) -> f64 {
        self.apply_errors + self.sync_errors + self.conflicts
    }
}

fn errors(look: &Look<'_>) -> Judged {
    let rows: Vec<Subscription> = look.rows(&SUBSCRIPTIONS)?;
    if rows.is_empty() {
        return Err(Silence::not_applicable("there are no subscriptions"));
    }
    let mut verdict = look.verdict().saying("nothing has failed");
    let earlier = look.perhaps_before::<Subscription>(&SUBSCRIPTIONS, &mut verdict);
    for row in &rows {
        let name = &row.subscription;
        let before = earlier.as_ref().and_then(|(rows, seconds)| {
            let before = rows.iter().find(|before| before.subscription == *name)?;
            // Less than before: they were reset, and all of them are new.
            (before.sum() <= row.sum()).then_some((before.sum(), *seconds))
        });
        let (new, period) = match before {
            Some((before, seconds)) => (row.sum() - before, format!("in {}", words::time(seconds))),
            None => (row.sum(), "since its statistics were reset".to_owned()),
        };
        verdict.measures.extend(look.measure("", name, new, None));
        let had = format!(
            "had {} {period}{}",
            words::amount(new, "error"),
            if row.conflicts > 0.0 { " (conflicts among them)" } else { "" }
        );
        // No new error comes while it stands still: all of them count.
        if row.enabled == Some(false) {
            let failed = row.apply_errors + row.sync_errors > 0.0;
            let level = if failed { Level::Critical } else { Level::Warning };
            let says = format!(
                "the subscription {name} is disabled: it applies nothing, and its slot keeps the \
                 publisher's log; it {had}"
            );
            verdict.find(level, name, says).with_value(new).with_remedy(format!(
                "ALTER SUBSCRIPTION {0} ENABLE;  -- in its database, once the reason is mended; \
                 or DROP SUBSCRIPTION {0};",
                sql::quote_name(name)
            ));
            continue;
        }
        let Some(level) = look.level("", name, new, None) else { continue };
        verdict.find(level, name, format!("the subscription {name} {had}")).with_value(new);
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::sample::Sample;

    fn row(errors: f64, enabled: bool) -> Value {
        json!({"subscription": "s", "apply_errors": errors, "sync_errors": 0.0, "conflicts": 0.0,
               "enabled": enabled})
    }

    #[test]
    fn with_two_samples_only_new_errors_count() {
        let one = |row| Sample::of("subscription_errors", &[row]);
        let level = |sample: Sample| {
            sample.judged(&ERRORS).unwrap().findings.first().map(|finding| finding.level)
        };
        assert_eq!(level(one(row(0.0, true))), None);
        assert_eq!(level(one(row(3.0, true))), Some(Level::Warning));
        assert_eq!(level(one(row(3.0, false))), Some(Level::Critical));
        assert_eq!(level(one(row(3.0, true)).after(9.0, &one(row(3.0, true)))), None);
        let reset = one(row(2.0, true)).after(9.0, &one(row(3.0, true)));
        assert_eq!(level(reset), Some(Level::Warning));
    }

    #[test]
    fn a_disabled_one_is_always_found() {
        let one = |errors| Sample::of("subscription_errors", &[row(errors, false)]);
        let first = |sample: Sample| {
            let finding = sample.judged(&ERRORS).unwrap().findings.remove(0);
            (finding.level, finding.remedy.unwrap())
        };
        let (level, remedy) = first(one(0.0));
        assert_eq!(level, Level::Warning);
        assert!(remedy.starts_with("ALTER SUBSCRIPTION \"s\" ENABLE;"), "{remedy}");
        // No new error: it has stood still since the last one.
        assert_eq!(first(one(3.0).after(9.0, &one(3.0))).0, Level::Critical);
    }
}
