//! People: who is invited, what they may do, how they leave, and what somebody may change about themselves.

use keepstep_base::api_key::ApiKey;
use keepstep_store::{
    Attempted, EmailAddress, LinkPurpose, Membership, NewLink, Role, Session, StoreError, Transaction, User, check_name,
};

use crate::actor::Actor;
use crate::error::Error;
use crate::passwords::check_password;
use crate::platform::Platform;

const DAY: i64 = 24 * 60 * 60 * 1000;

/// How long an invitation works, in milliseconds: 7 days.
pub const INVITATION_LIFE: i64 = 7 * DAY;

/// How long a link works that sets a password, or that makes an owner, in milliseconds: a day.
pub const LINK_LIFE: i64 = DAY;

/// The ids of people begin like this; those of keys and of whoever runs the server do not.
const PERSON: &str = "user_";

/// What an invitation is to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationRights {
    /// The role in the whole organization; without one only the projects count.
    pub role: Option<Role>,
    /// Whether they may publish in the whole organization, where their role lets them write.
    pub may_publish: bool,
    /// What they may do in single projects, where they have no role in the whole organization.
    pub projects: Vec<Membership>,
}

impl InvitationRights {
    /// Returns those of a role in the whole organization.
    pub fn organization(role: Role, may_publish: bool) -> Self {
        Self { role: Some(role), may_publish, projects: Vec::new() }
    }

    fn check(&self) -> Result<(), Error> {
        let refuse = |reason: &str| Err(Error::Refused(reason.to_owned()));
        match (self.role, self.projects.as_slice()) {
            (None, []) => refuse("Choose a role in at least one project."),
            (Some(_), [_, ..]) => refuse("An invitation is for the whole organization or for some projects."),
            (_, projects) if projects.iter().any(|project| project.role >= Role::Owner) => {
                refuse("A role in a project is viewer or editor.")
            }
            _ => Ok(()),
        }
    }

    /// Returns what the log calls it.
    fn name(&self) -> String {
        match (self.role, self.projects.len()) {
            (Some(role), _) => role.label().to_owned(),
            (None, 1) => "1 project".to_owned(),
            (None, count) => format!("{count} projects"),
        }
    }
}

