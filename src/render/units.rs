//! Numbers for people.

use std::time::Duration;

/// `2.4 GiB`; whole bytes below 1 KiB.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let mut value = bytes as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// `10,470,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 table`, `2,000 tables`.
pub fn amount(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// `0.42 s`, `8.4 s`, `3 min 12 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{seconds:.2} s");
    }
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let whole = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).as_secs();
    if whole < 3600 {
        return format!("{} min {} s", whole / 60, whole % 60);
    }
    if whole < 72 * 3600 {
        return format!("{} h {} min", whole / 3600, whole % 3600 / 60);
    }
    format!("{} days", whole / 86_400)
}

/// `286.0 MiB/s`; nothing where no time passed.
pub fn rate(amount: u64, seconds: f64) -> String {
    if seconds <= 0.0 {
        return String::new();
    }
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people; amounts and times are not negative"
    )]
    let per_second = (amount as f64 / seconds) as u64;
    format!("{}/s", bytes(per_second))
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
