//! What people write and read: durations as `200ms`, `1.5s`, `2m`, `1h`, sizes as `500MiB`.

use std::time::Duration;

/// The longest that anything may be told to wait.
const LONGEST: f64 = 7.0 * 24.0 * 3600.0;

/// The units of sizes, each 1024 times the one before.
const SIZES: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// Returns the duration of a text that says how long to wait; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("invalid duration {text:?}: write 500ms, 30s, 2m or 1h (at most a week)", text = text.trim());
    let (number, unit) = number_and_unit(text.trim());
    let unit = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong()),
    };
    number.parse().ok().and_then(|number: f64| seconds(number * unit)).ok_or_else(wrong)
}

/// Returns a number of seconds as a duration, if it is one that somebody could wait.
pub fn seconds(number: f64) -> Option<Duration> {
    (0.0..=LONGEST).contains(&number).then(|| Duration::from_secs_f64(number))
}

/// Returns the duration of a text that says how long something is valid: a whole number and its unit, up to weeks.
pub fn parse_period(text: &str) -> Result<Duration, String> {
    let (number, unit) = number_and_unit(text);
    let unit = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        "w" => Some(604_800),
        _ => None,
    };
    let wrong = || "write a number and a unit: 30m, 12h, 90d, 2w".to_owned();
    let (number, unit): (u64, u64) = number.parse().ok().zip(unit).ok_or_else(wrong)?;
    let period = number.checked_mul(unit).filter(|seconds| *seconds <= i64::MAX as u64 / 1_000);
    period.map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}

/// Returns the bytes of a text that says a size: a number, and the unit where it is not the byte.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = number_and_unit(text);
    let unit = unit.to_ascii_lowercase();
    let is_unit = |name: &str| name.to_ascii_lowercase() == unit || name.trim_end_matches("iB").to_ascii_lowercase() == unit;
    let power = if unit.is_empty() { Some(0) } else { SIZES.iter().position(|name| is_unit(name)) };
    let size = number.parse::<u64>().ok().zip(power).and_then(|(number, power)| number.checked_mul(1 << (10 * power)));
    size.filter(|size| *size > 0).ok_or_else(|| "write a number and a unit: 500MiB, 64GiB".to_owned())
}

/// Returns a number as it is written and its unit.
fn number_and_unit(text: &str) -> (&str, &str) {
    let number = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    (number.trim_end(), &text[number.len()..])
}

/// Returns a number of bytes for people: `17 B`, `3.0 MiB`.
pub fn size_text(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < SIZES.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", SIZES[unit]) }
}

/// Returns a duration for people: `0.4s`, `12s`, `3m 05s`.
pub fn duration_text(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        seconds if seconds < 9.95 => format!("{seconds:.1}s"),
        seconds if seconds < 59.5 => format!("{seconds:.0}s"),
        _ => {
            let whole = seconds.round() as u64;
            if whole < 3600 {
                format!("{}m {:02}s", whole / 60, whole % 60)
            } else {
                format!("{}h {:02}m", whole / 3600, whole % 3600 / 60)
            }
        }
    }
}

/// The same with milliseconds below a second, for figures that are compared: `8.2ms`, `430ms`, `12s`.
pub fn milliseconds_text(milliseconds: f64) -> String {
    match milliseconds {
        short if short < 9.95 => format!("{short:.1}ms"),
        short if short < 999.5 => format!("{short:.0}ms"),
        long => duration_text(Duration::try_from_secs_f64(long / 1000.0).unwrap_or_default()),
    }
}

/// The same for a page, where there is room for the names of units: `430 ms`, `1.5 s`, `3 min 5 s`. Whoever sent it may have sent anything.
pub fn milliseconds_words(milliseconds: f64) -> String {
    let seconds = milliseconds / 1000.0;
    if !milliseconds.is_finite() || milliseconds < 0.0 {
        "unknown".to_owned()
    } else if milliseconds < 999.5 {
        format!("{milliseconds:.0} ms")
    } else if seconds < 59.95 {
        format!("{seconds:.1} s")
    } else if seconds < 3600.0 {
        format!("{:.0} min {:.0} s", (seconds / 60.0).floor(), (seconds % 60.0).floor())
    } else {
        format!("{:.0} h {:.0} min", (seconds / 3600.0).floor(), (seconds % 3600.0 / 60.0).floor())
    }
}

/// Returns how long was waited, in seconds, whole where it is: `30 s`, `2.5 s`.
pub fn waited_text(duration: Duration) -> String {
    if duration.as_millis().is_multiple_of(1000) {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_said() {
        for (text, expected) in
            [("200ms", 200), ("1.5s", 1500), ("2m", 120_000), ("7", 7000), (" 0.5 ", 500), ("1h", 3_600_000), ("0", 0)]
        {
            assert_eq!(parse_duration(text).unwrap().as_millis(), expected, "{text}");
        }
        for text in ["", "s", "-1s", "1 day", "nan", "inf", "1e300s", "5x"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        let said = [0, 430, 9_949, 12_300, 59_700, 185_000, 3_725_000].map(|ms| duration_text(Duration::from_millis(ms)));
        assert_eq!(said, ["0.0s", "0.4s", "9.9s", "12s", "1m 00s", "3m 05s", "1h 02m"]);
    }

    #[test]
    fn periods_and_sizes_have_a_unit() {
        assert_eq!(parse_period("90d"), Ok(Duration::from_hours(90 * 24)));
        for text in ["", "90", "d", "-1d", "1y", "1.5h", "99999999999999999999d", "9999999999999999w"] {
            assert!(parse_period(text).is_err(), "{text}");
        }
        let sizes = ["7", "7B", "2KiB", "3 MiB", "64GiB", "1t", "5k"].map(parse_size);
        assert_eq!(sizes, [7, 7, 2 << 10, 3 << 20, 64 << 30, 1 << 40, 5 << 10].map(Ok));
        for text in ["", "0", "MiB", "-1", "1.5GiB", "7 cows", "99999999999999999999", "99999999TiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_figures_are_short() {
        let sizes = [0, 1023, 1024, 3 << 20, 5 << 40, u64::MAX].map(size_text);
        assert_eq!(sizes, ["0 B", "1023 B", "1.0 KiB", "3.0 MiB", "5.0 TiB", "16777216.0 TiB"]);
        assert_eq!([1.25, 12.4, 999.4, 1_500.0, 61_000.0].map(milliseconds_text), ["1.2ms", "12ms", "999ms", "1.5s", "1m 01s"]);
        let words = [f64::NAN, -1.0, 430.2, 1_500.0, 185_000.0, 3_725_000.0].map(milliseconds_words);
        assert_eq!(words, ["unknown", "unknown", "430 ms", "1.5 s", "3 min 5 s", "1 h 2 min"]);
        assert_eq!([30_000, 2_500].map(|ms| waited_text(Duration::from_millis(ms))), ["30 s", "2.5 s"]);
    }
}
