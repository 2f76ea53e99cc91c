//! Which inputs are run, how often and in which order.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use keepstep_base::random::Random;
use keepstep_results::case::name;

use crate::input::{CaseInput, Input, InputList};

/// One input in one iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name, which is the same in every run of the same inputs.
    pub name: String,
    /// Its position before anything was selected.
    pub index: usize,
    /// The input.
    pub input: Input,
    /// Counted from 0.
    pub iteration: u32,
}

/// Which part of the cases this run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
}

/// What to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only the first input, once.
    pub smoke: bool,
    /// How often each input is run.
    pub iterations: u32,
    /// Only cases with this in their name, text or persona.
    pub filter: Option<String>,
    /// Only this part.
    pub shard: Option<Shard>,
    /// Shuffles the order.
    pub seed: Option<u64>,
    /// Only the cases of these names.
    pub only: Option<BTreeSet<String>>,
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("invalid shard {text:?}: write I/N, for example 1/4")),
        }
    }
}

/// The cases of a run, in the order in which they start. Each is made when its turn comes: a number is all that is kept of it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    inputs: Arc<InputList>,
    /// The ids that several inputs share.
    shared: HashSet<Box<str>>,
    /// The positions before anything was selected.
    order: Vec<usize>,
}

impl Plan {
    /// Returns the cases that are selected of these inputs.
    pub fn new(inputs: Arc<InputList>, selection: &Selection) -> Self {
        let (count, iterations) =
            if selection.smoke { (inputs.len().min(1), 1) } else { (inputs.len(), selection.iterations as usize) };
        let shared = shared(&inputs, count);
        let mut plan = Self { inputs, shared, order: (0..count * iterations).collect() };
        if let Some(wanted) = selection.filter.as_ref().map(|filter| filter.to_lowercase()) {
            let mut order = std::mem::take(&mut plan.order);
            order.retain(|index| plan.matches(*index, &wanted));
            plan.order = order;
        }
        if let Some(only) = &selection.only {
            let mut order = std::mem::take(&mut plan.order);
            order.retain(|index| {
                plan.input_text(*index).is_some_and(|spoken| only.contains(&plan.name(*index, spoken.item_id.as_deref())))
            });
            plan.order = order;
        }
        if let Some(seed) = selection.seed {
            shuffle(&mut plan.order, seed);
        }
        if let Some(shard) = selection.shard {
            let mut position = 0;
            plan.order.retain(|_| {
                position += 1;
                (position - 1) % shard.of == shard.number - 1
            });
        }
        plan
    }

    /// Returns how many cases there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Returns true if there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Returns the names of the cases, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::with_capacity(self.len());
        self.each(|name, _| names.push(name.to_owned()));
        names
    }

    /// Gives the name and the text of each case to a function, in order.
    pub(crate) fn each(&self, mut give: impl FnMut(&str, &str)) {
        for index in &self.order {
            if let Some(spoken) = self.input_text(*index) {
                give(&self.name(*index, spoken.item_id.as_deref()), &spoken.text);
            }
        }
    }

    /// Returns the place of an input and the iteration that a position stands for. In a smoke test both are 0.
    fn place(&self, index: usize) -> (usize, u32) {
        let count = self.inputs.len().max(1);
        (index % count, u32::try_from(index / count).unwrap_or(u32::MAX))
    }

    fn input_text(&self, index: usize) -> Option<CaseInput<'_>> {
        self.inputs.input_text(self.place(index).0)
    }

    fn name(&self, index: usize, id: Option<&str>) -> String {
        let (place, iteration) = self.place(index);
        let input = match id {
            Some(id) if self.shared.contains(id) => Cow::from(format!("{id}@{}", place + 1)),
            Some(id) => Cow::from(id),
            None => Cow::from(format!("input-{}", place + 1)),
        };
        name(&input, iteration)
    }

    fn matches(&self, index: usize, wanted: &str) -> bool {
        let Some(case) = self.case(index) else { return false };
        let has = |text: &str| text.to_lowercase().contains(wanted);
        has(&case.name) || has(&case.input.text) || case.input.persona.as_deref().is_some_and(has)
    }

    fn case(&self, index: usize) -> Option<Case> {
        let (place, iteration) = self.place(index);
        let input = self.inputs.get(place)?;
        let name = self.name(index, input.item_id.as_deref());
        Some(Case { name, index, input, iteration })
    }
}

impl IntoIterator for Plan {
    type Item = Case;
    type IntoIter = Cases;

