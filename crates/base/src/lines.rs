//! Reads lines of any file without ever holding more than one of bounded length.

use std::io::{self, BufRead};

/// The longest line that is read. One that is longer is passed over.
pub const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// What a line is; its text is in the caller's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u64,
    /// Where it begins in the file.
    pub offset: u64,
    /// It is longer than what is read; the buffer is empty.
    pub is_too_long: bool,
    /// A line feed ends it, which the last one of a file may lack.
    pub is_ended: bool,
}

/// Finds lines in pieces of a file, wherever these come from.
#[derive(Debug)]
pub struct Splitter {
    longest: usize,
    number: u64,
    /// Where the next piece begins in the file.
    offset: u64,
    /// Where the line begins that is being read.
    start: u64,
    is_too_long: bool,
}

impl Splitter {
    /// Returns one that reads no line with more bytes than `longest`.
    pub fn new(longest: usize) -> Self {
        Self { longest, number: 0, offset: 0, start: 0, is_too_long: false }
    }

    /// Takes what belongs to the line from the beginning of a piece into the buffer. Returns how many bytes of the piece are done with,
    /// and the line where it ends there: the buffer has it then, without its end, and is to be cleared before the next one.
    pub fn take(&mut self, piece: &[u8], buffer: &mut Vec<u8>) -> (usize, Option<Line>) {
        let end = memchr::memchr(b'\n', piece);
        let text = &piece[..end.unwrap_or(piece.len())];
        if self.is_too_long || buffer.len() + text.len() > self.longest {
            self.is_too_long = true;
            buffer.clear();
        } else {
            buffer.extend_from_slice(text);
        }
        let used = text.len() + usize::from(end.is_some());
        self.offset += used as u64;
        (used, end.map(|_| self.end_line(buffer, true)))
    }

    /// Returns the last line where the file ended without an end of it.
    pub fn end(&mut self, buffer: &mut Vec<u8>) -> Option<Line> {
        (self.offset > self.start).then(|| self.end_line(buffer, false))
    }

    fn end_line(&mut self, buffer: &mut Vec<u8>, is_ended: bool) -> Line {
        if buffer.last() == Some(&b'\r') {
            buffer.pop();
        }
        self.number += 1;
        let line = Line { number: self.number, offset: self.start, is_too_long: self.is_too_long, is_ended };
        self.start = self.offset;
        self.is_too_long = false;
        line
    }
}

/// Reads lines one at a time.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    splitter: Splitter,
}

impl<R: BufRead> Lines<R> {
    /// Returns the lines of a file, of which none longer than [`LONGEST_LINE`] is read.
    pub fn new(input: R) -> Self {
        Self::with_longest(input, LONGEST_LINE)
    }

    /// Returns the lines of a file, of which none with more bytes than `longest` is read.
    pub fn with_longest(input: R, longest: usize) -> Self {
        Self { input, splitter: Splitter::new(longest) }
    }

    /// Returns where the next line begins in the file.
    pub fn offset(&self) -> u64 {
        self.splitter.offset
    }

    /// Reads the next line into the buffer, without its end.
    ///
    /// # Errors
    /// Reading failed.
    pub fn next_into(&mut self, buffer: &mut Vec<u8>) -> io::Result<Option<Line>> {
        buffer.clear();
        loop {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok(self.splitter.end(buffer));
            }
            let (used, line) = self.splitter.take(available, buffer);
            self.input.consume(used);
            if line.is_some() {
                return Ok(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8], longest: usize, block: usize) -> Vec<(u64, u64, Option<Vec<u8>>)> {
        let mut lines = Lines::with_longest(BufReader::with_capacity(block, text), longest);
        let (mut buffer, mut found) = (Vec::new(), Vec::new());
        while let Some(line) = lines.next_into(&mut buffer).unwrap() {
            found.push((line.number, line.offset, (!line.is_too_long).then(|| buffer.clone())));
        }
        found
    }

    #[test]
    fn a_huge_line_is_passed_over() {
        let lines = read(b"ab\r\nlonger\n\nc", 3, 4);
        let text = |text: &str| Some(text.as_bytes().to_vec());
        assert_eq!(lines, [(1, 0, text("ab")), (2, 4, None), (3, 11, text("")), (4, 12, text("c"))]);
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_text(text in "[ab\n]{0,40}", block in 1usize..9) {
            let expected: Vec<&str> = text.lines().collect();
            let found = read(text.as_bytes(), 100, block);
            prop_assert_eq!(found.len(), expected.len());
            for ((_, offset, line), expected) in found.iter().zip(&expected) {
                prop_assert_eq!(line.as_deref(), Some(expected.as_bytes()));
                let start = usize::try_from(*offset).unwrap();
                prop_assert!(text[start..].starts_with(expected));
            }
        }
    }
}
