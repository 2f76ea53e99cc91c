//! The draft of a scenario's inputs: how they differ from those that were published last.
//!
//! A draft is a list of edits and no copy: an input that nobody touched is the published one, also when somebody publishes another one
//! meanwhile. It is the same for all who work on the scenario; an edit names the input that it was made from, so that nobody overwrites
//! what they have not seen.

use std::collections::HashSet;

use keepstep_base::Digest;
use serde_json::{Map, Value};

use super::file::{MOST_INPUTS, Message, TestDataError, problem_of_messages};
use super::scenarios::read_scenario;
use super::{personas, words};
use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::sql::query::{Query, query};
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction, rows};

/// An input as the draft of its scenario has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftInput {
    /// Its id.
    pub id: String,
    /// What it is in the draft; what it was, where the draft deletes it.
    pub document: Map<String, Value>,
    /// What it is in the bundle version that was published last.
    pub published: Option<Map<String, Value>>,
    /// What the draft does to it.
    pub state: InputState,
    /// Who edited it last, and when.
    pub edited: Option<(String, i64)>,
    /// True where another version was published while it was edited: publishing the draft replaces a text that its author has not seen.
    pub is_overtaken: bool,
}

/// What a draft does to an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputState {
    /// Nothing.
    Published,
    /// It is new.
    New,
    /// It is changed.
    Changed,
    /// It goes.
    Deleted,
}

/// Which inputs of a draft to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct InputFilter<'a> {
    /// Only those that have this text somewhere.
    pub text: Option<&'a str>,
    /// Only those with a tag.
    pub tag: Option<&'a str>,
    /// Only those of a persona, by its id.
    pub persona: Option<&'a str>,
    /// Only those that the draft changes.
    pub only_edited: bool,
    /// How many to leave out.
    pub offset: u32,
    /// How many at most.
    pub limit: u32,
}

/// How many characters of inputs are read at a time by who reads all of them, the last one aside: a few may be as long as many.
const READ_AT_ONCE: i64 = 2 * 1024 * 1024;

/// A place among the inputs of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputPlace {
    is_new: bool,
    number: i64,
}

impl InputPlace {
    /// Before the first of them.
    pub const BEGIN: Self = Self { is_new: false, number: -1 };
}

/// How many inputs a draft has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DraftCounts {
    /// All of them, without those that it deletes.
    pub all: u32,
    /// Those that it adds.
    pub new: u32,
    /// Those that it changes.
    pub changed: u32,
    /// Those that it deletes.
    pub deleted: u32,
    /// Those whose edit was made from another text than is published now.
    pub overtaken: u32,
}

impl DraftCounts {
    /// Returns how many inputs differ from what is published.
    pub fn edits(self) -> u32 {
        self.new + self.changed + self.deleted
    }
}

/// Why an input is refused that names a persona of another project.
const NO_PERSONA: &str = "its persona was not found in the project";

/// What inputs are put into.
pub(super) struct PutWithin {
    /// The set that is published.
    pub(super) set: String,
    /// The ids of the personas of the project.
    pub(super) personas: HashSet<String>,
}

/// What became of an input that was to be put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PutOutcome {
    /// It is new.
    Added,
    /// It says what it is to say.
    Changed,
    /// It is not what somebody has seen, and stays.
    Left,
}

/// What somebody says about an input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InputValues {
    /// What is said, by whom.
    pub messages: Vec<Message>,
    /// The persona that says it, by its id.
    pub persona: Option<String>,
    /// Whatever else is to be known about it; its tags are the list `tags`.
    pub metadata: Map<String, Value>,
}

/// An input as it is to be in a draft.
#[derive(Debug, Clone, PartialEq)]
pub struct PutInput {
    /// Its id.
    pub id: String,
    /// What it was when somebody looked; nothing where it was not there.
    pub seen: Option<Digest>,
    /// What it is to say.
    pub values: InputValues,
}

impl DraftInput {
    /// Returns what names this state of the input.
    pub fn digest(&self) -> Digest {
        Digest::of_bytes(rows::text(&(self.state == InputState::Deleted, &self.document)).as_bytes())
    }

    /// Returns about how many bytes it takes in memory, with what is published of it.
    pub fn size(&self) -> usize {
        200 + size_of_members(&self.document) + self.published.as_ref().map_or(0, size_of_members)
    }

