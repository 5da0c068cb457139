//! Limits: what each check has when nobody says, and what the operator says.

use std::collections::BTreeMap;

use crate::report::check::{Level, Measure, Unit};
use crate::settings::quantity;

/// Where a limit lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// In the limit's unit.
    Value(f64),
    /// Of what there can be at most.
    Percent(f64),
    /// So much has to be left of it.
    Left(f64),
}

/// A limit of a check.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LimitSpec {
    /// Empty for the main one; `bytes` is written `bloat.table/bytes` in pgtend.toml.
    pub name: &'static str,
    /// What is compared, in words: `share of the usable connections`.
    pub of: &'static str,
    pub unit: Unit,
    /// Whether small numbers are the bad ones.
    pub below: bool,
    /// Whether it is known how much there can be, so that a share or what is left can be a limit.
    pub has_end: bool,
    pub warning: Option<Bound>,
    pub critical: Option<Bound>,
}

impl LimitSpec {
    const fn new(
        of: &'static str,
        unit: Unit,
        warning: Option<Bound>,
        critical: Option<Bound>,
    ) -> Self {
        Self { name: "", of, unit, below: false, has_end: false, warning, critical }
    }

    /// Fires from these values on.
    pub const fn above(of: &'static str, unit: Unit, warning: f64, critical: f64) -> Self {
        Self::new(of, unit, Some(Bound::Value(warning)), Some(Bound::Value(critical)))
    }

    /// Fires from this value on, as a warning.
    pub const fn warn_above(of: &'static str, unit: Unit, warning: f64) -> Self {
        Self::new(of, unit, Some(Bound::Value(warning)), None)
    }

    /// Fires from this value on.
    pub const fn fail_above(of: &'static str, unit: Unit, critical: f64) -> Self {
        Self::new(of, unit, None, Some(Bound::Value(critical)))
    }

    /// Fires when no more than these values are there.
    pub const fn below(of: &'static str, unit: Unit, warning: f64, critical: f64) -> Self {
        let spec = Self::above(of, unit, warning, critical);
        Self { below: true, ..spec }
    }

    /// Fires when so many percent of what there can be are used; the operator may give numbers
    /// or what has to be left (`-10`) instead.
    pub const fn share(of: &'static str, unit: Unit, warning: f64, critical: f64) -> Self {
        Self::new(of, unit, Some(Bound::Percent(warning)), Some(Bound::Percent(critical)))
            .with_end()
    }

    /// The same limit where it is known how much there can be.
    #[must_use]
    pub const fn with_end(self) -> Self {
        Self { has_end: true, ..self }
    }

    /// The same limit under a name of its own.
    #[must_use]
    pub const fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }
}

/// One limit, for one object or for all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    pub unit: Unit,
    pub below: bool,
    pub warning: Option<Bound>,
    pub critical: Option<Bound>,
    /// The warning is what the operator says.
    pub own_warning: bool,
}

impl Limit {
    /// A number with its limits, for monitoring; `most` is what there can be.
    pub fn measure(&self, label: &str, value: f64, most: Option<f64>) -> Measure {
        Measure {
            name: label.to_owned(),
            value,
            unit: self.unit,
            warning: self.warning.and_then(|bound| bound.at(most)),
            critical: self.critical.and_then(|bound| bound.at(most)),
            most,
            below: self.below,
        }
    }

    /// What a number weighs; `most` is what there can be.
    pub fn level(&self, value: f64, most: Option<f64>) -> Option<Level> {
        let passed = |bound: Option<Bound>| {
            let at = bound.and_then(|bound| bound.at(most));
            at.is_some_and(|at| if self.below { value <= at } else { value >= at })
        };
        if passed(self.critical) {
            Some(Level::Critical)
        } else {
            passed(self.warning).then_some(Level::Warning)
        }
    }
}

impl Bound {
    /// As a value; `None` for a share of something that has no end.
    pub fn at(self, most: Option<f64>) -> Option<f64> {
        match self {
            Self::Value(value) => Some(value),
            Self::Percent(percent) => most.map(|most| most * percent / 100.0),
            Self::Left(left) => most.map(|most| most - left),
        }
    }
}

