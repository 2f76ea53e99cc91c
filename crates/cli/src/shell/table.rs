//! Lists for people: one line for each thing, in columns.

use unicode_width::UnicodeWidthStr as _;

use crate::shell::printer::{Label, Printer, Text};
use crate::shell::visible::visible_line;
use crate::shell::wrap::cut;

/// What is between two columns.
const GAP: usize = 2;

/// The narrowest that a column becomes where a table does not fit.
const NARROWEST: usize = 6;

/// The longest text of a cell.
const LONGEST: usize = 60;

/// The heading of what names a thing to other commands.
const ID: &str = "ID";

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<'a> {
    heading: &'a str,
    is_number: bool,
}

impl<'a> Column<'a> {
    /// Returns a column of text.
    pub(crate) fn text(heading: &'a str) -> Self {
        Self { heading, is_number: false }
    }

    /// Returns a column of numbers, which stand at its right edge.
    pub(crate) fn number(heading: &'a str) -> Self {
        Self { heading, is_number: true }
    }
}

/// Prints rows below their headings. Every cell is made visible and fits on its line.
pub(crate) fn print(printer: &Printer, headings: &[&str], rows: &[Vec<String>]) {
    let columns: Vec<Column<'_>> = headings.iter().map(|heading| Column::text(heading)).collect();
    print_columns(printer, &columns, rows);
}

/// Prints rows below the headings of columns, as wide as the terminal at most. A column without a text is left out.
pub(crate) fn print_columns(printer: &Printer, columns: &[Column<'_>], rows: &[Vec<String>]) {
    for (index, line) in lines(columns, rows, printer.width()).into_iter().enumerate() {
        printer.answer(Text::of(if index == 0 { Label::Heading } else { Label::Plain }, line));
    }
}

fn lines(columns: &[Column<'_>], rows: &[Vec<String>], width: Option<usize>) -> Vec<String> {
    let is_used = |place: &usize| !columns[*place].heading.is_empty() || rows.iter().any(|row| !row[*place].is_empty());
    let used: Vec<usize> = (0..columns.len()).filter(is_used).collect();
    let cells = |row: &[String]| used.iter().map(|place| cut(&visible_line(&row[*place]), LONGEST)).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| cells(row)).collect();
    let headings: Vec<String> = used.iter().map(|place| columns[*place].heading.to_owned()).collect();
    let all = || std::iter::once(&headings).chain(&rows);
    let mut widths: Vec<usize> = (0..used.len()).map(|at| all().map(|row| row[at].width()).max().unwrap_or(0)).collect();
    while let Some(width) = width
        && widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1) > width
    {
        // The widest gives way first. What is still too wide then is broken by whoever prints it.
        // An id is there to be copied: it gives way last.
        let is_id = |at: usize| columns[used[at]].heading == ID;
        let Some(at) = (0..widths.len()).filter(|at| widths[*at] > NARROWEST).max_by_key(|at| (!is_id(*at), widths[*at])) else {
            break;
        };
        widths[at] -= 1;
    }
    let line = |row: &Vec<String>| {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            let cell = cut(cell, widths[at]);
            let blanks = " ".repeat(widths[at] - cell.width());
            line.push_str(if at > 0 { "  " } else { "" });
            line.push_str(&if columns[used[at]].is_number { blanks + &cell } else { cell + &blanks });
        }
        line.trim_end().to_owned()
    };
    all().map(line).collect()
}

/// Returns the day of a time as servers send it.
pub(crate) fn day(time: &str) -> String {
    time.split(['T', ' ']).next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_and_hold_wide_characters() {
        let columns = [Column::number("N"), Column::text("NAME"), Column::text(""), Column::text("TEXT")];
        let row = |number: &str, name: &str, text: &str| vec![number.to_owned(), name.to_owned(), String::new(), text.to_owned()];
        let rows = [row("9", "한국", "short"), row("10", "ab", &"long ".repeat(10))];
        insta::assert_snapshot!(lines(&columns, &rows, None).join("\n"), @"
         N  NAME  TEXT
         9  한국  short
        10  ab    long long long long long long long long long long
        ");
        let narrow = lines(&columns, &rows, Some(30));
        assert!(narrow.iter().all(|line| line.width() <= 30), "{narrow:?}");
        assert!(narrow[2].ends_with('…'));
    }

    #[test]
    fn an_id_is_whole_where_another_column_can_give_way() {
        let columns = [Column::text("ID"), Column::text("SCENARIO"), Column::number("INPUTS")];
        let row = ["inputs_ce2c3540160cf4e5", "scenario_90e63291fcb414a9", "5"].map(str::to_owned).to_vec();
        insta::assert_snapshot!(lines(&columns, &[row], Some(48)).join("\n"), @"
        ID                       SCENARIO         INPUTS
        inputs_ce2c3540160cf4e5  scenario_90e63…       5
        ");
    }
}
