//! What somebody can do on the platform: one function for each, whoever asks and in whatever dialect.
//!
//! A function of [`Platform`] that writes says who may ([`Actor::require`]), opens the one transaction, notes who did it, keeps the answer
//! for a request that comes again ([`Reply`]), and wakes who listens. Handlers and pages translate and call; none of them opens a
//! transaction. Nothing here knows of HTTP: what comes in and what goes out are plain types.
//!
//! What all of them share is in [`Platform`]: the store, the changes as they happen, what was read and is still true, what requests may
//! take of the memory, and what the person who runs the server decided.

mod activity;
mod actor;
mod agents;
mod backups;
mod cache;
mod caller;
mod criteria;
pub mod definition;
mod draft;
mod drift;
mod edits;
mod error;
mod events;
mod experiments;
mod files;
mod gates;
mod housekeeping;
mod keep_house;
mod keys;
mod live;
mod memory;
mod messenger;
mod metrics;
mod note_use;
mod oidc;
mod operator;
mod passwords;
mod people;
mod platform;
mod proposals;
mod rates;
mod results;
mod retention;
mod secret_key;
mod server_state;
mod settings;
mod sheets;
mod sign_in;
mod sign_in_guard;
mod test_data;
mod text;
mod uploads;
mod uses;
mod webhooks;
mod write;

pub use actor::{Actor, KeyHolder};
pub use agents::{ChangedAgent, SavedPersona, Target};
pub use cache::SentState;
pub use caller::Caller;
pub use criteria::{
    CriteriaList, CriterionPlace, NewCriterionIn, SeenCriterion, TriedCriterion, criteria_of, criterion_digest, read_criterion,
};
pub use drift::{CodeState, SeenDrift};
pub use edits::{EditOutcome, EditOverlap, KeptDraft, Rebased, newest_persona};
pub use error::{Error, KeyProblem};
pub use events::Events;
pub use experiments::{LONGEST_COMMENT, LONGEST_EXPERIMENT_NAME, LONGEST_NOTE, SaidVerdict, experiment_labels};
pub use files::{AnnouncedFile, SignedAddress, media_type};
pub use gates::typed_gate;
pub use housekeeping::{Chore, DoneChore};
pub use keys::KeyRequest;
pub use memory::{Budgets, PARSED, Pages, Share, workers};
pub use messenger::{Message, Messenger, PATIENCE};
pub use metrics::{Answers, Metrics};
pub use oidc::{
    BegunSignIn, ClientSecret, IssuerAnswer, IssuerConnection, IssuerRequest, LARGEST_ANSWER, OIDC_LIFE, OidcAnswer, OidcProblem,
    OidcProvider, OidcPurpose, OidcSettings,
};
pub use passwords::SHORTEST_PASSWORD;
pub use people::{INVITATION_LIFE, InvitationRights, LINK_LIFE};
pub use platform::{Platform, Shared};
pub use proposals::{PublishingPlace, Review, is_own_text};
pub use rates::Rate;
pub use results::NamedFile;
pub use retention::RETENTION_DAYS;
pub use secret_key::{SecretKey, is_sealed};
pub use server_state::{ProjectUsage, ServerState, Usage};
pub use settings::{Answered, BackupPlan, Limits, RequestLog, Settings};
pub use sheets::{
    AddedSheet, AlikeRow, BroughtSheet, InputsFile, InputsFormat, LARGEST_SHEET, Reading, SheetColumn, SheetForm, SheetOutcome,
    SheetPlan, SheetView, inputs_of,
};
pub use sign_in::{Browser, LinkForm, SESSION_LIFE};
pub use test_data::{BundleItems, BundleQuery, NewProject, harmless};
pub use text::printable;
pub use uploads::{CommitOutcome, OfferedUpload, RunStream, UploadCommit};
pub use webhooks::{EVENTS, host};
pub use write::{Plain, Repeat, Reply};
