//! What somebody brings to the inputs of a scenario, for as long as they look at it, and writing it into the draft.

use super::draft::{PutInput, PutOutcome, PutWithin, published_set, read_counts};
use super::file::{MOST_INPUTS, TestDataError};
use super::scenarios::read_scenario;
use crate::model::Scope;
use crate::sql::query::query;
use crate::sql::row::Row;
use crate::{Result, Store, StoreError, Transaction};

/// How long a sheet is kept, in milliseconds.
const KEPT_FOR: i64 = 24 * 60 * 60 * 1000;

/// How many sheets of one person are kept that are not added.
const MOST_KEPT: u32 = 5;

/// Inputs that somebody brought and looks at, without their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputSheet {
    /// Its id.
    pub id: String,
    /// The name of the file; empty for what was pasted.
    pub name: String,
    /// How long its text was, in bytes.
    pub size: u64,
    /// How it is read, as JSON.
    pub reading: String,
    /// What became of it, as JSON; nothing before it is added.
    pub outcome: Option<String>,
    /// When it was brought.
    pub created_at: i64,
}

/// Inputs that somebody brings.
#[derive(Debug, Clone, Copy)]
pub struct NewSheet<'a> {
    /// Who, by their id: nobody else sees it.
    pub user: &'a str,
    /// The name of the file.
    pub name: &'a str,
    /// What it says.
    pub text: &'a str,
    /// How it is read, as JSON.
    pub reading: &'a str,
}

impl Store {
    /// Returns a sheet of somebody.
    ///
    /// # Errors
    /// There is no such scenario in the scope, they have no such sheet of it, or the database failed.
    pub async fn input_sheet(&self, scope: &Scope, scenario: &str, user: &str, id: &str) -> Result<InputSheet> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        let text = "SELECT id, name, size, reading, outcome, created_at FROM input_sheets
                    WHERE id = $1 AND scenario_id = $2 AND user_id = $3 AND created_at >= $4";
        let oldest = self.now() - KEPT_FOR;
        let found = query(text).bind(id).bind(scenario).bind(user).bind(oldest).fetch_optional(&mut reader).await?;
        found.as_ref().map(sheet).transpose()?.ok_or_else(|| StoreError::UploadNotFound(id.to_owned()))
    }

    /// Returns the sheets of somebody that are not added yet, the last one first.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn input_sheets(&self, scope: &Scope, scenario: &str, user: &str) -> Result<Vec<InputSheet>> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        let text = "SELECT id, name, size, reading, outcome, created_at FROM input_sheets
                    WHERE scenario_id = $1 AND user_id = $2 AND outcome IS NULL AND created_at >= $3 ORDER BY created_at DESC, id";
        query(text)
            .bind(scenario)
            .bind(user)
            .bind(self.now() - KEPT_FOR)
            .fetch_all(&mut reader)
            .await?
            .iter()
            .map(sheet)
            .collect()
    }

    /// Returns the text of a sheet; empty once it is added.
    ///
    /// # Errors
    /// There is no such sheet, or the database failed.
    pub async fn input_sheet_text(&self, sheet: &InputSheet) -> Result<String> {
        let mut reader = self.reader().await?;
        let found = query("SELECT text FROM input_sheets WHERE id = $1").bind(&sheet.id).fetch_optional(&mut reader);
        let row = found.await?.ok_or_else(|| StoreError::UploadNotFound(sheet.id.clone()))?;
        Ok(row.get("text")?)
    }

    /// Returns what the columns were when a sheet was last added to a scenario, as JSON.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn input_columns(&self, scope: &Scope, scenario: &str) -> Result<Option<String>> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        let found = query("SELECT columns FROM input_columns WHERE scenario_id = $1").bind(scenario);
        let row = found.fetch_optional(&mut reader).await?;
        Ok(row.map(|row| row.get("columns")).transpose()?)
    }
}

