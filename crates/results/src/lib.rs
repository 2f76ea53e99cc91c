//! Results: what the runs of an agent mean. Nothing here reads or writes a file, waits, or asks the clock.
//!
//! A [`case`](mod@case) that ended has [turns](turn), a [status], what each criterion says ([verdict]), and a [problem] where it did not
//! pass. A run is its [totals] with [counts], its [tally], and what was tested ([provenance]); [head] is what a finished one says about itself.
//! What a good answer is, a [criterion] says. [`mod@compare`] holds two runs against each other, a [baseline] keeps one in a file, a [gate] says whether one is good enough, and
//! [`report`] tells it to other programs. What a platform is told about a case is its [record], and an experiment there a [batch].

pub mod baseline;
pub mod batch;
pub mod case;
pub mod compare;
pub mod counts;
pub mod criterion;
pub mod gate;
pub mod guardrails;
pub mod head;
pub mod problem;
pub mod provenance;
pub mod record;
pub mod report;
pub mod statistics;
pub mod status;
pub mod tally;
pub mod totals;
pub mod turn;
pub mod usage;
pub mod verdict;
