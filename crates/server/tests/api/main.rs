//! The API, asked for over HTTP.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod before_the_body;
mod callers;
mod connections;
mod drift;
mod events;
mod fluxloop;
mod fluxloop_callers;
mod hostile;
mod login;
mod lua;
mod operations;
mod own;
mod repeated;
mod results;
mod shutdown;
mod storage;
mod tls;
mod uploads;
mod world;
