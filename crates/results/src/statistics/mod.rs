//! What a number of runs says about an agent, and what it does not say.
//!
//! All statements are about the inputs that were run: the chance in them is the agent's, who may answer the same question well
//! today and badly tomorrow. How the agent does on inputs that nobody has written is not in the data.
//!
//! - One rate: [`wilson`] gives the interval in which it lies.
//! - Repeats of one input: [`pass_at_k`] (one of k is good) and [`pass_hat_k`] (all of k are good), without bias.
//! - Two runs of the same cases: [`Pairs`] tells a change from noise, and a drop from a drop that was allowed.
//! - Two sets of durations: [`QuantileChange`] does the same for their quantiles.
//! - Two costs of the same cases: [`MeanChange`] does the same for their mean.
//! - A judge and people on the same answers: [`Agreement`] tells how far they say the same, and how far chance would.
//!
//! How often each of these is wrong was simulated (`tests/statistics.rs`), and is written in `docs/statistics.md`.

mod agreement;
mod distribution;
mod mean;
mod paired;
mod quantile;

use serde::{Deserialize, Serialize};

pub use agreement::Agreement;
pub use mean::{FEWEST_FOR_MEANS, MeanChange};
pub use paired::{Pairs, Regression};
pub use quantile::{FEWEST_FOR_QUANTILES, QuantileChange, quantile};

/// The share of false alarms that every test here keeps below, each time it is asked.
pub const SIGNIFICANCE: f64 = 0.05;

/// The deviations of a normal distribution within which 95 % of it lie.
const DEVIATIONS: f64 = 1.959_963_984_540_054;

/// A range of values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Returns the 95 % interval of Wilson for the rate behind `passed` of `of` draws; `None` without a draw.
///
/// Where the draws have different rates, as different inputs do, the interval is that of their mean, and rather too wide.
pub fn wilson(passed: u64, of: u64) -> Option<Interval> {
    if of == 0 {
        return None;
    }
    let passed = passed.min(of);
    let (count, rate) = (of as f64, passed as f64 / of as f64);
    let square = DEVIATIONS * DEVIATIONS;
    let middle = rate + square / (2.0 * count);
    let half = DEVIATIONS * (rate * (1.0 - rate) / count + square / (4.0 * count * count)).sqrt();
    let scale = 1.0 + square / count;
    // What is certain is said exactly, and not with the error of the arithmetic.
    Some(Interval {
        low: if passed == 0 { 0.0 } else { ((middle - half) / scale).clamp(0.0, rate) },
        high: if passed == of { 1.0 } else { ((middle + half) / scale).clamp(rate, 1.0) },
    })
}

/// Returns the chance that at least one of `k` answers is good, estimated without bias from `passed` of `of`; `None` where `k`
/// is 0 or more than there are.
pub fn pass_at_k(of: u64, passed: u64, k: u64) -> Option<f64> {
    all_of(of, of.saturating_sub(passed), k).map(|none_is_good| 1.0 - none_is_good)
}

/// Returns the chance that all of `k` answers are good, estimated without bias from `passed` of `of`; `None` where `k` is 0 or
/// more than there are.
pub fn pass_hat_k(of: u64, passed: u64, k: u64) -> Option<f64> {
    all_of(of, passed.min(of), k)
}

/// Returns the share of the samples of size `k` that are taken from `such` only.
fn all_of(of: u64, such: u64, k: u64) -> Option<f64> {
    if k == 0 || k > of {
        return None;
    }
    if such < k {
        return Some(0.0);
    }
    Some((0..k).map(|taken| (such - taken) as f64 / (of - taken) as f64).product())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-4
    }

    #[test]
    fn known_values() {
        let Interval { low, high } = wilson(8, 10).unwrap();
        assert!(close(low, 0.4902) && close(high, 0.9433), "{low} {high}");
        let Interval { low, high } = wilson(0, 10).unwrap();
        assert!(low == 0.0 && close(high, 0.2775), "{low} {high}");
        assert_eq!(wilson(0, 0), None);
        assert_eq!(pass_at_k(5, 1, 5), Some(1.0));
        assert!(close(pass_at_k(10, 3, 2).unwrap(), 1.0 - 7.0 * 6.0 / 90.0));
        assert!(close(pass_hat_k(10, 3, 2).unwrap(), 3.0 * 2.0 / 90.0));
        assert_eq!((pass_at_k(3, 1, 0), pass_at_k(3, 1, 4), pass_hat_k(0, 0, 1)), (None, None, None));
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_rate_and_mirrors(of in 1_u64..100_000, share in 0.0..=1.0_f64) {
            let passed = (share * of as f64) as u64;
            let Interval { low, high } = wilson(passed, of).unwrap();
            let rate = passed as f64 / of as f64;
            prop_assert!((0.0..=rate).contains(&low) && (rate..=1.0).contains(&high));
            let mirrored = wilson(of - passed, of).unwrap();
            prop_assert!((mirrored.low - (1.0 - high)).abs() < 1e-9);
            if passed < of {
                let more = wilson(passed + 1, of).unwrap();
                prop_assert!(more.low >= low && more.high >= high);
            }
            let of_more = wilson(passed * 4, of * 4).unwrap();
            prop_assert!(of_more.high - of_more.low <= high - low, "four times the cases say more");
        }

        #[test]
        fn one_good_of_k_is_easier_than_all(of in 1_u64..500, passed in 0_u64..500, k in 1_u64..500) {
            let (passed, k) = (passed.min(of), k.min(of));
            let (one, all) = (pass_at_k(of, passed, k).unwrap(), pass_hat_k(of, passed, k).unwrap());
            let rate = passed as f64 / of as f64;
            prop_assert!((0.0..=1.0).contains(&one) && (0.0..=1.0).contains(&all));
            prop_assert!(all <= rate + 1e-12 && rate <= one + 1e-12);
            if k < of {
                prop_assert!(pass_at_k(of, passed, k + 1).unwrap() >= one - 1e-12);
                prop_assert!(pass_hat_k(of, passed, k + 1).unwrap() <= all + 1e-12);
            }
            prop_assert!((pass_at_k(of, passed, 1).unwrap() - rate).abs() < 1e-12);
        }
    }
}
