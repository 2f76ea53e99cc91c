//! The inputs of many runs, one after another: how each ended every time, and since when.
//!
//! A thousand runs of a thousand inputs are a million outcomes. So each run has its [`Outcomes`], some bytes an input, and of an input only
//! the places are kept at which it ended in another way than before.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::figures::{InputFigures, InputKey};
use super::ran;
use crate::status::Status;

/// What the bytes of outcomes mean.
const FORM: u8 = 1;

/// How many bytes an outcome has: the key, how many passed, of how many, the run to look at.
const LENGTH: usize = 8 + 2 + 2 + 8;

/// From how many changes on an input is one that passes and fails by turns.
pub const UNSTEADY: u32 = 3;

/// How an input ended in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The half of its key that tells inputs apart. Two of a million are the same by chance once in forty million times.
    pub key: u64,
    /// How many of its cases passed.
    pub passed: u16,
    /// Of how many that ended, which is at least one.
    pub of: u16,
    /// The number under which the store has a case to look at: the first that did not pass, else the first.
    pub case: i64,
}

/// How the inputs of a run ended, in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes(Vec<Outcome>);

/// How an input ended, as a whole. What is better is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum End {
    /// None of its cases passed.
    Failed,
    /// Some of its cases passed.
    Some,
    /// All of its cases passed.
    Passed,
}

/// What became of an input. What a person should see first stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Became {
    /// It ended better before.
    Worse,
    /// It ended worse before.
    Better,
    /// It never passed as a whole, and always ended the same.
    NeverPassed,
    /// It always passed.
    AlwaysPassed,
}

/// An input over runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputHistory {
    /// The key of [`Outcome`].
    pub key: u64,
    /// In how many runs it was tried to the end.
    pub tried: u32,
    /// In how many of these all of its cases passed.
    pub passed: u32,
    /// How often it ended in another way than the time before.
    pub changes: u32,
    /// The run in which it was tried last, counted from 0.
    pub last: u32,
    /// The case of that run to look at.
    pub case: i64,
    /// Since which run it has ended as it does.
    pub since: u32,
    /// How it ended before that.
    before: Option<End>,
    /// How it ended from which run on; nothing where it was not tried.
    spans: Vec<(u32, Option<End>)>,
}

/// The inputs of runs that are added one after another.
#[derive(Debug, Default)]
pub struct Histories {
    runs: u32,
    inputs: Vec<InputHistory>,
    places: HashMap<u64, usize, BuildHasherDefault<Digested>>,
}

/// The hash of what is a digest already.
#[derive(Debug, Default)]
struct Digested(u64);

impl Hasher for Digested {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Outcomes {
    /// Returns how inputs ended. `case` is the number of a case under which the store has it, by its input and iteration.
    pub fn of(inputs: &[InputFigures], case: impl Fn(InputKey, u32) -> Option<i64>) -> Self {
        let outcome = |input: &InputFigures| {
            let tried = || input.runs.iter().filter(|once| ran(once));
            let passed = tried().filter(|once| once.status == Status::Passed).count();
            let shown = tried().find(|once| once.status != Status::Passed).or_else(|| tried().next())?;
            Some(Outcome {
                key: input.key.half(),
                passed: u16::try_from(passed).unwrap_or(u16::MAX),
                of: u16::try_from(tried().count()).unwrap_or(u16::MAX),
                case: case(input.key, shown.iteration)?,
            })
        };
        let mut outcomes: Vec<Outcome> = inputs.iter().filter_map(outcome).collect();
        outcomes.sort_by_key(|outcome| outcome.key);
        Self(outcomes)
    }

    /// Returns the outcomes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Outcome> {
        self.0.iter()
    }

    /// Returns the outcomes as they are kept: a byte that says the form, then each with the smallest bytes of its numbers first.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1 + self.0.len() * LENGTH);
        bytes.push(FORM);
        for Outcome { key, passed, of, case } in &self.0 {
            bytes.extend(key.to_le_bytes());
            bytes.extend(passed.to_le_bytes());
            bytes.extend(of.to_le_bytes());
            bytes.extend(case.to_le_bytes());
        }
        bytes
    }

    /// Returns outcomes that were kept; nothing where another version kept them in another form.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (form, kept) = bytes.split_first()?;
        let (kept, rest) = kept.as_chunks::<LENGTH>();
        if *form != FORM || !rest.is_empty() {
            return None;
        }
        let outcome = |kept: &[u8; LENGTH]| {
            let (key, rest) = kept.split_first_chunk::<8>()?;
            let (passed, rest) = rest.split_first_chunk::<2>()?;
            let (of, case) = rest.split_first_chunk::<2>()?;
            let (key, passed, of) = (u64::from_le_bytes(*key), u16::from_le_bytes(*passed), u16::from_le_bytes(*of));
            let case = i64::from_le_bytes(*case.first_chunk::<8>()?);
            (of > 0 && passed <= of).then_some(Outcome { key, passed, of, case })
        };
        kept.iter().map(outcome).collect::<Option<_>>().map(Self)
    }
}

