//! Numbers for people: counts are whole.

use crate::words;

/// `2.4 GiB`; whole bytes below 1 KiB.
pub fn bytes(bytes: u64) -> String {
    words::bytes(real(bytes))
}

/// `10,470,000`.
pub fn count(number: u64) -> String {
    words::count(real(number))
}

/// `1 table`, `2,000 tables`.
pub fn amount(number: u64, what: &str) -> String {
    words::amount(real(number), what)
}

/// `0.42 s`, `8.4 s`, `3 min 12 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    words::time(seconds)
}

/// `286.0 MiB/s`; nothing where no time passed.
pub fn rate(amount: u64, seconds: f64) -> String {
    if seconds <= 0.0 {
        return String::new();
    }
    format!("{}/s", words::bytes((real(amount) / seconds).floor()))
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn real(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_carry_over() {
        let sizes: Vec<String> =
            [0, 1023, 1024, 1536, 1_048_575, 1 << 20, 1 << 31, u64::MAX].map(bytes).into();
        assert_eq!(
            sizes,
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1.0 MiB", "1.0 MiB", "2.0 GiB", "16384.0 PiB"]
        );
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0.0, 0.424, 8.44, 99.96, 192.4, 7500.0, 400_000.0].map(duration),
            ["0.00 s", "0.42 s", "8.4 s", "1 min 39 s", "3 min 12 s", "2 h 5 min", "4 days"]
        );
        assert_eq!(rate(2 << 20, 2.0), "1.0 MiB/s");
        assert_eq!(rate(1, 0.0), "");
    }
}
