//! `keepstep`: keeps an AI agent's code, platform and test results in step.
//!
//! A command goes through four steps: the arguments as typed ([`arguments`]); what they mean together with the environment
//! and the project's files ([`context`], [`settings`]); a function of these that decides, shows and acts ([`command`]);
//! an outcome or a [`failure`], which becomes the exit code ([`exit`]). Only [`printer`] prints.

mod age;
mod arguments;
mod choice;
mod ci;
mod command;
mod connecting;
mod context;
mod current_workspace;
mod data_file;
mod deferred;
mod device_login;
mod diff_view;
mod exit;
mod failure;
mod files;
mod git;
#[cfg(test)]
mod hint_law;
mod interrupt;
mod keepstep_folder;
mod keyboard;
mod label;
mod list_format;
mod lock_file;
mod outbox;
mod peer_commands;
mod platform_data;
mod printer;
mod program;
mod prompt;
mod renewed_login;
mod runtime;
mod schema;
mod scope;
mod secrets;
mod server;
mod server_timeout;
mod settings;
mod sides;
mod table;
mod test_data_server;
mod text;
mod trusted;
mod undo_log;
mod uploaded;
mod visible;
mod workspace_env;
mod wrap;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};
use serde_json::json;

use crate::arguments::{Arguments, Command};
use crate::command::{CommandResult, Outcome};
use crate::context::{Context, Environment};
use crate::deferred::Deferred;
use crate::failure::Failure;
use crate::printer::{ColorChoice, Manner, Printer};
use crate::program::Program;

/// Gives memory back to the system after it is free. The allocator of the C library keeps what a burst of large requests took in each
/// of its arenas, so a server would stay as large as its worst minute.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    interrupt::install();
    let code = panic::catch_unwind(|| {
        panic::set_hook(Box::new(report_bug));
        run(std::env::args_os().collect())
    });
    ExitCode::from(code.unwrap_or(exit::BUG))
}

/// Tells about a bug in one sentence, and how to report it.
#[expect(clippy::print_stderr, reason = "the printer may be what is broken")]
fn report_bug(panic: &panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("no message");
    let place = panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    eprintln!("keepstep has a bug: {}{place}", visible::visible_line(message));
    eprintln!(
        "Please report it with the command that you typed and this version ({}): {}/issues",
        env!("CARGO_PKG_VERSION"),
        env!("CARGO_PKG_REPOSITORY")
    );
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
    let parsed = grammar(program).try_get_matches_from(&typed).and_then(|matches| {
        let typed = server_timeout::typed(&matches);
        Ok((schema::of_parsed(&matches), typed, Arguments::from_arg_matches(&matches)?))
    });
    let (verb, typed_timeout, arguments) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let color = color_as_typed(&typed);
            let json = typed.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json");
            return misunderstood(&Printer::new(program, manner(json, false, color)), program, &error, &typed);
        }
    };
    let Arguments { global, command, .. } = arguments;
    let printer = Printer::new(program, manner(global.json, global.quiet, global.color));
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
    let can_ask = !global.ci && io::stdin().is_terminal() && io::stderr().is_terminal();
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
    let result = dispatch(&context, &command);
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

/// Returns the grammar with the name and the examples as this caller knows them.
fn grammar(program: Program) -> clap::Command {
    let command = server_timeout::taken_by(Arguments::command());
    if program == Program::Keepstep { command } else { renamed(whole(command.name(program.name())), program) }
}

/// Returns a grammar with all that its commands have put off.
fn whole(mut command: clap::Command) -> clap::Command {
    command.build();
    command
}

fn renamed(mut command: clap::Command, program: Program) -> clap::Command {
    let examples = command.get_after_help().map(ToString::to_string);
    if let Some(examples) = examples {
        command = command.after_help(examples.replace("  keepstep ", &format!("  {} ", program.name())));
    }
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        command = command.mut_subcommand(name, |command| renamed(command, program));
    }
    command
}

/// Returns a grammar that shows what every command takes in the help of the program only, and in that of a command where to find it.
fn for_help(command: clap::Command, program: Program) -> clap::Command {
    fn without_global(command: clap::Command, line: &str) -> clap::Command {
        let command = command.mut_args(|argument| {
            let is_hidden = argument.is_hide_set() || argument.get_help_heading() == Some(arguments::GLOBAL);
            argument.hide(is_hidden)
        });
        let end = command.get_after_help().map_or_else(|| line.to_owned(), |examples| format!("{examples}\n\n{line}"));
        let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        names
            .into_iter()
            .fold(command.after_help(end), |command, name| command.mut_subcommand(name, |command| without_global(command, line)))
    }
    let line = format!("Global options: see `{} --help`", program.name());
    let command = whole(command);
    let names: Vec<String> = command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| command.mut_subcommand(name, |command| without_global(command, &line)))
}

