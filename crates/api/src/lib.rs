//! The wire: request and response types of the lua and fluxloop dialects and of keepstep's own additions.
//!
//! Client and server both use these types, so they cannot drift apart. JSON keys are in camelCase, times are epoch
//! milliseconds, unknown keys of a response are ignored (an older client reads a newer server), and fields that are
//! `None` are left out.

pub mod error;
pub mod fluxloop;
pub mod lua;
pub mod own;

/// The header that every response of a keepstep server has: the version of the program.
///
/// A client tells by it whether the additions of this crate are there, or only the lua dialect.
pub const VERSION_HEADER: &str = "keepstep-version";

/// The header that every response of a keepstep server has: the number of the API. It only grows when an old client
/// would misread a new server.
pub const API_HEADER: &str = "keepstep-api";

/// The number that this code speaks.
pub const API_NUMBER: u32 = 1;

/// The header with which a client makes a repeated write the same write: any text of up to 200 bytes that is unique to
/// it. The lua dialect's name for it, `X-Idempotency-Key`, is accepted as well.
pub const IDEMPOTENCY_HEADER: &str = "idempotency-key";

/// The largest body of a request, in bytes.
pub const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// The largest persona, counted over all its members, in bytes of UTF-8.
pub const PERSONA_LIMIT: usize = 1024 * 1024;

/// The largest file of test data that an import takes, in bytes.
pub const IMPORT_LIMIT: usize = 128 * 1024 * 1024;
