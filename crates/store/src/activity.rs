//! Who did what, when, from where and with which tool: a log that shows when somebody changed it.
//!
//! Each write of an organization adds an entry in its own transaction. An entry's hash is over its columns and the hash of the entry before
//! it, so an entry that was changed, added or removed later does not fit ([`Store::verify_activity`]).

use std::future::Future;

use keepstep_base::Digest;
use serde_json::json;

use crate::model::Subject;
use crate::{Result, Store, Transaction};

/// How many entries are read at a time.
const PAGE: u32 = 1000;

/// An entry to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewActivity<'a> {
    /// Whose log it is in.
    pub org_id: &'a str,
    /// Who: the id of a person or of a key.
    pub actor_id: &'a str,
    /// Under which name.
    pub actor_name: &'a str,
    /// With which browser or program; none for who works on the data directly.
    pub device: Option<&'a str>,
    /// From which network address.
    pub address: Option<&'a str>,
    /// What, as a short imperative: `revoke a key`.
    pub action: &'a str,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its number in its organization, from 1 without gaps.
    pub number: i64,
    /// When, in epoch milliseconds.
    pub at: i64,
    /// Who: the id of a person or of a key.
    pub actor_id: String,
    /// Under which name.
    pub actor_name: String,
    /// With which browser or program; none for who works on the data directly.
    pub device: Option<String>,
    /// From which network address.
    pub address: Option<String>,
    /// What, as a short imperative: `revoke a key`.
    pub action: String,
    /// What it is about.
    pub subject: Option<Subject>,
    /// The hash of this entry and of the one before.
    pub hash: String,
}

/// Which entries are wanted; all of them where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Only those of one person or key, by id.
    pub actor_id: Option<String>,
    /// Only one action.
    pub action: Option<String>,
    /// Only those about one thing, by id.
    pub subject_id: Option<String>,
    /// Only those since then, in epoch milliseconds.
    pub since: Option<i64>,
    /// Only those before then, in epoch milliseconds.
    pub until: Option<i64>,
    /// Only those with a smaller number.
    pub before: Option<i64>,
}

/// What a check of the log has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedActivity {
    /// How many entries were looked at.
    pub entries: u64,
    /// The number of the first entry that does not fit to the one before, or that is missing; none where all of them fit.
    pub first_broken: Option<i64>,
}

/// The last entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: i64,
    pub(crate) hash: String,
}

impl Activity {
    /// Returns the hash of the entry after one with that hash; the first one follows an empty text.
    fn hash_after(&self, previous: &str, org_id: &str) -> String {
        let subject = self.subject.as_ref().map(|subject| [&subject.kind, &subject.id, &subject.name]);
        let columns = json!([
            previous,
            org_id,
            self.number,
            self.at,
            self.actor_id,
            self.actor_name,
            self.device,
            self.address,
            self.action,
            subject
        ]);
        Digest::of_bytes(columns.to_string().as_bytes()).to_string()
    }
}

/// What a database keeps of activity.
pub(crate) trait ActivityRows {
    /// Takes the place after the last entry of a log, which no other transaction gets, and returns the last one.
    fn take_place(&mut self, org_id: &str) -> impl Future<Output = Result<Head>> + Send;

    /// Adds an entry as the last one.
    fn add_activity(&mut self, org_id: &str, entry: &Activity) -> impl Future<Output = Result<()>> + Send;

    /// Returns the last entry of a log as it was noted apart from it.
    fn activity_head(&mut self, org_id: &str) -> impl Future<Output = Result<Option<Head>>> + Send;

    /// Returns entries, the latest first.
    fn activity(
        &mut self,
        org_id: &str,
        filter: &ActivityFilter,
        most: u32,
    ) -> impl Future<Output = Result<Vec<Activity>>> + Send;

    /// Returns the entries after a number, the earliest first.
    fn activity_after(&mut self, org_id: &str, number: i64, most: u32) -> impl Future<Output = Result<Vec<Activity>>> + Send;

    /// Returns the actions that a log has, in order.
    fn activity_actions(&mut self, org_id: &str) -> impl Future<Output = Result<Vec<String>>> + Send;
}

impl Store {
    /// Returns at most so many entries of an organization's log, the latest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn activity(&self, org_id: &str, filter: &ActivityFilter, most: u32) -> Result<Vec<Activity>> {
        self.reader().await?.activity(org_id, filter, most).await
    }

    /// Returns the actions that an organization's log has, in order.
    ///
    /// # Errors
    /// The database failed.
    pub async fn activity_actions(&self, org_id: &str) -> Result<Vec<String>> {
        self.reader().await?.activity_actions(org_id).await
    }

    /// Looks at every entry of an organization's log, whether it fits to the one before.
    ///
    /// # Errors
    /// The database failed.
    pub async fn verify_activity(&self, org_id: &str) -> Result<VerifiedActivity> {
        // What is written meanwhile is of the next check.
        let head = self.reader().await?.activity_head(org_id).await?;
        let last = head.as_ref().map_or(0, |head| head.number);
        let (mut number, mut hash, mut entries) = (0, String::new(), 0);
        loop {
            let page = self.reader().await?.activity_after(org_id, number, PAGE).await?;
            let is_last = page.len() < usize::try_from(PAGE).unwrap_or(usize::MAX);
            for entry in page {
                entries += 1;
                if entry.number != number + 1 || entry.hash != entry.hash_after(&hash, org_id) {
                    return Ok(VerifiedActivity { entries, first_broken: Some(number + 1) });
                }
                (number, hash) = (entry.number, entry.hash);
                if head.as_ref().is_some_and(|head| head.number == number && head.hash != hash) {
                    return Ok(VerifiedActivity { entries, first_broken: Some(number) });
                }
            }
            if is_last {
                let has_lost_its_head =
                    number > 0 && head.is_none() && self.reader().await?.activity_head(org_id).await?.is_none();
                let first_broken = (number < last || has_lost_its_head).then_some(number + 1);
                return Ok(VerifiedActivity { entries, first_broken });
            }
        }
    }
}

impl Transaction {
    /// Says what this transaction is about, for its entry in the log. What was said first stays.
    pub fn about(&mut self, kind: &str, id: &str, name: &str) {
        let subject = || Subject { kind: kind.to_owned(), id: id.to_owned(), name: name.to_owned() };
        self.subject.get_or_insert_with(subject);
    }

    /// Adds an entry to the log of an organization, about what [`Transaction::about`] said.
    ///
    /// # Errors
    /// The database failed.
    pub async fn record_activity(&mut self, new: NewActivity<'_>) -> Result<()> {
        let (at, subject) = (self.now, self.subject.clone());
        let last = self.connection().take_place(new.org_id).await?;
        let mut entry = Activity {
            number: last.number + 1,
            at,
            actor_id: new.actor_id.to_owned(),
            actor_name: new.actor_name.to_owned(),
            device: new.device.map(str::to_owned),
            address: new.address.map(str::to_owned),
            action: new.action.to_owned(),
            subject,
            hash: String::new(),
        };
        entry.hash = entry.hash_after(&last.hash, new.org_id);
        self.connection().add_activity(new.org_id, &entry).await
    }
}
