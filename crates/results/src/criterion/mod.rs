//! A criterion: what a good answer is, and whether a case holds it.
//!
//! [`Criterion`] reads what is written, and says what is wrong with it. Its [`Check`] looks at a case ([`Check::check`]); where a program or a
//! model has to be asked, it says nothing, and whoever has them asks. What can be written is a table ([`KINDS`]).

mod bounds;
#[cfg(test)]
mod bounds_tests;
mod check;
mod item;
mod kinds;
mod too_much;

pub use bounds::Bounds;
pub use check::{Check, Cost, Expected, Finding, Schema, Text, Tool, shortened};
pub use item::{Criterion, ReadDocument, Source, duration_of, is_required};
pub use kinds::{COMMON, JudgedFrom, KINDS, Kind, Shape, is_addition, kind_of};
