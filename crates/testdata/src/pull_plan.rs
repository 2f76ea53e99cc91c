//! What a pull does with each file, decided before anything is written.
//!
//! Three digests decide: that of what was last pulled, that of what is on disk, and that of what the bundle says now. Only what
//! nobody edited is replaced or removed. An edited file that the bundle changed too is a conflict, which the command solves
//! ([merging](super::merge_items) the inputs, asking about the rest) or reports; with `force` the bundle wins, and what it replaces
//! goes to the undo folder like everything else that a command replaces.

use std::io;

use sha2::{Digest as _, Sha256};

use keepstep_base::Digest;

/// Why a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// It is not there.
    New,
    /// The bundle changed and nobody edited the file.
    Update,
    /// It was edited, and the bundle wins because that was asked for.
    Forced,
}

/// Why a file stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It is what the bundle says.
    InStep,
    /// It was edited, and the bundle did not change it.
    Edited,
    /// It was edited, and the bundle has it no more.
    EditedAndDropped,
    /// It was deleted, and the bundle did not change it.
    Deleted,
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The bundle's content is written.
    Write(Writing),
    /// Nothing.
    Keep(Keeping),
    /// The file and the bundle both changed, or the file was there before anything was pulled.
    Conflict,
    /// The file goes, because the bundle has it no more and nobody edited it.
    Remove,
}

/// The digests of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digests {
    /// That of its bytes.
    pub exact: Digest,
    /// That for comparisons. How its lines end does not count, because git and editors change that without anybody having meant
    /// it.
    pub content: Digest,
}

