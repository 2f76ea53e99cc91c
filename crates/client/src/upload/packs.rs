//! Which parts go up together.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use keepstep_api::uploads::{OfferedPart, PACK_SIZE, PART_SIZE};

use crate::upload::manifest::Manifest;

/// How many parts one request brings at most: their names are in a header, and proxies take 8 KiB of those.
const MOST_PARTS: usize = 100;

/// Where a part is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) part: OfferedPart,
}

/// Returns the packs that bring the missing parts, each part once. What is missing and nobody offered is left out.
pub(crate) fn plan(manifest: &Manifest, missing: &[String]) -> Vec<Vec<Piece>> {
    let wanted: BTreeSet<&str> = missing.iter().map(String::as_str).collect();
    let mut found: HashMap<&str, Piece> = HashMap::new();
    for file in &manifest.files {
        for (place, part) in (0u64..).zip(&file.offered.parts) {
            if wanted.contains(part.sha256.as_str()) {
                let piece = || Piece { path: file.path.clone(), offset: place * PART_SIZE, part: part.clone() };
                found.entry(&part.sha256).or_insert_with(piece);
            }
        }
    }
    let mut packs: Vec<Vec<Piece>> = Vec::new();
    let mut size = 0;
    for piece in missing.iter().filter_map(|sha256| found.remove(sha256.as_str())) {
        match packs.last_mut() {
            Some(pack) if size + piece.part.size <= PACK_SIZE && pack.len() < MOST_PARTS => {
                size += piece.part.size;
                pack.push(piece);
            }
            _ => {
                size = piece.part.size;
                packs.push(vec![piece]);
            }
        }
    }
    packs
}

#[cfg(test)]
mod tests {
    use keepstep_api::uploads::{Commit, OfferedFile};
    use proptest::prelude::*;

    use super::*;
    use crate::upload::manifest::ManifestFile;

    fn manifest(files: &[Vec<(u8, u64)>]) -> Manifest {
        let file = |parts: &Vec<(u8, u64)>| ManifestFile {
            path: PathBuf::from("f"),
            offered: OfferedFile {
                file_type: "traces".to_owned(),
                name: "f".to_owned(),
                run_id: None,
                size: parts.iter().map(|(_, size)| size).sum(),
                sha256: String::new(),
                parts: parts.iter().map(|(name, size)| OfferedPart { sha256: name.to_string(), size: *size }).collect(),
            },
        };
        let commit = Commit { runs_sha256: String::new(), started_at: None, completed_at: None, details: serde_json::Map::new() };
        let files = files.iter().map(file).collect();
        let text = String::new;
        Manifest {
            project_id: text(),
            bundle_version_id: text(),
            experiment_id: text(),
            files,
            commit,
            first_run: None,
            all_succeeded: true,
        }
    }

    proptest! {
        #[test]
        fn f14_every_missing_part_goes_up_once_and_packs_have_a_limit(
            files in proptest::collection::vec(proptest::collection::vec((any::<u8>(), 1..=PART_SIZE), 0..40), 0..6),
            missing in proptest::collection::btree_set(any::<u8>(), 0..256),
        ) {
            let missing: Vec<String> = missing.iter().map(u8::to_string).collect();
            let manifest = manifest(&files);
            let packs = plan(&manifest, &missing);
            let sent: Vec<&str> = packs.iter().flatten().map(|piece| piece.part.sha256.as_str()).collect();
            let offered: BTreeSet<String> = files.iter().flatten().map(|(name, _)| name.to_string()).collect();
            let expected: Vec<&str> = missing.iter().filter(|name| offered.contains(*name)).map(String::as_str).collect();
            prop_assert_eq!(sent, expected);
            for pack in &packs {
                prop_assert!(!pack.is_empty() && pack.len() <= MOST_PARTS);
                prop_assert!(pack.iter().map(|piece| piece.part.size).sum::<u64>() <= PACK_SIZE);
            }
        }
    }
}
