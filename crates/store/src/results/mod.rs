//! Results: run batches, their runs, what was said in them, and their files.
//!
//! A *batch* is one experiment. A *run* is one input, tried once; its id is given by the client and is unique within a
//! project. There are three ways in:
//!
//! - [`Transaction::begin_commit`](crate::Transaction::begin_commit) brings a whole batch in chunks: our own protocol.
//! - [`Transaction::record_upload`](crate::Transaction::record_upload) takes what the peers say in pieces: before the
//!   runs, after them, twice, and in no certain order.
//! - [`Transaction::record_live`](crate::Transaction::record_live) takes what is told of a test while it goes on, which a commit ends.
//!
//! A commit of very many runs is written in many transactions, between which others write. What it brings is hidden until its last
//! transaction: whatever reads names the views `run_batches`, `runs` and `artifacts`, in which nothing hidden is.
//!
//! Both find the batch that is meant in the same way, so that whatever is repeated is stored once:
//!
//! 1. the batch of the same name that has one of the runs already;
//! 2. a batch that has all of them, whatever its name is;
//! 3. when a test is over: the batch of the same name and bundle version that still waits for runs of these inputs. The
//!    runs replace those that were announced for them;
//! 4. otherwise a new one. Two tests that have the same name by accident are two batches.

/// The name of an experiment `b` with the labels `l`, as [`Experiment::name`] has it.
macro_rules! shown_name {
    () => {
        "coalesce(l.name, nullif(trim(b.experiment_id, ' ' || char(9, 10, 11, 12, 13)), ''), b.id)"
    };
}
pub(crate) use shown_name;

mod abandon;
mod artifacts;
mod commit;
mod compared;
mod counted;
mod counting;
mod experiments;
mod export;
mod figures;
mod find;
mod gates;
mod hidden;
mod live;
mod model;
mod outcomes;
mod read;
mod record;
mod retention;
mod shares;
mod turns;
mod verdicts;
mod write;

pub use artifacts::NewArtifact;
pub use commit::{Begun, Commit, Committed, NewCommit};
pub use compared::{ComparedCases, RunTexts};
pub use counted::{CountedCases, ExperimentFigures, MOST_KEPT, Uncounted};
pub use experiments::{
    DeletedExperiment, Experiment, ExperimentChoices, ExperimentFilter, ExperimentLabels, ExperimentOrder, RESTORABLE, TrendPoint,
};
pub use figures::{FailedNeighbors, InputResult, RunDurations};
pub use gates::{CheckedGate, ExperimentGate, FailedGate, GateToCheck};
pub use live::{LiveReport, LiveState};
pub use model::{
    Artifact, BatchStatus, Counts, NOT_REPORTED, ResultsError, Run, RunBatch, RunDetail, RunRecord, RunResult, Status, Turn,
};
pub use outcomes::ShownCase;
pub(crate) use read::containing;
pub use read::{BatchFilter, RunFilter, RunPart};
pub use record::{Recorded, Upload};
pub use retention::{ExperimentsSize, MonthSize};
pub use shares::{Share, SharedExperiment};
pub use verdicts::{HumanVerdict, NewVerdict, WaitingExperiment, criterion_key};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// The tables that also have what is hidden.
    const TABLES: [&str; 3] = ["stored_batches", "stored_runs", "stored_artifacts"];

    /// Those that write, that remove what nobody needs, that look through everything for damage, and that say how large each table is.
    const WRITERS: [&str; 16] = [
        "results/abandon.rs",
        "results/artifacts.rs",
        "results/commit.rs",
        "results/counted.rs",
        "results/counting.rs",
        "results/find.rs",
        "results/hidden.rs",
        "results/live.rs",
        "results/mod.rs",
        "results/record.rs",
        "results/retention.rs",
        "results/turns.rs",
        "results/write.rs",
        "artifacts/collect.rs",
        "examine.rs",
        "room.rs",
    ];

    /// What reads names the views, in which nothing hidden is; so no list, page, figure or search can forget it.
    #[test]
    fn only_writers_name_the_tables_with_what_is_hidden() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut folders = vec![root.clone()];
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                if path.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                let is_naming = TABLES.iter().any(|table| code.contains(table));
                assert!(!is_naming || WRITERS.contains(&name.as_str()), "{name} names a table in the place of its view");
                seen += 1;
            }
        }
        assert!(seen > 40, "{seen}");
    }
}
