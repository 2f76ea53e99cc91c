//! Inputs in the form in which people have them: a table of a spreadsheet, JSON Lines, or a question on each line.

mod alike;
mod columns;
mod decode;
mod rows;

pub use alike::{AlikeTexts, likeness};
pub use columns::{Meaning, guess, guess_by_name};
pub use decode::{Encoding, decode, decode_as};
pub use rows::{Format, MOST_COLUMNS, MOST_ROWS, RowProblem, Table, TableError, TableRow, read};
