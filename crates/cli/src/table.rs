//! Lists for people: one line for each thing, in columns.

use crate::printer::{Label, Printer, Text};
use crate::visible::visible_line;

/// Prints rows below their headings. Every cell is made visible and fits on its line.
pub(crate) fn print(printer: &Printer, headings: &[&str], rows: &[Vec<String>]) {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| cell_text(cell)).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings.get(column).map_or(0, |heading| heading.chars().count())]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    printer.answer(Text::of(Label::Heading, line(headings.to_vec())));
    for row in &rows {
        printer.answer(line(row.iter().map(String::as_str).collect()));
    }
}

/// Returns the day of a time as servers send it.
pub(crate) fn day(time: &str) -> String {
    time.split(['T', ' ']).next().unwrap_or_default().to_owned()
}

fn cell_text(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = visible_line(text);
    if line.chars().count() <= LONGEST { line } else { line.chars().take(LONGEST - 1).chain(['…']).collect() }
}
