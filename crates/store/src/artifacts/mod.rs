//! Files: what tests leave behind, and the way in for them.
//!
//! The bytes are in [`Objects`], everything that is known about them in the database. Three things are built on each other:
//!
//! - An *object* is a file of the object store. It never changes, and its name is random: nothing that a client says
//!   becomes a part of it.
//! - A *part* is a piece of an object, known by its SHA-256 within its project. One object has all parts that came with one
//!   request, so that a thousand small files cost one sync of the disk.
//! - A *blob* is the content of a file: a list of parts.
//!
//! The order of writing makes a crash harmless: first the object, which is on the disk as a whole before it has its name;
//! then the rows of its parts; then, in the transaction that shows them to somebody, the blobs. What a crash leaves behind is
//! an object that no row names, and [`Store::collect`](crate::Store::collect) removes it.
//!
//! *What names a blob.* The digest of its list of parts, the *tree*, and not the SHA-256 of the whole. Every part is verified
//! when it arrives, so the tree is known to be right without reading anything again, while to verify the SHA-256 of 4 GiB at
//! the end would cost as long as sending them did. That of the whole is kept beside it, with a mark that tells whether
//! it was proven (files of one part, and files that came in one piece) or only claimed. A claim is never used to find
//! anything, so a wrong one misleads nobody but who made it.
//!
//! There are two ways in: [`uploads`](NewUpload), our own, of many files at once, and [`SignedFile`], that of the
//! peers, one after the other.

mod blobs;
mod collect;
mod content;
mod error;
mod objects;
mod receive;
mod stored;
mod uploads;

pub use blobs::{Blob, Content};
pub use collect::Collected;
pub use content::{FileContent, OfferedParts, PartName, PartOf};
pub use error::ContentError;
pub use objects::Objects;
pub use receive::Announced;
pub use stored::{ArtifactFile, BlobOfUrl, SignedFile};
pub use uploads::{CommittedUpload, NewUpload, NewUploadFile, Offer, Upload, UploadFile};

/// How long parts and uploads are kept that nobody finishes, in milliseconds: a week.
pub const KEPT: i64 = 7 * 24 * 60 * 60 * 1000;
