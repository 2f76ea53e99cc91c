//! Runs an agent on inputs: inputs become cases, cases become events, events become results.
//!
//! The way of a case, in the order of the modules: [`config`] says what to run, [`input`] what it is asked, [`case`] which
//! inputs, how often and in which order. [`agent`] is what answers. [`run()`] gives the cases to parallel slots; what happens is
//! an [`event`], and how a case ended an [`outcome`]: after [`judge`] has looked at the answer. It is on the disk before its slot
//! goes on. [`experiment`] is the folder that a run leaves. Terminal, JSON, [`junit`] and [`github`] are readers. [`stored`] reads such a
//! folder again, and [`mod@compare`] two of them.
//!
//! Nothing here prints, and nothing here talks to a platform: what is run comes from files of this machine only.

pub mod agent;
pub mod case;
pub mod compare;
pub mod config;
pub mod conversation;
pub mod duration;
pub mod event;
pub mod experiment;
pub mod github;
pub mod guardrails;
pub mod input;
pub mod judge;
pub mod junit;
pub mod model;
pub mod outcome;
mod problem;
pub mod provenance;
pub mod run;
mod status;
pub mod stored;
pub mod tally;
pub mod usage;
mod yaml;

pub use run::run;
