//! The journal of a run of ours: a finished case in each line. Where there is one, it says all that is known.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use keepstep_results::case::{Finished, MOST_ITERATIONS};

use crate::experiments::report::Report;
use keepstep_base::lines::Lines;

/// The journal's name.
pub const JOURNAL_FILE: &str = ".cases.jsonl";

/// The longest line of a journal that is read.
const LONGEST_LINE: usize = 256 * 1024 * 1024;

/// Opens the journal of an experiment, where there is one.
///
/// # Errors
/// It is there and cannot be read.
pub fn open(experiment: &Path) -> io::Result<Option<File>> {
    match File::open(path(experiment)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the place of an experiment's journal.
pub fn path(experiment: &Path) -> PathBuf {
    experiment.join(JOURNAL_FILE)
}

/// A line of a journal.
#[derive(Debug)]
pub struct Entry<'a> {
    /// Its number, from 1.
    pub number: u64,
    /// Its text.
    pub text: &'a [u8],
    /// The case, or why it is none.
    pub case: Result<Finished, &'static str>,
}

/// The lines of a journal, in the order in which the cases ended.
#[derive(Debug)]
pub struct Entries {
    lines: Lines<BufReader<File>>,
    buffer: Vec<u8>,
}

impl Entries {
    /// Returns the lines of a journal.
    pub fn of(file: File) -> Self {
        Self { lines: Lines::with_longest(BufReader::with_capacity(1 << 20, file), LONGEST_LINE), buffer: Vec::new() }
    }

    /// Reads the next line.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry<'_>>> {
        let Some(line) = self.lines.next_into(&mut self.buffer)? else { return Ok(None) };
        let case = match serde_json::from_slice::<Finished>(&self.buffer) {
            _ if line.is_too_long => Err("it is too long"),
            Ok(case) if case.iteration < MOST_ITERATIONS => Ok(case),
            _ => Err("it is not a finished case"),
        };
        Ok(Some(Entry { number: line.number, text: &self.buffer, case }))
    }
}

/// Returns the length of a journal, or of another file of JSON Lines, up to the end of its last whole line; a crash can tear one, at
/// its end or inside.
///
/// # Errors
/// The file cannot be read.
pub fn whole_lines(file: File) -> io::Result<u64> {
    let mut lines = Lines::with_longest(BufReader::with_capacity(1 << 20, file), LONGEST_LINE);
    let (mut buffer, mut whole) = (Vec::new(), 0);
    while let Some(line) = lines.next_into(&mut buffer)? {
        // Where data was to come, a crash of the machine can leave zeros.
        if !line.is_ended || serde_json::from_slice::<serde::de::IgnoredAny>(&buffer).is_err() {
            break;
        }
        whole = lines.offset();
    }
    Ok(whole)
}

/// Gives each case, with its line, in the order in which they ended. What cannot be read is in the report, also the line that a
/// crash has torn.
///
/// # Errors
/// The file cannot be read, or the function fails.
pub fn each(
    file: File,
    report: &mut Report,
    mut give: impl FnMut(&[u8], Finished, &mut Report) -> io::Result<()>,
) -> io::Result<()> {
    let mut entries = Entries::of(file);
    while let Some(entry) = entries.next_entry()? {
        match entry.case {
            Ok(case) => give(entry.text, case, report)?,
            Err(problem) => report.broken(JOURNAL_FILE, entry.number, problem),
        }
    }
    Ok(())
}
