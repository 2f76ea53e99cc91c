//! The answer to a pull: taken while it arrives, and made into files once it is all there.

use std::cell::OnceCell;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use keepstep_base::Digest;
use keepstep_testdata::answer::{NoAnswer, Stop};
use keepstep_testdata::bundle::{Bundle, BundleError, BundleReader, Item, ItemReader, Persona};
use keepstep_testdata::input_list::{Entries, LeftOut, ListText};
use keepstep_testdata::json::Json;
use keepstep_testdata::merge_items::Fingerprints;
use keepstep_testdata::pull_plan::Digesting;
use keepstep_testdata::workspace_files::Content;
use serde::ser::{SerializeSeq as _, Serializer as _};
use serde_json::Value;

use super::aside::{Aside, Take};
use super::packed::{PackedError, Unpacker};
use super::spool::{Spool, Stored, each_piece};

/// How much text is collected before it is kept.
const AT_ONCE: usize = 64 * 1024;

/// A bundle with all that came with it.
#[derive(Debug, Clone)]
pub struct Received {
    bundle: Bundle,
    answer: Arc<Stored>,
    is_packed: bool,
    list: OnceCell<List>,
    /// The folder that it may get into.
    folder: Option<Arc<Path>>,
}

/// The list of inputs that a bundle becomes.
#[derive(Debug, Clone)]
pub(crate) struct List {
    pub(super) text: Arc<Stored>,
    pub(super) left_out: LeftOut,
}

/// An answer was not received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is no bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// It is longer than memory is meant for, and could not be kept in a temporary file.
    #[error("the server's answer to the pull cannot be kept in a temporary file: {0}; nothing was changed")]
    Io(#[from] io::Error),
    /// It is packed, and nothing can be made of it.
    #[error("the server's answer to the pull cannot be unpacked: {0}; nothing was changed")]
    Packed(PackedError),
}

impl From<PackedError> for ReceiveError {
    fn from(error: PackedError) -> Self {
        match error {
            PackedError::Unfinished => BundleError::from(NoAnswer::Unfinished).into(),
            other => Self::Packed(other),
        }
    }
}

impl From<Stop<io::Error>> for ReceiveError {
    fn from(stop: Stop<io::Error>) -> Self {
        match stop {
            Stop::NoAnswer(error) => BundleError::from(error).into(),
            Stop::Taker(error) => error.into(),
        }
    }
}

/// Takes the answer to a pull while it arrives. The list of inputs is written in the same pass, as long as the personas come
/// before the items. A long answer is read in one thread and the list kept in another, while this one receives and unpacks.
#[derive(Debug, Default)]
pub struct Receiver {
    answer: Spool,
    unpacker: Unpacker,
    reading: Aside<Reading>,
    folder: Option<Arc<Path>>,
}

/// The reading of an answer.
#[derive(Debug, Default)]
struct Reading {
    reader: BundleReader,
    /// The folder that the list may get into.
    folder: Option<Arc<Path>>,
    list: Option<Writing>,
    /// What the items show the answer to be.
    problem: Option<BundleError>,
    has_items: bool,
}

/// A list of inputs that is being written.
#[derive(Debug)]
struct Writing {
    list: ListText,
    text: String,
    spool: Aside<Spool>,
}

impl Receiver {
    /// Returns one for an answer that may get into a scenario's folder, which need not be there yet. What is long is kept beside
    /// that folder where the system can do that, in files without names.
    pub fn beside(folder: &Path) -> Self {
        Self::of_folder(Some(folder.into()))
    }

    fn of_folder(folder: Option<Arc<Path>>) -> Self {
        let reading = Aside::of(Reading { folder: folder.clone(), ..Reading::default() });
        Self { answer: Spool::beside(folder.clone()), unpacker: Unpacker::default(), reading, folder }
    }

