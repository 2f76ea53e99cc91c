//! The command line, as typed.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};

use crate::command;
use crate::deferred::Deferred;
use crate::printer::ColorChoice;

/// Keeps an AI agent's code, platform and test results in step.
#[derive(Debug, Parser)]
#[command(
    name = "keepstep",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = false,
    max_term_width = 110,
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
    /// Compare the agent in the code with the server, and bring them in step
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
    Test(Box<Deferred<command::test::Arguments>>),
    /// Show and compare test runs, and check them against a baseline
    Results(Deferred<command::results::Arguments>),
    /// Show, select and make the projects that hold test data
    Projects(Deferred<command::projects::Arguments>),
    /// Show, select and make scenarios
    Scenarios(Deferred<command::scenarios::Arguments>),
    /// Show, publish and import bundles of test data
    Bundles(Deferred<command::bundles::Arguments>),
    /// Show and make the personas of test data
    Personas(Deferred<command::personas::Arguments>),
    /// Show the inputs on the server
    Inputs(Deferred<command::inputs::Arguments>),
    /// Show and forget what is selected in the workspace
    Context(Deferred<command::context::Arguments>),
    /// Make, show and take back keys of a project
    Apikeys(Deferred<command::apikeys::Arguments>),
    /// Put back what a command replaced
    Undo(Deferred<command::undo::Arguments>),
    /// Run the platform
    Serve(Deferred<command::serve::Arguments>),
    /// Manage a platform's data directly
    Admin(Deferred<command::admin::Arguments>),
    /// See keepstep at work on throw-away data
    Demo(Deferred<command::demo::Arguments>),
    /// Call keepstep by the names `lua` and `fluxloop`
    Alias(Deferred<command::alias::Arguments>),
    /// Print a completion script for a shell
    Completions(Deferred<command::completions::Arguments>),
}
