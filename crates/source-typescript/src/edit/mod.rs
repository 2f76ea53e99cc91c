//! Changes the definition where it is written.
//!
//! An edit is found by proposal and proof. [`propose`] names the places that could be changed, best first; [`prove`] reads the
//! whole project again with the changed text in place of the file, and accepts only what gives the wanted value for this
//! field and leaves every other property as it was. Nothing is written here but by [`EditPlan::apply`].

mod assign;
mod computed;
mod manual;
mod objects;
mod proposal;
mod propose;
mod prove;
mod replace;
mod site;

use keepstep_source::AgentSource as _;
use std::collections::BTreeSet;
use std::path::PathBuf;

use keepstep_agent::Field;
use serde_json::{Map, Value as Json};

use self::proposal::{Goal, Replacement, replaced};
use self::prove::Rejection;
use self::site::value_site;
use crate::typescript_agent::TypeScriptAgent;
use crate::value::{Site, json_number};
use keepstep_source::Property;
use keepstep_source::{EditPlan, EditRefusal, FileEdit, Location, display_path, frame, line_ends};

impl TypeScriptAgent {
    /// Plans how the code comes to have other values.
    pub(crate) fn plan(&self, changes: &[(Field, Option<Json>)]) -> Result<EditPlan, EditRefusal> {
        let mut latest: Option<Self> = None;
        for (field, wanted) in changes {
            let source = latest.as_ref().unwrap_or(self);
            let wanted = wanted.as_ref().filter(|wanted| !wanted.is_null()).map(as_javascript_reads);
            let wanted = match wanted {
                Some(wanted) if field.is_text() => Some(line_ends::like(source.property(*field).value(), &wanted)),
                wanted => wanted,
            };
            if let Some(edited) = plan_field(source, *field, wanted.as_ref())? {
                latest = Some(edited);
            }
        }
        Ok(latest.map_or_else(EditPlan::default, |latest| self.difference(&latest)))
    }

    /// Returns the files in which another reading of the same project differs from this one.
    fn difference(&self, edited: &Self) -> EditPlan {
        let mut plan = EditPlan::default();
        let paths: BTreeSet<PathBuf> = edited.graph.loaded_files().into_iter().collect();
        for path in paths {
            let (Some(before), Some(after)) = (self.graph.text(&path), edited.graph.text(&path)) else { continue };
            if before != after {
                let path = self.graph.relative(&path);
                plan.files.push(FileEdit { path, before: before.into_bytes(), after: after.into_bytes() });
            }
        }
        plan
    }
}

/// Returns a value as it is after JavaScript has read it: `1.0` is `1` there.
fn as_javascript_reads(value: &Json) -> Json {
    match value {
        Json::Number(number) if number.is_f64() => number.as_f64().and_then(json_number).unwrap_or_else(|| value.clone()),
        Json::Array(items) => items.iter().map(as_javascript_reads).collect(),
        Json::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), as_javascript_reads(value))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Returns the project with one field changed, or `None` if it has the value already.
fn plan_field(source: &TypeScriptAgent, field: Field, wanted: Option<&Json>) -> Result<Option<TypeScriptAgent>, EditRefusal> {
    let goal = Goal { field, path: Vec::new(), total: wanted.cloned() };
    let refuse = |message: String, location: Option<Location>| {
        let frame = location.as_ref().map(|location| frame_at(source, &goal, location)).unwrap_or_default();
        let patch = match (source.property(field), wanted) {
            (Property::Known { value, computed: true, location }, Some(wanted)) => {
                manual::of_computed(source, field, location, value, wanted)
            }
            _ => by_hand(source, field, wanted),
        };
        Err(EditRefusal { field, message, location, frame, patch })
    };
    let current = match source.property(field) {
        Property::Known { value, .. } if Some(value) == wanted => return Ok(None),
        _ if field.is_linked() => {
            let message =
                format!("the {field} {} created by the code, and the server has their ids only", field.verb("is", "are"));
            return Err(EditRefusal { field, message, location: None, frame: String::new(), patch: None });
        }
        Property::Absent if wanted.is_none() => return Ok(None),
        Property::Function { location } => {
            let is = field.verb("is", "are");
            return refuse(format!("the {field} {is} a function, which is not replaced by a value"), Some(location.clone()));
        }
        Property::Unreadable(problem) => {
            let message = format!("the {field} cannot be read, so it is not edited: {}", problem.message);
            return refuse(message, Some(problem.location.clone()));
        }
        Property::Known { value, .. } => Some(value),
        Property::Absent => None,
    };
    match change(source, &goal, current, wanted) {
        Ok(edited) => Ok(Some(edited)),
        Err(failure) => {
            let location = match source.property(field) {
                Property::Known { location, .. } => Some(location.clone()),
                _ => Some(source.location().clone()),
            };
            let location = failure.site.map(|site| source.graph.location(&site.file, site.span.start)).or(location);
            refuse(failure.message, location)
        }
    }
}

struct Failure {
    message: String,
    site: Option<Site>,
}

