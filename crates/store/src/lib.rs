//! What a platform knows, kept in a database.
//!
//! A [`Store`] is opened on a file. Reads go through a small pool of connections that cannot write; a write is a
//! [`Transaction`] that takes the one place for writers first, so that it sees the last state and either becomes
//! visible as a whole or not at all. Other processes may work on the same file at the same time: they wait for each
//! other at that place.
//!
//! - An *agent* has fields and persona versions. Every change makes its next revision, and a row that tells what the
//!   agent was then. See [`Transaction::change`] and [`Transaction::deploy`].
//! - A write names the revision that it replaces ([`Intent::expected`]); a stale one is [`StoreError::Stale`].
//! - A write with an idempotency key keeps its answer in the same transaction ([`Transaction::remember`]).
//! - *Test data* comes as bundle versions, which never change once they are published. See [`test_data`].
//! - *Results* come as run batches, however often and in whatever order a client sends them. See [`results`].
//! - *Files* are kept beside the database, in a place of their own. See [`artifacts`].
//! - All of it is copied into one file while others write. See [`backup`].
//! - Who did what is in a log that shows when it was changed. See [`Activity`].
//! - What somebody may see is a [`Scope`]; every read and write of an agent asks for one.
//!
//! Time and randomness come from [`Surroundings`], so tests choose both.

mod activity;
mod agents;
mod answers;
pub mod artifacts;
mod asking;
pub mod backup;
mod changes;
mod database;
mod device_logins;
mod drafts;
mod drift_reports;
mod error;
mod examine;
mod file_watch;
mod identities;
mod keys;
mod link_rights;
mod link_target;
mod model;
mod organizations;
mod people;
mod personas;
mod primitives;
mod private;
mod proposals;
pub mod results;
mod retention;
mod room;
mod rows;
mod search;
mod sign_in;
mod sql;
mod state;
mod surroundings;
pub mod test_data;
mod webhooks;

pub use activity::{Activity, ActivityFilter, NewActivity, VerifiedActivity};
pub use agents::NewAgent;
pub use answers::{Once, StoredResponse};
pub use changes::{Changed, Intent, Patch, PersonaChange};
pub use database::{HiddenTransaction, Store, Transaction};
pub use device_logins::{ACCESS_LIFE, CODE_LIFE, DeviceCodes, DeviceLogin, LoginKeys, LoginProgress, REFRESH_LIFE};
pub use drafts::{Edit, EditDraft, Editor};
pub use drift_reports::{DriftReport, ServerSide};
pub use error::StoreError;
pub use examine::{About, Examined, Problem};
pub use identities::{Identity, NewIdentity};
pub use keys::NewKey;
pub use link_rights::{LinkProject, LinkRights};
pub use link_target::{LinkAccount, LinkPurpose, LinkTarget, OpenLink};
pub use model::{
    Agent, AgentState, Change, ChangeRow, Key, Membership, NewerDraft, Organization, Persona, PersonaStatus, PersonaSummary,
    Primitive, Project, RevisionRow, Rights, Role, Scope, Session, Subject, User,
};
pub use organizations::{ProjectPatch, check_name};
pub use people::{Attempted, Credentials, EmailAddress, Failures, Member, NewAccount};
pub use personas::PersonaFilter;
pub use proposals::{Proposal, ProposalNote, ProposalState, PublishingRule};
pub use retention::{RetainedProject, Retention};
pub use room::{DataKind, KindSize, Room};
pub use search::Named;
pub use sign_in::{Device, ListedSession, NewLink, USE_NOTED};
pub use state::DatabaseState;
pub use surroundings::Surroundings;
pub use webhooks::{Attempt, Delivery, DueDelivery, NewWebhook, Webhook, WebhookSecret};

/// The result of everything that a store does.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
