//! The items of an input set as a pull sends them: packed, once, when the set is made.

use std::io;

use serde::de::IgnoredAny;
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

/// Keeps the items of a new set, the JSON text of an array, as pages.
pub(super) async fn keep(connection: &mut Connection, set: &str, items: &str) -> Result<(), sqlx::Error> {
    for (number, (text, count)) in (0_u32..).zip(pages(items)) {
        let page = pack(text.to_owned(), count).await?;
        query(INSERT).bind(set).bind(number).bind(page.item_count).bind(page.packed).execute(connection).await?;
    }
    Ok(())
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

/// Cuts the JSON text of an array, as we wrote it, where one of its items ends. Returns the texts of the pages, in which the brackets are
/// left out, and how many items each has.
fn pages(array: &str) -> Vec<(&str, u32)> {
    let text = array.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or_default();
    let (mut pages, mut start, mut at, mut item_count) = (Vec::new(), 0, 0, 0);
    while at < text.len() {
        // A page begins with the comma behind the one before.
        at += usize::from(text[at..].starts_with(','));
        let mut item = serde_json::Deserializer::from_str(&text[at..]).into_iter::<IgnoredAny>();
        at = if item.next().is_some_and(|item| item.is_ok()) { at + item.byte_offset() } else { text.len() };
        item_count += 1;
        if at - start >= PAGE || at == text.len() {
            pages.push((&text[start..at], item_count));
            (start, item_count) = (at, 0);
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn pages(items: &Value) -> Vec<(String, u32)> {
        super::pages(&items.to_string()).into_iter().map(|(text, count)| (text.to_owned(), count)).collect()
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