    /// Returns its tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        words::tags(&self.document)
    }

    /// Returns what it says, as somebody would edit it.
    pub fn values(&self) -> InputValues {
        InputValues {
            messages: messages_of(&self.document),
            persona: self.document.get("persona_id").and_then(Value::as_str).map(str::to_owned),
            metadata: self.document.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default(),
        }
    }
}

/// Returns about how many bytes the members of an object take in memory.
pub fn size_of_members(members: &Map<String, Value>) -> usize {
    members.iter().map(|(key, value)| 50 + key.len() + size_of(value)).sum()
}

/// Returns about how many bytes a value takes.
fn size_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 50 + size_of(item)).sum(),
        Value::Object(members) => size_of_members(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Returns what is said in an input.
fn messages_of(input: &Map<String, Value>) -> Vec<Message> {
    let text = |message: &Value, name: &str| message.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let messages = input.get("messages").and_then(Value::as_array).into_iter().flatten();
    messages.map(|message| Message { role: text(message, "role"), content: text(message, "content") }).collect()
}

/// The inputs of the set `$2` as the draft of the scenario `$1` has them, each with its place, its words and whether the draft changes it.
macro_rules! published_inputs {
    () => {
        "SELECT 0 AS is_new, i.position AS place, i.id AS id, e.input_id IS NOT NULL AS is_edited,
           e.input_id IS NULL AND w.words IS NULL AS is_stored,
           CASE WHEN e.document IS NULL THEN coalesce(w.words, lower(i.document)) ELSE e.words END AS words
         FROM input_items i LEFT JOIN input_words w ON w.input_set_id = i.input_set_id AND w.position = i.position
           LEFT JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = i.id
         WHERE i.input_set_id = $2"
    };
}

/// The inputs that the draft of the scenario `$1` adds to the set `$2`. What is deleted and was never there is nothing.
macro_rules! added_inputs {
    () => {
        "SELECT 1 AS is_new, e.number AS place, e.input_id AS id, TRUE AS is_edited, FALSE AS is_stored, e.words AS words
         FROM input_edits e
         WHERE e.scenario_id = $1 AND e.document IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM input_items i WHERE i.input_set_id = $2 AND i.id = e.input_id)"
    };
}

/// All of them. A new input comes behind the others.
macro_rules! inputs {
    () => {
        concat!(published_inputs!(), " UNION ALL ", added_inputs!())
    };
}

