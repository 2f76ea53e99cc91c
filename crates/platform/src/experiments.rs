//! Experiments as people handle them: named, tagged, noted, pinned, deleted and restored.

use std::collections::BTreeSet;

use keepstep_base::api_key::ApiKey;
use keepstep_store::Role;
use keepstep_store::results::{ExperimentLabels, NewVerdict};

use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;

/// The longest name of an experiment, in characters.
pub const LONGEST_EXPERIMENT_NAME: usize = 200;

/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 20_000;

/// The longest comment on an answer, in characters.
pub const LONGEST_COMMENT: usize = 5_000;

/// The longest tag, in characters.
const LONGEST_TAG: usize = 50;

/// How many tags an experiment has at most.
const MOST_TAGS: usize = 20;

/// Returns the labels that somebody typed: a name, tags with commas between them, and a note. No name is the one that the client gave.
///
/// # Errors
/// Something is too long, or there are too many tags.
pub fn experiment_labels(name: &str, tags: &str, note: &str) -> Result<ExperimentLabels, Error> {
    let name = name.trim();
    if name.chars().count() > LONGEST_EXPERIMENT_NAME || name.chars().any(char::is_control) {
        return Err(Error::Refused(format!("A name has at most {LONGEST_EXPERIMENT_NAME} characters, in one line.")));
    }
    if note.chars().count() > LONGEST_NOTE {
        return Err(Error::Refused(format!("A note has at most {LONGEST_NOTE} characters.")));
    }
    let tags: BTreeSet<String> = tags.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
    if tags.iter().any(|tag| tag.chars().count() > LONGEST_TAG || tag.chars().any(char::is_control)) {
        return Err(Error::Refused(format!("A tag has at most {LONGEST_TAG} characters, in one line.")));
    }
    if tags.len() > MOST_TAGS {
        return Err(Error::Refused(format!("An experiment has at most {MOST_TAGS} tags.")));
    }
    Ok(ExperimentLabels {
        name: (!name.is_empty()).then(|| name.to_owned()),
        note: note.trim_end().to_owned(),
        tags: tags.into_iter().collect(),
    })
}

impl Platform {
    /// Sets the name, the tags and the note of an experiment, unless they are no more what had the digest `base`. An editor may.
    ///
    /// Returns what somebody else set meanwhile: then nothing is set.
    ///
    /// # Errors
    /// The actor may not, there is no such experiment for them, or the database failed.
    pub async fn label_experiment(
        &self,
        actor: &Actor,
        id: &str,
        labels: &ExperimentLabels,
        base: &str,
    ) -> Result<Option<ExperimentLabels>, Error> {
        actor.require(Role::Editor)?;
        let name = self.experiment_name(actor, id).await?;
        let mut transaction = self.store.write().await?;
        transaction.about("experiment", id, &name);
        if let Some(there) = transaction.label_experiment(&actor.scope, id, labels, base, &actor.name).await? {
            return Ok(Some(there));
        }
        self.commit(transaction, actor, "label an experiment").await?;
        Ok(None)
    }

    /// Pins an experiment as the one that others of its scenario are compared with, or takes the pin away. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such experiment for them, or the database failed.
    pub async fn pin_experiment(&self, actor: &Actor, id: &str, is_pinned: bool) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let name = self.experiment_name(actor, id).await?;
        let mut transaction = self.store.write().await?;
        transaction.about("experiment", id, &name);
        transaction.pin_experiment(&actor.scope, id, is_pinned, &actor.name).await?;
        self.commit(transaction, actor, if is_pinned { "pin an experiment" } else { "unpin an experiment" }).await
    }

    /// Deletes an experiment with its files. An editor may. It can be restored for a day.
    ///
    /// # Errors
    /// The actor may not, there is no such experiment for them, or the database failed.
    pub async fn delete_experiment(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let name = self.experiment_name(actor, id).await?;
        let mut transaction = self.store.write().await?;
        transaction.about("experiment", id, &name);
        transaction.delete_experiment(&actor.scope, id, &actor.name).await?;
        self.commit(transaction, actor, "delete an experiment").await?;
        tracing::info!(by = %actor.id, experiment = id, "an experiment was deleted");
        self.tidy();
        Ok(())
    }

    /// Restores an experiment that was deleted less than a day ago. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such experiment for them, or the database failed.
    pub async fn restore_experiment(&self, actor: &Actor, id: &str) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let mut transaction = self.store.write().await?;
        let name = transaction.restore_experiment(&actor.scope, id).await?;
        transaction.about("experiment", id, &name);
        self.commit(transaction, actor, "restore an experiment").await?;
        tracing::info!(by = %actor.id, experiment = id, "an experiment was restored");
        Ok(())
    }
}

