//! Looking through everything that a server keeps, for what is not as it should be.
//!
//! What a schema can say the database checks itself; what is checked here besides is what leads from the database to the files, and what is
//! kept twice for the sake of speed.

use futures_util::stream::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use crate::artifacts::Objects;
use crate::results::Counts;
use crate::{Result, Store};

/// How many problems are told one by one.
const MOST_TOLD: usize = 100;

/// How many rows are read at a time.
const PAGE: i64 = 1000;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind of thing it is about.
    pub about: About,
    /// What is wrong, for people.
    pub what: String,
    /// The batch whose counts [`Store::mend`] brings in step.
    batch: Option<i64>,
}

/// What a [`Problem`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The database as a file.
    Database,
    /// A row that names another one which is not there.
    Reference,
    /// The bytes of a file.
    File,
    /// The log of activity.
    Log,
    /// How many cases of an experiment ended in which way.
    Counts,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examined {
    /// The first problems.
    pub problems: Vec<Problem>,
    /// How many more there are.
    pub more: u64,
    /// How many objects the database names.
    pub objects: u64,
    /// How many contents of files it has.
    pub contents: u64,
    /// How many experiments.
    pub experiments: u64,
    /// How many entries the logs of activity have.
    pub log_entries: u64,
    /// The bytes of all files were read.
    pub has_read_contents: bool,
    /// The database is damaged as a file, so nothing else was looked at.
    pub has_stopped: bool,
}

impl Examined {
    /// Returns true if nothing was found.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns true if [`Store::mend`] mends something of it.
    pub fn is_mendable(&self) -> bool {
        self.problems.iter().any(Problem::is_mendable)
    }

    fn add(&mut self, about: About, what: String, batch: Option<i64>) {
        if self.problems.len() < MOST_TOLD {
            self.problems.push(Problem { about, what, batch });
        } else {
            self.more += 1;
        }
    }
}

impl Problem {
    /// Returns true if [`Store::mend`] mends it.
    pub fn is_mendable(&self) -> bool {
        self.batch.is_some()
    }
}

impl About {
    /// Returns its name, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Reference => "reference",
            Self::File => "file",
            Self::Log => "log",
            Self::Counts => "counts",
        }
    }
}

impl Store {
    /// Looks through everything. Nothing is changed, and others write meanwhile. Where `reads_contents`, the bytes of all files are read and
    /// compared with their digests, which takes as long as reading them takes.
    ///
    /// # Errors
    /// The database or a disk failed in a way that is not a finding.
    pub async fn examine(&self, objects: &Objects, reads_contents: bool) -> Result<Examined> {
        let mut examined = Examined { has_read_contents: reads_contents, ..Examined::default() };
        self.examine_database(&mut examined).await?;
        // What a damaged file says is not worth looking at.
        if examined.problems.iter().any(|problem| problem.about == About::Database) {
            examined.has_stopped = true;
            return Ok(examined);
        }
        self.examine_contents(&mut examined).await?;
        self.examine_objects(objects, reads_contents, &mut examined).await?;
        self.examine_counts(&mut examined).await?;
        self.examine_logs(&mut examined).await?;
        Ok(examined)
    }

    /// Mends what was found and can be mended. Returns how many problems that were.
    ///
    /// # Errors
    /// The database failed; what was mended before that is.
    pub async fn mend(&self, examined: &Examined) -> Result<u64> {
        let mut mended = 0;
        for batch in examined.problems.iter().filter_map(|problem| problem.batch) {
            let mut transaction = self.write().await?;
            transaction.recount(batch).await?;
            transaction.commit().await?;
            mended += 1;
        }
        Ok(mended)
    }