/// Some of the inputs that come behind the place `$10`, in their order.
macro_rules! inputs_behind {
    ($inputs:ident, $place:literal) => {
        concat!(
            columns!(),
            ", k.place FROM (SELECT place, id FROM (SELECT place, id, sum(size) OVER (ORDER BY place) - size AS size_before FROM (
               SELECT place, id, length(words) AS size FROM (",
            $inputs!(),
            " AND ",
            $place,
            " > $10) AS found WHERE ",
            passes!(),
            " ORDER BY place LIMIT $11) AS sized) AS measured WHERE size_before < $12) AS k
             LEFT JOIN input_items i ON i.input_set_id = $2 AND i.id = k.id
             LEFT JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = k.id
             ORDER BY k.place"
        )
    };
}

/// The condition that an input passes a filter.
macro_rules! passes {
    () => {
        "($3 IS NULL OR words LIKE $3 ESCAPE '\\' OR (is_stored AND words LIKE $9 ESCAPE '\\'))
         AND ($4 IS NULL OR words LIKE $4 ESCAPE '\\' OR (is_stored AND words LIKE $5 ESCAPE '\\'))
         AND ($6 IS NULL OR words LIKE $6 ESCAPE '\\' OR (is_stored AND words LIKE $7 ESCAPE '\\'))
         AND (NOT $8 OR is_edited)"
    };
}

/// The columns of the inputs whose ids are in `k`.
macro_rules! columns {
    () => {
        "SELECT k.id, i.document AS published, e.document, e.base, e.edited_by, e.edited_at"
    };
}

fn filtered<'q>(text: &'static str, scenario: &'q str, set: &'q str, filter: &InputFilter<'_>) -> Query<'q> {
    query(text)
        .bind(scenario)
        .bind(set)
        .bind(filter.text.map(words::pattern))
        .bind(filter.tag.map(words::pattern_of_tag))
        .bind(filter.tag.map(words::pattern_of_stored))
        .bind(filter.persona.map(words::pattern_of_persona))
        .bind(filter.persona.map(words::pattern_of_stored))
        .bind(filter.only_edited)
        .bind(filter.text.map(words::pattern_in_stored))
}

impl Store {
    /// Returns inputs of a scenario as its draft has them: the published ones in their order, and then the new ones.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn draft_inputs(&self, scope: &Scope, scenario: &str, filter: &InputFilter<'_>) -> Result<Vec<DraftInput>> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        let set = published_set(&mut reader, scenario).await?;
        let page = filtered(
            concat!(
                columns!(),
                " FROM (SELECT is_new, place, id FROM (",
                inputs!(),
                ") AS found WHERE ",
                passes!(),
                " ORDER BY is_new, place LIMIT $10 OFFSET $11) AS k
                 LEFT JOIN input_items i ON i.input_set_id = $2 AND i.id = k.id
                 LEFT JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = k.id
                 ORDER BY k.is_new, k.place"
            ),
            scenario,
            &set,
            filter,
        );
        page.bind(filter.limit).bind(filter.offset).fetch_all(&mut reader).await?.iter().map(input).collect()
    }

    /// Returns inputs as [`Store::draft_inputs`] does, from behind a place on, and the place of the last one: reading all of them so takes as
    /// long as they are many. There are fewer than the filter's `limit` where they are long. Its `offset` counts for nothing.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn draft_inputs_behind(
        &self,
        scope: &Scope,
        scenario: &str,
        filter: &InputFilter<'_>,
        behind: InputPlace,
    ) -> Result<(Vec<DraftInput>, InputPlace)> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        let set = published_set(&mut reader, scenario).await?;
        let mut place = behind;
        if !place.is_new {
            let published = filtered(inputs_behind!(published_inputs, "i.position"), scenario, &set, filter);
            let found = published.bind(place.number).bind(filter.limit).bind(READ_AT_ONCE).fetch_all(&mut reader).await?;
            if let Some(last) = found.last() {
                place.number = last.get("place")?;
                return Ok((found.iter().map(input).collect::<Result<_>>()?, place));
            }
            place = InputPlace { is_new: true, number: -1 };
        }
        let added = filtered(inputs_behind!(added_inputs, "e.number"), scenario, &set, filter);
        let found = added.bind(place.number).bind(filter.limit).bind(READ_AT_ONCE).fetch_all(&mut reader).await?;
        if let Some(last) = found.last() {
            place.number = last.get("place")?;
        }
        Ok((found.iter().map(input).collect::<Result<_>>()?, place))
    }

    /// Returns how many inputs pass a filter.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn count_draft_inputs(&self, scope: &Scope, scenario: &str, filter: &InputFilter<'_>) -> Result<u32> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        let set = published_set(&mut reader, scenario).await?;
        let text = concat!("SELECT count(*) AS found FROM (", inputs!(), ") AS found WHERE ", passes!());
        Ok(filtered(text, scenario, &set, filter).fetch_one(&mut reader).await?.get("found")?)
    }

    /// Returns how many inputs a draft has, and how many it changes.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn draft_counts(&self, scope: &Scope, scenario: &str) -> Result<DraftCounts> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        read_counts(&mut reader, scenario).await
    }

    /// Returns an input as the draft of its scenario has it.
    ///
    /// # Errors
    /// There is no such scenario in the scope, the scenario has no such input, or the database failed.
    pub async fn draft_input(&self, scope: &Scope, scenario: &str, id: &str) -> Result<DraftInput> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        let found = read_input(&mut reader, scenario, id).await?;
        found.ok_or_else(|| StoreError::InputNotFound(id.to_owned()))
    }
}

impl Transaction {
    /// Adds an input to a draft.
    ///
    /// # Errors
    /// There is no such scenario in the scope, what it says is not valid, there are too many inputs, or the database failed.
    pub async fn add_input(&mut self, scope: &Scope, scenario: &str, values: &InputValues, by: &str) -> Result<DraftInput> {
        let project = read_scenario(self.connection(), scope, scenario).await?.project_id;
        self.check_values(&project, values, None).await?;
        let counts = read_counts(self.connection(), scenario).await?;
        if counts.all as usize >= MOST_INPUTS {
            return Err(TestDataError::TooManyInputs { found: counts.all as usize + 1 }.into());
        }
        let id = self.surroundings.id("item_")?;
        let document = with_values(Map::from_iter([("id".to_owned(), id.clone().into())]), values);
        self.keep_edit(scenario, &id, Some(&document), None, by).await?;
        read_input(self.connection(), scenario, &id).await?.ok_or(StoreError::InputNotFound(id))
    }

