//! What GitHub Actions is told about a run, where the run is one of its steps.

use std::fs::{self, File};
use std::io::{self, BufReader, Write as _};
use std::path::{Path, PathBuf};

use keepstep_results::report::github::Report;
use keepstep_runner::event::Event;
use keepstep_workspace::experiments::redact::Redactor;

use crate::session::context::Context;

/// The largest summary that GitHub takes of a step.
const LARGEST_SUMMARY: u64 = 1024 * 1024;

/// What is told.
#[derive(Debug)]
pub(super) struct GitHub {
    report: Report,
    /// The root of the repository, which paths are relative to.
    root: Option<PathBuf>,
    summary: Option<PathBuf>,
}

impl GitHub {
    /// Returns somebody who tells GitHub, if this is a step of its Actions.
    pub(super) fn of(context: &Context) -> Option<Self> {
        let environment = &context.environment;
        environment.is_github_actions().then(|| Self {
            report: Report::default(),
            root: environment.get("GITHUB_WORKSPACE").and_then(|root| fs::canonicalize(root).ok()),
            summary: environment.get("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        })
    }

    /// Notes what happened.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::CaseFinished(finished) => self.report.add(finished),
            Event::RunFinished { totals, statistics, duration_seconds, .. } => {
                self.report.end(*totals, statistics, *duration_seconds);
            }
            _ => {}
        }
    }

    /// Tells it. What cannot be told changes nothing about the run.
    pub(super) fn write(mut self, context: &Context, scenario: &str, inputs: Option<&Path>, redactor: &Redactor) {
        if let Some(path) = inputs {
            // A file that is gone by now has no lines.
            let _ = File::open(path).and_then(|file| self.report.find_lines(BufReader::new(file)));
        }
        let file = inputs.map(|path| self.relative(path));
        for command in self.report.annotations(file.as_deref()) {
            context.printer.workflow_command(&command);
        }
        if let Some(path) = &self.summary
            && let Err(error) = append(path, &redactor.clean(&self.report.summary(scenario)))
        {
            context.printer.warning(&format!("the summary of the job cannot be written to {}: {error}", path.display()));
        }
    }

    /// Returns a path as GitHub knows it.
    fn relative(&self, path: &Path) -> String {
        let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let inside = self.root.as_ref().and_then(|root| real.strip_prefix(root).ok());
        inside.unwrap_or(&real).display().to_string()
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).open(path)?;
    if file.metadata()?.len() + text.len() as u64 > LARGEST_SUMMARY {
        return Err(io::Error::other("it would be larger than GitHub takes"));
    }
    file.write_all(text.as_bytes())
}
