//! Which parts go up together.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use keepstep_api::own::uploads::{OfferedPart, PACK_PARTS, PACK_SIZE, PART_SIZE};

use crate::upload::manifest::Manifest;
use crate::upload::progress::AT_ONCE;

/// How long the header may be that names the parts of a pack: proxies take 8 KiB of all headers.
const LONGEST_HEADER: usize = 6 * 1024;
/// A pack is worth a request of its own from this size on.
const SMALLEST_PACK: u64 = 1024 * 1024;

/// Where a part is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) path: PathBuf,
    pub(crate) offset: u64,
    pub(crate) part: OfferedPart,
    /// The place of its file in the offer, where the file has no other part.
    file: Option<usize>,
}

/// Parts that go up in one request.
#[derive(Debug, Default)]
pub(crate) struct Pack {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) size: u64,
    names: Vec<Name>,
}

#[derive(Debug)]
enum Name {
    /// The parts of files that follow one another in the offer: the first and the last.
    Files(usize, usize),
    Part(OfferedPart),
}

impl Pack {
    /// Returns the header that names the parts.
    pub(crate) fn header(&self) -> String {
        let name = |name: &Name| match name {
            Name::Files(first, last) => format!("{first}-{last}"),
            Name::Part(part) => format!("{}:{}", part.sha256, part.size),
        };
        self.names.iter().map(name).collect::<Vec<_>>().join(",")
    }

    fn has_room(&self, piece: &Piece, aim: u64) -> bool {
        // No name is longer: a digest, a colon, the size of a part, a comma.
        let header = (self.names.len() + 1) * (64 + 1 + 7 + 1);
        self.size + piece.part.size <= aim && self.pieces.len() < PACK_PARTS && header <= LONGEST_HEADER
    }

    fn push(&mut self, piece: Piece) {
        self.size += piece.part.size;
        match (piece.file, self.names.last_mut()) {
            (Some(file), Some(Name::Files(_, last))) if *last + 1 == file => *last = file,
            (Some(file), _) => self.names.push(Name::Files(file, file)),
            (None, _) => self.names.push(Name::Part(piece.part.clone())),
        }
        self.pieces.push(piece);
    }
}

/// Returns the packs that bring the missing parts, each part once. What is missing and nobody offered is left out.
pub(crate) fn plan(manifest: &Manifest, missing: &[String]) -> Vec<Pack> {
    let wanted: BTreeSet<&str> = missing.iter().map(String::as_str).collect();
    let mut found: HashMap<&str, Piece> = HashMap::with_capacity(missing.len());
    for (place, file) in manifest.files.iter().enumerate() {
        let parts = &file.offered.parts;
        let only = (parts.len() == 1).then_some(place);
        for (number, part) in (0u64..).zip(parts).filter(|(_, part)| wanted.contains(part.sha256.as_str())) {
            let piece = || Piece { path: file.path.clone(), offset: number * PART_SIZE, part: part.clone(), file: only };
            found.entry(&part.sha256).or_insert_with(piece);
        }
    }
    let pieces: Vec<Piece> = missing.iter().filter_map(|sha256| found.remove(sha256.as_str())).collect();
    // As few as possible, and still enough for all that may be under way at the same time.
    let total: u64 = pieces.iter().map(|piece| piece.part.size).sum();
    let aim = total.div_ceil(AT_ONCE as u64).clamp(SMALLEST_PACK, PACK_SIZE);
    let mut packs: Vec<Pack> = Vec::new();
    for piece in pieces {
        match packs.last_mut() {
            Some(pack) if pack.has_room(&piece, aim) => pack.push(piece),
            _ => {
                let mut pack = Pack::default();
                pack.push(piece);
                packs.push(pack);
            }
        }
    }
    packs
}

#[cfg(test)]
mod tests {
    use keepstep_api::own::uploads::{Commit, OfferedFile};
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

    /// Returns what a header means to the platform.
    fn named(files: &[Vec<(u8, u64)>], header: &str) -> Vec<OfferedPart> {
        let part = |sha256: &str, size: u64| OfferedPart { sha256: sha256.to_owned(), size };
        let name = |name: &str| match name.split_once(':') {
            Some((sha256, size)) => vec![part(sha256, size.parse().unwrap())],
            None => {
                let (first, last) = name.split_once('-').unwrap();
                let files = &files[first.parse().unwrap()..=last.parse().unwrap()];
                files.iter().flatten().map(|(name, size)| part(&name.to_string(), *size)).collect()
            }
        };
        header.split(',').flat_map(name).collect()
    }

    #[test]
    fn many_small_files_are_few_requests_with_short_headers() {
        let files: Vec<Vec<(u8, u64)>> = (0..250).map(|number| vec![(number, 2000)]).collect();
        let missing: Vec<String> = (0..250).filter(|number| *number != 7).map(|number: u8| number.to_string()).collect();
        let packs = plan(&manifest(&files), &missing);
        assert_eq!(packs.iter().map(Pack::header).collect::<Vec<_>>(), ["0-6,8-249"]);
    }

    fn part() -> impl Strategy<Value = (u8, u64)> {
        // Mostly small ones; a name always has the same size.
        any::<u8>().prop_map(|name| (name, if name % 8 == 0 { PART_SIZE - u64::from(name) } else { 1 + u64::from(name) }))
    }

    proptest! {
        #[test]
        fn f14_every_missing_part_goes_up_once_and_packs_have_a_limit(
            files in proptest::collection::vec(proptest::collection::vec(part(), 0..4), 0..60),
            missing in proptest::collection::btree_set(any::<u8>(), 0..256),
        ) {
            let missing: Vec<String> = missing.iter().map(u8::to_string).collect();
            let manifest = manifest(&files);
            let packs = plan(&manifest, &missing);
            let sent: Vec<&str> = packs.iter().flat_map(|pack| &pack.pieces).map(|piece| piece.part.sha256.as_str()).collect();
            let offered: BTreeSet<String> = files.iter().flatten().map(|(name, _)| name.to_string()).collect();
            let expected: Vec<&str> = missing.iter().filter(|name| offered.contains(*name)).map(String::as_str).collect();
            prop_assert_eq!(sent, expected);
            for pack in &packs {
                let size = pack.pieces.iter().map(|piece| piece.part.size).sum::<u64>();
                prop_assert!(!pack.pieces.is_empty() && pack.pieces.len() <= PACK_PARTS);
                prop_assert!(size <= PACK_SIZE && size == pack.size);
                prop_assert_eq!(named(&files, &pack.header()), pack.pieces.iter().map(|piece| piece.part.clone()).collect::<Vec<_>>());
            }
        }
    }
}
