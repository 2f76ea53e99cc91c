//! `keepstep compile` beside `lua compile`, and how it grows with the number of files.

use std::process::Command;

use anyhow::{Context, Result};

use crate::Options;
use crate::commands::{keepstep, lua};
use crate::measure::{repeated, repeated_alone};
use crate::project::Project;
use crate::report::Report;
use crate::statistics::{count, memory, time, times};

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    if let (Some(program), Some(template)) = (&options.lua, &options.lua_template) {
        let project = Project::template(template)?;
        let ours = || keepstep(&options.keepstep, &project, None, &["compile"]);
        let theirs = || lua(program, &project, None, &["compile"]);
        let commands: [&dyn Fn() -> Command; 2] = [&ours, &theirs];
        let measured = repeated(&commands, options.runs)?;
        let base = measured.first().context("nothing was measured")?.wall();
        let rows: Vec<[String; 4]> = ["`keepstep compile`", "`lua compile`"]
            .iter()
            .zip(&measured)
            .map(|(name, measured)| {
                let wall = measured.wall();
                [(*name).to_owned(), time(wall), times(wall, base), memory(measured.memory())]
            })
            .collect();
        report.paragraph("The template of the peer. The wanted: at least 500 times faster.");
        report.table(["Command", "Wall time", "Of ours", "Peak memory"], &rows);
    }

    let sizes: &[usize] = if options.quick { &[1, 10] } else { &[1, 10, 100, 1000] };
    let mut rows = Vec::new();
    for size in sizes {
        let project = Project::with_files(*size)?;
        let ours = || keepstep(&options.keepstep, &project, None, &["compile"]);
        let measured = repeated_alone(&ours, options.runs)?;
        rows.push([count(u64::try_from(*size)?), time(measured.wall()), memory(measured.memory())]);
    }
    report.paragraph(
        "Growth: TypeScript files of 200 lines that the entry reaches through imports. The wanted: 1,000 files in under 0.5 s.",
    );
    report.table(["Files", "Wall time", "Peak memory"], &rows);
    Ok(())
}
