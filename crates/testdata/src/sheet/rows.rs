//! From a text to rows.
//!
//! A quote that is not closed would swallow the rest of a file without an error. So the ends of records are found here, strictly, and
//! what is whole is read by the library; a record that is not is one line with a problem, and the next line begins anew.

use std::collections::HashMap;
use std::ops::Range;

use keepstep_base::spreadsheet;
use memchr::{memchr, memchr2, memchr3};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::columns::{Meaning, guess};

/// The largest number of rows.
pub const MOST_ROWS: usize = 100_000;

/// The largest number of columns.
pub const MOST_COLUMNS: usize = 100;

/// The largest number of cells that are not empty.
const MOST_CELLS: usize = 1_000_000;

/// How many records are looked at to find out what a text is.
const LOOKED_AT: usize = 20;

/// A first line that is longer is not parsed to guess what it is, in bytes.
const LONG: usize = 64 * 1024;

/// How a text has its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// CSV with commas.
    Comma,
    /// CSV with semicolons.
    Semicolon,
    /// CSV with tabs.
    Tab,
    /// A JSON object on each line.
    JsonLines,
    /// What a user says on each line.
    Lines,
}

/// The rows of a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The first name that two columns have in the text. Here, the second one has its number behind it.
    pub twice: Option<String>,
    /// The rows.
    pub rows: Vec<TableRow>,
    /// What is not a row.
    pub problems: Vec<RowProblem>,
}

/// A row.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRow {
    /// The line that it begins on, from 1.
    pub line: usize,
    /// The cells that are not empty, each with the number of its column, in their order. In JSON, `null` is a cell: it says that there is
    /// nothing, and a member that is not there says nothing.
    pub cells: Vec<(usize, Value)>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// The line that it begins on, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// A text is no table that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// It has too many rows.
    #[error("it has more than {MOST_ROWS} rows")]
    TooManyRows,
    /// It has too many columns.
    #[error("it has more than {MOST_COLUMNS} columns")]
    TooManyColumns,
    /// It has too many cells.
    #[error("it has more than {MOST_CELLS} cells")]
    TooManyCells,
}

impl Format {
    /// All of them, with what stands for them in a form.
    pub const ALL: [(Self, &str); 5] = [
        (Self::Comma, "comma"),
        (Self::Semicolon, "semicolon"),
        (Self::Tab, "tab"),
        (Self::JsonLines, "json-lines"),
        (Self::Lines, "lines"),
    ];

    /// Returns what stands for it in a form.
    pub fn key(self) -> &'static str {
        Self::ALL.into_iter().find(|(format, _)| *format == self).map_or("", |(_, key)| key)
    }

    /// Returns what a form says.
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == key).map(|(format, _)| format)
    }

    /// Returns what separates the cells of a row, where something does.
    pub fn delimiter(self) -> Option<u8> {
        match self {
            Self::Comma => Some(b','),
            Self::Semicolon => Some(b';'),
            Self::Tab => Some(b'\t'),
            Self::JsonLines | Self::Lines => None,
        }
    }

    /// Guesses how a text has its rows, from its beginning and the name of its file.
    pub fn guess(text: &str, file: &str) -> Self {
        let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let is_object = || first.len() > LONG || serde_json::from_str::<Map<String, Value>>(first).is_ok();
        if first.trim_start().starts_with('{') && is_object() {
            return Self::JsonLines;
        }
        let tables = [Self::Tab, Self::Semicolon, Self::Comma];
        let counts = tables.into_iter().filter_map(|format| Some((format, Shape::of(text, format.delimiter()?)?)));
        let shapes: Vec<(Self, Shape)> = counts.collect();
        let named = shapes.iter().filter(|(_, shape)| shape.has_names).max_by_key(|(_, shape)| shape.columns);
        let even = shapes.iter().find(|(format, shape)| shape.is_even && (*format == Self::Tab || shape.rows > 2));
        if let Some((format, _)) = named.or(even) {
            return *format;
        }
        let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_lowercase()).unwrap_or_default();
        match ending.as_str() {
            "tsv" | "tab" => Self::Tab,
            "jsonl" | "ndjson" => Self::JsonLines,
            "csv" => shapes.iter().max_by_key(|(_, shape)| shape.columns).map_or(Self::Comma, |(format, _)| *format),
            _ => Self::Lines,
        }
    }
}

