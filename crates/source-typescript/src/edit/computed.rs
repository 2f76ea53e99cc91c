//! Proposes edits of a text that the code computes.
//!
//! Such a text has no place of its own, but mostly it is a literal that something was done to: trimmed, indented less, put
//! between others, filled into another. So each difference between the old and the new text is looked for, with what stands
//! around it, in all literals that running the code read. Where the surroundings agree the best, the literal is changed. What
//! the code makes of that is not thought about here: the proof runs it.

use crate::syntax::spanned;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use oxc_allocator::Allocator;
use oxc_ast::ast::{StringLiteral, TaggedTemplateExpression, TemplateElement};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_span::SourceType;

use super::assign::{Hunk, Piece, hunks_by, middle};
use super::proposal::Proposal;
use super::replace::{Manner, is_worth_a_template, literal_replacements};
use crate::modules::CODE_EXTENSIONS;
use crate::syntax::{File, Kind, Quote};
use crate::typescript_agent::TypeScriptAgent;
use crate::value::{Literal, Site, Style};
use keepstep_source::frame::Span;

/// How many proposals are made: for each, the code is run.
const MOST_PROPOSALS: usize = 12;
/// How many places are tried for one difference.
const MOST_PLACES: usize = 3;
/// Of a file that is longer, no literals are looked at.
const LARGEST_FILE: usize = 4 << 20;
/// How many characters are compared to find the best place, on each side.
const FARTHEST: usize = 400;

/// A literal of a file, with its text.
pub(super) struct Written {
    literal: Literal,
    pub(super) text: String,
}

/// A place in a literal that agrees with a stretch of the computed text.
#[derive(Debug, Clone)]
struct Stretch {
    literal: usize,
    range: Range<usize>,
    /// How much around it agrees.
    agreement: usize,
    /// By how much its line is indented more than that of the computed text.
    indent: String,
}

/// Returns the proposals that may turn a computed text into another one.
pub(super) fn proposals(source: &TypeScriptAgent, current: &str, wanted: &str) -> Vec<Proposal> {
    let literals = literals(source);
    let mut proposals: Vec<Proposal> = Vec::new();
    let mut tried: Vec<Vec<Hunk<'_>>> = Vec::new();
    for hunks in [
        hunks_by(current, wanted, Piece::Word),
        hunks_by(current, wanted, Piece::Line),
        hunks_by(current, wanted, Piece::Character),
        middle(current, wanted).into_iter().collect(),
    ] {
        if hunks.is_empty() || tried.contains(&hunks) {
            continue;
        }
        let places: Option<Vec<Vec<Stretch>>> =
            hunks.iter().map(|hunk| Some(places(&literals, current, &hunk.old)).filter(|places| !places.is_empty())).collect();
        tried.push(hunks.clone());
        let Some(places) = places else { continue };
        for rank in 0..MOST_PLACES {
            if rank > 0 && places.iter().all(|places| places.len() <= rank) {
                break;
            }
            let chosen: Vec<&Stretch> = places.iter().filter_map(|places| places.get(rank.min(places.len() - 1))).collect();
            for manner in [Manner::Template, Manner::Smallest, Manner::Whole] {
                let proposal = proposal(&literals, &hunks, &chosen, manner);
                proposals.extend(proposal.filter(|proposal| !proposal.replacements.is_empty()));
            }
        }
    }
    proposals.truncate(MOST_PROPOSALS);
    proposals
}