    async fn examine_database(&self, examined: &mut Examined) -> Result<()> {
        let mut connection = self.watcher().await?;
        let said: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut connection).await?;
        for line in said.into_iter().filter(|line| line != "ok") {
            examined.add(About::Database, format!("the database file is damaged: {line}"), None);
        }
        let mut dangling = sqlx::query("PRAGMA foreign_key_check").fetch(&mut connection);
        while let Some(row) = dangling.try_next().await? {
            let (table, parent): (&str, &str) = (row.try_get(0)?, row.try_get(2)?);
            let number = row.try_get::<Option<i64>, _>(1)?.map_or_else(String::new, |number| format!(" {number}"));
            examined.add(About::Reference, format!("row{number} of {table} names a row of {parent} that does not exist"), None);
        }
        drop(dangling);
        Ok(connection.close().await?)
    }

    /// Looks whether each content is made of pieces that are its whole length, and whether each file has one.
    async fn examine_contents(&self, examined: &mut Examined) -> Result<()> {
        let mut reader = self.reader().await?;
        let contents: i64 = sqlx::query_scalar("SELECT count(*) FROM blobs").fetch_one(&mut *reader).await?;
        examined.contents = contents.unsigned_abs();
        let mut broken = sqlx::query(
            "SELECT b.id, b.size, coalesce(sum(p.size), 0) AS found,
                    coalesce(sum(bp.start <> (SELECT coalesce(sum(q.size), 0) FROM blob_parts o JOIN parts q ON q.number = o.part
                                              WHERE o.blob = bp.blob AND o.start < bp.start)), 0) AS gaps
             FROM blobs b LEFT JOIN blob_parts bp ON bp.blob = b.number LEFT JOIN parts p ON p.number = bp.part
             GROUP BY b.number HAVING found <> b.size OR gaps > 0",
        )
        .fetch(&mut *reader);
        while let Some(row) = broken.try_next().await? {
            let (id, size, found): (&str, i64, i64) = (row.try_get("id")?, row.try_get("size")?, row.try_get("found")?);
            examined.add(
                About::File,
                format!("the content {id} has {found} of its {size} bytes, or gaps between its pieces"),
                None,
            );
        }
        drop(broken);
        let mut lost = sqlx::query(
            "SELECT a.name, coalesce(b.experiment_id, b.id) AS experiment FROM stored_artifacts a
             JOIN stored_batches b ON b.number = a.batch WHERE a.blob_id NOT IN (SELECT id FROM blobs)",
        )
        .fetch(&mut *reader);
        while let Some(row) = lost.try_next().await? {
            let (name, experiment): (&str, &str) = (row.try_get("name")?, row.try_get("experiment")?);
            examined.add(About::File, format!("the file {name:?} of the experiment {experiment:?} has no content"), None);
        }
        Ok(())
    }

    /// Looks whether each object that the database names is there and long enough.
    async fn examine_objects(&self, objects: &Objects, reads_contents: bool, examined: &mut Examined) -> Result<()> {
        let mut last = String::new();
        loop {
            let found = sqlx::query(
                "SELECT object, max(\"offset\" + size) AS needed FROM parts WHERE object > ? GROUP BY object ORDER BY object LIMIT ?",
            )
            .bind(&last)
            .bind(PAGE)
            .fetch_all(&mut *self.reader().await?)
            .await?;
            let Some(newest) = found.last() else { return Ok(()) };
            last = newest.try_get("object")?;
            for row in &found {
                examined.objects += 1;
                let (object, needed): (&str, i64) = (row.try_get("object")?, row.try_get("needed")?);
                let what = match objects.size(object).await? {
                    None => Some("is missing".to_owned()),
                    Some(size) if size < needed.unsigned_abs() => Some(format!("has {size} of {needed} bytes")),
                    Some(_) if reads_contents => self.changed_part(objects, object).await?,
                    Some(_) => None,
                };
                // A file that is not used any more may be removed meanwhile, and its row before it.
                if let Some(what) = what
                    && self.names_object(object).await?
                {
                    let of = self.files_of(object).await?;
                    examined.add(About::File, format!("{object} {what}{of}"), None);
                }
            }
        }
    }

    /// Returns true if the database still names an object.
    async fn names_object(&self, object: &str) -> Result<bool> {
        let named = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM parts WHERE object = ?)").bind(object);
        Ok(named.fetch_one(&mut *self.reader().await?).await?)
    }

    /// Reads an object, and returns what is wrong with it if one of its parts is not what it was.
    async fn changed_part(&self, objects: &Objects, object: &str) -> Result<Option<String>> {
        let parts = sqlx::query("SELECT sha256, size, \"offset\" FROM parts WHERE object = ? ORDER BY \"offset\"")
            .bind(object)
            .fetch_all(&mut *self.reader().await?)
            .await?;
        for part in &parts {
            let (size, offset): (i64, i64) = (part.try_get("size")?, part.try_get("offset")?);
            let mut bytes = objects.read(object, offset.unsigned_abs(), size.unsigned_abs());
            let mut hash = Sha256::new();
            while let Some(piece) = bytes.try_next().await? {
                hash.update(&piece);
            }
            if data_encoding::HEXLOWER.encode(&hash.finalize()) != part.try_get::<&str, _>("sha256")? {
                return Ok(Some(format!("has other bytes than were uploaded, from byte {offset} on")));
            }
        }
        Ok(None)
    }

    /// Returns of which files an object is, for people.
    async fn files_of(&self, object: &str) -> Result<String> {
        let files = sqlx::query(
            "SELECT DISTINCT a.name, coalesce(b.experiment_id, b.id) AS experiment FROM parts p
             JOIN blob_parts bp ON bp.part = p.number JOIN blobs c ON c.number = bp.blob
             JOIN stored_artifacts a ON a.blob_id = c.id JOIN stored_batches b ON b.number = a.batch WHERE p.object = ? LIMIT 4",
        )
        .bind(object)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let name = |row: &SqliteRow| -> Result<String> {
            let (name, experiment): (&str, &str) = (row.try_get("name")?, row.try_get("experiment")?);
            Ok(format!("{name:?} of the experiment {experiment:?}"))
        };
        let names = files.iter().map(name).collect::<Result<Vec<_>>>()?;
        Ok(match names.as_slice() {
            [] => ": no experiment has a file of it".to_owned(),
            [names @ .., _] if names.len() == 3 => format!(": it is part of {} and of others", names.join(", ")),
            names => format!(": it is part of {}", names.join(", ")),
        })
    }

    /// Looks whether the counts of each experiment are those of its cases.
    async fn examine_counts(&self, examined: &mut Examined) -> Result<()> {
        let mut last = 0;
        loop {
            let page: Vec<i64> = sqlx::query_scalar("SELECT number FROM run_batches WHERE number > ? ORDER BY number LIMIT ?")
                .bind(last)
                .bind(PAGE)
                .fetch_all(&mut *self.reader().await?)
                .await?;
            let Some(newest) = page.last() else { return Ok(()) };
            last = *newest;
            for batch in page {
                examined.experiments += 1;
                if let Some((name, said, found)) = self.other_counts(batch).await? {
                    let what =
                        format!("the experiment {name:?} says that it has {}, and has {}", in_words(&said), in_words(&found));
                    examined.add(About::Counts, what, Some(batch));
                }
            }
        }
    }

    async fn examine_logs(&self, examined: &mut Examined) -> Result<()> {
        for organization in self.organizations().await? {
            let log = self.verify_activity(&organization.id).await?;
            examined.log_entries += log.entries;
            if let Some(number) = log.first_broken {
                let what = format!(
                    "the activity log of {:?} was changed at entry {number}, or an entry before it was added or removed",
                    organization.name
                );
                examined.add(About::Log, what, None);
            }
        }
        Ok(())
    }
}

fn in_words(counts: &Counts) -> String {
    format!("{} cases, {} of them passed", counts.total(), counts.passed)
}
