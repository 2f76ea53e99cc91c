//! Is an answer good? By criteria that a person wrote, and those that came with the test data.
//!
//! [`Criteria`] are read from `criteria/*.yaml` of the scenario and from what a pull left. [`Judging`] applies them to a case
//! whose agent has answered. Most kinds look at the case only; a program and a model are asked, and neither is if the criterion
//! came from a platform and nobody has accepted exactly this text.
//!
//! What cannot be said is said: a criterion that is not about a case is *not applicable*, one that has no judge or nothing to look
//! at is *not judged*, and a judge that failed is an *error*, each with its reason. A case whose required criterion was not judged,
//! for whichever reason, is neither good nor bad: [`Status::NotJudged`](keepstep_results::status::Status::NotJudged).

mod item;
mod model;
mod opinion;
mod pack;
mod program;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use keepstep_base::Digest;
use keepstep_results::case::Finished;
use keepstep_results::criterion::{Check, Finding};
use keepstep_results::verdict::{self, Judged, Judgment, PackScore, Verdict};

pub use pack::{Criteria, CriteriaError, FOLDER, Unaccepted};

use crate::agent::Surroundings;
use crate::model::Model;
use item::Item;
use pack::Pack;

/// Judges cases.
#[derive(Default)]
pub struct Judging {
    criteria: Criteria,
    model: Option<Arc<Model>>,
    /// Where programs run, and what they see of the machine.
    surroundings: Surroundings,
}

impl Judging {
    /// Returns a judge by these criteria. `surroundings` are those of programs: the scenario's folder, and the variables that an
    /// agent gets.
    pub fn new(criteria: Criteria, model: Option<Arc<Model>>, surroundings: Surroundings) -> Self {
        Self { criteria, model, surroundings }
    }

    /// Returns true if there is nothing to judge by.
    pub fn is_empty(&self) -> bool {
        self.criteria.is_empty()
    }

    /// Returns the digest of the criteria, if there are any.
    pub fn digest(&self) -> Option<Digest> {
        self.criteria.digest()
    }

    /// Returns the model, if there is something to ask it.
    pub fn model(&self) -> Option<&Model> {
        let asks = |pack: &Pack, criterion: &Item| {
            matches!(criterion.check, Check::Statement { .. }) && self.criteria.is_accepted(pack, criterion)
        };
        let any = self.criteria.packs.iter().any(|pack| pack.criteria.iter().any(|criterion| asks(pack, criterion)));
        self.model.as_deref().filter(|_| any)
    }

    /// Judges a case whose agent has answered.
    pub async fn judge(&self, case: &Finished) -> Judgment {
        let mut judgment = Judgment::default();
        for pack in &self.criteria.packs {
            let first = judgment.criteria.len();
            for criterion in &pack.criteria {
                let judged = self.judge_by(pack, criterion, case).await;
                judgment.accepts_empty |= judged.verdict == Verdict::Passed && criterion.check.wants_text();
                judgment.criteria.push(judged);
            }
            let of_pack = &judgment.criteria[first..];
            let applies = of_pack.iter().any(|judged| judged.verdict != Verdict::NotApplicable);
            if let Some(threshold) = pack.threshold.filter(|_| applies) {
                let score = verdict::mean(of_pack.iter());
                judgment.packs.push(PackScore { pack: pack.name.clone(), score, threshold });
            }
        }
        judgment
    }

    async fn judge_by(&self, pack: &Pack, criterion: &Item, case: &Finished) -> Judged {
        let mut judge = None;
        let finding = if let Some(reason) = criterion.why_not_applicable(case) {
            Finding::not_applicable(reason)
        } else if let Some(finding) = criterion.check.check(case) {
            finding
        } else {
            match (&criterion.check, &self.model) {
                (Check::Statement { .. }, None) => {
                    Finding::not_judged("no model is set as judge: the section `judge` of the configuration names one")
                }
                _ if !self.criteria.is_accepted(pack, criterion) => Finding::not_judged(
                    "this criterion came from the server; review it, then run `keepstep test --accept-criteria`",
                ),
                (Check::Statement { text, at_least }, Some(model)) => {
                    judge = Some(model::judged_by(model));
                    model::ask(model, text, *at_least, case).await
                }
                (Check::Program { command, timeout }, _) => program::ask(command, *timeout, case, &self.surroundings).await,
                _ => Finding::not_judged("no judge configured for it"),
            }
        };
        Judged {
            pack: pack.name.clone(),
            name: criterion.name.clone(),
            kind: criterion.kind.to_owned(),
            verdict: finding.verdict,
            expected: criterion.expected.clone(),
            found: finding.found,
            score: finding.score,
            required: criterion.required,
            weight: criterion.weight,
            judge,
        }
    }
}
