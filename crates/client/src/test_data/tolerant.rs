//! Reading what other servers send for the same thing.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::ClientError;
use crate::transport::{Call, Transport, WholeResponse};

/// Sends a request and reads one thing. `what` is the thing that a 404 is about.
pub(super) async fn one<T: DeserializeOwned>(transport: &Transport, call: &Call, what: &str) -> Result<T, ClientError> {
    let answer = transport.send(call).await?;
    let value: Value = transport.read(&answer, what)?;
    typed(transport, &answer, value)
}

/// Sends a request and reads a list: a bare one, or the member `name` of an object.
pub(super) async fn list<T: DeserializeOwned>(
    transport: &Transport,
    call: &Call,
    name: &str,
    what: &str,
) -> Result<Vec<T>, ClientError> {
    let answer = transport.send(call).await?;
    let mut value: Value = transport.read(&answer, what)?;
    if let Some(inner) = value.as_object_mut().and_then(|members| members.remove(name)) {
        value = inner;
    }
    typed(transport, &answer, value)
}

fn typed<T: DeserializeOwned>(transport: &Transport, answer: &WholeResponse, mut value: Value) -> Result<T, ClientError> {
    settle(&mut value);
    serde_json::from_value(value).map_err(|_| transport.not_ours(answer))
}

/// Makes ids texts, takes away nulls, and gives an `id` to what has only one with a longer name.
fn settle(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            for (key, value) in members.iter_mut() {
                match value {
                    Value::Number(number) if key == "id" || key.ends_with("_id") || key.ends_with("_at") => {
                        *value = Value::String(number.to_string());
                    }
                    value => settle(value),
                }
            }
            let longer = ["scenario_id", "project_id", "bundle_version_id", "input_set_id", "persona_id"];
            if !members.contains_key("id")
                && let Some(id) = longer.iter().find_map(|name| members.get(*name)).cloned()
            {
                members.insert("id".to_owned(), id);
            }
            if let (false, Some(name)) = (members.contains_key("name"), members.get("project_name").cloned()) {
                members.insert("name".to_owned(), name);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn f29_numbers_and_nulls_are_read_too() {
        let mut value = json!([{"id": 7, "name": "Shop [/v2]", "description": null, "workspace_id": 1}, {"project_id": 8, "project_name": "n"}]);
        settle(&mut value);
        let read: Vec<keepstep_api::fluxloop::Project> = serde_json::from_value(value).unwrap_or_default();
        let read: Vec<(&str, &str, &str)> =
            read.iter().map(|project| (&*project.id, &*project.name, &*project.workspace_id)).collect();
        assert_eq!(read, [("7", "Shop [/v2]", "1"), ("8", "n", "")]);
    }
}
