//! Webhooks: who is told what happens here, and telling them.
//!
//! What is sent is signed as Standard Webhooks (version 1.0.0) has it: the headers `webhook-id`, `webhook-timestamp` (seconds since 1970) and
//! `webhook-signature`, which is `v1,` and the base64 of an HMAC-SHA256 over id, timestamp and body with dots between them. The key is what
//! follows `whsec_` in the secret, decoded from base64. A message has the same id at each attempt: it may arrive more than once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keepstep_store::{Attempt, Delivery, DueDelivery, NewWebhook, Role, Store, StoreError, Transaction, Webhook};
use serde_json::json;
use sha2::Sha256;
use tokio::task::{Id, JoinSet};

use crate::actor::Actor;
use crate::error::Error;
use crate::messenger::{Message, Messenger};
use crate::platform::Platform;
use crate::secret_key::{SecretKey, is_sealed};

/// What a webhook can be told, with what it means.
pub const EVENTS: [(&str, &str); 5] = [
    ("persona.published", "a persona is published or put into production"),
    ("drift.seen", "a check sees that code and server differ"),
    ("bundle.published", "a bundle version is published"),
    ("experiment.ended", "the results of an experiment are uploaded"),
    ("gate.failed", "the gate of a scenario fails for an experiment"),
];

/// What a webhook is told when somebody tries it.
const TEST: &str = "webhook.test";

/// What a secret begins with.
const SECRET: &str = "whsec_";

/// The longest address, in bytes.
const LONGEST: usize = 2000;

/// How many webhooks an organization may have.
const MOST: usize = 50;

/// How long after each attempt the next one is made, in milliseconds: 5 seconds, 1 and 10 minutes, 1, 6 and 24 hours. Not the delays of a
/// command that somebody waits for: a receiver may be away for a night.
const DELAYS: [i64; 6] = [5_000, 60_000, 600_000, 3_600_000, 21_600_000, 86_400_000];

/// For how long whoever took a delivery may be at it, in milliseconds.
const LEASE: i64 = 60_000;

/// How many deliveries are made at a time, and how many of them to one webhook: a receiver that does not answer leaves room for others.
const AT_ONCE: usize = 16;
const AT_ONCE_TO_ONE: u32 = 2;

/// How long nothing is looked for, where nothing is due.
const IDLE: Duration = Duration::from_secs(60);

/// How long, where what is due waits for a receiver that is told something already: what others wait for stands behind it.
const BUSY: Duration = Duration::from_secs(5);

impl Platform {
    /// Returns the webhooks. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, or the database failed.
    pub async fn webhooks(&self, actor: &Actor) -> Result<Vec<Webhook>, Error> {
        may_manage(actor)?;
        Ok(self.store.webhooks(&actor.scope.org_id).await?)
    }

    /// Returns a webhook with its latest deliveries. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, there is none of that id, or the database failed.
    pub async fn webhook(&self, actor: &Actor, id: &str, most: u32) -> Result<(Webhook, Vec<Delivery>), Error> {
        may_manage(actor)?;
        // What a delivery has done to the webhook is to be seen where the delivery is.
        let deliveries = self.store.deliveries(id, most).await?;
        Ok((self.store.webhook(&actor.scope.org_id, id).await?, deliveries))
    }

    /// Creates a webhook and returns its secret, which can be read only now. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, the address or an event is not one, there are too many, or the database failed.
    pub async fn create_webhook(&self, actor: &Actor, url: &str, events: &[String]) -> Result<(Webhook, String), Error> {
        may_manage(actor)?;
        let url = checked_address(url)?;
        if events.is_empty() {
            return Err(Error::Refused("Choose at least one event.".to_owned()));
        }
        if let Some(unknown) = events.iter().find(|event| EVENTS.iter().all(|(known, _)| known != event)) {
            return Err(Error::Refused(format!("{unknown:?} is not an event.")));
        }
        let org_id = &actor.scope.org_id;
        if self.store.webhooks(org_id).await?.len() >= MOST {
            return Err(Error::Refused(format!("There are {MOST} webhooks already. Delete one first.")));
        }
        let secret = format!("{SECRET}{}", BASE64.encode(&self.store.surroundings().random::<32>()?));
        let kept = self.sealed(url, &secret)?;
        let mut transaction = self.store.write().await?;
        let new = NewWebhook { org_id, url, events, secret: &kept, created_by: &actor.name };
        let webhook = transaction.create_webhook(new).await?;
        transaction.about("webhook", &webhook.id, host(url));
        self.commit(transaction, actor, "create a webhook").await?;
        Ok((webhook, secret))
    }

