//! Whoever runs the server works on its data directly: no key and no session says who that is.

use keepstep_base::api_key::ApiKey;
use keepstep_store::{LinkPurpose, NewLink, Role, Scope};

use crate::actor::Actor;
use crate::error::Error;
use crate::people::LINK_LIFE;
use crate::platform::Platform;

/// The setting that holds the address under which the platform was last served.
const ADDRESS: &str = "address";

/// Under which id and name they write.
const NAME: &str = "admin";

impl Actor {
    /// Returns whoever runs the server, for an organization or one of its projects.
    pub fn operator(scope: Scope) -> Self {
        Self {
            id: NAME.to_owned(),
            name: NAME.to_owned(),
            role: Role::Owner,
            may_publish: true,
            scope,
            memberships: Vec::new(),
            expires_at: None,
        }
    }
}

impl Platform {
    /// Returns whoever runs the server, for an organization, which is made if there is none of that name; the oldest one where none is
    /// named.
    ///
    /// # Errors
    /// The name is not one, or the database failed.
    pub async fn operator(&self, organization: Option<&str>) -> Result<Actor, Error> {
        let mut transaction = self.store.write().await?;
        let organization = transaction.ensure_organization(organization).await?;
        transaction.commit().await?;
        Ok(Actor::operator(Scope::organization(organization.id)))
    }

    /// Returns whoever runs the server, for the organization of a project.
    ///
    /// # Errors
    /// There is no such project, or the database failed.
    pub async fn operator_of(&self, project: &str) -> Result<Actor, Error> {
        Ok(Actor::operator(Scope::organization(self.store.write().await?.project(project).await?.org_id)))
    }

    /// Makes what is behind a link that makes somebody an owner, once: a new account, or the one of the address that they type. An owner may.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn create_owner_link(&self, actor: &Actor) -> Result<ApiKey, Error> {
        actor.require(Role::Owner)?;
        let mut transaction = self.store.write().await?;
        let expires_at = transaction.now().saturating_add(LINK_LIFE);
        let (org_id, role) = (actor.scope.org_id.as_str(), Role::Owner);
        let new = NewLink { org_id, purpose: LinkPurpose::Owner, role, user_id: None, created_by: None, expires_at };
        let (secret, _) = transaction.create_link(new).await?;
        self.commit(transaction, actor, "create a sign-in link").await?;
        Ok(secret)
    }

    /// Keeps the address under which the platform is served, for those who need it while it is not.
    ///
    /// # Errors
    /// The database failed.
    pub async fn keep_address(&self, address: &str) -> Result<(), Error> {
        // A server that starts on a full disk has nothing to write where its address is the old one.
        if self.kept_address().await?.as_deref() == Some(address) {
            return Ok(());
        }
        let mut transaction = self.store.write().await?;
        transaction.set_setting(ADDRESS, address).await?;
        Ok(transaction.commit().await?)
    }

    /// Returns the address under which the platform was last served.
    ///
    /// # Errors
    /// The database failed.
    pub async fn kept_address(&self) -> Result<Option<String>, Error> {
        Ok(self.store.setting(ADDRESS).await?)
    }
}
