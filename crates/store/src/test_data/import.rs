//! Bringing a file to the platform, all of it or nothing.

use std::collections::{HashMap, HashSet};

use keepstep_base::Digest;
use keepstep_testdata::same_input::{self, Known};
use serde_json::{Map, Value, json};

use super::bundles::{Bundle, NewBundle};
use super::draft::published_set;
use super::file::{CriterionFile, InputFile, TestDataError, TestDataFile};
use super::new_items::{DraftItems, FileItems, NewItems};
use super::personas::read_personas;
use super::scenarios::{NewScenario, Scenario, ScenarioPatch, named_scenario};
use crate::model::Scope;
use crate::organizations::{check_name, require_project};
use crate::sql::query::query;
use crate::{Result, StoreError, Transaction, rows};

/// How much of what an input says is compared with what another one says, in bytes.
const LONGEST_COMPARED: usize = 16 * 1024;

/// What an import is made on top of, and why.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOnto<'a> {
    /// The bundle version that the file was made from; `None` for a file that says it all.
    pub base: Option<&'a str>,
    /// Why.
    pub message: Option<&'a str>,
}

/// What an import made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The bundle version.
    pub bundle: Bundle,
    /// The inputs without an id in the file that say something else than before and are still the same inputs.
    pub reworded: Vec<Reworded>,
}

/// An input that says something else than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reworded {
    /// Its id.
    pub id: String,
    /// What it said, or the beginning of a long text.
    pub before: String,
    /// What it says, or the beginning.
    pub after: String,
}

impl Transaction {
    /// Publishes what a file says as the next bundle version of its scenario, and returns only that version.
    ///
    /// # Errors
    /// As [`Transaction::import_file`].
    pub async fn import(&mut self, scope: &Scope, project: &str, file: &TestDataFile) -> Result<Bundle> {
        Ok(self.import_file(scope, project, file).await?.bundle)
    }

    /// Publishes what a file says as the next bundle version of its scenario.
    ///
    /// Scenario, personas and criteria are found by their names, made or changed. An input without an id keeps that of the input that it
    /// is in the version before; see [`same_input`]. A file that says what the newest
    /// bundle version has already makes none, and that version is returned.
    ///
    /// # Errors
    /// The file has no meaning, there is no such project in the scope, or the database failed.
    pub async fn import_file(&mut self, scope: &Scope, project: &str, file: &TestDataFile) -> Result<Imported> {
        self.import_onto(scope, project, file, ImportOnto::default()).await
    }

    /// As [`Transaction::import_file`], for a file that was made from a bundle version: it has to be the newest one still, unless the
    /// newest one says what the file says.
    ///
    /// # Errors
    /// As [`Transaction::import_file`], and another version was published meanwhile, or a persona changed by another scenario.
    pub async fn import_onto(
        &mut self,
        scope: &Scope,
        project: &str,
        file: &TestDataFile,
        onto: ImportOnto<'_>,
    ) -> Result<Imported> {
        file.check()?;
        require_project(self.connection(), scope, project).await?;
        let scenario = self.import_scenario(scope, project, file).await?;
        let newest = self.newest_of(scope, &scenario.id).await?;
        if let Some(base) = onto.base {
            self.check_personas(&scenario, &[Some(base), newest.as_ref().map(|newest| newest.id.as_str())], file).await?;
        }
        for persona in &file.personas {
            self.put_test_persona(scope, project, &persona.name, &persona.body).await?;
        }
        self.import_criteria(&scenario, &file.criteria).await?;
        let personas = read_personas(self.connection(), project).await?;
        let personas = personas.into_iter().filter(|persona| !persona.is_deleted);
        let personas = personas.map(|persona| (persona.name, persona.id)).collect();
        let personas = personas_of(file, &personas)?;
        let has_all_ids = file.inputs.iter().all(|input| input.id.is_some());
        let last = if has_all_ids { Vec::new() } else { self.last_inputs(&scenario.id, file).await? };
        let (ids, reworded) = give_ids(file, &scenario, &personas, &last);
        let set = self.ensure_input_set(scope, &scenario.id, &mut FileItems::new(file, personas, ids)).await?;
        // What is made from a version keeps its name.
        let kept = newest.as_ref().filter(|_| onto.base.is_some()).map(|newest| newest.name.as_str());
        let name = file.bundle.name.as_deref().or(kept);
        let new = NewBundle { project, scenario: Some(&scenario.id), input_set: Some(&set.id), name };
        let bundle = self.publish_new_bundle_because(scope, new, onto.message).await?;
        let newest = newest.map(|newest| newest.id);
        let is_overtaken = onto.base.is_some_and(|base| newest.as_deref() != Some(base)) && newest.as_ref() != Some(&bundle.id);
        if is_overtaken {
            return Err(StoreError::BundleOvertaken);
        }
        Ok(Imported { bundle, reworded })
    }

