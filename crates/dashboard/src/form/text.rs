//! What a browser does to a text in a form, and how to get back what the person meant.
//!
//! A form sends every line end as CRLF, and a page cannot hold a NUL or a lone CR in a text area. A text that nobody
//! touched must come out as it went in, so what is sent is compared with what the browser makes of the old text.

/// Returns what a text becomes on its way through a text area, with LF for the line ends.
fn through_a_form(text: &str) -> String {
    with_line_feeds(text).replace('\0', "\u{fffd}")
}

fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Returns the text that the person meant: the old one if it came back as it was sent out, otherwise what was sent, with
/// the line ends of the old one.
pub(crate) fn restore_line_ends(old: Option<&str>, sent: &str) -> String {
    let sent = with_line_feeds(sent);
    match old {
        Some(old) if through_a_form(old) == sent => old.to_owned(),
        Some(old) if old.contains("\r\n") => sent.replace('\n', "\r\n"),
        _ => sent,
    }
}

/// Returns what a text would lose if somebody changed it in a form, as a sentence.
pub(crate) fn loss(text: &str) -> Option<&'static str> {
    if text.contains('\0') {
        return Some(
            "This text holds a NUL character, which no form can carry. If you change the text here, each becomes U+FFFD; \
             if you leave the text as it is, it stays.",
        );
    }
    text.replace("\r\n", "\n").contains('\r').then_some(
        "This text holds a carriage return without a line feed, which no form can carry. If you change the text here, each \
         becomes a line end; if you leave the text as it is, it stays.",
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn new_text_has_line_feeds_unless_the_old_one_had_pairs() {
        assert_eq!(restore_line_ends(None, "a\r\nb\r\n"), "a\nb\n");
        assert_eq!(restore_line_ends(Some("x\ny"), "a\r\nb"), "a\nb");
        assert_eq!(restore_line_ends(Some("x\r\ny"), "a\r\nb"), "a\r\nb");
    }

    proptest! {
        #[test]
        fn a_text_that_nobody_touched_comes_back_as_it_was(text in "([a-c ]|\r\n|\r|\n|\0){0,20}") {
            let sent = through_a_form(&text).replace('\n', "\r\n");
            prop_assert_eq!(restore_line_ends(Some(&text), &sent), text);
        }

        #[test]
        fn a_new_text_survives_if_it_says_nothing_of_a_loss(text in "([a-c ]|\n){0,20}") {
            prop_assert_eq!(loss(&text), None);
            prop_assert_eq!(restore_line_ends(None, &text.replace('\n', "\r\n")), text);
        }
    }
}
