//! Fields that list what the code makes: a voice is a thing of its own on the server, and the agent links to it by its id.

use serde_json::json;

use keepstep_agent::Field;
use keepstep_source::{Property, skill_file};

use crate::TypeScriptAgent;
use crate::manifest::primitives;
use crate::typescript_agent::problem;
use crate::value::{Obstacle, Site};

/// Returns what the code says about a field that lists things: the ids that `lua.skill.yaml` has for their names. `None` where the agent has
/// no such list.
pub(crate) fn property(source: &TypeScriptAgent, field: Field, ids_in: &str, id: &str) -> Option<Property> {
    let site = source.config.slots.get(field.key())?.site();
    let site = site.unwrap_or_else(|| Site::new(&source.agent.module, source.agent.span));
    let location = source.graph.location(&site.file, site.span.start);
    let unreadable = |message: String, help: String| {
        Property::Unreadable(problem(&source.graph, &source.agent, Obstacle::at(site.clone(), message).help(help)))
    };
    let names = match primitives::names_in(source, field.key()) {
        Ok(None) => return Some(Property::Absent),
        Ok(Some(names)) => names,
        Err(obstacle) => return Some(Property::Unreadable(problem(&source.graph, &source.agent, obstacle))),
    };
    let known = skill_file::ids(&source.graph.root, ids_in, id);
    let mut items = Vec::new();
    for name in names {
        let Some(name) = name else {
            let message = format!("the name of one of the {field} cannot be read");
            return Some(unreadable(message, "write each name as a text".to_owned()));
        };
        let Some(found) = known.get(&name) else {
            let message = format!("`{name}` has no id in {} yet, so the {field} cannot be compared", skill_file::FILE_NAME);
            return Some(unreadable(message, format!("`lua push` creates it and notes its `{id}`")));
        };
        items.push(json!({ id: found }));
    }
    Some(if items.is_empty() { Property::Absent } else { Property::Known { value: items.into(), computed: false, location } })
}
