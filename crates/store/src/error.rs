//! What can go wrong in a store.

use std::io::ErrorKind;
use std::path::PathBuf;

use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;

use crate::artifacts::ContentError;
use crate::backup::BackupError;
use crate::results::ResultsError;
use crate::test_data::TestDataError;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A newer keepstep made or upgraded the database.
    #[error(
        "{} has the schema {found}, created by a newer keepstep; this one knows the schemas up to {known}. Use the newer one, \
         or another data folder.",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The schema of the file.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The file is not a database of keepstep.
    #[error("{} is not a database of keepstep ({reason}). Name another data folder, or move the file away.", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: String,
    },
    /// The file cannot be opened or made.
    #[error("cannot open the database {}: {reason}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The reason of the system.
        reason: String,
    },
    /// The folder for files cannot be made or opened.
    #[error("cannot use the folder {} for files: {reason}", path.display())]
    CannotOpenObjects {
        /// The folder.
        path: PathBuf,
        /// The reason of the system.
        reason: String,
    },
    /// The place where the bytes of files are failed.
    #[error("the disk with the data failed; nothing was written")]
    Storage(#[source] std::io::Error),
    /// The file or its folder cannot be written.
    #[error("the database cannot be written: the file or its folder is read-only")]
    ReadOnly,
    /// The database's file was taken away while it is in use.
    #[error(
        "the database file {} was {what} while the server was using it: nothing was written. Stop the server, put the file back, and \
         start it again",
        path.display()
    )]
    FileGone {
        /// The file, or the log beside it.
        path: PathBuf,
        /// What happened to it.
        what: &'static str,
    },
    /// There is no room left.
    #[error("the disk is full: nothing was written")]
    Full,
    /// Another process held the database for too long.
    #[error("the database is busy: another process has been writing for too long; nothing was written")]
    Busy,
    /// There is no such agent, or it is outside the scope.
    #[error("agent {0} not found")]
    AgentNotFound(AgentId),
    /// The agent has no such persona version.
    #[error("agent {agent} has no persona version {version}")]
    VersionNotFound {
        /// The agent.
        agent: AgentId,
        /// The version.
        version: PersonaVersion,
    },
    /// The agent has no such revision.
    #[error("agent {agent} has no revision {revision}")]
    RevisionNotFound {
        /// The agent.
        agent: AgentId,
        /// The revision.
        revision: Revision,
    },
    /// There is no such organization.
    #[error("organization {0} not found")]
    OrganizationNotFound(String),
    /// There is no such project.
    #[error("project {0} not found")]
    ProjectNotFound(String),
    /// There is no such scenario, or it is outside the scope.
    #[error("scenario {0} not found")]
    ScenarioNotFound(String),
    /// There is no such input set, or it is outside the scope or of another scenario.
    #[error("input set {0} not found")]
    InputSetNotFound(String),
    /// The scenario has no such input.
    #[error("input {0} not found")]
    InputNotFound(String),
    /// The input is not what it was when somebody read it.
    #[error("input {0} was changed meanwhile")]
    InputChanged(String),
    /// The scenario has no such pack of criteria.
    #[error("criteria {0} not found")]
    CriteriaNotFound(String),
    /// The criteria are not what they were when somebody read them.
    #[error("the criteria were changed meanwhile")]
    CriteriaChanged,
    /// The project has no such persona for tests.
    #[error("persona {0} not found in the project")]
    TestPersonaNotFound(String),
    /// The persona for tests is not what it was when somebody read it.
    #[error("the persona was changed meanwhile")]
    TestPersonaChanged,
    /// Another bundle version was published since the one that somebody started from.
    #[error("another bundle version was published meanwhile")]
    BundleOvertaken,
    /// A persona that a file changes was changed since the bundle version that the file was made from, by another scenario of the project.
    #[error("persona {0:?} was changed in the project since this bundle version")]
    PersonaOvertaken(String),
    /// The draft of a scenario is not what it was when somebody read it.
    #[error("the draft was changed meanwhile")]
    DraftChanged,
    /// There is no such bundle version, or it is outside the scope.
    #[error("bundle version {0} not found")]
    BundleNotFound(String),
    /// The bundle version is a draft.
    #[error("bundle version {0} is a draft: publish it first")]
    BundleIsDraft(String),
    /// Nothing is published that could be pulled.
    #[error(
        "nothing is published in {0} yet: import test data with `keepstep admin import --project ID FILE`, or publish a bundle"
    )]
    NothingPublished(String),
    /// The project has no scenario or several, and none was named.
    #[error("project {0} does not have exactly one scenario: name the one that is meant")]
    WhichScenario(String),
    /// The scenario has no inputs that a bundle could have.
    #[error("the scenario {0:?} has no inputs yet: import inputs first")]
    NoInputs(String),
    /// Test data is not valid.
    #[error(transparent)]
    TestData(#[from] TestDataError),
    /// There is no such run batch, or it is outside the scope.
    #[error("experiment {0} not found")]
    BatchNotFound(String),
    /// The batch has no such run.
    #[error("the experiment {batch} has no run {run}")]
    RunNotFound {
        /// The batch.
        batch: String,
        /// The run.
        run: String,
    },
    /// There is no such file, or it is outside the scope.
    #[error("file {0} not found")]
    ArtifactNotFound(String),
    /// What a client says about results is not valid.
    #[error(transparent)]
    Results(#[from] ResultsError),
    /// There is no such upload, it is outside the scope, or too old.
    #[error("unknown upload {0}; unfinished uploads are discarded after a week")]
    UploadNotFound(String),
    /// There is no such content, or it is outside the scope.
    #[error("file {0} not found")]
    BlobNotFound(String),
    /// Somebody else brought the same results while a commit was being done: it is to be begun again.
    #[error("another client uploaded the same results meanwhile: commit them again")]
    CommitOvertaken,
    /// A file or a part of one is not taken.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A backup cannot be made or read.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// There is no such webhook, or no such delivery of it.
    #[error("webhook {0} not found")]
    WebhookNotFound(String),
    /// There is no such key.
    #[error("key {0} not found")]
    KeyNotFound(String),
    /// A name is taken.
    #[error("a {what} named {name:?} already exists")]
    NameTaken {
        /// The kind of thing.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A name is empty, too long or holds control characters.
    #[error("invalid name {name:?}: {reason}")]
    InvalidName {
        /// The name, shortened.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The settings of a project are too large.
    #[error("the settings of a project have at most {limit} bytes")]
    SettingsTooLarge {
        /// How many bytes are accepted.
        limit: usize,
    },
    /// The agent changed since the revision that the write names.
    #[error("the agent has changed: it is at revision {current}")]
    Stale {
        /// The revision that it has now.
        current: Revision,
    },
    /// The idempotency key came with another request before.
    #[error("this idempotency key was used for another request")]
    OtherRequest,
    /// There is nobody of that id in the organization.
    #[error("member {0} not found")]
    UserNotFound(String),
    /// Somebody else has the e-mail address.
    #[error("an account with the e-mail address {email} already exists")]
    EmailTaken {
        /// The address.
        email: String,
    },
    /// What was typed cannot be an e-mail address.
    #[error("invalid e-mail address {typed:?}: {reason}")]
    InvalidEmail {
        /// What was typed, shortened.
        typed: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody else is an owner.
    #[error("{name} is the only owner: make another member an owner first")]
    LastOwner {
        /// Who.
        name: String,
    },
    /// Nobody made that sign-in link here.
    #[error("this sign-in link is not known")]
    LinkUnknown,
    /// The sign-in link was used before.
    #[error("this sign-in link was used before; each works once")]
    LinkUsed,
    /// The sign-in link was revoked.
    #[error("this sign-in link was revoked")]
    LinkRevoked,
    /// The sign-in link's time is over.
    #[error("this sign-in link has expired")]
    LinkExpired,
    /// Too many devices wait to be signed in.
    #[error("too many devices wait to be signed in; try again in some minutes")]
    TooManyLogins,
    /// Somebody typed too many codes that were nobody's.
    #[error("too many wrong codes; try again in some minutes")]
    TooManyCodes,
    /// The machine has no random bytes to give.
    #[error("the machine gives no random bytes")]
    Random(#[source] getrandom::Error),
    /// A value in the database has no meaning: something else wrote there.
    #[error("the database is damaged: {of} has an invalid {what}")]
    Damaged {
        /// Which column.
        what: &'static str,
        /// Whose.
        of: String,
    },
    /// Any other failure of the database.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

impl StoreError {
    /// Returns what a failure of the disk means.
    pub fn from_disk(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::Full,
            ErrorKind::ReadOnlyFilesystem => Self::ReadOnly,
            _ => Self::Storage(error),
        }
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(next) = cause {
            match next.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
                Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) => return Self::Full,
                Some(ErrorKind::ReadOnlyFilesystem) => return Self::ReadOnly,
                _ => cause = next.source(),
            }
        }
        Self::Storage(std::io::Error::other(error))
    }
}
