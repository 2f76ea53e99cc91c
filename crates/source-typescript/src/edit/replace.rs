//! The replacements that give a literal another text.

use keepstep_source::frame::Span;

use super::assign::hunks;
use super::proposal::Replacement;
use super::site::line_end;
use crate::literal::{self, Around};
use crate::syntax::Quote;
use crate::value::{Literal, Site, Style};

/// How a literal is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// A quoted string that gets several lines becomes a template.
    Template,
    /// Only what differs is written.
    Smallest,
    /// The literal is written anew.
    Whole,
}

/// Returns true for a quoted text that gets several lines.
pub(super) fn is_worth_a_template(literal: &Literal, old: &str, new: &str) -> bool {
    matches!(literal.style, Style::Quoted(Quote::Single | Quote::Double)) && new.contains('\n') && !old.contains('\n')
}

/// Returns the replacements that give a literal another text.
pub(super) fn literal_replacements(
    literal: &Literal,
    old: &str,
    new: &str,
    manner: Manner,
    wants_template: bool,
) -> Option<Vec<Replacement>> {
    let site = &literal.site;
    let line_end = line_end(&site.file.text);
    let all = format!("{}{new}{}", literal.hidden_before, literal.hidden_after);
    if wants_template {
        let style = Style::Template { is_alone: true };
        let text = format!("`{}`", literal::content(&all, style, Around::default(), line_end));
        let span = Span { start: site.span.start - 1, end: site.span.end + 1 };
        return Some(vec![Replacement { site: Site { span, ..site.clone() }, text }]);
    }
    let raw = site.text();
    if manner == Manner::Whole {
        // What follows a stretch of a template can only be the end or a substitution.
        let text = literal::content(&all, literal.style, Around::default(), line_end);
        return Some(vec![Replacement { site: site.clone(), text }]);
    }
    let hidden = literal.hidden_before.len();
    let hunks = hunks(old, new);
    let ranges: Vec<(usize, usize)> = hunks.iter().map(|hunk| (hunk.old.start + hidden, hunk.old.end + hidden)).collect();
    let ranges = literal::source_ranges(raw, literal.style, &ranges)?;
    let start = site.span.start as usize;
    let replacements = hunks.iter().zip(ranges).map(|(hunk, (from, to))| {
        let around = Around { before: &raw[..from], after: &raw[to..] };
        let text = literal::content(hunk.new, literal.style, around, line_end);
        Replacement { site: Site { span: Span::new(start + from, start + to), ..site.clone() }, text }
    });
    Some(replacements.collect())
}