/// Returns one proposal: each hunk written at its place.
fn proposal(literals: &[Written], hunks: &[Hunk<'_>], places: &[&Stretch], manner: Manner) -> Option<Proposal> {
    let mut replacements = Vec::new();
    let mut uses_manner = manner == Manner::Smallest;
    for (index, written) in literals.iter().enumerate() {
        let mut changes: Vec<(&Stretch, &Hunk<'_>)> =
            places.iter().copied().zip(hunks).filter(|(place, _)| place.literal == index).collect();
        if changes.is_empty() {
            continue;
        }
        changes.sort_by_key(|(place, _)| (place.range.start, place.range.end));
        let mut text = String::new();
        let mut at = 0;
        for (place, hunk) in changes {
            text.push_str(written.text.get(at..place.range.start)?);
            text.push_str(&indented(hunk.new, &place.indent));
            at = place.range.end;
        }
        text.push_str(written.text.get(at..)?);
        let literal = &written.literal;
        let wants_template = manner == Manner::Template && is_worth_a_template(literal, &written.text, &text);
        uses_manner |= wants_template || manner == Manner::Whole;
        replacements.extend(literal_replacements(literal, &written.text, &text, manner, wants_template)?);
    }
    uses_manner.then_some(Proposal { replacements, most_parts: None })
}

/// Returns a text whose lines are indented by more, all but the first, which goes on where something stands already.
fn indented(text: &str, indent: &str) -> String {
    if indent.is_empty() || !text.contains('\n') {
        return text.to_owned();
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let mut out = String::with_capacity(text.len() + lines.len() * indent.len());
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
            // An empty line stays empty, but for the last, behind which a line goes on.
            if index + 1 == lines.len() || !line.trim_end_matches('\r').is_empty() {
                out.push_str(indent);
            }
        }
        out.push_str(line);
    }
    out
}

/// Returns where a stretch of the computed text may be written, the best agreement first.
fn places(literals: &[Written], text: &str, stretch: &Range<usize>) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for (index, written) in literals.iter().enumerate() {
        let mut best: Vec<Stretch> = Vec::new();
        for (start, _) in written.text.char_indices().chain([(written.text.len(), ' ')]) {
            let Some(end) = matched(text, stretch, &written.text, start) else { continue };
            let after = agreement_after(&text[stretch.end..], &written.text[end..]);
            let before = agreement_before(&text[..stretch.start], &written.text[..start]);
            let inside = end - start;
            if before + after + inside == 0 {
                continue;
            }
            let indent = surplus(line_indent(text, stretch.start), line_indent(&written.text, start)).unwrap_or_default();
            best.push(Stretch {
                literal: index,
                range: start..end,
                agreement: before + after + inside,
                indent: indent.to_owned(),
            });
        }
        best.sort_by_key(|place| std::cmp::Reverse(place.agreement));
        found.extend(best.into_iter().take(MOST_PLACES));
    }
    found.sort_by_key(|place| std::cmp::Reverse(place.agreement));
    found.truncate(MOST_PLACES);
    found
}

/// Returns where a stretch of the computed text ends in a literal if it begins at a place, lines of which may be indented more.
fn matched(text: &str, stretch: &Range<usize>, literal: &str, start: usize) -> Option<usize> {
    let mut at = start;
    let mut rest = &text[stretch.clone()];
    while let Some(character) = rest.chars().next() {
        if !literal[at..].starts_with(character) {
            return None;
        }
        at += character.len_utf8();
        rest = &rest[character.len_utf8()..];
        if character == '\n' {
            let following = &text[stretch.end - rest.len()..];
            at += surplus(leading_blanks(following), leading_blanks(&literal[at..]))?.len();
        }
    }
    Some(at)
}

fn agreement_after(text: &str, literal: &str) -> usize {
    let (mut text, mut literal) = (text, literal);
    let mut count = 0;
    while count < FARTHEST {
        let (Some(one), Some(other)) = (text.chars().next(), literal.chars().next()) else { break };
        if one != other {
            break;
        }
        count += 1;
        text = &text[one.len_utf8()..];
        literal = &literal[one.len_utf8()..];
        if one == '\n' {
            match surplus(leading_blanks(text), leading_blanks(literal)) {
                Some(surplus) => literal = &literal[surplus.len()..],
                None => break,
            }
        }
    }
    count
}

fn agreement_before(text: &str, literal: &str) -> usize {
    let (mut text, mut literal) = (text, literal);
    let mut count = 0;
    while count < FARTHEST {
        if text.ends_with('\n') {
            // What the line is indented more by was not in the computed text.
            literal = literal.trim_end_matches([' ', '\t']);
        }
        let (Some(one), Some(other)) = (text.chars().next_back(), literal.chars().next_back()) else { break };
        if one != other {
            break;
        }
        count += 1;
        text = &text[..text.len() - one.len_utf8()];
        literal = &literal[..literal.len() - one.len_utf8()];
    }
    count
}

/// Returns what the indentation of a literal's line has before that of the computed text.
fn surplus<'l>(ours: &str, literal: &'l str) -> Option<&'l str> {
    literal.strip_suffix(ours)
}

