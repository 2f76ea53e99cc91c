//! The few numbers that a report needs.

use std::time::Duration;

/// Returns the middle value; of an even number of values, the lower of the two.
pub(crate) fn median<T: Ord + Copy>(values: &[T]) -> Option<T> {
    quantile(values, 0.5)
}

/// Returns the value below which this share of all values lies.
pub(crate) fn quantile<T: Ord + Copy>(values: &[T], share: f64) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list of measurements"
    )]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// Returns a time in the unit that shows three digits.
pub(crate) fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 1.0 {
        format!("{seconds:.2} s")
    } else if seconds >= 0.1 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{:.2} ms", seconds * 1e3)
    }
}

/// Returns an amount of memory in MiB.
pub(crate) fn memory(kibibytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let mebibytes = kibibytes as f64 / 1024.0;
    format!("{mebibytes:.1} MiB")
}

/// Returns how many times larger `other` is than `this`.
pub(crate) fn times(other: Duration, this: Duration) -> String {
    let factor = other.as_secs_f64() / this.as_secs_f64();
    if factor >= 10.0 { format!("{factor:.0} ×") } else { format!("{factor:.2} ×") }
}

/// Returns a number with a comma before every three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let values: Vec<u32> = (1..=100).rev().collect();
        assert_eq!(median(&values), Some(50));
        assert_eq!(quantile(&values, 0.99), Some(99));
        assert_eq!(quantile(&values, 1.0), Some(100));
        assert_eq!(median::<u32>(&[]), None);
        assert_eq!(median(&[7]), Some(7));
    }

    #[test]
    fn numbers_are_shown_with_three_digits() {
        assert_eq!(time(Duration::from_micros(5_432)), "5.43 ms");
        assert_eq!(time(Duration::from_millis(543)), "543 ms");
        assert_eq!(time(Duration::from_millis(6_543)), "6.54 s");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        assert_eq!(times(Duration::from_secs(6), Duration::from_millis(10)), "600 ×");
    }
}