    /// Returns the secret of a webhook as it is kept: encrypted, where there is a key.
    fn sealed(&self, url: &str, secret: &str) -> Result<String, Error> {
        Ok(match &self.settings.secret_key {
            Some(key) => key.seal(self.store.surroundings().random()?, url, secret)?,
            None => secret.to_owned(),
        })
    }

    /// Encrypts the secrets of webhooks that stand in the database as they are: those of a server that had no key. Returns how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seal_secrets(&self) -> Result<usize, Error> {
        if self.settings.secret_key.is_none() {
            return Ok(0);
        }
        let mut open = self.store.webhook_secrets().await?;
        open.retain(|webhook| !is_sealed(&webhook.secret));
        if open.is_empty() {
            return Ok(0);
        }
        let mut transaction = self.store.write().await?;
        for webhook in &open {
            transaction.replace_webhook_secret(webhook, &self.sealed(&webhook.url, &webhook.secret)?).await?;
        }
        transaction.commit().await?;
        Ok(open.len())
    }

    /// Deletes a webhook with its deliveries. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, there is none of that id, or the database failed.
    pub async fn delete_webhook(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        may_manage(actor)?;
        let webhook = self.store.webhook(&actor.scope.org_id, id).await?;
        let mut transaction = self.store.write().await?;
        transaction.remove_webhook(&actor.scope.org_id, id).await?;
        transaction.about("webhook", id, host(&webhook.url));
        self.commit(transaction, actor, "delete a webhook").await
    }

    /// Tells a webhook something that did not happen, to see whether it arrives. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, there is none of that id, it is disabled, or the database failed.
    pub async fn test_webhook(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        may_manage(actor)?;
        let mut transaction = self.store.write().await?;
        let webhook = enabled_webhook(&mut transaction, actor, id).await?;
        transaction.deliver(&webhook.id, TEST, &json!({ "sent_by": actor.name })).await?;
        transaction.about("webhook", id, host(&webhook.url));
        self.commit(transaction, actor, "test a webhook").await
    }

    /// Has a delivery tried again now. An owner may who sees the whole organization.
    ///
    /// # Errors
    /// The actor may not, there is none of that id, the webhook is disabled, or the database failed.
    pub async fn deliver_again(&self, actor: &Actor, id: &str, delivery: &str) -> Result<(), Error> {
        may_manage(actor)?;
        let mut transaction = self.store.write().await?;
        let webhook = enabled_webhook(&mut transaction, actor, id).await?;
        transaction.deliver_again(id, delivery).await?;
        transaction.about("webhook", id, host(&webhook.url));
        self.commit(transaction, actor, "send to a webhook again").await
    }

    /// Sends what is due, for as long as the server runs. Many servers may do so on the same data.
    ///
    /// As soon as one delivery has ended the next one begins, so that a receiver that does not answer keeps nobody else waiting.
    pub async fn deliver(self, messenger: Arc<dyn Messenger>) {
        let mut generations = self.events.generations();
        let mut under_way = UnderWay::default();
        loop {
            let pause = match self.begin_due(&messenger, &mut under_way).await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "webhooks are not delivered; trying again");
                    IDLE
                }
            };
            tokio::select! {
                () = under_way.end_of_one(), if !under_way.webhooks.is_empty() => {}
                changed = generations.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Begins what is due now and may be under way beside what is, and returns how long nothing more is.
    async fn begin_due(&self, messenger: &Arc<dyn Messenger>, under_way: &mut UnderWay) -> Result<Duration, StoreError> {
        loop {
            let free = AT_ONCE - under_way.webhooks.len().min(AT_ONCE);
            let Some(next) = self.store.next_delivery().await?.filter(|_| free > 0) else { return Ok(IDLE) };
            let left = next.saturating_sub(self.store.now());
            if left > 0 {
                return Ok(Duration::from_millis(left.unsigned_abs()).min(IDLE));
            }
            let mut transaction = self.store.write().await?;
            let most = u32::try_from(free).unwrap_or(1);
            let webhooks: Vec<&str> = under_way.webhooks.values().map(String::as_str).collect();
            let due = transaction.take_deliveries(most, AT_ONCE_TO_ONE, &webhooks, LEASE).await?;
            // Nobody who listens or caches has to look again: this is between the sender and its list.
            transaction.commit_hidden().await?;
            if due.is_empty() {
                return Ok(BUSY);
            }
            for due in due {
                let webhook = due.webhook_id.clone();
                let key = self.settings.secret_key.clone();
                let task = under_way.attempts.spawn(attempt(self.store.clone(), key, Arc::clone(messenger), due));
                under_way.webhooks.insert(task.id(), webhook);
            }
        }
    }
}