impl Outcome {
    /// Returns how the input ended as a whole.
    pub fn end(&self) -> End {
        match self.passed {
            0 => End::Failed,
            passed if passed == self.of => End::Passed,
            _ => End::Some,
        }
    }
}

impl Histories {
    /// Adds the next run; nothing of one whose outcomes are not known.
    pub fn add(&mut self, outcomes: Option<&Outcomes>) {
        let run = self.runs;
        self.runs += 1;
        for outcome in outcomes.into_iter().flat_map(Outcomes::iter) {
            let place = *self.places.entry(outcome.key).or_insert_with(|| {
                self.inputs.push(InputHistory::new(outcome, run));
                self.inputs.len() - 1
            });
            self.inputs[place].add(outcome, run);
        }
    }

    /// Returns the inputs of which something became that is asked for: what got worse last first.
    pub fn finish(self) -> Vec<InputHistory> {
        let mut inputs = self.inputs;
        inputs.sort_by_key(|input| (input.became(), std::cmp::Reverse(input.since), std::cmp::Reverse(input.changes), input.key));
        inputs
    }
}

impl InputHistory {
    fn new(outcome: &Outcome, run: u32) -> Self {
        Self {
            key: outcome.key,
            tried: 0,
            passed: 0,
            changes: 0,
            last: run,
            case: outcome.case,
            since: run,
            before: None,
            spans: Vec::with_capacity(1),
        }
    }

    fn add(&mut self, outcome: &Outcome, run: u32) {
        let end = outcome.end();
        let now = self.now();
        if self.tried > 0 && self.last == run {
            // Another input of the same half of a key: the first one is shown.
            return;
        }
        if self.tried > 0 && run > self.last + 1 {
            self.spans.push((self.last + 1, None));
        }
        if self.spans.last().is_none_or(|(_, known)| *known != Some(end)) {
            self.spans.push((run, Some(end)));
        }
        if let Some(now) = now
            && now != end
        {
            (self.changes, self.before, self.since) = (self.changes + 1, Some(now), run);
        }
        self.tried += 1;
        self.passed += u32::from(end == End::Passed);
        (self.last, self.case) = (run, outcome.case);
    }

    /// Returns how it ended when it was tried last; nothing before it was tried.
    fn now(&self) -> Option<End> {
        self.spans.iter().rev().find_map(|(_, end)| *end)
    }

    /// Returns what became of it.
    pub fn became(&self) -> Became {
        match (self.before, self.now()) {
            (Some(before), Some(now)) if now < before => Became::Worse,
            (Some(_), _) => Became::Better,
            (None, Some(End::Passed)) => Became::AlwaysPassed,
            (None, _) => Became::NeverPassed,
        }
    }

    /// Returns whether it passes and fails by turns.
    pub fn is_unsteady(&self) -> bool {
        self.changes >= UNSTEADY
    }

    /// Returns how it ended in each of `runs` runs, in at most so many groups of neighbors that are of the same size but for the last one: the
    /// worst end of a group, and nothing where it was not tried in any.
    pub fn groups(&self, runs: u32, most: u32) -> Vec<Option<End>> {
        let size = group_size(runs, most);
        let mut groups = vec![None; runs.div_ceil(size) as usize];
        let ends = self.spans.iter().skip(1).map(|(from, _)| *from).chain([self.last + 1]);
        for ((from, end), until) in self.spans.iter().zip(ends) {
            let Some(end) = end else { continue };
            for group in from / size..=until.saturating_sub(1) / size {
                let Some(group) = groups.get_mut(group as usize) else { break };
                *group = Some(group.map_or(*end, |known: End| known.min(*end)));
            }
        }
        groups
    }
}

