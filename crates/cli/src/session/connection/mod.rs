//! Servers: which one, with which key, and the conversation with it.

pub(crate) mod connecting;
pub(crate) mod device_login;
pub(crate) mod renewed_login;
pub(crate) mod server;
pub(crate) mod server_timeout;
pub(crate) mod test_data_server;
pub(crate) mod trusted;
pub(crate) mod uploaded;
