//! What a sheet would do to the inputs of a scenario.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use keepstep_base::Digest;
use keepstep_store::test_data::{
    DraftInput, InputFilter, InputPlace, InputSheet, InputState, InputValues, MOST_INPUTS, PutInput, Scenario, TestPersona,
    is_input_id, problem_of_messages, size_of_members,
};
use keepstep_testdata::sheet::{AlikeTexts, Encoding, Format, Meaning, RowProblem, Table, decode_as, guess, read};

use super::reading::reading_of;
use super::row::{Personas, Said, SheetColumn};
use crate::actor::Actor;
use crate::error::Error;
use crate::memory::{Budgets, Pages};
use crate::platform::Platform;

/// How many rows show what is in a column.
const SAMPLE: usize = 5;

/// How much of a cell is shown, in characters.
const LONGEST_CELL: usize = 120;

/// How many inputs are read at a time.
const READ: u32 = 5_000;

/// How many texts are compared with each other, and how many bytes they have together.
pub(super) const MOST_COMPARED: (usize, usize) = (20_000, 4 * 1024 * 1024);

/// How much of a text is compared, in characters.
const LONGEST_COMPARED: usize = 2_000;

/// About how much memory a byte takes that is compared: as a text, and in groups of characters.
const COMPARED: usize = 6;

/// How many rows are named that are like others.
const MOST_ALIKE: usize = 50;

/// About how much memory a cell takes, and how many there are at most.
const CELL: (usize, usize) = (100, 1_000_000);

/// A new row that says nearly what another one says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlikeRow {
    /// The line of the row.
    pub line: usize,
    /// What it says.
    pub words: String,
    /// The input that says the same, by its id; nothing where it is another row.
    pub input: Option<String>,
    /// The line of the other row.
    pub other_line: Option<usize>,
    /// What that says.
    pub other_words: String,
}

/// What a sheet would do.
#[derive(Debug)]
pub struct SheetPlan {
    /// How its rows are written.
    pub format: Format,
    /// How its characters are read.
    pub encoding: Encoding,
    /// True where they cannot be read in another way.
    pub is_utf_16: bool,
    /// True where its first row has the names of the columns.
    pub has_names: bool,
    /// Its columns.
    pub columns: Vec<SheetColumn>,
    /// How many rows it has.
    pub rows: usize,
    /// How many inputs would be added.
    pub new: usize,
    /// How many would be changed.
    pub changed: usize,
    /// How many are the same.
    pub same: usize,
    /// What is wrong with rows, in their order.
    pub problems: Vec<RowProblem>,
    /// New rows that say nearly what others say: the first of them.
    pub alike: Vec<AlikeRow>,
    /// How many there are.
    pub alike_count: usize,
    /// True where there are too many to compare.
    pub is_not_compared: bool,
    /// Why it cannot be added, if it cannot.
    pub impossible: Option<String>,
    /// Names what it would do.
    pub digest: Digest,
    pub(super) puts: Vec<PutInput>,
    /// Holds what this takes of the memory.
    held: Option<Budgets>,
}

impl SheetPlan {
    /// Gives back what planning took of the memory, but for what is to be written.
    pub(super) fn keep_puts_only(&mut self) {
        let bytes: usize = self.puts.iter().map(size_of_put).sum();
        if let Some(held) = &mut self.held {
            held.shrink(bytes);
        }
    }
}

/// A row with its id.
struct Wanted {
    line: usize,
    said: Option<Said>,
}

/// What a plan is made of.
struct Planning {
    personas: Vec<TestPersona>,
    rows: Vec<Wanted>,
    by_id: HashMap<String, usize>,
    problems: Vec<RowProblem>,
    puts: Vec<(usize, PutInput)>,
    same: usize,
    /// What is said by inputs that stay as they are, and how many bytes that is.
    others: Vec<(String, String)>,
    compared: usize,
}