impl Platform {
    /// Begins a write about people. Whoever does it may have been removed, or may have lost their role, since their request came: of two
    /// owners who remove each other, one stays.
    async fn write_as_owner(&self, actor: &Actor) -> Result<Transaction, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        let mut transaction = self.store.write().await?;
        if actor.id.starts_with(PERSON) {
            let user = transaction.user(&actor.scope.org_id, &actor.id).await.map_err(|error| match error {
                StoreError::UserNotFound(_) => Error::NotSignedIn { ended: true },
                other => other.into(),
            })?;
            if !user.is_owner() {
                return Err(Error::TooNarrow { name: user.name, has: user.role, needs: Role::Owner });
            }
        }
        Ok(transaction)
    }

    /// Makes a link with which somebody gets an account with a role, or with roles in some projects. An owner may. It can be read only now.
    ///
    /// # Errors
    /// The actor may not, there is neither a role nor a project or both, there is no such project, or the database failed.
    pub async fn invite(&self, actor: &Actor, rights: &InvitationRights) -> Result<ApiKey, Error> {
        let mut transaction = self.write_as_owner(actor).await?;
        rights.check()?;
        let (role, now) = (rights.role.unwrap_or(Role::Viewer), transaction.now());
        let (link, id) = transaction.create_link(new_link(actor, LinkPurpose::Invite, role, None, now)).await?;
        let (org_id, is_confined) = (&actor.scope.org_id, rights.role.is_none());
        transaction.set_link_rights(org_id, &id, is_confined, rights.may_publish, &rights.projects).await?;
        transaction.about("invitation", &id, &rights.name());
        self.commit(transaction, actor, "invite a member").await?;
        tracing::info!(by = %actor.id, link = %id, gives = rights.name(), "a member was invited");
        Ok(link)
    }

    /// Makes a link with which somebody sets a new password. An owner may. It can be read only now.
    ///
    /// # Errors
    /// The actor may not, the organization has nobody of that id, or the database failed.
    pub async fn create_reset_link(&self, actor: &Actor, user: &str) -> Result<ApiKey, Error> {
        let mut transaction = self.write_as_owner(actor).await?;
        let user = transaction.user(&actor.scope.org_id, user).await?;
        let new = new_link(actor, LinkPurpose::Reset, user.role, Some(&user.id), transaction.now());
        let (link, id) = transaction.create_link(new).await?;
        transaction.about("person", &user.id, &user.name);
        self.commit(transaction, actor, "create a link that sets a password").await?;
        tracing::info!(by = %actor.id, link = %id, user = %user.id, "a link that sets a password was created");
        Ok(link)
    }

    /// Makes an open link of no more use. An owner may.
    ///
    /// # Errors
    /// The actor may not, there is no such open link, or the database failed.
    pub async fn revoke_link(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        let mut transaction = self.write_as_owner(actor).await?;
        transaction.revoke_link(&actor.scope.org_id, id).await?;
        transaction.about("link", id, "");
        self.commit(transaction, actor, "revoke a link").await
    }

    /// Sets what somebody may do in the organization: nothing without a role, so that only their projects count. An owner may.
    ///
    /// # Errors
    /// The actor may not, nobody else is an owner, the organization has nobody of that id, or the database failed.
    pub async fn set_rights(&self, actor: &Actor, user: &str, role: Option<Role>, may_publish: bool) -> Result<User, Error> {
        let mut transaction = self.write_as_owner(actor).await?;
        let changed = transaction.set_rights(&actor.scope.org_id, user, role, may_publish).await?;
        transaction.about("person", &changed.id, &changed.name);
        self.commit(transaction, actor, "change a role").await?;
        tracing::info!(by = %actor.id, user = %changed.id, role = role.map_or("none", Role::label), may_publish, "a role was changed");
        Ok(changed)
    }

    /// Sets what somebody may do in a project, beside their role in the organization. An owner may; nobody owns a project alone.
    ///
    /// # Errors
    /// The actor may not, the role is that of an owner, there is no such person or project, or the database failed.
    pub async fn set_membership(
        &self,
        actor: &Actor,
        user: &str,
        project: &str,
        rights: Option<(Role, bool)>,
    ) -> Result<(), Error> {
        let mut transaction = self.write_as_owner(actor).await?;
        if rights.is_some_and(|(role, _)| role >= Role::Owner) {
            return Err(Error::Refused("A role in a project is viewer or editor.".to_owned()));
        }
        transaction.set_membership(&actor.scope.org_id, user, project, rights).await?;
        let changed = transaction.user(&actor.scope.org_id, user).await?;
        transaction.about("person", &changed.id, &changed.name);
        self.commit(transaction, actor, "change a role in a project").await
    }

    /// Removes somebody. An owner may. What they wrote keeps their name.
    ///
    /// # Errors
    /// The actor may not, nobody else is an owner, the organization has nobody of that id, or the database failed.
    pub async fn remove_member(&self, actor: &Actor, user: &str) -> Result<User, Error> {
        let mut transaction = self.write_as_owner(actor).await?;
        let removed = transaction.remove_user(&actor.scope.org_id, user).await?;
        transaction.about("person", &removed.id, &removed.name);
        self.commit(transaction, actor, "remove a person").await?;
        tracing::info!(by = %actor.id, user = %removed.id, "a person was removed");
        Ok(removed)
    }

    /// Ends a session of somebody. An owner may.
    ///
    /// # Errors
    /// The actor may not, the organization has nobody of that id, or the database failed.
    pub async fn end_session_of(&self, actor: &Actor, user: &str, session: &str) -> Result<(), Error> {
        let mut transaction = self.write_as_owner(actor).await?;
        let user = transaction.user(&actor.scope.org_id, user).await?;
        transaction.end_session_of(&user.id, session).await?;
        transaction.about("person", &user.id, &user.name);
        self.commit(transaction, actor, "end a session").await
    }

    /// Ends a session of one's own.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_own_session(&self, by: &Session, session: &str) -> Result<(), Error> {
        let mut transaction = self.store.write().await?;
        transaction.end_session_of(&by.user.id, session).await?;
        transaction.about("person", &by.user.id, &by.user.name);
        self.commit(transaction, &by.into(), "end a session").await
    }

    /// Changes under which name and address somebody is known. Whoever has a password needs it to change the address, which signs in.
    ///
    /// # Errors
    /// The name or the address is not one, somebody else has the address, the password is wrong, there were too many wrong ones, or the
    /// database failed.
    pub async fn change_profile(
        &self,
        by: &Session,
        name: &str,
        email: &str,
        password: &str,
        address: &str,
    ) -> Result<(), Error> {
        let name = check_name(name)?;
        let email = EmailAddress::parse(email)?;
        if by.user.email.as_deref() != Some(email.as_str()) {
            self.require_password(by, password, address).await?;
        }
        let mut transaction = self.store.write().await?;
        transaction.set_profile(&by.user.id, name, &email).await?;
        transaction.about("person", &by.user.id, name);
        self.commit(transaction, &by.into(), "change the own account").await
    }

    /// Changes one's own password. All other sessions end. Whoever has no password yet needs none.
    ///
    /// # Errors
    /// The old password is wrong, there were too many wrong ones, the new one cannot be one, there is no address to sign in with, or the
    /// database failed.
    pub async fn change_password(&self, by: &Session, old: &str, new: &str, address: &str) -> Result<(), Error> {
        let Some(email) = &by.user.email else {
            return Err(Error::Refused("Set an e-mail address first: it is what you sign in with.".to_owned()));
        };
        check_password(new, &EmailAddress::parse(email)?)?;
        self.require_password(by, old, address).await?;
        let hash = self.budgets.hash_password(new, self.store.surroundings().random()?).await?;
        let mut transaction = self.store.write().await?;
        transaction.set_password(&by.user.id, &hash, Some(&by.id)).await?;
        self.commit(transaction, &by.into(), "change the own password").await?;
        tracing::info!(user = %by.user.id, "a password was changed");
        Ok(())
    }

    /// Passes whoever knows their own password, or has none. Whoever finds an open browser cannot guess for long.
    pub(crate) async fn require_password(&self, by: &Session, password: &str, address: &str) -> Result<(), Error> {
        let Some(hash) = self.store.password(&by.user.id).await? else { return Ok(()) };
        let email = by.user.email.as_deref().and_then(|email| EmailAddress::parse(email).ok());
        let account = email.as_ref().map_or(Attempted::User(&by.user.id), Attempted::Account);
        let attempt = self.attempt(account, address).await?;
        if !self.budgets.is_password(password, Some(hash)).await? {
            return Err(Error::WrongOldPassword);
        }
        attempt.succeeded().await
    }
}

fn new_link<'a>(actor: &'a Actor, purpose: LinkPurpose, role: Role, user_id: Option<&'a str>, now: i64) -> NewLink<'a> {
    let life = if purpose == LinkPurpose::Invite { INVITATION_LIFE } else { LINK_LIFE };
    let created_by = Some(actor.id.as_str()).filter(|id| id.starts_with(PERSON));
    NewLink { org_id: &actor.scope.org_id, purpose, role, user_id, created_by, expires_at: now.saturating_add(life) }
}
