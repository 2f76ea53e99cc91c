//! Text from people on a page: escaped, and with what cannot be seen made visible.

use std::fmt;

use askama::filters::HtmlSafe;
use keepstep_base::text::is_hidden;

/// How much HTML one text may become, in bytes: every persona of the largest size, unless it is made of characters that are shown as
/// many others.
const LONGEST: usize = 2 * 1024 * 1024;

/// A text as HTML.
///
/// What would be markup is escaped. A character that a browser would obey or hide (an escape, a bidirectional override,
/// a zero-width space, a tag character that smuggles instructions past a reader) stands there as its number instead, so
/// that a person sees all of the text that a model will read. Line feeds and tabs stay, and CRLF is a line feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visible {
    html: String,
    /// The text without markup, where it is not the same.
    plain: Option<String>,
}

impl Visible {
    /// Returns the text as HTML.
    pub(crate) fn of(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        let is_markup = |character: char| matches!(character, '&' | '<' | '>' | '"' | '\'' | '\r') || is_hidden(character);
        if text.len() <= LONGEST && !text.contains(is_markup) {
            return Self { html: text.to_owned(), plain: None };
        }
        let (mut html, mut plain) = (String::new(), String::new());
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            if html.len() > LONGEST {
                let rest = format!("… and {} more characters", characters.count() + 1);
                html.extend(["<span class=\"control\">", &rest, "</span>"]);
                plain.push_str(&rest);
                break;
            }
            match character {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                '\r' if characters.peek() == Some(&'\n') => continue,
                hidden if is_hidden(hidden) => {
                    let number = format!("\\u{{{:x}}}", u32::from(hidden));
                    html.extend(["<span class=\"control\">", &number, "</span>"]);
                    plain.push_str(&number);
                    continue;
                }
                other => html.push(other),
            }
            plain.push(character);
        }
        Self { html, plain: Some(plain) }
    }

    /// Returns the text without any markup, for the places where there can be none: titles and attributes.
    pub(crate) fn plain(&self) -> &str {
        self.plain.as_ref().unwrap_or(&self.html)
    }

    /// Returns true if there is nothing to see.
    pub(crate) fn is_empty(&self) -> bool {
        self.plain().is_empty()
    }
}

impl fmt::Display for Visible {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.html)
    }
}

impl HtmlSafe for Visible {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_does_not_grow_without_end() {
        let shown = Visible::of("\0".repeat(1024 * 1024)).to_string();
        assert!(shown.len() < LONGEST + 200 && shown.contains("more characters"));
        let whole = "a".repeat(1024 * 1024);
        assert_eq!(Visible::of(&whole).plain(), whole);
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(Visible::of("<b a=\"1\">&'").to_string(), "&lt;b a=&quot;1&quot;&gt;&amp;&#39;");
    }

    #[test]
    fn what_cannot_be_seen_is_shown_as_its_number() {
        let shown = |text: &str| Visible::of(text).to_string();
        for (text, number) in [("\u{202e}", "202e"), ("\0", "0"), ("\u{1b}", "1b"), ("\u{e0041}", "e0041"), ("\r", "d")] {
            assert_eq!(shown(text), format!("<span class=\"control\">\\u{{{number}}}</span>"));
        }
        assert_eq!(shown("a\r\nb\tc"), "a\nb\tc");
        assert_eq!(shown("👩\u{200d}🚀 می\u{200c}خواهم"), "👩\u{200d}🚀 می\u{200c}خواهم");
    }
}
