//! A body that came as a whole: where its bytes are, what it may become, and what becomes of it.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use futures_util::StreamExt as _;
use keepstep_base::Digest;
use keepstep_platform::{Error, PARSED, Platform, Share};
use memchr::memchr2;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

/// What is longer is written to a file as it comes.
const IN_MEMORY: usize = 32 * 1024;

/// What is shorter becomes so little that it is not counted.
const UNCOUNTED: usize = 1024;

/// How deeply the values of a body may be nested.
const DEEPEST: usize = 100;

/// What the parts of a body become, in bytes of memory.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// A value of any kind.
    pub value: usize,
    /// An object, beside that.
    pub object: usize,
    /// The most that a body may become, in bytes.
    pub most: usize,
}

impl Cost {
    /// Where objects become maps of values, as most do that clients may fill as they like. A map with one member takes 500 bytes,
    /// a value 72.
    pub const ANY: Self = Self { value: 80, object: 480, most: PARSED * 1024 };
}

/// What the text of a body has in it, counted as it comes.
#[derive(Debug, Default)]
struct Counted {
    bytes: usize,
    values: usize,
    objects: usize,
    depth: usize,
    deepest: usize,
    first: Option<u8>,
    in_text: bool,
    escaped: bool,
}

impl Counted {
    fn add(&mut self, mut bytes: &[u8]) {
        self.bytes += bytes.len();
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.escaped {
                self.escaped = false;
                bytes = rest;
            } else if self.in_text {
                let Some(end) = memchr2(b'"', b'\\', bytes) else { return };
                self.escaped = bytes[end] == b'\\';
                self.in_text = self.escaped;
                bytes = &bytes[end + 1..];
            } else {
                if self.first.is_none() && !byte.is_ascii_whitespace() {
                    self.first = Some(byte);
                }
                match byte {
                    b'"' => self.in_text = true,
                    b',' => self.values += 1,
                    b'{' | b'[' => {
                        self.values += 1;
                        self.objects += usize::from(byte == b'{');
                        self.depth += 1;
                        self.deepest = self.deepest.max(self.depth);
                    }
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                bytes = rest;
            }
        }
    }

    /// Returns what the body may become, in bytes.
    fn becomes(&self, cost: Cost) -> usize {
        let parts = self.values.saturating_mul(cost.value).saturating_add(self.objects.saturating_mul(cost.object));
        self.bytes.saturating_add(parts)
    }
}

/// Where the bytes are.
enum Storage {
    Memory(Vec<u8>),
    File { file: File, _share: Share },
}

/// A body that came as a whole.
pub struct Received {
    place: Storage,
    counted: Counted,
    hash: Sha256,
}

