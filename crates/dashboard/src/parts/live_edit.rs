//! What stands below a form while somebody types into it: whether their words are kept, how long they are, what they change, and how they
//! look as Markdown. A script fetches it at every pause; without one it comes with the page.

use keepstep_agent::definition::persona_text;
use keepstep_agent::{Definition, Field};
use keepstep_platform::{KeptDraft, Platform};
use keepstep_store::Persona;

use crate::error_page::PageError;
use crate::form::edit::persona_texts;
use crate::parts::diff_view::{self, DiffRow};
use crate::parts::markdown::{self, Markdown};
use crate::parts::shown_results::grouped;
use crate::parts::view::Moment;

/// What stands below a form while somebody types into it.
#[derive(Debug)]
pub(crate) struct LiveEdit {
    /// Names the words that are kept, or those that the form took the place of; empty where there are none.
    pub(crate) tag: String,
    /// When they were kept.
    pub(crate) kept: Option<Moment>,
    /// The words that were kept in another window and stay until somebody says that these replace them.
    pub(crate) elsewhere: Option<Elsewhere>,
    /// How long the persona is, in words.
    pub(crate) length: String,
    /// The version that it is compared with.
    pub(crate) published: Option<u32>,
    /// What it changes.
    pub(crate) rows: Vec<DiffRow>,
    /// How its texts look.
    pub(crate) previews: Vec<Preview>,
}

/// Words that were kept in another window.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// Names them.
    pub(crate) tag: String,
    /// When they were kept.
    pub(crate) kept: Moment,
}

/// A text as Markdown.
#[derive(Debug)]
pub(crate) struct Preview {
    /// The channel, where there are some.
    pub(crate) channel: Option<&'static str>,
    /// The text.
    pub(crate) text: Markdown,
}

impl LiveEdit {
    /// Returns it for the values in a form, which was sent with a tag.
    pub(crate) async fn of(
        platform: &Platform,
        published: Option<&Persona>,
        typed: &Definition,
        kept: &KeptDraft,
        sent: Option<&str>,
    ) -> Result<Self, PageError> {
        let texts = persona_texts(typed.persona());
        let channels: Vec<_> = match texts.len() {
            0 | 1 => vec![None],
            _ => Field::PERSONA.channels().iter().copied().map(Some).collect(),
        };
        let length = length(texts.iter().map(|(_, text)| text.as_str()));
        let mut previews = Vec::new();
        for ((_, text), channel) in texts.into_iter().zip(channels).filter(|((_, text), _)| !text.trim().is_empty()) {
            let below = if channel.is_some() { 3 } else { 2 };
            previews.push(Preview { channel, text: markdown::of(platform, text, below).await? });
        }
        let old = persona_text(published.map(|published| &published.persona));
        let (tag, kept, elsewhere) = match kept {
            KeptDraft::Kept(draft) => (draft.tag.clone(), Some(Moment::of(draft.changed_at)), None),
            KeptDraft::Nothing => (String::new(), None, None),
            KeptDraft::Elsewhere(draft) => {
                let elsewhere = Elsewhere { tag: draft.tag.clone(), kept: Moment::of(draft.changed_at) };
                // The form does not know those words: with their tag, the next pause would replace them.
                (sent.unwrap_or_default().to_owned(), None, Some(elsewhere))
            }
        };
        Ok(Self {
            tag,
            kept,
            elsewhere,
            length,
            published: published.map(|published| published.summary.version.0),
            rows: diff_view::rows(platform, old, persona_text(typed.persona())).await?,
            previews,
        })
    }
}

/// Returns how long texts are together, in words.
fn length<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let (mut characters, mut tokens) = (0, 0);
    for text in texts {
        characters += text.chars().count() as u64;
        tokens += about_tokens(text);
    }
    let plural = |count: u64| if count == 1 { "" } else { "s" };
    let (many_characters, many_tokens) = (plural(characters), plural(tokens));
    format!("{} character{many_characters}, about {} token{many_tokens}", grouped(characters), grouped(tokens))
}

/// Returns about how many tokens a model makes of a text. Every model has its own: of English, four characters are one; other letters
/// take two or so, and those of East Asia one each.
fn about_tokens(text: &str) -> u64 {
    let quarters = |character: char| match u32::from(character) {
        0..0x80 => 1,
        0x80..0x1100 => 2,
        _ => 4,
    };
    text.chars().map(quarters).sum::<u64>().div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_says_about() {
        assert_eq!(length(["You help customers of a shop."].into_iter()), "29 characters, about 8 tokens");
        assert_eq!(length(["a".repeat(12_344).as_str(), "b"].into_iter()), "12\u{a0}345 characters, about 3\u{a0}087 tokens");
        assert_eq!(length(["あなたは"].into_iter()), "4 characters, about 4 tokens");
        assert_eq!(length(["x"].into_iter()), "1 character, about 1 token");
        assert_eq!(length([].into_iter()), "0 characters, about 0 tokens");
    }
}
