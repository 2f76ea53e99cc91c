//! A criterion: what a good answer is, and whether a case holds it.
//!
//! [`Criterion`] reads what is written, and says what is wrong with it. Its [`Check`] looks at a case ([`Check::check`]); where a program or a
//! model has to be asked, it says nothing, and whoever has them asks.

mod check;
mod item;

pub use check::{Check, Cost, Expected, Finding, Schema, Text, Tool, shortened};
pub use item::{Criterion, ReadDocument, Source, duration_of};
