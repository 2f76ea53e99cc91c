//! `/api/v1/uploads`: our own upload of an experiment. See [`keepstep_api::own::uploads`].

pub(crate) mod commit;
pub(crate) mod offer;
pub(crate) mod parts;
mod runs;
