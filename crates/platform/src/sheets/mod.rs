//! Inputs that come as a file or a pasted text: they are kept, looked at, and added to the draft of a scenario when somebody says so.

mod alike;
mod download;
mod plan;
mod reading;
mod row;

use keepstep_store::test_data::{InputSheet, NewSheet, PutInput, Scenario, TestDataError};
use keepstep_store::{Role, StoreError};
use keepstep_testdata::sheet::{Encoding, Format, Meaning, RowProblem, decode};
use serde::{Deserialize, Serialize};

pub use self::download::{InputsFile, InputsFormat};
use self::plan::size_of_put;
pub use self::plan::{AlikeRow, SheetPlan};
pub use self::reading::Reading;
use self::reading::reading_of;
pub use self::row::{SheetColumn, inputs_of};
use crate::actor::Actor;
use crate::error::Error;
use crate::platform::Platform;
use crate::write::Plain;

/// The largest file of inputs, in bytes.
pub const LARGEST_SHEET: usize = 16 * 1024 * 1024;

/// The longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 100;

/// How many inputs one transaction writes, and how many bytes of words: others write in between.
const WRITTEN_AT_ONCE: (usize, usize) = (500, 512 * 1024);

/// How many rows an outcome names.
const MOST_NAMED: usize = 200;

/// What somebody brings.
#[derive(Debug, Clone, Copy)]
pub struct BroughtSheet<'a> {
    /// The name of the file; empty for what was pasted.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// What became of a sheet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetOutcome {
    /// How many inputs were added.
    pub added: usize,
    /// How many were changed.
    pub changed: usize,
    /// How many were the same before.
    pub same: usize,
    /// How many rows were left out, because something is wrong with them.
    pub skipped: usize,
    /// The first of these.
    pub problems: Vec<RowProblem>,
    /// How many inputs were left as they are, because somebody else changed them meanwhile.
    pub left: usize,
    /// The ids of the first of these.
    pub left_ids: Vec<String>,
}

/// A sheet that somebody looks at.
#[derive(Debug)]
pub enum SheetView {
    /// What it would do.
    Plan(Box<SheetPlan>),
    /// What it did.
    Outcome(SheetOutcome),
}

/// What somebody says who adds a sheet.
#[derive(Debug, Clone)]
pub struct SheetForm<'a> {
    /// How it is read.
    pub reading: Reading,
    /// What they looked at; see [`SheetPlan::digest`].
    pub seen: &'a str,
    /// True where rows with problems are left out.
    pub skips_problems: bool,
}

/// What became of a sheet that was to be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedSheet {
    /// It is added.
    Added,
    /// It is to be read in another way than was looked at. Nothing is written.
    ReadAnew,
    /// The inputs changed since somebody looked. Nothing is written.
    Stale,
    /// Something is wrong with rows, and nobody said that they are left out. Nothing is written.
    Problems,
    /// It cannot be added. Nothing is written.
    Impossible,
}

impl Platform {
    /// Keeps a file or a pasted text of inputs for somebody to look at, for a day, and returns its id. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such scenario for them, it is empty or too large, or the database failed.
    pub async fn bring_sheet(&self, actor: &Actor, scenario: &str, brought: BroughtSheet<'_>) -> Result<String, Error> {
        actor.require(Role::Editor)?;
        if brought.bytes.len() > LARGEST_SHEET {
            return Err(Error::TooLarge { what: "The file".into(), limit: LARGEST_SHEET as u64 });
        }
        let kept = self.store.input_columns(&actor.scope, scenario).await?;
        let (text, encoding) = decode(brought.bytes);
        if text.trim().is_empty() {
            return Err(Error::Refused("The file is empty.".to_owned()));
        }
        let columns = kept.and_then(|kept| serde_json::from_str(&kept).ok()).unwrap_or_default();
        let reading = Reading { format: Format::guess(&text, brought.name), encoding, read_as: None, has_names: true, columns };
        let name: String = brought.name.chars().take(LONGEST_NAME).collect();
        let reading = as_text(&reading)?;
        let new = NewSheet { user: &actor.id, name: &name, text: &text, reading: &reading };
        self.write_unnoted(actor, "bring inputs", Plain, async |transaction| {
            Ok(transaction.keep_input_sheet(&actor.scope, scenario, new).await?)
        })
        .await
    }

    /// Returns what a sheet would do to the inputs of a scenario, or what it did. An editor may, who brought it.
    ///
    /// # Errors
    /// The actor may not, there is no such sheet of theirs, or the database failed.
    pub async fn look_at_sheet(&self, actor: &Actor, scenario: &Scenario, id: &str) -> Result<(InputSheet, SheetView), Error> {
        actor.require(Role::Editor)?;
        let sheet = self.store.input_sheet(&actor.scope, &scenario.id, &actor.id, id).await?;
        let view = match &sheet.outcome {
            Some(outcome) => {
                SheetView::Outcome(serde_json::from_str(outcome).map_err(|error| Error::Internal(error.to_string()))?)
            }
            None => SheetView::Plan(Box::new(self.plan_sheet(actor, scenario, &sheet).await?)),
        };
        Ok((sheet, view))
    }

