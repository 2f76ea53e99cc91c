//! Two runs, input by input: the repeats of an input stand together, as a person reads them.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::figures::{CaseKey, Figures, InputFigures, InputKey};
use super::{Change, Comparison, ran};
use crate::status::Status;

/// In which way an input is not the same. What a person should see first stands first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InputChange {
    /// More of its cases passed before.
    Worse,
    /// As many passed, and others; or what did not pass ended in another way.
    Otherwise,
    /// More of its cases pass now.
    Better,
    /// Its cases ended as before, with another answer.
    Answer,
    /// It is in the newer run only.
    New,
    /// It is in the older run only.
    Gone,
    /// Everything is as it was.
    Same,
}

/// How the cases of an input ended in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tried {
    /// How many passed.
    pub passed: u64,
    /// Of how many.
    pub of: u64,
    /// How it ended, where it was tried once.
    pub status: Option<Status>,
}

/// An input in both runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparedInput {
    /// Its key.
    pub key: InputKey,
    /// Its name, in the newer run where it is in both.
    pub name: String,
    /// What is not the same.
    pub change: InputChange,
    /// How it ended before; nothing where it was not tried.
    pub before: Option<Tried>,
    /// How it ended now.
    pub after: Option<Tried>,
    /// The case to look at: the first that is not the same, of the kind that counts.
    pub case: CaseKey,
}

impl Tried {
    /// Returns how an input ended in a run; nothing where it was not tried to the end.
    pub fn of(input: &InputFigures) -> Option<Self> {
        let tried: Vec<Status> = input.runs.iter().filter(|once| ran(once)).map(|once| once.status).collect();
        let passed = tried.iter().filter(|status| **status == Status::Passed).count() as u64;
        let status = if let [status] = tried[..] { Some(status) } else { None };
        (!tried.is_empty()).then_some(Self { passed, of: tried.len() as u64, status })
    }

    fn rate(&self) -> f64 {
        self.passed as f64 / self.of as f64
    }
}

/// Returns the inputs of two runs, what got worse first, and of that the largest drop.
pub fn by_input(before: &Figures, after: &Figures, comparison: &Comparison) -> Vec<ComparedInput> {
    let mut changes: HashMap<InputKey, Changes<'_>> = HashMap::new();
    let lists = [
        (&comparison.worse, Kind::Worse),
        (&comparison.better, Kind::Better),
        (&comparison.otherwise, Kind::Otherwise),
        (&comparison.answers, Kind::Answer),
        (&comparison.new, Kind::New),
        (&comparison.gone, Kind::Gone),
    ];
    for (list, kind) in lists {
        for change in list {
            changes.entry(change.key.0).or_default().add(kind, change);
        }
    }
    let newer = after.inputs.iter().map(|input| (input, before.get(input.key), Some(input)));
    let gone = before.inputs.iter().filter(|input| after.get(input.key).is_none()).map(|input| (input, Some(input), None));
    let mut inputs: Vec<ComparedInput> = newer
        .chain(gone)
        .filter_map(|(input, old, new)| {
            let (before, after) = (old.and_then(Tried::of), new.and_then(Tried::of));
            if before.is_none() && after.is_none() {
                return None;
            }
            let found = changes.get(&input.key).map(Changes::change);
            let (mut change, case) = found.unwrap_or((InputChange::Same, (input.key, input.runs.first()?.iteration)));
            // Only repeats are new or gone of what was tried in both.
            if let (InputChange::New | InputChange::Gone, Some(old), Some(new)) = (change, before, after) {
                change = match new.rate().total_cmp(&old.rate()) {
                    Ordering::Less => InputChange::Worse,
                    Ordering::Greater => InputChange::Better,
                    Ordering::Equal => InputChange::Same,
                };
            }
            Some(ComparedInput { key: input.key, name: input.name.clone(), change, before, after, case })
        })
        .collect();
    let drop = |input: &ComparedInput| match (input.before, input.after) {
        (Some(before), Some(after)) => after.rate() - before.rate(),
        _ => 0.0,
    };
    // The sort is stable: the order of names stays where nothing else tells.
    inputs.sort_by(|one, other| one.change.cmp(&other.change).then(drop(one).total_cmp(&drop(other))));
    inputs
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Worse,
    Better,
    Otherwise,
    Answer,
    New,
    Gone,
}

/// What changed of an input.
#[derive(Default)]
struct Changes<'a> {
    counts: [u64; 6],
    first: [Option<&'a Change>; 6],
}

impl<'a> Changes<'a> {
    fn add(&mut self, kind: Kind, change: &'a Change) {
        self.counts[kind as usize] += 1;
        self.first[kind as usize].get_or_insert(change);
    }

