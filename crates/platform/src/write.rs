//! Writes that are done once, however often they are asked for.

use keepstep_base::Digest;
use keepstep_store::{NewActivity, Once, StoredResponse, Transaction};

use crate::actor::Actor;
use crate::caller::Caller;
use crate::error::Error;
use crate::platform::Platform;

/// The target under which the log has a line for each write.
const AUDIT: &str = "audit";

/// What makes a repeated request the same one.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// The idempotency key, if the client sent one.
    pub key: Option<String>,
    /// A digest of the whole request: another one with the same key is a mistake.
    pub request: Digest,
}

impl Repeat {
    pub(crate) fn once(&self, actor: &Actor) -> Option<Once> {
        let key = self.key.clone()?;
        Some(Once { owner: actor.id.clone(), key, request: self.request.to_string() })
    }
}

/// How the result of a write is told. What a client was told is kept in the same transaction, for the case that it asks again.
pub trait Reply<T>: Send {
    /// What is told.
    type Output: Send;

    /// Returns what makes a repeated request the same one; nothing where each is a new one.
    fn repeat(&self) -> Option<&Repeat>;

    /// Returns what is told to a client that was answered before.
    fn again(self, before: StoredResponse) -> Result<Self::Output, Error>;

    /// Returns what is told of a result, and the answer to keep where it can be asked for again.
    ///
    /// # Errors
    /// The result cannot be written as an answer.
    fn first(self, result: T) -> Result<(Self::Output, Option<StoredResponse>), Error>;
}

/// Tells the result itself. Asked for again, it is done again.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

impl<T: Send> Reply<T> for Plain {
    type Output = T;

    fn repeat(&self) -> Option<&Repeat> {
        None
    }

    fn again(self, _: StoredResponse) -> Result<T, Error> {
        Err(Error::Internal("an answer was kept for a request that is never the same".to_owned()))
    }

    fn first(self, result: T) -> Result<(T, Option<StoredResponse>), Error> {
        Ok((result, None))
    }
}

/// A transaction that is to be committed.
struct Written {
    transaction: Transaction,
    /// True where the work has changed anything.
    is_new: bool,
}

impl Platform {
    /// Does a write in one transaction, unless the same request was answered before, and returns what is told of it. What is told is
    /// kept in that transaction. If the work fails, nothing was written.
    pub(crate) async fn write<T, R: Reply<T>>(
        &self,
        actor: &Actor,
        what: &'static str,
        reply: R,
        work: impl AsyncFnOnce(&mut Transaction) -> Result<T, Error>,
    ) -> Result<R::Output, Error> {
        match self.written(actor, reply, work).await? {
            (told, Some(Written { transaction, is_new })) => {
                self.commit_if_new(transaction, actor, what, is_new).await.map(|()| told)
            }
            (told, None) => Ok(told),
        }
    }

    /// Does a write as [`Platform::write`] does, which the log of what people did would drown in.
    pub(crate) async fn write_unnoted<T, R: Reply<T>>(
        &self,
        actor: &Actor,
        what: &'static str,
        reply: R,
        work: impl AsyncFnOnce(&mut Transaction) -> Result<T, Error>,
    ) -> Result<R::Output, Error> {
        match self.written(actor, reply, work).await? {
            (told, Some(Written { transaction, .. })) => self.commit_unnoted(transaction, actor, what).await.map(|()| told),
            (told, None) => Ok(told),
        }
    }

    /// Does a write up to its commit. Without a transaction, the same request was answered before.
    async fn written<T, R: Reply<T>>(
        &self,
        actor: &Actor,
        reply: R,
        work: impl AsyncFnOnce(&mut Transaction) -> Result<T, Error>,
    ) -> Result<(R::Output, Option<Written>), Error> {
        let once = reply.repeat().and_then(|repeat| repeat.once(actor));
        let mut transaction = self.store.write().await?;
        transaction.note_author(&actor.name);
        if let Some(once) = &once
            && let Some(answer) = transaction.recall(once).await?
        {
            return Ok((reply.again(answer)?, None));
        }
        let result = work(&mut transaction).await?;
        let (told, answer) = reply.first(result)?;
        // What is remembered below is written, too, and is nothing that somebody did.
        let is_new = transaction.has_written().await?;
        if let (Some(once), Some(answer)) = (&once, &answer) {
            transaction.remember(once, answer).await?;
        }
        Ok((told, Some(Written { transaction, is_new })))
    }

    /// Commits a transaction, tells everybody who listens, and notes who did it: in the log that owners read, in the same transaction,
    /// unless nothing was changed.
    pub(crate) async fn commit(&self, mut transaction: Transaction, actor: &Actor, what: &'static str) -> Result<(), Error> {
        let is_new = transaction.has_written().await?;
        self.commit_if_new(transaction, actor, what, is_new).await
    }

    async fn commit_if_new(
        &self,
        mut transaction: Transaction,
        actor: &Actor,
        what: &'static str,
        is_new: bool,
    ) -> Result<(), Error> {
        if is_new {
            note(&mut transaction, &actor.scope.org_id, &actor.id, &actor.name, what).await?;
        }
        self.commit_unnoted(transaction, actor, what).await
    }

    /// Commits a transaction and tells everybody who listens, where the log of what people did would drown in it.
    pub(crate) async fn commit_unnoted(&self, transaction: Transaction, actor: &Actor, what: &'static str) -> Result<(), Error> {
        transaction.commit().await?;
        // Beside the line of the request for whoever asks for it (`KEEPSTEP_LOG=info,audit=debug`), and for no one else.
        tracing::debug!(target: AUDIT, by = actor.id, name = ?actor.name, role = actor.role.label(), what);
        self.events.check_now();
        self.metrics.wrote();
        Ok(())
    }
}

/// Notes in the log of an organization, in a transaction that is about to be committed, who did what in it.
pub(crate) async fn note(
    transaction: &mut Transaction,
    org_id: &str,
    actor_id: &str,
    actor_name: &str,
    action: &'static str,
) -> Result<(), Error> {
    let caller = Caller::current();
    let new = NewActivity {
        org_id,
        actor_id,
        actor_name,
        device: caller.as_ref().map(|caller| caller.device.as_str()),
        address: caller.as_ref().map(|caller| caller.address.as_str()),
        action,
    };
    Ok(transaction.record_activity(new).await?)
}
