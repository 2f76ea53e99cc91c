//! What a test run left on the disk, and how it becomes something that can be sent.
//!
//! Two layouts are read: `exp_YYYYmmdd_HHMMSS` below a scenario, as `fluxloop-cli` 0.3.3 and keepstep write it, and
//! `.fluxloop/results/<name>-YYYYmmdd-HHMMSS` of 0.4.0.
//!
//! 1. [`mod@list`] finds experiments and says how far each is, with [`uploads`], the record of what was sent.
//! 2. [`package`] says which files an experiment consists of.
//! 3. [`secrets`] and [`redact`] take out what must not leave the machine.
//! 4. [`runs`] reads the [`journal`] of a run of ours, or else the lines of the peers' files, one at a time, and writes
//!    the runs as the platform wants them, with [`inputs`] for runs that do not say which input they used, and a [`report`] of what
//!    could not be read.

mod failures;
pub mod inputs;
pub mod journal;
pub mod list;
pub mod package;
pub mod redact;
pub mod report;
mod run_id;
pub mod runs;
pub mod secrets;
mod turns;
pub mod uploads;

pub use list::{Experiment, Layout, State, Where, list};
