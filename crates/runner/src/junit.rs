//! The JUnit file of a run.

use std::io;
use std::path::Path;

use keepstep_results::report::junit::{Report, Suite};
use keepstep_workspace::experiments::redact::Redactor;
use keepstep_workspace::files;

use crate::experiment::{Experiment, ExperimentError};

/// Writes the cases of a run and the names of those that were not run as JUnit XML, without the secrets.
///
/// # Errors
/// The file cannot be written.
pub fn write(
    experiment: &Experiment,
    path: &Path,
    suite: &Suite<'_>,
    skipped: &[String],
    redactor: &Redactor,
) -> Result<(), ExperimentError> {
    let fail = |source: io::Error| ExperimentError::Io { doing: "write", path: path.to_owned(), source };
    let written = files::replace_streamed(path, |out| {
        let mut report = Report::begin(out, suite, &experiment.run.date)?;
        experiment
            .each_finished(|finished| report.add(&redactor.cleaned(&finished).unwrap_or(finished)))
            .map_err(io::Error::other)?;
        for case in skipped {
            report.skip(&redactor.clean(case))?;
        }
        report.end().map(drop)
    });
    written.map_err(fail)
}