impl Received {
    /// Reads a body of at most so many bytes. The digest is of what comes before and of the body.
    ///
    /// # Errors
    /// It is longer, comes too slowly or is cut off; or the disk failed.
    pub async fn read(headers: &HeaderMap, body: Body, platform: &Platform, limit: usize, before: &[u8]) -> Result<Self, Error> {
        let too_large = || Error::TooLarge { what: "The body".into(), limit: limit as u64 };
        if announced_length(headers).is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut hash = Sha256::new_with_prefix(before);
        let mut counted = Counted::default();
        let mut memory = Vec::new();
        let mut spool: Option<(tokio::fs::File, Share)> = None;
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| Error::Invalid(unread(&error).to_owned()))?;
            if counted.bytes + piece.len() > limit {
                return Err(too_large());
            }
            counted.add(&piece);
            hash.update(&piece);
            if spool.is_none() && memory.len() + piece.len() > IN_MEMORY {
                let share = platform.budgets.spool().await?;
                let mut file = tokio::fs::File::from_std(platform.scratch_file()?);
                file.write_all(&memory).await.map_err(keepstep_store::StoreError::from_disk)?;
                memory = Vec::new();
                spool = Some((file, share));
            }
            match &mut spool {
                Some((file, _)) => file.write_all(&piece).await.map_err(keepstep_store::StoreError::from_disk)?,
                None => memory.extend_from_slice(&piece),
            }
        }
        let place = match spool {
            None => Storage::Memory(memory),
            Some((mut file, _share)) => {
                file.flush().await.map_err(keepstep_store::StoreError::from_disk)?;
                Storage::File { file: file.into_std().await, _share }
            }
        };
        Ok(Self { place, counted, hash })
    }

    /// Returns true if there is no body.
    pub fn is_empty(&self) -> bool {
        self.counted.bytes == 0
    }

    /// Returns the first byte that is no white space.
    pub fn first(&self) -> Option<u8> {
        if self.is_empty() { None } else { Some(self.counted.first.unwrap_or(b' ')) }
    }

    /// Returns the digest of what was read.
    pub fn digest(&self) -> Digest {
        Digest::from_bytes(self.hash.clone().finalize().into())
    }

    /// Returns what the JSON of the body says, with what it takes of the memory. An empty body reads as `{}`.
    ///
    /// # Errors
    /// It is nested too deeply, has too many values, or is not what was expected; or there is no memory for it now.
    pub async fn parse<T: DeserializeOwned + Send + 'static>(
        self,
        platform: &Platform,
        cost: Cost,
        unexpected: impl Fn(serde_json::Error) -> Error,
    ) -> Result<(T, Option<Share>), Error> {
        let becomes = self.counted.becomes(cost);
        if self.counted.deepest > DEEPEST {
            return Err(Error::Invalid(format!("The body is nested more deeply than {DEEPEST} values.")));
        }
        if becomes > cost.most {
            return Err(Error::TooManyValues(self.counted.values));
        }
        let share = if self.counted.bytes < UNCOUNTED { None } else { Some(platform.budgets.parsed(becomes).await?) };
        let value = match self.place {
            Storage::Memory(bytes) if bytes.is_empty() => serde_json::from_slice(b"{}"),
            Storage::Memory(bytes) => serde_json::from_slice(&bytes),
            Storage::File { mut file, _share } => {
                let parse = move || {
                    file.rewind().map_err(serde_json::Error::io)?;
                    serde_json::from_reader(BufReader::with_capacity(2 * IN_MEMORY, file))
                };
                platform.budgets.work(parse).await?
            }
        };
        match value {
            Ok(value) => Ok((value, share)),
            Err(error) if error.is_io() => Err(keepstep_store::StoreError::Storage(io::Error::other(error)).into()),
            Err(error) => Err(unexpected(error)),
        }
    }

    /// Returns the bytes, with what they and what they become take of the memory: so many times their length.
    ///
    /// # Errors
    /// There is no memory for them now, or the disk failed.
    pub async fn bytes(self, platform: &Platform, times: usize) -> Result<(Vec<u8>, Option<Share>), Error> {
        match self.place {
            Storage::Memory(bytes) => Ok((bytes, None)),
            Storage::File { mut file, _share } => {
                let share = platform.budgets.parsed(self.counted.bytes.saturating_mul(times)).await?;
                let read = move || {
                    let mut bytes = Vec::with_capacity(self.counted.bytes);
                    file.rewind()?;
                    file.read_to_end(&mut bytes)?;
                    io::Result::Ok(bytes)
                };
                Ok((platform.budgets.work(read).await?.map_err(keepstep_store::StoreError::from_disk)?, Some(share)))
            }
        }
    }
}

/// Returns why a body did not come as a whole.
fn unread(error: &axum::Error) -> &'static str {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(next) = cause {
        if next.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return "The body came too slowly.";
        }
        cause = next.source();
    }
    "The body was cut off."
}

/// Returns the length that a request announces for its body.
pub fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn counted(text: &str, piece: usize) -> (usize, usize, usize) {
        let mut counted = Counted::default();
        text.as_bytes().chunks(piece).for_each(|piece| counted.add(piece));
        (counted.values, counted.objects, counted.deepest)
    }

    fn objects(value: &Value) -> usize {
        match value {
            Value::Object(members) => 1 + members.values().map(objects).sum::<usize>(),
            Value::Array(items) => items.iter().map(objects).sum(),
            _ => 0,
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![Just(Value::Null), any::<i32>().prop_map(Value::from), "[a-z\\\\\"{}\\[\\],]{0,6}".prop_map(Value::from)];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-z\\\\\"{}]{0,4}", inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_in_texts_is_not_counted(value in any_json(), piece in 1..9_usize) {
            let text = value.to_string();
            let (_, found, _) = counted(&text, piece);
            prop_assert_eq!(found, objects(&value));
            prop_assert_eq!(counted(&text, piece), counted(&text, 1000));
        }
    }

    #[test]
    fn many_small_values_become_much() {
        let wide = format!("{{\"a\":[{}]}}", vec!["{\"\":0}"; 1000].join(","));
        let mut counts = Counted::default();
        counts.add(wide.as_bytes());
        // As many bytes as a thousand maps take.
        assert!(counts.becomes(Cost::ANY) > 1000 * 500, "{}", counts.becomes(Cost::ANY));
        assert_eq!(counted(&json!([[[{}]]]).to_string(), 3), (4, 1, 4));
    }
}
