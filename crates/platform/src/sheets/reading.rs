//! How a sheet is read.

use keepstep_store::test_data::InputSheet;
use keepstep_testdata::sheet::{Encoding, Format, Meaning};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How a sheet is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// How its rows are written.
    pub format: Format,
    /// How its characters were written, as they show it themselves.
    pub encoding: Encoding,
    /// How they are read instead, because somebody says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_as: Option<Encoding>,
    /// True where its first row has the names of the columns.
    pub has_names: bool,
    /// What columns are, by their names; the others are guessed.
    pub columns: Vec<(String, Meaning)>,
}

/// Returns how a sheet is read.
pub(super) fn reading_of(sheet: &InputSheet) -> Result<Reading, Error> {
    serde_json::from_str(&sheet.reading).map_err(|error| Error::Internal(error.to_string()))
}
