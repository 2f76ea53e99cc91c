//! Webhooks: addresses that are told what happens, and each thing that they are told.
//!
//! What happened is written down with it, in one transaction, once for each address that wants to know ([`Transaction::announce`]). So
//! nothing is told that did not happen, and nothing is forgotten where the process ends in between.

use serde_json::Value;

use crate::rows::Columns as _;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Scope, Store, StoreError, Transaction, rows};

/// How many deliveries of a webhook are kept. The oldest go first, also those that wait: a receiver that is away for long is not told all.
const KEPT: u32 = 1000;

/// An address that is told what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where to.
    pub url: String,
    /// What it is told: `persona.published` and others.
    pub events: Vec<String>,
    /// When it was created.
    pub created_at: i64,
    /// The name of who created it.
    pub created_by: String,
    /// Since when it is told nothing, because it said that it is gone.
    pub disabled_at: Option<i64>,
}

/// A webhook to create.
#[derive(Debug, Clone, Copy)]
pub struct NewWebhook<'a> {
    /// Whose.
    pub org_id: &'a str,
    /// Where to.
    pub url: &'a str,
    /// What it is told.
    pub events: &'a [String],
    /// What signs.
    pub secret: &'a str,
    /// The name of who creates it.
    pub created_by: &'a str,
}

/// One thing that one address is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, the same at each attempt.
    pub id: String,
    /// What happened: `persona.published`.
    pub event: String,
    /// What is sent, as it is signed.
    pub body: String,
    /// When it happened.
    pub created_at: i64,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; none where it is not.
    pub next_at: Option<i64>,
    /// When it arrived.
    pub delivered_at: Option<i64>,
    /// What came of the last attempt, in words.
    pub outcome: Option<String>,
}

/// A delivery that is due, with what it takes to send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// What to send.
    pub delivery: Delivery,
    /// Of which webhook.
    pub webhook_id: String,
    /// Where to.
    pub url: String,
    /// What signs it.
    pub secret: String,
}

/// What signs the messages to a webhook, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecret {
    /// The id of the webhook.
    pub webhook_id: String,
    /// Where its messages go.
    pub url: String,
    /// The secret.
    pub secret: String,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// It arrived.
    Delivered,
    /// It did not, and is tried again then.
    Again(i64),
    /// It did not, and is not tried again.
    Failed,
    /// The address is gone: nothing is sent to it any more.
    Gone,
}

impl Store {
    /// Returns the webhooks of an organization, the oldest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn webhooks(&self, org_id: &str) -> Result<Vec<Webhook>> {
        let mut reader = self.reader().await?;
        let statement = "SELECT id, url, events, created_at, created_by, disabled_at FROM webhooks WHERE org_id = $1
             ORDER BY created_at, id";
        query(statement).bind(org_id).fetch_all(&mut reader).await?.iter().map(webhook).collect()
    }

    /// Returns the secrets of all webhooks.
    ///
    /// # Errors
    /// The database failed.
    pub async fn webhook_secrets(&self) -> Result<Vec<WebhookSecret>> {
        let rows = query("SELECT id, url, secret FROM webhooks ORDER BY id").fetch_all(&mut *self.reader().await?).await?;
        let secret =
            |row: &Row| Ok(WebhookSecret { webhook_id: row.get("id")?, url: row.get("url")?, secret: row.get("secret")? });
        rows.iter().map(secret).collect()
    }

    /// Returns a webhook of an organization.
    ///
    /// # Errors
    /// There is none of that id, or the database failed.
    pub async fn webhook(&self, org_id: &str, id: &str) -> Result<Webhook> {
        let mut reader = self.reader().await?;
        read_webhook(&mut reader, org_id, id).await
    }

    /// Returns at most so many deliveries of a webhook, the latest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deliveries(&self, webhook: &str, most: u32) -> Result<Vec<Delivery>> {
        let mut reader = self.reader().await?;
        let statement = "SELECT id, event, body, created_at, attempts, next_at, delivered_at, outcome FROM webhook_deliveries
             WHERE webhook_id = $1 ORDER BY created_at DESC, id LIMIT $2";
        query(statement).bind(webhook).bind(most).fetch_all(&mut reader).await?.iter().map(delivery).collect()
    }

    /// Returns when the next delivery is due; none where all are done.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next_delivery(&self) -> Result<Option<i64>> {
        let mut reader = self.reader().await?;
        let row = query("SELECT min(next_at) AS next_at FROM webhook_deliveries WHERE next_at IS NOT NULL")
            .fetch_one(&mut reader)
            .await?;
        Ok(row.get("next_at")?)
    }
}