    /// Forgets everything: the answer comes once more from its beginning.
    pub fn begin(&mut self) {
        *self = Self::of_folder(self.folder.take());
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// It is no answer, or it cannot be kept.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), ReceiveError> {
        let reading = &mut self.reading;
        self.unpacker.feed(bytes, &mut |text| reading.push(text))?;
        Ok(self.answer.write(bytes)?)
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// It is no whole answer, or it cannot be kept.
    pub fn end(&mut self) -> Result<(), ReceiveError> {
        self.unpacker.end()?;
        self.reading.end()?.end()
    }

    /// Returns what was received.
    ///
    /// # Errors
    /// It is no bundle, or it could not be kept.
    pub fn into_received(self) -> Result<Received, ReceiveError> {
        let reading = self.reading.into_taker()?;
        if let Some(problem) = reading.problem {
            return Err(problem.into());
        }
        let bundle = reading.reader.into_bundle()?;
        let answer = Arc::new(self.answer.end()?);
        let received =
            Received { bundle, answer, is_packed: self.unpacker.is_packed(), list: OnceCell::new(), folder: self.folder };
        if let Some(writing) = reading.list {
            let _ = received.list.set(writing.end()?);
        }
        Ok(received)
    }
}

impl Take for Reading {
    type Error = ReceiveError;

    fn take(&mut self, bytes: &[u8]) -> Result<(), ReceiveError> {
        if self.problem.is_some() {
            return Ok(());
        }
        let Self { reader, list, has_items, folder, .. } = self;
        let read = reader.feed(bytes, &mut |item, personas| write(list, has_items, item, personas, folder));
        self.check(read)
    }
}

impl Reading {
    fn end(&mut self) -> Result<(), ReceiveError> {
        if self.problem.is_some() {
            return Ok(());
        }
        let Self { reader, list, has_items, folder, .. } = self;
        let read = reader.end(&mut |item, personas| write(list, has_items, item, personas, folder));
        self.check(read)
    }

    fn check(&mut self, read: Result<(), Stop<io::Error>>) -> Result<(), ReceiveError> {
        match read {
            // Somebody answers with JSON, so it is not the connection that is to blame.
            Err(Stop::NoAnswer(NoAnswer::NotAnObject)) => {
                self.problem = Some(BundleError::NotAnObject);
                Ok(())
            }
            other => Ok(other?),
        }
    }
}

impl Take for Spool {
    type Error = io::Error;

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes)
    }
}

/// Writes an item to the list, if that can be done already.
fn write(
    list: &mut Option<Writing>,
    has_items: &mut bool,
    item: Item<'_>,
    personas: Option<&[Persona]>,
    folder: &Option<Arc<Path>>,
) -> io::Result<()> {
    if !std::mem::replace(has_items, true) {
        *list = personas.map(|personas| Writing::new(personas, folder.clone()));
    }
    list.as_mut().map_or(Ok(()), |list| list.push(item))
}

impl Writing {
    fn new(personas: &[Persona], folder: Option<Arc<Path>>) -> Self {
        Self { list: ListText::new(personas), text: String::new(), spool: Aside::of(Spool::beside(folder)) }
    }