/// Changes the value at the goal's path; objects member by member, so that each text is edited where it is written.
fn change(
    source: &TypeScriptAgent,
    goal: &Goal,
    current: Option<&Json>,
    wanted: Option<&Json>,
) -> Result<TypeScriptAgent, Failure> {
    let mut by_member = None;
    if let (Some(Json::Object(ours)), Some(Json::Object(theirs))) = (current, wanted) {
        match change_members(source, goal, ours, theirs) {
            Ok(edited) => return Ok(edited),
            Err(failure) => by_member = Some(failure),
        }
    }
    let mut rejections = Vec::new();
    for proposal in propose::proposals(source, goal, current, wanted) {
        match prove::prove(source, goal, &proposal) {
            Ok(edited) => return Ok(edited),
            Err(rejection) => rejections.push(rejection),
        }
    }
    Err(by_member.unwrap_or_else(|| failure(source, goal, &rejections)))
}

fn change_members(
    source: &TypeScriptAgent,
    goal: &Goal,
    ours: &Map<String, Json>,
    theirs: &Map<String, Json>,
) -> Result<TypeScriptAgent, Failure> {
    let mut latest: Option<TypeScriptAgent> = None;
    let mut total = source.property(goal.field).value().cloned();
    let added_last =
        theirs.keys().filter(|key| ours.contains_key(*key)).chain(theirs.keys().filter(|key| !ours.contains_key(*key)));
    let keys: Vec<&String> = ours.keys().filter(|key| !theirs.contains_key(*key)).chain(added_last).collect();
    for key in keys {
        let (current, wanted) = (ours.get(key), theirs.get(key));
        if current == wanted {
            continue;
        }
        let mut path = goal.path.clone();
        path.push(key.clone());
        if let Some(total) = &mut total {
            set_in(total, &path, wanted);
        }
        let step = Goal { field: goal.field, path, total: total.clone() };
        latest = Some(change(latest.as_ref().unwrap_or(source), &step, current, wanted)?);
    }
    latest.ok_or_else(|| Failure { message: String::new(), site: None })
}

fn set_in(value: &mut Json, path: &[String], wanted: Option<&Json>) {
    let (Json::Object(members), Some((key, rest))) = (value, path.split_first()) else { return };
    match (rest.is_empty(), wanted) {
        (false, _) => {
            if let Some(member) = members.get_mut(key) {
                set_in(member, rest, wanted);
            }
        }
        (true, Some(wanted)) => {
            members.insert(key.clone(), wanted.clone());
        }
        (true, None) => {
            members.shift_remove(key);
        }
    }
}

/// Says why no proposal was accepted.
fn failure(source: &TypeScriptAgent, goal: &Goal, rejections: &[Rejection]) -> Failure {
    let field = goal.field;
    let site = value_site(source, goal);
    let shared = rejections.iter().find_map(|rejection| match rejection {
        Rejection::Other(key) => Some(key),
        _ => None,
    });
    let outside = rejections.iter().find_map(|rejection| match rejection {
        Rejection::Outside(path) => Some(path),
        _ => None,
    });
    let is_computed = matches!(source.property(field), Property::Known { computed: true, .. });
    let message = match shared {
        None if let Some(path) = outside => {
            let path = display_path(path);
            format!("the text of the {field} is written in {path}, outside of this project, where others may use it")
        }
        None if is_computed => {
            let is = field.verb("is", "are");
            format!("the {field} {is} computed by the code, and no edit of one of its texts gives this value")
        }
        Some(key) if key == field.key() => {
            format!("the text of the {field} is used in more than one place, and only one of them is to change")
        }
        Some(key) => format!("the text of the {field} is the text of `{key}` as well, which would change too"),
        None if rejections.is_empty() => format!("no place in the code to write the {field} to"),
        None => format!("no edit of the code gives the {field} this value and leaves everything else as it is"),
    };
    Failure { message, site }
}

/// Returns what a person could do: put the value itself where the property has its value.
fn by_hand(source: &TypeScriptAgent, field: Field, wanted: Option<&Json>) -> Option<String> {
    let replacement: Replacement = propose::replace_value(source, field, wanted?)?;
    let before = replacement.site.file.text.clone();
    let path = source.graph.relative(&replacement.site.file.path);
    let after = replaced(&before, &[&replacement])?;
    let file = FileEdit { path, before: before.into_bytes(), after: after.into_bytes() };
    Some(EditPlan { files: vec![file] }.patch())
}

/// Returns the lines around a place: of the whole value where it is there, of a problem, or of the place alone.
fn frame_at(source: &TypeScriptAgent, goal: &Goal, location: &Location) -> String {
    if let Some(site) = value_site(source, goal)
        && source.graph.location(&site.file, site.span.start) == *location
    {
        return frame::frame(&site.file.text, site.span);
    }
    if let Property::Unreadable(problem) = source.property(goal.field)
        && problem.location == *location
    {
        return problem.frame.clone();
    }
    let Some(text) = source.graph.text(&source.graph.root.join(&location.file)) else { return String::new() };
    let line_start: usize = text.split_inclusive('\n').take(location.line.saturating_sub(1) as usize).map(str::len).sum();
    let line = text[line_start..].lines().next().unwrap_or_default();
    let column = line.trim_start_matches('\u{feff}').char_indices().nth(location.column.saturating_sub(1) as usize);
    let hidden = line.len() - line.trim_start_matches('\u{feff}').len();
    let start = line_start + hidden + column.map_or(0, |(at, _)| at);
    frame::frame(&text, frame::Span::new(start, start + 1))
}