impl Transaction {
    /// Creates a webhook.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create_webhook(&mut self, new: NewWebhook<'_>) -> Result<Webhook> {
        let webhook = Webhook {
            id: self.surroundings.id("webhook_")?,
            url: new.url.to_owned(),
            events: new.events.to_vec(),
            created_at: self.now,
            created_by: new.created_by.to_owned(),
            disabled_at: None,
        };
        query(
            "INSERT INTO webhooks (id, org_id, url, secret, events, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&webhook.id)
        .bind(new.org_id)
        .bind(&webhook.url)
        .bind(new.secret)
        .bind(rows::text(&webhook.events))
        .bind(webhook.created_at)
        .bind(&webhook.created_by)
        .execute(self.connection())
        .await?;
        Ok(webhook)
    }

    /// Returns a webhook of an organization, as this transaction sees it.
    ///
    /// # Errors
    /// There is none of that id, or the database failed.
    pub async fn webhook(&mut self, org_id: &str, id: &str) -> Result<Webhook> {
        read_webhook(self.connection(), org_id, id).await
    }

    /// Keeps the secret of a webhook in another form, unless it was changed meanwhile.
    ///
    /// # Errors
    /// The database failed.
    pub async fn replace_webhook_secret(&mut self, known: &WebhookSecret, secret: &str) -> Result<()> {
        query("UPDATE webhooks SET secret = $3 WHERE id = $1 AND secret = $2")
            .bind(&known.webhook_id)
            .bind(&known.secret)
            .bind(secret)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Removes a webhook with its deliveries.
    ///
    /// # Errors
    /// The organization has none of that id, or the database failed.
    pub async fn remove_webhook(&mut self, org_id: &str, id: &str) -> Result<()> {
        let removed =
            query("DELETE FROM webhooks WHERE org_id = $1 AND id = $2").bind(org_id).bind(id).execute(self.connection()).await?;
        if removed == 0 { Err(StoreError::WebhookNotFound(id.to_owned())) } else { Ok(()) }
    }

    /// Writes down that something happened, for each webhook of the organization that wants to know. Returns for how many.
    ///
    /// # Errors
    /// The database failed.
    pub async fn announce(&mut self, scope: &Scope, event: &str, data: &Value) -> Result<usize> {
        let wanted = query("SELECT id, events FROM webhooks WHERE org_id = $1 AND disabled_at IS NULL ORDER BY id")
            .bind(&scope.org_id)
            .fetch_all(self.connection())
            .await?;
        let mut told = 0;
        for row in wanted {
            let id: String = row.get("id")?;
            if events(&row, &id)?.iter().any(|wanted| wanted == event) {
                self.deliver(&id, event, data).await?;
                told += 1;
            }
        }
        Ok(told)
    }

    /// Writes down what one webhook is told.
    ///
    /// # Errors
    /// The database failed.
    pub async fn deliver(&mut self, webhook: &str, event: &str, data: &Value) -> Result<String> {
        let id = self.surroundings.id("msg_")?;
        let timestamp = jiff::Timestamp::from_millisecond(self.now).unwrap_or_default().to_string();
        let body = serde_json::json!({ "type": event, "timestamp": timestamp, "data": data }).to_string();
        let now = self.now;
        query(
            "INSERT INTO webhook_deliveries (id, webhook_id, event, body, created_at, next_at) VALUES ($1, $2, $3, $4, $5, $5)",
        )
        .bind(&id)
        .bind(webhook)
        .bind(event)
        .bind(body)
        .bind(now)
        .execute(self.connection())
        .await?;
        // Many may be of the same moment, and a clock may go back: this one stays.
        query(
            "DELETE FROM webhook_deliveries WHERE webhook_id = $1 AND id <> $2 AND id NOT IN (
                 SELECT id FROM webhook_deliveries WHERE webhook_id = $1 AND id <> $2 ORDER BY created_at DESC, id LIMIT $3)",
        )
        .bind(webhook)
        .bind(&id)
        .bind(KEPT - 1)
        .execute(self.connection())
        .await?;
        Ok(id)
    }

    /// Has a delivery tried again now.
    ///
    /// # Errors
    /// The webhook has none of that id, or the database failed.
    pub async fn deliver_again(&mut self, webhook: &str, id: &str) -> Result<()> {
        let now = self.now;
        let changed = query("UPDATE webhook_deliveries SET next_at = $1, attempts = 0 WHERE webhook_id = $2 AND id = $3")
            .bind(now)
            .bind(webhook)
            .bind(id)
            .execute(self.connection())
            .await?;
        if changed == 0 { Err(StoreError::WebhookNotFound(id.to_owned())) } else { Ok(()) }
    }

