//! Labeled text, and how labels look on a terminal.

use anstyle::{AnsiColor, Effects, Style};

use crate::shell::label::Label;
use crate::shell::visible::visible;
use crate::shell::wrap::wrapped;

/// Returns how a label looks.
fn style(label: Label) -> Style {
    let colored = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
    match label {
        Label::Plain => Style::new(),
        Label::Heading => Style::new().bold(),
        Label::Good => colored(AnsiColor::Green),
        Label::Warning => colored(AnsiColor::Yellow),
        Label::Error => colored(AnsiColor::Red).bold(),
        Label::Hint | Label::Command => colored(AnsiColor::Cyan),
        Label::Removed => colored(AnsiColor::Red),
        Label::RemovedWord => colored(AnsiColor::Red).effects(Effects::INVERT),
        Label::Added => colored(AnsiColor::Green),
        Label::AddedWord => colored(AnsiColor::Green).effects(Effects::INVERT),
        Label::Unchanged => colored(AnsiColor::BrightBlack),
    }
}

/// A line, or several, of labeled text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text(pub(crate) Vec<(Label, String)>);

impl Text {
    /// Returns a text with one piece.
    pub(crate) fn of(label: Label, text: impl Into<String>) -> Self {
        Self(vec![(label, text.into())])
    }

    /// Adds a piece.
    pub(crate) fn and(mut self, label: Label, text: impl Into<String>) -> Self {
        self.0.push((label, text.into()));
        self
    }

    /// Adds all pieces of another text.
    pub(crate) fn joined(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Returns a sentence in which what stands in backticks is a command.
    pub(crate) fn sentence(label: Label, text: &str) -> Self {
        let pieces = text.split('`').enumerate().map(|(index, piece)| match index % 2 {
            0 => (label, piece.to_owned()),
            _ => (Label::Command, format!("`{piece}`")),
        });
        Self(pieces.filter(|(_, piece)| !piece.is_empty()).collect())
    }

    /// Returns the text without any marks.
    #[cfg(test)]
    pub(crate) fn plain(&self) -> String {
        self.render(false, None)
    }

    /// Returns the text as it is written, broken between words where there is a terminal and it is not that wide.
    pub(crate) fn render(&self, color: bool, width: Option<usize>) -> String {
        let mut pieces: Vec<(Label, String)> = self.0.iter().map(|(label, text)| (*label, visible(text).into_owned())).collect();
        if let Some(width) = width {
            pieces = wrapped(&pieces, width);
        }
        let mut out = String::new();
        for (label, text) in pieces {
            let style = style(label);
            if color && label != Label::Plain {
                out.push_str(&format!("{}{text}{}", style.render(), style.render_reset()));
            } else {
                out.push_str(&text);
            }
        }
        out
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::of(Label::Plain, text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::of(Label::Plain, text)
    }
}
