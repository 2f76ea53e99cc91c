//! What was read and is still true.
//!
//! A generation of the database (see [`keepstep_store::Store::generation`]) is a part of each key, so a write of any process, also the
//! revocation of a key, is seen by the next request. What is of an older generation is asked for no more and gives way.

use std::sync::Arc;

use bytes::Bytes;
use keepstep_base::api_key::stored_hash;
use keepstep_base::{AgentId, Revision};
use keepstep_store::{AgentState, Key, Scope, Store};
use quick_cache::Weighter;
use quick_cache::sync::Cache as Kept;

use crate::error::{Error, KeyProblem};

/// How many bytes of states are kept.
const LARGEST: u64 = 16 * 1024 * 1024;

/// How many states that usually is. Few enough that they are not kept in parts, of which none could hold the largest state.
const USUAL_STATES: usize = 32;

/// How many keys are kept.
const MOST_KEYS: usize = 10_000;

#[derive(Debug, Clone)]
pub(crate) struct Cache {
    keys: Arc<Kept<(u64, String), Key>>,
    states: Arc<Kept<(u64, AgentId), SentState, Size>>,
}

impl Default for Cache {
    fn default() -> Self {
        let states = Kept::with_weighter(USUAL_STATES, LARGEST, Size);
        Self { keys: Arc::new(Kept::new(MOST_KEYS)), states: Arc::new(states) }
    }
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

#[derive(Debug, Clone)]
struct Size;

impl<K> Weighter<K, SentState> for Size {
    fn weight(&self, _: &K, state: &SentState) -> u64 {
        state.body.len() as u64
    }
}

impl Cache {
    /// Returns a key, from here or from the store.
    pub(crate) async fn key(&self, store: &Store, generation: u64, presented: &str) -> Result<Option<Key>, Error> {
        let place = (generation, stored_hash(presented));
        if let Some(key) = self.keys.get(&place) {
            return Ok(Some(key));
        }
        // What was found once has the form of a key.
        KeyProblem::of_form(presented)?;
        let key = store.key(presented).await?;
        if let Some(key) = &key {
            self.keys.insert(place, key.clone());
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
        let place = (generation, id.clone());
        if let Some(state) = self.states.get(&place)
            && scope.covers(&state.scope.org_id, state.scope.only_project())
        {
            return Ok(state);
        }
        let state = store.agent_state(scope, id).await?;
        let scope = Scope::of(&state.agent.org_id, state.agent.project_id.clone());
        let revision = state.agent.revision;
        let state = SentState { scope, revision, body: write(state)?.into() };
        self.states.insert(place, state.clone());
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_take_no_more_than_their_room_and_the_largest_has_a_place() {
        let cache = Cache::default();
        let state =
            |bytes: usize| SentState { scope: Scope::organization("org"), revision: Revision(1), body: vec![b'x'; bytes].into() };
        let id = "agent_1".parse::<AgentId>().unwrap();
        for generation in 0..40 {
            cache.states.insert((generation, id.clone()), state(4 << 20));
            assert!(cache.states.get(&(generation, id.clone())).is_some(), "{generation}");
            assert!(cache.states.weight() <= LARGEST);
        }
        assert!(cache.states.get(&(0, id)).is_none());
    }
}
