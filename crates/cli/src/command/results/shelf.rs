//! The runs of a scenario, and which one a name means.

use std::path::Path;

use keepstep_results::compare::Figures;
use keepstep_runner::stored::Stored;
use keepstep_workspace::experiments::redact::Redactor;
use keepstep_workspace::experiments::uploads::Uploads;
use keepstep_workspace::experiments::{Experiment, Layout, State};
use keepstep_workspace::scenario::SelectedBy;
use keepstep_workspace::{Scenario, Workspace};

use crate::command::run_tests::setup::{Tested, experiment_failure};
use crate::command::sync::upload::find::{self, Config, LATEST, Located};
use crate::command::sync::upload::prepare;
use crate::session::context::Context;
use crate::session::secrets;
use crate::shell::failure::Failure;
use crate::shell::printer::count;

/// The runs of a scenario.
pub(super) struct Shelf<'a> {
    context: &'a Context,
    workspace: Option<Workspace>,
    pub(super) scenario: Scenario,
    config: Config,
    redactor: Redactor,
    /// The newest first.
    pub(super) experiments: Vec<Experiment>,
}

impl<'a> Shelf<'a> {
    /// Returns the runs of the scenario that a command is about.
    pub(super) fn of(context: &'a Context, named: Option<&str>) -> Result<Self, Failure> {
        let Tested { workspace, name, path } = Tested::find(context, named, None)?;
        let folder = path.file_name().map_or_else(|| name.clone(), |folder| folder.to_string_lossy().into_owned());
        let scenario = Scenario { name, folder, id: None, path, origin: SelectedBy::Directory };
        let config = Config::read(context, &scenario.path, None)?;
        let experiments = find::list(workspace.as_ref(), &scenario, &config)?;
        let redactor = secrets::keep(context, &secrets::of_scenario(context, workspace.as_ref(), &scenario.path)?)?;
        Ok(Self { context, workspace, scenario, config, experiments, redactor })
    }

    /// Returns the run that a person names: `latest`, the number of runs before it (`latest~1`), its number in the list, a name
    /// or the end, the beginning or a part of one that is in no other, or a folder.
    pub(super) fn find(&self, named: &str) -> Result<Stored, Failure> {
        if let Some(before) = before_latest(named) {
            return self.open(self.complete(&self.experiments, before)?);
        }
        if let Some(exact) = self.experiments.iter().find(|experiment| experiment.id == named) {
            return self.open(exact.clone());
        }
        if let Some(listed) = number_in_list(named).and_then(|place| self.experiments.get(place)) {
            return self.open(listed.clone());
        }
        let ids: Vec<&str> = self.experiments.iter().map(|experiment| experiment.id.as_str()).collect();
        match matching_positions(&ids, named.trim_start_matches('…')).as_slice() {
            [one] => return self.open(self.experiments[*one].clone()),
            [] => {}
            several => {
                let names: Vec<&str> = several.iter().take(5).map(|place| ids[*place]).collect();
                return Err(Failure::Usage {
                    message: format!("{named} may be {}", count(several.len(), "experiment")),
                    hint: Some(format!("name one of them: {}", names.join(", "))),
                });
            }
        }
        let path = Path::new(named);
        match find::locate(self.context, self.workspace.as_ref(), &self.scenario, &self.config, path) {
            Ok(Located::NewestOf(inside)) if inside.is_empty() => self.open(self.complete(&self.experiments, 0)?),
            Ok(Located::NewestOf(inside)) => self.open(self.complete(&inside, 0)?),
            Ok(Located::Folder(folder)) => self.open(self.at(&folder)?),
            Err(Failure::NotFound { hint, .. }) => Err(Failure::NotFound {
                message: format!("{} has no experiment {named}", self.scenario.name),
                hint: if path.components().count() > 1 { hint } else { Some("`keepstep results list` shows them".to_owned()) },
            }),
            Err(failure) => Err(failure),
        }
    }

    fn at(&self, folder: &Path) -> Result<Experiment, Failure> {
        let fail = |error| Failure::io("read", &folder.display().to_string(), error);
        let uploads = Uploads::read(&self.scenario.path).map_err(fail)?;
        Experiment::at(folder, &uploads).map_err(fail)
    }

