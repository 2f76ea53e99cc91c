//! Results: what the runs of an agent mean.

pub mod statistics;
