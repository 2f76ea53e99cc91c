//! Gates: what the experiments of a scenario must hold, and what comes of it.

use keepstep_results::gate::{Gate, GateState};
use keepstep_store::results::{
    CheckedGate, ComparedCases, Experiment, ExperimentFilter, ExperimentGate, ExperimentOrder, GateToCheck, RunFilter, RunPart,
    Uncounted,
};
use keepstep_store::{Role, Scope, StoreError, Transaction};
use serde_json::json;

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;

/// What came of a gate, before it is kept.
#[derive(Debug, Clone)]
pub(crate) struct GateFindings {
    asked: GateToCheck,
    experiment: Experiment,
    state: GateState,
    reason: String,
    baseline: Option<String>,
    first_run: Option<String>,
}

/// Returns the gate that somebody typed: a pass rate in percent, or nothing, and whether there may be new failures. `None` is no gate.
///
/// # Errors
/// The pass rate is not one.
pub fn typed_gate(min_pass_rate: &str, no_new_failures: bool) -> Result<Option<Gate>, Error> {
    let typed = min_pass_rate.trim().trim_end_matches('%').trim_end();
    let min_pass_rate = match typed.parse() {
        _ if typed.is_empty() => None,
        Ok(rate @ 1..=100) => Some(rate),
        _ => return Err(Error::Refused("A pass rate is a whole number from 1 to 100.".to_owned())),
    };
    let gate = Gate { min_pass_rate, no_new_failures };
    Ok((!gate.is_empty()).then_some(gate))
}

impl Platform {
    /// Sets the gate of a scenario, or takes it away. An editor may. Experiments that have ended keep what came of the one before.
    ///
    /// # Errors
    /// The actor may not, there is no such scenario for them, or the database failed.
    pub async fn set_gate(&self, actor: &Actor, scenario: &str, gate: Option<Gate>) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let gate = gate.filter(|gate| !gate.is_empty());
        let mut transaction = self.store.write().await?;
        let scenario = transaction.set_gate(&actor.scope, scenario, gate.as_ref(), &actor.name).await?;
        transaction.about("scenario", &scenario.id, &scenario.name);
        let what = if gate.is_some() { "set the gate of a scenario" } else { "remove the gate of a scenario" };
        self.commit(transaction, actor, what).await
    }

    /// Marks it as seen that the gate of an experiment failed. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such experiment for them, or the database failed.
    pub async fn see_gate(&self, actor: &Actor, experiment: &str) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let name = self.store.experiment(&actor.scope, experiment).await?.name().to_owned();
        let mut transaction = self.store.write().await?;
        transaction.about("experiment", experiment, &name);
        transaction.see_gate(&actor.scope, experiment, &actor.name).await?;
        self.commit(transaction, actor, "mark a failed gate as seen").await
    }

    /// Returns the experiment that another one is compared with where nobody says which: the baseline of its scenario that was pinned last,
    /// else the one before it.
    ///
    /// # Errors
    /// The database failed.
    pub async fn usual_baseline(&self, scope: &Scope, experiment: &Experiment) -> Result<Option<Experiment>, StoreError> {
        let batch = &experiment.batch;
        let others = ExperimentFilter { scenario: Some(&batch.scenario_id), ..ExperimentFilter::default() };
        // It may be pinned itself.
        let pinned = ExperimentFilter { is_pinned: true, order: ExperimentOrder::LastPinned, limit: 2, ..others };
        let pinned = self.store.experiments(scope, &batch.project_id, &pinned).await?;
        if let Some(pinned) = pinned.into_iter().find(|other| other.batch.id != batch.id) {
            return Ok(Some(pinned));
        }
        let before = ExperimentFilter { before: Some(&batch.id), limit: 1, ..others };
        Ok(self.store.experiments(scope, &batch.project_id, &before).await?.pop())
    }

    /// Checks the gate of an experiment that is being counted, if it has one.
    pub(crate) async fn check_gate(&self, uncounted: Uncounted) -> Result<Option<GateFindings>, Error> {
        let Some(asked) = self.store.gate_to_check(uncounted).await? else { return Ok(None) };
        let scope = Scope::of(&asked.org_id, Some(asked.project_id.clone()));
        let experiment = self.store.experiment(&scope, &asked.batch_id).await?;
        let (mut cases, mut baseline, mut compared) = (ComparedCases::default(), None, None);
        if asked.gate.no_new_failures {
            cases = self.store.compared_cases(&scope, &asked.batch_id).await?;
            baseline = match &experiment.gate {
                // Another baseline changes no old answer.
                Some(ExperimentGate { state: Some(_), baseline, .. }) => baseline.clone(),
                _ => self.usual_baseline(&scope, &experiment).await?.map(|baseline| baseline.batch.id),
            };
            if let Some(baseline) = &baseline {
                compared = match self.store.compared_cases(&scope, baseline).await {
                    Ok(compared) => Some(compared.figures),
                    // What it was compared with is deleted, so the answer stays as it is.
                    Err(StoreError::BatchNotFound(_)) => return Ok(None),
                    Err(error) => return Err(error.into()),
                };
            }
        }
        let answer = asked.gate.check(&experiment.batch.counts, &cases.figures, compared.as_ref());
        let mut first_run = answer.first.and_then(|first| cases.runs.remove(&first));
        if answer.state == GateState::Failed && first_run.is_none() {
            let failed = RunFilter { part: Some(RunPart::NotPassed), limit: 1, ..RunFilter::default() };
            first_run = self.store.runs(&scope, &asked.batch_id, &failed).await?.pop().map(|run| run.id);
        }
        Ok(Some(GateFindings { asked, experiment, state: answer.state, reason: answer.reason, baseline, first_run }))
    }

    /// Keeps what came of a gate beside what was counted, and tells it where the gate failed and had not before.
    pub(crate) async fn keep_gate(
        &self,
        transaction: &mut Transaction,
        uncounted: Uncounted,
        found: &GateFindings,
    ) -> Result<(), Error> {
        let GateFindings { asked, experiment, state, reason, .. } = found;
        let (baseline, first_run) = (found.baseline.as_deref(), found.first_run.as_deref());
        transaction.keep_gate(uncounted, &CheckedGate { state: *state, reason, baseline, first_run }).await?;
        if *state != GateState::Failed || asked.before == Some(GateState::Failed) {
            return Ok(());
        }
        let scope = Scope::of(&asked.org_id, Some(asked.project_id.clone()));
        let project = self.store.project(&scope, &asked.project_id).await?;
        let batch = &experiment.batch;
        let data = json!({
            "project": { "id": project.id, "name": project.name },
            "scenario": { "id": batch.scenario_id, "name": experiment.scenario_name },
            "experiment": { "id": batch.id, "experiment_id": batch.experiment_id, "name": experiment.name() },
            "reason": reason,
            "gate": asked.gate,
        });
        transaction.announce(&scope, "gate.failed", &data).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_gate_is_a_percentage_and_a_tick() {
        let gate = |min_pass_rate, no_new_failures| Some(Gate { min_pass_rate, no_new_failures });
        for (typed, ticked, wanted) in [
            ("", false, None),
            (" 90 % ", false, gate(Some(90), false)),
            ("100%", true, gate(Some(100), true)),
            ("", true, gate(None, true)),
        ] {
            assert_eq!(typed_gate(typed, ticked).unwrap(), wanted, "{typed}");
        }
        for typed in ["0", "101", "-1", "89.5", "most", "%%1"] {
            assert!(matches!(typed_gate(typed, true), Err(Error::Refused(_))), "{typed}");
        }
    }
}
