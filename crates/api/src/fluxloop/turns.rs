//! `/api/sync/turns`: what was said. A turn there is the one of an upload, with the id of its run.

pub use keepstep_results::turn::Turn;
