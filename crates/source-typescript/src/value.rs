//! Values with the places where their texts are written.

use std::sync::Arc;

use indexmap::IndexMap;
use keepstep_base::text::is_javascript_white_space;
use serde_json::Value as Json;

use crate::syntax::{BindingId, ExpressionId, File, Form, Module, Quote};
use keepstep_source::frame::Span;

/// A range of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) file: Arc<File>,
    pub(crate) span: Span,
}

impl Site {
    pub(crate) fn new(module: &Module, span: Span) -> Self {
        Self { file: Arc::clone(&module.file), span }
    }

    pub(crate) fn text(&self) -> &str {
        self.file.slice(self.span)
    }
}

/// A value as JavaScript has it while a definition is evaluated.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Undefined,
    Null,
    Boolean(bool),
    Number(f64),
    Text(Text),
    Object(Arc<Object>),
    Array(Arc<Array>),
    Function,
    /// The bytes of a file that was read without an encoding.
    Buffer(Text),
    /// A URL of a file.
    FileUrl(std::path::PathBuf),
    /// Everything that a module exports.
    Namespace(Arc<Module>),
    /// A class of the project.
    Class(Arc<Module>, usize),
    /// A global, or something of a package: its specifier (empty for globals) and the members on the way.
    Host(Arc<str>, Vec<String>),
}

/// A string, as the parts it is put together from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    pub(crate) parts: Vec<Part>,
}

/// A stretch of a string that has one origin.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) origin: WrittenAt,
    /// The expressions inside larger ones that gave this part, the innermost first: substitutions of templates, operands
    /// of sums, items of joined arrays.
    pub(crate) operands: Vec<Operand>,
}

/// Where a part is written.
#[derive(Debug, Clone)]
pub(crate) enum WrittenAt {
    Literal(Literal),
    /// Nowhere as it is.
    Fixed,
}

/// One literal that can be edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Literal {
    /// The text between the delimiters.
    pub(crate) site: Site,
    pub(crate) style: Style,
    /// What the literal has before the part and the value has not, because it was trimmed.
    pub(crate) hidden_before: String,
    /// The same at its end.
    pub(crate) hidden_after: String,
}

/// How a literal is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Quoted(Quote),
    /// A stretch of a template; alone if the template has no substitutions.
    Template {
        is_alone: bool,
    },
    /// A stretch of a template whose backslashes mean themselves.
    RawTemplate,
    /// A whole text file.
    File,
}

/// An expression that can be replaced by a literal inside the one around it.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub(crate) site: Site,
    /// The site is a whole `${…}`.
    pub(crate) is_substitution: bool,
    /// The name that it begins with, where it is a name or a member of one.
    pub(crate) root: Option<(Arc<Module>, BindingId)>,
    /// The last member that is read of it.
    pub(crate) member: Option<String>,
}

impl Text {
    /// Returns a text that is written nowhere.
    pub(crate) fn fixed(text: impl Into<String>) -> Self {
        Self { parts: vec![Part { text: text.into(), origin: WrittenAt::Fixed, operands: Vec::new() }] }
    }

    pub(crate) fn literal(text: String, site: Site, style: Style) -> Self {
        let literal = Literal { site, style, hidden_before: String::new(), hidden_after: String::new() };
        Self { parts: vec![Part { text, origin: WrittenAt::Literal(literal), operands: Vec::new() }] }
    }

