//! Names the places where a value could be changed, best first.

use keepstep_source::AgentSource as _;

use keepstep_agent::Field;
use serde_json::Value as Json;

use super::assign::{Cell, assignments};
use super::proposal::{Goal, Proposal, Replacement};
use super::replace::{Manner, is_worth_a_template, literal_replacements};
use super::site::{definition, last_key, parent, slot, style_at};
use super::{computed, objects};
use crate::evaluate::Evaluator;
use crate::literal::{self, Around};
use crate::syntax::{Binary, Element, ExpressionId, Form, Key, Kind, Module};
use crate::typescript_agent::TypeScriptAgent;
use crate::value::{Content, Operand, Part, Site, Slot, Style, Text, Value, WrittenAt};
use keepstep_source::Property;

/// How many ways to spread a text over its parts are tried.
const MOST_ASSIGNMENTS: usize = 6;

/// Returns the proposals for a goal.
pub(super) fn proposals(source: &TypeScriptAgent, goal: &Goal, current: Option<&Json>, wanted: Option<&Json>) -> Vec<Proposal> {
    if matches!(source.property(goal.field), Property::Known { computed: true, .. }) {
        return match (current, wanted) {
            (Some(Json::String(current)), Some(Json::String(wanted))) => computed::proposals(source, current, wanted),
            _ => Vec::new(),
        };
    }
    let evaluator = Evaluator::new(&source.graph, &source.foreign_use);
    let Some(slot) = slot(source, &evaluator, goal) else {
        return match (wanted, parent(source, &evaluator, goal)) {
            (Some(wanted), Some(parent)) => objects::insertions(&parent, last_key(goal), wanted),
            _ => Vec::new(),
        };
    };
    let Some(wanted) = wanted else {
        let mut proposals = objects::removals(&slot);
        proposals.extend(whole(&evaluator, &slot, &[Code::Undefined]));
        return proposals;
    };
    let mut proposals = Vec::new();
    if let (Some(Json::String(_)), Json::String(new)) = (current, wanted)
        && let Ok(Value::Text(text)) = evaluator.slot(&slot)
    {
        proposals.extend(text_proposals(source, &evaluator, &text, new));
    }
    proposals.extend(whole(&evaluator, &slot, &[Code::Value(wanted)]));
    proposals
}

/// Returns the edit that puts a value where the property has its value, whatever that is now.
pub(super) fn replace_value(source: &TypeScriptAgent, field: Field, wanted: &Json) -> Option<Replacement> {
    let Some(slot) = source.config.slots.get(field.key()) else {
        return objects::insertions(&source.config, field.key(), wanted).pop()?.replacements.pop();
    };
    let member = slot.member.clone()?;
    let style = style_at(&member.file, member.span, false);
    match (&slot.content, slot.form) {
        (Content::Expression(module, id), Form::Plain | Form::Field | Form::Getter) => {
            let site = Site::new(module, module.expression(*id).span);
            Some(Replacement { site, text: style.value(wanted) })
        }
        _ => {
            let text = format!("{}: {}", style.key(field.key()), style.value(wanted));
            Some(Replacement { site: member, text })
        }
    }
}

/// Proposes changes of the literals that a text is put together from, and then of the expressions between them.
fn text_proposals(source: &TypeScriptAgent, evaluator: &Evaluator<'_>, text: &Text, new: &str) -> Vec<Proposal> {
    let literals: Vec<bool> = text.parts.iter().map(|part| is_editable(source, evaluator, text, part)).collect();
    let replaceable: Vec<bool> =
        text.parts.iter().zip(&literals).map(|(part, is_literal)| *is_literal || !part.operands.is_empty()).collect();
    let mut proposals = Vec::new();
    let mut levels = vec![&literals];
    if replaceable != literals {
        levels.push(&replaceable);
    }
    for open in levels {
        let cells: Vec<Cell<'_>> =
            text.parts.iter().zip(open).map(|(part, is_open)| Cell { text: &part.text, is_open: *is_open }).collect();
        for assignment in assignments(&cells, new).iter().take(MOST_ASSIGNMENTS) {
            for manner in [Manner::Template, Manner::Smallest, Manner::Whole] {
                let replacements = assignment_replacements(source, evaluator, text, assignment, &literals, manner);
                if let Some(replacements) = replacements
                    && !replacements.is_empty()
                {
                    proposals.push(Proposal { replacements, most_parts: Some(text.parts.len()) });
                }
            }
        }
    }
    proposals
}

/// Returns true if a part's literal can be edited for this text alone.
fn is_editable(source: &TypeScriptAgent, evaluator: &Evaluator<'_>, text: &Text, part: &Part) -> bool {
    let WrittenAt::Literal(literal) = &part.origin else { return false };
    let same_place = |other: &&Part| matches!(&other.origin, WrittenAt::Literal(other) if other.site == literal.site);
    text.parts.iter().filter(same_place).count() == 1 && shared_operand(source, evaluator, part).is_none()
}

/// Returns the operand behind which a part's text is used by others as well.
fn shared_operand<'p>(source: &TypeScriptAgent, evaluator: &Evaluator<'_>, part: &'p Part) -> Option<&'p Operand> {
    part.operands.iter().rev().find(|operand| match (&operand.root, &operand.member) {
        (Some((module, binding)), None) => evaluator.reads(module, *binding) > 1,
        (Some(_), Some(member)) => member_reads(source, member) > 1,
        (None, _) => false,
    })
}