/// What the beginning of a text looks like with one separator; none where it separates nothing.
struct Shape {
    columns: usize,
    rows: usize,
    is_even: bool,
    has_names: bool,
}

impl Shape {
    fn of(text: &str, delimiter: u8) -> Option<Self> {
        let mut begin: Vec<Vec<String>> = Vec::new();
        let records = Records::of(text, delimiter).filter(|record| !record.is_blank(text)).take(LOOKED_AT);
        for record in records.filter(|record| record.is_whole) {
            if record.columns > MOST_COLUMNS {
                return None;
            }
            begin.push(cells(&text[record.bytes], delimiter).next()?);
        }
        let columns = begin.first()?.len();
        let names: Vec<String> = begin.first()?.iter().map(|name| name.trim().to_owned()).collect();
        // A sentence has commas, too: so the names must be ones that tell something.
        let has_names = guess(&names, &[]).iter().filter(|meaning| **meaning != Meaning::Own).count() > 1
            || names.iter().any(|name| matches!(name.to_lowercase().as_str(), "text" | "input" | "question" | "prompt"));
        (columns > 1).then(|| Self {
            columns,
            rows: begin.len(),
            // In a sentence, a blank stands behind a comma.
            is_even: begin.len() > 1
                && begin.iter().all(|row| row.len() == columns && !row.iter().skip(1).any(|cell| cell.starts_with(' '))),
            has_names,
        })
    }
}

/// Reads the rows of a text. In a table, the first row may be the names of the columns.
///
/// # Errors
/// It has too many rows, columns or cells.
pub fn read(text: &str, format: Format, has_names: bool) -> Result<Table, TableError> {
    let mut reading = Reading::default();
    match format.delimiter() {
        Some(delimiter) => reading.table(text, delimiter, has_names)?,
        None => {
            if format == Format::Lines {
                reading.table.columns.push("text".to_owned());
            }
            for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                if format == Format::Lines {
                    reading.push(at + 1, vec![(0, Value::from(line.trim()))])?;
                } else {
                    reading.json(at + 1, line)?;
                }
            }
        }
    }
    Ok(reading.table)
}

#[derive(Default)]
struct Reading {
    table: Table,
    cells: usize,
    /// The numbers of the columns by their names.
    numbers: HashMap<String, usize>,
}

impl Reading {
    fn push(&mut self, line: usize, cells: Vec<(usize, Value)>) -> Result<(), TableError> {
        self.cells += cells.len();
        if self.cells > MOST_CELLS {
            return Err(TableError::TooManyCells);
        }
        self.table.rows.push(TableRow { line, cells });
        self.check_rows()
    }

    fn problem(&mut self, line: usize, what: impl Into<String>) -> Result<(), TableError> {
        self.table.problems.push(RowProblem { line, what: what.into() });
        self.check_rows()
    }

    fn check_rows(&self) -> Result<(), TableError> {
        let is_short = self.table.rows.len() + self.table.problems.len() <= MOST_ROWS;
        if is_short { Ok(()) } else { Err(TableError::TooManyRows) }
    }

    fn json(&mut self, line: usize, text: &str) -> Result<(), TableError> {
        // What a line becomes is counted before it is in memory: an object takes as much as several values.
        let weight = |byte: u8| match byte {
            b'{' => 7,
            b',' | b'[' => 1,
            _ => 0,
        };
        self.cells += text.bytes().map(weight).sum::<usize>();
        if self.cells > MOST_CELLS {
            return Err(TableError::TooManyCells);
        }
        let members: Map<String, Value> = match serde_json::from_str(text) {
            Ok(members) => members,
            Err(error) => return self.problem(line, format!("it is not a JSON object: {error}")),
        };
        let mut cells = Vec::with_capacity(members.len());
        for (name, value) in members {
            let next = self.numbers.len();
            let number = *self.numbers.entry(name).or_insert_with_key(|name| {
                self.table.columns.push(name.clone());
                next
            });
            if number >= MOST_COLUMNS {
                return Err(TableError::TooManyColumns);
            }
            cells.push((number, value));
        }
        cells.sort_by_key(|(number, _)| *number);
        self.push(line, cells)
    }