    fn push(&mut self, item: Item<'_>) -> io::Result<()> {
        self.list.push(item, &mut self.text);
        if self.text.len() >= AT_ONCE {
            self.spool.push(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<List> {
        let left_out = self.list.end(&mut self.text);
        self.spool.push(self.text.as_bytes())?;
        Ok(List { text: Arc::new(self.spool.into_taker()?.end()?), left_out })
    }
}

impl Received {
    /// Reads an answer that is there as a whole.
    ///
    /// # Errors
    /// It is no bundle.
    pub fn of(answer: &[u8]) -> Result<Self, ReceiveError> {
        let mut receiver = Receiver::default();
        receiver.take(answer)?;
        receiver.end()?;
        receiver.into_received()
    }

    /// Reads an answer that was kept in a file.
    pub(crate) fn from_file(file: File) -> Result<Self, ReceiveError> {
        let mut reader = BundleReader::default();
        let mut leave = |_: Item<'_>, _: Option<&[Persona]>| Ok::<(), io::Error>(());
        let mut digesting = Digesting::default();
        let mut unpacker = Unpacker::default();
        each_piece::<ReceiveError>(&file, &mut |bytes| {
            digesting.update(bytes);
            unpacker.feed(bytes, &mut |text| Ok(reader.feed(text, &mut leave)?))
        })?;
        unpacker.end()?;
        reader.end(&mut leave)?;
        let bundle = reader.into_bundle()?;
        let answer = Arc::new(Stored::in_file(file, digesting.end()));
        Ok(Self { bundle, answer, is_packed: unpacker.is_packed(), list: OnceCell::new(), folder: None })
    }

    /// Returns the bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Returns the SHA-256 of what a test runs on.
    ///
    /// # Errors
    /// What was received cannot be read again.
    pub fn content_digest(&self) -> io::Result<Digest> {
        Ok(self.bundle.content_digest(self.list()?.text.digests().content))
    }

    /// Returns the answer as it came, in whatever form.
    pub(crate) fn answer(&self) -> &Arc<Stored> {
        &self.answer
    }

    /// Returns true if the answer came packed.
    pub(crate) fn is_packed(&self) -> bool {
        self.is_packed
    }

    /// Returns the list of inputs.
    pub(super) fn list(&self) -> io::Result<&List> {
        if self.list.get().is_none() {
            let mut writing = Writing::new(self.bundle.personas(), self.folder.clone());
            self.each_item(&mut |item| writing.push(item))?;
            let _ = self.list.set(writing.end()?);
        }
        self.list.get().ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Returns the entries of the list of inputs, all at once.
    pub(crate) fn entries(&self) -> io::Result<Vec<Value>> {
        let mut values = Vec::new();
        self.each_entry(&mut |entry| values.push(entry.to_value()))?;
        Ok(values)
    }

    /// Returns the list of inputs for comparisons.
    pub(super) fn fingerprints(&self) -> io::Result<Fingerprints> {
        let mut fingerprints = Fingerprints::default();
        self.each_entry(&mut |entry| fingerprints.add(entry))?;
        Ok(fingerprints)
    }

    /// Returns what a file of the bundle holds.
    pub(crate) fn stored(&self, content: Content) -> io::Result<Arc<Stored>> {
        match content {
            Content::Bytes(bytes) => Ok(Arc::new(Stored::of(bytes))),
            Content::List => Ok(self.list()?.text.clone()),
            Content::Items => self.items_text(),
        }
    }

    fn items_text(&self) -> io::Result<Arc<Stored>> {
        let mut spool = Spool::beside(self.folder.clone());
        let mut out = Collector { spool: &mut spool };
        let mut serializer = serde_json::Serializer::pretty(io::BufWriter::with_capacity(AT_ONCE, &mut out));
        let mut list = serializer.serialize_seq(None)?;
        self.each_item(&mut |item| Ok(list.serialize_element(item.value())?))?;
        list.end()?;
        io::Write::flush(&mut serializer.into_inner())?;
        Ok(Arc::new(spool.end()?))
    }

    fn each_entry(&self, take: &mut dyn FnMut(&Json<'_>)) -> io::Result<()> {
        let mut entries = Entries::new(self.bundle.personas());
        self.each_item(&mut |item| {
            if let Some(entry) = entries.entry(item) {
                take(&entry);
            }
            Ok(())
        })
    }

    fn each_item(&self, take: &mut dyn FnMut(Item<'_>) -> io::Result<()>) -> io::Result<()> {
        let (mut unpacker, mut reader) = (Unpacker::default(), ItemReader::default());
        each_piece(self.answer.reader()?, &mut |bytes| {
            unpacker.feed(bytes, &mut |text| reader.feed(text, take).map_err(not_again))
        })?;
        reader.end(take).map_err(not_again)
    }
}

/// Returns the error for an answer that was read once already.
fn not_again(stop: Stop<io::Error>) -> io::Error {
    match stop {
        Stop::Taker(error) => error,
        Stop::NoAnswer(error) => io::Error::new(io::ErrorKind::InvalidData, error),
    }
}

/// Writes to a spool.
struct Collector<'a> {
    spool: &'a mut Spool,
}

impl io::Write for Collector<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.spool.write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[path = "received_tests.rs"]
mod tests;
