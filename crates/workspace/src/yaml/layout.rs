//! Where the entries of a list and the comments of a file stand, for whoever changes a few lines and keeps the others.

use granit_parser::{Event, Parser, Placement, StructureStyle, options};

use super::node::Composer;

/// What a list looks like whose entries stand on lines of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The column of the dashes, counted from 0.
    pub(crate) dash: usize,
    /// The line of the first dash, counted from 0.
    pub(crate) first: usize,
    /// The comments of the whole file.
    pub(crate) comments: Vec<Comment>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Comment {
    /// Its line, counted from 0.
    pub(crate) line: usize,
    /// The column of its sign, counted from 0.
    pub(crate) column: usize,
    /// True if nothing else is on its line.
    pub(crate) is_alone: bool,
    /// What it says.
    pub(crate) text: String,
}

/// Returns the layout of the list that a text is, or that it has in a member; `None` where there is no such list, or it is not
/// written line by line.
pub(crate) fn layout(text: &str, member: &str) -> Option<Layout> {
    let mut composer = Composer::new(Parser::new_from_str_with_options(text, with_comments()));
    let mut comments = Vec::new();
    let (mut depth, mut is_member, mut is_key, mut found) = (0_usize, false, true, None);
    loop {
        let (event, span) = composer.next().ok()?;
        let (line, column) = (span.start.line().saturating_sub(1), span.start.col());
        match event {
            Event::Comment(text, placement) => {
                let is_alone = placement != Placement::Right;
                comments.push(Comment { line, column, is_alone, text: text.trim().to_owned() });
                continue;
            }
            Event::SequenceStart(style, ..) => {
                let is_list = depth == 0 || (depth == 1 && is_member);
                if is_list && found.is_none() {
                    found = (style == StructureStyle::Block).then_some(line);
                    found?;
                }
                depth += 1;
            }
            Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            Event::Scalar(text, ..) if depth == 1 && is_key => {
                is_member = text == member;
                is_key = false;
                continue;
            }
            Event::StreamEnd => break,
            Event::Scalar(..) | Event::Alias(..) => {}
            _ => continue,
        }
        // A value of the outermost mapping is over, and a key follows.
        if depth == 1 {
            is_key = true;
        }
    }
    // The parser tells where the first entry begins, which may be below its dash.
    let lines: Vec<&str> = text.lines().collect();
    let first = (0..=found?).rev().find(|line| lines.get(*line).is_some_and(|line| line.trim_start().starts_with('-')))?;
    let dash = lines[first].len() - lines[first].trim_start().len();
    Some(Layout { dash, first, comments })
}

/// Returns the comments of a text; `None` where it cannot be read.
pub(crate) fn comments(text: &str) -> Option<Vec<Comment>> {
    let mut composer = Composer::new(Parser::new_from_str_with_options(text, with_comments()));
    let mut comments = Vec::new();
    loop {
        match composer.next().ok()? {
            (Event::Comment(text, placement), span) => {
                let (line, column) = (span.start.line().saturating_sub(1), span.start.col());
                let is_alone = placement != Placement::Right;
                comments.push(Comment { line, column, is_alone, text: text.trim().to_owned() });
            }
            (Event::StreamEnd, _) => return Some(comments),
            _ => {}
        }
    }
}

fn with_comments() -> granit_parser::Options {
    options! { emit_comments: true, max_buffered_comment_events: 1 << 20 }
}