    /// Checks that each persona of a file is as versions of the scenario pin it, or as the file has it: personas belong to the project, and
    /// what another scenario says of one is not replaced unseen.
    async fn check_personas(&mut self, scenario: &Scenario, versions: &[Option<&str>], file: &TestDataFile) -> Result<()> {
        let mut pinned: Vec<Value> = Vec::new();
        for version in versions.iter().flatten() {
            let found = query("SELECT personas FROM bundles WHERE id = $1 AND scenario_id = $2 AND sequence IS NOT NULL")
                .bind(*version)
                .bind(&scenario.id)
                .fetch_optional(self.connection())
                .await?;
            if let Some(row) = found {
                let text: String = row.get("personas")?;
                let personas: Vec<Value> = serde_json::from_str(&text).map_err(|_| rows::damaged("personas", &scenario.id))?;
                pinned.extend(personas);
            }
        }
        let known = read_personas(self.connection(), &scenario.project_id).await?;
        for said in &file.personas {
            let known = known.iter().find(|known| !known.is_deleted && known.name == said.name.trim());
            if known.is_some_and(|known| known.body != said.body && !pinned.contains(&known.document())) {
                return Err(StoreError::PersonaOvertaken(said.name.chars().take(80).collect()));
            }
        }
        Ok(())
    }

    /// Returns the inputs of the bundle version that a scenario published last, but those whose ids are written in a file: they are of
    /// nobody else.
    async fn last_inputs(&mut self, scenario: &str, file: &TestDataFile) -> Result<Vec<(String, Compared)>> {
        let written: HashSet<&str> = file.inputs.iter().filter_map(|input| input.id.as_deref()).collect();
        let set = published_set(self.connection(), scenario).await?;
        let (mut items, mut found) = (DraftItems::of_set(&set), Vec::new());
        loop {
            let page = items.next(self.connection()).await?;
            if page.is_empty() {
                return Ok(found);
            }
            let id_of = |item: &Map<String, Value>| item.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let page = page.iter().map(|item| (id_of(item), Compared::of(item)));
            found.extend(page.filter(|(id, _)| !written.contains(id.as_str())));
        }
    }

    async fn import_scenario(&mut self, scope: &Scope, project: &str, file: &TestDataFile) -> Result<Scenario> {
        let said = &file.scenario;
        let name = check_name(&said.name)?;
        match named_scenario(self.connection(), scope, project, name).await? {
            Some(known) => {
                let patch = ScenarioPatch { name: None, description: said.description.clone(), config: said.config.clone() };
                self.change_scenario(scope, &known.id, patch).await
            }
            None => {
                let config = said.config.clone().unwrap_or_default();
                let description = said.description.as_deref().unwrap_or_default();
                self.create_scenario(scope, NewScenario { project, name, description, config: &config }).await
            }
        }
    }

    /// Makes the scenario's criteria those of the file. A changed one keeps its id and gets the next version.
    async fn import_criteria(&mut self, scenario: &Scenario, criteria: &[CriterionFile]) -> Result<()> {
        let mut kept = Vec::new();
        for (position, criterion) in criteria.iter().enumerate() {
            let name = check_name(&criterion.name)?;
            kept.push(name);
            let id = self.surroundings.id("criterion_")?;
            query(
                "INSERT INTO criteria (id, scenario_id, name, version, body, position) VALUES ($1, $2, $3, 1, $4, $5)
                 ON CONFLICT (scenario_id, name) DO UPDATE SET
                   version = criteria.version + CASE WHEN criteria.body = $4 THEN 0 ELSE 1 END, body = $4, position = $5",
            )
            .bind(id)
            .bind(&scenario.id)
            .bind(name)
            .bind(rows::text(&criterion.body))
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .execute(self.connection())
            .await?;
        }
        let found =
            query("SELECT id, name FROM criteria WHERE scenario_id = $1").bind(&scenario.id).fetch_all(self.connection()).await?;
        for row in found {
            if !kept.contains(&row.get::<String>("name")?.as_str()) {
                query("DELETE FROM criteria WHERE id = $1").bind(row.get::<String>("id")?).execute(self.connection()).await?;
            }
        }
        Ok(())
    }
}

