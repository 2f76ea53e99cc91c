//! Which inputs are run, how often and in which order.

use std::collections::HashMap;
use std::sync::Arc;

use keepstep_core::random::Random;

use crate::input::Input;

/// One input in one iteration.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its name, which is the same in every run of the same inputs.
    pub name: String,
    /// Its position before anything was selected.
    pub index: usize,
    /// The input.
    pub input: Arc<Input>,
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
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parts {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("{text:?} is no part of a whole; write 1/4 for the first of four")),
        }
    }
}

/// Returns the cases of a run, in the order in which they start.
pub fn plan(inputs: &[Arc<Input>], selection: &Selection) -> Vec<Case> {
    let (inputs, iterations) = if selection.smoke { (&inputs[..inputs.len().min(1)], 1) } else { (inputs, selection.iterations) };
    let names = names(inputs);
    let wanted = selection.filter.as_ref().map(|filter| filter.to_lowercase());
    let mut cases = Vec::new();
    for iteration in 0..iterations {
        for (position, (input, name)) in inputs.iter().zip(&names).enumerate() {
            let name = self::name(name, iteration);
            let index = iteration as usize * inputs.len() + position;
            let case = Case { name, index, input: Arc::clone(input), iteration };
            if wanted.as_ref().is_none_or(|wanted| matches(&case, wanted)) {
                cases.push(case);
            }
        }
    }
    if let Some(seed) = selection.seed {
        shuffle(&mut cases, seed);
    }
    if let Some(shard) = selection.shard {
        let mut position = 0;
        cases.retain(|_| {
            position += 1;
            (position - 1) % shard.of == shard.number - 1
        });
    }
    cases
}

/// Returns the name of a case: that of its input, and from the second iteration on its number.
pub fn name(input: &str, iteration: u32) -> String {
    if iteration == 0 { input.to_owned() } else { format!("{input}#{}", iteration + 1) }
}

/// Returns a name for each input: the platform's id, or its position where it has none or shares it.
fn names(inputs: &[Arc<Input>]) -> Vec<String> {
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for id in inputs.iter().filter_map(|input| input.item_id.as_deref()) {
        *uses.entry(id).or_default() += 1;
    }
    let name = |(position, input): (usize, &Arc<Input>)| match input.item_id.as_deref() {
        Some(id) if uses.get(id) == Some(&1) => id.to_owned(),
        Some(id) => format!("{id}@{}", position + 1),
        None => format!("input-{}", position + 1),
    };
    inputs.iter().enumerate().map(name).collect()
}

fn matches(case: &Case, wanted: &str) -> bool {
    let has = |text: &str| text.to_lowercase().contains(wanted);
    has(&case.name) || has(&case.input.text) || case.input.persona.as_deref().is_some_and(has)
}

/// Shuffles in the same way for the same seed, on every machine and in every version.
fn shuffle(cases: &mut [Case], seed: u64) {
    let mut random = Random::new(seed);
    for last in (1..cases.len()).rev() {
        let other = usize::try_from(random.next_number() % (last as u64 + 1)).unwrap_or(0);
        cases.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn inputs(ids: &[Option<&str>]) -> Vec<Arc<Input>> {
        let input = |(position, id): (usize, &Option<&str>)| {
            Arc::new(Input {
                text: format!("Text {position}"),
                metadata: serde_json::Map::new(),
                item_id: id.map(str::to_owned),
                persona: (position == 0).then(|| "novice".to_owned()),
                persona_id: None,
            })
        };
        ids.iter().enumerate().map(input).collect()
    }

    fn names_of(cases: &[Case]) -> Vec<&str> {
        cases.iter().map(|case| case.name.as_str()).collect()
    }

    #[test]
    fn cases_have_names_that_stay() {
        let inputs = inputs(&[Some("a"), None, Some("b"), Some("b")]);
        let cases = plan(&inputs, &Selection { iterations: 2, ..Selection::default() });
        assert_eq!(names_of(&cases), ["a", "input-2", "b@3", "b@4", "a#2", "input-2#2", "b@3#2", "b@4#2"]);
        let smoke = plan(&inputs, &Selection { iterations: 2, smoke: true, ..Selection::default() });
        assert_eq!(names_of(&smoke), ["a"]);
        let filter = |text: &str| Selection { iterations: 1, filter: Some(text.to_owned()), ..Selection::default() };
        assert_eq!(names_of(&plan(&inputs, &filter("NOVICE"))), ["a"]);
        assert_eq!(names_of(&plan(&inputs, &filter("text 3"))), ["b@4"]);
        assert!(plan(&inputs, &filter("nothing")).is_empty());
        assert!(plan(&[], &Selection { smoke: true, ..Selection::default() }).is_empty());
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
            let all = plan(&inputs, &Selection { iterations: 2, seed, ..Selection::default() });
            let mut seen = BTreeSet::new();
            for number in 1..=of {
                let shard = Some(Shard { number, of });
                for case in plan(&inputs, &Selection { iterations: 2, seed, shard, ..Selection::default() }) {
                    prop_assert!(seen.insert(case.name), "no case is run twice");
                }
            }
            prop_assert_eq!(seen.len(), all.len());
            prop_assert_eq!(all.len(), count * 2);
        }
    }
}
