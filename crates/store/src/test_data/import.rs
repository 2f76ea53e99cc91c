//! Bringing a file to the platform, all of it or nothing.

use std::collections::{HashMap, HashSet};

use keepstep_core::Digest;
use serde_json::{Map, Value, json};

use super::bundles::{Bundle, NewBundle};
use super::file::{CriterionFile, Message, TestDataError, TestDataFile};
use super::personas::read_personas;
use super::scenarios::{NewScenario, Scenario, ScenarioPatch, named_scenario};
use crate::model::Scope;
use crate::organisations::{check_name, require_project};
use crate::{Result, Transaction, rows};

impl Transaction {
    /// Publishes what a file says as the next bundle version of its scenario.
    ///
    /// Scenario, personas and criteria are found by their names, made or changed. A file that says what the newest
    /// bundle version has already makes none, and that version is returned.
    ///
    /// # Errors
    /// The file has no meaning, there is no such project in the scope, or the database failed.
    pub async fn import(&mut self, scope: &Scope, project: &str, file: &TestDataFile) -> Result<Bundle> {
        file.check()?;
        require_project(self.connection(), scope, project).await?;
        let scenario = self.import_scenario(scope, project, file).await?;
        for persona in &file.personas {
            self.put_test_persona(scope, project, &persona.name, &persona.body).await?;
        }
        self.import_criteria(&scenario, &file.criteria).await?;
        let personas = read_personas(self.connection(), project).await?;
        let personas = personas.into_iter().map(|persona| (persona.name, persona.id)).collect();
        let items = items(file, &scenario, &personas)?;
        let set = self.ensure_input_set(scope, &scenario.id, &items).await?;
        let new =
            NewBundle { project, scenario: Some(&scenario.id), input_set: Some(&set.id), name: file.bundle.name.as_deref() };
        self.publish_new_bundle(scope, new).await
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
            sqlx::query(
                "INSERT INTO criteria (id, scenario_id, name, version, body, position) VALUES (?1, ?2, ?3, 1, ?4, ?5)
                 ON CONFLICT (scenario_id, name) DO UPDATE SET version = version + (body <> ?4), body = ?4, position = ?5",
            )
            .bind(id)
            .bind(&scenario.id)
            .bind(name)
            .bind(rows::text(&criterion.body))
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .execute(self.connection())
            .await?;
        }
        sqlx::query("DELETE FROM criteria WHERE scenario_id = ?1 AND name NOT IN (SELECT value FROM json_each(?2))")
            .bind(&scenario.id)
            .bind(rows::text(&kept))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

/// Returns the items of a file as the JSON text of an array.
fn items(file: &TestDataFile, scenario: &Scenario, personas: &HashMap<String, String>) -> Result<String> {
    let mut taken: HashSet<String> = file.inputs.iter().filter_map(|input| input.id.clone()).collect();
    let mut items = Vec::with_capacity(file.inputs.len());
    for (index, input) in file.inputs.iter().enumerate() {
        let messages = input.spoken();
        let persona_id = match input.persona.as_deref().map(str::trim) {
            None => None,
            Some(name) => Some(
                personas
                    .get(name)
                    .ok_or_else(|| TestDataError::UnknownPersona { number: index + 1, name: name.chars().take(80).collect() })?,
            ),
        };
        let messages: Vec<Value> =
            messages.iter().map(|Message { role, content }| json!({ "role": role, "content": content })).collect();
        let id = match &input.id {
            Some(id) => id.clone(),
            None => own_id(&scenario.id, &json!([persona_id, messages]), &mut taken),
        };
        let mut item = Map::new();
        item.insert("id".to_owned(), id.into());
        if let Some(persona) = persona_id {
            item.insert("persona_id".to_owned(), persona.clone().into());
        }
        item.insert("messages".to_owned(), messages.into());
        item.insert("metadata".to_owned(), input.metadata.clone().into());
        items.push(Value::Object(item));
    }
    Ok(rows::text(&items))
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
