//! What a user reads has the words of the field: no message, page or reference says it in the way that was ours alone.

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

use crate::repository;

/// A way of saying something that no message may have, in small letters, and what to write in its place.
const PHRASES: [(&str, &str); 13] = [
    ("has no meaning", "is ignored, or is unknown"),
    ("have no meaning", "are ignored, or are unknown"),
    ("means nothing", "is unknown, or is ignored"),
    ("is no valid", "is invalid"),
    ("is no error", "is not an error"),
    ("is no link", "is not a link"),
    ("nobody", "no one, or say who"),
    ("somebody", "someone, or say who"),
    ("whoever", "say who"),
    ("take back", "undo, revoke or restore"),
    ("takes back", "undoes, revokes or restores"),
    ("taken back", "undone, revoked or restored"),
    ("is over", "has ended, or has expired"),
];

/// Returns what is wrong.
pub(super) fn problems() -> Result<Vec<String>> {
    let root = repository::root();
    let mut problems = Vec::new();
    for (folder, extension) in [("crates", "rs"), ("crates", "js"), ("crates", "html"), ("docs/reference", "md")] {
        for file in repository::files(folder, extension)? {
            let name = file.strip_prefix(&root).unwrap_or(&file).display().to_string();
            let is_read = name.contains("/src/") && !name.ends_with("_tests.rs") && !name.starts_with("crates/testkit/");
            if extension == "rs" && !is_read {
                continue;
            }
            let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {name}"))?;
            let read = match extension {
                "rs" => messages(&text).with_context(|| format!("{name} is not Rust"))?,
                "js" => without_comments(&text),
                _ => text,
            };
            problems.extend(found(&read).map(|(phrase, better)| format!("{name}: a text says \"{phrase}\": write {better}")));
        }
    }
    Ok(problems)
}

/// Returns the phrases that a text has, as whole words.
fn found(text: &str) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let text = text.to_lowercase();
    PHRASES.iter().filter(move |(phrase, _)| {
        text.match_indices(phrase).any(|(start, _)| {
            let (before, after) = (text[..start].chars().next_back(), text[start + phrase.len()..].chars().next());
            ![before, after].into_iter().flatten().any(char::is_alphanumeric)
        })
    })
}

/// Returns a script without the lines that are comments.
fn without_comments(source: &str) -> String {
    let is_comment = |line: &&str| ["//", "/*", "*"].iter().any(|start| line.trim_start().starts_with(start));
    source.lines().filter(|line| !is_comment(line)).collect::<Vec<_>>().join("\n")
}

/// Returns the texts between quotes of a source file, a line each, without those of its tests and without what is only for its readers.
fn messages(source: &str) -> Result<String> {
    let mut reader = Messages::default();
    reader.visit_file(&syn::parse_file(source)?);
    Ok(reader.found)
}

#[derive(Default)]
struct Messages {
    found: String,
}

impl Messages {
    /// Adds the texts of a macro, whose tokens are not read any further.
    fn add_quoted(&mut self, tokens: &str) {
        for text in tokens.replace("\\\"", "'").split('"').skip(1).step_by(2) {
            self.add(text);
        }
    }

    fn add(&mut self, text: &str) {
        self.found.push_str(text);
        self.found.push('\n');
    }
}

impl<'ast> Visit<'ast> for Messages {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.ident != "tests" {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.add(&text.value());
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.add_quoted(&item.tokens.to_string());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        match &attribute.meta {
            // A comment, and the reason for an exception to a lint.
            meta if ["doc", "expect", "allow"].iter().any(|name| meta.path().is_ident(name)) => {}
            syn::Meta::List(list) => self.add_quoted(&list.tokens.to_string()),
            meta => visit::visit_meta(self, meta),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_whole_words() {
        let phrases = |text: &str| found(text).map(|(phrase, _)| *phrase).collect::<Vec<_>>();
        assert_eq!(phrases("The file is overwritten. This overlooks nobodyness."), [""; 0]);
        assert_eq!(phrases("Your session is over."), ["is over"]);
        assert_eq!(phrases("Is overwritten, and is over"), ["is over"]);
    }

    #[test]
    fn scripts_are_read_without_their_comments() {
        let script = "// Nobody\n/** whoever\n * somebody */\n  // nobody\nsay(\"It was taken back\");\n";
        assert_eq!(found(&without_comments(script)).map(|(phrase, _)| *phrase).collect::<Vec<_>>(), ["taken back"]);
    }

    #[test]
    fn messages_are_read_and_comments_are_not() {
        let source = r#"
            //! Nobody reads this.
            /// Nobody reads this either.
            #[error("the link has no meaning")]
            #[expect(unused, reason = "nobody knows")]
            struct A;
            fn a() { b("Somebody \"was\" here"); format!("it was taken back: {}", nobody); }
            mod tests { const C: &str = "whoever"; }
        "#;
        let phrases: Vec<&str> = found(&messages(source).unwrap()).map(|(phrase, _)| *phrase).collect();
        assert_eq!(phrases, ["has no meaning", "somebody", "taken back"]);
    }
}