    /// Changes an input in a draft, or brings one back that the draft deletes. It keeps its id, its place, and whatever of it is not said.
    ///
    /// # Errors
    /// There is no such input in the scope, it is not what it was when somebody read it (`seen`), what it says is not valid, or the
    /// database failed.
    pub async fn change_input(
        &mut self,
        scope: &Scope,
        scenario: &str,
        id: &str,
        seen: Option<&Digest>,
        values: &InputValues,
        by: &str,
    ) -> Result<DraftInput> {
        let project = read_scenario(self.connection(), scope, scenario).await?.project_id;
        let current = self.seen_input(scenario, id, seen).await?;
        self.check_values(&project, values, Some(&current)).await?;
        self.put_values(scenario, current, values, by).await?;
        read_input(self.connection(), scenario, id).await?.ok_or_else(|| StoreError::InputNotFound(id.to_owned()))
    }

    /// Makes an input of a draft say something else.
    async fn put_values(&mut self, scenario: &str, current: DraftInput, values: &InputValues, by: &str) -> Result<()> {
        let document = with_values(current.document, values);
        if current.published.as_ref() == Some(&document) {
            self.drop_edit(scenario, &current.id).await
        } else {
            self.keep_edit(scenario, &current.id, Some(&document), current.published.as_ref(), by).await
        }
    }

    /// Deletes an input in a draft. One that was never published is gone.
    ///
    /// # Errors
    /// As [`Transaction::change_input`].
    pub async fn delete_input(&mut self, scope: &Scope, scenario: &str, id: &str, seen: Option<&Digest>, by: &str) -> Result<()> {
        read_scenario(self.connection(), scope, scenario).await?;
        let current = self.seen_input(scenario, id, seen).await?;
        match &current.published {
            Some(published) => self.keep_edit(scenario, id, None, Some(published), by).await,
            None => self.drop_edit(scenario, id).await,
        }
    }

    /// Forgets what a draft does to an input, which is again what is published. One that was never published stays.
    ///
    /// # Errors
    /// There is no such input in the scope, it is not what it was when somebody read it (`seen`), or the database failed.
    pub async fn revert_input(&mut self, scope: &Scope, scenario: &str, id: &str, seen: Option<&Digest>) -> Result<()> {
        read_scenario(self.connection(), scope, scenario).await?;
        match self.seen_input(scenario, id, seen).await?.published {
            Some(_) => self.drop_edit(scenario, id).await,
            None => Ok(()),
        }
    }

    async fn seen_input(&mut self, scenario: &str, id: &str, seen: Option<&Digest>) -> Result<DraftInput> {
        let current = read_input(self.connection(), scenario, id).await?;
        let current = current.ok_or_else(|| StoreError::InputNotFound(id.to_owned()))?;
        if seen.is_some_and(|seen| *seen != current.digest()) {
            return Err(StoreError::InputChanged(id.to_owned()));
        }
        Ok(current)
    }

    /// Returns the ids of the personas of a project that an input can be given.
    pub(super) async fn persona_ids(&mut self, project: &str) -> Result<HashSet<String>> {
        let personas = personas::read_personas(self.connection(), project).await?;
        Ok(personas.into_iter().filter(|persona| !persona.is_deleted).map(|persona| persona.id).collect())
    }

    /// Adds an input to a draft, or changes one that is what somebody has seen. Returns what became of it.
    pub(super) async fn put_input(
        &mut self,
        scenario: &str,
        within: &PutWithin,
        input: &PutInput,
        by: &str,
    ) -> Result<PutOutcome> {
        if let Some(reason) = problem_of_messages(&input.values.messages) {
            return Err(TestDataError::Said(reason).into());
        }
        let is_known = input.values.persona.as_ref().is_none_or(|persona| within.personas.contains(persona));
        let current = match &input.seen {
            None if is_known && self.put_new_input(scenario, &within.set, input, by).await? => return Ok(PutOutcome::Added),
            _ => read_input(self.connection(), scenario, &input.id).await?,
        };
        if !is_known && current.as_ref().is_none_or(|current| current.values().persona != input.values.persona) {
            return Err(TestDataError::Said(NO_PERSONA).into());
        }
        let Some(current) = current else { return Ok(PutOutcome::Left) };
        if input.seen.is_some_and(|seen| seen == current.digest()) {
            self.put_values(scenario, current, &input.values, by).await?;
            return Ok(PutOutcome::Changed);
        }
        // Whoever puts the same at the same time comes second, and finds what they wanted.
        let is_there = current.state != InputState::Deleted && current.values() == input.values;
        Ok(if is_there { PutOutcome::Changed } else { PutOutcome::Left })
    }

