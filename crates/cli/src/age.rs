//! Times as people say them.

use jiff::Timestamp;

use crate::printer::count;

/// Returns how long ago something was; the time is in epoch milliseconds.
pub(crate) fn ago(now: Timestamp, at: i64) -> String {
    const MOST_DAYS: u64 = 60;
    let seconds = u64::try_from(now.as_millisecond().saturating_sub(at) / 1_000).unwrap_or(0);
    match Timestamp::from_millisecond(at) {
        Ok(time) if seconds > MOST_DAYS * 86_400 => format!("on {}", time.strftime("%Y-%m-%d")),
        // Two clocks never agree to the second.
        _ if seconds < 60 => "just now".to_owned(),
        _ => format!("{} ago", span(seconds)),
    }
}

/// Returns a span of time in its largest unit.
pub(crate) fn span(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    count(usize::try_from(number).unwrap_or(usize::MAX), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_its_largest_unit() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let said = |seconds: i64| ago(now, (1_800_000_000 - seconds) * 1_000);
        for (seconds, expected) in [
            (-5, "just now"),
            (0, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (7_200, "2 hours ago"),
            (86_400, "1 day ago"),
            (61 * 86_400, "on 2026-11-15"),
        ] {
            assert_eq!(said(seconds), expected, "{seconds}");
        }
    }
}
