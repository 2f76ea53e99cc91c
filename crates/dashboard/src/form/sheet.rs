//! What somebody says of a sheet of inputs: how it is read, and that it is added.

use keepstep_platform::Reading;
use keepstep_testdata::sheet::{Encoding, Format, Meaning};
use serde::Deserialize;

use crate::form::posted::Fields;

/// The fields as a browser sent them. A sheet has several columns, so `column` and `meaning` come several times.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Vec<(String, String)>")]
pub(crate) struct SheetFields {
    csrf: String,
    /// What was looked at.
    pub(crate) seen: String,
    /// True where it is to be added, and not only read anew.
    pub(crate) adds: bool,
    /// True where rows with problems are left out.
    pub(crate) skips: bool,
    format: Option<Format>,
    encoding: Option<Encoding>,
    has_names: bool,
    columns: Vec<(String, Option<Meaning>)>,
}

impl From<Vec<(String, String)>> for SheetFields {
    fn from(fields: Vec<(String, String)>) -> Self {
        let mut form = Self { has_names: true, ..Self::default() };
        for (name, value) in fields {
            match name.as_str() {
                "csrf" => form.csrf = value,
                "seen" => form.seen = value,
                "action" => form.adds = value == "add",
                "skip" => form.skips = true,
                "format" => form.format = Format::of_key(&value),
                "encoding" => form.encoding = Encoding::of_key(&value),
                "first" => form.has_names = value != "input",
                "column" => form.columns.push((value, None)),
                // The name of a column stands before what it is.
                "meaning" => {
                    if let Some(last) = form.columns.last_mut() {
                        last.1 = Meaning::of_key(&value);
                    }
                }
                _ => {}
            }
        }
        form
    }
}

impl Fields for SheetFields {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

impl SheetFields {
    /// Returns how the sheet is read; nothing where a form does not say it.
    pub(crate) fn reading(&self) -> Option<Reading> {
        let columns = self.columns.iter().filter_map(|(name, meaning)| Some((name.clone(), (*meaning)?)));
        Some(Reading {
            format: self.format?,
            // The server knows it.
            encoding: Encoding::Utf8,
            read_as: self.encoding,
            has_names: self.has_names,
            columns: columns.collect(),
        })
    }
}
