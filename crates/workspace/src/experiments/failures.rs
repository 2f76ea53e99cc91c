//! `errors.json`, one entry after the other.

use std::io::Read;

use serde::de::{DeserializeSeed, Error};
use serde_json::Value;

use crate::entries::Entries;

/// Gives each failure of the file to a function: the entries of a list (0.3.3), or of the member `failures` (0.4.0).
pub(crate) fn each(input: impl Read, mut take: impl FnMut(Value)) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_reader(input);
    let is_list = Entries::of("failures", &mut take).deserialize(&mut deserializer)?;
    if is_list { Ok(()) } else { Err(Error::custom("not a list of failures")) }
}
