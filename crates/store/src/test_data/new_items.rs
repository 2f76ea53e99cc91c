//! The items of an input set that is to be made, a page at a time: all of them at once may be more than there is memory for.

use std::future::Future;

use serde_json::{Map, Value};

use super::draft::size_of_members;
use super::file::TestDataFile;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::{Result, rows};

/// How many bytes of items are in memory at a time, the last item aside, and how many items.
const PAGE: (usize, usize) = (1024 * 1024, 1000);

/// Items that are read twice: once to see whether there is a set of them, and once to make it.
pub(super) trait NewItems: Send {
    /// Begins again.
    fn rewind(&mut self);

    /// Returns the next items, which have ids; none behind the last one.
    fn next(&mut self, connection: &mut Connection) -> impl Future<Output = Result<Vec<Map<String, Value>>>> + Send;
}

/// The items of a file.
pub(super) struct FileItems<'f> {
    file: &'f TestDataFile,
    /// The persona of each, by its id.
    personas: Vec<Option<String>>,
    ids: Vec<String>,
    at: usize,
}

impl<'f> FileItems<'f> {
    pub(super) fn new(file: &'f TestDataFile, personas: Vec<Option<String>>, ids: Vec<String>) -> Self {
        Self { file, personas, ids, at: 0 }
    }
}

impl NewItems for FileItems<'_> {
    fn rewind(&mut self) {
        self.at = 0;
    }

    async fn next(&mut self, _: &mut Connection) -> Result<Vec<Map<String, Value>>> {
        let (bytes, most) = PAGE;
        let (mut items, mut size) = (Vec::new(), 0);
        while size < bytes && items.len() < most && self.at < self.file.inputs.len() {
            let item = self.file.inputs[self.at].item(Some(&self.ids[self.at]), self.personas[self.at].as_deref());
            size += size_of_members(&item);
            items.push(item);
            self.at += 1;
        }
        Ok(items)
    }
}

/// The inputs of a draft: those that are published without what it deletes, and behind them the new ones.
pub(super) struct DraftItems<'d> {
    scenario: &'d str,
    /// The set that is published.
    set: &'d str,
    place: Place,
}

/// Behind which position of the set, or behind which number of the new ones.
#[derive(Clone, Copy)]
enum Place {
    Published(i64),
    New(i64),
}

impl<'d> DraftItems<'d> {
    pub(super) fn new(scenario: &'d str, set: &'d str) -> Self {
        Self { scenario, set, place: Place::Published(-1) }
    }

    /// Returns the items of a set as they are: no scenario has an empty id.
    pub(super) fn of_set(set: &'d str) -> Self {
        Self::new("", set)
    }
}

/// Returns those of the items `$items`, each with its `place`, its `id` and its `size`, that come first and are not too much together.
macro_rules! first_of {
    ($items:literal, $most:literal, $bytes:literal) => {
        concat!(
            "(SELECT place, id FROM (SELECT place, id, sum(size) OVER (ORDER BY place) - size AS size_before FROM (",
            $items,
            " ORDER BY place LIMIT ",
            $most,
            ") AS sized) AS measured WHERE size_before < ",
            $bytes,
            ") AS k"
        )
    };
}

const PUBLISHED: &str = concat!(
    "SELECT k.place, coalesce(e.document, i.document) AS document FROM ",
    first_of!(
        "SELECT i.position AS place, i.id AS id, coalesce(octet_length(e.document), octet_length(i.document)) AS size
         FROM input_items i LEFT JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = i.id
         WHERE i.input_set_id = $2 AND i.position > $3 AND (e.input_id IS NULL OR e.document IS NOT NULL)",
        "$4",
        "$5"
    ),
    " JOIN input_items i ON i.input_set_id = $2 AND i.id = k.id
      LEFT JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = k.id ORDER BY k.place"
);

const NEW: &str = concat!(
    "SELECT k.place, e.document FROM ",
    first_of!(
        "SELECT e.number AS place, e.input_id AS id, octet_length(e.document) AS size FROM input_edits e
         WHERE e.scenario_id = $1 AND e.document IS NOT NULL AND e.number > $3
           AND NOT EXISTS (SELECT 1 FROM input_items i WHERE i.input_set_id = $2 AND i.id = e.input_id)",
        "$4",
        "$5"
    ),
    " JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = k.id ORDER BY k.place"
);

const EDITS: &str = concat!(
    "SELECT k.place, e.input_id, e.document FROM ",
    first_of!(
        "SELECT e.number AS place, e.input_id AS id, coalesce(octet_length(e.document), 0) AS size FROM input_edits e
         WHERE e.scenario_id = $1 AND e.number > $2",
        "$3",
        "$4"
    ),
    " JOIN input_edits e ON e.scenario_id = $1 AND e.input_id = k.id ORDER BY k.place"
);

/// Returns what a draft does to inputs, behind a number: the number of each edit, the id of the input, and what it is then; nothing where it
/// goes.
pub(super) async fn edits_behind(
    connection: &mut Connection,
    scenario: &str,
    number: i64,
) -> Result<Vec<(i64, String, Option<String>)>> {
    let (bytes, most) = PAGE;
    let page = query(EDITS).bind(scenario).bind(number).bind(most as i64).bind(bytes as i64);
    let found = page.fetch_all(connection).await?;
    found.iter().map(|row| Ok((row.get("place")?, row.get("input_id")?, row.get("document")?))).collect()
}

impl NewItems for DraftItems<'_> {
    fn rewind(&mut self) {
        self.place = Place::Published(-1);
    }

    async fn next(&mut self, connection: &mut Connection) -> Result<Vec<Map<String, Value>>> {
        let (bytes, most) = PAGE;
        loop {
            let (text, behind) = match self.place {
                Place::Published(behind) => (PUBLISHED, behind),
                Place::New(behind) => (NEW, behind),
            };
            let page = query(text).bind(self.scenario).bind(self.set).bind(behind).bind(most as i64).bind(bytes as i64);
            let found = page.fetch_all(connection).await?;
            let items = found.iter().map(|row| rows::object(row, "document", "an input")).collect::<Result<Vec<_>>>()?;
            match (found.last(), self.place) {
                (Some(last), Place::Published(_)) => self.place = Place::Published(last.get("place")?),
                (Some(last), Place::New(_)) => self.place = Place::New(last.get("place")?),
                (None, Place::Published(_)) => {
                    self.place = Place::New(-1);
                    continue;
                }
                (None, Place::New(_)) => {}
            }
            return Ok(items);
        }
    }
}
