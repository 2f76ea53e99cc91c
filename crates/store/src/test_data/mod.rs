//! Test data: scenarios, personas, input sets, criteria, and the bundle versions that pin them together.
//!
//! A published bundle version never changes. Its items are those of an input set, which never changes either; its
//! scenario, personas and criteria are copied at the moment of publishing.

mod bundles;
mod changes;
mod criteria;
mod deleted;
mod draft;
mod file;
mod gates;
mod import;
mod input_pages;
mod inputs;
mod new_items;
pub(crate) mod packed;
mod personas;
mod publish_draft;
mod pulls;
mod scenarios;
mod sheets;
mod words;

pub(crate) use bundles::read_bundle;
pub use bundles::{Bundle, BundleContent, BundleFilter, BundleStatus, NewBundle};
pub use changes::{InputChange, InputChanges};
pub use criteria::{DraftPack, MOST_PACKS};
pub use deleted::Deleted;
pub use draft::{DraftCounts, DraftInput, InputFilter, InputPlace, InputState, InputValues, PutInput, size_of_members};
pub use file::{
    BundleFile, CriterionFile, InputFile, MOST_INPUTS, Message, PersonaFile, ScenarioFile, TestDataError, TestDataFile,
    is_input_id, problem_of_messages,
};
pub use import::{ImportOnto, Imported, Reworded};
pub use inputs::InputSet;
pub use packed::InputPage;
pub use personas::TestPersona;
pub use publish_draft::{DraftBundle, DraftRelease};
pub use pulls::Pull;
pub use scenarios::{NewScenario, Scenario, ScenarioPatch};
pub use sheets::{InputSheet, NewSheet};

/// The condition that the project `p` is in a scope, which is bound as `$1` and `$2`, and is not deleted.
macro_rules! in_scope {
    () => {
        "p.org_id = $1 AND p.deleted_at IS NULL AND ($2 IS NULL OR replace($2, ' ' || p.id || ' ', '') <> $2)"
    };
}
pub(crate) use in_scope;
