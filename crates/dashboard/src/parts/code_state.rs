//! How the code of an agent stands in a repository, as the reports of checks tell it.

use keepstep_agent::State;
use keepstep_platform::CodeState;

use super::view::Moment;
use super::visible::Visible;

/// How many hexadecimal digits of a commit are shown, as git shows them.
const SHORT_COMMIT: usize = 7;

/// A report of a check, ready to show.
#[derive(Debug)]
pub(crate) struct ShownCode {
    /// In step, behind, ….
    pub(crate) state: &'static str,
    /// The class of the badge.
    pub(crate) class: &'static str,
    /// The repository, and the branch where there is one.
    pub(crate) place: Visible,
    /// The beginning of the commit.
    pub(crate) commit: Visible,
    /// The fields that differ or were not read, each with how.
    pub(crate) fields: String,
    /// What brings both sides in step.
    pub(crate) command: &'static str,
    /// Who reported it.
    pub(crate) by: Visible,
    /// When it was reported.
    pub(crate) reported: Moment,
    /// Since when it differs.
    pub(crate) since: Option<Moment>,
}

impl From<&CodeState> for ShownCode {
    fn from(code: &CodeState) -> Self {
        let overall = code.overall();
        let (state, class, command) = match overall {
            State::InStep | State::NotOnServer => ("in step", "current", "keepstep sync --check"),
            State::Behind => ("behind", "draft", "keepstep sync --accept"),
            State::Ahead => ("ahead", "draft", "keepstep sync --push"),
            State::Diverged => ("diverged", "bad", "keepstep sync --merge"),
            State::Unknown => ("different", "draft", "keepstep sync"),
            State::Unreadable => ("not compared", "bad", "keepstep sync --check"),
        };
        let report = &code.report;
        let is_told = |state: State| state.is_drift() || state == State::Unreadable;
        let told = code.states.iter().filter(|(_, state)| is_told(*state));
        let fields: Vec<String> = told.map(|(field, state)| format!("{} {}", field.title(), state.words())).collect();
        let branch = if report.branch.is_empty() { String::new() } else { format!(" on {}", report.branch) };
        Self {
            state,
            class,
            place: Visible::of(format!("{}{branch}", report.repository)),
            commit: Visible::of(report.commit.as_deref().map_or("", |commit| commit.get(..SHORT_COMMIT).unwrap_or(commit))),
            fields: fields.join(", "),
            command,
            by: Visible::of(&report.reported_by),
            reported: Moment::of(report.reported_at),
            since: code.since.map(Moment::of),
        }
    }
}
