//! From what was typed to the command that it names.

use super::CommandResult;
use crate::grammar::arguments::Command;
use crate::grammar::deferred::Deferred;
use crate::grammar::parser;
use crate::session::context::Context;

/// Runs the command.
pub(crate) fn run(context: &Context, command: &Command) -> CommandResult {
    match command {
        Command::Sync(Deferred(arguments)) => super::sync::run(context, arguments),
        Command::Compile(Deferred(arguments)) => super::compile::run(context, arguments),
        Command::Push(Deferred(arguments)) => super::push::run(context, arguments),
        Command::Persona(Deferred(arguments)) => super::persona::run(context, arguments),
        Command::Deploy(Deferred(arguments)) => super::deploy::run(context, arguments),
        Command::Status(Deferred(arguments)) => super::status::run(context, arguments),
        Command::Doctor(Deferred(arguments)) => super::doctor::run(context, arguments),
        Command::Login(Deferred(arguments)) => super::login::run(context, arguments),
        Command::Logout(Deferred(arguments)) => super::logout::run(context, arguments),
        Command::Trust(Deferred(arguments)) => super::trust::run(context, arguments),
        Command::Auth(Deferred(arguments)) => super::auth::run(context, arguments),
        Command::Init(Deferred(arguments)) => super::init::run(context, arguments),
        Command::Test(arguments) => super::run_tests::run(context, &arguments.0),
        Command::Results(Deferred(arguments)) => super::results::run(context, arguments),
        Command::Projects(Deferred(arguments)) => super::projects::run(context, arguments),
        Command::Scenarios(Deferred(arguments)) => super::scenarios::run(context, arguments),
        Command::Bundles(Deferred(arguments)) => super::bundles::run(context, arguments),
        Command::Personas(Deferred(arguments)) => super::personas::run(context, arguments),
        Command::Inputs(Deferred(arguments)) => super::inputs::run(context, arguments),
        Command::Context(Deferred(arguments)) => super::context::run(context, arguments),
        Command::Apikeys(Deferred(arguments)) => super::apikeys::run(context, arguments),
        Command::Undo(Deferred(arguments)) => super::undo::run(context, arguments),
        Command::Serve(Deferred(arguments)) => super::serve::run(context, arguments),
        Command::Admin(Deferred(arguments)) => super::admin::run(context, arguments),
        Command::Demo(Deferred(arguments)) => super::demo::run(context, arguments),
        Command::Alias(Deferred(arguments)) => super::alias::run(context, arguments),
        Command::Completions(Deferred(arguments)) => {
            super::completions::run(context, arguments, parser::whole(parser::parser(context.program)))
        }
    }
}
