//! The migrations of a database, which are in the program: a file each, `NUMBER_WHAT.sql`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use include_dir::Dir;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Returns the migrations in a folder. `sqlx::migrate!` does the same, and compiles the driver and SQLite a second time for it, for the
/// machine that builds.
pub(crate) fn of(folder: &Dir<'static>) -> Migrator {
    let migrations = folder.files().filter_map(|file| {
        let (number, name) = file.path().file_name()?.to_str()?.strip_suffix(".sql")?.split_once('_')?;
        let text = file.contents_utf8()?.into_sql_str();
        Some(Migration::new(number.parse().ok()?, Cow::Owned(name.replace('_', " ")), MigrationType::Simple, text, false))
    });
    Migrator::with_migrations(migrations.collect())
}

/// What has to be done with a database before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing.
    Done,
    /// It lacks a migration. That need not be the newest one: they may have come into the program in another order than that of their
    /// numbers.
    Lacks,
    /// It has one that is newer than all that are known.
    Newer {
        /// The newest that it has.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
}

/// Returns what has to be done with a database that has these migrations.
pub(crate) fn standing(migrations: &Migrator, applied: &BTreeSet<i64>) -> Standing {
    let known: BTreeSet<i64> = migrations.iter().map(|migration| migration.version).collect();
    match (applied.last(), known.last()) {
        (Some(&found), Some(&known)) if found > known => Standing::Newer { found, known },
        _ if known.is_subset(applied) => Standing::Done,
        _ => Standing::Lacks,
    }
}

#[cfg(test)]
mod tests {
    use include_dir::include_dir;

    use super::*;

    #[test]
    fn every_file_of_a_folder_is_a_migration_and_no_number_is_there_twice() {
        for folder in
            [include_dir!("$CARGO_MANIFEST_DIR/migrations/sqlite"), include_dir!("$CARGO_MANIFEST_DIR/migrations/postgres")]
        {
            let migrations = of(&folder);
            let numbers: Vec<i64> = migrations.iter().map(|migration| migration.version).collect();
            assert_eq!(numbers.len(), folder.files().count());
            assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
            assert!(
                migrations.iter().all(|migration| !migration.no_tx && !migration.sql.as_str().starts_with("-- no-transaction"))
            );
        }
    }
}
