//! Which bundle version a test runs on.
//!
//! A version that is named is the version that runs: it is here already, or it is pulled first. Whichever it is, it is known from the
//! file that the inputs come from, before the test begins: a pull beside the test must not change what its results are said to
//! be of.

use keepstep_runner::config::Config;
use keepstep_runner::input::{InputError, Inputs};
use keepstep_workspace::pull::Scenario;

use super::arguments::RunArguments;
use super::setup::{Tested, input_failure};
use crate::command::sync::pull;
use crate::session::context::Context;
use crate::session::messages_left_out;
use crate::shell::failure::Failure;
use crate::shell::printer::count;
use crate::shell::visible::{first_few, visible_line, word};

/// What a test runs on.
pub(super) struct Version {
    /// The inputs.
    pub(super) inputs: Inputs,
    /// The bundle version that they are of; `None` for inputs that no pull brought.
    pub(super) bundle: Option<String>,
}

/// Returns the inputs of the version that the command line names, pulled if they are not here, else those that are here.
pub(super) fn resolve(context: &Context, arguments: &RunArguments, tested: &Tested, config: &Config) -> Result<Version, Failure> {
    let here = Here::read(tested, config)?;
    let Some(named) = arguments.bundle_version_id.as_deref() else { return here.into_version(context) };
    if here.is(named) {
        here.warn_of_edits(context)?;
        return here.into_version(context);
    }
    if here.was_deleted(named) {
        return Err(Failure::Conflict {
            message: format!("the inputs of bundle version {} were deleted from {}", visible_line(named), tested.name),
            // Without the id it would be the newest version that comes.
            hints: vec![format!("`keepstep sync pull --bundle-version-id {} --force` brings them back", word(named))],
        });
    }
    if arguments.skip_upload || arguments.skip_pull {
        let flag = if arguments.skip_upload { "--skip-upload opens no connection" } else { "--skip-pull pulls nothing" };
        return Err(Failure::NotFound {
            message: format!("bundle version {} is not here: {}, and {flag}", visible_line(named), here.words(tested)),
            hint: Some(format!("`keepstep sync pull --bundle-version-id {}` brings it", word(named))),
        });
    }
    if arguments.resume {
        return Err(Failure::Conflict {
            message: format!("this experiment did not start with bundle version {}: {}", visible_line(named), here.words(tested)),
            hints: vec!["`keepstep test` without `--resume` starts a new experiment".to_owned()],
        });
    }
    pull::version(context, arguments.project_id.clone(), arguments.scenario.clone(), named)?;
    let here = Here::read(tested, config)?;
    if !here.is(named) {
        return Err(Failure::Usage {
            message: format!("the configuration of {} takes its inputs from elsewhere: {}", tested.name, here.words(tested)),
            hint: Some("leave `inputs_file` out of the configuration, or test without `--bundle-version-id`".to_owned()),
        });
    }
    here.warn_of_edits(context)?;
    here.into_version(context)
}

/// What is in the scenario's folder.
struct Here {
    scenario: Scenario,
    inputs: Result<Inputs, InputError>,
}

impl Here {
    fn read(tested: &Tested, config: &Config) -> Result<Self, Failure> {
        Ok(Self { scenario: Scenario::read(&tested.path)?, inputs: tested.inputs(config) })
    }

    fn bundle(&self) -> Option<&str> {
        let inputs = self.inputs.as_ref().ok()?;
        self.scenario.bundle_of(inputs.file.as_deref()?)
    }

    fn is(&self, named: &str) -> bool {
        match &self.inputs {
            Ok(_) => self.bundle() == Some(named),
            // What is here and cannot be read is to be mended, not replaced.
            Err(InputError::Missing { .. }) => false,
            Err(_) => self.scenario.bundle() == Some(named),
        }
    }

    /// Returns true if it is the version that was pulled, and its inputs are gone.
    fn was_deleted(&self, named: &str) -> bool {
        let is_gone = match &self.inputs {
            Ok(inputs) => inputs.list.is_empty() && inputs.file.is_none(),
            Err(error) => matches!(error, InputError::Missing { .. }),
        };
        is_gone && self.scenario.record.is_some() && self.scenario.bundle() == Some(named)
    }

    /// Returns which version is here, in words.
    fn words(&self, tested: &Tested) -> String {
        let file = self.inputs.as_ref().ok().and_then(|inputs| inputs.file.as_deref());
        match (self.bundle(), file) {
            (Some(bundle), _) => format!("{} has {}", tested.name, visible_line(bundle)),
            (None, Some(file)) => format!("{} is of no bundle version", file.display()),
            (None, None) => format!("{} has no pulled inputs", tested.name),
        }
    }

    /// Says what is not as the version has it.
    fn warn_of_edits(&self, context: &Context) -> Result<(), Failure> {
        let edits = self.scenario.edits()?;
        if !edits.is_empty() && self.inputs.is_ok() {
            let bundle = self.bundle().map(visible_line).unwrap_or_default();
            context.printer.warning(&format!("{} of bundle version {bundle} edited here", count(edits.len(), "file")));
        }
        Ok(())
    }

    fn into_version(self, context: &Context) -> Result<Version, Failure> {
        let bundle = self.bundle().map(str::to_owned);
        let inputs = self.inputs.map_err(|error| input_failure(&error))?;
        if !inputs.silent.is_empty() {
            let places = first_few(inputs.silent.iter().map(usize::to_string));
            let file = inputs.file.as_ref().map_or_else(|| "the configuration".to_owned(), |file| file.display().to_string());
            let silent = count(inputs.silent.len(), "input");
            context.printer.warning(&format!("{silent} without a text not run: number {places} of {file}"));
        }
        if inputs.longer > 0 {
            context.printer.warning(&messages_left_out::sentence(inputs.longer, inputs.messages_left_out));
        }
        Ok(Version { inputs, bundle })
    }
}
