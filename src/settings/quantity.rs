//! Amounts as people write them: `64MiB`, `26h`.

use std::time::Duration;

/// Bytes: a whole number with `kB`, `MB`, `GB`, `TB` (powers of 1000) or `KiB`, `MiB`, `GiB`,
/// `TiB` (powers of 1024), or nothing.
pub fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[
        ("", 1),
        ("B", 1),
        ("kB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    amount(text, UNITS).ok_or_else(|| {
        "it is a whole number of bytes, with kB, MB, GB, KiB, MiB or GiB: 64MiB".to_owned()
    })
}

/// Time: a whole number with `s`, `m`, `h`, `d` or `w`.
pub fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: &[(&str, u64)] =
        &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)];
    amount(text, UNITS)
        .map(Duration::from_secs)
        .ok_or_else(|| "it is a whole number with s, m, h, d or w: 26h".to_owned())
}

/// Time from one sample to the next: as [`duration`], up to an hour.
pub fn interval(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    match time.is_zero() || time > LONGEST_INTERVAL {
        true => Err("it is from 1s to 1h".to_owned()),
        false => Ok(time),
    }
}

/// Nobody waits longer for an answer.
const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);

/// Bytes in a second: as [`bytes()`], with or without `/s`.
pub fn rate(text: &str) -> Result<u64, String> {
    let amount = text.trim();
    let amount = amount.strip_suffix("/s").unwrap_or(amount);
    match bytes(amount) {
        Ok(rate) if rate < LEAST_RATE => {
            Err(format!("it is at least {}/s: 20MiB/s", written_bytes(LEAST_RATE)))
        }
        Ok(rate) => Ok(rate),
        Err(_) => Err("it is an amount of bytes in a second, at least 32KiB/s: 20MiB/s".to_owned()),
    }
}

/// What somebody who forgot the unit cannot have meant (`pg_basebackup --max-rate` has the same).
const LEAST_RATE: u64 = 32 << 10;

/// The shortest way that [`rate()`] reads back.
pub fn written_rate(rate: u64) -> String {
    format!("{}/s", written_bytes(rate))
}

/// The shortest way that [`bytes()`] reads back.
pub fn written_bytes(bytes: u64) -> String {
    written(bytes, &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)], "")
}

/// The shortest way that [`duration`] reads back; parts of a second are left out.
pub fn written_duration(time: Duration) -> String {
    written(time.as_secs(), &[("d", 86_400), ("h", 3600), ("m", 60)], "s")
}

fn written(amount: u64, units: &[(&str, u64)], smallest: &str) -> String {
    let unit = units.iter().find(|(_, factor)| amount >= *factor && amount.is_multiple_of(*factor));
    unit.map_or_else(
        || format!("{amount}{smallest}"),
        |(name, factor)| format!("{}{name}", amount / factor),
    )
}

fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim()))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(written_bytes(64 << 20), "64MiB");
        assert_eq!(written_duration(Duration::from_secs(26 * 3600)), "26h");
        for number in [0, 1, 1000, 1024, 1 << 20, 3 << 30, 86_400, 90_000, u64::MAX] {
            assert_eq!(bytes(&written_bytes(number)), Ok(number));
            let time = Duration::from_secs(number);
            assert_eq!(duration(&written_duration(time)), Ok(time));
        }
    }

    #[test]
    fn rates_are_read() {
        assert_eq!(rate("20MiB/s"), Ok(20 << 20));
        assert_eq!(rate("20 MB"), Ok(20_000_000));
        assert_eq!(rate(&written_rate(3 << 20)), Ok(3 << 20));
        for text in ["", "/s", "0", "20", "20/s", "20 MiB/m", "31KiB/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_read() {
        assert_eq!(bytes("64MiB"), Ok(64 << 20));
        assert_eq!(bytes("10 MB"), Ok(10_000_000));
        assert_eq!(bytes("8192"), Ok(8192));
        assert_eq!(duration("26h"), Ok(Duration::from_secs(93_600)));
        for text in ["", "MiB", "1.5GiB", "-1", "1x", "99999999999TiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert!(duration("26").is_err());
        assert_eq!(interval("1h"), Ok(Duration::from_secs(3600)));
        for text in ["0s", "2h", "x"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }
}