impl Platform {
    /// Returns what a sheet would do to the inputs of a scenario as they are now.
    pub(super) async fn plan_sheet(&self, actor: &Actor, scenario: &Scenario, sheet: &InputSheet) -> Result<SheetPlan, Error> {
        let reading = reading_of(sheet)?;
        let size = usize::try_from(sheet.size).unwrap_or(usize::MAX);
        let (cell, most_cells) = CELL;
        let counts = self.store.draft_counts(&actor.scope, &scenario.id).await?;
        let (most_compared, compared_bytes) = MOST_COMPARED;
        // What is there is compared with what comes.
        let compared = if counts.all as usize <= most_compared { COMPARED * compared_bytes } else { 0 };
        let share = self.budgets.parsed(3 * size + (size / 2).min(most_cells) * cell + compared).await?;
        let budgets = self.budgets.holding(Some(share));
        let text = self.store.input_sheet_text(sheet).await?;
        let (format, has_names) = (reading.format, reading.has_names);
        let (written_as, read_as) = (reading.encoding, reading.read_as.unwrap_or(reading.encoding));
        let text = move || if read_as == written_as { text } else { decode_as(&text, written_as, read_as) };
        let (table, unread) = match budgets.work(move || read(&text(), format, has_names)).await? {
            Ok(table) => (table, None),
            Err(error) => (Table::default(), Some(error.to_string())),
        };
        let columns = columns_of(&table, guess(&table.columns, &reading.columns));
        let personas = self.store.test_personas(&actor.scope, &scenario.project_id).await?;
        let rows = table.rows.len() + table.problems.len();
        let id = sheet.id.clone();
        let for_rows = columns.clone();
        let mut planning = budgets.work(move || Planning::of(table, reading.format, &for_rows, personas, &id)).await?;
        let is_not_compared = counts.all as usize + planning.rows.len() > most_compared;
        let (mut place, mut pages) = (InputPlace::BEGIN, Pages::of_at_most(READ));
        loop {
            let filter = InputFilter { limit: pages.next(), ..InputFilter::default() };
            let (inputs, next) = self.store.draft_inputs_behind(&actor.scope, &scenario.id, &filter, place).await?;
            if inputs.is_empty() {
                break;
            }
            place = next;
            for input in inputs {
                pages.note(input.size());
                let values = input.values();
                planning.meet(&input, values, is_not_compared);
            }
        }
        let plan = budgets.work(move || planning.end(is_not_compared)).await?;
        let impossible = match unread {
            Some(error) => Some(format!("It cannot be read: {error}.")),
            None if counts.all as usize + plan.new > MOST_INPUTS => {
                Some(format!("A scenario has at most {MOST_INPUTS} inputs, and would have {}.", counts.all as usize + plan.new))
            }
            None => None,
        };
        let seen: Vec<(&str, Option<String>)> =
            plan.puts.iter().map(|put| (put.id.as_str(), put.seen.as_ref().map(ToString::to_string))).collect();
        let meanings: Vec<&str> = columns.iter().map(|column| column.meaning.key()).collect();
        let counted = (plan.new, plan.changed, plan.same, plan.problems.len());
        let named = serde_json::to_vec(&(format, read_as, has_names, meanings, counted, seen));
        let digest = Digest::of_bytes(&named.map_err(|error| Error::Internal(error.to_string()))?);
        Ok(SheetPlan {
            format,
            encoding: read_as,
            is_utf_16: written_as == Encoding::Utf16,
            has_names,
            columns,
            rows,
            impossible,
            digest,
            held: Some(budgets),
            ..plan
        })
    }
}

