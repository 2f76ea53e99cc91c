//! What a browser sends: forms, the proof that they are ours, and what a person meant by them.

pub(crate) mod before_session;
pub(crate) mod brought;
pub(crate) mod criterion;
pub(crate) mod csrf;
pub(crate) mod edit;
pub(crate) mod gate;
pub(crate) mod input;
pub(crate) mod next;
pub(crate) mod persona;
pub(crate) mod posted;
pub(crate) mod problem;
pub(crate) mod sheet;
pub(crate) mod text;
