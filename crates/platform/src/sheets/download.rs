//! The inputs of a scenario as a file.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

use keepstep_base::spreadsheet;
use keepstep_store::test_data::{InputFilter, InputPlace, InputState, Scenario, TestPersona};
use keepstep_store::{Role, StoreError};

use super::row::{SHEET_COLUMNS, sheet_row, sheet_row_as_json};
use crate::actor::Actor;
use crate::error::Error;
use crate::memory::{Pages, Share};
use crate::platform::Platform;

/// How many inputs are read at a time: fewer where they are large.
const READ: u32 = 2_000;

/// How often the inputs are read anew where somebody publishes them meanwhile.
const MOST_TIMES: u32 = 5;

/// How a file of inputs is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputsFormat {
    /// A table. It begins with the mark of UTF-8, without which some spreadsheets take it for something else.
    Csv,
    /// A JSON object on each line.
    JsonLines,
}

/// A file without a name, from its beginning.
#[derive(Debug)]
pub struct InputsFile {
    /// The file.
    pub file: File,
    /// Its place among the files that are written at a time.
    pub place: Share,
}

impl Platform {
    /// Writes the inputs that pass a filter to a file, as one draft has them: where somebody publishes meanwhile, it is begun anew, because an
    /// input that was new has another place then. A viewer may.
    ///
    /// # Errors
    /// The actor may not, there is no such scenario for them, the server has too much to do, or the file or the database failed.
    pub async fn write_inputs(
        &self,
        actor: &Actor,
        scenario: &Scenario,
        filter: &InputFilter<'_>,
        format: InputsFormat,
    ) -> Result<InputsFile, Error> {
        actor.require(Role::Viewer)?;
        let place = self.budgets.spool().await?;
        let personas = self.store.test_personas(&actor.scope, &scenario.project_id).await?;
        for _ in 0..MOST_TIMES {
            let before = self.newest_version(actor, scenario).await?;
            let file = self.inputs_once(actor, scenario, filter, format, &personas).await?;
            if self.newest_version(actor, scenario).await? == before {
                return Ok(InputsFile { file, place });
            }
        }
        Err(Error::Overloaded)
    }

    async fn newest_version(&self, actor: &Actor, scenario: &Scenario) -> Result<Option<String>, Error> {
        match self.store.newest_bundle(&actor.scope, &scenario.project_id, Some(&scenario.id)).await {
            Ok(newest) => Ok(Some(newest.id)),
            Err(StoreError::NothingPublished(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn inputs_once(
        &self,
        actor: &Actor,
        scenario: &Scenario,
        filter: &InputFilter<'_>,
        format: InputsFormat,
        personas: &[TestPersona],
    ) -> Result<File, Error> {
        let mut file = self.scratch_file()?;
        let (mut place, mut pages) = (InputPlace::BEGIN, Pages::of_at_most(READ));
        let mut piece = match format {
            InputsFormat::Csv => format!("\u{feff}{}", spreadsheet::row(SHEET_COLUMNS)),
            InputsFormat::JsonLines => String::new(),
        };
        loop {
            let filter = InputFilter { limit: pages.next(), ..*filter };
            let (inputs, next) = self.store.draft_inputs_behind(&actor.scope, &scenario.id, &filter, place).await?;
            let is_over = inputs.is_empty();
            place = next;
            for input in inputs {
                pages.note(input.size());
                // What the draft deletes is not in it.
                if input.state == InputState::Deleted {
                    continue;
                }
                let values = input.values();
                match format {
                    InputsFormat::Csv => piece.push_str(&spreadsheet::row(sheet_row(&input.id, &values, personas))),
                    InputsFormat::JsonLines => {
                        piece.push_str(&sheet_row_as_json(&input.id, &values, personas));
                        piece.push('\n');
                    }
                }
            }
            let written = std::mem::take(&mut piece);
            file = beside(move || {
                file.write_all(written.as_bytes())?;
                if is_over {
                    file.seek(SeekFrom::Start(0))?;
                }
                Ok(file)
            })
            .await?;
            if is_over {
                return Ok(file);
            }
        }
    }
}

/// Does something with a file beside the threads that answer.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))?;
    done.map_err(|error| StoreError::from_disk(error).into())
}
