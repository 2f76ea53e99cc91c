//! Talks to a platform.
//!
//! [`resolve`] decides which platform a command talks to and with which key. A [`Reader`] asks; only a [`Writer`] can
//! change anything, so that a command that must not write is given a client that cannot. Both speak two dialects and find
//! out by themselves which one the server understands: keepstep's own, where one request answers everything, every write
//! names what it replaces and a repeated write is done once; and the lua dialect, which has none of that.
//!
//! Nothing here reads environment variables or looks for the home folder; the caller passes [`Surroundings`]. (The HTTP
//! library reads the usual proxy variables by itself.) Nothing prints.

mod connection;
pub mod credentials;
mod dialect;
pub mod env_file;
mod error;
mod live;
mod options;
mod reader;
mod remote;
mod resolve;
pub mod retry;
mod secret;
mod target;
pub mod test_data;
mod text;
mod transport;
pub mod trust;
pub mod upload;
mod writer;

pub use connection::{ServiceClients, reason_of, service_client};
pub use error::{ClientError, KeyProblem};
pub use live::LiveReporter;
pub use options::{Options, Silent, Waiting};
pub use reader::{Health, Identity, Reader};
pub use remote::{Dialect, Fetched, PersonaQuery, RemoteAgent};
pub use resolve::{About, ResolveError, Surroundings, TargetOptions, resolve};
pub use secret::Secret;
pub use target::{Key, KeyOrigin, LUA_SERVICE, Target, Tool, UrlOrigin, Withheld, is_loopback, parse_url, same_server};
pub use test_data::TestData;
pub use text::visible;
pub use transport::{Sink, SinkError};
pub use writer::Writer;
