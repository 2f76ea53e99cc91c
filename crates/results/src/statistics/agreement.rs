//! How far a judge agrees with people.

/// How often a judge and people said the same of an answer, and how often not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Both said that it is good.
    pub both_good: u64,
    /// Only the judge said so.
    pub only_judge: u64,
    /// Only a person said so.
    pub only_person: u64,
    /// Both said that it is bad.
    pub both_bad: u64,
}

impl Agreement {
    /// Adds what both said of an answer.
    pub fn add(&mut self, judge: bool, person: bool) {
        *match (judge, person) {
            (true, true) => &mut self.both_good,
            (true, false) => &mut self.only_judge,
            (false, true) => &mut self.only_person,
            (false, false) => &mut self.both_bad,
        } += 1;
    }

    /// Returns how many verdicts of people there are on answers that a judge judged.
    pub fn count(&self) -> u64 {
        self.same() + self.only_judge + self.only_person
    }

    /// Returns of how many they said the same.
    pub fn same(&self) -> u64 {
        self.both_good + self.both_bad
    }

    /// Returns Cohen's kappa: 1 where they always agree, 0 where they agree as often as chance would. Nothing where one of them says the
    /// same of every answer and so does the other, because then chance would always agree.
    pub fn kappa(&self) -> Option<f64> {
        let count = self.count() as f64;
        let share = |part: u64| part as f64 / count;
        let (judge, person) = (share(self.both_good + self.only_judge), share(self.both_good + self.only_person));
        let by_chance = judge * person + (1.0 - judge) * (1.0 - person);
        (count > 0.0 && by_chance < 1.0).then(|| (share(self.same()) - by_chance) / (1.0 - by_chance))
    }

    /// Returns it for people.
    pub fn in_words(&self) -> String {
        let kappa = self.kappa().map_or_else(String::new, |kappa| format!(", kappa {kappa:.2}"));
        format!("agrees with people in {} of {} verdicts{kappa}", self.same(), self.count())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        // The example of Cohen's paper in its usual form: 20 and 15 times the same of 50.
        let agreement = Agreement { both_good: 20, only_judge: 5, only_person: 10, both_bad: 15 };
        assert!((agreement.kappa().unwrap() - 0.4).abs() < 1e-12);
        assert_eq!(agreement.in_words(), "agrees with people in 35 of 50 verdicts, kappa 0.40");
        assert_eq!(Agreement::default().kappa(), None);
        let mut always = Agreement::default();
        always.add(true, true);
        assert_eq!((always.kappa(), always.in_words().as_str()), (None, "agrees with people in 1 of 1 verdicts"));
        always.add(false, false);
        assert_eq!(always.kappa(), Some(1.0));
    }

    proptest! {
        #[test]
        fn kappa_is_at_most_one_and_the_same_from_both_sides(a in 0_u64..50, b in 0_u64..50, c in 0_u64..50, d in 0_u64..50) {
            let agreement = Agreement { both_good: a, only_judge: b, only_person: c, both_bad: d };
            let turned = Agreement { both_good: a, only_judge: c, only_person: b, both_bad: d };
            prop_assert_eq!(agreement.kappa().map(|kappa| (kappa * 1e9).round()), turned.kappa().map(|kappa| (kappa * 1e9).round()));
            prop_assert!(agreement.kappa().is_none_or(|kappa| (-1.0..=1.0 + 1e-9).contains(&kappa)));
        }
    }
}
