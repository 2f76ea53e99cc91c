//! A batch of very many runs: bringing it, and looking at it.

use std::time::Duration;

use anyhow::{Context, Result};
use hyper::StatusCode;

use super::experiment::Shape;
use super::upload::Bench;
use super::workspace::answer;
use crate::Options;
use crate::load::{Load, Target, run};
use crate::measure::once;
use crate::publishing::{Latencies, Publishing, publish};
use crate::report::Report;
use crate::statistics::{count, memory, time};

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let mut rows = Vec::new();
    for runs in [10, 1_000, 100_000] {
        rows.push(one(options, options.size(runs, 10))?);
        if options.quick {
            break;
        }
    }
    report.paragraph(
        "An experiment without files of its traces: the whole `sync upload`, and then the lists that the peers and the pages \
         ask for, one client at a time, half of the answers within. The wanted: 100,000 runs in under 10 s, and every list \
         under 100 ms.",
    );
    report.table(
        [
            "Runs",
            "`sync upload`",
            "Peak memory",
            "Batches",
            "First 200 runs",
            "Last 200 runs",
            "Its page",
            "Peak memory of the server",
        ],
        &rows,
    );
    publishing(options, report)
}

/// What somebody notices of it who publishes personas meanwhile.
fn publishing(options: &Options, report: &mut Report) -> Result<()> {
    let runs = options.size(100_000, 10);
    let bench = Bench::new(options, Shape { traces: runs, per_trace: false }, 1)?;
    let agents = bench.platform.fill(1, 1)?;
    let agent = agents.first().context("no agent was made")?;
    let alone = publish(&bench.platform, agent, None, if options.quick { 3 } else { 200 })?;
    let meanwhile = publish(&bench.platform, agent, Some(bench.ours()), 0)?;
    let again = publish(&bench.platform, agent, Some(bench.with_another_file()?), 0)?;
    let row = |name: &str, latencies: &Latencies| {
        let within = |share| time(latencies.within(share));
        [name.to_owned(), count(latencies.count()), within(0.5), within(0.99), within(1.0)]
    };
    let rows = |name: &str, Publishing { published, bare }: &Publishing| {
        [row(name, published), row("&nbsp; a bare write meanwhile", bare)]
    };
    report.paragraph(&format!(
        "Publishing a persona, again and again, alone and while {} runs are uploaded. Beside each, a process that writes 4 KiB to the same \
         disk and waits for it, again and again: what the disk alone takes. The wanted: each in under 50 ms.",
        count(runs.into())
    ));
    report.table(
        ["Publishing", "Times", "Half within", "99 % within", "The slowest"],
        &[rows("alone", &alone), rows("during the upload", &meanwhile), rows("during another one, with one file more", &again)]
            .concat(),
    );
    Ok(())
}

fn one(options: &Options, runs: u32) -> Result<[String; 8]> {
    let bench = Bench::new(options, Shape { traces: runs, per_trace: false }, 1)?;
    let measured = once(&[&|| bench.ours()])?;
    let uploaded = measured.first().context("nothing was measured")?;
    let page = answer(&mut bench.again())?["url"].as_str().context("an upload names its page")?.to_owned();
    let platform = &bench.platform;
    let page = page.strip_prefix(&platform.url()).context("the page is on another server")?.to_owned();
    let project = &bench.project;
    let cookie = platform.cookie()?;
    let ask = |path: String| -> Result<String> {
        let target = Target {
            address: platform.server.address(),
            path,
            headers: vec![("authorization", format!("Bearer {}", platform.key)), ("cookie", cookie.clone())],
            status: StatusCode::OK,
        };
        let load = Load { clients: 1, time: if options.quick { Duration::from_millis(200) } else { Duration::from_secs(4) } };
        Ok(time(run(&target, load)?.half))
    };
    let last = runs.saturating_sub(200);
    Ok([
        count(runs.into()),
        time(uploaded.wall()),
        memory(uploaded.memory()),
        ask(format!("/api/experiments?project_id={project}&limit=50"))?,
        ask(format!("/api/runs?project_id={project}&limit=200&offset=0"))?,
        ask(format!("/api/runs?project_id={project}&limit=200&offset={last}"))?,
        ask(page)?,
        memory(platform.server.memory()?),
    ])
}
