//! What a reader of the pages notices: when a page is there, and how long a key takes to show something, in a real browser.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::data::Page;
use crate::statistics::{quantile, time};

/// How often a page is loaded, and how often in a quick run.
const LOADS: usize = 11;
const FEW: usize = 1;

/// What the browser says of a page.
#[derive(Deserialize)]
struct Felt {
    path: String,
    /// The largest contentful paint of each load, in milliseconds.
    paints: Vec<f64>,
    /// The longest time from a key to the next picture, in milliseconds; 0 where none took 16 or more.
    longest: f64,
}

/// Opens pages in Chromium, each several times with nothing cached. Returns a row for each: its name, half and 95 of 100 of the times of the
/// largest contentful paint, the longest time from a key to the next picture.
pub(super) fn rows(
    script: &Path,
    packages: &Path,
    base: &str,
    cookie: &str,
    pages: &[&Page],
    quick: bool,
) -> Result<Vec<[String; 4]>> {
    let loads = if quick { FEW } else { LOADS };
    let mut node = Command::new("node");
    node.arg(script).arg(base).arg(cookie).arg(loads.to_string()).args(pages.iter().map(|page| page.path.as_str()));
    let output = node.env("KEEPSTEP_PACKAGES", packages).output().context("node does not start")?;
    ensure!(output.status.success(), "the browser: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout)?;
    let felt: Vec<Felt> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(felt.len() == pages.len(), "the browser saw {} of {} pages", felt.len(), pages.len());
    let row = |(page, felt): (&&Page, &Felt)| {
        ensure!(page.path == felt.path && felt.paints.iter().all(|paint| *paint > 0.0), "{} was not painted", page.path);
        let paints: Vec<Duration> = felt.paints.iter().map(|paint| Duration::from_secs_f64(paint / 1000.0)).collect();
        let within = |share| time(quantile(&paints, share).unwrap_or_default());
        let longest = if felt.longest > 0.0 { format!("{} ms", felt.longest) } else { "under 16 ms".to_owned() };
        Ok([page.name.to_owned(), within(0.5), within(0.95), longest])
    };
    pages.iter().zip(&felt).map(row).collect()
}
