//! Test data and results: `sync pull` and `sync upload` beside the peer, and how both grow.

mod experiment;
mod large_file;
mod many_runs;
mod pull;
mod upload;
mod workspace;

pub(crate) use large_file::measure as measure_large_file;
pub(crate) use many_runs::measure as measure_many_runs;
pub(crate) use pull::measure as measure_pull;
pub(crate) use upload::measure as measure_upload;