    fn into_iter(mut self) -> Cases {
        let order = std::mem::take(&mut self.order);
        Cases { plan: self, order: order.into_iter() }
    }
}

/// The cases of a run, one after the other.
#[derive(Debug)]
pub struct Cases {
    plan: Plan,
    order: std::vec::IntoIter<usize>,
}

impl Iterator for Cases {
    type Item = Case;

    fn next(&mut self) -> Option<Case> {
        self.plan.case(self.order.next()?)
    }
}

/// Returns the ids that more than one of the first inputs have.
fn shared(inputs: &InputList, count: usize) -> HashSet<Box<str>> {
    let mut seen: HashSet<Box<str>> = HashSet::new();
    let ids = (0..count).filter_map(|place| inputs.input_text(place)?.item_id.map(Box::from));
    ids.filter_map(|id: Box<str>| seen.replace(id)).collect()
}

/// Shuffles in the same way for the same seed, on every machine and in every version.
fn shuffle(cases: &mut [usize], seed: u64) {
    let mut random = Random::new(seed);
    for last in (1..cases.len()).rev() {
        let other = usize::try_from(random.next_number() % (last as u64 + 1)).unwrap_or(0);
        cases.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inputs(ids: &[Option<&str>]) -> Arc<InputList> {
        let input = |(position, id): (usize, &Option<&str>)| Input {
            text: format!("Text {position}"),
            metadata: serde_json::Map::new(),
            item_id: id.map(str::to_owned),
            persona: (position == 0).then(|| "novice".to_owned()),
            persona_id: None,
        };
        Arc::new(ids.iter().enumerate().map(input).collect())
    }

    fn names_of(inputs: &Arc<InputList>, selection: &Selection) -> Vec<String> {
        let plan = Plan::new(Arc::clone(inputs), selection);
        let mut told = Vec::new();
        plan.each(|name, _| told.push(name.to_owned()));
        assert_eq!((plan.len(), plan.is_empty()), (told.len(), told.is_empty()));
        let names: Vec<String> = plan.into_iter().map(|case| case.name).collect();
        assert_eq!(names, told);
        names
    }

    #[test]
    fn cases_have_names_that_stay() {
        let inputs = inputs(&[Some("a"), None, Some("b"), Some("b")]);
        let twice = Selection { iterations: 2, ..Selection::default() };
        assert_eq!(names_of(&inputs, &twice), ["a", "input-2", "b@3", "b@4", "a#2", "input-2#2", "b@3#2", "b@4#2"]);
        let numbers: Vec<_> =
            Plan::new(Arc::clone(&inputs), &twice).into_iter().map(|case| (case.index, case.iteration)).collect();
        assert_eq!(numbers[3..6], [(3, 0), (4, 1), (5, 1)]);
        assert_eq!(names_of(&inputs, &Selection { smoke: true, ..twice }), ["a"]);
        let filter = |text: &str| Selection { iterations: 1, filter: Some(text.to_owned()), ..Selection::default() };
        assert_eq!(names_of(&inputs, &filter("NOVICE")), ["a"]);
        assert_eq!(names_of(&inputs, &filter("text 3")), ["b@4"]);
        assert!(names_of(&inputs, &filter("nothing")).is_empty());
        let only = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        let some = Selection { only: only(&["b@4#2", "input-2", "gone"]), iterations: 2, ..Selection::default() };
        assert_eq!(names_of(&inputs, &some), ["input-2", "b@4#2"]);
        assert!(names_of(&self::inputs(&[]), &Selection { smoke: true, ..Selection::default() }).is_empty());
    }

    #[test]
    fn shards_are_written_as_fractions() {
        assert_eq!("2/3".parse(), Ok(Shard { number: 2, of: 3 }));
        for text in ["", "0/3", "4/3", "1", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn shards_are_a_partition_in_any_order(count in 0usize..40, of in 1usize..6, seed in proptest::option::of(any::<u64>())) {
            let inputs = inputs(&vec![None; count]);
            let all = Plan::new(Arc::clone(&inputs), &Selection { iterations: 2, seed, ..Selection::default() });
            let mut seen = BTreeSet::new();
            for number in 1..=of {
                let shard = Some(Shard { number, of });
                for name in names_of(&inputs, &Selection { iterations: 2, seed, shard, ..Selection::default() }) {
                    prop_assert!(seen.insert(name), "no case is run twice");
                }
            }
            prop_assert_eq!(seen.len(), all.len());
            prop_assert_eq!(all.len(), count * 2);
        }
    }
}
