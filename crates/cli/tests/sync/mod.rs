//! `keepstep sync`

mod accept;
mod check;
mod drift_report;
mod dry_run;
mod fields;
mod json;
mod merge;
mod prompts;
mod push;
mod states;
mod status;
