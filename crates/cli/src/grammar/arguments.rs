//! The command line, as typed.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::command;
use crate::grammar::deferred::Deferred;
use crate::shell::printer::ColorChoice;

/// Keeps an AI agent's code, server and test results in step.
#[derive(Debug, Parser)]
#[command(
    name = "keepstep",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    max_term_width = 110,
    help_template = help(),
    after_help = "Examples:\n  keepstep demo            see what it does, in half a minute\n  keepstep sync            compare the agent in the code with the server\n  keepstep sync --check    the same for CI: exit 1 when they differ"
)]
pub(crate) struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// Accepted before a command for the peers' scripts: they show more with it
    #[arg(long, hide = true)]
    verbose: bool,
    /// Likewise
    #[arg(long, hide = true)]
    debug: bool,
    /// The peers' names for `--version`
    #[arg(id = "peer_version", short = 'v', long = "cli-version", action = ArgAction::Version, hide = true)]
    peer_version: Option<bool>,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands by what they are for, the everyday ones first. A test finds those that are missing.
const GROUPS: &[(&str, &[&str])] = &[
    ("Everyday commands", &["sync", "test", "status", "results", "undo"]),
    ("Agent commands", &["push", "persona", "compile"]),
    ("Test data commands", &["scenarios", "bundles", "inputs", "personas", "projects", "context"]),
    ("Server commands", &["serve", "admin", "apikeys"]),
    ("Setup commands", &["demo", "init", "login", "logout", "auth", "trust", "doctor", "alias", "completions", "help"]),
];

/// Returns the help of the program, in which the commands stand in groups: the library has one list of them.
fn help() -> String {
    let commands = Command::augment_subcommands(clap::Command::new("keepstep"));
    let heading = |text: &str| format!("\u{1b}[1m\u{1b}[4m{text}:\u{1b}[0m\n");
    let mut help = "{about-with-newline}\n{usage-heading} {usage}\n\n".to_owned();
    for (group, names) in GROUPS {
        help += &heading(group);
        for name in *names {
            let command = commands.find_subcommand(name);
            let about = command.and_then(clap::Command::get_about).map_or_else(|| HELP.to_owned(), ToString::to_string);
            let aliases: Vec<&str> = command.into_iter().flat_map(clap::Command::get_visible_aliases).collect();
            let aliases = if aliases.is_empty() { String::new() } else { format!(" [alias: {}]", aliases.join(", ")) };
            help += &format!("  \u{1b}[1m{name:<11}\u{1b}[0m  {about}{aliases}\n");
        }
        help += "\n";
    }
    help + &heading(GLOBAL) + "{options}{after-help}"
}

/// What the library's own command `help` does.
const HELP: &str = "Print this message or the help of the given subcommand(s)";

/// The heading of what every command takes.
pub(crate) const GLOBAL: &str = "Global options";

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = GLOBAL)]
pub(crate) struct Global {
    /// Print one JSON document on stdout; everything else goes to stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print no status lines and hints
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Use color
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub(crate) color: ColorChoice,
    /// Run as if started in DIR
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// The server
    #[arg(long, global = true, visible_alias = "api-url", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The key; better kept in KEEPSTEP_API_KEY or with `login`, as command lines are visible to others
    #[arg(long, global = true, value_name = "KEY", hide_env_values = true)]
    pub(crate) api_key: Option<String>,
    /// Never ask; name the missing flag instead
    #[arg(long, global = true, action = ArgAction::SetTrue)]
    pub(crate) ci: bool,
}

/// The commands. Each is one file under `command/`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compare the agent's code with the server, and bring both in step
    Sync(Deferred<command::sync::Arguments>),
    /// Read the agent from the code and write dist-v2/manifest.json
    Compile(Deferred<command::compile::Arguments>),
    /// Publish a part of the agent
    Push(Deferred<command::push::Arguments>),
    /// Show, compare and deploy persona versions
    Persona(Deferred<command::persona::Arguments>),
    /// Deploy a part of the agent
    #[command(hide = true)]
    Deploy(Deferred<command::deploy::Arguments>),
    /// Show where the project stands
    #[command(visible_alias = "describe")]
    Status(Deferred<command::status::Arguments>),
    /// Check everything that the other commands depend on
    Doctor(Deferred<command::doctor::Arguments>),
    /// Store a server's key on this machine
    Login(Deferred<command::login::Arguments>),
    /// Forget a server's key
    Logout(Deferred<command::logout::Arguments>),
    /// Let a server that a file of the project names get your keys
    Trust(Deferred<command::trust::Arguments>),
    /// Show who is signed in, and where
    Auth(Deferred<command::auth::Arguments>),
    /// Start a project
    Init(Deferred<command::init::Arguments>),
    /// Run the agent on the inputs of a scenario
    Test(Box<Deferred<command::run_tests::Arguments>>),
    /// Show and compare experiments, and check them against a baseline
    Results(Deferred<command::results::Arguments>),
    /// Show, select and create the projects that hold test data
    Projects(Deferred<command::projects::Arguments>),
    /// Show, select and create scenarios
    Scenarios(Deferred<command::scenarios::Arguments>),
    /// Show, publish and import bundles of test data
    Bundles(Deferred<command::bundles::Arguments>),
    /// Show and create the personas of test data
    Personas(Deferred<command::personas::Arguments>),
    /// Show the inputs on the server
    Inputs(Deferred<command::inputs::Arguments>),
    /// Show and forget what is selected in the workspace
    Context(Deferred<command::context::Arguments>),
    /// Create, show and revoke keys of a project
    Apikeys(Deferred<command::apikeys::Arguments>),
    /// Restore what a command replaced
    Undo(Deferred<command::undo::Arguments>),
    /// Run the server
    Serve(Deferred<command::serve::Arguments>),
    /// Manage a server's data directly
    Admin(Deferred<command::admin::Arguments>),
    /// See keepstep at work on throw-away data
    Demo(Deferred<command::demo::Arguments>),
    /// Call keepstep by the names `lua` and `fluxloop`
    Alias(Deferred<command::alias::Arguments>),
    /// Print a completion script for a shell
    Completions(Deferred<command::completions::Arguments>),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_help_lists_every_command_once() {
        let arguments = Arguments::command();
        let mut known: Vec<&str> =
            arguments.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name).collect();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().filter(|name| *name != "help").collect();
        known.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, known);
    }
}
