//! Our own dialect, under `/api/v1`: what the peers' protocols lack. See [`keepstep_api::own`].

pub(crate) mod agents;
pub(crate) mod artifacts;
pub(crate) mod definition;
pub(crate) mod drift;
pub(crate) mod events;
pub(crate) mod import;
pub(crate) mod live;
pub(crate) mod personas;
pub(crate) mod revisions;
pub(crate) mod uploads;
pub(crate) mod whoami;