/// Runs the command.
fn dispatch(context: &Context, command: &Command) -> CommandResult {
    match command {
        Command::Sync(Deferred(arguments)) => command::sync::run(context, arguments),
        Command::Compile(Deferred(arguments)) => command::compile::run(context, arguments),
        Command::Push(Deferred(arguments)) => command::push::run(context, arguments),
        Command::Persona(Deferred(arguments)) => command::persona::run(context, arguments),
        Command::Deploy(Deferred(arguments)) => command::deploy::run(context, arguments),
        Command::Status(Deferred(arguments)) => command::status::run(context, arguments),
        Command::Doctor(Deferred(arguments)) => command::doctor::run(context, arguments),
        Command::Login(Deferred(arguments)) => command::login::run(context, arguments),
        Command::Logout(Deferred(arguments)) => command::logout::run(context, arguments),
        Command::Trust(Deferred(arguments)) => command::trust::run(context, arguments),
        Command::Auth(Deferred(arguments)) => command::auth::run(context, arguments),
        Command::Init(Deferred(arguments)) => command::init::run(context, arguments),
        Command::Test(arguments) => command::test::run(context, &arguments.0),
        Command::Results(Deferred(arguments)) => command::results::run(context, arguments),
        Command::Projects(Deferred(arguments)) => command::projects::run(context, arguments),
        Command::Scenarios(Deferred(arguments)) => command::scenarios::run(context, arguments),
        Command::Bundles(Deferred(arguments)) => command::bundles::run(context, arguments),
        Command::Personas(Deferred(arguments)) => command::personas::run(context, arguments),
        Command::Inputs(Deferred(arguments)) => command::inputs::run(context, arguments),
        Command::Context(Deferred(arguments)) => command::context::run(context, arguments),
        Command::Apikeys(Deferred(arguments)) => command::apikeys::run(context, arguments),
        Command::Undo(Deferred(arguments)) => command::undo::run(context, arguments),
        Command::Serve(Deferred(arguments)) => command::serve::run(context, arguments),
        Command::Admin(Deferred(arguments)) => command::admin::run(context, arguments),
        Command::Demo(Deferred(arguments)) => command::demo::run(context, arguments),
        Command::Alias(Deferred(arguments)) => command::alias::run(context, arguments),
        Command::Completions(Deferred(arguments)) => {
            command::completions::run(context, arguments, whole(grammar(context.program)))
        }
    }
}

/// Tells how the command ended, and returns the exit code.
fn end(printer: &Printer, program: Program, verb: &str, result: Result<Outcome, Failure>) -> u8 {
    let code = match result {
        Ok(outcome) => outcome.code(),
        Err(failure) => {
            let told = failure.told(program);
            printer.error(&told.message, &told.hints);
            printer.document(
                verb,
                json!({ "exit": told.code, "error": { "kind": told.kind, "message": told.message, "hints": told.hints } }),
            );
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
        let help = for_help(grammar(program), program).try_get_matches_from(typed).err();
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

/// Returns the colour that an unparsed command line asks for.
fn color_as_typed(typed: &[OsString]) -> ColorChoice {
    let words: Vec<&str> = typed.iter().filter_map(|argument| argument.to_str()).collect();
    let says = |when: &str| {
        words.contains(&format!("--color={when}").as_str()) || words.windows(2).any(|pair| pair == ["--color", when])
    };
    match (says("always"), says("never")) {
        (true, false) => ColorChoice::Always,
        (false, true) => ColorChoice::Never,
        _ => ColorChoice::Auto,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound_under_every_name() {
        for program in [Program::Keepstep, Program::Lua, Program::Fluxloop] {
            grammar(program).debug_assert();
        }
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(command.is_hide_set() || example.contains("  keepstep "), "{path} has no example");
            for sub in command.get_subcommands().filter(|command| command.get_name() != "help") {
                check(sub, &format!("{path} {}", sub.get_name()));
            }
        }
        check(&whole(grammar(Program::Keepstep)), "keepstep");
    }
}
