//! Numbers as people say them.

/// `1 session`, `2,000 sessions`.
pub fn amount(number: f64, what: &str) -> String {
    amount_of(number, what, &format!("{what}s"))
}

/// `1 index`, `2,000 indexes`.
pub fn amount_of(number: f64, one: &str, many: &str) -> String {
    let what = if (number - 1.0).abs() < f64::EPSILON { one } else { many };
    format!("{} {what}", count(number))
}

/// `10,470,000`, without a fraction.
pub fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = if number < -0.5 { String::from("-") } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.42 s`, `8.4 s`, `3 min 12 s`, `2 h 5 min`, `5 days`.
pub fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{:.2} s", seconds.max(0.0));
    }
    if seconds < 99.95 {
        return format!("{seconds:.1} s");
    }
    let (minutes, hours) = ((seconds / 60.0).floor(), (seconds / 3600.0).floor());
    if seconds < 3600.0 {
        return format!("{minutes} min {:.0} s", (seconds % 60.0).floor());
    }
    if seconds < 72.0 * 3600.0 {
        return format!("{hours} h {:.0} min", minutes % 60.0);
    }
    format!("{:.0} days", (seconds / 86_400.0).floor())
}

/// `980 B`, `2.4 GiB`.
pub fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes.abs() < 1024.0 {
        return format!("{bytes:.0} B");
    }
    let mut value = bytes / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value.abs() < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_words() {
        assert_eq!(amount(1.0, "session"), "1 session");
        assert_eq!(amount(10_470_000.0, "row"), "10,470,000 rows");
        let indexes = [0.0, 1.0, 2.0].map(|number| amount_of(number, "index", "indexes"));
        assert_eq!(indexes, ["0 indexes", "1 index", "2 indexes"]);
        let times = [0.42, 8.4, 192.0, 7500.0, 500_000.0].map(time);
        assert_eq!(times, ["0.42 s", "8.4 s", "3 min 12 s", "2 h 5 min", "5 days"]);
        assert_eq!([980.0, 2.4 * 1024.0 * 1024.0].map(bytes), ["980 B", "2.4 MiB"]);
    }
}
