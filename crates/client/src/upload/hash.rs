//! The digests of a file and of its parts, in one pass.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use data_encoding::HEXLOWER;
use keepstep_api::own::uploads::{OfferedPart, PART_SIZE};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const BLOCK: usize = 256 * 1024;
/// How many blocks the second thread may be behind.
const AHEAD: usize = 4;

/// What a file is, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashed {
    /// Its length.
    pub size: u64,
    /// The SHA-256 of the whole, in hexadecimal.
    pub sha256: String,
    /// Its parts.
    pub parts: Vec<OfferedPart>,
}

/// Reads a file once and returns its digests. Each block is shown to the function on the way.
///
/// # Errors
/// Reading failed.
pub fn hash_file(path: &Path, mut look: impl FnMut(&[u8])) -> io::Result<Hashed> {
    let mut file = File::open(path)?;
    let first = read_block(&mut file)?;
    look(&first);
    if first.len() < BLOCK {
        let sha256 = HEXLOWER.encode(&Sha256::digest(&first));
        let size = first.len() as u64;
        let parts = if size == 0 { Vec::new() } else { vec![OfferedPart { sha256: sha256.clone(), size }] };
        return Ok(Hashed { size, sha256, parts });
    }
    // Every byte counts for two digests; two threads share them.
    let (sender, receiver) = sync_channel::<Arc<Vec<u8>>>(AHEAD);
    std::thread::scope(|scope| {
        let whole = scope.spawn(move || {
            let mut whole = Sha256::new();
            while let Ok(block) = receiver.recv() {
                whole.update(&*block);
            }
            HEXLOWER.encode(&whole.finalize())
        });
        let mut parts = Parts::default();
        let mut block = Arc::new(first);
        let mut size = 0;
        while !block.is_empty() {
            size += block.len() as u64;
            // The other thread only ends after this one.
            let _ = sender.send(Arc::clone(&block));
            parts.update(&block);
            block = Arc::new(read_block(&mut file)?);
            look(&block);
        }
        drop(sender);
        let sha256 = whole.join().map_err(|_| io::Error::other("the digest could not be computed"))?;
        Ok(Hashed { size, sha256, parts: parts.finish() })
    })
}

fn read_block(file: &mut File) -> io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(BLOCK);
    file.take(BLOCK as u64).read_to_end(&mut block)?;
    Ok(block)
}

#[derive(Default)]
struct Parts {
    digest: Sha256,
    size: u64,
    done: Vec<OfferedPart>,
}

impl Parts {
    fn update(&mut self, mut block: &[u8]) {
        while !block.is_empty() {
            let free = usize::try_from(PART_SIZE - self.size).unwrap_or(usize::MAX).min(block.len());
            let (now, rest) = block.split_at(free);
            self.digest.update(now);
            self.size += now.len() as u64;
            if self.size == PART_SIZE {
                self.end();
            }
            block = rest;
        }
    }

    fn end(&mut self) {
        let digest = std::mem::take(&mut self.digest).finalize();
        self.done.push(OfferedPart { sha256: HEXLOWER.encode(&digest), size: std::mem::take(&mut self.size) });
    }

    fn finish(mut self) -> Vec<OfferedPart> {
        if self.size > 0 {
            self.end();
        }
        self.done
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn check(size: usize) {
        let bytes: Vec<u8> = (0..size).map(|at| (at / 7 % 251) as u8).collect();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let mut seen = Vec::new();
        let hashed = hash_file(file.path(), |block| seen.extend_from_slice(block)).unwrap();
        assert!(seen == bytes, "{size}");
        assert_eq!(hashed.size, size as u64);
        let sha256 = |bytes: &[u8]| HEXLOWER.encode(&Sha256::digest(bytes));
        assert_eq!(hashed.sha256, sha256(&bytes));
        let part = usize::try_from(PART_SIZE).unwrap();
        let parts: Vec<OfferedPart> =
            bytes.chunks(part).map(|part| OfferedPart { sha256: sha256(part), size: part.len() as u64 }).collect();
        assert_eq!(hashed.parts, parts, "{size}");
    }

    #[test]
    fn parts_are_cut_where_they_should_be() {
        let part = usize::try_from(PART_SIZE).unwrap();
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, part - 1, part, part + 1, 2 * part] {
            check(size);
        }
    }
}
