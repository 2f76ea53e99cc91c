//! A run as other programs read it.

pub mod csv;
pub mod github;
pub mod junit;
