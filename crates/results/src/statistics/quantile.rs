//! Quantiles of durations, and whether one has changed.

use super::{Interval, SIGNIFICANCE};
use keepstep_base::random::Random;

/// With fewer values than this, the 95th percentile is just the largest or the second, and nothing is said about its change.
pub const FEWEST_FOR_QUANTILES: usize = 20;

/// How often both sides are drawn again.
const DRAWS: usize = 2000;

/// Returns the value that `share` of the sorted values are not above; `None` without a value.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    sorted.get(rank(sorted.len(), share).checked_sub(1)?).copied()
}

/// Returns the position of a quantile, counted from 1; 0 without a value.
fn rank(count: usize, share: f64) -> usize {
    // A product such as 0.95 * 20 must not become 20 by the error of its last digit.
    let exact = (share.clamp(0.0, 1.0) * count as f64 - 1e-9).ceil();
    (exact as usize).clamp(count.min(1), count)
}

/// How a quantile of two sets of values has changed.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantileChange {
    /// The quantile before.
    pub before: f64,
    /// The quantile after.
    pub after: f64,
    /// What the second is of the first, in many draws, sorted.
    ratios: Vec<f64>,
}

impl QuantileChange {
    /// Returns how a quantile has changed between two sorted sets of durations; `None` where one has too few, or none above 0.
    ///
    /// The noise is known by the bootstrap: both sets are drawn again from themselves, always in the same way. A quantile of
    /// such a draw is one of the values, and its position has a known distribution, so it is drawn without drawing the set.
    pub fn between(before: &[f64], after: &[f64], share: f64) -> Option<Self> {
        if before.len().min(after.len()) < FEWEST_FOR_QUANTILES {
            return None;
        }
        let (old, new) = (quantile(before, share)?, quantile(after, share)?);
        let mut random = Random::new(0x6b65_6570_7374_6570);
        let mut ratios = Vec::with_capacity(DRAWS);
        for _ in 0..DRAWS {
            let ratio = redrawn(after, share, &mut random)? / redrawn(before, share, &mut random)?;
            if ratio.is_finite() {
                ratios.push(ratio);
            }
        }
        ratios.sort_by(f64::total_cmp);
        (old > 0.0 && ratios.len() == DRAWS).then_some(Self { before: old, after: new, ratios })
    }

    /// Returns what the new quantile is of the old one.
    pub fn ratio(&self) -> f64 {
        self.after / self.before
    }

    /// Returns the 95 % interval of the ratio.
    pub fn interval(&self) -> Interval {
        let at = |share: f64| quantile(&self.ratios, share).unwrap_or(f64::NAN);
        Interval { low: at(SIGNIFICANCE / 2.0), high: at(1.0 - SIGNIFICANCE / 2.0) }
    }

    /// Returns how likely the ratio is at most `1 + allowed`.
    pub fn p_value(&self, allowed: f64) -> f64 {
        let within = self.ratios.partition_point(|ratio| *ratio <= 1.0 + allowed.max(0.0));
        (within + 1) as f64 / (self.ratios.len() + 1) as f64
    }

    /// Returns true if the quantile has grown by more than the allowed share, and noise does not explain it.
    pub fn is_regression(&self, allowed: f64) -> bool {
        self.ratio() > 1.0 + allowed && self.p_value(allowed) <= SIGNIFICANCE
    }
}

/// Returns the quantile of a set that is drawn from the sorted values again.
fn redrawn(sorted: &[f64], share: f64, random: &mut Random) -> Option<f64> {
    let count = sorted.len();
    let position = rank(count, share);
    // The value at a position of sorted draws between 0 and 1 is distributed as one waiting time in the sum of two.
    let (below, above) = (waiting_time(position, random), waiting_time(count + 1 - position, random));
    let at = (below / (below + above) * count as f64) as usize;
    sorted.get(at.min(count.checked_sub(1)?)).copied()
}

/// Returns how long it takes until a number of things have happened that happen once in a unit of time (a gamma distribution,
/// by the method of Marsaglia and Tsang).
fn waiting_time(number: usize, random: &mut Random) -> f64 {
    let shape = number as f64 - 1.0 / 3.0;
    let scale = 1.0 / (9.0 * shape).sqrt();
    loop {
        let normal = random.next_normal();
        let cube = (1.0 + scale * normal).powi(3);
        if cube > 0.0 && (1.0 - random.next_fraction()).ln() < 0.5 * normal * normal + shape * (1.0 - cube + cube.ln()) {
            return shape * cube;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantile_is_a_value_that_occurred() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.95), Some(19.0));
        assert_eq!((quantile(&values, 0.0), quantile(&values, 1.0)), (Some(1.0), Some(20.0)));
        assert_eq!((quantile(&[], 0.5), quantile(&[7.0], 0.95)), (None, Some(7.0)));
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        let few = vec![1.0; FEWEST_FOR_QUANTILES - 1];
        let zeros = vec![0.0; 50];
        let some = vec![1.0; 50];
        assert_eq!(QuantileChange::between(&few, &some, 0.95), None);
        assert_eq!(QuantileChange::between(&zeros, &some, 0.95), None);
        let same = QuantileChange::between(&some, &some, 0.95).unwrap();
        assert_eq!((same.ratio(), same.interval(), same.p_value(0.0)), (1.0, Interval { low: 1.0, high: 1.0 }, 1.0));
    }

    #[test]
    fn waiting_times_have_the_right_mean_and_spread() {
        for number in [1, 2, 19, 5000] {
            let mut random = Random::new(3);
            let draws: Vec<f64> = (0..20_000).map(|_| waiting_time(number, &mut random) / number as f64).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let spread = draws.iter().map(|draw| (draw - mean).powi(2)).sum::<f64>() / draws.len() as f64 * number as f64;
            assert!((mean - 1.0).abs() < 0.03 && (spread - 1.0).abs() < 0.06, "{number}: {mean} {spread}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn slower_is_never_less_of_a_regression(
            mut values in proptest::collection::vec(1.0..100.0_f64, 20..60), factor in 1.0..3.0_f64, allowed in 0.0..0.5_f64,
        ) {
            values.sort_by(f64::total_cmp);
            let slower: Vec<f64> = values.iter().map(|value| value * factor).collect();
            let same = QuantileChange::between(&values, &values, 0.95).unwrap();
            let change = QuantileChange::between(&values, &slower, 0.95).unwrap();
            prop_assert!((change.ratio() - factor).abs() < 1e-9);
            prop_assert!(change.p_value(allowed) <= same.p_value(allowed));
            prop_assert!(change.p_value(allowed) <= change.p_value(allowed + 0.1));
            let Interval { low, high } = change.interval();
            prop_assert!(low <= high);
            prop_assert!(!same.is_regression(allowed));
        }
    }
}
