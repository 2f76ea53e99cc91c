//! The dashboards of others that the benchmarks put beside ours. Nothing else needs them, so only `cargo xtask bench` installs them.

use std::path::PathBuf;

use anyhow::Result;

use super::{folder, install_pinned, python};

/// The releases that `xtask/peers/phoenix` and `xtask/peers/promptfoo` pin.
const PHOENIX: &str = "20.26.1";
const PROMPTFOO: &str = "0.121.19";

/// The programs that could be installed.
#[derive(Debug, Default)]
pub(crate) struct Dashboards {
    /// Of PyPI.
    pub(crate) phoenix: Option<PathBuf>,
    /// Of npm.
    pub(crate) promptfoo: Option<PathBuf>,
}

/// Installs what can be installed, and says what cannot: the benchmarks go on without it.
pub(crate) fn install() -> Dashboards {
    let installed = |title: &str, outcome: Result<()>, program: PathBuf| match outcome {
        Ok(()) => Some(program),
        Err(problem) => {
            eprintln!("warning: {title} is not measured: {problem:#}");
            None
        }
    };
    let environment = folder("phoenix");
    let title = format!("phoenix  {PHOENIX}");
    let phoenix = python::install_pinned(&format!("phoenix/{PHOENIX}.txt"), &environment, &title, || Ok(()));
    let promptfoo = install_pinned("promptfoo", "promptfoo", PROMPTFOO, |_| Ok(()));
    Dashboards {
        phoenix: installed("Phoenix", phoenix, environment.join("bin/phoenix")),
        promptfoo: installed("promptfoo", promptfoo, folder("promptfoo").join("node_modules/.bin/promptfoo")),
    }
}
