//! The handlers of the API, a file for each resource.

pub(crate) mod agents;
pub(crate) mod artifacts;
pub(crate) mod definition;
pub(crate) mod events;
pub(crate) mod fluxloop;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod lua;
pub(crate) mod metrics;
pub(crate) mod personas;
pub(crate) mod revisions;
pub(crate) mod uploads;
pub(crate) mod whoami;