/// Computes the digests of a file, piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Digesting {
    exact: Sha256,
    /// From the first carriage return on; until then both are the same.
    content: Option<Sha256>,
    /// True if the last byte was a carriage return, which counts unless a line feed follows.
    ends_with_return: bool,
}

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.content.is_none() && memchr::memchr(b'\r', bytes).is_some() {
            self.content = Some(self.exact.clone());
        }
        self.exact.update(bytes);
        let Some(content) = &mut self.content else { return Ok(bytes.len()) };
        for piece in bytes.split_inclusive(|byte| *byte == b'\r') {
            if std::mem::take(&mut self.ends_with_return) && piece[0] != b'\n' {
                content.update(b"\r");
            }
            self.ends_with_return = piece.ends_with(b"\r");
            content.update(piece.strip_suffix(b"\r").unwrap_or(piece));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Digesting {
    /// Returns the digests of everything that came.
    pub fn end(self) -> Digests {
        let exact = Digest::from_bytes(self.exact.finalize().into());
        let content = self.content.map(|mut content| {
            if self.ends_with_return {
                content.update(b"\r");
            }
            Digest::from_bytes(content.finalize().into())
        });
        Digests { exact, content: content.unwrap_or(exact) }
    }
}

/// Decides about a record, which holds times: these are no reason to write it where nothing else is changed.
pub fn decide_record(local: Option<Digest>, new: Option<Digest>, is_changed: bool) -> Action {
    match local {
        None => Action::Write(Writing::New),
        Some(_) if local != new && is_changed => Action::Write(Writing::Update),
        Some(_) => Action::Keep(Keeping::InStep),
    }
}

/// Decides about a file of content by the [digests](Digests::content) of what was last pulled, of what is on disk and of what the bundle
/// says; `None` for one that exists nowhere any more. A file that is neither recorded nor in the bundle is a person's own.
pub fn decide(base: Option<Digest>, local: Option<Digest>, new: Option<Digest>, force: bool) -> Option<Action> {
    Some(match (local, new) {
        (None, None) => return None,
        // A deletion is an edit that stays. Once the bundle says something new, the file is back: it holds no words that
        // could be lost.
        (None, Some(_)) if base.is_some() && base == new && !force => Action::Keep(Keeping::Deleted),
        (None, Some(_)) => Action::Write(Writing::New),
        (Some(_), None) if base == local || force => Action::Remove,
        (Some(_), None) => Action::Keep(Keeping::EditedAndDropped),
        _ if local == new => Action::Keep(Keeping::InStep),
        _ if base == local => Action::Write(Writing::Update),
        _ if force => Action::Write(Writing::Forced),
        _ if base == new => Action::Keep(Keeping::Edited),
        _ => Action::Conflict,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn digest(text: &str) -> Digest {
        Digest::of_bytes(text.as_bytes())
    }

    fn digests(bytes: &[u8]) -> Digests {
        let mut digesting = Digesting::default();
        digesting.write_all(bytes).unwrap();
        digesting.end()
    }

    fn decided(base: &str, local: &str, new: &str, force: bool) -> Option<Action> {
        let side = |text: &str| (!text.is_empty()).then(|| digest(text));
        decide(side(base), side(local), side(new), force)
    }

    #[test]
    fn f1_only_what_nobody_edited_is_replaced() {
        assert_eq!(decided("a", "a", "b", false), Some(Action::Write(Writing::Update)));
        assert_eq!(decided("a", "x", "a", false), Some(Action::Keep(Keeping::Edited)));
        assert_eq!(decided("a", "x", "b", false), Some(Action::Conflict));
        assert_eq!(decided("a", "b", "b", false), Some(Action::Keep(Keeping::InStep)));
        assert_eq!(decided("", "", "b", false), Some(Action::Write(Writing::New)));
        assert_eq!(decided("", "x", "b", false), Some(Action::Conflict));
        assert_eq!(decided("a", "", "a", false), Some(Action::Keep(Keeping::Deleted)));
        assert_eq!(decided("a", "", "a", true), Some(Action::Write(Writing::New)));
        assert_eq!(decided("a", "", "b", false), Some(Action::Write(Writing::New)));
        assert_eq!(decided("a", "x", "b", true), Some(Action::Write(Writing::Forced)));
        assert_eq!(decided("a", "x", "a", true), Some(Action::Write(Writing::Forced)));
    }

    #[test]
    fn f31_files_that_the_bundle_dropped_go_unless_somebody_edited_them() {
        assert_eq!(decided("a", "a", "", false), Some(Action::Remove));
        assert_eq!(decided("a", "x", "", false), Some(Action::Keep(Keeping::EditedAndDropped)));
        assert_eq!(decided("a", "x", "", true), Some(Action::Remove));
        assert_eq!(decided("a", "", "", false), None);
    }

    #[test]
    fn a_record_is_written_when_something_else_is_or_the_bundle_is_another() {
        let (nine, ten) = (Some(digest("at nine")), Some(digest("at ten")));
        assert_eq!(decide_record(nine, ten, false), Action::Keep(Keeping::InStep));
        assert_eq!(decide_record(nine, ten, true), Action::Write(Writing::Update));
        assert_eq!(decide_record(nine, nine, true), Action::Keep(Keeping::InStep));
        assert_eq!(decide_record(None, ten, false), Action::Write(Writing::New));
    }

    #[test]
    fn how_lines_end_is_no_edit() {
        assert_eq!(digests(b"a\r\nb\r\n").content, digests(b"a\nb\n").content);
        assert_ne!(digests(b"a\rb").content, digests(b"ab").content);
    }

    proptest! {
        #[test]
        fn digests_do_not_depend_on_the_pieces(text in "[ab\r\n]{0,40}", cuts in prop::collection::vec(0usize..41, 0..6)) {
            let mut places: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            places.sort_unstable();
            let mut digesting = Digesting::default();
            places.windows(2).for_each(|cut| digesting.write_all(&text.as_bytes()[cut[0]..cut[1]]).unwrap());
            let expected = Digests { exact: digest(&text), content: digest(&text.replace("\r\n", "\n")) };
            prop_assert_eq!(digesting.end(), expected);
        }
    }

    proptest! {
        #[test]
        fn a_second_pull_has_nothing_to_do(
            base in prop::option::of("[xyz]"), local in prop::option::of("[xyz]"), new in prop::option::of("[xyz]"), force: bool,
        ) {
            let [base, local, new] = [base, local, new].map(|text| text.map(|text| digest(&text)));
            let mut after = local;
            match decide(base, local, new, force) {
                Some(Action::Write(_)) => {
                    prop_assert!(force || local.is_none() || local == base);
                    after = new;
                }
                Some(Action::Remove) => {
                    prop_assert!(force || local == base);
                    after = None;
                }
                Some(Action::Conflict) => prop_assert!(!force),
                Some(Action::Keep(_)) | None => {}
            }
            // What is recorded then is what the bundle said.
            let second = decide(new, after, new, force);
            prop_assert!(matches!(second, None | Some(Action::Keep(_))), "{second:?}");
        }
    }
}
