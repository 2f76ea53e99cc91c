//! Two runs of the same cases: which differences are more than noise.

use serde::{Deserialize, Serialize};

use super::SIGNIFICANCE;
use super::distribution::{coin_tail, normal_tail};

/// How the cases of two runs ended, pair by pair: the same input in the same iteration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// Good before and after.
    pub both: u64,
    /// Good before, and no longer.
    pub worse: u64,
    /// Good only now.
    pub better: u64,
    /// Good never.
    pub neither: u64,
}

/// What a comparison says about a drop that is more than was allowed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Regression {
    /// By how much the pass rate is lower now; below zero where it is higher.
    pub drop: f64,
    /// The drop that was allowed.
    pub max_drop: f64,
    /// How likely a drop of at least this size is where no more than the allowed one is real.
    pub p_value: f64,
}

impl Regression {
    /// Returns true if noise does not explain it.
    pub fn is_real(&self) -> bool {
        self.drop > self.max_drop && self.p_value <= SIGNIFICANCE
    }
}

impl Pairs {
    /// Adds a pair.
    pub fn add(&mut self, before: bool, after: bool) {
        *match (before, after) {
            (true, true) => &mut self.both,
            (true, false) => &mut self.worse,
            (false, true) => &mut self.better,
            (false, false) => &mut self.neither,
        } += 1;
    }

    /// Returns how many pairs there are.
    pub fn count(&self) -> u64 {
        self.both + self.worse + self.better + self.neither
    }

    /// Returns by how much the pass rate is higher after than before; 0 without a pair.
    pub fn change(&self) -> f64 {
        if self.count() == 0 { 0.0 } else { (self.better as f64 - self.worse as f64) / self.count() as f64 }
    }

    /// Returns how likely so one-sided a change is where nothing has changed: McNemar's test in its exact form, two-sided.
    ///
    /// Only pairs that differ say anything; where nothing has changed, each of them is the throw of a fair coin.
    pub fn p_value(&self) -> f64 {
        (2.0 * coin_tail(self.worse.max(self.better), self.worse + self.better)).min(1.0)
    }

    /// Returns what the pairs say about a drop of more than `max_drop`, a share between 0 and 1.
    ///
    /// The test is one-sided: the exact one of the coin for a drop at all, and Tango's score for paired rates, corrected by one
    /// pair, for more than the allowed drop. The more careful of both counts.
    pub fn regression(&self, max_drop: f64) -> Regression {
        let max_drop = if max_drop.is_finite() { max_drop.clamp(0.0, 1.0) } else { 0.0 };
        let at_all = coin_tail(self.worse, self.worse + self.better);
        let p_value = if max_drop > 0.0 { at_all.max(self.score_tail(max_drop)) } else { at_all };
        Regression { drop: 0.0 - self.change(), max_drop, p_value }
    }

    /// Returns the tail of Tango's score: the deviation of the drop from the allowed one, in units that are estimated as if the
    /// allowed one were true.
    fn score_tail(&self, allowed: f64) -> f64 {
        let (count, worse, better) = (self.count() as f64, self.worse as f64, self.better as f64);
        if count == 0.0 {
            return 1.0;
        }
        // The most likely share of pairs that got better is the root of this square equation.
        let linear = (2.0 * count - worse + better) * allowed - worse - better;
        let constant = -better * allowed * (1.0 - allowed);
        let got_better = ((linear * linear - 8.0 * count * constant).max(0.0).sqrt() - linear) / (4.0 * count);
        let variance = count * (2.0 * got_better + allowed * (1.0 - allowed));
        let excess = worse - better - count * allowed - 1.0;
        if variance > 0.0 { normal_tail(excess / variance.sqrt()) } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(worse: u64, better: u64, same: u64) -> Pairs {
        Pairs { both: same, worse, better, neither: 0 }
    }

    #[test]
    fn known_values() {
        assert!((pairs(8, 2, 90).p_value() - 112.0 / 1024.0).abs() < 1e-12);
        assert_eq!(pairs(0, 0, 5).p_value(), 1.0);
        assert_eq!(pairs(1, 0, 0).regression(0.0).p_value, 0.5);
        let drop = pairs(10, 0, 90).regression(0.02);
        assert!(drop.is_real() && (drop.drop - 0.1).abs() < 1e-12, "{drop:?}");
        assert!(!pairs(10, 0, 90).regression(0.09).is_real());
        assert!(!pairs(2, 0, 98).regression(0.0).is_real(), "two cases may be noise");
        assert_eq!(Pairs::default().regression(0.1).p_value, 1.0);
        let mut counted = Pairs::default();
        for (before, after) in [(true, true), (true, false), (false, true), (false, false), (true, false)] {
            counted.add(before, after);
        }
        assert_eq!(counted, Pairs { both: 1, worse: 2, better: 1, neither: 1 });
    }

    proptest! {
        #[test]
        fn p_values_are_chances_and_the_test_is_symmetric(worse in 0_u64..3000, better in 0_u64..3000, same in 0_u64..3000) {
            let p = pairs(worse, better, same).p_value();
            prop_assert!((0.0..=1.0).contains(&p));
            prop_assert_eq!(p, pairs(better, worse, same).p_value());
            prop_assert_eq!(p, pairs(worse, better, same + 100).p_value(), "pairs that agree say nothing");
        }

        #[test]
        fn more_bad_cases_are_more_evidence_and_more_allowance_is_less(
            worse in 0_u64..300, better in 0_u64..300, same in 1_u64..600, allowed in 0.0..0.5_f64, more in 0.0..0.5_f64,
        ) {
            let now = pairs(worse, better, same).regression(allowed);
            prop_assert!((0.0..=1.0).contains(&now.p_value));
            let with_more_bad = pairs(worse + 1, better, same - 1).regression(allowed);
            prop_assert!(with_more_bad.p_value <= now.p_value + 1e-9, "{:?} {:?}", now, with_more_bad);
            let with_more_allowed = pairs(worse, better, same).regression(allowed + more);
            prop_assert!(with_more_allowed.p_value >= now.p_value - 1e-9, "{:?} {:?}", now, with_more_allowed);
        }
    }
}
