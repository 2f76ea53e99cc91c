//! Reading columns into the model.

use keepstep_base::Digest;
use keepstep_base::PersonaVersion;
use serde_json::Value;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::model::{PersonaStatus, Role};
use crate::{Result, StoreError};

pub(crate) fn damaged(what: &'static str, of: &str) -> StoreError {
    StoreError::Damaged { what, of: of.to_owned() }
}

/// Returns the JSON text of something that always has one.
pub(crate) fn text<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Returns the JSON value of a column.
pub(crate) fn json(row: &SqliteRow, column: &'static str, of: &str) -> Result<Option<Value>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| serde_json::from_str(text).map_err(|_| damaged(column, of))).transpose()
}

/// Returns the JSON object of a column, empty where there is none.
pub(crate) fn object(row: &SqliteRow, column: &'static str, of: &str) -> Result<serde_json::Map<String, Value>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map_or_else(|| Ok(serde_json::Map::new()), |text| serde_json::from_str(text).map_err(|_| damaged(column, of)))
}

pub(crate) fn version(row: &SqliteRow, column: &'static str) -> Result<Option<PersonaVersion>> {
    let number: Option<u32> = row.try_get(column)?;
    Ok(number.map(PersonaVersion))
}

pub(crate) fn digest(row: &SqliteRow, column: &'static str, of: &str) -> Result<Option<Digest>> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| damaged("digest", of))).transpose()
}

pub(crate) fn status(row: &SqliteRow, column: &'static str, of: &str) -> Result<PersonaStatus> {
    PersonaStatus::from_label(row.try_get(column)?).ok_or_else(|| damaged("status", of))
}

pub(crate) fn role(row: &SqliteRow, of: &str) -> Result<Role> {
    let text: &str = row.try_get("role")?;
    text.parse().map_err(|_| damaged("role", of))
}
