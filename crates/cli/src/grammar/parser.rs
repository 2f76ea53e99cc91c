//! The parser of the command line, as a caller of this name knows it.

use std::ffi::OsString;

use clap::{ArgMatches, CommandFactory as _};

use super::arguments::{Arguments, GLOBAL};
use crate::session::connection::server_timeout;
use crate::shell::printer::ColorChoice;
use crate::shell::program::Program;

/// Returns the parser with the name and the examples as this caller knows them.
pub(crate) fn parser(program: Program) -> clap::Command {
    let command = server_timeout::taken_by(Arguments::command());
    if program == Program::Keepstep { command } else { renamed(whole(command.name(program.name())), program) }
}

/// Returns a parser with all that its commands have put off.
pub(crate) fn whole(mut command: clap::Command) -> clap::Command {
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

/// Returns a parser that shows what every command takes in the help of the program only, and in that of a command where to find it.
pub(crate) fn for_help(command: clap::Command, program: Program) -> clap::Command {
    fn without_global(command: clap::Command, line: &str) -> clap::Command {
        let command = command.mut_args(|argument| {
            let is_hidden = argument.is_hide_set() || argument.get_help_heading() == Some(GLOBAL);
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

/// Returns the color that an unparsed command line asks for.
pub(crate) fn color_as_typed(typed: &[OsString]) -> ColorChoice {
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

/// Returns the scenario that a command was told to be about. One that is created, shown or selected is no such thing.
pub(crate) fn scenario(matches: &ArgMatches) -> Option<String> {
    const OPTION: &str = "scenario";
    let mut matches = matches;
    while let Some((name, inner)) = matches.subcommand() {
        if name == "scenarios" {
            return None;
        }
        matches = inner;
    }
    matches.try_get_one::<String>(OPTION).ok().flatten().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_sound_under_every_name() {
        for program in [Program::Keepstep, Program::Lua, Program::Fluxloop] {
            parser(program).debug_assert();
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
        check(&whole(parser(Program::Keepstep)), "keepstep");
    }
}
