//! What a test run left on the disk, and how it becomes something that can be sent.
//!
//! Two layouts are read: `exp_YYYYmmdd_HHMMSS` below a scenario, as `fluxloop-cli` 0.3.3 and keepstep write it, and
//! `.fluxloop/results/<name>-YYYYmmdd-HHMMSS` of 0.4.0.
//!
//! 1. [`mod@list`] finds experiments and says how far each is, with [`uploads`], the record of what was sent.

pub mod list;
pub mod uploads;

pub use list::{Experiment, Layout, State, Where, list};
