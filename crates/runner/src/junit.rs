//! The JUnit file of a run.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use keepstep_results::report::junit::{Report, Suite};
use keepstep_workspace::experiments::redact::Redactor;

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
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let temporary = path.with_extension("part");
    let out = BufWriter::new(File::create(&temporary).map_err(fail)?);
    let mut report = Report::begin(out, suite, &experiment.run.date).map_err(fail)?;
    experiment.each_finished(|finished| report.add(&redactor.cleaned(&finished).unwrap_or(finished)))?;
    for case in skipped {
        report.skip(&redactor.clean(case)).map_err(fail)?;
    }
    let out = report.end().map_err(fail)?;
    out.into_inner().map_err(|error| fail(error.into_error()))?.sync_all().map_err(fail)?;
    fs::rename(&temporary, path).map_err(fail)
}
