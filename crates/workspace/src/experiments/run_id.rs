//! The ids of runs, which are the same however often an experiment is read.

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// Returns the id if it is a UUID, in its usual form.
pub(crate) fn uuid(text: &str) -> Option<String> {
    // Only with hyphens: a number of 32 digits is nobody's UUID.
    (text.len() == 36).then(|| Uuid::try_parse(text).ok().map(|id| id.to_string())).flatten()
}

/// Returns a UUID that these texts always give and, for all purposes, no others.
pub(crate) fn derived(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    digest.update(b"keepstep run\0");
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part.as_bytes());
    }
    let digest = digest.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Returns what stands for an id in an index: it has a fixed size and does not repeat.
pub(crate) fn key(id: &str) -> u128 {
    let digest = Sha256::digest(id.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    u128::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f13_ids_are_the_same_each_time() {
        assert_eq!(uuid("0F22BBD9-b3a6-407d-b432-abb7d215331f").as_deref(), Some("0f22bbd9-b3a6-407d-b432-abb7d215331f"));
        for text in ["0f22bbd9b3a6407db432abb7d215331f", "trace-1", "", "{0f22bbd9-b3a6-407d-b432-abb7d215331}"] {
            assert_eq!(uuid(text), None, "{text:?}");
        }
        let id = derived(&["exp_1", "trace-1", "1"]);
        insta::assert_snapshot!(id, @"609389f1-6dde-813e-9c43-a8cb19be021d");
        assert_eq!(uuid(&id).as_deref(), Some(id.as_str()));
        assert_ne!(derived(&["a", "bc"]), derived(&["ab", "c"]));
    }
}
