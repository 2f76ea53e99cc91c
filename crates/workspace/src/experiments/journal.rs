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
    let mut lines = Lines::with_longest(BufReader::with_capacity(1 << 20, file), LONGEST_LINE);
    let mut buffer = Vec::new();
    while let Some(line) = lines.next_into(&mut buffer)? {
        if line.is_too_long {
            report.broken(JOURNAL_FILE, line.number, "it is too long");
            continue;
        }
        match serde_json::from_slice::<Finished>(&buffer) {
            Ok(case) if case.iteration < MOST_ITERATIONS => give(&buffer, case, report)?,
            _ => report.broken(JOURNAL_FILE, line.number, "it is not a finished case"),
        }
    }
    Ok(())
}
