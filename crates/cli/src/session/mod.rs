//! What a command works with: its surroundings, its settings, the checkout it is in, the servers it talks to.

pub(crate) mod checkout;
pub(crate) mod choice;
pub(crate) mod ci;
pub(crate) mod connection;
pub(crate) mod context;
pub(crate) mod data_file;
pub(crate) mod drift_report;
pub(crate) mod memory;
pub(crate) mod messages_left_out;
pub(crate) mod platform_data;
pub(crate) mod runtime;
pub(crate) mod scope;
pub(crate) mod secrets;
pub(crate) mod settings;
pub(crate) mod sides;