    /// Says how a sheet is to be read: what it says of columns counts for those that it names. An editor may, who brought it.
    ///
    /// # Errors
    /// The actor may not, there is no such sheet of theirs, or the database failed.
    pub async fn read_sheet_as(&self, actor: &Actor, scenario: &Scenario, id: &str, wanted: Reading) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        let sheet = self.store.input_sheet(&actor.scope, &scenario.id, &actor.id, id).await?;
        self.keep_reading(actor, &sheet, wanted).await.map(drop)
    }

    async fn keep_reading(&self, actor: &Actor, sheet: &InputSheet, mut wanted: Reading) -> Result<bool, Error> {
        let old = reading_of(sheet)?;
        // How the characters were written is known, and what was said of other columns stays.
        wanted.encoding = old.encoding;
        wanted.read_as = wanted.read_as.filter(|read_as| *read_as != old.encoding && old.encoding != Encoding::Utf16);
        for (name, meaning) in &old.columns {
            if !wanted.columns.iter().any(|(known, _)| known == name) {
                wanted.columns.push((name.clone(), *meaning));
            }
        }
        let reading = as_text(&wanted)?;
        if reading == sheet.reading {
            return Ok(false);
        }
        self.write_unnoted(actor, "read inputs anew", Plain, async |transaction| {
            Ok(transaction.read_input_sheet_as(sheet, &reading).await?)
        })
        .await?;
        Ok(true)
    }

    /// Adds a sheet to the draft of a scenario, if it does what somebody has `seen`: new inputs, and those of its ids that it changes. It is
    /// written in many small transactions. Whoever is stopped in between sends it again, which goes on. An editor may, who brought it.
    ///
    /// # Errors
    /// The actor may not, there is no such sheet of theirs, or the database failed.
    pub async fn add_sheet(
        &self,
        actor: &Actor,
        scenario: &Scenario,
        id: &str,
        form: SheetForm<'_>,
    ) -> Result<AddedSheet, Error> {
        actor.require(Role::Editor)?;
        let sheet = self.store.input_sheet(&actor.scope, &scenario.id, &actor.id, id).await?;
        if sheet.outcome.is_some() {
            return Ok(AddedSheet::Added);
        }
        let is_new = self.keep_reading(actor, &sheet, form.reading).await?;
        let sheet = self.store.input_sheet(&actor.scope, &scenario.id, &actor.id, id).await?;
        let plan = self.plan_sheet(actor, scenario, &sheet).await?;
        if form.seen != plan.digest.to_string() {
            // Who sent the form twice has added it meanwhile.
            let sheet = self.store.input_sheet(&actor.scope, &scenario.id, &actor.id, id).await?;
            return Ok(match (sheet.outcome, is_new) {
                (Some(_), _) => AddedSheet::Added,
                (None, true) => AddedSheet::ReadAnew,
                (None, false) => AddedSheet::Stale,
            });
        }
        if plan.impossible.is_some() {
            return Ok(AddedSheet::Impossible);
        }
        if !plan.problems.is_empty() && !form.skips_problems {
            return Ok(AddedSheet::Problems);
        }
        match self.write_sheet(actor, scenario, &sheet, plan).await {
            // Others added so many meanwhile.
            Err(Error::Store(StoreError::TestData(TestDataError::TooManyInputs { .. }))) => Ok(AddedSheet::Impossible),
            written => written.map(|()| AddedSheet::Added),
        }
    }
}

impl Platform {
    async fn write_sheet(
        &self,
        actor: &Actor,
        scenario: &Scenario,
        sheet: &InputSheet,
        mut plan: SheetPlan,
    ) -> Result<(), Error> {
        plan.keep_puts_only();
        let mut outcome = SheetOutcome {
            added: plan.new,
            changed: plan.changed,
            same: plan.same,
            skipped: plan.problems.len(),
            problems: plan.problems.iter().take(MOST_NAMED).cloned().collect(),
            ..SheetOutcome::default()
        };
        let mut rest = plan.puts.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(at_once(rest));
            rest = later;
            let left = self
                .write_unnoted(actor, "add inputs", Plain, async |transaction| {
                    Ok(transaction.put_inputs(&actor.scope, &scenario.id, now, &actor.name).await?)
                })
                .await?;
            for id in left {
                let was_new = now.iter().any(|input| input.id == id && input.seen.is_none());
                let counted = if was_new { &mut outcome.added } else { &mut outcome.changed };
                *counted -= 1;
                outcome.left += 1;
                if outcome.left_ids.len() < MOST_NAMED {
                    outcome.left_ids.push(id);
                }
            }
        }
        let columns: Vec<(&str, Meaning)> = plan.columns.iter().map(|column| (column.name.as_str(), column.meaning)).collect();
        let (outcome, columns) = (as_text(&outcome)?, as_text(&columns)?);
        self.write(actor, "add inputs from a file", Plain, async |transaction| {
            transaction.end_input_sheet(&scenario.id, sheet, &outcome, &columns).await?;
            transaction.about("scenario", &scenario.id, &scenario.name);
            Ok(())
        })
        .await
    }
}

/// Returns how many inputs one transaction writes.
fn at_once(inputs: &[PutInput]) -> usize {
    let (most, most_bytes) = WRITTEN_AT_ONCE;
    let mut bytes = 0;
    let fits = inputs.iter().take(most).take_while(|input| {
        bytes += size_of_put(input);
        bytes <= most_bytes
    });
    fits.count().max(1).min(inputs.len())
}

fn as_text(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))
}