/// What an item without its id is compared by. Its texts may be long, so their digests stand for them where they are equal or not.
struct Compared {
    content: String,
    whole: String,
    text: String,
}

impl Compared {
    fn of(item: &Map<String, Value>) -> Self {
        let part = |name: &str| item.get(name).unwrap_or(&Value::Null);
        let messages = part("messages").as_array().into_iter().flatten();
        let mut text = String::new();
        for said in messages.filter_map(|message| message.get("content")?.as_str()) {
            if text.len() >= LONGEST_COMPARED {
                break;
            }
            let separator = if text.is_empty() { "" } else { "\n" };
            text.push_str(separator);
            text.push_str(&said[..said.floor_char_boundary(LONGEST_COMPARED)]);
        }
        let content = rows::text(&(part("persona_id"), part("messages")));
        let digest = |text: &str| Digest::of_bytes(text.as_bytes()).to_string();
        Self { whole: digest(&format!("{content}{}", part("metadata"))), content: digest(&content), text }
    }

    fn known(&self) -> Known<'_> {
        Known { whole: &self.whole, content: &self.content, text: &self.text }
    }
}

/// Returns the id of the persona of each input of a file.
fn personas_of(file: &TestDataFile, known: &HashMap<String, String>) -> Result<Vec<Option<String>>, TestDataError> {
    let persona = |(index, input): (usize, &InputFile)| match input.persona.as_deref().map(str::trim) {
        None => Ok(None),
        Some(name) => match known.get(name) {
            Some(id) => Ok(Some(id.clone())),
            None => Err(TestDataError::UnknownPersona { number: index + 1, name: name.chars().take(80).collect() }),
        },
    };
    file.inputs.iter().enumerate().map(persona).collect()
}

/// Returns an id for each input of a file: its own, or one for an input that has none there; and the reworded ones.
fn give_ids(
    file: &TestDataFile,
    scenario: &Scenario,
    personas: &[Option<String>],
    last: &[(String, Compared)],
) -> (Vec<String>, Vec<Reworded>) {
    let mut ids: Vec<String> = file.inputs.iter().map(|input| input.id.clone().unwrap_or_default()).collect();
    let mut taken: HashSet<String> = file.inputs.iter().filter_map(|input| input.id.clone()).collect();
    let item = |at: usize| file.inputs[at].item(None, personas[at].as_deref());
    let nameless: Vec<usize> = (0..file.inputs.len()).filter(|at| file.inputs[*at].id.is_none()).collect();
    let compared: Vec<Compared> = nameless.iter().map(|at| Compared::of(&item(*at))).collect();
    let old: Vec<Known<'_>> = last.iter().map(|(_, item)| item.known()).collect();
    let new: Vec<Known<'_>> = compared.iter().map(Compared::known).collect();
    let pairs = same_input::pairs(&old, &new);
    let reworded = same_input::reworded(&old, &new, &pairs);
    let reworded = reworded.into_iter().map(|(new, old)| {
        let (id, before) = &last[old];
        Reworded { id: id.clone(), before: before.text.clone(), after: compared[new].text.clone() }
    });
    let reworded = reworded.collect();
    taken.extend(last.iter().map(|(id, _)| id.clone()));
    for (at, pair) in nameless.iter().zip(&pairs) {
        ids[*at] = match pair {
            Some(old) => last[*old].0.clone(),
            None => {
                let item = item(*at);
                let part = |name: &str| item.get(name).unwrap_or(&Value::Null);
                own_id(&scenario.id, &json!([part("persona_id"), part("messages")]), &mut taken)
            }
        };
    }
    (ids, reworded)
}

/// Returns an id that an input with this content has in every import, so that a pull finds it again; a second input
/// with the same content gets another.
fn own_id(scenario: &str, content: &Value, taken: &mut HashSet<String>) -> String {
    let mut occurrence = 0;
    loop {
        let digest = Digest::of_bytes(rows::text(&json!([scenario, content, occurrence])).as_bytes()).to_string();
        let digits: String = digest.chars().rev().take_while(char::is_ascii_hexdigit).take(24).collect();
        let id = format!("item_{digits}");
        if taken.insert(id.clone()) {
            return id;
        }
        occurrence += 1;
    }
}
