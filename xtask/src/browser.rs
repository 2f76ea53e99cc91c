//! The pages in a real browser: stories of people, and a look at every page that there is.
//!
//! The stories are in `xtask/browser`, as Node runs them with `playwright-core` and Debian's Chromium. They start the servers that they
//! need themselves, on ports that are free, with data that is thrown away.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;

use crate::{command, repository, test, tools};

#[derive(Args)]
pub(crate) struct Options {
    /// Run only the stories whose name contains this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Option<String>,
    /// Take the program in `target/debug` as it is
    #[arg(long)]
    pub(crate) as_built: bool,
    /// Put the screenshots that README shows into `docs/images`
    #[arg(long)]
    pub(crate) images: bool,
}

/// The screenshots that README shows, each with the one that is taken of its page.
const IMAGES: [(&str, &str); 2] = [("front.png", "demo-front-top.png"), ("trends.png", "demo-trends-top.png")];

/// The largest of them, in bytes: README is read on phones, too.
const LARGEST_IMAGE: u64 = 150 * 1024;

/// The story of two people and a command line that edit at once.
const INTERLEAVINGS: &str = "random interleavings";

/// Runs the stories, and returns how many checks they made.
pub(crate) fn run(options: &Options) -> Result<usize> {
    run_with(options, &[])
}

/// Runs so many random orders of what two people and a command line do to one agent, each with so many steps.
pub(crate) fn interleave(seed: u32, count: u32, steps: u32) -> Result<usize> {
    let options = Options { only: Some(INTERLEAVINGS.to_owned()), as_built: false, images: false };
    let numbers = [("KEEPSTEP_SEED", seed), ("KEEPSTEP_INTERLEAVINGS", count), ("KEEPSTEP_STEPS", steps)];
    run_with(&options, &numbers)
}

fn run_with(options: &Options, numbers: &[(&str, u32)]) -> Result<usize> {
    tools::install_for_pages()?;
    if !options.as_built {
        test::build()?;
    }
    let count = tempfile::NamedTempFile::new().context("cannot create a temporary file")?;
    let screenshots = repository::target().join("screenshots");
    fs::create_dir_all(&screenshots).with_context(|| format!("cannot create {}", screenshots.display()))?;
    let mut node = Command::new("node");
    node.arg(repository::root().join("xtask/browser/main.mjs"))
        .args(&options.only)
        .current_dir(repository::root())
        .env("KEEPSTEP_PROGRAM", repository::binary("debug", "keepstep"))
        .env("KEEPSTEP_CHROMIUM", tools::chromium().context("no Chromium is on the PATH")?)
        .env("KEEPSTEP_PACKAGES", tools::browser_packages())
        .env("KEEPSTEP_PROVIDER", tools::provider_packages())
        .env("KEEPSTEP_SCREENSHOTS", &screenshots)
        .env("KEEPSTEP_COUNT", count.path())
        .envs(numbers.iter().map(|(name, number)| (name, number.to_string())));
    if command::show(&mut node).is_err() {
        bail!("the pages are not as they should be: see above");
    }
    if options.images {
        copy_images(&screenshots)?;
    }
    let text = fs::read_to_string(count.path()).context("cannot read how many checks there were")?;
    text.trim().parse().with_context(|| format!("the stories counted {text:?} checks"))
}

fn copy_images(screenshots: &Path) -> Result<()> {
    let folder = repository::root().join("docs/images");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for (image, screenshot) in IMAGES {
        let size =
            fs::copy(screenshots.join(screenshot), folder.join(image)).with_context(|| format!("cannot copy {screenshot}"))?;
        ensure!(size <= LARGEST_IMAGE, "docs/images/{image} has {size} bytes, more than {LARGEST_IMAGE}");
    }
    Ok(())
}
