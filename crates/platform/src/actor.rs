//! Who asks for something: a program with a key, or a person who is signed in in a browser.

use keepstep_base::api_key::{KeyForm, form_of};
use keepstep_store::{Key, Membership, Rights, Role, Scope, Session};

use crate::error::{Error, KeyProblem};
use crate::platform::Platform;

/// Who asks for something, what they may do, and what they may see.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The id of the key or of the user.
    pub id: String,
    /// The name under which they write.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may publish, where their role lets them write.
    pub may_publish: bool,
    /// What they may see.
    pub scope: Scope,
    /// What else they may do in single projects; see [`Actor::inside`].
    pub memberships: Vec<Membership>,
    /// When the key or the session ends, in epoch milliseconds.
    pub expires_at: Option<i64>,
}

impl Actor {
    /// Passes everybody whose role is at least that one.
    ///
    /// # Errors
    /// The role is a smaller one.
    pub fn require(&self, needs: Role) -> Result<(), Error> {
        if self.role >= needs {
            return Ok(());
        }
        Err(Error::TooNarrow { name: self.name.clone(), has: self.role, needs })
    }

    /// Passes everybody who may publish.
    ///
    /// # Errors
    /// The role is a smaller one, or the right to publish was not given to them.
    pub fn require_publish(&self) -> Result<(), Error> {
        self.require(Role::Editor)?;
        if self.may_publish || self.role >= Role::Owner { Ok(()) } else { Err(Error::MayNotPublish(self.name.clone())) }
    }

    /// Returns the same actor as they are for something of a project: they may do more there than elsewhere.
    #[must_use]
    pub fn inside(&self, project: Option<&str>) -> Self {
        let whole = Rights {
            role: self.role,
            may_publish: self.may_publish,
            scope: self.scope.clone(),
            memberships: self.memberships.clone(),
        };
        let Rights { role, may_publish, scope, memberships } = whole.inside(project);
        Self { role, may_publish, scope, memberships, ..self.clone() }
    }

    /// Passes everybody who may see all of the organization.
    ///
    /// # Errors
    /// The key is confined to a project.
    pub fn require_whole_organization(&self) -> Result<(), Error> {
        if self.scope.projects().is_some() { Err(Error::Confined(self.name.clone())) } else { Ok(()) }
    }
}

impl From<Key> for Actor {
    fn from(key: Key) -> Self {
        Self {
            id: key.id,
            name: key.name,
            role: key.role,
            may_publish: key.may_publish,
            scope: key.scope,
            memberships: key.memberships,
            expires_at: key.expires_at,
        }
    }
}

impl From<&Session> for Actor {
    fn from(session: &Session) -> Self {
        let user = &session.user;
        Self {
            id: user.id.clone(),
            name: user.name.clone(),
            role: session.rights.role,
            may_publish: session.rights.may_publish,
            scope: session.rights.scope.clone(),
            memberships: session.rights.memberships.clone(),
            expires_at: Some(session.expires_at),
        }
    }
}

/// A program whose key was checked.
#[derive(Debug, Clone)]
pub struct KeyHolder {
    /// Who it is.
    pub actor: Actor,
    /// The state of the database when the key was checked; see [`keepstep_store::Store::generation`].
    pub generation: u64,
}

impl Platform {
    /// Returns whose key it is that was presented.
    ///
    /// # Errors
    /// It is cut, not known, expired or revoked; or the database failed.
    pub async fn holder_of_key(&self, presented: &str) -> Result<KeyHolder, Error> {
        let generation = self.store.generation().await?;
        let key = self.cache.key(&self.store, generation, presented).await?.ok_or(KeyProblem::Unknown)?;
        if key.revoked_at.is_some() {
            return Err(KeyProblem::Revoked.into());
        }
        if key.expires_at.is_some_and(|end| end <= self.store.now()) {
            return Err(KeyProblem::Expired.into());
        }
        Ok(KeyHolder { actor: key.into(), generation })
    }
}

impl KeyProblem {
    /// Passes a text that has the form of our keys.
    ///
    /// # Errors
    /// It is cut or mistyped, or a key of something else.
    pub fn of_form(presented: &str) -> Result<(), Self> {
        match form_of(presented) {
            KeyForm::Ours => Ok(()),
            KeyForm::Malformed => Err(Self::Malformed),
            KeyForm::Foreign => Err(Self::Unknown),
        }
    }
}
