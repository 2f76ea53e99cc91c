//! Two databases behind one store: SQL in the subset that SQLite and PostgreSQL share, and what differs.
//!
//! A statement is one text for both. Its parameters are `$1`, `$2`, …, which both understand; its values are texts, whole numbers,
//! truth values and bytes ([`Value`](query::Value)), and a [`Row`](row::Row) gives the same back. What the two do not share is in [`dialect`], in
//! the migrations, and in the modules that open them. Why it is so is told in `docs/design/0006-rooms-by-subject.md`.
//!
//! The statements of a subject stand in a file of its own, which implements the trait of that subject.

mod activity;
mod agents;
mod changes;
pub(crate) mod commits;
pub(crate) mod connection;
pub(crate) mod dialect;
mod drafts;
mod drift_reports;
mod migrations;
mod personas;
pub(crate) mod postgres;
mod proposals;
pub(crate) mod query;
pub(crate) mod row;
pub(crate) mod sqlite;
