//! The pages of the dashboard over much data: how long the server takes for each, how much it sends, and how that grows.

mod browser;
mod data;
mod felt;
mod others;

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::Options;
use crate::platform::Platform;
use crate::report::Report;
use crate::statistics::{count, memory, quantile, time};
use browser::{Browser, Weight};
use data::{Data, Page, Size};

/// How often a page is asked for, and how often in any case, however long it takes.
const REQUESTS: usize = 60;
const FEWEST: usize = 20;

/// How long a page is asked for, after the fewest requests.
const LONGEST: Duration = Duration::from_secs(3);

/// How many requests warm up.
const WARM: usize = 3;

/// Numbers of turns at which the growth is looked at.
const STEPS: [u64; 4] = [10, 1_000, 100_000, 1_000_000];

/// The pages that are opened in a browser: the first one, and those with many rows behind them.
const FELT: [&str; 7] = [
    "Front page, with all agents",
    "Scenario, inputs",
    "Experiments",
    "Experiment of all inputs",
    "Case of 100 turns",
    "Two experiments of all inputs compared",
    "1,000 experiments, input by input",
];

/// Writes the section.
pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    let size = if options.quick { Size::QUICK } else { Size::FULL };
    let platform = Platform::start(&options.keepstep)?;
    let cookie = platform.cookie()?;
    let mut browser = Browser::open(platform.server.address(), &cookie)?;
    let mut data = Data::begin(&platform, size)?;

    let mut growth = Vec::new();
    for wanted in STEPS {
        data.grow(wanted)?;
        let experiments = data.experiments_path();
        let mut row = vec![count(data.turns())];
        for path in ["/", experiments.as_str(), data.first_experiment()?.as_str()] {
            row.push(time(ask(&mut browser, &Page::at(path), options)?.within(0.95)));
        }
        let [turns, front, list, one] = row.try_into().ok().context("three pages were asked for")?;
        growth.push([turns, front, list, one]);
        if data.is_complete() {
            break;
        }
    }
    data.finish()?;

    let mut rows = Vec::new();
    let mut heaviest = ("", 0);
    let pages = data.pages()?;
    for page in &pages {
        let asked = ask(&mut browser, page, options).with_context(|| format!("{}: {}", page.name, page.path))?;
        if asked.bytes > heaviest.1 {
            heaviest = (page.name, asked.bytes);
        }
        rows.push([page.name.to_owned(), time(asked.within(0.5)), time(asked.within(0.95)), kilobytes(asked.bytes)]);
    }
    let Weight { page, files, names } = browser.weight("/")?;

    report.paragraph(&format!(
        "A server on SQLite with {} agents, {} experiments and {} turns of {} cases, filled through the functions of the store beside \
         the running server, {} turns a second; the database is {} then. An owner who is signed in asks for each page over one \
         connection, one request after the other, {WARM} times to warm up and then up to {REQUESTS} times; the time ends with the last \
         byte of the page. Transferred is the page as it is sent, packed. The wanted: 95 of 100 within 50 ms, two experiments of 10,000 \
         cases compared within 300 ms, and 30 KB.",
        count(data.agents()),
        count(data.experiments()),
        count(data.turns()),
        count(data.cases()),
        count(data.turns_per_second()),
        memory(platform.size()?),
    ));
    report.table(["Page", "Half within", "95 % within", "Transferred"], &rows);
    report.paragraph(&format!(
        "The first page somebody opens, with everything: {}, of which the page is {} and {} are {}. The wanted: under 100 KB. The \
         heaviest of the later ones is {} with {}. Peak memory of the server: {}.",
        kilobytes(page + files),
        kilobytes(page),
        names.join(", "),
        kilobytes(files),
        heaviest.0,
        kilobytes(heaviest.1),
        memory(platform.server.memory()?)
    ));
    if let Some((script, packages)) = options.felt.as_ref().zip(options.browser_packages.as_ref()) {
        let looked_at: Vec<&Page> = pages.iter().filter(|page| FELT.contains(&page.name)).collect();
        let base = format!("http://{}", platform.server.address());
        report.paragraph(
            "What a reader notices, in headless Chromium on the same two cores as the server, each page several times with nothing cached: \
             when the largest part of it is painted (LCP), and the longest time from a key to the next picture (INP), over the keys that walk \
             a list, open the sheet of keys, and type into the palette and the search. The wanted: 500 ms and 50 ms.",
        );
        let felt = felt::rows(script, packages, &base, &cookie, &looked_at, options.quick)?;
        report.table(["Page", "LCP, half within", "LCP, 95 % within", "INP, the longest"], &felt);
    }
    others::measure(options, report)?;
    report.paragraph(
        "Growth: 95 of 100 answers within, with one server whose data grow from row to row; the experiment has 5 cases.",
    );
    report.table(["Turns", "Front page", "List of experiments", "One experiment"], &growth);
    Ok(())
}

/// What came back for a page.
struct Asked {
    latencies: Vec<Duration>,
    bytes: usize,
}

impl Asked {
    fn within(&self, share: f64) -> Duration {
        quantile(&self.latencies, share).unwrap_or_default()
    }
}

fn ask(browser: &mut Browser, page: &Page, options: &Options) -> Result<Asked> {
    let (most, fewest, warm) = if options.quick { (3, 3, 1) } else { (REQUESTS, FEWEST, WARM) };
    let mut asked = Asked { latencies: Vec::new(), bytes: 0 };
    let mut get = || if page.is_json { browser.get_json(&page.path) } else { browser.get(&page.path) };
    for _ in 0..warm {
        get()?;
    }
    while asked.latencies.len() < most {
        let answer = get()?;
        asked.latencies.push(answer.took);
        asked.bytes = asked.bytes.max(answer.body.len());
        let spent: Duration = asked.latencies.iter().sum();
        if asked.latencies.len() >= fewest && spent >= LONGEST {
            break;
        }
    }
    ensure!(asked.bytes > 0, "an empty page");
    Ok(asked)
}

fn kilobytes(bytes: usize) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let kilobytes = bytes as f64 / 1000.0;
    format!("{kilobytes:.1} KB")
}
