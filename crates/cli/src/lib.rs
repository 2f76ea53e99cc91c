//! The command line `keepstep`, all but its `main`: a library is compiled beside the server, a program only after it.
//!
//! A command goes through four steps: the arguments as typed (`grammar`); what they mean together with the environment, the
//! project's files and a server (`session`); a function of these that decides, shows and acts (`command`); an outcome or a
//! failure (`shell::failure`), which becomes the exit code. Only the `shell` prints.

mod command;
mod grammar;
mod session;
mod shell;

use std::ffi::OsString;
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};
use serde_json::json;

use crate::command::Outcome;
use crate::grammar::arguments::Arguments;
use crate::grammar::parser::{self, color_as_typed, for_help, parser, whole};
use crate::grammar::{peer_commands, schema};
use crate::session::connection::{server_timeout, test_data_server};
use crate::session::context::{Context, Environment};
use crate::shell::failure::Failure;
use crate::shell::printer::{Manner, Printer};
use crate::shell::program::Program;
use crate::shell::{bug, exit, interrupt, prompt};

/// Runs the program with the arguments, the environment and the streams of this process; returns its exit code.
#[must_use]
pub fn main() -> ExitCode {
    interrupt::install();
    let code = panic::catch_unwind(|| {
        panic::set_hook(Box::new(bug::report));
        run(std::env::args_os().collect())
    });
    ExitCode::from(code.unwrap_or(exit::BUG))
}

/// Runs the program and returns its exit code.
fn run(typed: Vec<OsString>) -> u8 {
    let program = Program::called_as(typed.first().map(OsString::as_os_str));
    let environment = Environment::of_the_process();
    let manner = |json, quiet, color| {
        let force = environment.get("CLICOLOR_FORCE").is_some_and(|value| value != "0");
        let has_codes = environment.get("TERM").is_some_and(|terminal| terminal != "dumb") || cfg!(windows);
        Manner::new(json, quiet, color, environment.get("NO_COLOR").is_some(), force, has_codes)
            .in_log_with_commands(environment.is_github_actions())
            .in_log(environment.is_ci())
    };
    let parsed = parser(program).try_get_matches_from(&typed).and_then(|matches| {
        let typed = server_timeout::typed(&matches);
        Ok((schema::of_parsed(&matches), typed, parser::scenario(&matches), Arguments::from_arg_matches(&matches)?))
    });
    let (verb, typed_timeout, scenario, arguments) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let color = color_as_typed(&typed);
            let json = typed.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
            return misunderstood(&Printer::new(program, manner(json, false, color)), program, &error, &typed);
        }
    };
    let Arguments { global, command, .. } = arguments;
    let printer = Printer::new(program, manner(global.json, global.quiet, global.color)).about(scenario);
    if global.api_key.is_some() {
        printer.warning("a key on the command line is visible to other users of this machine; `keepstep login` stores it");
    }
    let timeout = match typed_timeout.map_or_else(|| server_timeout::of_environment(&environment), |typed| Ok(Some(typed))) {
        Ok(timeout) => timeout,
        Err(failure) => return end(&printer, program, &verb, Err(failure)),
    };
    let directory = global.directory.unwrap_or_else(|| ".".into());
    let directory = match directory.canonicalize() {
        Ok(directory) => directory,
        Err(error) => {
            let failure = Failure::io("enter", &directory.display().to_string(), error);
            return end(&printer, program, &verb, Err(failure));
        }
    };
    let can_ask = !global.ci && prompt::has_a_person();
    let context = Context {
        program,
        printer: Arc::new(printer),
        directory,
        environment,
        url: global.url,
        api_key: global.api_key,
        timeout,
        silent: Arc::default(),
        can_ask,
    };
    let has_list_for_git = list_for_git(&context);
    let result = command::dispatch::run(&context, &command);
    if has_list_for_git != Some(true) && list_for_git(&context) == Some(true) {
        context
            .printer
            .status("Commit .fluxloop: its .gitignore leaves out keys, what is selected, and what tests and pulls leave");
    }
    end(&context.printer, program, &verb, result)
}

/// Returns whether the workspace around has its list of what git leaves out; `None` without a workspace.
fn list_for_git(context: &Context) -> Option<bool> {
    let folder = test_data_server::find_workspace(context)?.folder();
    // Without a repository around there is nothing to commit.
    folder.ancestors().find(|folder| folder.join(".git").exists())?;
    Some(folder.join(".gitignore").is_file())
}

/// Tells how the command ended, and returns the exit code.
fn end(printer: &Printer, program: Program, verb: &str, result: Result<Outcome, Failure>) -> u8 {
    let code = match result {
        Ok(outcome) => outcome.code(),
        Err(failure) => {
            let told = failure.text(program);
            let (message, hints) = (printer.own_words(&told.message), told.hints.iter().map(|hint| printer.own_words(hint)));
            let hints: Vec<String> = hints.collect();
            printer.error(&message, &hints);
            printer
                .document(verb, json!({ "exit": told.code, "error": { "kind": told.kind, "message": message, "hints": hints } }));
            told.code
        }
    };
    match printer.failure() {
        None => code,
        Some(error) => {
            printer.error(&format!("cannot write to stdout: {error}"), &[]);
            if code == exit::DONE { exit::USAGE } else { code }
        }
    }
}

/// Answers a command line that is no command: help and version are answers, too.
fn misunderstood(printer: &Printer, program: Program, error: &clap::Error, typed: &[OsString]) -> u8 {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        let help = for_help(parser(program), program).try_get_matches_from(typed).err();
        printer.usage(&help.as_ref().unwrap_or(error).render(), true);
        return exit::DONE;
    }
    let typed: Vec<String> = typed.iter().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let message = match peer_commands::sentence(program, error, &typed) {
        Some(sentence) => {
            printer.error(&sentence, &[]);
            sentence
        }
        None => {
            printer.usage(&error.render(), false);
            let text = error.render().to_string();
            text.trim_start_matches("error: ").split("\n\n").next().unwrap_or_default().trim_end().to_owned()
        }
    };
    printer.document(
        &schema::of_typed(&whole(Arguments::command()), &typed),
        json!({ "exit": exit::USAGE, "error": { "kind": "usage", "message": message, "hints": [] } }),
    );
    exit::USAGE
}
