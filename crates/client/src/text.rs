//! Text from a server, made fit for a message.

use keepstep_base::text::is_hidden;

/// The longest text from a server that a message repeats, in characters.
const LONGEST: usize = 400;

/// Returns a text from elsewhere as one line that a terminal takes for nothing but text: white space runs become one
/// space, control and direction characters become visible, and a long text is cut.
pub fn visible(text: &str) -> String {
    let mut line = String::new();
    for (taken, character) in text.trim().chars().enumerate() {
        if taken == LONGEST {
            line.push('…');
            break;
        }
        if character.is_whitespace() {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else if is_hidden(character) {
            line.extend(character.escape_unicode());
        } else {
            line.push(character);
        }
    }
    line
}

/// Returns what a server says to do, in the form of our own hints: it begins in lower case and ends without a full stop.
pub(crate) fn as_hint(sentence: &str) -> String {
    let mut characters = sentence.chars();
    let first = characters.next();
    let rest = characters.as_str();
    // A word like `API` stays.
    let is_word = rest.starts_with(|second: char| second.is_lowercase() || second == ' ');
    let first: String = match first {
        Some(first) if is_word => first.to_lowercase().collect(),
        first => first.into_iter().collect(),
    };
    let text = first + rest;
    match text.strip_suffix('.') {
        Some(text) if !text.ends_with('.') => text.to_owned(),
        _ => text,
    }
}

/// Returns what an HTML page is about: its title, else its first words.
pub(crate) fn page_title(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]).into_owned();
    // ASCII lower case keeps the positions.
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|start| {
        let start = start + lower[start..].find('>')? + 1;
        Some(&text[start..start + lower[start..].find("</title")?])
    });
    let words = visible(&without_tags(title.unwrap_or(&text)));
    let short: String = words.chars().take(80).collect();
    (!short.is_empty()).then_some(short)
}

fn without_tags(text: &str) -> String {
    let mut is_tag = false;
    let keep = |character: &char| match character {
        '<' => {
            is_tag = true;
            false
        }
        '>' if is_tag => {
            is_tag = false;
            false
        }
        _ => !is_tag,
    };
    text.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_escapes_become_visible() {
        assert_eq!(visible(" a\u{1b}[31mb\r\n\n c\u{7}\u{202e}d "), "a\\u{1b}[31mb c\\u{7}\\u{202e}d");
        assert_eq!(visible(&"x".repeat(1000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_hint_of_a_server_reads_as_one_of_ours() {
        for (said, hint) in [
            ("Send it in several requests.", "send it in several requests"),
            ("API keys end.", "API keys end"),
            ("`keepstep sync` shows it", "`keepstep sync` shows it"),
            ("Wait ...", "wait ..."),
            ("A", "A"),
            ("", ""),
        ] {
            assert_eq!(as_hint(said), hint);
        }
    }

    #[test]
    fn a_page_is_named_by_its_title_or_first_words() {
        let title = |page: &str| page_title(page.as_bytes());
        assert_eq!(title("<html><TITLE lang=en>Sign\nin \u{1b}</TITLE><body>x").as_deref(), Some("Sign in \\u{1b}"));
        assert_eq!(title("<p>Bad <b>gateway</b></p>").as_deref(), Some("Bad gateway"));
        assert_eq!(title("<html></html>"), None);
        assert_eq!(title("<title>İ never closed"), Some("İ never closed".to_owned()));
    }
}
