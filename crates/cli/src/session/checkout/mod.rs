//! The checkout on the disk: its files, the lock, what can be undone, what waits to be sent.

pub(crate) mod current_workspace;
pub(crate) mod files;
pub(crate) mod git;
pub(crate) mod interrupted_pull;
pub(crate) mod keepstep_folder;
pub(crate) mod lock_file;
pub(crate) mod outbox;
pub(crate) mod undo_log;
pub(crate) mod workspace_env;
