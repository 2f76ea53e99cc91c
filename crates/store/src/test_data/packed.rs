//! The items of an input set as a pull sends them: packed, once, when the set is made.

use std::io;

use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection as _, Row as _};

use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, rows};

const INSERT: &str = "INSERT INTO packed_inputs (input_set_id, number, item_count, packed) VALUES ($1, $2, $3, $4)";

/// The text of a page ends with the item that makes it this long, in bytes. So much is packed and unpacked at a time.
const PAGE: usize = 256 * 1024;

/// How hard to pack. More takes several times as long and saves a tenth.
const LEVEL: i32 = 3;

/// How many items a page had before pages were packed.
const ITEMS_IN_AN_OLD_PAGE: u32 = 500;

/// A page of the items of an input set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPage {
    /// How many items it has.
    pub item_count: u32,
    /// Its text as one whole zstd frame that says how long the text is.
    pub packed: Vec<u8>,
}

impl InputPage {
    /// Returns its text. One behind another the texts of a set's pages are the inside of a JSON array.
    ///
    /// # Errors
    /// The database is damaged.
    pub fn text(&self) -> Result<String> {
        let text = zstd::decode_all(self.packed.as_slice()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| rows::damaged("packed", "inputs"))
    }

    pub(super) fn of_row(row: &Row) -> Result<Self> {
        Ok(Self { item_count: row.get("item_count")?, packed: row.get("packed")? })
    }
}

/// Keeps the items of a new set as pages.
pub(super) struct Packer<'s> {
    set: &'s str,
    pages: Pages,
    number: u32,
}

impl<'s> Packer<'s> {
    pub(super) fn new(set: &'s str) -> Self {
        Self { set, pages: Pages::default(), number: 0 }
    }

    /// Keeps the JSON text of the next item.
    pub(super) async fn add(&mut self, connection: &mut Connection, item: &str) -> Result<(), sqlx::Error> {
        match self.pages.add(item) {
            Some(page) => self.keep(connection, page).await,
            None => Ok(()),
        }
    }

    /// Keeps what is left.
    pub(super) async fn end(mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        match self.pages.end() {
            Some(page) => self.keep(connection, page).await,
            None => Ok(()),
        }
    }

    async fn keep(&mut self, connection: &mut Connection, (text, count): (String, u32)) -> Result<(), sqlx::Error> {
        let page = pack(text, count).await?;
        let insert = query(INSERT).bind(self.set).bind(self.number).bind(page.item_count).bind(page.packed);
        insert.execute(connection).await?;
        self.number += 1;
        Ok(())
    }
}

/// The texts of items, as the inside of the JSON text of an array that is cut where an item ends.
#[derive(Default)]
struct Pages {
    text: String,
    item_count: u32,
    is_later: bool,
}

impl Pages {
    /// Adds the text of an item. Returns the page that it ends: its text and how many items it has.
    fn add(&mut self, item: &str) -> Option<(String, u32)> {
        // A page begins with the comma behind the one before.
        if self.is_later {
            self.text.push(',');
        }
        self.is_later = true;
        self.text.push_str(item);
        self.item_count += 1;
        if self.text.len() >= PAGE { self.end() } else { None }
    }

    /// Returns the page that is begun.
    fn end(&mut self) -> Option<(String, u32)> {
        let page = (std::mem::take(&mut self.text), std::mem::take(&mut self.item_count));
        (page.1 > 0).then_some(page)
    }
}

/// Packs the pages of the time before pages were packed. A set is packed as a whole, so this may stop anywhere and go on later.
///
/// # Errors
/// The database failed.
pub(crate) async fn pack_old_pages(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    while next_old_set(connection).await?.is_some() {
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        // Another process may have come first.
        if let Some(set) = next_old_set(&mut transaction).await? {
            pack_old_set(&mut transaction, &set).await?;
        }
        transaction.commit().await?;
    }
    Ok(())
}

async fn next_old_set(connection: &mut SqliteConnection) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT input_set_id FROM input_pages LIMIT 1").fetch_optional(connection).await
}

async fn pack_old_set(connection: &mut SqliteConnection, set: &str) -> Result<(), sqlx::Error> {
    let mut number = 0;
    loop {
        let page = sqlx::query(
            "SELECT p.items, min(?3, s.item_count - ?3 * p.number)
             FROM input_pages p JOIN input_sets s ON s.id = p.input_set_id WHERE s.id = ?1 AND p.number = ?2",
        )
        .bind(set)
        .bind(number)
        .bind(ITEMS_IN_AN_OLD_PAGE)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(page) = page else { break };
        let page = pack(page.try_get(0)?, page.try_get(1)?).await?;
        let insert = sqlx::query(INSERT).bind(set).bind(number).bind(page.item_count).bind(page.packed);
        insert.execute(&mut *connection).await?;
        number += 1;
    }
    sqlx::query("DELETE FROM input_pages WHERE input_set_id = ?").bind(set).execute(connection).await?;
    Ok(())
}

/// Packs a page where that holds nobody up.
async fn pack(text: String, item_count: u32) -> Result<InputPage, sqlx::Error> {
    let packing = tokio::task::spawn_blocking(move || zstd::bulk::compress(text.as_bytes(), LEVEL));
    let packed = packing.await.map_err(io::Error::other)??;
    Ok(InputPage { item_count, packed })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn pages(items: &Value) -> Vec<(String, u32)> {
        let (mut pages, mut found) = (Pages::default(), Vec::new());
        for item in items.as_array().unwrap() {
            found.extend(pages.add(&item.to_string()));
        }
        found.extend(pages.end());
        found
    }

    #[test]
    fn an_item_is_never_cut() {
        assert_eq!(pages(&json!([])), []);
        assert_eq!(pages(&json!([{"id": "a"}, {"id": "b"}])), [(r#"{"id":"a"},{"id":"b"}"#.to_owned(), 2)]);
        let long = json!({"id": "]},{", "text": "\\\"[{".repeat(PAGE), "list": [[1, 2], {"a": [3, 4]}]});
        let found = pages(&json!([{"id": "a"}, long, long, {"id": "b"}, {"id": "c"}]));
        assert_eq!(found.iter().map(|page| page.1).collect::<Vec<_>>(), [2, 1, 2]);
        assert_eq!(found[2].0, r#",{"id":"b"},{"id":"c"}"#);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn pages_are_the_inside_of_the_array(texts in prop::collection::vec((any::<String>(), 1usize..60_000), 0..60)) {
            let items: Vec<Value> = texts.iter().map(|(text, times)| json!({"text": text.repeat(1 + times / text.len().max(1))})).collect();
            let array = json!(items).to_string();
            let pages = pages(&json!(items));
            let whole: String = pages.iter().map(|page| page.0.as_str()).collect();
            prop_assert_eq!(format!("[{whole}]"), array);
            prop_assert_eq!(pages.iter().map(|page| page.1).sum::<u32>(), items.len() as u32);
            for (at, (text, count)) in pages.iter().enumerate() {
                let text = if at == 0 { text } else { text.strip_prefix(',').unwrap() };
                let items: Vec<Value> = serde_json::from_str(&format!("[{text}]")).unwrap();
                prop_assert_eq!(items.len() as u32, *count);
            }
        }
    }
}
