//! A run that is over, read from what it left: the one reader of experiment folders.
//!
//! All layouts give the same: a [`Head`] from `summary.json`, and the cases one after the other, each as [`Finished`]. Ours are
//! read from the journal, those of the peers from their own files. Cases are never all in memory.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use keepstep_results::case::Finished;
use keepstep_results::compare::figures::{CaseKey, Collector, Figures, Keys};
use keepstep_results::head::Head;
use keepstep_workspace::experiments::Experiment;
use keepstep_workspace::experiments::inputs::{InputIndex, Items};
use keepstep_workspace::experiments::journal;
use keepstep_workspace::experiments::list::{SUMMARY_FILE, TRACE_SUMMARY_FILE};
use keepstep_workspace::experiments::package::{ERRORS_FILE, TURNS_FILE};
use keepstep_workspace::experiments::redact::Redactor;
use keepstep_workspace::experiments::report::Report;
use keepstep_workspace::experiments::runs::{self, RunFiles};
use serde_json::{Map, Value};

use crate::experiment::{ExperimentError, RUN, RunFile, io_error};

/// The largest `summary.json` that is read. One that is larger was not written by a test.
const LARGEST_SUMMARY: u64 = 64 * 1024 * 1024;

/// An experiment folder, to be read.
#[derive(Debug)]
pub struct Stored {
    /// The experiment.
    pub experiment: Experiment,
    /// What `summary.json` says.
    pub head: Head,
    inputs: Arc<Items>,
    redactor: Option<Redactor>,
}

impl Stored {
    /// Opens an experiment.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn open(experiment: Experiment) -> Result<Self, ExperimentError> {
        let head = head(&experiment.path)?;
        Ok(Self { experiment, head, inputs: Arc::default(), redactor: None })
    }

    /// Takes the inputs of the scenario, to tell the inputs of runs apart that do not name them themselves.
    #[must_use]
    pub fn with_inputs(self, inputs: Items) -> Self {
        Self { inputs: Arc::new(inputs), ..self }
    }

    /// Gives the cases without these secrets.
    #[must_use]
    pub fn without(self, redactor: Redactor) -> Self {
        Self { redactor: Some(redactor), ..self }
    }

    /// Returns the experiment's name.
    pub fn id(&self) -> &str {
        &self.experiment.id
    }

    /// Reads the cases one after the other, in the order in which they ended. What cannot be read is in the report.
    ///
    /// # Errors
    /// A file cannot be read, or the function fails.
    pub fn each_case(&self, mut give: impl FnMut(Finished) -> io::Result<()>) -> Result<Report, ExperimentError> {
        let mut give = |finished: Finished| {
            let cleaned = self.redactor.as_ref().and_then(|redactor| redactor.cleaned(&finished));
            give(cleaned.unwrap_or(finished))
        };
        let path = journal::path(&self.experiment.path);
        match journal::open(&self.experiment.path) {
            Ok(Some(file)) => {
                let mut report = Report::default();
                let read = journal::each(file, &mut report, |_, case, _| give(case));
                read.map_err(io_error("read", &path)).map(|()| report)
            }
            Ok(None) => self.each_of_peers(&mut give),
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    /// Reads the figures of the run.
    ///
    /// # Errors
    /// Its files cannot be read.
    pub fn figures(&self) -> Result<Figures, ExperimentError> {
        let mut collector = Collector::default();
        let report = self.each_case(|finished| {
            collector.add(&finished);
            Ok(())
        })?;
        let mut figures = collector.finish();
        figures.unreadable = report.count();
        Ok(figures)
    }

    /// Returns these cases, without their turns. What is kept grows with the number of cases that are asked for only.
    ///
    /// # Errors
    /// Its files cannot be read.
    pub fn cases(&self, wanted: &HashSet<CaseKey>) -> Result<HashMap<CaseKey, Finished>, ExperimentError> {
        let (mut keys, mut found) = (Keys::default(), HashMap::new());
        if !wanted.is_empty() {
            self.each_case(|mut finished| {
                let key = keys.of(&finished);
                if wanted.contains(&key) {
                    finished.turns.clear();
                    found.insert(key, finished);
                }
                Ok(())
            })?;
        }
        Ok(found)
    }

    fn each_of_peers(&self, give: &mut dyn FnMut(Finished) -> io::Result<()>) -> Result<Report, ExperimentError> {
        let folder = &self.experiment.path;
        let [traces, turns, errors] = [TRACE_SUMMARY_FILE, TURNS_FILE, ERRORS_FILE].map(|name| folder.join(name));
        let there = |path: &Path| path.is_file();
        if !there(&traces) {
            return Ok(Report::default());
        }
        let files = RunFiles {
            identity: &self.experiment.id,
            trace_summary: &traces,
            turns: there(&turns).then_some(turns.as_path()),
            errors: there(&errors).then_some(errors.as_path()),
        };
        let mut index = 0;
        let written = runs::each(&files, &mut InputIndex::new(Arc::clone(&self.inputs)), |run| {
            index += 1;
            give(run.clone().into_case(index - 1))
        });
        Ok(written.map_err(io_error("read", folder))?.report)
    }
}

/// Returns the whole `summary.json` of an experiment; `None` for a run that did not end.
///
/// # Errors
/// It is there and cannot be read.
pub fn summary(folder: &Path) -> Result<Option<Map<String, Value>>, ExperimentError> {
    read_object(&folder.join(SUMMARY_FILE))
}

/// Reads the summary of an experiment; what a run that did not end says is little.
fn head(folder: &Path) -> Result<Head, ExperimentError> {
    if let Some(summary) = summary(folder)? {
        return Ok(Head::of_summary(&summary));
    }
    let run = read_object(&folder.join(RUN))?.and_then(|run| serde_json::from_value::<RunFile>(Value::Object(run)).ok());
    Ok(run.map_or_else(Head::default, |run| Head { date: Some(run.date), planned: Some(run.cases as u64), ..Head::default() }))
}

fn read_object(path: &Path) -> Result<Option<Map<String, Value>>, ExperimentError> {
    let malformed = |message: String| ExperimentError::Malformed { path: path.to_owned(), message };
    match fs::metadata(path) {
        Ok(metadata) if metadata.len() > LARGEST_SUMMARY => {
            return Err(malformed("it is larger than any that a test writes".to_owned()));
        }
        Ok(_) => {}
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(io_error("read", path)(error)),
    }
    let text = fs::read(path).map_err(io_error("read", path))?;
    match serde_json::from_slice(&text) {
        Ok(Value::Object(members)) => Ok(Some(members)),
        Ok(_) => Err(malformed("it is not a JSON object".to_owned())),
        Err(error) => Err(malformed(error.to_string())),
    }
}
