//! The draft of a scenario's inputs, which all who work on it share.

use keepstep_base::Digest;
use keepstep_store::results::{RunDetail, Turn};
use keepstep_store::test_data::{Bundle, DraftInput, DraftRelease, InputValues, Message};
use keepstep_store::{Role, Transaction};
use serde_json::{Map, json};

use crate::actor::Actor;
use crate::definition;
use crate::error::Error;
use crate::platform::Platform;
use crate::test_data::published_bundle;
use crate::write::{Plain, Reply};

impl Platform {
    /// Adds an input to the draft of a scenario. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such scenario for them, what it says is not valid, or the database failed.
    pub async fn add_input<R: Reply<DraftInput>>(
        &self,
        actor: &Actor,
        scenario: &str,
        values: &InputValues,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "add an input", reply, async |transaction| {
            let done = transaction.add_input(&actor.scope, scenario, values, &actor.name).await?;
            about(self, transaction, actor, scenario).await?;
            Ok(done)
        })
        .await
    }

    /// Adds what was said in a case to the draft of its scenario: the conversation up to the last thing that the user said. Returns the
    /// input, and whether it is a new one: where the case's own input still says the same, it is that one. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such case for them, its scenario is deleted, or the database failed.
    pub async fn add_input_of_case(&self, actor: &Actor, (experiment, case): (&str, &str)) -> Result<(DraftInput, bool), Error> {
        actor.require(Role::Editor)?;
        let batch = self.store.run_batch(&actor.scope, experiment).await?;
        let RunDetail { run, turns, .. } = self.store.run(&actor.scope, &batch.id, case).await?;
        let personas = self.store.test_personas(&actor.scope, &batch.project_id).await?;
        let said = run.persona.as_deref();
        let persona = personas
            .into_iter()
            .filter(|persona| !persona.is_deleted)
            .find(|persona| Some(persona.id.as_str()) == said || Some(persona.name.as_str()) == said);
        let source = json!({ "experiment": batch.experiment_id.as_ref().unwrap_or(&batch.id), "case": run.id });
        let values = InputValues {
            messages: conversation(&turns, &run.input),
            persona: persona.map(|persona| persona.id),
            metadata: Map::from_iter([("source".to_owned(), source)]),
        };
        if let Some(item) = run.input_item_id.as_deref()
            && let Ok(known) = self.store.draft_input(&actor.scope, &batch.scenario_id, item).await
            && known.values().messages == values.messages
        {
            return Ok((known, false));
        }
        Ok((self.add_input(actor, &batch.scenario_id, &values, Plain).await?, true))
    }

    /// Changes an input in the draft of a scenario, as long as it is what the actor has seen. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such input for them, it was changed meanwhile, what it says is not valid, or the database failed.
    pub async fn change_input<R: Reply<DraftInput>>(
        &self,
        actor: &Actor,
        (scenario, id): (&str, &str),
        seen: Option<&Digest>,
        values: &InputValues,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "change an input", reply, async |transaction| {
            let done = transaction.change_input(&actor.scope, scenario, id, seen, values, &actor.name).await?;
            about(self, transaction, actor, scenario).await?;
            Ok(done)
        })
        .await
    }

    /// Deletes an input in the draft of a scenario, as long as it is what the actor has seen. An editor may.
    ///
    /// # Errors
    /// As [`Platform::change_input`].
    pub async fn delete_input<R: Reply<()>>(
        &self,
        actor: &Actor,
        (scenario, id): (&str, &str),
        seen: Option<&Digest>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "delete an input", reply, async |transaction| {
            transaction.delete_input(&actor.scope, scenario, id, seen, &actor.name).await?;
            about(self, transaction, actor, scenario).await
        })
        .await
    }

    /// Publishes the draft of a scenario as its next bundle version. Whoever may publish.
    ///
    /// # Errors
    /// The actor may not, there is no such scenario for them, the draft is another one than was seen, it has no inputs, or the database
    /// failed.
    pub async fn publish_draft<R: Reply<Bundle>>(
        &self,
        actor: &Actor,
        scenario: &str,
        release: DraftRelease<'_>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require_publish()?;
        let message = definition::message(Some(release.message.to_owned()))?.unwrap_or_default();
        self.write(actor, "publish a draft of test data", reply, async |transaction| {
            let release = DraftRelease { message: &message, ..release };
            let published = transaction.publish_draft(&actor.scope, scenario, release).await?;
            published_bundle(transaction, actor, &published).await?;
            Ok(published)
        })
        .await
    }

    /// Makes an input of the draft of a scenario what is published, as long as it is what the actor has seen. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such input for them, it was changed meanwhile, or the database failed.
    pub async fn revert_input<R: Reply<()>>(
        &self,
        actor: &Actor,
        (scenario, id): (&str, &str),
        seen: Option<&Digest>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "revert an input", reply, async |transaction| {
            transaction.revert_input(&actor.scope, scenario, id, seen).await?;
            about(self, transaction, actor, scenario).await
        })
        .await
    }
}

/// Says in the log which scenario a write is about.
pub(crate) async fn about(
    platform: &Platform,
    transaction: &mut Transaction,
    actor: &Actor,
    scenario: &str,
) -> Result<(), Error> {
    let scenario = platform.store.scenario(&actor.scope, scenario).await?;
    transaction.about("scenario", &scenario.id, &scenario.name);
    Ok(())
}

/// Returns what was said before the last answer; what a tool or somebody else said is no part of an input.
fn conversation(turns: &[Turn], input: &str) -> Vec<Message> {
    let end = turns.iter().rposition(|turn| turn.role.is_user()).map_or(0, |last| last + 1);
    let message = |turn: &Turn| {
        let role = match &turn.role {
            role if role.is_user() => "user",
            role if role.is_agent() => "assistant",
            _ => return None,
        };
        (!turn.content.trim().is_empty()).then(|| Message { role: role.to_owned(), content: turn.content.clone() })
    };
    let messages: Vec<Message> = turns[..end].iter().filter_map(message).collect();
    if messages.iter().any(|message| message.role == "user") {
        return messages;
    }
    vec![Message { role: "user".to_owned(), content: input.to_owned() }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_of_a_case_ends_with_what_the_user_said_last() {
        let turn = |role: &str, content: &str| Turn { role: role.into(), content: content.to_owned(), ..Turn::default() };
        let said = |turns: &[Turn]| -> Vec<String> {
            conversation(turns, "Hi").into_iter().map(|message| format!("{} {}", message.role, message.content)).collect()
        };
        let turns =
            [turn("human", "One"), turn("agent", "Two"), turn("tool", "x"), turn("user", "Three"), turn("assistant", "Four")];
        assert_eq!(said(&turns), ["user One", "assistant Two", "user Three"]);
        assert_eq!(said(&turns[4..]), ["user Hi"]);
        assert_eq!(said(&[]), ["user Hi"]);
    }
}
