//! Times as people say them.

use jiff::Timestamp;

use crate::shell::printer::count;

/// How many days are counted; what is older has a date.
const MOST_DAYS: i64 = 14;

/// Returns how long ago something was; the time is in epoch milliseconds.
pub(crate) fn ago(now: Timestamp, at: i64) -> String {
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    ago_or(now, at, || format!("on {}", at.strftime("%Y-%m-%d")))
}

/// Returns the same for the narrow column of a table. `date` is what stands for a time that is weeks ago.
pub(crate) fn ago_in_table(now: Timestamp, at: Timestamp, date: impl FnOnce() -> String) -> String {
    ago_or(now, at, date).replace(" minutes", " min").replace(" minute", " min")
}

fn ago_or(now: Timestamp, at: Timestamp, date: impl FnOnce() -> String) -> String {
    match now.duration_since(at).as_secs() {
        // Two clocks never agree to the second.
        ..60 => "just now".to_owned(),
        seconds if seconds >= MOST_DAYS * 86_400 => date(),
        seconds => format!("{} ago", span(seconds.unsigned_abs())),
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
            (13 * 86_400, "13 days ago"),
            (14 * 86_400, "on 2027-01-01"),
        ] {
            assert_eq!(said(seconds), expected, "{seconds}");
        }
        let in_table = |seconds: i64| {
            let at = Timestamp::from_second(1_800_000_000 - seconds).unwrap();
            ago_in_table(now, at, || "2027-01-01".to_owned())
        };
        for (seconds, expected) in [(60, "1 min ago"), (3_599, "59 min ago"), (3_600, "1 hour ago"), (14 * 86_400, "2027-01-01")]
        {
            assert_eq!(in_table(seconds), expected, "{seconds}");
        }
    }
}