/// Returns how many runs are in a group, if there are at most so many groups.
pub fn group_size(runs: u32, most: u32) -> u32 {
    runs.div_ceil(most.max(1)).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::tests::figures;

    /// Runs of one input, each by how many of two cases passed; nothing where it was not tried.
    fn history(ends: &[Option<u16>]) -> Option<InputHistory> {
        let mut histories = Histories::default();
        for (run, passed) in (10..).zip(ends) {
            histories.add(passed.map(|passed| Outcomes(vec![Outcome { key: 7, passed, of: 2, case: run }])).as_ref());
        }
        histories.finish().pop()
    }

    #[test]
    fn what_got_worse_last_stands_first() {
        let outcome = |key, passed| Outcome { key, passed, of: 1, case: 0 };
        let runs: [&[(u64, u16)]; 4] = [
            &[(1, 1), (2, 1), (3, 0), (4, 1), (5, 0)],
            &[(1, 0), (2, 1), (3, 1), (4, 1), (5, 0)],
            &[(1, 0), (2, 1), (3, 1), (4, 1), (5, 0)],
            &[(1, 0), (2, 0), (3, 1), (4, 1)],
        ];
        let mut histories = Histories::default();
        for run in runs {
            histories.add(Some(&Outcomes(run.iter().map(|(key, passed)| outcome(*key, *passed)).collect())));
        }
        let found: Vec<_> = histories.finish().iter().map(|input| (input.key, input.became(), input.since)).collect();
        assert_eq!(
            found,
            [
                (2, Became::Worse, 3),
                (1, Became::Worse, 1),
                (3, Became::Better, 1),
                (5, Became::NeverPassed, 0),
                (4, Became::AlwaysPassed, 0),
            ]
        );
    }

    #[test]
    fn where_it_was_not_tried_nothing_is_said() {
        let input = history(&[None, Some(2), None, None, Some(2), Some(1), None]).unwrap();
        assert_eq!((input.tried, input.passed, input.changes, input.last, input.since, input.case), (3, 2, 1, 5, 5, 15));
        let (passed, some) = (Some(End::Passed), Some(End::Some));
        assert_eq!(input.groups(7, 7), [None, passed, None, None, passed, some, None]);
        assert_eq!(input.groups(7, 4), [passed, None, some, None], "the worst of two");
        assert_eq!(history(&[None, None]), None);
    }

    #[test]
    fn a_case_that_did_not_pass_is_the_one_to_look_at() {
        let run = figures(&[
            ("item-1", Some("1"), 0, "a", "passed", "x"),
            ("item-1#2", Some("1"), 1, "a", "failed", "x"),
            ("item-2", Some("2"), 0, "b", "passed", "x"),
            ("item-3", Some("3"), 0, "c", "skipped", "x"),
        ]);
        let outcomes = Outcomes::of(&run.inputs, |_, iteration| Some(i64::from(iteration)));
        let mut found: Vec<_> = outcomes.iter().map(|outcome| (outcome.passed, outcome.of, outcome.case)).collect();
        found.sort_unstable();
        assert_eq!(found, [(1, 1, 0), (1, 2, 1)], "what was skipped did not end");
    }

    #[test]
    fn bytes_of_another_form_are_refused() {
        let bytes = Outcomes(vec![Outcome { key: 1, passed: 1, of: 2, case: 3 }]).to_bytes();
        assert!(Outcomes::of_bytes(&bytes).is_some());
        assert_eq!(Outcomes::of_bytes(&[]), None);
        assert_eq!(Outcomes::of_bytes(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Outcomes::of_bytes(&[&[FORM + 1], &bytes[1..]].concat()), None);
        let nothing_tried = Outcomes(vec![Outcome { key: 1, passed: 0, of: 0, case: 3 }]).to_bytes();
        assert_eq!(Outcomes::of_bytes(&nothing_tried), None);
    }

    proptest! {
        #[test]
        fn what_is_kept_comes_back(kept in prop::collection::vec((any::<u64>(), any::<u16>(), 1_u16.., any::<i64>()), 0..20)) {
            let outcomes = kept.into_iter().map(|(key, passed, of, case)| Outcome { key, passed: passed.min(of), of, case });
            let outcomes = Outcomes(outcomes.collect());
            prop_assert_eq!(Outcomes::of_bytes(&outcomes.to_bytes()), Some(outcomes));
        }

        /// The spans say what each run said, and the sums are those of a simple count.
        #[test]
        fn a_history_is_the_list_of_its_runs(ends in prop::collection::vec(prop::option::of(0_u16..=2), 1..60), most in 1_u32..80) {
            let end = |passed: &u16| Outcome { key: 7, passed: *passed, of: 2, case: 0 }.end();
            let all: Vec<Option<End>> = ends.iter().map(|passed| passed.as_ref().map(end)).collect();
            let tried: Vec<End> = all.iter().flatten().copied().collect();
            let runs = ends.len() as u32;
            let Some(input) = history(&ends) else {
                prop_assert!(tried.is_empty());
                return Ok(());
            };
            prop_assert_eq!(input.groups(runs, runs), all.clone());
            prop_assert_eq!(input.tried as usize, tried.len());
            prop_assert_eq!(input.passed as usize, tried.iter().filter(|end| **end == End::Passed).count());
            prop_assert_eq!(input.changes as usize, tried.windows(2).filter(|pair| pair[0] != pair[1]).count());
            let groups = input.groups(runs, most);
            prop_assert!(groups.len() <= most as usize);
            for (group, ends) in groups.iter().zip(all.chunks(group_size(runs, most) as usize)) {
                prop_assert_eq!(*group, ends.iter().flatten().min().copied());
            }
        }
    }
}