    fn table(&mut self, text: &str, delimiter: u8, has_names: bool) -> Result<(), TableError> {
        let records = Records::of(text, delimiter).filter(|record| !record.is_blank(text));
        // One more than are allowed, and the names: what is longer is not read to its end.
        let records: Vec<Record> = records.take(MOST_ROWS + 2).collect();
        let mut width = None;
        if records.iter().any(|record| record.columns > MOST_COLUMNS) {
            return Err(TableError::TooManyColumns);
        }
        for run in records.chunk_by(|one, next| one.is_whole && next.is_whole) {
            match run {
                [only] if !only.is_whole => {
                    self.problem(only.line, "unclosed quote, or text after a closing quote")?;
                }
                _ => self.records(text, run, delimiter, has_names, &mut width)?,
            }
        }
        Ok(())
    }

    /// Reads records that are whole, and follow each other.
    fn records(
        &mut self,
        text: &str,
        run: &[Record],
        delimiter: u8,
        has_names: bool,
        width: &mut Option<usize>,
    ) -> Result<(), TableError> {
        let [first, ..] = run else { return Ok(()) };
        let bytes = first.bytes.start..run.last().unwrap_or(first).bytes.end;
        for (line, row) in run.iter().map(|record| record.line).zip(cells(&text[bytes], delimiter)) {
            let Some(expected) = *width else {
                *width = Some(row.len());
                for (at, name) in row.iter().enumerate() {
                    // In one line, as a form sends it back.
                    let name = match name.split_whitespace().collect::<Vec<_>>().join(" ") {
                        name if has_names && !name.is_empty() => name,
                        _ => format!("Column {}", at + 1),
                    };
                    // Of two columns with one name each has its own.
                    let is_taken = self.table.columns.contains(&name);
                    if is_taken && self.table.twice.is_none() {
                        self.table.twice = Some(name.clone());
                    }
                    self.table.columns.push(if is_taken { format!("{name} ({})", at + 1) } else { name });
                }
                if !has_names {
                    self.row(line, row)?;
                }
                continue;
            };
            if row.len() == expected {
                self.row(line, row)?;
            } else {
                let cells = if row.len() == 1 { "cell" } else { "cells" };
                self.problem(line, format!("it has {} {cells}, and the first row has {expected}", row.len()))?;
            }
        }
        Ok(())
    }

    fn row(&mut self, line: usize, row: Vec<String>) -> Result<(), TableError> {
        let cells = row.into_iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(at, cell)| (at, Value::from(spreadsheet::text_of_cell(&cell)))).collect();
        self.push(line, cells)
    }
}

/// Returns the cells of records that are whole, one record after the other.
fn cells(text: &str, delimiter: u8) -> impl Iterator<Item = Vec<String>> {
    let reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(text.len().clamp(16, 8 * 1024))
        .from_reader(text.as_bytes());
    // A text in memory is read whatever stands in it.
    let rows = reader.into_records().map_while(Result::ok);
    rows.map(|row| row.iter().map(str::to_owned).collect())
}

/// A record: a line, or several where quotes have line ends in them.
struct Record {
    line: usize,
    bytes: Range<usize>,
    is_whole: bool,
    columns: usize,
}

impl Record {
    fn is_blank(&self, text: &str) -> bool {
        text[self.bytes.clone()].trim_end_matches(['\r', '\n']).is_empty()
    }
}

struct Records<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
    delimiter: u8,
    opened: Opened,
}

/// Where quotes were opened, a bit for each byte. What becomes of one depends on nothing that stands before it: where a later record comes
/// to one again, it is as broken as the record that opened it first.
#[derive(Default)]
struct Opened(Vec<u64>);