/// What the operator says of limits: pgtend.toml's `[check.limits]`.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    /// By `id`, `id/name`, `id:object` or `id/name:object`.
    own: BTreeMap<String, Own>,
}

/// What stands there: the outer `None` leaves what was, the inner one turns the limit off.
#[derive(Debug, Clone, Copy, Default)]
struct Own {
    warning: Option<Option<Bound>>,
    critical: Option<Option<Bound>>,
}

impl Limits {
    /// Takes one entry.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn add(
        &mut self,
        place: &str,
        spec: &LimitSpec,
        warning: Option<&str>,
        critical: Option<&str>,
    ) -> Result<(), String> {
        let read = |text: Option<&str>| text.map(|text| bound(text, spec)).transpose();
        let own = Own { warning: read(warning)?, critical: read(critical)? };
        self.own.insert(place.to_owned(), own);
        Ok(())
    }

    /// The limit that holds for an object: its own, the check's, the standard one.
    pub fn of(&self, id: &str, spec: &LimitSpec, object: &str) -> Limit {
        let place = match spec.name {
            "" => id.to_owned(),
            name => format!("{id}/{name}"),
        };
        let mut limit = Limit {
            unit: spec.unit,
            below: spec.below,
            warning: spec.warning,
            critical: spec.critical,
            own_warning: false,
        };
        for place in [place.clone(), format!("{place}:{object}")] {
            if let Some(own) = self.own.get(&place) {
                limit.own_warning |= own.warning.is_some();
                limit.warning = own.warning.unwrap_or(limit.warning);
                limit.critical = own.critical.unwrap_or(limit.critical);
            }
        }
        limit
    }
}

/// Reads `80%`, `-10`, `5m`, `10GB`, `400M`, `off`.
fn bound(text: &str, spec: &LimitSpec) -> Result<Option<Bound>, String> {
    let text = text.trim();
    if text == "off" {
        return Ok(None);
    }
    // Where nobody knows how much there can be it would never fire.
    let with_end = |bound: Bound, why: &str| match spec.has_end {
        true => Ok(Some(bound)),
        false => Err(format!("{why}: give {}", example(spec.unit))),
    };
    if let Some(left) = text.strip_prefix('-') {
        return number(left, spec.unit).and_then(|left| {
            with_end(Bound::Left(left), "it has no end of which something could be left")
        });
    }
    // A percentage is the value itself where the unit is one.
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.trim().parse::<f64>().ok().filter(|value| value.is_finite());
        let percent = percent.ok_or_else(|| "it is a percentage: 80%".to_owned())?;
        return match spec.unit {
            Unit::Percent => Ok(Some(Bound::Value(percent))),
            _ => with_end(Bound::Percent(percent), "it is no share of anything"),
        };
    }
    number(text, spec.unit).map(|value| Some(Bound::Value(value)))
}

/// A limit of that unit, as it is written.
const fn example(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes | Unit::BytesPerHour => "10GB",
        Unit::Seconds => "5m",
        Unit::Percent => "80%",
        Unit::Count | Unit::PerSecond | Unit::PerHour => "100",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a limit")]
fn number(text: &str, unit: Unit) -> Result<f64, String> {
    match unit {
        Unit::Bytes | Unit::BytesPerHour => quantity::bytes(text).map(|bytes| bytes as f64),
        Unit::Seconds => match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Ok(seconds),
            _ if text.ends_with("ms") => milliseconds(text),
            _ => quantity::duration(text).map(|time| time.as_secs_f64()),
        },
        Unit::Count | Unit::Percent | Unit::PerSecond | Unit::PerHour => counted(text),
    }
}

fn milliseconds(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches("ms").trim().parse::<f64>().ok();
    let number = number.filter(|number| number.is_finite() && *number >= 0.0);
    number.map(|number| number / 1000.0).ok_or_else(|| "it is a time: 500ms, 5m".to_owned())
}

