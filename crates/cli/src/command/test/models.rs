//! The models that a test asks: as the user of a conversation, or as a judge.

use std::collections::BTreeMap;
use std::sync::Arc;

use keepstep_client::env_file;
use keepstep_runner::config::Config;
use keepstep_runner::conversation::User;
use keepstep_runner::input;
use keepstep_runner::model::{Mode, Model, ModelError, RECORDINGS, Recordings};
use keepstep_runner::target::Surroundings;
use keepstep_workspace::experiments::redact::Redactor;
use keepstep_workspace::experiments::secrets::Secrets;
use serde_json::{Map, Value};

use super::RunArguments;
use super::setup::{Tested, refused};
use crate::context::Context;
use crate::failure::Failure;
use crate::files::read_if_there;

/// Opens the recordings of a scenario.
pub(super) fn recordings(
    context: &Context,
    arguments: &RunArguments,
    tested: &Tested,
    variables: &BTreeMap<String, String>,
) -> Result<Arc<Recordings>, Failure> {
    let mode = match (arguments.record, arguments.live) {
        (true, _) => Some(Mode::Record),
        (false, true) => Some(Mode::Live),
        (false, false) => None,
    };
    let secrets = secrets(context, tested, variables)?;
    let redactor = Redactor::new(&secrets).map_err(|error| Failure::usage(error.to_string()))?;
    Recordings::open(&tested.path.join(RECORDINGS), mode, redactor).map(Arc::new).map_err(model_failure)
}

/// Returns everything that the `.env` files hold, and the exported variables whose names say that they are secret.
fn secrets(context: &Context, tested: &Tested, variables: &BTreeMap<String, String>) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::default();
    for path in tested.env_files() {
        let text = read_if_there(&path).map_err(|error| Failure::io("read", &path.display().to_string(), error))?;
        let found = env_file::parse(&text.unwrap_or_default());
        secrets.add_variables(found.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    }
    for all in [variables, context.environment.all()] {
        let all: Map<String, Value> = all.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        secrets.clean_summary(&mut Value::Object(all));
    }
    Ok(secrets)
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
