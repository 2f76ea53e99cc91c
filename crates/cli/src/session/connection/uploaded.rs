//! Which experiments the server has. It is asked by their runs: what another client or another machine sent counts as well, and
//! what was sent and is gone does not. The record of what was sent from here only counts where the server cannot be asked.

use std::collections::HashMap;

use keepstep_runner::stored::Stored;
use keepstep_workspace::experiments::uploads::{Uploaded, Uploads};
use keepstep_workspace::experiments::{Experiment, State, runs};
use keepstep_workspace::{Scenario, files};

use crate::session::connection::test_data_server::TestDataServer;
use crate::shell::failure::Failure;

/// Gives complete experiments of a scenario the state that the server says they have, and notes what it has. Without a word of
/// the server they stay as they are.
pub(crate) fn ask(
    server: &TestDataServer,
    project: &str,
    scenario: &Scenario,
    experiments: &mut [Experiment],
) -> Result<(), Failure> {
    let mut first_runs = HashMap::new();
    for experiment in experiments.iter().filter(|experiment| experiment.is_complete()) {
        if let Some(run) = first_run(scenario, experiment)? {
            first_runs.insert(run, experiment.id.clone());
        }
    }
    let ids: Vec<String> = first_runs.keys().cloned().collect();
    let Some(known) = server.wait(server.client().known_runs(project, &ids))? else { return Ok(()) };
    let of_experiment: HashMap<&str, Uploaded> = known
        .into_iter()
        // A test that goes on, or broke off, is not there as a whole.
        .filter(|run| !matches!(run.status.as_str(), "running" | "abandoned"))
        .filter_map(|run| {
            let uploaded = Uploaded {
                run_batch_id: run.run_batch_id,
                server: server.target().server(),
                url: run.url,
                ..Uploaded::default()
            };
            Some((first_runs.get(&run.run_id)?.as_str(), uploaded))
        })
        .collect();
    for experiment in experiments.iter_mut().filter(|experiment| experiment.is_complete()) {
        let has_runs = first_runs.values().any(|id| *id == experiment.id);
        experiment.state = match of_experiment.contains_key(experiment.id.as_str()) {
            true => State::Uploaded,
            // One without a run has nothing to ask by.
            false if !has_runs => experiment.state,
            false => State::Pending,
        };
    }
    note(scenario, of_experiment)
}

fn first_run(scenario: &Scenario, experiment: &Experiment) -> Result<Option<String>, Failure> {
    let fail = |error| Failure::io("read", &experiment.path.display().to_string(), error);
    // One whose summary cannot be read says nothing; an upload says why.
    let Ok(stored) = Stored::open(experiment.clone()) else { return Ok(None) };
    let time = stored.head.date.unwrap_or_default();
    runs::first_run(&experiment.path, &runs::identity(&scenario.folder, &experiment.id, &time)).map_err(fail)
}

/// Notes what the server has and was not known to have, for the next time that it cannot be asked.
fn note(scenario: &Scenario, there: HashMap<&str, Uploaded>) -> Result<(), Failure> {
    let fail = |error| Failure::io("read", &scenario.path.display().to_string(), error);
    let mut uploads = Uploads::read(&scenario.path).map_err(fail)?;
    let mut is_new = false;
    for (experiment, uploaded) in there {
        if uploads.get(experiment).is_none() {
            uploads.note(experiment, uploaded);
            is_new = true;
        }
    }
    if is_new {
        files::write_whole(&Uploads::path(&scenario.path), uploads.to_json().as_bytes())?;
    }
    Ok(())
}