/// Deliveries that are being made, each by a task of its own: whoever waits for the place of writers keeps none of them waiting that has it.
#[derive(Default)]
struct UnderWay {
    attempts: JoinSet<()>,
    /// The webhook of each.
    webhooks: HashMap<Id, String>,
}

impl UnderWay {
    async fn end_of_one(&mut self) {
        let ended = match self.attempts.join_next_with_id().await {
            Some(Ok((id, ()))) => id,
            // Whatever broke down there, the delivery is made again when its lease ends.
            Some(Err(error)) => error.id(),
            None => return,
        };
        self.webhooks.remove(&ended);
    }
}

/// Makes a delivery and notes what came of it.
async fn attempt(store: Store, key: Option<SecretKey>, messenger: Arc<dyn Messenger>, due: DueDelivery) {
    let answer = match message(&due, key.as_ref(), store.now() / 1000) {
        Ok(message) => messenger.send(message).await,
        Err(reason) => Err(reason),
    };
    let next = usize::try_from(due.delivery.attempts.saturating_sub(1)).ok().and_then(|attempt| DELAYS.get(attempt));
    let again = next.map_or(Attempt::Failed, |delay| Attempt::Again(store.now().saturating_add(*delay)));
    let (attempt, outcome) = match answer {
        Ok(status @ 200..=299) => (Attempt::Delivered, format!("status {status}")),
        Ok(410) => (Attempt::Gone, "status 410: the address is gone".to_owned()),
        Ok(status) => (again, format!("status {status}")),
        Err(reason) => (again, reason),
    };
    let noted = async {
        let mut transaction = store.write().await?;
        transaction.note_attempt(&due, attempt, &outcome).await?;
        transaction.commit().await
    };
    if let Err(error) = noted.await {
        // It is sent again when the lease ends; the receiver knows it by its id.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            delivery = due.delivery.id,
            "the outcome of a delivery is not noted"
        );
    }
}

/// Returns a message with its signature, as of a time in seconds since 1970.
fn message(due: &DueDelivery, key: Option<&SecretKey>, timestamp: i64) -> Result<Message, String> {
    let delivery = &due.delivery;
    let damaged = || "the webhook's secret is damaged; delete the webhook and create it again".to_owned();
    let secret = if is_sealed(&due.secret) {
        let opened = key.and_then(|key| key.open(&due.url, &due.secret));
        opened.ok_or(
            "the webhook's secret was encrypted with another key; put the file secret.key back, or delete the webhook and create it again",
        )?
    } else {
        due.secret.clone()
    };
    let key = secret.strip_prefix(SECRET).and_then(|text| BASE64.decode(text.as_bytes()).ok()).ok_or_else(damaged)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| damaged())?;
    mac.update(format!("{}.{timestamp}.", delivery.id).as_bytes());
    mac.update(delivery.body.as_bytes());
    let signature = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    Ok(Message {
        url: due.url.clone(),
        headers: [
            ("webhook-id", delivery.id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ],
        body: delivery.body.clone(),
    })
}