fn columns_of(table: &Table, meanings: Vec<Meaning>) -> Vec<SheetColumn> {
    let mut columns: Vec<SheetColumn> = table
        .columns
        .iter()
        .zip(meanings)
        .map(|(name, meaning)| SheetColumn { name: name.clone(), meaning, sample: Vec::new() })
        .collect();
    for row in table.rows.iter().take(SAMPLE) {
        columns.iter_mut().for_each(|column| column.sample.push(String::new()));
        for (at, value) in &row.cells {
            if let Some(cell) = columns.get_mut(*at).and_then(|column| column.sample.last_mut()) {
                *cell = match value.as_str() {
                    Some(text) => cut(text),
                    None => cut(&value.to_string()),
                };
            }
        }
    }
    columns
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_CELL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Returns the beginning of what somebody says, to be compared.
pub(super) fn words_of(values: &InputValues) -> String {
    let all = values.messages.iter().flat_map(|message| message.content.chars().chain(['\n']));
    all.take(LONGEST_COMPARED).collect::<String>().trim_end().to_owned()
}

/// Returns about how many bytes an input takes that is to be put.
pub(super) fn size_of_put(put: &PutInput) -> usize {
    let messages = put.values.messages.iter().map(|message| 100 + message.role.len() + message.content.len());
    200 + messages.sum::<usize>() + size_of_members(&put.values.metadata)
}

impl Planning {
    fn of(table: Table, format: Format, columns: &[SheetColumn], personas: Vec<TestPersona>, sheet: &str) -> Self {
        let mut problems = table.problems;
        let mut by_id: HashMap<String, usize> = HashMap::with_capacity(table.rows.len());
        let mut rows: Vec<Wanted> = Vec::with_capacity(table.rows.len());
        for row in table.rows {
            let line = row.line;
            let said = Said::of(row, columns, format).and_then(|said| match &said.id {
                Some(id) if !is_input_id(id) => {
                    Err("its id is empty, longer than 200 bytes, or holds control characters".to_owned())
                }
                _ => Ok(said),
            });
            match said {
                Ok(said) => {
                    // A row keeps its id if the sheet is added a second time, after somebody was stopped in the first.
                    let id = said.id.clone().unwrap_or_else(|| id_of(sheet, line));
                    let number = rows.len();
                    match by_id.entry(id) {
                        Entry::Occupied(first) => {
                            let what = format!("the id {:?} is on line {} already", first.key(), rows[*first.get()].line);
                            problems.push(RowProblem { line, what });
                        }
                        Entry::Vacant(free) => {
                            free.insert(number);
                            rows.push(Wanted { line, said: Some(said) });
                        }
                    }
                }
                Err(what) => problems.push(RowProblem { line, what }),
            }
        }
        Self { personas, rows, by_id, problems, puts: Vec::new(), same: 0, others: Vec::new(), compared: 0 }
    }

    /// Notes an input that is there.
    fn meet(&mut self, input: &DraftInput, values: InputValues, is_not_compared: bool) {
        let is_deleted = input.state == InputState::Deleted;
        let row = self.by_id.get(&input.id).and_then(|number| self.rows.get_mut(*number));
        let Some((line, said)) = row.and_then(|row| Some((row.line, row.said.take()?))) else {
            if !is_deleted && !is_not_compared && self.compared <= MOST_COMPARED.1 {
                let words = words_of(&values);
                self.compared += words.len();
                self.others.push((input.id.clone(), words));
            }
            return;
        };
        match said.values(&values, &Personas(&self.personas)) {
            Ok(wanted) if wanted == values && !is_deleted => self.same += 1,
            Ok(wanted) => match problem_of_messages(&wanted.messages) {
                Some(what) => self.problems.push(RowProblem { line, what: what.to_owned() }),
                None => {
                    self.puts.push((line, PutInput { id: input.id.clone(), seen: Some(input.digest()), values: wanted }));
                }
            },
            Err(what) => self.problems.push(RowProblem { line, what }),
        }
    }

    fn end(mut self, is_not_compared: bool) -> SheetPlan {
        let personas = Personas(&self.personas);
        let mut ids: Vec<(String, usize)> = self.by_id.into_iter().collect();
        ids.sort_unstable_by_key(|(_, number)| *number);
        for (id, number) in ids {
            let Wanted { line, said } = &mut self.rows[number];
            let Some(said) = said.take() else { continue };
            let values = said.values(&InputValues::default(), &personas);
            let values = values.and_then(|values| match problem_of_messages(&values.messages) {
                Some(what) => Err(what.to_owned()),
                None => Ok(values),
            });
            match values {
                Ok(values) => self.puts.push((*line, PutInput { id, seen: None, values })),
                Err(what) => self.problems.push(RowProblem { line: *line, what }),
            }
        }
        self.puts.sort_by_key(|(line, _)| *line);
        self.problems.sort_by_key(|problem| problem.line);
        let (mut alike, mut alike_count) = (Vec::new(), 0);
        let new_words = self.puts.iter().filter(|(_, put)| put.seen.is_none()).map(|(_, put)| words_of(&put.values).len());
        let is_not_compared = is_not_compared || self.compared + new_words.sum::<usize>() > MOST_COMPARED.1;
        if !is_not_compared {
            (alike, alike_count) = alike_rows(&self.puts, &self.others);
        }
        let new = self.puts.iter().filter(|(_, put)| put.seen.is_none()).count();
        SheetPlan {
            format: Format::Lines,
            encoding: Encoding::Utf8,
            is_utf_16: false,
            has_names: true,
            columns: Vec::new(),
            rows: 0,
            new,
            changed: self.puts.len() - new,
            same: self.same,
            problems: self.problems,
            alike,
            alike_count,
            is_not_compared,
            impossible: None,
            digest: Digest::of_bytes(b""),
            puts: self.puts.into_iter().map(|(_, put)| put).collect(),
            held: None,
        }
    }
}

/// Returns new rows that say nearly what an input or a row before says, and how many there are.
fn alike_rows(puts: &[(usize, PutInput)], others: &[(String, String)]) -> (Vec<AlikeRow>, usize) {
    let mut texts = AlikeTexts::default();
    let mut known: Vec<(Option<&str>, Option<usize>, String)> = Vec::new();
    for (id, words) in others {
        texts.add(words);
        known.push((Some(id), None, cut(words)));
    }
    let (mut alike, mut count) = (Vec::new(), 0);
    for (line, put) in puts {
        let words = words_of(&put.values);
        if put.seen.is_none()
            && let Some((input, other_line, other_words)) = texts.find(&words).and_then(|found| known.get(found))
        {
            count += 1;
            if alike.len() < MOST_ALIKE {
                alike.push(AlikeRow {
                    line: *line,
                    words: cut(&words),
                    input: input.map(str::to_owned),
                    other_line: *other_line,
                    other_words: other_words.clone(),
                });
            }
        }
        texts.add(&words);
        known.push((None, Some(*line), cut(&words)));
    }
    (alike, count)
}

/// Returns the id of a new input.
fn id_of(sheet: &str, line: usize) -> String {
    let digest = Digest::of_bytes(format!("{sheet} {line}").as_bytes()).to_string();
    format!("item_{}", &digest[..24])
}
