//! Waiting for what is asynchronous.

use std::future::Future;

use tokio::runtime::{Builder, Runtime};

use crate::shell::failure::Failure;

/// Returns a runtime of this one thread: a command has one conversation at a time, and threads cost time to start.
pub(crate) fn single() -> Result<Runtime, Failure> {
    Builder::new_current_thread().enable_all().build().map_err(|error| Failure::io("start", "the network", error))
}

/// Waits for one thing on a runtime of its own.
pub(crate) fn wait<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    single()?.block_on(future)
}