fn leading_blanks(text: &str) -> &str {
    &text[..text.len() - text.trim_start_matches([' ', '\t']).len()]
}

fn line_indent(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    leading_blanks(&text[start..])
}

/// Returns the literals of everything that the code read when it ran, the agent's own files first.
pub(super) fn literals(source: &TypeScriptAgent) -> Vec<Written> {
    let own: Vec<&Path> = source.modules().map(|module| module.path).collect();
    let others = source.read_by_running.iter().map(std::path::PathBuf::as_path).filter(|path| !own.contains(path));
    let mut found = Vec::new();
    for path in own.iter().copied().chain(others) {
        if path.components().any(|part| part.as_os_str() == "node_modules") {
            continue;
        }
        let Ok(file) = source.graph.file(path) else { continue };
        if file.text.len() > LARGEST_FILE {
            continue;
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some(extension) if CODE_EXTENSIONS.contains(&extension) => found.extend(literals_of_code(&file)),
            Some("json") => {
                let Ok(module) = source.graph.module(path) else { continue };
                let texts = module.expressions.iter().filter_map(|expression| match &expression.kind {
                    Kind::Text { value, quote } => {
                        let span = Span { start: expression.span.start + 1, end: expression.span.end.saturating_sub(1) };
                        Some(written(&module.file, span, Style::Quoted(*quote), value.clone()))
                    }
                    _ => None,
                });
                found.extend(texts);
            }
            _ => found.push(written(&file, Span::new(0, file.text.len()), Style::File, file.text.clone())),
        }
    }
    found.retain(|written| !written.text.is_empty());
    found
}

fn written(file: &Arc<File>, span: Span, style: Style, text: String) -> Written {
    let site = Site { file: Arc::clone(file), span };
    Written { literal: Literal { site, style, hidden_before: String::new(), hidden_after: String::new() }, text }
}

fn literals_of_code(file: &Arc<File>) -> Vec<Written> {
    let allocator = Allocator::default();
    let source_type = SourceType::from_path(&file.path).unwrap_or_else(|_| SourceType::ts()).with_module(true);
    let parsed = Parser::new(&allocator, &file.text, source_type).parse();
    let mut collector = Collector { file, found: Vec::new(), is_tagged: false };
    collector.visit_program(&parsed.program);
    collector.found
}

struct Collector<'f> {
    file: &'f Arc<File>,
    found: Vec<Written>,
    is_tagged: bool,
}

impl<'a> Visit<'a> for Collector<'_> {
    fn visit_string_literal(&mut self, literal: &StringLiteral<'a>) {
        if literal.lone_surrogates || literal.span.end < literal.span.start + 2 {
            return;
        }
        let quote = match self.file.text.as_bytes().get(literal.span.start as usize) {
            Some(b'"') => Quote::Double,
            Some(b'\'') => Quote::Single,
            _ => return,
        };
        let span = Span { start: literal.span.start + 1, end: literal.span.end - 1 };
        self.found.push(written(self.file, span, Style::Quoted(quote), literal.value.to_string()));
    }

    fn visit_tagged_template_expression(&mut self, tagged: &TaggedTemplateExpression<'a>) {
        let was_tagged = std::mem::replace(&mut self.is_tagged, true);
        walk::walk_tagged_template_expression(self, tagged);
        self.is_tagged = was_tagged;
    }

    fn visit_template_element(&mut self, element: &TemplateElement<'a>) {
        let span = spanned(element.span);
        let cooked = element.value.cooked.filter(|_| !element.lone_surrogates);
        if let Some(cooked) = &cooked {
            self.found.push(written(self.file, span, Style::Template { is_alone: false }, cooked.to_string()));
        }
        // A tag may take the text as it is written.
        if self.is_tagged && cooked.is_none_or(|cooked| cooked.as_str() != element.value.raw.as_str()) {
            self.found.push(written(self.file, span, Style::RawTemplate, element.value.raw.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_added_are_indented_as_their_neighbors() {
        assert_eq!(indented("a\nb", "  "), "a\n  b");
        assert_eq!(indented("a\n\nb", "  "), "a\n\n  b");
        assert_eq!(indented("a\n", "  "), "a\n  ");
        assert_eq!(indented("\na", "  "), "\n  a");
        assert_eq!(indented("a\n", ""), "a\n");
    }
}