/// Returns how many times a member of that name is read anywhere; which object it is read of, nobody can tell in general.
fn member_reads(source: &TypeScriptAgent, member: &str) -> usize {
    let is_name = |character: char| character.is_alphanumeric() || character == '_' || character == '$';
    let reads = |text: &str| {
        let access = format!(".{member}");
        text.match_indices(&access).filter(|(at, _)| !text[at + access.len()..].starts_with(is_name)).count()
    };
    source.modules().map(|module| reads(module.text)).sum()
}

/// Returns the replacements that give the parts their new texts.
fn assignment_replacements(
    source: &TypeScriptAgent,
    evaluator: &Evaluator<'_>,
    text: &Text,
    assignment: &[String],
    literals: &[bool],
    manner: Manner,
) -> Option<Vec<Replacement>> {
    let mut replacements: Vec<Replacement> = Vec::new();
    let mut uses_template = false;
    let mut replaced_operands: Vec<&Operand> = Vec::new();
    for (index, part) in text.parts.iter().enumerate() {
        if part.text == assignment[index] {
            continue;
        }
        match (&part.origin, literals[index]) {
            (WrittenAt::Literal(literal), true) => {
                let wants_template = manner == Manner::Template && is_worth_a_template(literal, &part.text, &assignment[index]);
                uses_template |= wants_template;
                replacements.extend(literal_replacements(literal, &part.text, &assignment[index], manner, wants_template)?);
            }
            _ => {
                let operand = shared_operand(source, evaluator, part).or(part.operands.first())?;
                if !replaced_operands.iter().any(|other| other.site == operand.site) {
                    replaced_operands.push(operand);
                }
            }
        }
    }
    for operand in replaced_operands {
        let gives = |part: &Part| part.operands.iter().any(|other| other.site == operand.site);
        let new: String =
            text.parts.iter().zip(assignment).filter(|(part, _)| gives(part)).map(|(_, new)| new.as_str()).collect();
        replacements.push(operand_replacement(operand, &new));
    }
    // The manner says nothing new if no literal became a template.
    (manner != Manner::Template || uses_template).then_some(replacements)
}

fn operand_replacement(operand: &Operand, new: &str) -> Replacement {
    let site = operand.site.clone();
    let style = style_at(&site.file, site.span, false);
    let text = if operand.is_substitution {
        let text = &site.file.text;
        let around = Around { before: &text[..site.span.start as usize], after: &text[site.span.end as usize..] };
        literal::content(new, Style::Template { is_alone: false }, around, style.line_end)
    } else {
        style.text(new)
    };
    Replacement { site, text }
}

enum Code<'a> {
    Value(&'a Json),
    Undefined,
}

/// Proposes another literal in place of an expression that has nothing but literals in it.
fn whole(evaluator: &Evaluator<'_>, slot: &Slot, codes: &[Code<'_>]) -> Vec<Proposal> {
    let Some((module, id)) = definition(evaluator, slot) else { return Vec::new() };
    if !is_only_literals(&module, id) {
        return Vec::new();
    }
    let site = Site::new(&module, module.expression(id).span);
    let is_multiline = site.text().contains('\n');
    let style = style_at(&site.file, site.span, is_multiline);
    let was_template = site.text().starts_with('`');
    codes
        .iter()
        .map(|code| {
            let text = match code {
                Code::Undefined => "undefined".to_owned(),
                Code::Value(Json::String(text)) if was_template => style.template(text),
                Code::Value(value) => style.value(value),
            };
            let replacements = vec![Replacement { site: site.clone(), text }];
            let most_parts = matches!(code, Code::Value(Json::String(_))).then_some(1);
            Proposal { replacements, most_parts }
        })
        .collect()
}

/// Returns true if an expression is made of literals alone, so that nothing else is left behind when it goes.
fn is_only_literals(module: &Module, id: ExpressionId) -> bool {
    let only = |id: &ExpressionId| is_only_literals(module, *id);
    match &module.expression(id).kind {
        Kind::Text { .. } | Kind::Number(_) | Kind::Boolean(_) | Kind::Null => true,
        Kind::Global(name) => name == "undefined",
        Kind::Template { expressions, .. } => expressions.iter().all(only),
        Kind::TaggedTemplate { expressions, .. } => expressions.iter().all(only),
        Kind::Binary { operator: Binary::Add, left, right } => only(left) && only(right),
        Kind::Unary { operand, .. } => only(operand),
        Kind::Object(members) => members.iter().all(|member| match member {
            crate::syntax::Member::Property { value, .. } => only(value),
            _ => false,
        }),
        Kind::Array(elements) => elements.iter().all(|element| match element {
            Element::Item(id) | Element::Spread(id) => only(id),
            Element::Hole => true,
        }),
        Kind::Call { callee, arguments, spread: false } => match &module.expression(*callee).kind {
            Kind::Access { object, key: Key::Static(_), .. } => only(object) && arguments.iter().all(only),
            _ => false,
        },
        _ => false,
    }
}
