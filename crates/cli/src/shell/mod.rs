//! What a person at a terminal meets: text, color, questions, exit codes. The only room that prints.

pub(crate) mod age;
pub(crate) mod bug;
pub(crate) mod diff_view;
pub(crate) mod exit;
pub(crate) mod failure;
pub(crate) mod interrupt;
pub(crate) mod keyboard;
pub(crate) mod label;
pub(crate) mod printer;
pub(crate) mod program;
pub(crate) mod prompt;
pub(crate) mod request_log;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod visible;
pub(crate) mod wrap;
