//! Where a value is written, and how the code around it is written.

use std::sync::Arc;

use keepstep_source::frame::Span;

use super::proposal::Goal;
use crate::evaluate::Evaluator;
use crate::literal::CodeStyle;
use crate::syntax::{ExpressionId, File, Module, Quote};
use crate::typescript_agent::TypeScriptAgent;
use crate::value::{Content, Object, Site, Slot, Value};

/// Returns how many parts the text at a goal's path has.
pub(super) fn parts(source: &TypeScriptAgent, goal: &Goal) -> Option<usize> {
    let evaluator = Evaluator::new(&source.graph, &source.foreign_use);
    match evaluator.slot(&slot(source, &evaluator, goal)?).ok()? {
        Value::Text(text) => Some(text.parts.len()),
        _ => None,
    }
}

/// Returns where the value at a goal's path is defined.
pub(super) fn value_site(source: &TypeScriptAgent, goal: &Goal) -> Option<Site> {
    let evaluator = Evaluator::new(&source.graph, &source.foreign_use);
    let slot = slot(source, &evaluator, goal)?;
    definition(&evaluator, &slot).map(|(module, id)| Site::new(&module, module.expression(id).span)).or_else(|| slot.site())
}

pub(super) fn last_key(goal: &Goal) -> &str {
    goal.path.last().map_or(goal.field.key(), String::as_str)
}

pub(super) fn slot(source: &TypeScriptAgent, evaluator: &Evaluator<'_>, goal: &Goal) -> Option<Slot> {
    parent(source, evaluator, goal)?.slots.get(last_key(goal)).cloned()
}

/// Returns the object that the goal's value is a member of.
pub(super) fn parent(source: &TypeScriptAgent, evaluator: &Evaluator<'_>, goal: &Goal) -> Option<Object> {
    let mut keys = std::iter::once(goal.field.key()).chain(goal.path.iter().map(String::as_str)).collect::<Vec<_>>();
    keys.pop();
    let mut object = source.config.clone();
    for key in keys {
        match evaluator.slot(object.slots.get(key)?).ok()? {
            Value::Object(next) => object = Arc::unwrap_or_clone(next),
            _ => return None,
        }
    }
    Some(object)
}

pub(super) fn definition(evaluator: &Evaluator<'_>, slot: &Slot) -> Option<(Arc<Module>, ExpressionId)> {
    match &slot.content {
        Content::Expression(module, id) => Some(evaluator.definition(module, *id)),
        _ => None,
    }
}

/// Returns how a file writes its line ends.
pub(super) fn line_end(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}

/// Returns the indentation of the line that an offset is in.
pub(super) fn indent_at(text: &str, offset: usize) -> &str {
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].trim_start_matches('\u{feff}');
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// Returns how a file writes values at a place.
pub(super) fn style_at(file: &File, span: Span, is_multiline: bool) -> CodeStyle {
    let text = &file.text;
    let is_json = file.path.extension().is_some_and(|extension| extension == "json");
    let (single, double) = (text.matches('\'').count(), text.matches('"').count());
    let quote = match (is_json, double > single) {
        (true, _) => Quote::Json,
        (false, true) => Quote::Double,
        (false, false) => Quote::Single,
    };
    let indent = indent_at(text, span.start as usize).to_owned();
    let step = text
        .lines()
        .map(|line| &line[..line.len() - line.trim_start_matches([' ', '\t']).len()])
        .find(|indent| !indent.is_empty())
        .map_or("  ", |indent| if indent.starts_with('\t') { "\t" } else { indent });
    CodeStyle { quote, line_end: line_end(text), step: step.to_owned(), indent, is_multiline }
}
