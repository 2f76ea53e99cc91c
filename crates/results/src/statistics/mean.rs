//! The mean of something that is known twice of each case: whether it has grown.

use serde::{Deserialize, Serialize};

use super::SIGNIFICANCE;
use super::distribution::normal_tail;

/// With fewer pairs than this, nothing is said about a mean.
pub const FEWEST_FOR_MEANS: usize = 20;

/// How a mean has changed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanChange {
    /// The mean before.
    pub before: f64,
    /// The mean after.
    pub after: f64,
    /// The growth that was allowed, as a share.
    pub allowed: f64,
    /// How likely a growth of at least this size is where no more than the allowed one is real.
    pub p_value: f64,
}

impl MeanChange {
    /// Returns how a mean has changed, by pairs of values of the same case; `None` where there are too few, or none above 0.
    ///
    /// Student's test for pairs, one-sided, of what each case has grown by beyond what was allowed.
    pub fn between(pairs: &[(f64, f64)], allowed: f64) -> Option<Self> {
        let allowed = if allowed.is_finite() { allowed.max(0.0) } else { 0.0 };
        if pairs.len() < FEWEST_FOR_MEANS {
            return None;
        }
        let count = pairs.len() as f64;
        let mean = |value: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(value).sum::<f64>() / count;
        let (before, after) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        if !(before > 0.0 && before.is_finite() && after.is_finite()) {
            return None;
        }
        let excess = |pair: &(f64, f64)| pair.1 - (1.0 + allowed) * pair.0;
        let middle = mean(&excess);
        let variance = mean(&|pair| (excess(pair) - middle).powi(2)) * count / (count - 1.0);
        let error = (variance / count).sqrt();
        // Below this, the difference is that of the arithmetic.
        let p_value = if middle <= before * 1e-9 {
            1.0
        } else if error <= before * 1e-12 {
            0.0
        } else {
            student_tail(middle / error, count - 1.0)
        };
        Some(Self { before, after, allowed, p_value })
    }

    /// Returns what the new mean is of the old one.
    pub fn ratio(&self) -> f64 {
        self.after / self.before
    }

    /// Returns true if the mean has grown by more than the allowed share, and noise does not explain it.
    pub fn is_regression(&self) -> bool {
        self.ratio() > 1.0 + self.allowed && self.p_value <= SIGNIFICANCE
    }
}

/// Returns the tail of Student's distribution, by the approximation with the normal one that is good from some degrees of
/// freedom on.
fn student_tail(deviations: f64, degrees: f64) -> f64 {
    let scale = (1.0 - 1.0 / (4.0 * degrees)) / (1.0 + deviations * deviations / (2.0 * degrees)).sqrt();
    normal_tail(deviations * scale)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        // From a table of Student's distribution.
        for (deviations, degrees, tail) in [(1.729, 19.0, 0.05), (2.539, 19.0, 0.01), (1.660, 100.0, 0.05)] {
            assert!((student_tail(deviations, degrees) - tail).abs() < 0.001, "{deviations} {degrees}");
        }
        let same = [(2.0, 2.0); 30];
        assert!(!MeanChange::between(&same, 0.0).unwrap().is_regression());
        let more = [(2.0, 2.4); 30];
        assert!(MeanChange::between(&more, 0.1).unwrap().is_regression());
        assert!(!MeanChange::between(&more, 0.2).unwrap().is_regression(), "just what is allowed");
        assert_eq!(MeanChange::between(&more[..19], 0.0), None);
        assert_eq!(MeanChange::between(&[(0.0, 1.0); 30], 0.0), None);
        assert_eq!(MeanChange::between(&[(1.0, f64::NAN); 30], 0.0), None);
    }

    proptest! {
        #[test]
        fn more_allowed_is_less_of_a_regression(
            pairs in proptest::collection::vec((0.1..10.0_f64, 0.1..10.0_f64), 20..60), allowed in 0.0..1.0_f64,
        ) {
            let (strict, lax) = (MeanChange::between(&pairs, 0.0).unwrap(), MeanChange::between(&pairs, allowed).unwrap());
            prop_assert!((0.0..=1.0).contains(&lax.p_value));
            prop_assert!(!lax.is_regression() || strict.ratio() > 1.0);
            prop_assert_eq!((strict.before, strict.after), (lax.before, lax.after));
        }
    }
}
