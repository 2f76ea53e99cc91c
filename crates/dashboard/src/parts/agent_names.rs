//! What agents are called that results were made with.

use std::collections::BTreeMap;

use keepstep_base::AgentId;
use keepstep_platform::Platform;
use keepstep_results::provenance::Provenance;
use keepstep_store::StoreError;
use keepstep_store::results::RunBatch;

use crate::error_page::PageError;
use crate::signed_in::SignedIn;

/// The names of agents, by what results say of them; nothing where it is no agent of this server that the actor may see.
pub(crate) struct AgentNames(BTreeMap<String, Option<String>>);

impl AgentNames {
    /// Returns the names of the agents that batches were tested with, as far as they are on this server and the actor may see them.
    pub(crate) async fn of<'b>(
        platform: &Platform,
        by: &SignedIn,
        batches: impl Iterator<Item = &'b RunBatch>,
    ) -> Result<Self, PageError> {
        Self::of_ids(platform, by, batches.filter_map(|batch| Provenance::of(&batch.details).agent)).await
    }

    /// Returns the names of agents by their ids, as results have them.
    pub(crate) async fn of_ids(platform: &Platform, by: &SignedIn, ids: impl Iterator<Item = String>) -> Result<Self, PageError> {
        let mut names = BTreeMap::new();
        for sent in ids {
            if names.contains_key(&sent) {
                continue;
            }
            let Ok(id) = sent.parse::<AgentId>() else { continue };
            let name = match platform.store.agent(&by.scope, &id).await {
                Ok(agent) => Some(agent.name().filter(|name| !name.trim().is_empty()).unwrap_or(&sent).to_owned()),
                Err(StoreError::AgentNotFound(_)) => None,
                Err(error) => return Err(error.into()),
            };
            // What is not found is not looked for again.
            names.insert(sent, name);
        }
        Ok(Self(names))
    }

    /// Returns the name of an agent of this server.
    pub(crate) fn find(&self, id: &str) -> Option<&str> {
        self.0.get(id)?.as_deref()
    }

    /// Returns the name of an agent, or what results say of it.
    pub(crate) fn get(&self, id: &str) -> String {
        self.find(id).unwrap_or(id).to_owned()
    }
}
