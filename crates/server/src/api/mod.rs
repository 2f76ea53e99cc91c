//! The handlers of the API: a folder for each dialect, in it a file for each resource.

pub(crate) mod fluxloop;
pub(crate) mod health;
pub(crate) mod lua;
pub(crate) mod metrics;
pub(crate) mod own;
