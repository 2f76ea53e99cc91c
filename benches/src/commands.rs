//! The commands that are measured, as a user runs them.

use std::path::Path;
use std::process::Command;

use crate::platform::Platform;
use crate::project::Project;

/// Returns our program in a project, with nothing around it that could change what it does.
pub(crate) fn keepstep(program: &Path, project: &Project, platform: Option<&Platform>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(project.path()).env("HOME", project.home()).env("NO_PROXY", "127.0.0.1");
    if let Some(platform) = platform {
        command.env("KEEPSTEP_URL", platform.url()).env("KEEPSTEP_API_KEY", &platform.key);
    }
    command
}

/// Returns the real lua-cli in a project.
pub(crate) fn lua(program: &Path, project: &Project, platform: Option<&Platform>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(project.path()).env("HOME", project.home()).env("NO_PROXY", "127.0.0.1");
    command.env("LUA_TELEMETRY", "false").env("LUA_NO_BANNER", "1");
    if let Some(platform) = platform {
        command.env("LUA_API_URL", platform.url()).env("LUA_API_KEY", &platform.key);
    }
    command
}

/// Returns a `curl` of the state that `sync` asks for.
pub(crate) fn curl(platform: &Platform, agent: &str) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--output", "/dev/null", "--header"]);
    command.arg(format!("Authorization: Bearer {}", platform.key));
    command.arg(format!("{}{}", platform.url(), state_path(agent)));
    command
}

/// Returns the path of an agent's state.
pub(crate) fn state_path(agent: &str) -> String {
    format!("/api/v1/agents/{agent}/state")
}
