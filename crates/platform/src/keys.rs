//! Keys: making and revoking them.

use keepstep_base::api_key::ApiKey;
use keepstep_store::{Key, NewKey, Role, Scope, StoreError, StoredResponse};

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;
use crate::write::Repeat;

/// The status that is kept with the id of a key.
const CREATED: u16 = 201;

/// A key to create.
#[derive(Debug, Clone)]
pub struct KeyRequest<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// The project that it is confined to.
    pub project: Option<&'a str>,
    /// How long it holds, in milliseconds; none is for ever.
    pub life: Option<i64>,
}

impl Platform {
    /// Creates a key. An owner may. It can be read only now.
    ///
    /// The text of a key is not kept, so a repeated request cannot be answered with the same one. It gets a new key instead, and the one
    /// that nobody received is revoked: however often a request with an idempotency key is sent, one key works.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, the name is not one, or the database failed.
    pub async fn create_key(
        &self,
        actor: &Actor,
        wanted: KeyRequest<'_>,
        repeat: Option<&Repeat>,
    ) -> Result<(ApiKey, Key), Error> {
        actor.require(Role::Owner)?;
        let scope = match wanted.project {
            None => actor.scope.clone(),
            Some(project) => {
                let project = self.store.project(&actor.scope, project).await?;
                Scope::of(project.org_id, Some(project.id))
            }
        };
        let once = repeat.and_then(|repeat| repeat.once(actor));
        let mut transaction = self.store.write().await?;
        if let Some(once) = &once
            && let Some(before) = transaction.recall(once).await?
        {
            transaction.revoke_key(&scope.org_id, &before.body).await?;
        }
        let expires_at = wanted.life.map(|life| transaction.now().saturating_add(life));
        let new = NewKey { name: wanted.name, role: wanted.role, scope: &scope, expires_at };
        let (secret, mut key) = transaction.create_key(new).await?;
        transaction.set_key_creator(&key.id, &actor.name, &actor.id).await?;
        key.created_by = Some(actor.name.clone());
        transaction.about("key", &key.id, &key.name);
        if let Some(once) = &once {
            // What is kept is the id: with the key itself, it would be there in readable form.
            let answer = StoredResponse { status: CREATED, body: key.id.clone() };
            transaction.remember(once, &answer).await?;
        }
        self.commit(transaction, actor, "create a key").await?;
        tracing::info!(by = %actor.id, key = %key.id, "a key was created");
        Ok((secret, key))
    }

    /// Revokes a key. An owner may. One that was revoked before stays so.
    ///
    /// # Errors
    /// The actor may not, there is no such key for them, or the database failed.
    pub async fn revoke_key(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        actor.require(Role::Owner)?;
        let keys = self.store.keys(&actor.scope.org_id).await?;
        let is_inside = |key: &Key| actor.scope.covers(&key.scope.org_id, key.scope.only_project());
        let Some(key) = keys.iter().find(|key| key.id == id && is_inside(key)) else {
            return Err(StoreError::KeyNotFound(id.to_owned()).into());
        };
        let mut transaction = self.store.write().await?;
        transaction.about("key", &key.id, &key.name);
        transaction.revoke_key(&actor.scope.org_id, id).await?;
        self.commit(transaction, actor, "revoke a key").await
    }

    /// Revokes what anybody's device may do. An owner may.
    ///
    /// # Errors
    /// The actor may not, there is no such device in their organization, or the database failed.
    pub async fn revoke_device(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        actor.require(Role::Owner)?;
        let mut transaction = self.store.write().await?;
        transaction.revoke_device(&actor.scope.org_id, None, id).await?;
        transaction.about("device", id, "");
        self.commit(transaction, actor, "revoke a device").await
    }
}