    pub(crate) fn joined(&self) -> String {
        self.parts.iter().map(|part| part.text.as_str()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.text.len()).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.text.is_empty())
    }

    /// Removes white space at the ends; the literals remember what of theirs is hidden.
    pub(crate) fn trim(&mut self, at_start: bool, at_end: bool) {
        if at_start {
            for part in &mut self.parts {
                let kept = part.text.trim_start_matches(is_javascript_white_space);
                let (is_done, removed) = (!kept.is_empty(), part.text.len() - kept.len());
                let kept = kept.to_owned();
                if let WrittenAt::Literal(literal) = &mut part.origin {
                    literal.hidden_before.push_str(&part.text[..removed]);
                }
                part.text = kept;
                if is_done {
                    break;
                }
            }
        }
        if at_end {
            for part in self.parts.iter_mut().rev() {
                let kept = part.text.trim_end_matches(is_javascript_white_space).to_owned();
                let is_done = !kept.is_empty();
                if let WrittenAt::Literal(literal) = &mut part.origin {
                    literal.hidden_after.insert_str(0, &part.text[kept.len()..]);
                }
                part.text = kept;
                if is_done {
                    break;
                }
            }
        }
    }
}

/// The members of an object, each evaluated when it is needed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Object {
    pub(crate) slots: IndexMap<String, Slot>,
    /// The object literal or class body, where there is one.
    pub(crate) literal: Option<ObjectSite>,
    /// Why members may be missing here.
    pub(crate) unknown: Option<Obstacle>,
    /// Why the members may have other values when the agent is made.
    pub(crate) doubt: Option<Doubt>,
}

/// Where members can be added.
#[derive(Debug, Clone)]
pub(crate) struct ObjectSite {
    pub(crate) site: Site,
    pub(crate) is_class: bool,
    /// The spans of the members that are written there, in their order.
    pub(crate) members: Arc<[Span]>,
}

/// One member of an object.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) content: Content,
    /// The member with its key.
    pub(crate) member: Option<Site>,
    pub(crate) form: Form,
    /// The object literal that the member is written in.
    pub(crate) owner: Option<ObjectSite>,
    pub(crate) doubt: Option<Doubt>,
}

/// What a member holds.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Expression(Arc<Module>, ExpressionId),
    Function,
    Unknown(Obstacle),
    Value(Value),
}

/// The items of an array.
#[derive(Debug, Clone)]
pub(crate) struct Array {
    pub(crate) items: Vec<Slot>,
    pub(crate) doubt: Option<Doubt>,
}

/// Why a value cannot be told without running the code.
#[derive(Debug, Clone)]
pub(crate) struct Obstacle {
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) site: Option<Site>,
    /// Running the code would not help, or could give a wrong value.
    pub(crate) is_final: bool,
}

impl Obstacle {
    pub(crate) fn at(site: Site, message: impl Into<String>) -> Self {
        Self { message: message.into(), help: String::new(), site: Some(site), is_final: false }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    pub(crate) fn last(mut self) -> Self {
        self.is_final = true;
        self
    }
}

/// A reason to have a static value confirmed by running the code.
#[derive(Debug, Clone)]
pub(crate) struct Doubt {
    pub(crate) site: Site,
    pub(crate) kind: DoubtKind,
}

/// What casts doubt on a static value, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DoubtKind {
    /// An object is handed to something that could change it.
    HandedOn,
    /// Something is read that is not there, as far as can be seen: the code may have put it there.
    Missing,
    /// An object is changed.
    Changed,
}

/// Returns a number as JavaScript's JSON has it, or `None` if JSON has none.
pub(crate) fn json_number(number: f64) -> Option<Json> {
    const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= LARGEST_EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and in range")]
        return Some(Json::from(number as i64));
    }
    serde_json::Number::from_f64(number).map(Json::Number)
}

/// Returns a number as JavaScript converts it to a string.
pub(crate) fn number_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    // Rust gives the same shortest digits; only the notation differs.
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1;
    let body = if count <= point && point <= 21 {
        digits.clone() + &"0".repeat(usize::try_from(point - count).unwrap_or(0))
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let (first, rest) = digits.split_at(1);
        let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
        format!("{first}{fraction}e{sign}{}", exponent.abs())
    };
    if number < 0.0 { format!("-{body}") } else { body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_text_as_in_javascript() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (1.5e-7, "1.5e-7"),
            (0.000_001, "0.000001"),
            (123_456.789, "123456.789"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number_text(number), text);
        }
    }
}
