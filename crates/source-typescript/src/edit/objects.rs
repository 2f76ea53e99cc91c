//! Adds members to object literals and class bodies, and takes them away, in the style that the literal has.

use serde_json::Value as Json;

use super::proposal::{Proposal, Replacement};
use super::site::{indent_at, style_at};
use crate::literal::CodeStyle;
use crate::syntax::{File, Quote};
use crate::value::{Object, ObjectSite, Site, Slot};
use keepstep_source::frame::Span;

/// Proposes places for a new member of an object.
pub(super) fn insertions(object: &Object, key: &str, value: &Json) -> Vec<Proposal> {
    let Some(literal) = &object.literal else { return Vec::new() };
    let replacements = match literal.members.last() {
        Some(last) => after(literal, *last, key, value),
        None => into_empty(literal, key, value),
    };
    vec![Proposal { replacements, most_parts: value.is_string().then_some(1) }]
}

/// Writes a member as it looks in its literal.
fn member(literal: &ObjectSite, style: &CodeStyle, key: &str, value: &Json) -> String {
    let (separator, end) = if literal.is_class { (" =", ";") } else { (":", "") };
    format!("{}{separator} {}{end}", style.key(key), style.value(value))
}

fn into_empty(literal: &ObjectSite, key: &str, value: &Json) -> Vec<Replacement> {
    let file = &literal.site.file;
    let inside = Span { start: literal.site.span.start + 1, end: literal.site.span.end.saturating_sub(1) };
    let text = file.slice(inside);
    let is_multiline = text.contains('\n') || literal.is_class;
    let mut style = style_at(file, literal.site.span, is_multiline);
    let outer = style.indent.clone();
    let place = |text: String, span: Span| vec![Replacement { site: Site { file: file.clone(), span }, text }];
    if !is_multiline {
        let code = member(literal, &style, key, value);
        // A comment inside stays behind the new member.
        let rest = if text.trim().is_empty() { String::new() } else { format!(" {}", text.trim()) };
        return place(format!(" {code}{rest} "), inside);
    }
    style.indent = format!("{outer}{}", style.step);
    let comma = if literal.is_class || style.quote == Quote::Json { "" } else { "," };
    let code = format!("{}{}{}{comma}", style.line_end, style.indent, member(literal, &style, key, value));
    let is_blank = text.trim().is_empty();
    let end = if is_blank { format!("{}{outer}", style.line_end) } else { String::new() };
    let span = if is_blank { inside } else { Span { end: inside.start, ..inside } };
    place(code + &end, span)
}

fn after(literal: &ObjectSite, last: Span, key: &str, value: &Json) -> Vec<Replacement> {
    let file = &literal.site.file;
    let first = literal.members.first().copied().unwrap_or(last);
    let opening = file.slice(Span { start: literal.site.span.start, end: first.start });
    let is_multiline = opening.contains('\n');
    let mut style = style_at(file, first, is_multiline);
    let tail = Tail::of(file, last.end as usize);
    let insert = |at: usize, text: String| Replacement { site: Site { file: file.clone(), span: Span::new(at, at) }, text };
    if !is_multiline {
        let code = member(literal, &style, key, value);
        return match (literal.is_class, tail.comma) {
            (true, _) => vec![insert(last.end as usize, format!(" {code}"))],
            (false, Some(comma)) => vec![insert(comma + 1, format!(" {code},"))],
            (false, None) => vec![insert(last.end as usize, format!(", {code}"))],
        };
    }
    let indent = indent_at(&file.text, first.start as usize).to_owned();
    style.indent.clone_from(&indent);
    // Data inside a literal of several lines is written on several lines where it has members of its own.
    style.is_multiline = value.as_object().is_some_and(|members| members.len() > 1);
    let code = format!("{}{indent}{}", style.line_end, member(literal, &style, key, value));
    match (literal.is_class, tail.comma) {
        (true, _) => vec![insert(tail.line_end, code)],
        (false, Some(_)) => vec![insert(tail.line_end, format!("{code},"))],
        (false, None) if tail.line_end == last.end as usize => vec![insert(tail.line_end, format!(",{code}"))],
        (false, None) => vec![insert(last.end as usize, ",".to_owned()), insert(tail.line_end, code)],
    }
}

/// Proposes to take a member out of the literal that it is written in.
pub(super) fn removals(slot: &Slot) -> Vec<Proposal> {
    let (Some(owner), Some(member)) = (&slot.owner, &slot.member) else { return Vec::new() };
    let file = &member.file;
    let text = &file.text;
    let span = member.span;
    let index = owner.members.iter().position(|other| *other == span);
    let previous = index.and_then(|index| owner.members.get(index.checked_sub(1)?));
    let tail = Tail::of(file, span.end as usize);
    let end = tail.comma.filter(|_| !owner.is_class).map_or(span.end as usize, |comma| comma + 1);
    let line_start = text[..span.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let is_first_on_line = text[line_start..span.start as usize].trim().is_empty();
    let is_last_on_line = text[tail.line_end..].is_empty() || text[tail.line_end..].starts_with(['\n', '\r']);
    let mut replacements = Vec::new();
    let mut remove = |start: usize, end: usize| {
        replacements.push(Replacement { site: Site { file: file.clone(), span: Span::new(start, end) }, text: String::new() });
    };
    // A last member without a comma takes the comma before it along, or JSON would not parse and a line would end oddly.
    let comma_before = match (tail.comma, previous) {
        (None, Some(previous)) if !owner.is_class => Tail::of(file, previous.end as usize).comma,
        _ => None,
    };
    if is_first_on_line && is_last_on_line && line_start > 0 {
        let next_line = text[tail.line_end..].find('\n').map_or(text.len(), |at| tail.line_end + at + 1);
        remove(line_start, next_line);
        if let Some(comma) = comma_before {
            remove(comma, comma + 1);
        }
    } else {
        match comma_before {
            Some(comma) => remove(comma, end),
            None => {
                let blank = text[end..].len() - text[end..].trim_start_matches([' ', '\t']).len();
                remove(span.start as usize, end + blank);
            }
        }
    }
    vec![Proposal { replacements, most_parts: None }]
}

/// What follows a member.
struct Tail {
    /// The comma after it, if there is one.
    comma: Option<usize>,
    /// Where its line ends, behind the comma and comments on that line, or else where it ends itself.
    line_end: usize,
}

impl Tail {
    fn of(file: &File, end: usize) -> Self {
        let text = &file.text;
        let mut at = end;
        let mut comma = None;
        loop {
            let rest = &text[at..];
            let skipped = rest.len() - rest.trim_start_matches(char::is_whitespace).len();
            at += skipped;
            let rest = &text[at..];
            if rest.starts_with("//") {
                at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                at += rest.find("*/").map_or(rest.len(), |close| close + 2);
            } else {
                if rest.starts_with(',') {
                    comma = Some(at);
                }
                break;
            }
        }
        Self { comma, line_end: line_end(text, comma.map_or(end, |comma| comma + 1)) }
    }
}

/// Returns where the line ends if only white space and comments follow, or the same place.
fn line_end(text: &str, from: usize) -> usize {
    let mut at = from;
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let rest = &rest[blank..];
        if rest.is_empty() || rest.starts_with(['\n', '\r']) {
            return if at + blank > from && text[from..at + blank].trim().is_empty() { from } else { at };
        }
        if rest.starts_with("//") {
            let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
            return at + blank + length;
        }
        match rest.strip_prefix("/*").and_then(|inside| inside.find("*/")) {
            Some(close) if !rest[..close + 4].contains('\n') => at += blank + close + 4,
            _ => return from,
        }
    }
}
