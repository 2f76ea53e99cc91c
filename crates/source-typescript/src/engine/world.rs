//! What a value may depend on besides the code: the machine, the moment and chance.
//!
//! The engine notes what the code asks of them, and runs the code again where something was asked: with another clock, other
//! random numbers, another time zone, another language. A value that stays the same does not depend on it. One that differs is
//! not a value of the code: it changes by itself, or is another one on other machines.

use std::collections::{BTreeMap, BTreeSet};

use super::interface::{Captured, CapturedAgent, CapturedValue, Dependence, Failure, Machine, Reliance, Request};

/// All of them, each with the name that `builtins.js` has for it and how many other worlds there are to try.
const ALL: [(Dependence, &str, u32); 10] = [
    (Dependence::Clock, "clock", 5),
    (Dependence::Chance, "random", 6),
    (Dependence::Zone, "zone", 2),
    (Dependence::Language, "language", 7),
    (Dependence::Platform, "platform", 2),
    (Dependence::Environment, "environment", 2),
    (Dependence::Names, "names", 1),
    (Dependence::Process, "process", 1),
    (Dependence::Words, "words", 1),
    (Dependence::Package, PACKAGE, PACKAGE_WORLDS),
];

/// What `prelude.js` calls a stand-in that decides something.
const PACKAGE: &str = "package";

/// How many other answers of a stand-in are tried.
const PACKAGE_WORLDS: u32 = 5;

/// The world that the code is run in: as it is, or with one thing otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) kind: &'static str,
    pub(super) number: u32,
    /// Packages are run not only where a text depends on them, but also where a condition does.
    pub(super) runs_deciding: bool,
}

impl Variant {
    /// The world as it is.
    pub(super) const AS_IT_IS: Self = Self { kind: "", number: 0, runs_deciding: false };
}

/// Runs the code in the world as it is, and in others where that may matter.
pub(super) fn evaluate(request: &Request<'_>, run: impl Fn(Variant) -> Result<Captured, Failure>) -> Result<Captured, Failure> {
    let mut world = Variant::AS_IT_IS;
    let mut captured = run(world)?;
    let mut answers = (1..=PACKAGE_WORLDS).map(|number| run(Variant { kind: PACKAGE, number, ..world }));
    if captured.touches.iter().any(|touch| touch.kind == PACKAGE) && answers.any(|other| decides(&captured, other)) {
        let asked = Variant { runs_deciding: true, ..world };
        // A package that cannot be run stays a stand-in, and what it decides is found below.
        if let Ok(of_packages) = run(asked) {
            (world, captured) = (asked, of_packages);
        }
    }
    let touches = std::mem::take(&mut captured.touches);
    let original: Vec<BTreeMap<String, CapturedValue>> = captured.agents.iter().map(|agent| agent.values.clone()).collect();
    for touch in touches {
        let Some((on, kind, count)) = ALL.into_iter().find(|(_, kind, _)| *kind == touch.kind) else { continue };
        let mut differing: Vec<BTreeSet<String>> = vec![BTreeSet::new(); original.len()];
        for number in 1..=count {
            let other = run(Variant { kind, number, ..world });
            let is_over = other.is_err();
            if is_over && on == Dependence::Package {
                // With the other answer there is no agent, and the question is what the agent is.
                continue;
            }
            note_differences(&original, other.as_ref().map_or(&[], |captured| &captured.agents), &mut differing);
            if is_over {
                break;
            }
        }
        let reliance = Reliance { on, name: touch.name, position: touch.position };
        for (agent, names) in captured.agents.iter_mut().zip(differing) {
            for name in names {
                agent.rely(name, &reliance, request.machine);
            }
        }
    }
    Ok(captured)
}

/// Returns whether a value is another one in another world, if there is an agent in it.
fn decides(captured: &Captured, other: Result<Captured, Failure>) -> bool {
    let Ok(other) = other else { return false };
    let original: Vec<BTreeMap<String, CapturedValue>> = captured.agents.iter().map(|agent| agent.values.clone()).collect();
    let mut differing: Vec<BTreeSet<String>> = vec![BTreeSet::new(); original.len()];
    note_differences(&original, &other.agents, &mut differing);
    differing.iter().any(|names| !names.is_empty())
}

/// Notes which values are not the same. Where there is no such agent, none of its values is.
fn note_differences(original: &[BTreeMap<String, CapturedValue>], others: &[CapturedAgent], differing: &mut [BTreeSet<String>]) {
    let is_comparable = original.len() == others.len();
    for (index, (values, differing)) in original.iter().zip(differing).enumerate() {
        let other = others.get(index).filter(|_| is_comparable);
        for (name, value) in values {
            if other.and_then(|other| other.values.get(name)) != Some(value) {
                differing.insert(name.clone());
            }
        }
        let new = other.iter().flat_map(|other| other.values.keys()).filter(|name| !values.contains_key(*name));
        differing.extend(new.cloned());
    }
}

impl CapturedAgent {
    fn rely(&mut self, name: String, reliance: &Reliance, machine: &Machine) {
        if !reliance.is_known(machine) {
            let why = CapturedValue::Unreadable(reliance.describe("it"));
            self.values.insert(name.clone(), why);
        }
        self.reliances.entry(name).or_default().push(reliance.clone());
    }
}
