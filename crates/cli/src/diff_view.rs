//! How the difference between two values looks on a terminal.

use keepstep_core::definition::text_of;
use keepstep_core::diff::{self, Row, Tag};
use keepstep_core::{Field, canonical};
use serde_json::Value;

use crate::printer::{Label, Text, count};

/// Returns the line that explains the two signs.
pub(crate) fn legend(old: &str, new: &str) -> Text {
    Text::of(Label::Removed, format!("- only {old}")).and(Label::Plain, "   ").and(Label::Added, format!("+ only {new}"))
}

/// Returns the rows between two values of a field. Their canonical forms are compared, so that what makes no difference
/// is not shown as one.
pub(crate) fn rows(field: Field, old: Option<&Value>, new: Option<&Value>) -> Vec<Row> {
    let text = |value| text_of(field, canonical::canonical(field, value).as_ref());
    diff::rows(&text(old), &text(new))
}

/// Returns the lines that show how `old` becomes `new`.
pub(crate) fn lines(field: Field, old: Option<&Value>, new: Option<&Value>) -> Vec<Text> {
    let rows = rows(field, old, new);
    if rows.is_empty() && !canonical::same(field, old, new) {
        // A text that spells out an object looks like the object.
        return vec![
            Text::of(Label::Removed, format!("- ({})", kind(old))),
            Text::of(Label::Added, format!("+ ({} that reads the same)", kind(new))),
        ];
    }
    rows.iter().map(line).collect()
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Null) => "nothing",
        Some(Value::String(_)) => "a text",
        Some(_) => "an object",
    }
}

/// Returns a row as it is shown.
pub(crate) fn line(row: &Row) -> Text {
    match row {
        Row::Folded { lines } => Text::of(Label::Unchanged, format!("  ... {} ...", count(*lines, "unchanged line"))),
        Row::Line { tag, segments } => {
            let (sign, whole, word) = match tag {
                Tag::Removed => ("- ", Label::Removed, Label::RemovedWord),
                Tag::Added => ("+ ", Label::Added, Label::AddedWord),
                Tag::Unchanged => ("  ", Label::Unchanged, Label::Unchanged),
            };
            segments.iter().fold(Text::of(whole, sign), |text, segment| {
                text.and(if segment.changed { word } else { whole }, segment.text.replace('\n', "\\n"))
            })
        }
    }
}
