//! Results: run batches, their runs, what was said in them, and their files.
//!
//! A *batch* is one experiment. A *run* is one input, tried once; its id is given by the client and is unique within a
//! project. There are two ways in:
//!
//! - [`Transaction::begin_commit`](crate::Transaction::begin_commit) brings a whole batch in chunks: our own protocol.
//! - [`Transaction::record_upload`](crate::Transaction::record_upload) takes what the peers say in pieces: before the
//!   runs, after them, twice, and in no certain order.
//!
//! Both find the batch that is meant in the same way, so that whatever is repeated is stored once:
//!
//! 1. the batch of the same name that has one of the runs already;
//! 2. a batch that has all of them, whatever its name is;
//! 3. when a test is over: the batch of the same name and bundle version that still waits for runs of these inputs. The
//!    runs replace those that were announced for them;
//! 4. otherwise a new one. Two tests that have the same name by accident are two batches.

mod abandon;
mod artifacts;
mod commit;
mod figures;
mod find;
mod model;
mod read;
mod record;
mod turns;
mod write;

pub use artifacts::NewArtifact;
pub use commit::{Begun, Commit, Committed, NewCommit};
pub use figures::{FailedNeighbors, InputResult, RunDurations};
pub use model::{
    Artifact, BatchStatus, Counts, NOT_REPORTED, ResultsError, Run, RunBatch, RunDetail, RunRecord, RunResult, Status, Turn,
};
pub use read::{BatchFilter, RunFilter};
pub use record::{Recorded, Upload};
