//! Everything in which the two databases differ once they are open.
//!
//! | What | SQLite | PostgreSQL |
//! |---|---|---|
//! | The one place for writers | `BEGIN IMMEDIATE` locks the file | a transaction holds an advisory lock |
//! | Whether a transaction wrote anything | `total_changes()` has grown | the transaction has a number |
//! | Reading into a JSON text | `json_extract`, `json_each` | `json_array_elements` |
//! | The size of the database | pages | a function of the server |
//! | U+0000 in a text | is a character | is written as two others |
//! | What an error means | a number | a state of five characters |
//!
//! Order and equality of texts are those of their bytes in both: the migrations say so where SQLite needs no word for it. The order in
//! which rows came is `rowid`, which tables of PostgreSQL have as a column.

use std::io;

use sqlx::sqlite::SqliteError;

use crate::StoreError;

/// Returns columns of the persona versions of agents of the scope `$2`, `$3` that pairs name, each an agent and something of a version.
/// The pairs come first, and each is looked up by an index.
macro_rules! personas_of_pairs {
    ($columns:literal from $pairs:literal where $condition:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM ",
            $pairs,
            " CROSS JOIN persona_versions p CROSS JOIN agents a WHERE p.agent_id = w.value ->> 0 AND ",
            $condition,
            " AND a.id = p.agent_id AND a.org_id = $2 AND ($3 IS NULL OR replace($3, ' ' || a.project_id || ' ', '') <> $3)"
        )
    };
}

/// The same for both databases: each has its own word for the elements of the JSON array `$1`.
macro_rules! by_dialect {
    ($dialect:expr, $columns:literal where $condition:literal $(, $end:literal)?) => {
        match $dialect {
            Dialect::Sqlite => concat!(personas_of_pairs!($columns from "json_each($1) w" where $condition) $(, $end)?),
            Dialect::Postgres => {
                concat!(personas_of_pairs!($columns from "json_array_elements($1::JSON) w (value)" where $condition) $(, $end)?)
            }
        }
    };
}

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Takes the place for writers, where the transaction does not have it yet, and returns how much was `written` before. The number
    /// is the letters `keep`.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT total_changes() AS written",
            Self::Postgres => {
                "WITH place AS MATERIALIZED (SELECT pg_advisory_xact_lock(1801807216)) SELECT 0::BIGINT AS written FROM place"
            }
        }
    }

    /// Adds items to the input set `$1`, from the position `$5` on: the elements of the JSON array `$2`, each as it is written there. Their
    /// ids are in `$3`, and the personas that they name in `$4`. One statement for all, however many there are.
    ///
    /// PostgreSQL does not look into an object that holds U+0000 anywhere, so it keeps beside an item what is asked of it.
    pub(crate) fn insert_input_items(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "INSERT INTO input_items (input_set_id, position, id, document)
                 SELECT $1, key + $5, json_extract(value, '$.id'), value FROM json_each($2)"
            }
            Self::Postgres => {
                "INSERT INTO input_items (input_set_id, position, id, persona_id, document)
                 SELECT $1, number - 1 + $5, id, persona_id, item::TEXT
                 FROM ROWS FROM (json_array_elements($2::JSON), json_array_elements_text($3::JSON), json_array_elements_text($4::JSON))
                   WITH ORDINALITY AS items (item, id, persona_id, number)"
            }
        }
    }

    /// Adds what items of the input set `$1` are found by, from the position `$3` on: the texts of the JSON array `$2`, in their order.
    pub(crate) fn insert_input_words(self) -> &'static str {
        match self {
            Self::Sqlite => "INSERT INTO input_words (input_set_id, position, words) SELECT $1, key + $3, value FROM json_each($2)",
            Self::Postgres => {
                "INSERT INTO input_words (input_set_id, position, words)
                 SELECT $1, number - 1 + $3, words FROM json_array_elements_text($2::JSON) WITH ORDINALITY AS items (words, number)"
            }
        }
    }

    /// Returns each `persona_id` that an item of the input set `$1` names.
    pub(crate) fn personas_of_items(self) -> &'static str {
        match self {
            Self::Sqlite => {
                // (Materialized, or each document is read twice.)
                "WITH named AS MATERIALIZED
                   (SELECT json_extract(document, '$.persona_id') AS persona_id FROM input_items WHERE input_set_id = $1)
                 SELECT DISTINCT persona_id FROM named WHERE persona_id IS NOT NULL"
            }
            Self::Postgres => "SELECT DISTINCT persona_id FROM input_items WHERE input_set_id = $1 AND persona_id IS NOT NULL",
        }
    }

    /// Returns as `persona_id` the personas that the items of the set `$1` name which the draft of the scenario `$2` leaves as they are.
    pub(crate) fn personas_of_unedited_items(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "WITH named AS MATERIALIZED (
                   SELECT json_extract(document, '$.persona_id') AS persona_id FROM input_items i WHERE input_set_id = $1
                     AND NOT EXISTS (SELECT 1 FROM input_edits e WHERE e.scenario_id = $2 AND e.input_id = i.id))
                 SELECT DISTINCT persona_id FROM named WHERE persona_id IS NOT NULL"
            }
            Self::Postgres => {
                "SELECT DISTINCT persona_id FROM input_items i WHERE input_set_id = $1 AND persona_id IS NOT NULL
                   AND NOT EXISTS (SELECT 1 FROM input_edits e WHERE e.scenario_id = $2 AND e.input_id = i.id)"
            }
        }
    }

    /// Returns the newest version of agents that says what has a digest: pairs of both are in the JSON array `$1`.
    pub(crate) fn versions_saying(self) -> &'static str {
        by_dialect!(
            self,
            "p.agent_id, p.digest, max(p.version) AS version" where "p.digest = w.value ->> 1",
            " GROUP BY p.agent_id, p.digest"
        )
    }

    /// Returns as `bytes` how large the texts of versions are: pairs of an agent and a version are in the JSON array `$1`.
    pub(crate) fn sizes_of_personas(self) -> &'static str {
        by_dialect!(
            self,
            "p.agent_id, p.version, CAST(octet_length(p.persona) AS BIGINT) AS bytes"
            where "p.version = CAST(w.value ->> 1 AS BIGINT)"
        )
    }

    /// Returns the texts of these versions.
    pub(crate) fn texts_of_personas(self) -> &'static str {
        by_dialect!(self, "p.agent_id, p.version, p.persona" where "p.version = CAST(w.value ->> 1 AS BIGINT)")
    }

    /// Returns as `bytes` how large the database is.
    pub(crate) fn database_size(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size",
            Self::Postgres => "SELECT pg_database_size(current_database()) AS bytes",
        }
    }

    /// Returns as `name` and `bytes` how large each table is with its indexes.
    pub(crate) fn table_sizes(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT coalesce(s.tbl_name, d.name) AS name, sum(d.pgsize) AS bytes
                 FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE GROUP BY 1"
            }
            Self::Postgres => {
                "SELECT c.relname::TEXT AS name, pg_total_relation_size(c.oid) AS bytes FROM pg_class c
                 WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
            }
        }
    }

    /// Returns as `bytes` how much of the database is free, where it says so.
    pub(crate) fn free_size(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT freelist_count * page_size AS bytes FROM pragma_freelist_count, pragma_page_size",
            Self::Postgres => "SELECT 0::BIGINT AS bytes",
        }
    }

    /// Returns as `written` whether more than `$1` was written: 1 or 0.
    pub(super) fn has_written(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT total_changes() > $1 AS written",
            Self::Postgres => {
                "SELECT CASE WHEN $1 = 0 AND pg_current_xact_id_if_assigned() IS NOT NULL THEN 1::BIGINT ELSE 0::BIGINT END AS written"
            }
        }
    }
}

