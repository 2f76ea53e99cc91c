//! `keepstep sync`: the agent's definition in the code against the one on the server.
//!
//! First decide, then act: [`choose`] says what to do with each drifted field, `keepstep_agent::plan` what that means, and
//! [`carry_out`] does it — the code first, then the platform, then the lock file, so that a crash in between leaves
//! every text in at least one place and the next run goes on from there.

mod carry_out;
mod choose;
pub(crate) mod pull;
pub(crate) mod report;
mod run;
pub(in crate::command) mod status;
pub(crate) mod upload;

pub(crate) use carry_out::{agree_on, equal_values, pushed_words, verify_stored};
pub(crate) use choose::refuse;
pub(crate) use report::not_checked;
pub(crate) use run::Options;
use run::Run;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{CommandResult, Outcome, compile};
use crate::grammar::deferred::Deferred;
use crate::session::checkout::lock_file::LockFile;
use crate::session::checkout::outbox;
use crate::session::checkout::undo_log::Recorder;
use crate::session::connection::server::Server;
use crate::session::connection::test_data_server::find_workspace;
use crate::session::context::Context;
use crate::session::drift_report;
use crate::session::scope;
use crate::session::settings::Settings;
use crate::session::sides::{self, Project};
use crate::shell::failure::Failure;

/// How often a plan is made anew because the server changed in the meantime.
const ATTEMPTS: usize = 3;

/// How often that is for a merge: whoever was faster is done by then, so that each of many at once has its turn.
const ATTEMPTS_OF_A_MERGE: usize = 100;

/// The arguments.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  keepstep sync              show what differs and ask what to do\n  keepstep sync --check      for CI: exit 1 when something differs; writes nothing\n  keepstep sync --accept     take what the server has\n  keepstep sync --push       publish what the code has\n  keepstep sync --merge      keep both sides' edits"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what is ahead, behind or changed on both sides
    Status(Deferred<status::Arguments>),
    /// Bring test data into the workspace
    Pull(Deferred<pull::Arguments>),
    /// Send results to the server
    #[command(visible_alias = "push")]
    Upload(Deferred<upload::Arguments>),
}

/// Runs it.
pub(crate) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let (outcome, writes) = match &arguments.command {
        None => (sync(context, &arguments.options)?, !arguments.options.only_looks()),
        Some(Command::Status(Deferred(arguments))) => return status::run(context, arguments),
        Some(Command::Pull(Deferred(arguments))) => (pull::run(context, arguments)?, !arguments.dry_run),
        // It looks after the outbox itself.
        Some(Command::Upload(Deferred(arguments))) => return upload::run(context, arguments),
    };
    if writes && let Some(workspace) = find_workspace(context) {
        outbox::send_pending(context, &workspace);
    }
    Ok(outcome)
}

/// Compares, and carries out what is wanted.
fn sync(context: &Context, options: &Options) -> CommandResult {
    let project = Project::open(context)?;
    let settings = Settings::read(context, &project.root)?;
    let strict = settings.strict(context, options.strict)?.value;
    let code = sides::read_code(context, &project.root)?;
    sides::warn_of_notes(context, &*code);
    let mut recorder = Recorder::of(&project.root, "sync");
    if !options.only_looks() {
        compile::refresh_manifest_kept(context, &*code, &mut recorder)?;
    }
    let lock = LockFile::read(&project.root)?;
    let compared = Server::connect(context, Some(&project.root))
        .and_then(|server| Ok((sides::compare(&server, &project, &*code, &lock, options.against)?, server)));
    let (compared, server) = match compared {
        Ok(both) => both,
        Err(failure) => {
            let document = not_checked(context, failure, strict, Some(&*code))?;
            context.printer.document("sync", document);
            return Ok(Outcome::Done);
        }
    };
    let mut run = Run { context, options, project, server, code, lock, compared, strict, recorder, told: Vec::new() };
    if options.check {
        let outcome = run.check();
        drift_report::send(context, &options.reporting, &run.project, &run.server, &run.lock, &run.compared);
        return Ok(outcome);
    }
    run.bring_in_step()
}

impl Run<'_> {
    /// Only looks.
    fn check(&self) -> Outcome {
        self.show();
        report::show_in_step(self.context, &*self.code, &self.compared);
        report::show_rest(self.context, &*self.code, &self.compared);
        let mut document = self.document();
        let outcome = if self.compared.has_drift() {
            report::hint_at_flags(self.context);
            Outcome::Found
        } else if self.compared.has_unreadable() {
            Outcome::NotReadable
        } else if self.strict && !scope::not_compared(&*self.code, &self.compared.remote).is_empty() {
            Outcome::Found
        } else {
            Outcome::Done
        };
        document["exit"] = json!(outcome.code());
        self.context.printer.document("sync", document);
        outcome
    }

    fn bring_in_step(&mut self) -> CommandResult {
        let attempts = if self.options.merge { ATTEMPTS_OF_A_MERGE } else { ATTEMPTS };
        let mut attempt = 1;
        loop {
            self.show();
            let plan = choose::plan(self)?;
            if plan.items.is_empty() {
                report::show_in_step(self.context, &*self.code, &self.compared);
            }
            if attempt == 1 {
                report::show_rest(self.context, &*self.code, &self.compared);
            }
            if self.options.dry_run {
                return carry_out::dry_run(self, &plan);
            }
            match carry_out::carry_out(self, &plan)? {
                carry_out::Ended::With(outcome) => return Ok(outcome),
                carry_out::Ended::ServerChanged if attempt < attempts => {
                    attempt += 1;
                    self.compare_again(&plan)?;
                }
                carry_out::Ended::ServerChanged => {
                    return Err(Failure::Conflict {
                        message: format!("the agent on {} keeps changing", self.server.name()),
                        hints: vec!["run the command again when the others are done".to_owned()],
                    });
                }
            }
        }
    }

    /// Reads both sides again, because the server said that it has a newer revision.
    fn compare_again(&mut self, plan: &choose::Plan) -> Result<(), Failure> {
        self.context.printer.status("The server changed in the meantime; looking again.");
        self.code = sides::read_code(self.context, &self.project.root)?;
        self.lock = LockFile::read(&self.project.root)?;
        let before = std::mem::replace(
            &mut self.compared,
            sides::compare(&self.server, &self.project, &*self.code, &self.lock, self.options.against)?,
        );
        if self.options.force || plan.was_asked || self.options.merge {
            return Ok(());
        }
        // `--push` and `--accept` were said about a certain state. Somebody who changed it since has not been heard.
        // (If it is what would have been published anyway, there is nothing to hear.)
        let changed: Vec<&str> = plan
            .items
            .iter()
            .filter(|item| item.writes_server())
            .filter_map(|item| {
                let now = self.compared.view(item.field).filter(|view| view.state.is_drift())?;
                (before.view(item.field).map(|view| &view.server) != Some(&now.server)).then_some(item.field.key())
            })
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        Err(Failure::Conflict {
            message: format!("the {} changed on {} while this ran", changed.join(" and the "), self.server.name()),
            hints: vec![
                "`keepstep sync` shows the new state; `keepstep sync --merge` keeps both sides' edits".to_owned(),
                "`--force` publishes the code's text all the same".to_owned(),
            ],
        })
    }
}