/// An experiment that has ended.
pub(crate) struct EndedExperiment<'a> {
    pub(crate) project: &'a str,
    pub(crate) batch: &'a str,
    /// The name that its program gave it.
    pub(crate) name: Option<&'a str>,
    pub(crate) cases: u64,
    pub(crate) failed: u64,
}

/// Tells it, whichever way its results came.
pub(crate) async fn announce_end(
    transaction: &mut Transaction,
    actor: &Actor,
    ended: EndedExperiment<'_>,
) -> Result<(), StoreError> {
    let data = json!({
        "project_id": ended.project,
        "experiment": { "id": ended.batch, "experiment_id": ended.name },
        "cases": ended.cases,
        "failed": ended.failed,
        "by": actor.name,
    });
    transaction.announce(&actor.scope, "experiment.ended", &data).await.map(drop)
}

async fn enabled_webhook(transaction: &mut Transaction, actor: &Actor, id: &str) -> Result<Webhook, Error> {
    let webhook = transaction.webhook(&actor.scope.org_id, id).await?;
    if webhook.disabled_at.is_some() {
        return Err(Error::Refused("This webhook is disabled: its address said that it is gone.".to_owned()));
    }
    Ok(webhook)
}

fn may_manage(actor: &Actor) -> Result<(), Error> {
    actor.require(Role::Owner)?;
    actor.require_whole_organization()
}

/// Returns an address that can be one of a webhook.
fn checked_address(url: &str) -> Result<&str, Error> {
    let url = url.trim();
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default()).unwrap_or_default();
    if authority.is_empty()
        || url.len() > LONGEST
        || url.chars().any(|character| character.is_control() || character.is_whitespace())
    {
        return Err(Error::Refused("An address begins with https:// or http:// and has no spaces.".to_owned()));
    }
    if authority.contains('@') {
        return Err(Error::Refused("An address has no name and no password in it. The signature proves who sends.".to_owned()));
    }
    Ok(url)
}

/// Returns the host of an address, which may hold a secret further behind.
pub fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_signed_as_the_standard_has_it() {
        // The example of the standard's own libraries.
        let due = DueDelivery {
            delivery: Delivery {
                id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
                event: TEST.to_owned(),
                body: "{\"test\": 2432232314}".to_owned(),
                created_at: 0,
                attempts: 1,
                next_at: None,
                delivered_at: None,
                outcome: None,
            },
            webhook_id: "webhook_1".to_owned(),
            url: "https://example.com".to_owned(),
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        };
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(message(&due, None, 1_614_265_330).unwrap().headers[2].1, signature);
        // The same where the secret is kept encrypted; with another key it says what to do.
        let (key, other) = (SecretKey::new([1; 32]), SecretKey::new([2; 32]));
        let sealed = DueDelivery { secret: key.seal([3; 12], &due.url, &due.secret).unwrap(), ..due };
        assert_eq!(message(&sealed, Some(&key), 1_614_265_330).unwrap().headers[2].1, signature);
        for wrong in [None, Some(&other)] {
            assert!(message(&sealed, wrong, 1_614_265_330).unwrap_err().contains("secret.key"));
        }
    }

    #[test]
    fn an_address_has_no_password_and_no_other_scheme() {
        for good in ["https://example.com", "http://127.0.0.1:8080/hooks?a=b", " https://example.com/x "] {
            assert!(checked_address(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https:///x",
            "https://a:b@example.com",
            "https://a b",
            "https://a\nb",
        ] {
            assert!(checked_address(bad).is_err(), "{bad}");
        }
        assert_eq!(host("https://example.com:8443/secret?x"), "example.com:8443");
    }
}
