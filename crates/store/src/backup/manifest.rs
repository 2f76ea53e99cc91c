//! What a backup says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is in a backup. It is the last entry: a file without it is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The number of the format.
    pub format: u32,
    /// The version of keepstep that made it.
    pub version: String,
    /// When the state was fixed, in epoch milliseconds.
    pub created_at: i64,
    /// The number of the newest schema that the database has.
    pub schema: i64,
    /// The database.
    pub database: Entry,
    /// The files.
    pub objects: Objects,
    /// How many rows each table has.
    pub rows: BTreeMap<String, u64>,
}

/// An entry of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// All files of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objects {
    /// How many there are.
    pub count: u64,
    /// How many bytes they have together.
    pub size: u64,
    /// The SHA-256 of a line for each, in the order of the archive: its SHA-256, its length and its name, with a blank between them.
    pub sha256: String,
}
