//! The models that a test asks: as the user of a conversation, or as a judge.

use std::sync::Arc;

use keepstep_runner::agent::Surroundings;
use keepstep_runner::config::Config;
use keepstep_runner::conversation::User;
use keepstep_runner::input;
use keepstep_runner::model::{Mode, Model, ModelError, RECORDINGS, Recordings};
use keepstep_workspace::experiments::redact::Redactor;

use super::arguments::RunArguments;
use super::setup::{Tested, refused};
use crate::shell::failure::Failure;

/// Opens the recordings of a scenario.
pub(super) fn recordings(arguments: &RunArguments, tested: &Tested, redactor: Redactor) -> Result<Arc<Recordings>, Failure> {
    let mode = match (arguments.record, arguments.live) {
        (true, _) => Some(Mode::Record),
        (false, true) => Some(Mode::Live),
        (false, false) => None,
    };
    Recordings::open(&tested.path.join(RECORDINGS), mode, redactor).map(Arc::new).map_err(model_failure)
}

/// Returns the user that the agent talks to, if the configuration has conversations.
pub(super) fn user(
    config: &Config,
    tested: &Tested,
    surroundings: &Surroundings,
    recordings: &Arc<Recordings>,
) -> Option<Arc<User>> {
    let user = config.user.clone()?;
    let personas = [config.personas.clone(), input::pulled_personas(&tested.path)].concat();
    let model = |model| Model::new(model, surroundings.clone(), Arc::clone(recordings));
    Some(Arc::new(User::new(user, personas, model)))
}

/// Returns the model that judges, if the configuration names one.
pub(super) fn judge(config: &Config, surroundings: &Surroundings, recordings: &Arc<Recordings>) -> Option<Arc<Model>> {
    let judge = config.judge.clone()?;
    Some(Arc::new(Model::new(judge, surroundings.clone(), Arc::clone(recordings))))
}

/// Returns the failure for a model that cannot be asked.
pub(super) fn model_failure(error: ModelError) -> Failure {
    match error {
        ModelError::Refused { model, refusal } => {
            let mut refusal = refusal;
            refusal.message = format!("{model} cannot be asked: {}", refusal.message);
            refused(refusal)
        }
        other => Failure::usage(other.to_string()),
    }
}
