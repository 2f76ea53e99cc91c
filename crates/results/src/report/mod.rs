//! A run as other programs read it.

pub mod github;
pub mod junit;