    /// Adds an input with an id to a draft on a set. Returns false where there is one already.
    async fn put_new_input(&mut self, scenario: &str, set: &str, input: &PutInput, by: &str) -> Result<bool> {
        let document = with_values(Map::from_iter([("id".to_owned(), input.id.clone().into())]), &input.values);
        let now = self.now;
        let added = query(
            "INSERT INTO input_edits (scenario_id, input_id, document, words, edited_by, edited_at)
             SELECT $1, $2, $3, $4, $5, $6
             WHERE NOT EXISTS (SELECT 1 FROM input_items WHERE input_set_id = $7 AND id = $2)
             ON CONFLICT (scenario_id, input_id) DO NOTHING",
        )
        .bind(scenario)
        .bind(&input.id)
        .bind(rows::text(&document))
        .bind(words::of(&document))
        .bind(by)
        .bind(now)
        .bind(set)
        .execute(self.connection())
        .await?;
        Ok(added > 0)
    }

    /// Makes sure that an input can say something. It may keep a persona that it has (`current`), also one that is deleted.
    async fn check_values(&mut self, project: &str, values: &InputValues, current: Option<&DraftInput>) -> Result<()> {
        if let Some(reason) = problem_of_messages(&values.messages) {
            return Err(TestDataError::Said(reason).into());
        }
        if let Some(persona) = &values.persona
            && current.is_none_or(|current| current.values().persona.as_ref() != Some(persona))
            && !self.persona_ids(project).await?.contains(persona)
        {
            return Err(TestDataError::Said(NO_PERSONA).into());
        }
        Ok(())
    }

    /// Keeps an edit in place of the one before, in its place.
    async fn keep_edit(
        &mut self,
        scenario: &str,
        id: &str,
        document: Option<&Map<String, Value>>,
        base: Option<&Map<String, Value>>,
        by: &str,
    ) -> Result<()> {
        let now = self.now;
        query(
            "INSERT INTO input_edits (scenario_id, input_id, document, base, words, edited_by, edited_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (scenario_id, input_id) DO UPDATE SET document = $3, base = $4, words = $5, edited_by = $6, edited_at = $7",
        )
        .bind(scenario)
        .bind(id)
        .bind(document.map(rows::text))
        .bind(base.map(rows::text))
        .bind(document.or(base).map(words::of).unwrap_or_default())
        .bind(by)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    async fn drop_edit(&mut self, scenario: &str, id: &str) -> Result<()> {
        query("DELETE FROM input_edits WHERE scenario_id = $1 AND input_id = $2")
            .bind(scenario)
            .bind(id)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Forgets edits that a set has as they are, because somebody published the same.
    pub(super) async fn drop_settled_edits(&mut self, scenario: &str, set: &str) -> Result<()> {
        query(
            "DELETE FROM input_edits WHERE scenario_id = $1 AND (
               EXISTS (SELECT 1 FROM input_items i WHERE i.input_set_id = $2 AND i.id = input_edits.input_id
                       AND i.document = input_edits.document)
               OR document IS NULL AND NOT EXISTS (SELECT 1 FROM input_items i WHERE i.input_set_id = $2 AND i.id = input_edits.input_id))",
        )
        .bind(scenario)
        .bind(set)
        .execute(self.connection())
        .await?;
        // The same members in another order are the same, and of the same length.
        let alike = query(
            "SELECT e.input_id, e.document AS edited, i.document AS published
             FROM input_edits e JOIN input_items i ON i.input_set_id = $2 AND i.id = e.input_id
             WHERE e.scenario_id = $1 AND length(e.document) = length(i.document)",
        )
        .bind(scenario)
        .bind(set)
        .fetch_all(self.connection())
        .await?;
        for row in alike {
            let id: String = row.get("input_id")?;
            if rows::object(&row, "edited", &id)? == rows::object(&row, "published", &id)? {
                self.drop_edit(scenario, &id).await?;
            }
        }
        Ok(())
    }
}

/// Returns an input that says something else, and keeps what it says nothing of.
fn with_values(mut document: Map<String, Value>, values: &InputValues) -> Map<String, Value> {
    let is_same = messages_of(&document) == values.messages;
    let messages = document.shift_remove("messages").filter(|_| is_same).unwrap_or_else(|| {
        let messages = values.messages.iter();
        messages.map(|Message { role, content }| serde_json::json!({ "role": role, "content": content })).collect()
    });
    // In the order in which an import writes them, so that the same input is the same text.
    let mut ordered: Map<String, Value> = document.shift_remove_entry("id").into_iter().collect();
    ordered.extend(values.persona.clone().map(|persona| ("persona_id".to_owned(), persona.into())));
    ordered.insert("messages".to_owned(), messages);
    ordered.insert("metadata".to_owned(), values.metadata.clone().into());
    for (name, value) in document {
        if !matches!(name.as_str(), "persona_id" | "metadata") {
            ordered.insert(name, value);
        }
    }
    ordered
}

/// Returns the set of inputs that a scenario published last; an empty text where it published nothing.
pub(super) async fn published_set(connection: &mut Connection, scenario: &str) -> Result<String> {
    let found =
        query("SELECT input_set_id FROM bundles WHERE scenario_id = $1 AND sequence IS NOT NULL ORDER BY sequence DESC LIMIT 1")
            .bind(scenario)
            .fetch_optional(connection)
            .await?;
    Ok(found.map(|row| row.get("input_set_id")).transpose()?.unwrap_or_default())
}

async fn read_input(connection: &mut Connection, scenario: &str, id: &str) -> Result<Option<DraftInput>> {
    let set = published_set(connection, scenario).await?;
    let row = query(concat!(
        columns!(),
        " FROM (SELECT id FROM input_items WHERE input_set_id = $2 AND id = $3
                UNION SELECT input_id FROM input_edits WHERE scenario_id = $1 AND input_id = $3 AND document IS NOT NULL) AS k
          LEFT JOIN input_items i ON i.input_set_id = $2 AND i.id = k.id
          LEFT JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = k.id"
    ))
    .bind(scenario)
    .bind(&set)
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(input).transpose()
}