/// `400M` is four hundred millions.
fn counted(text: &str) -> Result<f64, String> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor = match unit.trim() {
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" | "B" => 1e9,
        _ => f64::NAN,
    };
    let value = number.parse::<f64>().unwrap_or(f64::NAN) * factor;
    let value = Some(value).filter(|value| value.is_finite());
    value.ok_or_else(|| "it is a number, with k, M or G: 400M".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USED: LimitSpec = LimitSpec::share("connections", Unit::Count, 80.0, 90.0);
    const AGE: LimitSpec = LimitSpec::above("age", Unit::Seconds, 300.0, 1800.0).named("age");

    fn with(
        place: &str,
        spec: &LimitSpec,
        warning: Option<&str>,
        critical: Option<&str>,
    ) -> Limits {
        let mut limits = Limits::default();
        limits.add(place, spec, warning, critical).unwrap();
        limits
    }

    #[test]
    fn a_share_can_be_a_number_or_what_is_left() {
        let level = |limits: &Limits, used| limits.of("c.u", &USED, "x").level(used, Some(100.0));
        let standard = Limits::default();
        assert_eq!(level(&standard, 79.0), None);
        assert_eq!(level(&standard, 80.0), Some(Level::Warning));
        assert_eq!(level(&standard, 90.0), Some(Level::Critical));
        let left = with("c.u", &USED, Some("50"), Some("-5"));
        assert_eq!(level(&left, 50.0), Some(Level::Warning));
        assert_eq!(level(&left, 95.0), Some(Level::Critical));
        let off = with("c.u", &USED, Some("off"), None);
        assert_eq!(level(&off, 85.0), None);
    }

    #[test]
    fn an_object_can_have_its_own_limit() {
        let mut limits = with("c.u/age", &AGE, Some("1m"), None);
        limits.add("c.u/age:public.t", &AGE, Some("500ms"), Some("off")).unwrap();
        let level = |object, age| limits.of("c.u", &AGE, object).level(age, None);
        assert_eq!(level("public.t", 9999.0), Some(Level::Warning));
        assert_eq!(level("public.t", 0.4), None);
        assert_eq!(level("public.u", 60.0), Some(Level::Warning));
        assert_eq!(level("public.u", 1800.0), Some(Level::Critical));
    }

    #[test]
    fn numbers_are_read_in_the_limits_unit() {
        let at = |unit, text| bound(text, &LimitSpec::above("x", unit, 1.0, 2.0));
        assert_eq!(at(Unit::Bytes, "10GB"), Ok(Some(Bound::Value(1e10))));
        assert_eq!(at(Unit::Count, "400M"), Ok(Some(Bound::Value(4e8))));
        assert_eq!(at(Unit::Percent, "80%"), Ok(Some(Bound::Value(80.0))));
        let used = bound("80%", &LimitSpec::share("x", Unit::Count, 70.0, 90.0));
        assert_eq!(used, Ok(Some(Bound::Percent(80.0))));
        assert_eq!(at(Unit::Seconds, "500ms"), Ok(Some(Bound::Value(0.5))));
        for (unit, text) in
            [(Unit::Bytes, "x"), (Unit::Count, "4Q"), (Unit::Percent, "%"), (Unit::Seconds, "5 q")]
        {
            assert!(at(unit, text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_that_could_never_fire_is_refused() {
        let refused = |text: &str, unit| {
            let spec = LimitSpec::above("x", unit, 1.0, 2.0);
            assert!(bound(text, &spec.with_end()).is_ok(), "{text}");
            bound(text, &spec).unwrap_err()
        };
        assert!(refused("80%", Unit::Seconds).ends_with(": give 5m"));
        assert!(refused("-5", Unit::Percent).ends_with(": give 80%"));
        assert!(refused("-1GB", Unit::Bytes).ends_with(": give 10GB"));
        assert!(refused("50%", Unit::PerSecond).ends_with(": give 100"));
    }
}
