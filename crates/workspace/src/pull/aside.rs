//! Work on a long text in a thread of its own, while more of the text is still coming.

use std::io;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

/// How many bytes are handed over at a time. A text that is no longer than that is not worth a thread.
const AT_ONCE: usize = 64 * 1024;

/// How many times that may wait to be worked on: what a text needs in memory does not grow with it.
const WAITING: usize = 4;

/// Takes a text piece by piece.
pub(super) trait Take: Send + 'static {
    /// Why it does not take more.
    type Error: std::fmt::Debug + From<io::Error> + Send;

    /// Takes the next piece.
    ///
    /// # Errors
    /// More of the text is of no use.
    fn take(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Hands a text on to what takes it, which moves to a thread of its own once the text is a long one.
#[derive(Debug)]
pub(super) struct Aside<T: Take> {
    /// What takes the text, unless it is in the thread.
    here: Option<T>,
    /// How much it took here.
    length: usize,
    thread: Option<Thread<T>>,
}

#[derive(Debug)]
struct Thread<T: Take> {
    /// What comes next.
    block: Vec<u8>,
    blocks: SyncSender<Vec<u8>>,
    /// Blocks that can be filled again: fresh memory costs more than what is written there.
    used: Receiver<Vec<u8>>,
    handle: JoinHandle<Result<T, T::Error>>,
}

impl<T: Take + Default> Default for Aside<T> {
    fn default() -> Self {
        Self::of(T::default())
    }
}

impl<T: Take> Aside<T> {
    /// Returns one that hands on to `taker`.
    pub(super) fn of(taker: T) -> Self {
        Self { here: Some(taker), length: 0, thread: None }
    }

    /// Hands on the next piece.
    ///
    /// # Errors
    /// What takes the text refused this piece or an earlier one, or there can be no thread.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), T::Error> {
        self.length = self.length.saturating_add(bytes.len());
        if self.length > AT_ONCE
            && let Some(taker) = self.here.take()
        {
            self.thread = Some(Thread::start(taker)?);
        }
        if let Some(taker) = &mut self.here {
            return taker.take(bytes);
        }
        let Some(thread) = &mut self.thread else { return Err(ended().into()) };
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(AT_ONCE - thread.block.len()));
            thread.block.extend_from_slice(now);
            bytes = later;
            if thread.block.len() == AT_ONCE && !thread.hand_over() {
                return self.end().map(|_| ());
            }
        }
        Ok(())
    }

    /// Ends the text, and returns what took it.
    ///
    /// # Errors
    /// It refused a piece.
    pub(super) fn end(&mut self) -> Result<&mut T, T::Error> {
        if let Some(mut thread) = self.thread.take() {
            thread.hand_over();
            drop(thread.blocks);
            self.here = Some(thread.handle.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        self.here.as_mut().ok_or_else(|| ended().into())
    }

    /// The same where nothing follows.
    ///
    /// # Errors
    /// It refused a piece.
    pub(super) fn into_taker(mut self) -> Result<T, T::Error> {
        self.end()?;
        self.here.ok_or_else(|| ended().into())
    }
}

impl<T: Take> Thread<T> {
    fn start(mut taker: T) -> io::Result<Self> {
        let (blocks, waiting) = sync_channel::<Vec<u8>>(WAITING);
        let (done, used) = channel();
        let work = move || {
            for mut block in waiting {
                taker.take(&block)?;
                block.clear();
                // At the end nobody wants it back.
                let _ = done.send(block);
            }
            Ok(taker)
        };
        let handle = Builder::new().spawn(work)?;
        Ok(Self { block: Vec::with_capacity(AT_ONCE), blocks, used, handle })
    }

    /// Returns false if nobody takes blocks any more.
    fn hand_over(&mut self) -> bool {
        let next = self.used.try_recv().unwrap_or_else(|_| Vec::with_capacity(AT_ONCE));
        self.blocks.send(std::mem::replace(&mut self.block, next)).is_ok()
    }
}

/// Returns the error for more text after the one that was refused.
fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "it was refused before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Limited {
        text: Vec<u8>,
    }

    impl Take for Limited {
        type Error = io::Error;

        fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.text.extend_from_slice(bytes);
            if bytes.contains(&b'!') { Err(io::ErrorKind::InvalidData.into()) } else { Ok(()) }
        }
    }

    #[test]
    fn a_text_arrives_whole_however_long_it_is() {
        for length in [0, 10, AT_ONCE, AT_ONCE + 1, 20 * AT_ONCE + 7] {
            let text: Vec<u8> = (0..length).map(|at| b'a' + (at % 23) as u8).collect();
            let mut aside = Aside::<Limited>::default();
            for piece in text.chunks(10_000) {
                aside.push(piece).unwrap();
            }
            assert_eq!(aside.thread.is_some(), length > AT_ONCE);
            assert_eq!(aside.end().unwrap().text, text);
            assert_eq!(aside.into_taker().unwrap().text, text);
        }
    }

    #[test]
    fn what_is_refused_is_told_soon_or_at_the_end() {
        let mut aside = Aside::<Limited>::default();
        aside.push(&vec![b'a'; 2 * AT_ONCE]).unwrap();
        let pushed = (0..100).find_map(|_| aside.push(&[b'!'; AT_ONCE]).err());
        assert_eq!(pushed.unwrap().kind(), io::ErrorKind::InvalidData);
        assert_eq!(aside.push(b"more").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        let mut aside = Aside::<Limited>::default();
        aside.push(&vec![b'a'; 2 * AT_ONCE]).unwrap();
        aside.push(b"!").unwrap();
        assert_eq!(aside.end().unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(aside.into_taker().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
