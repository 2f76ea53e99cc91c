//! How long a server may be silent: `--timeout` of every command that asks one, else `KEEPSTEP_TIMEOUT`.
//!
//! `test` has a `--timeout` of its own, the longest time for one answer of the agent, so the option cannot be one of all commands.

use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use keepstep_base::human::parse_duration;

use crate::session::context::Environment;
use crate::shell::failure::Failure;

/// The name of the option inside of the grammar.
const ID: &str = "server_timeout";

/// The variable that stands in for the option.
const VARIABLE: &str = "KEEPSTEP_TIMEOUT";

/// The commands that ask no server, or whose option of that name is another one.
const WITHOUT: [&str; 6] = ["admin", "alias", "completions", "demo", "serve", "test"];

/// Returns a grammar whose commands take the option.
pub(crate) fn taken_by(mut command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .filter(|name| !WITHOUT.contains(&name.as_str()))
        .collect();
    for name in names {
        command = command.mut_subcommand(name, |command| command.arg(argument()));
    }
    command
}

fn argument() -> Arg {
    Arg::new(ID)
        .long("timeout")
        .global(true)
        .value_name("DURATION")
        .value_parser(parsed)
        .help("Give up a server that is silent for this long, such as 60s [env: KEEPSTEP_TIMEOUT=] [default: 15s]")
}

/// Returns what was typed.
pub(crate) fn typed(matches: &ArgMatches) -> Option<Duration> {
    let mut matches = matches;
    let mut found = None;
    loop {
        found = matches.try_get_one::<Duration>(ID).ok().flatten().copied().or(found);
        match matches.subcommand() {
            Some((_, inner)) => matches = inner,
            None => return found,
        }
    }
}

/// Returns what the environment says.
pub(crate) fn of_environment(environment: &Environment) -> Result<Option<Duration>, Failure> {
    let Some(text) = environment.get(VARIABLE) else { return Ok(None) };
    parsed(text).map(Some).map_err(|problem| Failure::usage(format!("{problem} in {VARIABLE}")))
}

/// Reads a duration; a bare number is of seconds.
fn parsed(text: &str) -> Result<Duration, String> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let duration = if is_number { parse_duration(&format!("{text}s")) } else { parse_duration(text) };
    match duration {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("invalid duration {text:?}: write 30s or 2m")),
    }
}