impl Opened {
    /// Notes a quote of a text of some length. Returns false if it was noted before.
    fn note(&mut self, at: usize, length: usize) -> bool {
        if self.0.is_empty() {
            self.0 = vec![0; length / 64 + 1];
        }
        let (word, bit) = (&mut self.0[at / 64], 1 << (at % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}

impl<'a> Records<'a> {
    fn of(text: &'a str, delimiter: u8) -> Self {
        Self { text: text.as_bytes(), at: 0, line: 1, delimiter, opened: Opened::default() }
    }

    /// Returns where the record ends that begins here, and how many columns it has; nothing where its quotes are not whole.
    fn end_of_record(&mut self) -> Option<(usize, usize)> {
        let (text, mut at, mut columns) = (self.text, self.at, 1);
        loop {
            if text.get(at) == Some(&b'"') {
                if !self.opened.note(at, text.len()) {
                    return None;
                }
                at += 1;
                loop {
                    at += memchr(b'"', &text[at..])? + 1;
                    if text.get(at) != Some(&b'"') {
                        break;
                    }
                    at += 1;
                }
                match text.get(at) {
                    None => return Some((at, columns)),
                    Some(b'\r' | b'\n') => return Some((at + end_of_line(&text[at..]), columns)),
                    Some(next) if *next == self.delimiter => (at, columns) = (at + 1, columns + 1),
                    Some(_) => return None,
                }
                continue;
            }
            match memchr3(self.delimiter, b'\r', b'\n', &text[at..]) {
                Some(next) if text[at + next] == self.delimiter => (at, columns) = (at + next + 1, columns + 1),
                Some(next) => return Some((at + next + end_of_line(&text[at + next..]), columns)),
                None => return Some((text.len(), columns)),
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let whole = self.end_of_record();
        let length = whole.map_or_else(|| end_of_line(rest), |(end, _)| end - self.at);
        let columns = whole.map_or(1, |(_, columns)| columns);
        let record = Record { line: self.line, bytes: self.at..self.at + length, is_whole: whole.is_some(), columns };
        self.at += length;
        self.line += line_ends(&rest[..length]);
        Some(record)
    }
}

/// Returns where the line ends that a text begins with, its end included.
fn end_of_line(text: &[u8]) -> usize {
    match memchr2(b'\r', b'\n', text) {
        Some(end) if text[end] == b'\r' && text.get(end + 1) == Some(&b'\n') => end + 2,
        Some(end) => end + 1,
        None => text.len(),
    }
}

fn line_ends(text: &[u8]) -> usize {
    let ends = text.iter().enumerate();
    ends.filter(|(at, byte)| **byte == b'\n' || **byte == b'\r' && text.get(at + 1) != Some(&b'\n')).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn texts(table: &Table) -> Vec<(usize, Vec<&str>)> {
        let rows = table.rows.iter();
        rows.map(|row| (row.line, row.cells.iter().filter_map(|(_, value)| value.as_str()).collect())).collect()
    }

    #[test]
    fn a_broken_quote_is_one_line_and_the_others_are_read() {
        let text =
            "id,text\r\na,\"One,\r\n\"\"two\"\"\"\r\n\r\nb,\"not closed\nc,5\" pipe\nd,\"closed\" early\ne\n\"'=f\",\"'=1\"";
        let table = read(text, Format::Comma, true).unwrap();
        assert_eq!(table.columns, ["id", "text"]);
        assert_eq!(texts(&table), [(2, vec!["a", "One,\r\n\"two\""]), (6, vec!["c", "5\" pipe"]), (9, vec!["=f", "=1"])]);
        let problems: Vec<(usize, &str)> = table.problems.iter().map(|problem| (problem.line, problem.what.as_str())).collect();
        let broken = "unclosed quote, or text after a closing quote";
        assert_eq!(problems, [(5, broken), (7, broken), (8, "it has 1 cell, and the first row has 2")]);
        let table = read("a,b,a,b\n", Format::Comma, true).unwrap();
        assert_eq!((table.columns.join(" "), table.twice.as_deref()), ("a b a (3) b (4)".to_owned(), Some("a")));
        let table = read("a;b\n;c", Format::Semicolon, false).unwrap();
        assert_eq!((table.columns, table.rows.len()), (vec!["Column 1".to_owned(), "Column 2".to_owned()], 2));
    }

    #[test]
    fn json_lines_and_plain_lines_are_rows() {
        let text = "{\"text\": \"One\", \"n\": null}\n\n[1]\n{\"n\": [1], \"text\": \"Two\"}\r\n";
        let table = read(text, Format::JsonLines, true).unwrap();
        assert_eq!(table.columns, ["text", "n"]);
        let rows: Vec<_> = table.rows.iter().map(|row| (row.line, row.cells.clone())).collect();
        assert_eq!(rows, [(1, vec![(0, json!("One")), (1, json!(null))]), (4, vec![(0, json!("Two")), (1, json!([1]))])]);
        assert_eq!(table.problems[0].line, 3);
        assert!(table.problems[0].what.starts_with("it is not a JSON object"));
        let table = read(" One, or two?\n\n=3", Format::Lines, true).unwrap();
        assert_eq!(texts(&table), [(1, vec!["One, or two?"]), (3, vec!["=3"])]);
    }

    #[test]
    fn what_a_text_is_shows_in_its_beginning() {
        for (text, file, format) in [
            ("{\"text\": \"a\"}\n", "", Format::JsonLines),
            ("text,zip\nHello, you\n", "", Format::Comma),
            ("Frage;Land;PLZ\na;b;c\nd;e;f\n", "", Format::Semicolon),
            ("id;text\n1;\"a,b,c\"\n", "", Format::Semicolon),
            ("Frage\tLand\na, b\tc\n", "", Format::Tab),
            ("Hello, where is it?\nWhen, and how?\nWell, who?\n", "", Format::Lines),
            ("Hello, where is it?\n", "q.csv", Format::Comma),
            ("Hello\n", "q.TSV", Format::Tab),
            ("Where is it?\n", "q.txt", Format::Lines),
            ("{ not JSON\n", "q.jsonl", Format::JsonLines),
            ("", "", Format::Lines),
        ] {
            assert_eq!(Format::guess(text, file), format, "{text:?}");
        }
        for (format, key) in Format::ALL {
            assert_eq!((Format::of_key(key), format.key()), (Some(format), key));
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_in_memory() {
        assert_eq!(read(&"a\n".repeat(MOST_ROWS + 1), Format::Lines, true), Err(TableError::TooManyRows));
        assert_eq!(read(&"\"\n\"a".repeat(MOST_ROWS + 1), Format::Comma, true).unwrap_err(), TableError::TooManyRows);
        assert_eq!(read(&",".repeat(MOST_COLUMNS), Format::Comma, true), Err(TableError::TooManyColumns));
        assert_eq!(read(&("a,".repeat(20) + "\n").repeat(60_000), Format::Comma, false), Err(TableError::TooManyCells));
        assert_eq!(read(&"a\n".repeat(MOST_ROWS), Format::Lines, true).unwrap().rows.len(), MOST_ROWS);
        let nested = format!("{{\"a\":[{}]}}", "{\"\":0},".repeat(200_000));
        assert_eq!(read(&nested, Format::JsonLines, true), Err(TableError::TooManyCells));
        let wide = "a,b\n".to_owned() + &",".repeat(MOST_COLUMNS);
        assert_eq!(read(&wide, Format::Comma, true), Err(TableError::TooManyColumns));
        assert!(Shape::of(&wide, b',').is_none());
    }

    /// Each line opens a quote in which the line before is closed, so that all of them are broken. Reading each to the end of the text
    /// would be about 10^11 steps.
    #[test]
    fn broken_quotes_are_read_once() {
        let text = "x\",\"\n".repeat(MOST_ROWS - 1);
        let table = read(&text, Format::Comma, false).unwrap();
        assert_eq!((table.rows.len(), table.problems.len()), (0, MOST_ROWS - 1));
        assert_eq!(Format::guess(&text, "q.csv"), Format::Comma);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(rows in prop::collection::vec(prop::collection::vec("[a=+,;\"'\r\n ]{0,6}", 3), 1..8)) {
            let text: String = rows.iter().map(|row| spreadsheet::row(row.iter().map(|cell| format!("{cell}x")))).collect();
            let table = read(&text, Format::Comma, false).unwrap();
            prop_assert!(table.problems.is_empty(), "{:?}", table.problems);
            let found: Vec<Vec<String>> = table.rows.iter()
                .map(|row| row.cells.iter().map(|(_, value)| value.as_str().unwrap().to_owned()).collect()).collect();
            let written: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| format!("{cell}x")).collect()).collect();
            prop_assert_eq!(found, written);
        }

        #[test]
        fn every_line_of_any_text_is_read_or_told(text in "([ab,\";]|\r\n|\n){0,40}") {
            for delimiter in [Format::Comma, Format::Semicolon] {
                let table = read(&text, delimiter, false).unwrap();
                let records: Vec<Record> = Records::of(&text, delimiter.delimiter().unwrap()).collect();
                prop_assert_eq!(records.iter().map(|record| record.bytes.len()).sum::<usize>(), text.len());
                let wanted = records.iter().filter(|record| !record.is_blank(&text)).count();
                prop_assert_eq!(table.rows.len() + table.problems.len(), wanted);
                let lines: Vec<usize> = records.iter().filter(|record| !record.is_blank(&text)).map(|record| record.line).collect();
                let mut found: Vec<usize> = table.rows.iter().map(|row| row.line)
                    .chain(table.problems.iter().map(|problem| problem.line)).collect();
                found.sort_unstable();
                prop_assert_eq!(found, lines);
            }
        }
    }
}
