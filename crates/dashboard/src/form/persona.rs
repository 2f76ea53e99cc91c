//! What the form of a persona for tests says.

use keepstep_store::test_data::TestPersona;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error_page::Typed;
use crate::form::posted::Fields;
use crate::form::problem::Problem;
use crate::form::text::restore_line_ends;

/// The members that have a field of their own, where they are texts.
const TEXTS: [&str; 2] = ["description", "difficulty"];

/// The fields as a browser sent them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PersonaForm {
    csrf: String,
    /// What the form was made from; empty for a new persona.
    pub(crate) seen: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) difficulty: String,
    /// Everything else as JSON; empty for nothing.
    pub(crate) more: String,
}

impl Fields for PersonaForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    /// A persona of the largest size, each of its characters written as three.
    const LIMIT: usize = 1024 * 1024;

    fn typed(&self) -> Vec<Typed> {
        let all =
            [("Name", &self.name), ("Description", &self.description), ("Difficulty", &self.difficulty), ("More", &self.more)];
        all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(label, text)| Typed { label, text: text.clone() }).collect()
    }
}

impl PersonaForm {
    /// Returns the form of a persona.
    pub(crate) fn of(persona: &TestPersona) -> Self {
        let text = |key: &str| persona.body.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let more = rest(&persona.body);
        Self {
            csrf: String::new(),
            seen: persona.digest().to_string(),
            name: persona.name.clone(),
            description: text("description"),
            difficulty: text("difficulty"),
            more: if more.is_empty() { String::new() } else { pretty(&more) },
        }
    }

    /// Returns what is known of the persona besides its name, whoever had `old` before them: its members keep their order.
    ///
    /// # Errors
    /// What else is known is not a JSON object, or has what has a field of its own.
    pub(crate) fn body(&self, old: Option<&TestPersona>) -> Result<Map<String, Value>, Problem> {
        let nothing = Map::new();
        let old = old.map_or(&nothing, |old| &old.body);
        let typed = self.more.trim();
        let more: Map<String, Value> = if typed.is_empty() {
            Map::new()
        } else if typed.replace("\r\n", "\n") == pretty(&rest(old)) {
            rest(old)
        } else {
            serde_json::from_str(typed).map_err(|error| Problem::at("more", format!("Not a JSON object: {error}.")))?
        };
        let has_field =
            |key: &&String| matches!(key.as_str(), "id" | "name") || TEXTS.contains(&key.as_str()) && more[*key].is_string();
        if let Some(key) = more.keys().find(has_field) {
            return Err(Problem::at("more", format!("`{key}` has a field of its own.")));
        }
        let mut body = Map::new();
        for (key, value) in [("description", &self.description), ("difficulty", &self.difficulty)] {
            if more.contains_key(key) {
                continue;
            }
            let before = old.get(key).and_then(Value::as_str);
            let text = restore_line_ends(before, value);
            // An empty text that was there stays one.
            if !text.trim().is_empty() || before == Some(text.as_str()) {
                body.insert(key.to_owned(), text.into());
            }
        }
        body.extend(more);
        let mut ordered: Map<String, Value> = Map::new();
        for key in old.keys() {
            ordered.extend(body.shift_remove_entry(key));
        }
        ordered.extend(body);
        Ok(ordered)
    }
}

/// Returns the members without a field of their own.
fn rest(body: &Map<String, Value>) -> Map<String, Value> {
    let has_field = |key: &str, value: &Value| TEXTS.contains(&key) && value.is_string();
    body.iter().filter(|(key, value)| !has_field(key, value)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn pretty(members: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(members).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn persona(body: &Value) -> TestPersona {
        TestPersona { id: "p".to_owned(), name: "novice".to_owned(), body: body.as_object().unwrap().clone(), is_deleted: false }
    }

    #[test]
    fn what_nobody_touches_stays_as_it_is() {
        for body in [
            json!({}),
            json!({"goals": ["x"], "description": "a\r\nb", "difficulty": "hard", "n": 1.0}),
            json!({"description": "", "difficulty": 3}),
            json!({"description": {"en": "x"}}),
        ] {
            let persona = persona(&body);
            assert_eq!(json!(PersonaForm::of(&persona).body(Some(&persona)).unwrap()).to_string(), body.to_string());
        }
    }

    #[test]
    fn what_is_changed_is_changed_and_the_rest_is_kept() {
        let old = persona(&json!({"goals": ["x"], "description": "a", "difficulty": "hard"}));
        let mut form = PersonaForm::of(&old);
        (form.description, form.difficulty) = ("b".to_owned(), " ".to_owned());
        assert_eq!(json!(form.body(Some(&old)).unwrap()), json!({"goals": ["x"], "description": "b"}));
        for more in ["[1]", "{", "{\"name\": \"x\"}", "{\"description\": \"x\"}"] {
            form.more = more.to_owned();
            assert!(form.body(Some(&old)).unwrap_err().of("more").is_some(), "{more}");
        }
    }
}
