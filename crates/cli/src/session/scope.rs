//! What an answer about an agent is about: what was compared, what was not, and what runs in production.
//!
//! "In step" is only said of what was looked at. Every surface says the rest with the words from here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use keepstep_agent::Field;
use keepstep_agent::State;
use keepstep_agent::plan::FieldView;
use keepstep_api::own::{Change, PersonaSummary};
use keepstep_client::{Dialect, RemoteAgent};
use keepstep_source::{AgentSource, Property};
use serde::Serialize;
use serde_json::{Value, json};

use crate::session::ci;
use crate::session::context::Context;
use crate::session::sides::{Against, Compared};
use crate::shell::age::ago;
use crate::shell::printer::count;
use crate::shell::visible::{shortened, visible_line};

/// The longest message of somebody that is shown, in characters.
const LONGEST_MESSAGE: usize = 60;

/// What a field of the definition is called among the things that are compared.
const FIELD: &str = "field";

/// Something that was not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NotCompared {
    /// [`FIELD`], or a kind of primitive such as `skill`.
    pub(crate) kind: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// Why.
    pub(crate) reason: Reason,
}

impl NotCompared {
    fn of(field: Field, reason: Reason) -> Self {
        Self { kind: FIELD, name: field.key().to_owned(), reason }
    }
}

/// Why something was not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    /// This version compares no such thing, or the server does not keep it.
    Unsupported,
    /// It could not be read in the code.
    Unreadable,
    /// The server could not be reached.
    Unreachable,
}

/// Returns what a comparison leaves out.
pub(crate) fn not_compared(code: &dyn AgentSource, remote: &RemoteAgent) -> Vec<NotCompared> {
    let reason = |field: Field| match code.property(field) {
        Property::Unreadable(_) => Some(Reason::Unreadable),
        Property::Known { .. } if !remote.kept.contains(&field) => Some(Reason::Unsupported),
        _ => None,
    };
    let fields = Field::ALL.into_iter().filter_map(|field| Some(NotCompared::of(field, reason(field)?)));
    fields.chain(primitives(code)).collect()
}

/// Returns what is not compared where there was no answer: everything.
pub(crate) fn nothing_compared(code: Option<&dyn AgentSource>) -> Vec<NotCompared> {
    let is_set = |field: Field| code.is_some_and(|code| *code.property(field) != Property::Absent);
    let fields = Field::ALL.into_iter().filter(|field| field.is_always_named() || is_set(*field));
    let fields = fields.map(|field| NotCompared::of(field, Reason::Unreachable));
    fields.chain(code.into_iter().flat_map(primitives)).collect()
}

fn primitives(code: &dyn AgentSource) -> impl Iterator<Item = NotCompared> {
    code.primitives().into_iter().map(|(kind, name)| NotCompared { kind, name, reason: Reason::Unsupported })
}

/// Returns what is in step and what was not compared, as one sentence; nothing where there is nothing to say.
pub(crate) fn sentence(compared: &Compared, not_compared: &[NotCompared]) -> Option<String> {
    sentence_of(compared.views.iter(), not_compared)
}

/// Returns the same without the persona, for somebody who has said more of that.
pub(crate) fn rest_sentence(compared: &Compared, not_compared: &[NotCompared]) -> Option<String> {
    sentence_of(compared.views.iter().filter(|view| !view.field.has_versions()), not_compared)
}

