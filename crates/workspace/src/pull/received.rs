//! The answer to a pull, made into files once it is all there.

use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use keepstep_base::Digest;
use keepstep_testdata::bundle::{Bundle, Document, Item, TakeItem};
use keepstep_testdata::input_list::{LeftOut, ListText};
use keepstep_testdata::merge_items::Fingerprints;
use keepstep_testdata::workspace_files::Content;
use serde::ser::{SerializeSeq as _, Serializer as _};
use serde_json::Value;
use serde_json_borrow::Value as Json;

use super::packed::Unpacked;
use super::spool::{Spool, Stored};

/// How much text is collected before it is kept.
const AT_ONCE: usize = 64 * 1024;

/// A bundle with all that came with it.
#[derive(Debug, Clone)]
pub struct Received {
    /// Everything but its items.
    pub bundle: Bundle,
    /// The answer as it came, in whatever form.
    pub(crate) answer: Arc<Stored>,
    pub(crate) is_packed: bool,
    list: OnceCell<List>,
}

/// The list of inputs that a bundle becomes.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(super) text: Arc<Stored>,
    pub(super) left_out: LeftOut,
}

/// A list of inputs that is being written. Another thread takes its digest and keeps it: that is a fifth of the work.
struct Writing {
    list: ListText,
    text: String,
    texts: SyncSender<String>,
    spool: JoinHandle<io::Result<Spool>>,
}

impl Writing {
    fn new(personas: &[Document]) -> Self {
        let (texts, coming) = sync_channel::<String>(4);
        let keep = move || {
            let mut spool = Spool::default();
            coming.into_iter().try_for_each(|text| spool.write_all(text.as_bytes())).map(|()| spool)
        };
        Self { list: ListText::new(personas), text: String::new(), texts, spool: std::thread::spawn(keep) }
    }

    fn push(&mut self, item: Item<'_>) {
        self.list.push(item, &mut self.text);
        if self.text.len() >= AT_ONCE {
            self.give();
        }
    }

    fn give(&mut self) {
        // Nobody takes it where it could not be kept, which is told at the end.
        let _ = self.texts.send(std::mem::replace(&mut self.text, String::with_capacity(AT_ONCE + AT_ONCE / 8)));
    }

    fn end(mut self) -> io::Result<List> {
        let left_out = std::mem::take(&mut self.list).end(&mut self.text);
        self.give();
        drop(self.texts);
        let spool = self.spool.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()))?;
        Ok(List { text: Arc::new(spool.end()), left_out })
    }
}

impl Received {
    /// Reads an answer that came. The list of inputs is written in the same pass, where the personas come before the items.
    ///
    /// # Errors
    /// It is no bundle (then the error has a [`BundleError`](keepstep_testdata::bundle::BundleError) in it), or it cannot be kept.
    pub fn of(answer: Spool) -> io::Result<Self> {
        let (mut list, mut has_items) = (None, false);
        let received = Self::read(answer.end(), &mut |item, personas| {
            if !std::mem::replace(&mut has_items, true) {
                list = personas.map(Writing::new);
            }
            list.iter_mut().for_each(|list: &mut Writing| list.push(item));
            Ok(())
        })?;
        if let Some(list) = list {
            let _ = received.list.set(list.end()?);
        }
        Ok(received)
    }

    /// Reads an answer that was kept in a file.
    pub(crate) fn from_file(file: File) -> io::Result<Self> {
        Self::read(Stored::in_file(file)?, &mut |_, _| Ok(()))
    }

    fn read(answer: Stored, take: TakeItem<'_>) -> io::Result<Self> {
        let mut text = Unpacked::of(answer.reader()?, answer.length())?;
        let bundle = Bundle::read(&mut text, take)?;
        let is_packed = matches!(text, Unpacked::Packed { .. });
        drop(text);
        Ok(Self { bundle, answer: Arc::new(answer), is_packed, list: OnceCell::new() })
    }

    /// Returns the SHA-256 of what a test runs on.
    ///
    /// # Errors
    /// What was received cannot be read again.
    pub fn content_digest(&self) -> io::Result<Digest> {
        Ok(self.bundle.content_digest(self.list()?.text.digests.content))
    }

    pub(super) fn list(&self) -> io::Result<&List> {
        if self.list.get().is_none() {
            let mut writing = Writing::new(&self.bundle.personas);
            self.each_item(&mut |item| {
                writing.push(item);
                Ok(())
            })?;
            let _ = self.list.set(writing.end()?);
        }
        self.list.get().ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Returns the entries of the list of inputs, all at once.
    pub(crate) fn entries(&self) -> io::Result<Vec<Value>> {
        let mut values = Vec::new();
        self.each_entry(&mut |entry| values.push(entry.into()))?;
        Ok(values)
    }

    pub(super) fn fingerprints(&self) -> io::Result<Fingerprints> {
        let mut fingerprints = Fingerprints::default();
        self.each_entry(&mut |entry| fingerprints.add(entry))?;
        Ok(fingerprints)
    }

    pub(crate) fn stored(&self, content: Content) -> io::Result<Arc<Stored>> {
        match content {
            Content::Bytes(bytes) => Ok(Arc::new(Stored::of(bytes))),
            Content::List => Ok(self.list()?.text.clone()),
            Content::Items => {
                let mut json = serde_json::Serializer::pretty(io::BufWriter::with_capacity(AT_ONCE, Spool::default()));
                let mut list = json.serialize_seq(None)?;
                self.each_item(&mut |item| Ok(list.serialize_element(item.0)?))?;
                list.end()?;
                Ok(Arc::new(json.into_inner().into_inner()?.end()))
            }
        }
    }

    fn each_entry(&self, take: &mut dyn FnMut(&Json<'_>)) -> io::Result<()> {
        let mut entries = ListText::new(&self.bundle.personas);
        self.each_item(&mut |item| {
            if let Some(entry) = entries.entry(item) {
                take(&entry);
            }
            Ok(())
        })
    }

    pub(super) fn each_item(&self, take: &mut dyn FnMut(Item<'_>) -> io::Result<()>) -> io::Result<()> {
        let text = Unpacked::of(self.answer.reader()?, self.answer.length())?;
        Bundle::read(text, &mut |item, _| take(item)).map(drop)
    }
}

#[cfg(test)]
#[path = "received_tests.rs"]
mod tests;
