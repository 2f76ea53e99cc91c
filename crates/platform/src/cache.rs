//! What was read and is still true.
//!
//! Everything here was read under one generation of the database (see [`keepstep_store::Store::generation`]) and is
//! forgotten with it, so a write of any process, also the revocation of a key, is seen by the next request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use keepstep_base::api_key::stored_hash;
use keepstep_base::{AgentId, Revision};
use keepstep_store::{AgentState, Key, Scope, Store};

use crate::error::Error;

/// How many bytes of states are kept.
const LARGEST: usize = 16 * 1024 * 1024;

/// How many keys are kept.
const MOST_KEYS: usize = 10_000;

#[derive(Debug, Clone, Default)]
pub(crate) struct Cache {
    cached: Arc<Mutex<Cached>>,
}

#[derive(Debug, Default)]
struct Cached {
    generation: u64,
    keys: HashMap<String, Key>,
    states: HashMap<AgentId, SentState>,
    bytes: usize,
}

/// The state of an agent as it is sent.
#[derive(Debug, Clone)]
pub struct SentState {
    scope: Scope,
    /// The revision of the agent.
    pub revision: Revision,
    /// What is sent.
    pub body: Bytes,
}

impl Cache {
    /// Returns a key, from here or from the store.
    pub(crate) async fn key(&self, store: &Store, generation: u64, presented: &str) -> Result<Option<Key>, Error> {
        let hash = stored_hash(presented);
        if let Some(key) = self.at(generation).and_then(|cached| cached.keys.get(&hash).cloned()) {
            return Ok(Some(key));
        }
        let key = store.key(presented).await?;
        if let Some(key) = &key
            && let Some(mut cached) = self.at(generation)
            && cached.keys.len() < MOST_KEYS
        {
            cached.keys.insert(hash, key.clone());
        }
        Ok(key)
    }

    /// Returns the state of an agent as it is sent, from here or from the store.
    pub(crate) async fn state(
        &self,
        store: &Store,
        generation: u64,
        scope: &Scope,
        id: &AgentId,
        write: fn(AgentState) -> Result<Vec<u8>, Error>,
    ) -> Result<SentState, Error> {
        if let Some(state) = self.at(generation).and_then(|cached| cached.states.get(id).cloned())
            && scope.covers(&state.scope.org_id, state.scope.project_id.as_deref())
        {
            return Ok(state);
        }
        let state = store.agent_state(scope, id).await?;
        let scope = Scope { org_id: state.agent.org_id.clone(), project_id: state.agent.project_id.clone() };
        let revision = state.agent.revision;
        let state = SentState { scope, revision, body: write(state)?.into() };
        if let Some(mut cached) = self.at(generation) {
            if cached.bytes + state.body.len() > LARGEST {
                cached.states.clear();
                cached.bytes = 0;
            }
            cached.bytes += state.body.len();
            cached.states.insert(id.clone(), state.clone());
        }
        Ok(state)
    }

    /// Returns what is cached for a generation, emptied first if it is of an older one; `None` for a caller that is
    /// late itself.
    fn at(&self, generation: u64) -> Option<MutexGuard<'_, Cached>> {
        let mut cached = self.cached.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.generation < generation {
            *cached = Cached { generation, ..Cached::default() };
        }
        (cached.generation == generation).then_some(cached)
    }
}
