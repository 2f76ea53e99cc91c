//! Runs an agent on inputs: inputs become cases, cases become events, events become results.
//!
//! The way of a case, in the order of the modules: [`config`] says what to run, [`input`] what it is asked, [`case`] which
//! inputs, how often and in which order. [`agent`] is what answers. [`run()`] gives the cases to parallel slots; what happens is
//! an [`event`], and how a case ended a [case](keepstep_results::case): after [`judge`] has looked at the answer. It is on the disk
//! before its slot goes on. [`experiment`] is the folder that a run leaves. Terminal, JSON and [`junit`] are readers. [`stored`] reads
//! such a folder again.
//!
//! Nothing here prints, and nothing here talks to a platform: what is run comes from files of this machine only.

pub mod agent;
pub mod case;
pub mod config;
pub mod conversation;
pub mod event;
pub mod experiment;
pub mod input;
pub mod json_path;
pub mod judge;
pub mod junit;
pub mod model;
pub mod run;
pub mod stored;
mod yaml;

pub use run::run;
