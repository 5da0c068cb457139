//! `--watch`.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

/// From one look to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every(pub Duration);

/// What a server is asked at most.
const LEAST: Duration = Duration::from_millis(500);

impl FromStr for Every {
    type Err = String;

    /// Seconds with or without `s`, `500ms`, `1m`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = match text.find(|c: char| c != '.' && !c.is_ascii_digit()) {
            Some(at) => text.split_at(at),
            None => (text, "s"),
        };
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err("it is a time: 2s, 500ms or 1m".to_owned()),
        };
        let number = number.parse::<f64>();
        let time = number.ok().and_then(|n| Duration::try_from_secs_f64(n * seconds).ok());
        match time {
            None => Err("it is a time: 2s, 500ms or 1m".to_owned()),
            Some(time) if time < LEAST => Err("it is at least 500ms".to_owned()),
            Some(time) if time.as_secs() > 86_400 => Err("it is at most 24h".to_owned()),
            Some(time) => Ok(Self(time)),
        }
    }
}

/// Looking again and again.
#[derive(Debug, Clone, Default, Args)]
pub struct WatchFlags {
    /// Look again and again: a live page with keys on a terminal (h shows them), else one report
    /// after the other (json: one per line); TIME is 2s unless given; Ctrl-C ends it with exit 0
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "2s", conflicts_with = "interval")]
    pub watch: Option<Every>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_half_a_second_to_a_day() {
        let millis = |text: &str| text.parse::<Every>().map(|every| every.0.as_millis());
        assert_eq!(millis("2"), Ok(2000));
        assert_eq!(millis("0.5s"), Ok(500));
        assert_eq!(millis("500ms"), Ok(500));
        assert_eq!(millis("1m"), Ok(60_000));
        assert_eq!(millis("24h"), Ok(86_400_000));
        for wrong in ["", "s", "0", "499ms", "-2", "2 s", "2x", "25h", "1e9", "1.2.3s", "nan"] {
            assert!(millis(wrong).is_err(), "{wrong}");
        }
    }
}
