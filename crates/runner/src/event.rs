//! What happens in a run, in the order in which it happens. Every view of a run reads these.

use std::path::PathBuf;

use keepstep_workspace::experiments::redact::Redactor;
use serde::Serialize;

use keepstep_results::case::Finished;
use keepstep_results::tally::Statistics;
use keepstep_results::totals::Totals;
use keepstep_results::turn::Turn;

/// Something that happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// The name of the experiment folder.
        experiment: String,
        /// The folder.
        folder: PathBuf,
        /// How many cases there are.
        cases: usize,
        /// How many of them an earlier run has finished.
        resumed: usize,
        /// How many run at once.
        parallel: usize,
    },
    /// A case begins.
    CaseStarted {
        /// The case.
        case: String,
        /// Its run.
        run_id: String,
        /// What is asked.
        input: String,
        /// Counted from 0.
        iteration: u32,
        /// Counted from 1.
        attempt: u32,
    },
    /// Somebody said something.
    Turn {
        /// The case.
        case: String,
        /// What was said.
        #[serde(flatten)]
        turn: Turn,
    },
    /// A case ended, and is written down. Its conversation is left out: the turns have told it.
    CaseFinished(Box<Finished>),
    /// The person pressed Ctrl-C: no further case begins, and those that run are waited for.
    Stopping,
    /// The run ended.
    RunFinished {
        /// How many cases ended how.
        #[serde(rename = "counts")]
        totals: Totals,
        /// What they say together.
        statistics: Box<Statistics>,
        /// How long it took.
        duration_seconds: f64,
        /// Why it ended before all cases were run.
        #[serde(skip_serializing_if = "Option::is_none")]
        stopped: Option<Stopped>,
    },
}

impl Event {
    /// Returns the event without the secrets in what was asked, answered and judged, or `None` where it has none. This is what leaves
    /// the agent's own screen.
    pub fn cleaned(&self, redactor: &Redactor) -> Option<Self> {
        match self {
            Self::CaseStarted { case, run_id, input, iteration, attempt } => {
                let (case, input) = redactor.cleaned(&(case.clone(), input.clone()))?;
                Some(Self::CaseStarted { case, run_id: run_id.clone(), input, iteration: *iteration, attempt: *attempt })
            }
            Self::Turn { case, turn } => {
                let (case, turn) = redactor.cleaned(&(case.clone(), turn.clone()))?;
                Some(Self::Turn { case, turn })
            }
            Self::CaseFinished(finished) => {
                redactor.cleaned(finished.as_ref()).map(|finished| Self::CaseFinished(Box::new(finished)))
            }
            Self::RunStarted { .. } | Self::Stopping | Self::RunFinished { .. } => None,
        }
    }
}

/// Why a run ended before all cases were run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The person pressed Ctrl-C.
    Interrupted,
    /// A case was not as it should be, and `--fail-fast` was given.
    FailFast,
    /// The target did not answer at all, several times in a row.
    TargetDown,
}
