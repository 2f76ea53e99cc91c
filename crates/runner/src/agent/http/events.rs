//! Server-sent events out of the bytes of a stream.

use super::super::child::LONGEST_LINE;

/// An event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// `message` where the stream says nothing else.
    pub(super) kind: String,
    /// Its lines, joined.
    pub(super) data: String,
}

/// Why a stream cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadStream {
    #[error("an event has more than 64 MiB")]
    TooLong,
    #[error("an event is not UTF-8")]
    NotUtf8,
}

/// Takes bytes as they come and gives events as they are complete.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    /// A carriage return ended the last line; a line feed after it belongs to it.
    after_return: bool,
    has_begun: bool,
    kind: String,
    data: Option<String>,
}

impl Events {
    /// Takes the next bytes, and adds the events that they complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], complete: &mut Vec<Event>) -> Result<(), BadStream> {
        if std::mem::take(&mut self.after_return) && bytes.first() == Some(&b'\n') {
            bytes = &bytes[1..];
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
            self.line.extend_from_slice(&bytes[..end]);
            let is_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            if is_return {
                match bytes.first() {
                    Some(b'\n') => bytes = &bytes[1..],
                    Some(_) => {}
                    None => self.after_return = true,
                }
            }
            complete.extend(self.end_line()?);
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() + self.data.as_ref().map_or(0, String::len) > LONGEST_LINE {
            return Err(BadStream::TooLong);
        }
        Ok(())
    }

    /// Returns true if a stream that ends here ends in the middle of something.
    pub(super) fn is_inside(&self) -> bool {
        !self.line.is_empty() || self.data.is_some()
    }

    fn end_line(&mut self) -> Result<Option<Event>, BadStream> {
        let line = String::from_utf8(std::mem::take(&mut self.line)).map_err(|_| BadStream::NotUtf8)?;
        let line = if self.has_begun { line.as_str() } else { line.trim_start_matches('\u{feff}') };
        self.has_begun = true;
        if line.is_empty() {
            let kind = std::mem::take(&mut self.kind);
            let kind = if kind.is_empty() { "message".to_owned() } else { kind };
            return Ok(self.data.take().map(|data| Event { kind, data }));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                    if data.len() > LONGEST_LINE {
                        return Err(BadStream::TooLong);
                    }
                }
            },
            // A comment, an id, or something that is not known yet.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> (Vec<(String, String)>, bool) {
        let (mut events, mut complete) = (Events::default(), Vec::new());
        for piece in pieces {
            events.feed(piece, &mut complete).unwrap();
        }
        (complete.into_iter().map(|event| (event.kind, event.data)).collect(), events.is_inside())
    }

    fn pair(kind: &str, data: &str) -> (String, String) {
        (kind.to_owned(), data.to_owned())
    }

    #[test]
    fn fields_comments_and_line_ends_are_understood() {
        let stream = "\u{feff}: hello\r\nevent: delta\r\ndata: a\r\ndata:b\r\nid: 7\r\nretry: 1\r\n\r\ndata\rdata:  c\r\r\n\nevent: nothing\n\ndata: d\n\n";
        let expected = vec![pair("delta", "a\nb"), pair("message", "\n c"), pair("message", "d")];
        assert_eq!(events(&[stream.as_bytes()]), (expected, false));
    }

    #[test]
    fn half_an_event_is_seen() {
        for half in ["data: a", "data: a\n", "data: a\n\ndata", "event"] {
            assert!(events(&[half.as_bytes()]).1, "{half:?}");
        }
        for whole in ["", "data: a\n\n", "data: a\n\n: bye\n", "event: end\n"] {
            assert!(!events(&[whole.as_bytes()]).1, "{whole:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused() {
        let mut complete = Vec::new();
        assert_eq!(Events::default().feed(b"data: \xff\n\n", &mut complete), Err(BadStream::NotUtf8));
        assert_eq!(Events::default().feed(&vec![b'x'; LONGEST_LINE + 1], &mut complete), Err(BadStream::TooLong));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_network_cuts(
            stream in "(data|event|x)?(: ?)?[a-bé]{0,2}(\r\n|\n|\r|\n\n)((data: |event:|: )[a-bé]{0,3}(\r\n|\n|\r|\n\n)){0,8}",
            cuts in proptest::collection::vec(0usize..200, 0..6),
        ) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(events(&pieces), events(&[bytes]));
        }
    }
}
