//! Why a command failed, and the one table that says how that is told: exit code, kind, message, hints.

use std::io;

use keepstep_agent::Field;
use keepstep_agent::lock::LockError;
use keepstep_client::{ClientError, ResolveError};
use keepstep_platform::Error;
use keepstep_source::ManifestError;
use keepstep_source::skill_file::SkillFileError;
use keepstep_source::{EditError, EditRefusal, Problem, SourceError};
use keepstep_store::StoreError;
use keepstep_workspace::pull::{LocalError, PullError};
use keepstep_workspace::{ScenarioError, WorkspaceError};

use crate::shell::exit;
use crate::shell::program::Program;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line, the project or its settings are wrong.
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// There is no such thing.
    NotFound {
        /// What was looked for.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Nobody is signed in, for another reason than a server's answer to a request.
    NotSignedIn {
        /// Why.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// Somebody has to decide.
    Conflict {
        /// Why.
        message: String,
        /// How to decide.
        hints: Vec<String>,
    },
    /// There is nothing to do where something was expected.
    Nothing {
        /// What there is none of.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The server keeps something else than was sent.
    StoredOtherwise(String),
    /// Something on this machine cannot be read or written.
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        what: String,
        /// What the system said.
        error: io::Error,
    },
    /// The lock file cannot be used.
    Lock(LockError),
    /// The code cannot be read.
    Source(SourceError),
    /// `lua.skill.yaml` does not say which agent it is.
    Skill(SkillFileError),
    /// The code sets fields to something that nobody could evaluate.
    Unreadable(Vec<(Field, Problem)>),
    /// The manifest cannot be written.
    Manifest(ManifestError),
    /// An edit of the code was not written.
    Write(EditError),
    /// The code has no place that can be edited to hold a value.
    Edit(Box<EditRefusal>),
    /// No server to talk to could be made out.
    Resolve(ResolveError),
    /// A request failed.
    Client(ClientError),
    /// A file of the workspace cannot be used.
    Workspace(WorkspaceError),
    /// Pulled test data was not put in place.
    Pull(PullError),
    /// It is not clear which scenario the command is about.
    Scenario(ScenarioError),
    /// A platform's data cannot be used.
    Store(StoreError),
    /// The person pressed Ctrl-C.
    Interrupted,
}

/// How a failure is told.
#[derive(Debug)]
pub(crate) struct FailureText {
    /// The exit code.
    pub(crate) code: u8,
    /// The kind, for programs.
    pub(crate) kind: &'static str,
    /// What happened.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hints: Vec<String>,
}

impl Failure {
    /// Returns a failure about the command line, the project or its settings.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    /// Returns a failure about a file or folder.
    pub(crate) fn io(doing: &'static str, what: &str, error: io::Error) -> Self {
        Self::Io { doing, what: what.to_owned(), error }
    }

    /// Returns true if what answered is not a server that this program can talk to.
    pub(crate) fn is_about_what_answers(&self) -> bool {
        matches!(self, Self::Client(error) if matches!(error.cause(), ClientError::NotOurs { .. }))
    }

    /// Returns what happened, as one sentence.
    pub(crate) fn message(&self) -> String {
        // The name of the program is only in hints.
        self.text(Program::Keepstep).message
    }

    /// Returns how the failure is told.
    pub(crate) fn text(&self, program: Program) -> FailureText {
        let told = |code, kind, message: String, hints: Vec<String>| FailureText { code, kind, message, hints };
        match self {
            Self::Usage { message, hint } => told(exit::USAGE, "usage", message.clone(), hint.iter().cloned().collect()),
            Self::NotFound { message, hint } => {
                told(exit::NOT_FOUND, "not_found", message.clone(), hint.iter().cloned().collect())
            }
            Self::Nothing { message, hint } => told(exit::NOTHING, "nothing", message.clone(), hint.iter().cloned().collect()),
            Self::NotSignedIn { message, hint } => {
                told(exit::NOT_SIGNED_IN, "not_signed_in", message.clone(), hint.iter().cloned().collect())
            }
            Self::Conflict { message, hints } => told(exit::CONFLICT, "conflict", message.clone(), hints.clone()),
            Self::StoredOtherwise(message) => told(exit::REFUSED, "stored_otherwise", message.clone(), Vec::new()),
            Self::Io { doing, what, error } => {
                told(exit::USAGE, "io", format!("cannot {doing} {what}: {}", reason(error)), io_hints(error))
            }
            Self::Lock(error) => told(exit::USAGE, "lock_file", error.to_string(), vec![lock_hint(error).to_owned()]),
            Self::Source(error) => {
                told(exit::USAGE, "source", error.to_string(), error.help().iter().map(|&help| help.to_owned()).collect())
            }
            Self::Skill(error) => told(exit::USAGE, "skill_file", error.to_string(), Vec::new()),
            Self::Unreadable(problems) => {
                let texts: Vec<String> =
                    problems.iter().map(|(field, problem)| format!("the {field} cannot be read: {problem}")).collect();
                let helps = problems.iter().map(|(_, problem)| problem.help.clone()).filter(|help| !help.is_empty());
                told(exit::USAGE, "unreadable", texts.join("\n"), helps.collect())
            }
            Self::Manifest(ManifestError::Write { path, source }) => {
                told(exit::USAGE, "io", format!("cannot write {}: {}", path.display(), reason(source)), io_hints(source))
            }
            Self::Manifest(error) => told(exit::USAGE, "manifest", error.to_string(), Vec::new()),
            Self::Write(error) => match error {
                EditError::ChangedMeanwhile { .. } => told(
                    exit::CONFLICT,
                    "changed_meanwhile",
                    error.to_string(),
                    vec!["run the command again to work with the file as it is now".to_owned()],
                ),
                EditError::Io { path, source } => {
                    told(exit::USAGE, "io", format!("cannot write {}: {}", path.display(), reason(source)), io_hints(source))
                }
                EditError::Outside { .. } | EditError::ReadOnly { .. } => told(exit::USAGE, "io", error.to_string(), Vec::new()),
            },
            Self::Edit(refusal) => {
                let place = refusal.location.as_ref().map_or_else(String::new, |location| format!("{location}: "));
                let frame = if refusal.frame.is_empty() { String::new() } else { format!("\n{}", refusal.frame) };
                let hint = match &refusal.patch {
                    Some(_) => "the patch on stdout shows the edit; apply it by hand where it fits",
                    None => "edit the code by hand, or publish what it has with `keepstep sync --push`",
                };
                told(
                    exit::CONFLICT,
                    "no_place_to_edit",
                    format!(
                        "the {} cannot be written into the code, so nothing was written: {place}{}{frame}",
                        refusal.field, refusal.message
                    ),
                    vec![hint.to_owned()],
                )
            }
            Self::Resolve(error) => {
                told(exit::USAGE, "usage", error.to_string(), error.hint(program.name()).into_iter().collect())
            }
            Self::Client(error) => {
                let (code, kind) = client(error.cause());
                let hints = error.hint(program.name()).map(|hint| hint.lines().map(str::to_owned).collect());
                told(code, kind, error.to_string(), hints.unwrap_or_default())
            }
            Self::Workspace(error)
            | Self::Scenario(ScenarioError::Workspace(error))
            | Self::Pull(PullError::Workspace(error)) => match error {
                WorkspaceError::Io { doing, path, source } => {
                    let message = format!("cannot {doing} {}: {}", path.display(), reason(source));
                    told(exit::USAGE, "io", message, io_hints(source))
                }
                error => told(exit::USAGE, "workspace", error.to_string(), Vec::new()),
            },
            Self::Pull(error) => match error {
                error @ PullError::Beside(_, source) => told(exit::USAGE, "io", error.to_string(), io_hints(source)),
                error @ PullError::ChangedMeanwhile(_) => {
                    let hint = "run the command again to work with the file as it is now".to_owned();
                    told(exit::CONFLICT, "changed_meanwhile", error.to_string(), vec![hint])
                }
                error => told(exit::USAGE, "workspace", error.to_string(), Vec::new()),
            },
            Self::Scenario(error) => {
                let hint = match error {
                    ScenarioError::NoneSelected { folders, .. } if folders.is_empty() => {
                        "`keepstep scenarios select ID` selects one of the server's; `keepstep init scenario NAME` begins one"
                            .to_owned()
                    }
                    ScenarioError::NoneSelected { folders, .. } => {
                        format!("name one with `--scenario`: {}", folders.join(", "))
                    }
                    _ => "use letters, digits, - and _".to_owned(),
                };
                told(exit::USAGE, "scenario", error.to_string(), vec![hint])
            }
            Self::Store(error) => {
                let (code, kind) = store(error);
                told(code, kind, error.to_string(), Vec::new())
            }
            Self::Interrupted => told(exit::INTERRUPTED, "interrupted", "interrupted".to_owned(), Vec::new()),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<SkillFileError> for Failure {
    fn from(error: SkillFileError) -> Self {
        Self::Skill(error)
    }
}

impl From<ManifestError> for Failure {
    fn from(error: ManifestError) -> Self {
        Self::Manifest(error)
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        Self::Write(error)
    }
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        Self::Resolve(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl From<WorkspaceError> for Failure {
    fn from(error: WorkspaceError) -> Self {
        Self::Workspace(error)
    }
}

impl From<PullError> for Failure {
    fn from(error: PullError) -> Self {
        Self::Pull(error)
    }
}

impl From<LocalError> for Failure {
    fn from(error: LocalError) -> Self {
        let hint = match &error {
            LocalError::NotPulled(_) => Some("`keepstep sync pull` brings it to a workspace"),
            LocalError::NoBase(_) => Some("`keepstep sync pull` brings it again"),
            LocalError::DamagedBase(_) => Some("delete `.state/pull_base.json.zst` there; `keepstep sync pull` brings it again"),
            LocalError::Deleted(_) | LocalError::Elsewhere { .. } => {
                Some("`keepstep sync pull --force` takes the server's; `keepstep undo` restores what was here")
            }
            LocalError::Workspace(_) | LocalError::Unreadable { .. } | LocalError::Upload { .. } => None,
        };
        match error {
            LocalError::Workspace(error) => Self::Workspace(error),
            other => Self::Usage { message: other.to_string(), hint: hint.map(str::to_owned) },
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Self {
        Self::Scenario(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => Self::Store(error),
            // It says a sentence, as an answer to a request has it.
            other => Self::usage(first_lowered(other.to_string().trim_end_matches('.'))),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Returns a text whose first letter is a small one.
fn first_lowered(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// Returns the exit code and the kind of a request's failure.
fn client(error: &ClientError) -> (u8, &'static str) {
    match error {
        ClientError::NotSignedIn { .. } => (exit::NOT_SIGNED_IN, "not_signed_in"),
        ClientError::NotAllowed { .. } => (exit::NOT_ALLOWED, "not_allowed"),
        ClientError::NotFound { .. } => (exit::NOT_FOUND, "not_found"),
        ClientError::Stale { .. } => (exit::CONFLICT, "conflict"),
        ClientError::Refused { .. } | ClientError::TooLarge { .. } => (exit::REFUSED, "refused"),
        ClientError::Empty { .. }
        | ClientError::Newer { .. }
        | ClientError::RedirectedElsewhere { .. }
        | ClientError::Setup { .. }
        | ClientError::Unsupported { .. } => (exit::USAGE, "usage"),
        ClientError::NotKept { .. } => (exit::USAGE, "io"),
        ClientError::AnswerTooLarge { .. } | ClientError::NotUnpacked { .. } => (exit::REFUSED, "refused"),
        ClientError::Unreachable { .. }
        | ClientError::Silent { .. }
        | ClientError::Dripping { .. }
        | ClientError::Server { .. }
        | ClientError::Cut { .. }
        | ClientError::NotOurs { .. }
        | ClientError::RateLimited { .. } => (exit::UNREACHABLE, "unreachable"),
        // Its cause was asked for; it has none of its own.
        ClientError::HalfDone { .. } => (exit::BUG, "bug"),
    }
}

/// Returns the exit code and the kind of a failure of a platform's data.
fn store(error: &StoreError) -> (u8, &'static str) {
    match error {
        StoreError::AgentNotFound(_)
        | StoreError::VersionNotFound { .. }
        | StoreError::RevisionNotFound { .. }
        | StoreError::OrganizationNotFound(_)
        | StoreError::ProjectNotFound(_)
        | StoreError::ScenarioNotFound(_)
        | StoreError::InputSetNotFound(_)
        | StoreError::BundleNotFound(_)
        | StoreError::KeyNotFound(_)
        | StoreError::WebhookNotFound(_) => (exit::NOT_FOUND, "not_found"),
        StoreError::Stale { .. } | StoreError::BundleOvertaken | StoreError::PersonaOvertaken(_) => (exit::CONFLICT, "conflict"),
        _ => (exit::USAGE, "data"),
    }
}

/// Returns what the system said, in words where its own are none.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "the quota is used up".to_owned(),
        io::ErrorKind::FileTooLarge => "the file would exceed the size limit".to_owned(),
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        _ => error.to_string(),
    }
}

fn io_hints(error: &io::Error) -> Vec<String> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            vec!["what was there before is unchanged: a file is only renamed into place when it is complete".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn lock_hint(error: &LockError) -> &'static str {
    match error {
        LockError::MergeMarkers => {
            "take either side's keepstep.lock (`git checkout --theirs keepstep.lock`), then run `keepstep sync`"
        }
        LockError::Malformed(_) => {
            "bring back the committed one (`git checkout keepstep.lock`), or delete it; without it a merge is not possible"
        }
        LockError::Newer { .. } => "use the newer keepstep that wrote it",
    }
}
