//! Private worlds for tests.
//!
//! - [`World`]: a temporary folder with a home of its own, projects in it, and commands that see nothing else.
//! - [`Canned`]: a small HTTP server that answers what the test says and remembers what it was asked.
//! - [`Proxy`]: stands between a client and a server and breaks what passes: cut, hold, repeat, answer something else.
//! - [`HostileServer`]: says nothing, too little or too much.
//! - [`Platform`]: the program's own `serve` as a child process that a test can kill and start again.
//! - [`terminal`]: a pseudo-terminal that shows what a person would see of a command, and types for them.
//!
//! Everything is blocking and has its own threads, so that tests with and without an async runtime can use it. Nothing
//! here sleeps to wait for something: a test asks, or is told. Whatever goes wrong here is a fault of the test, so these
//! functions panic with a sentence instead of returning errors.

mod canned;
mod hostile;
mod message;
mod platform;
mod port;
mod proxy;
#[cfg(unix)]
pub mod terminal;
mod world;

pub use canned::Canned;
pub use hostile::{HostileServer, Hostility};
pub use message::{Reply, Request};
pub use platform::Platform;
pub use port::{closed_port, wait_for_port};
pub use proxy::{Fault, Proxy};
pub use world::{Project, World, transcript};

/// How long anything here waits for something that should happen at once.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);