    /// Returns one of the complete runs, and says why newer ones are not it.
    fn complete(&self, experiments: &[Experiment], before: usize) -> Result<Experiment, Failure> {
        let mut left = before;
        for experiment in experiments {
            if !experiment.is_complete() {
                let why = if experiment.state == State::Running { "is still being written" } else { "did not end" };
                self.context.printer.warning(&format!("{} {why} and was skipped", experiment.id));
            } else if left == 0 {
                return Ok(experiment.clone());
            } else {
                left -= 1;
            }
        }
        let message = match before {
            0 => format!("{} has no results yet", self.scenario.name),
            before => format!("{} has no more than {}", self.scenario.name, count(before - left, "complete experiment")),
        };
        Err(Failure::NotFound { message, hint: Some("`keepstep test` creates results".to_owned()) })
    }

    /// Opens a run.
    pub(super) fn open(&self, experiment: Experiment) -> Result<Stored, Failure> {
        let is_peers = experiment.layout == Layout::Results || !experiment.path.join(".cases.jsonl").exists();
        let mut stored = Stored::open(experiment).map_err(experiment_failure)?;
        if !self.context.printer.is_own_screen() {
            stored = stored.without(self.redactor.clone());
        }
        Ok(if is_peers { stored.with_inputs(prepare::items_of(self.context, &self.scenario, &self.config)) } else { stored })
    }

    /// Reads the figures of a run, and says what of it cannot be read.
    pub(super) fn figures(&self, stored: &Stored) -> Result<Figures, Failure> {
        let figures = stored.figures().map_err(experiment_failure)?;
        self.warn_of_broken(stored, figures.unreadable);
        Ok(figures)
    }

    /// Says that lines of a run could not be read.
    pub(super) fn warn_of_broken(&self, stored: &Stored, lines: u64) {
        if lines > 0 {
            let lines = count(lines, "line");
            self.context.printer.warning(&format!("{lines} of {} could not be read and were left out", stored.id()));
        }
    }

    /// Refuses a run that did not end: half of it says nothing about the whole.
    pub(super) fn require_complete(stored: &Stored) -> Result<(), Failure> {
        if stored.experiment.is_complete() {
            return Ok(());
        }
        Err(Failure::Nothing {
            message: format!("{} is not complete: its test did not end", stored.id()),
            hint: Some("`keepstep test --resume` resumes it".to_owned()),
        })
    }
}

/// Returns how many runs before the latest one a name means.
fn before_latest(named: &str) -> Option<usize> {
    match named.strip_prefix(LATEST)? {
        "" => Some(0),
        "~" => Some(1),
        number => number.strip_prefix('~')?.parse().ok(),
    }
}

/// Returns the place in the list that a number means, which is counted from 1 there.
fn number_in_list(named: &str) -> Option<usize> {
    let is_number = !named.starts_with('0') && named.bytes().all(|byte| byte.is_ascii_digit());
    named.parse::<usize>().ok().filter(|_| is_number)?.checked_sub(1)
}

/// Returns the places of the names that a part of a name means: those that end with it, else begin with it, else have it.
fn matching_positions(ids: &[&str], part: &str) -> Vec<usize> {
    let those = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> { (0..ids.len()).filter(|place| fits(ids[*place])).collect() };
    let ways: [&dyn Fn(&str) -> bool; 3] = [&|id| id.ends_with(part), &|id| id.starts_with(part), &|id| id.contains(part)];
    ways.iter().map(|fits| those(fits)).find(|found| !found.is_empty()).unwrap_or_default()
}

/// Returns the end of a name that means it and no other, with a sign for what is left out; the whole where that is not shorter.
pub(super) fn abbreviated(ids: &[&str], id: &str) -> String {
    const SHORTEST: usize = 5;
    let ends = id.match_indices(['_', '-']).map(|(at, _)| &id[at..]).filter(|end| end.len() >= SHORTEST);
    let mut fitting: Vec<&str> = ends.filter(|end| matching_positions(ids, end) == matching_positions(ids, id)).collect();
    match fitting.pop() {
        Some(end) if end.len() < id.len() => format!("…{end}"),
        _ => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_means_the_same_run() {
        let ids = ["exp_20261128_232354", "exp_20261128_232354_2", "exp_20261127_232248", "exp_20261128_232248", "own"];
        let short: Vec<String> = ids.iter().map(|id| abbreviated(&ids, id)).collect();
        assert_eq!(short, ["…_232354", "…_232354_2", "…_20261127_232248", "…_20261128_232248", "own"]);
        for (place, short) in short.iter().enumerate() {
            assert_eq!(matching_positions(&ids, short.trim_start_matches('…')), [place], "{short}");
        }
        assert_eq!(matching_positions(&ids, "exp_20261127"), [2]);
        assert_eq!(matching_positions(&ids, "232248"), [2, 3]);
        assert_eq!(
            (number_in_list("1"), number_in_list("0"), number_in_list("01"), number_in_list("x")),
            (Some(0), None, None, None)
        );
    }
}