    /// Takes at most so many deliveries that are due, and of each webhook at most `most_to_one` together with those that are `under_way`: an
    /// entry for each of them, with the id of its webhook. No other process gets them until
    /// `lease` milliseconds have passed, after which whoever took them is taken for dead.
    ///
    /// # Errors
    /// The database failed.
    pub async fn take_deliveries(
        &mut self,
        most: u32,
        most_to_one: u32,
        under_way: &[&str],
        lease: i64,
    ) -> Result<Vec<DueDelivery>> {
        let now = self.now;
        let found = query(
            "SELECT d.id, d.event, d.body, d.created_at, d.attempts, d.next_at, d.delivered_at, d.outcome, d.webhook_id, w.url, w.secret
             FROM (SELECT id, row_number() OVER (PARTITION BY webhook_id ORDER BY next_at, id)
                     + (length(CAST($4 AS TEXT)) - length(replace(CAST($4 AS TEXT), webhook_id, ''))) / length(webhook_id) AS place
                   FROM webhook_deliveries WHERE next_at IS NOT NULL AND next_at <= $1) due
             JOIN webhook_deliveries d ON d.id = due.id
             JOIN webhooks w ON w.id = d.webhook_id
             WHERE due.place <= $2 ORDER BY d.next_at, d.id LIMIT $3",
        )
        .bind(now)
        .bind(most_to_one)
        .bind(most)
        .bind(under_way.join(" "))
        .fetch_all(self.connection())
        .await?;
        let mut due = Vec::with_capacity(found.len());
        for row in &found {
            let delivery = delivery(row)?;
            query("UPDATE webhook_deliveries SET next_at = $1, attempts = attempts + 1 WHERE id = $2")
                .bind(now.saturating_add(lease))
                .bind(&delivery.id)
                .execute(self.connection())
                .await?;
            due.push(DueDelivery {
                delivery: Delivery { attempts: delivery.attempts + 1, ..delivery },
                webhook_id: row.get("webhook_id")?,
                url: row.get("url")?,
                secret: row.get("secret")?,
            });
        }
        Ok(due)
    }

    /// Notes what came of an attempt, with words for it. Nothing waits for an address that is gone, also where another attempt said so.
    ///
    /// # Errors
    /// The database failed.
    pub async fn note_attempt(&mut self, of: &DueDelivery, attempt: Attempt, outcome: &str) -> Result<()> {
        let now = self.now;
        let (next_at, delivered_at) = match attempt {
            Attempt::Delivered => (None, Some(now)),
            Attempt::Again(at) => (Some(at), None),
            Attempt::Failed | Attempt::Gone => (None, None),
        };
        query("UPDATE webhook_deliveries SET next_at = $1, delivered_at = $2, outcome = $3 WHERE id = $4")
            .bind(next_at)
            .bind(delivered_at)
            .bind(outcome)
            .bind(&of.delivery.id)
            .execute(self.connection())
            .await?;
        if attempt == Attempt::Gone {
            query("UPDATE webhooks SET disabled_at = $1 WHERE id = $2")
                .bind(now)
                .bind(&of.webhook_id)
                .execute(self.connection())
                .await?;
        }
        query(
            "UPDATE webhook_deliveries SET next_at = NULL WHERE next_at IS NOT NULL
               AND webhook_id IN (SELECT id FROM webhooks WHERE id = $1 AND disabled_at IS NOT NULL)",
        )
        .bind(&of.webhook_id)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

async fn read_webhook(connection: &mut Connection, org_id: &str, id: &str) -> Result<Webhook> {
    let statement = "SELECT id, url, events, created_at, created_by, disabled_at FROM webhooks WHERE org_id = $1 AND id = $2";
    let found = query(statement).bind(org_id).bind(id).fetch_optional(connection).await?;
    found.as_ref().map(webhook).transpose()?.ok_or_else(|| StoreError::WebhookNotFound(id.to_owned()))
}

fn webhook(row: &Row) -> Result<Webhook> {
    let id: String = row.get("id")?;
    Ok(Webhook {
        url: row.get("url")?,
        events: events(row, &id)?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        disabled_at: row.get("disabled_at")?,
        id,
    })
}

fn events(row: &Row, id: &str) -> Result<Vec<String>> {
    let text = row.text("events")?.unwrap_or_default();
    serde_json::from_str(&text).map_err(|_| rows::damaged("events", id))
}

fn delivery(row: &Row) -> Result<Delivery> {
    Ok(Delivery {
        id: row.get("id")?,
        event: row.get("event")?,
        body: row.get("body")?,
        created_at: row.get("created_at")?,
        attempts: row.get("attempts")?,
        next_at: row.get("next_at")?,
        delivered_at: row.get("delivered_at")?,
        outcome: row.get("outcome")?,
    })
}