fn sentence_of<'v>(views: impl Iterator<Item = &'v FieldView> + Clone, not_compared: &[NotCompared]) -> Option<String> {
    let in_step: Vec<String> =
        views.clone().filter(|view| view.state == State::InStep).map(|view| view.field.to_string()).collect();
    let mut parts = Vec::new();
    if !in_step.is_empty() {
        parts.push(format!("{} {} in step", in_step.join(", "), if in_step.len() == 1 { "is" } else { "are" }));
    }
    for view in views.filter(|view| view.state == State::NotOnServer) {
        parts.push(format!("the {} is not on the server yet", view.field));
    }
    parts.extend(not_compared_sentence(not_compared));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns what was not compared because it is not supported: fields by their names, primitives by their kinds.
pub(crate) fn not_compared_sentence(not_compared: &[NotCompared]) -> Option<String> {
    let is_unsupported = |one: &&NotCompared| one.kind == FIELD && one.reason == Reason::Unsupported;
    let fields: Vec<&str> = not_compared.iter().filter(is_unsupported).map(|field| field.name.as_str()).collect();
    let fields =
        (!fields.is_empty()).then(|| format!("not compared, because the server does not report them: {}", fields.join(", ")));
    let parts: Vec<String> = fields.into_iter().chain(primitives_sentence(not_compared)).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn primitives_sentence(not_compared: &[NotCompared]) -> Option<String> {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for unit in not_compared.iter().filter(|unit| unit.kind != FIELD) {
        *kinds.entry(unit.kind).or_default() += 1;
    }
    let number: usize = kinds.values().sum();
    let kinds: Vec<String> = kinds.into_iter().map(|(kind, number)| count(number, kind)).collect();
    let verb = if number == 1 { "is" } else { "are" };
    (number > 0).then(|| format!("{} {verb} not compared ({})", count(number, "primitive"), kinds.join(", ")))
}

/// Gives the warning of a job that not everything was compared.
pub(crate) fn warn_in_ci(context: &Context, not_compared: &[NotCompared]) {
    if let Some(sentence) = not_compared_sentence(not_compared).filter(|_| context.environment.is_ci()) {
        ci::warning(context, "not compared", &sentence);
    }
}

/// Another version in production than the latest published one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OtherProduction<'a> {
    current: Option<&'a PersonaSummary>,
    published: &'a PersonaSummary,
    deployed: Option<&'a Change>,
}

impl<'a> OtherProduction<'a> {
    /// Returns it, if there is one.
    pub(crate) fn of(remote: &'a RemoteAgent) -> Option<Self> {
        let published = remote.published.as_ref()?;
        let current = remote.current.as_ref();
        if current.is_none() && remote.dialect == Dialect::Lua {
            // Not every server of that dialect tells which version runs.
            return None;
        }
        let is_other = current.is_none_or(|current| current.version != published.version);
        is_other.then_some(Self { current, published, deployed: remote.deployed.as_ref() })
    }

    /// Returns what runs, without a verb before it.
    pub(crate) fn words(&self, now: Timestamp) -> String {
        let Some(current) = self.current else {
            return format!("production runs no persona; the latest published is v{}", self.published.version);
        };
        let of = [author(&current.created), message(&current.created).map(|message| format!("({message})"))];
        let of: String = of.into_iter().flatten().map(|part| format!(" {part}")).collect();
        let put_back = self.deployed.map_or_else(String::new, |change| {
            let by = author(change).map_or_else(String::new, |author| format!(" {author}"));
            let what = if current.version < self.published.version { "put back" } else { "put there" };
            format!(", {what} {}{by}", ago(now, change.at))
        });
        format!("production runs v{}{of}{put_back}; the latest published is v{}", current.version, self.published.version)
    }

    /// Gives the warning, as one line.
    pub(crate) fn warn(&self, context: &Context) {
        let text = format!("{}; {}", self.words(context.now()), COMPARE_WITH_IT);
        ci::warning(context, "production runs another version", &context.printer.own_words(&text));
    }
}

/// How to compare with what runs.
pub(crate) const COMPARE_WITH_IT: &str = "`keepstep sync --check --against current` compares with what production runs";

/// Warns of another version in production, where the code was compared with the published one.
pub(crate) fn warn_of_production(context: &Context, compared: &Compared) {
    if compared.against != Against::Current
        && let Some(other) = OtherProduction::of(&compared.remote)
    {
        other.warn(context);
    }
}

/// Returns what runs in production, for programs; null where nothing does.
pub(crate) fn production_document(remote: &RemoteAgent) -> Value {
    let Some(current) = &remote.current else { return Value::Null };
    json!({
        "version": current.version,
        "is_latest_published": OtherProduction::of(remote).is_none(),
        "author": current.created.author,
        "message": current.created.message,
        "published_at": current.created.at,
        "deployed_at": remote.deployed.as_ref().map(|change| change.at),
        "deployed_by": remote.deployed.as_ref().and_then(|change| change.author.as_ref()),
    })
}

/// Returns a version with who made it, when and why.
pub(crate) fn version_words(version: &PersonaSummary, now: Timestamp) -> String {
    format!("v{}{}", version.version, change_words(&version.created, now))
}

/// Returns who made a change, when and why, as it stands behind what was changed.
pub(crate) fn change_words(change: &Change, now: Timestamp) -> String {
    let by = author(change).map_or_else(String::new, |author| format!(" {author}"));
    let when = if change.at > 0 { format!(", {}", ago(now, change.at)) } else { String::new() };
    let why = message(change).map_or_else(String::new, |message| format!(": {message}"));
    format!("{by}{when}{why}")
}

fn author(change: &Change) -> Option<String> {
    change.author.as_ref().map(|author| format!("by {}", visible_line(author)))
}

fn message(change: &Change) -> Option<String> {
    let message = change.message.as_ref().filter(|message| !message.trim().is_empty())?;
    Some(format!("\"{}\"", visible_line(&shortened(message, LONGEST_MESSAGE))))
}