pub(super) async fn read_counts(connection: &mut Connection, scenario: &str) -> Result<DraftCounts> {
    let set = published_set(connection, scenario).await?;
    let row = query(
        "SELECT (SELECT count(*) FROM input_items WHERE input_set_id = $2) AS published,
           count(CASE WHEN i.id IS NULL AND e.document IS NOT NULL THEN 1 END) AS new,
           count(CASE WHEN i.id IS NOT NULL AND e.document IS NOT NULL THEN 1 END) AS changed,
           count(CASE WHEN i.id IS NOT NULL AND e.document IS NULL THEN 1 END) AS deleted,
           count(CASE WHEN coalesce(e.base, '') <> coalesce(i.document, '') AND coalesce(e.document, '') <> coalesce(i.document, '')
                      THEN 1 END) AS overtaken
         FROM input_edits e LEFT JOIN input_items i ON i.input_set_id = $2 AND i.id = e.input_id WHERE e.scenario_id = $1",
    )
    .bind(scenario)
    .bind(&set)
    .fetch_one(connection)
    .await?;
    let (published, new, deleted): (u32, u32, u32) = (row.get("published")?, row.get("new")?, row.get("deleted")?);
    let (changed, overtaken) = (row.get("changed")?, row.get("overtaken")?);
    Ok(DraftCounts { all: published + new - deleted, new, changed, deleted, overtaken })
}

fn input(row: &Row) -> Result<DraftInput> {
    let id: String = row.get("id")?;
    let object = |column: &'static str| -> Result<Option<Map<String, Value>>> {
        let text: Option<String> = row.get(column)?;
        text.map(|text| serde_json::from_str(&text).map_err(|_| rows::damaged(column, &id))).transpose()
    };
    let (published, edited, base) = (object("published")?, object("document")?, object("base")?);
    let at: Option<i64> = row.get("edited_at")?;
    let by: Option<String> = row.get("edited_by")?;
    let state = match (&published, &edited, at) {
        (_, _, None) => InputState::Published,
        (None, _, _) => InputState::New,
        (Some(published), Some(edited), _) if published == edited => InputState::Published,
        (Some(_), Some(_), _) => InputState::Changed,
        (Some(_), None, _) => InputState::Deleted,
    };
    Ok(DraftInput {
        is_overtaken: at.is_some() && base != published && state != InputState::Published,
        document: edited.or_else(|| published.clone()).ok_or_else(|| rows::damaged("document", &id))?,
        published,
        state,
        edited: by.zip(at),
        id,
    })
}