fn sheet(row: &Row) -> Result<InputSheet> {
    Ok(InputSheet {
        id: row.get("id")?,
        name: row.get("name")?,
        size: row.get::<i64>("size")?.unsigned_abs(),
        reading: row.get("reading")?,
        outcome: row.get("outcome")?,
        created_at: row.get("created_at")?,
    })
}

impl Transaction {
    /// Keeps a sheet, and forgets those that are too old or too many.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn keep_input_sheet(&mut self, scope: &Scope, scenario: &str, new: NewSheet<'_>) -> Result<String> {
        read_scenario(self.connection(), scope, scenario).await?;
        let (now, id) = (self.now, self.surroundings.id("sheet_")?);
        query("DELETE FROM input_sheets WHERE created_at < $1").bind(now - KEPT_FOR).execute(self.connection()).await?;
        query(
            "DELETE FROM input_sheets WHERE user_id = $1 AND outcome IS NULL AND id NOT IN
               (SELECT id FROM input_sheets WHERE user_id = $1 AND outcome IS NULL ORDER BY created_at DESC, id LIMIT $2)",
        )
        .bind(new.user)
        .bind(MOST_KEPT - 1)
        .execute(self.connection())
        .await?;
        query(
            "INSERT INTO input_sheets (id, scenario_id, user_id, name, text, size, reading, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&id)
        .bind(scenario)
        .bind(new.user)
        .bind(new.name)
        .bind(new.text)
        .bind(i64::try_from(new.text.len()).unwrap_or(i64::MAX))
        .bind(new.reading)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(id)
    }

    /// Says how a sheet is read.
    ///
    /// # Errors
    /// The database failed.
    pub async fn read_input_sheet_as(&mut self, sheet: &InputSheet, reading: &str) -> Result<()> {
        let text = "UPDATE input_sheets SET reading = $2 WHERE id = $1 AND outcome IS NULL";
        query(text).bind(&sheet.id).bind(reading).execute(self.connection()).await?;
        Ok(())
    }

    /// Says what became of a sheet, whose text is not needed any more, and keeps what its columns were. What is said first stays.
    ///
    /// # Errors
    /// The database failed.
    pub async fn end_input_sheet(&mut self, scenario: &str, sheet: &InputSheet, outcome: &str, columns: &str) -> Result<()> {
        let text = "UPDATE input_sheets SET text = '', outcome = $2 WHERE id = $1 AND outcome IS NULL";
        if query(text).bind(&sheet.id).bind(outcome).execute(self.connection()).await? == 0 {
            return Ok(());
        }
        query("INSERT INTO input_columns (scenario_id, columns) VALUES ($1, $2) ON CONFLICT (scenario_id) DO UPDATE SET columns = $2")
            .bind(scenario)
            .bind(columns)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Adds and changes inputs of a draft, and returns the ids of those that are not what they were when somebody looked. These stay as
    /// they are, unless they say already what they are to say.
    ///
    /// # Errors
    /// There is no such scenario in the scope, what one of them says is not valid, there are too many inputs, or the database failed.
    pub async fn put_inputs(&mut self, scope: &Scope, scenario: &str, inputs: &[PutInput], by: &str) -> Result<Vec<String>> {
        let project = read_scenario(self.connection(), scope, scenario).await?.project_id;
        let within =
            PutWithin { personas: self.persona_ids(&project).await?, set: published_set(self.connection(), scenario).await? };
        let before = read_counts(self.connection(), scenario).await?.all as usize;
        let mut all = before;
        let mut left = Vec::new();
        for input in inputs {
            match self.put_input(scenario, &within, input, by).await? {
                PutOutcome::Added => all += 1,
                PutOutcome::Changed => {}
                PutOutcome::Left => left.push(input.id.clone()),
            }
        }
        if all > before && all > MOST_INPUTS {
            return Err(TestDataError::TooManyInputs { found: all }.into());
        }
        Ok(left)
    }
}
