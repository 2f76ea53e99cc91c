//! Reading the items of an input set, page by page.

use super::packed::InputPage;
use crate::sql::query::query;
use crate::{Result, Store};

/// How many pages are read at a time: a megabyte where texts are ordinary, four where they cannot be packed.
const AT_ONCE: u32 = 16;

impl Store {
    /// Returns the next few pages of a set's items, from one of them on, counted from 0. There are none after the last one.
    ///
    /// Sets never change, so pages that are read one after the other are of one set.
    ///
    /// # Errors
    /// The database failed.
    pub async fn input_pages(&self, set: &str, from: u32) -> Result<Vec<InputPage>> {
        let rows = query(
            "SELECT item_count, packed FROM packed_inputs
             WHERE input_set_id = $1 AND number >= $2 AND number < $2 + $3 ORDER BY number",
        )
        .bind(set)
        .bind(from)
        .bind(AT_ONCE)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.iter().map(InputPage::of_row).collect()
    }
}