/// What somebody says of an answer.
#[derive(Debug, Clone, Copy)]
pub struct SaidVerdict<'a> {
    /// Which criterion it is about, by [its key](keepstep_store::results::criterion_key); empty for all of the answer.
    pub criterion: &'a str,
    /// Whether the answer is as it should be; nothing takes back what they said.
    pub is_right: Option<bool>,
    /// Why.
    pub comment: &'a str,
}

impl Platform {
    /// Notes what somebody says of the answer of a case, in the place of what they said before. An editor may.
    ///
    /// # Errors
    /// The actor may not, the comment is too long, there is no such case for them, or the database failed.
    pub async fn say_verdict(&self, actor: &Actor, experiment: &str, case: &str, said: SaidVerdict<'_>) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        if said.comment.chars().count() > LONGEST_COMMENT {
            return Err(Error::Refused(format!("A comment has at most {LONGEST_COMMENT} characters.")));
        }
        let new = NewVerdict {
            criterion: said.criterion,
            user_id: &actor.id,
            user_name: &actor.name,
            is_right: said.is_right,
            comment: said.comment.trim(),
        };
        let name = self.experiment_name(actor, experiment).await?;
        let mut transaction = self.store.write().await?;
        transaction.about("experiment", experiment, &name);
        transaction.say_verdict(&actor.scope, experiment, case, &new).await?;
        self.commit(transaction, actor, "say whether an answer is right").await
    }

    /// Makes a link that shows an experiment to whoever has it, for a time in milliseconds. An editor may. It can be read only now.
    ///
    /// # Errors
    /// The actor may not, there is no such experiment for them, or the database failed.
    pub async fn share_experiment(&self, actor: &Actor, experiment: &str, life: i64) -> Result<ApiKey, Error> {
        actor.require(Role::Editor)?;
        let name = self.experiment_name(actor, experiment).await?;
        let mut transaction = self.store.write().await?;
        transaction.about("experiment", experiment, &name);
        let expires_at = transaction.now().saturating_add(life);
        let link = transaction.create_share(&actor.scope, experiment, &actor.name, expires_at).await?;
        self.commit(transaction, actor, "share an experiment").await?;
        tracing::info!(by = %actor.id, experiment, "an experiment was shared");
        Ok(link)
    }

    /// Revokes a link that shows an experiment. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such experiment or link for them, or the database failed.
    pub async fn revoke_share(&self, actor: &Actor, experiment: &str, share: &str) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let name = self.experiment_name(actor, experiment).await?;
        let mut transaction = self.store.write().await?;
        transaction.about("experiment", experiment, &name);
        transaction.revoke_share(&actor.scope, experiment, share).await?;
        self.commit(transaction, actor, "revoke the link of an experiment").await
    }

    /// Returns the name of an experiment, for the log of what people did.
    async fn experiment_name(&self, actor: &Actor, id: &str) -> Result<String, Error> {
        Ok(self.store.experiment(&actor.scope, id).await?.name().to_owned())
    }

    /// Notes that somebody has opened an experiment, if nobody had before.
    ///
    /// # Errors
    /// There is no such experiment for the actor, or the database failed.
    pub async fn see_experiment(&self, actor: &Actor, experiment: &str) -> Result<(), Error> {
        if self.store.is_seen(&actor.scope, experiment).await? {
            return Ok(());
        }
        let mut transaction = self.store.write().await?;
        transaction.see_experiment(&actor.scope, experiment, &actor.name).await?;
        self.commit_unnoted(transaction, actor, "open an experiment").await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_apart_by_commas_and_each_is_there_once() {
        let labels = experiment_labels(" Before the release ", "slow, release,, slow ", "why\n").unwrap();
        assert_eq!(labels.name.as_deref(), Some("Before the release"));
        assert_eq!((labels.tags, labels.note), (vec!["release".to_owned(), "slow".to_owned()], "why".to_owned()));
        assert_eq!(experiment_labels(" ", " , ", "").unwrap(), ExperimentLabels::default());
        let many: Vec<String> = (0..=MOST_TAGS).map(|number| number.to_string()).collect();
        for (name, tags, note) in [
            ("x".repeat(LONGEST_EXPERIMENT_NAME + 1), String::new(), String::new()),
            ("two\nlines".to_owned(), String::new(), String::new()),
            (String::new(), "t".repeat(LONGEST_TAG + 1), String::new()),
            (String::new(), many.join(","), String::new()),
            (String::new(), String::new(), "n".repeat(LONGEST_NOTE + 1)),
        ] {
            assert!(matches!(experiment_labels(&name, &tags, &note), Err(Error::Refused(_))), "{name} {tags}");
        }
    }
}