    fn change(&self) -> (InputChange, CaseKey) {
        let count = |kind: Kind| self.counts[kind as usize];
        let (worse, better) = (count(Kind::Worse), count(Kind::Better));
        let (change, kind) = if worse > better {
            (InputChange::Worse, Kind::Worse)
        } else if better > worse {
            (InputChange::Better, Kind::Better)
        } else if worse > 0 {
            (InputChange::Otherwise, Kind::Worse)
        } else if count(Kind::Otherwise) > 0 {
            (InputChange::Otherwise, Kind::Otherwise)
        } else if count(Kind::Answer) > 0 {
            (InputChange::Answer, Kind::Answer)
        } else if count(Kind::New) > 0 {
            (InputChange::New, Kind::New)
        } else {
            (InputChange::Gone, Kind::Gone)
        };
        let key = self.first[kind as usize].map(|change| change.key);
        (change, key.unwrap_or((InputKey::default(), 0)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::figures;
    use super::*;

    fn shown(before: &Figures, after: &Figures) -> Vec<String> {
        let tried = |tried: Option<Tried>| tried.map_or_else(|| "-".to_owned(), |tried| format!("{}/{}", tried.passed, tried.of));
        let shown = |input: ComparedInput| {
            let iteration = input.case.1;
            format!("{} {:?} {} {} #{iteration}", input.name, input.change, tried(input.before), tried(input.after))
        };
        by_input(before, after, &Comparison::of(before, after)).into_iter().map(shown).collect()
    }

    #[test]
    fn repeats_of_an_input_stand_together_and_what_got_worse_stands_first() {
        let repeated = |name: &'static str, statuses: [&'static str; 3]| {
            (0..).zip(statuses).map(move |(iteration, status)| (name, Some(name), iteration, "q", status, "x"))
        };
        let before: Vec<_> = repeated("a", ["passed", "passed", "passed"])
            .chain(repeated("b", ["passed", "passed", "failed"]))
            .chain(repeated("c", ["failed", "failed", "passed"]))
            .chain(repeated("d", ["passed", "failed", "passed"]))
            .chain(repeated("e", ["passed", "skipped", "skipped"]))
            .chain(repeated("f", ["failed", "failed", "failed"]))
            .collect();
        let after: Vec<_> = repeated("a", ["passed", "failed", "passed"])
            .chain(repeated("b", ["failed", "failed", "failed"]))
            .chain(repeated("c", ["failed", "passed", "passed"]))
            .chain(repeated("d", ["failed", "passed", "passed"]))
            .chain(repeated("e", ["passed", "skipped", "skipped"]))
            .chain(repeated("g", ["passed", "passed", "passed"]))
            .collect();
        assert_eq!(
            shown(&figures(&before), &figures(&after)),
            [
                "b Worse 2/3 0/3 #0",
                "a Worse 3/3 2/3 #1",
                "d Otherwise 2/3 2/3 #0",
                "c Better 1/3 2/3 #1",
                "g New - 3/3 #0",
                "f Gone 0/3 - #0",
                "e Same 1/1 1/1 #0",
            ]
        );
    }

    #[test]
    fn an_input_of_both_is_neither_new_nor_gone() {
        let repeated = |name: &'static str, statuses: &'static [&'static str]| {
            (0..).zip(statuses).map(move |(iteration, status)| (name, Some(name), iteration, "q", *status, "x"))
        };
        let before: Vec<_> = repeated("a", &["passed"])
            .chain(repeated("b", &["passed", "passed", "failed"]))
            .chain(repeated("c", &["failed"]))
            .chain(repeated("d", &["passed", "passed"]))
            .collect();
        let after: Vec<_> = repeated("a", &["passed", "failed"])
            .chain(repeated("b", &["passed", "passed"]))
            .chain(repeated("c", &["failed", "failed"]))
            .chain(repeated("d", &["passed"]))
            .collect();
        assert_eq!(
            shown(&figures(&before), &figures(&after)),
            ["a Worse 1/1 1/2 #1", "b Better 2/3 2/2 #2", "c Same 0/1 0/2 #1", "d Same 2/2 1/1 #1"]
        );
    }

    #[test]
    fn what_was_not_tried_is_not_there() {
        let none = figures(&[("a", Some("a"), 0, "q", "skipped", "x")]);
        assert!(shown(&none, &none).is_empty());
        let once = figures(&[("a", Some("a"), 0, "q", "timeout", "x")]);
        let input = by_input(&none, &once, &Comparison::of(&none, &once)).remove(0);
        assert_eq!(
            (input.change, input.before, input.after.and_then(|tried| tried.status)),
            (InputChange::New, None, Some(Status::Timeout))
        );
    }
}