/// What stands before a digit in place of a character that PostgreSQL does not take, and of itself.
const ESCAPE: char = '\u{1a}';

/// Returns a text as PostgreSQL keeps it.
pub(super) fn to_postgres(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return text.into();
    }
    text.replace(ESCAPE, "\u{1a}1").replace('\0', "\u{1a}0").into()
}

/// Returns a text that PostgreSQL kept.
pub(super) fn from_postgres(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return text.into();
    }
    text.replace("\u{1a}0", "\0").replace("\u{1a}1", "\u{1a}").into()
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else { return Self::Database(error) };
        let code = database.code();
        let code = code.as_deref().unwrap_or_default();
        if database.try_downcast_ref::<SqliteError>().is_some() {
            // The low byte of SQLite's code is the kind, the rest tells more about it.
            return match code.parse::<i32>().map(|code| code & 0xff) {
                Ok(5 | 6) => Self::Busy,
                Ok(8) => Self::ReadOnly,
                // The disk failed, or somebody's quota on it is used up.
                Ok(10) => Self::Storage(io::Error::other(error)),
                Ok(13) => Self::Full,
                _ => Self::Database(error),
            };
        }
        match code {
            "55P03" => Self::Busy,
            "25006" => Self::ReadOnly,
            "53100" => Self::Full,
            "58030" => Self::Storage(io::Error::other(error)),
            _ => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back_from_postgres(text in "[\0\u{1a}01a]{0,8}|.*") {
            let kept = to_postgres(&text);
            prop_assert!(!kept.contains('\0'));
            prop_assert_eq!(from_postgres(&kept), text.as_str());
        }
    }
}
