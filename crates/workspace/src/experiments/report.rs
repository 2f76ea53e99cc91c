//! What could not be read.

use std::fmt;

/// How many lines are named; the others are counted.
const NAMED: usize = 20;

/// The lines of an experiment that could not be read. The rest is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    named: Vec<BrokenLine>,
    count: u64,
}

/// A line that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenLine {
    /// The file, relative to the experiment.
    pub file: String,
    /// The number of the line, from 1.
    pub line: u64,
    /// Why, as the end of a sentence.
    pub reason: &'static str,
}

impl fmt::Display for BrokenLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} line {}: {}", self.file, self.line, self.reason)
    }
}

impl Report {
    /// Notes a line.
    pub fn broken(&mut self, file: &str, line: u64, reason: &'static str) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(BrokenLine { file: file.to_owned(), line, reason });
        }
    }

    /// Returns how many lines could not be read.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the first of them.
    pub fn named(&self) -> &[BrokenLine] {
        &self.named
    }
}
