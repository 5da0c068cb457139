//! Which backups stay, as the operator says it: `--keep-daily 7`, or `keep_daily = 7` in
//! `[backup]`.

use std::time::Duration;

use super::quantity;

/// The rules that were given; what is `None` was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// The newest ones.
    pub last: Option<u32>,
    /// The newest of each of the last hours that have one.
    pub hourly: Option<u32>,
    /// Of each of the last days.
    pub daily: Option<u32>,
    /// Of each of the last ISO weeks.
    pub weekly: Option<u32>,
    /// Of each of the last months.
    pub monthly: Option<u32>,
    /// Of each of the last years.
    pub yearly: Option<u32>,
    /// All that are at most this much older than the newest.
    pub within: Option<Duration>,
    /// The newest verified ones.
    pub proven: Option<u32>,
    /// The newest ones, whatever the rules say.
    pub min_keep: Option<u32>,
}

impl Retention {
    /// The names of the rules in `[backup]`, in the order of the fields.
    pub const KEYS: [&str; 9] = [
        "keep_last",
        "keep_hourly",
        "keep_daily",
        "keep_weekly",
        "keep_monthly",
        "keep_yearly",
        "keep_within",
        "keep_proven",
        "min_keep",
    ];

    /// These rules, and for those that were not given the other's.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            last: self.last.or(other.last),
            hourly: self.hourly.or(other.hourly),
            daily: self.daily.or(other.daily),
            weekly: self.weekly.or(other.weekly),
            monthly: self.monthly.or(other.monthly),
            yearly: self.yearly.or(other.yearly),
            within: self.within.or(other.within),
            proven: self.proven.or(other.proven),
            min_keep: self.min_keep.or(other.min_keep),
        }
    }

    /// Whether a rule says that anything may go: the two guards alone do not.
    pub fn has_a_rule(&self) -> bool {
        let counts = [self.last, self.hourly, self.daily, self.weekly, self.monthly, self.yearly];
        counts.iter().any(Option::is_some) || self.within.is_some()
    }

    /// As they stand in `[backup]`.
    pub fn values(&self) -> [(&'static str, Option<String>); 9] {
        let [last, hourly, daily, weekly, monthly, yearly, within, proven, min_keep] = Self::KEYS;
        let number = |number: Option<u32>| number.map(|number| number.to_string());
        [
            (last, number(self.last)),
            (hourly, number(self.hourly)),
            (daily, number(self.daily)),
            (weekly, number(self.weekly)),
            (monthly, number(self.monthly)),
            (yearly, number(self.yearly)),
            (within, self.within.map(quantity::written_duration)),
            (proven, number(self.proven)),
            (min_keep, number(self.min_keep)),
        ]
    }

    /// Where the number of this key goes; `keep_within` has none.
    pub(super) fn number(&mut self, key: &str) -> Option<&mut Option<u32>> {
        Some(match key {
            "keep_last" => &mut self.last,
            "keep_hourly" => &mut self.hourly,
            "keep_daily" => &mut self.daily,
            "keep_weekly" => &mut self.weekly,
            "keep_monthly" => &mut self.monthly,
            "keep_yearly" => &mut self.yearly,
            "keep_proven" => &mut self.proven,
            "min_keep" => &mut self.min_keep,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_place_of_its_own() {
        let mut rules =
            Retention { within: Some(Duration::from_secs(86_400)), ..Retention::default() };
        for (number, key) in (1..).zip(Retention::KEYS) {
            match rules.number(key) {
                Some(place) => *place = Some(number),
                None => assert_eq!(key, "keep_within"),
            }
        }
        let shown = rules.values().map(|(_, value)| value.unwrap_or_default());
        assert_eq!(shown, ["1", "2", "3", "4", "5", "6", "1d", "8", "9"]);
        assert_eq!(rules.or(&Retention::default()), rules);
        assert_eq!(Retention::default().or(&rules), rules);
        let guards = Retention { proven: Some(1), min_keep: Some(3), ..Retention::default() };
        assert!(rules.has_a_rule() && !guards.has_a_rule());
    }
}
