//! What was said about a case, criterion by criterion.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::status::Status;

/// How a criterion ended for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The answer is as it should be.
    Passed,
    /// It is not.
    Failed,
    /// It is not known, because the judge failed.
    Error,
    /// It is not known, because there is no judge: no model, a criterion that was not accepted, a target that does not tell what
    /// would have to be looked at.
    NotJudged,
    /// The criterion says nothing about this case.
    NotApplicable,
}

impl Verdict {
    /// Returns true if it says nothing about the answer, although the criterion is about this case.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Error | Self::NotJudged)
    }

    /// Returns the words for it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "judge failed",
            Self::NotJudged => "not judged",
            Self::NotApplicable => "not applicable",
        }
    }
}

/// What a criterion says about a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The name of the pack that the criterion is in.
    pub pack: String,
    /// Its name: its own, else what it expects.
    pub name: String,
    /// What kind it is, such as `contains`.
    pub kind: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What was expected.
    pub expected: String,
    /// What was found, or why nothing was looked for.
    pub found: String,
    /// How good it is, from 0 to 1; nothing where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Whether the case fails with it.
    pub required: bool,
    /// How much it counts in the score of its pack.
    pub weight: f64,
    /// Which model judged by which prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<JudgedBy>,
}

/// A model as a judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedBy {
    /// The model.
    pub model: String,
    /// Name and digest of the prompt.
    pub prompt: String,
}

/// All that was said about a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judgment {
    /// By each criterion, in the order of the files.
    pub criteria: Vec<Judged>,
    /// What follows from packs that ask for a score.
    pub packs: Vec<PackScore>,
    /// True if a criterion that looks at the last answer passed, so that an empty one is an answer.
    pub accepts_empty: bool,
}

/// The score of a pack that asks for one.
#[derive(Debug, Clone, PartialEq)]
pub struct PackScore {
    /// The pack.
    pub pack: String,
    /// The weighted mean; nothing where a criterion could not be judged.
    pub score: Option<f64>,
    /// What it has to be at least.
    pub threshold: f64,
}

impl Judgment {
    /// Returns how the case ends, and why if it does not pass. What has failed for certain counts more than what is not known, and
    /// what is not known is never passed.
    pub fn outcome(&self) -> (Status, Option<Problem>) {
        let required = |verdict: Verdict| self.criteria.iter().filter(move |judged| judged.required && judged.verdict == verdict);
        let mut met = BTreeSet::new();
        // Two packs may have the same criterion.
        let failed: Vec<String> = required(Verdict::Failed)
            .map(failed_line)
            .filter(|text| met.insert(text.clone()))
            .chain(self.packs.iter().filter(|pack| pack.score.is_some_and(|score| score < pack.threshold)).map(|pack| {
                format!(
                    "{}: the score is {:.2}, and has to be at least {}",
                    pack.pack,
                    pack.score.unwrap_or_default(),
                    pack.threshold
                )
            }))
            .collect();
        if !failed.is_empty() {
            return (Status::Failed, Some(Problem::new(failed.join("\n"))));
        }
        let unknown: Vec<String> = self
            .criteria
            .iter()
            .filter(|judged| judged.required && judged.verdict.is_unknown())
            .map(|judged| format!("{} was not judged: {}", judged.name, judged.found))
            .chain(
                self.packs
                    .iter()
                    .filter(|pack| pack.score.is_none())
                    .map(|pack| format!("{}: no score, because a criterion was not judged", pack.pack)),
            )
            .collect();
        if unknown.is_empty() { (Status::Passed, None) } else { (Status::NotJudged, Some(Problem::new(unknown.join("\n")))) }
    }
}

/// Returns a criterion that failed, in one line.
fn failed_line(judged: &Judged) -> String {
    if judged.name == judged.expected || judged.expected == format!("{:?}", judged.name) {
        format!("expected {}; found {}", judged.expected, judged.found)
    } else {
        format!("{}: expected {}; found {}", judged.name, judged.expected, judged.found)
    }
}

/// Returns the weighted mean of scores; `None` without one, or where one is not known.
pub fn mean<'a>(judged: impl Iterator<Item = &'a Judged>) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for judged in judged.filter(|judged| judged.verdict != Verdict::NotApplicable) {
        sum += judged.score? * judged.weight;
        weights += judged.weight;
    }
    (weights > 0.0).then_some(sum / weights)
}
