//! Server-sent events out of the bytes of a stream, none of them longer than a limit.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use sse_stream::SseByteStream;
use tokio::sync::mpsc::{self, UnboundedSender};

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
///
/// The parser keeps an event until it is whole, however long it gets, so what it keeps is counted here.
pub(super) struct Events {
    bytes: UnboundedSender<Result<Bytes, Infallible>>,
    events: SseByteStream<BoxStream<'static, Result<Bytes, Infallible>>>,
    kept: usize,
    is_inside_line: bool,
}

impl Events {
    pub(super) fn new() -> Self {
        let (bytes, mut received) = mpsc::unbounded_channel();
        let received = stream::poll_fn(move |context| received.poll_recv(context)).boxed();
        Self { bytes, events: SseByteStream::new(received), kept: 0, is_inside_line: false }
    }

    /// Takes the next bytes, and adds the events that they complete.
    pub(super) fn feed(&mut self, bytes: Bytes, complete: &mut Vec<Event>) -> Result<(), BadStream> {
        let Some(last) = bytes.last() else { return Ok(()) };
        self.kept += bytes.len();
        self.is_inside_line = !matches!(last, b'\r' | b'\n');
        if self.kept > LONGEST_LINE {
            return Err(BadStream::TooLong);
        }
        // The receiver is a part of this value, so it is there.
        let _ = self.bytes.send(Ok(bytes));
        while let Some(Some(event)) = self.events.next().now_or_never() {
            let event = event.map_err(|_| BadStream::NotUtf8)?;
            self.kept = 0;
            let kind = event.event.filter(|kind| !kind.is_empty()).unwrap_or_else(|| "message".to_owned());
            complete.extend(event.data.map(|data| Event { kind, data }));
        }
        Ok(())
    }

    /// Returns true if a stream that ends here ends in the middle of something: an empty line would complete an event.
    pub(super) fn ends_inside(mut self) -> bool {
        let mut complete = Vec::new();
        self.is_inside_line || self.feed(Bytes::from_static(b"\n"), &mut complete).is_err() || !complete.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(pieces: &[&[u8]]) -> (Vec<(String, String)>, bool) {
        let (mut events, mut complete) = (Events::new(), Vec::new());
        for piece in pieces {
            events.feed(Bytes::copy_from_slice(piece), &mut complete).unwrap();
        }
        (complete.into_iter().map(|event| (event.kind, event.data)).collect(), events.ends_inside())
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
        assert_eq!(Events::new().feed(Bytes::from_static(b"data: \xff\n\n"), &mut complete), Err(BadStream::NotUtf8));
    }

    #[test]
    fn no_server_makes_it_keep_more_than_the_limit() {
        let mebibyte = |line: &str| Bytes::from(line.repeat((1 << 20) / line.len()));
        for endless in ["x", "data: ", "data: x\n", "event: x\n"] {
            let (mut events, mut complete) = (Events::new(), Vec::new());
            let problem = (0..65).find_map(|_| events.feed(mebibyte(endless), &mut complete).err());
            assert_eq!((problem, complete.len()), (Some(BadStream::TooLong), 0), "{endless:?}");
        }
        // What is complete does not count: neither do many events, nor one of almost that length after another.
        let (mut events, mut complete) = (Events::new(), Vec::new());
        for _ in 0..2 {
            for _ in 0..63 {
                events.feed(mebibyte("data: xy\n"), &mut complete).unwrap();
            }
            events.feed(Bytes::from_static(b"\n"), &mut complete).unwrap();
        }
        assert_eq!(complete.len(), 2);
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
