//! `keepstep sync --check` beside `lua sync --check` and beside a bare `curl` of the same state.

use std::process::Command;

use anyhow::{Context, Result};

use crate::Options;
use crate::commands::{curl, keepstep, lua};
use crate::measure::repeated;
use crate::platform::Platform;
use crate::project::Project;
use crate::report::Report;
use crate::statistics::{memory, time, times};

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let platform = Platform::start(&options.keepstep)?;
    let agents = platform.fill(1, 3)?;
    let agent = agents.first().context("no agent was made")?.as_str();
    let project = Project::new(agent, platform.organization(), "")?;

    let ours = || keepstep(&options.keepstep, &project, Some(&platform), &["sync", "--check"]);
    let bare = || curl(&platform, agent);
    let theirs = || options.lua.as_ref().map(|program| lua(program, &project, Some(&platform), &["sync", "--check"]));
    let peer = || theirs().unwrap_or_else(|| Command::new("false"));
    let mut commands: Vec<&dyn Fn() -> Command> = vec![&ours, &bare];
    let mut names = vec!["`keepstep sync --check`", "`curl` of the same state"];
    if theirs().is_some() {
        commands.push(&peer);
        names.push("`lua sync --check`");
    }
    let measured = repeated(&commands, options.runs)?;
    let base = measured.first().context("nothing was measured")?.wall();
    let rows: Vec<[String; 4]> = names
        .iter()
        .zip(&measured)
        .map(|(name, measured)| {
            let wall = measured.wall();
            [(*name).to_owned(), time(wall), times(wall, base), memory(measured.memory())]
        })
        .collect();
    report.paragraph(
        "A project that is in step, with a persona of 2 KiB, and the server on the same machine. The wanted: at least 300 \
         times faster than the peer, under 20 MiB, and at most 3 times a bare `curl`.",
    );
    report.table(["Command", "Wall time", "Of ours", "Peak memory"], &rows);
    Ok(())
}
