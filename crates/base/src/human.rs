//! What people write and read: durations as `200ms`, `1.5s`: `200ms`, `1.5s`, `2m`, `1h`, or a number of seconds.

use std::time::Duration;

/// The longest that anything may be told to wait.
const LONGEST: f64 = 7.0 * 24.0 * 3600.0;

/// Returns the duration of a text; a bare number is seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(wrong(text)),
    };
    let number: f64 = digits.trim().parse().map_err(|_| wrong(text))?;
    seconds(number * unit).ok_or_else(|| wrong(text))
}

/// Returns a number of seconds as a duration, if it is one that somebody could wait.
pub fn seconds(number: f64) -> Option<Duration> {
    (0.0..=LONGEST).contains(&number).then(|| Duration::from_secs_f64(number))
}

fn wrong(text: &str) -> String {
    format!("invalid duration {text:?}: write 500ms, 30s, 2m or 1h (at most a week)")
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
}
