//! Test data and results: `sync pull`, `sync upload` and `test` beside the peer, and how they grow.

mod experiment;
mod large_file;
mod many_runs;
mod pull;
mod tests;
mod upload;
mod workspace;

pub(crate) use large_file::measure as measure_large_file;
pub(crate) use many_runs::measure as measure_many_runs;
pub(crate) use pull::measure as measure_pull;
pub(crate) use tests::measure as measure_tests;
pub(crate) use upload::measure as measure_upload;
