//! The journal of a run of ours: a finished case in each line. Where there is one, it says all that is known.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
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

/// The end of a journal that is being written, read as it grows.
#[derive(Debug)]
pub struct Tail {
    file: BufReader<File>,
    /// The line that is not whole yet.
    line: Vec<u8>,
    /// True while the rest of a line is left out that is too long.
    is_skipping: bool,
    longest: u64,
}

impl Tail {
    /// Returns the cases of a journal from its beginning on. Lines that are longer than so many bytes are left out.
    pub fn of(file: File, longest: usize) -> Self {
        Self { file: BufReader::new(file), line: Vec::new(), is_skipping: false, longest: longest as u64 }
    }

    /// Returns the next case that is there as a whole, with its line; `None` where none is yet.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_case(&mut self) -> io::Result<Option<(Finished, Vec<u8>)>> {
        loop {
            let room = self.longest.saturating_sub(self.line.len() as u64).max(1);
            if (&mut self.file).take(room).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(None);
            }
            if self.line.last() != Some(&b'\n') {
                if self.line.len() as u64 >= self.longest {
                    self.line.clear();
                    self.is_skipping = true;
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if !std::mem::take(&mut self.is_skipping)
                && let Ok(case) = serde_json::from_slice(&line)
            {
                return Ok(Some((case, line)));
            }
        }
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

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    fn line(name: &str, answer: &str) -> String {
        let case = json!({
            "case": name, "index": 0, "run_id": name, "iteration": 0, "status": "passed", "attempts": 1, "persona": null,
            "input": "a", "output": answer, "duration_ms": 1.5, "metadata": {},
        });
        format!("{case}\n")
    }

    #[test]
    fn a_journal_is_read_while_it_grows() {
        let folder = tempfile::tempdir().unwrap();
        let path = path(folder.path());
        let mut file = File::options().create(true).append(true).open(&path).unwrap();
        let mut tail = Tail::of(File::open(&path).unwrap(), 1000);
        let mut next = || tail.next_case().unwrap().map(|(case, _)| case.case);
        assert_eq!(next(), None);
        file.write_all(line("one", "yes").as_bytes()).unwrap();
        let second = line("two", "no");
        let (begin, rest) = second.split_at(50);
        file.write_all(begin.as_bytes()).unwrap();
        assert_eq!((next().as_deref(), next()), (Some("one"), None));
        file.write_all(rest.as_bytes()).unwrap();
        // What is too long and what is broken is left out, and no other line with it.
        file.write_all(line("long", &"x".repeat(5000)).as_bytes()).unwrap();
        file.write_all(b"{}\n").unwrap();
        file.write_all(line("three", "yes").as_bytes()).unwrap();
        assert_eq!((next().as_deref(), next().as_deref(), next()), (Some("two"), Some("three"), None));
    }
}
