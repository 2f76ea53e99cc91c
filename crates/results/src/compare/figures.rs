//! What is known of the cases of a run without their texts: enough to compare 100,000 of them in memory.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use crate::case::{self, Finished, input_name};
use crate::status::Status;
use crate::totals::Totals;
use crate::usage::Usage;

/// What tells an input from all others: the platform's item where there is one, and what is asked. An input whose question was
/// edited is another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputKey(u128);

/// One run of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// Counted from 0.
    pub iteration: u32,
    /// How it ended.
    pub status: Status,
    /// The digest of what was answered; 0 where there is no answer.
    pub answer: u64,
}

/// An input and how its runs ended.
#[derive(Debug, Clone, PartialEq)]
pub struct InputFigures {
    /// What tells it from all others.
    pub key: InputKey,
    /// The name of its case in the first iteration.
    pub name: String,
    /// Its runs, in the order of their iterations.
    pub runs: Vec<Once>,
    /// What a run cost on average in US dollars, if all of them say so.
    pub cost_usd: Option<f64>,
}

/// The figures of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// The inputs, in the order in which people sort names.
    pub inputs: Vec<InputFigures>,
    places: HashMap<InputKey, usize>,
    /// The durations of cases that were answered or timed out, in milliseconds, sorted.
    pub durations: Vec<f64>,
    /// How many cases ended how, and what they used.
    pub totals: Totals,
    /// How many lines could not be read.
    pub unreadable: u64,
}

impl InputKey {
    /// Returns the key of what was asked in a case.
    pub fn of(finished: &Finished) -> Self {
        let who = finished.item_id.as_deref().or(finished.persona.as_deref()).unwrap_or_default();
        let kind = if finished.item_id.is_some() { "item" } else { "persona" };
        Self::digest(&[kind.as_bytes(), who.as_bytes(), finished.input.as_bytes()])
    }

    /// Returns the key for another input that is the same in everything.
    fn again(self) -> Self {
        Self::digest(&[b"again", &self.0.to_be_bytes()])
    }

    fn digest(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(u128::from_be_bytes(first(&hash.finalize())))
    }

    /// Returns half of the key, which tells the inputs of some runs apart.
    pub fn half(self) -> u64 {
        self.0 as u64
    }

    /// Returns the key as text.
    pub fn to_hex(self) -> String {
        format!("{:032x}", self.0)
    }

    /// Returns the key of such a text.
    pub fn from_hex(text: &str) -> Option<Self> {
        (text.len() == 32).then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

/// Where a case belongs: its input's key and its iteration.
pub type CaseKey = (InputKey, u32);

/// Gives each case of a run its key: always the same ones for the same cases, and no two the same.
#[derive(Debug, Default)]
pub struct Keys {
    /// Half of each key with its iteration: should two ever be equal by chance, one case is not paired.
    seen: HashSet<u64>,
}

impl Keys {
    /// Returns the key of the next case.
    pub fn of(&mut self, finished: &Finished) -> CaseKey {
        let iteration = finished.iteration;
        let mut key = InputKey::of(finished);
        while !self.seen.insert(key.half().wrapping_add(u64::from(iteration))) {
            key = key.again();
        }
        (key, iteration)
    }
}

/// Collects figures, case by case.
#[derive(Debug, Default)]
pub struct Collector {
    figures: Figures,
    keys: Keys,
    /// The cost of each input, and of how many runs.
    costs: Vec<(f64, usize)>,
}

impl Collector {
    /// Adds a case, and returns its key.
    pub fn add(&mut self, finished: &Finished) -> CaseKey {
        let figures = &mut self.figures;
        figures.totals.planned += 1;
        figures.totals.add(finished);
        let (key, iteration) = self.keys.of(finished);
        let place = *figures.places.entry(key).or_insert_with(|| {
            let name = input_name(finished).to_owned();
            figures.inputs.push(InputFigures { key, name, runs: Vec::with_capacity(1), cost_usd: None });
            self.costs.push((0.0, 0));
            figures.inputs.len() - 1
        });
        let answer = finished.output.as_deref().map_or(0, |output| u64::from_be_bytes(first(&Sha256::digest(output))));
        figures.inputs[place].runs.push(Once { iteration, status: finished.status, answer });
        if matches!(finished.status, Status::Passed | Status::Failed | Status::Timeout | Status::NotJudged) {
            figures.durations.push(finished.duration_ms.max(0.0));
        }
        if let Some(cost) = finished.token_usage.as_ref().and_then(|usage| Usage::of(usage).cost) {
            self.costs[place].0 += cost;
            self.costs[place].1 += 1;
        }
        (key, iteration)
    }

    /// Returns the figures of all cases that were added.
    pub fn finish(self) -> Figures {
        let Self { mut figures, keys, costs } = self;
        drop(keys);
        for (input, (cost, runs)) in figures.inputs.iter_mut().zip(costs) {
            input.cost_usd = (runs > 0 && runs == input.runs.len()).then(|| cost / runs as f64);
            input.runs.sort_by_key(|once| once.iteration);
        }
        figures.durations.sort_by(f64::total_cmp);
        let inputs = std::mem::take(&mut figures.inputs);
        Figures::new(inputs, figures)
    }
}

impl Figures {
    /// Returns figures with these inputs, and with all else from others.
    pub fn new(mut inputs: Vec<InputFigures>, others: Self) -> Self {
        inputs.sort_by(|left, right| parts(&left.name).cmp(parts(&right.name)).then(left.key.cmp(&right.key)));
        let places = inputs.iter().enumerate().map(|(place, input)| (input.key, place)).collect();
        Self { inputs, places, ..others }
    }

    /// Returns an input.
    pub fn get(&self, key: InputKey) -> Option<&InputFigures> {
        self.inputs.get(*self.places.get(&key)?)
    }
}

impl InputFigures {
    /// Returns the run of an iteration.
    pub fn once(&self, iteration: u32) -> Option<&Once> {
        self.runs.binary_search_by_key(&iteration, |once| once.iteration).ok().map(|place| &self.runs[place])
    }

    /// Returns the name of the case of an iteration.
    pub fn case(&self, iteration: u32) -> String {
        case::name(&self.name, iteration)
    }
}

/// Returns the parts of a name, with numbers as numbers: `item-2` comes before `item-10`.
fn parts(name: &str) -> impl Iterator<Item = (u64, &str)> {
    let mut rest = name;
    std::iter::from_fn(move || {
        let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        let text = rest[digits..].find(|character: char| character.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let part = (rest[..digits].parse().unwrap_or(0), &rest[digits..text]);
        let is_over = rest.is_empty();
        rest = &rest[text..];
        (!is_over).then_some(part)
    })
}

fn first<const COUNT: usize>(bytes: &[u8]) -> [u8; COUNT] {
    std::array::from_fn(|at| bytes.get(at).copied().unwrap_or_default())
}
