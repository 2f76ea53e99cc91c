//! What models answered, kept in a file that can be committed, so that a run needs no network to have it again.
//!
//! A recording is one JSON object a line: the key, who was asked what, and the answer. The key is the digest of the model's
//! configuration and the messages, without secrets, so a changed prompt or model is never answered by an old recording. While
//! a run goes on, each new answer is appended as it comes, because it may have cost money; at its end the lines are sorted,
//! so that the file does not depend on which slot was faster.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use keepstep_agent::canonical::sorted_keys;
use keepstep_base::Digest;
use keepstep_workspace::experiments::redact::{Form, Redactor};
use keepstep_workspace::files;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ModelError;
use crate::agent::{AgentAnswer, Message};
use crate::config::ModelConfig;

/// The file of a scenario, below its folder.
pub const RECORDINGS: &str = "recordings/models.jsonl";

/// What is done with recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Every answer comes from the file; nobody is asked.
    Replay,
    /// What the file does not have is asked and put into it.
    Record,
    /// Everybody is asked each time, and nothing is kept.
    Live,
}

/// A file of recordings.
#[derive(Debug)]
pub struct Recordings {
    path: PathBuf,
    mode: Mode,
    redactor: Redactor,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The lines with their answers by their keys.
    known: BTreeMap<String, (String, AgentAnswer)>,
    has_grown: bool,
}

/// One line, as far as it is read.
#[derive(Debug, Deserialize)]
struct Entry {
    key: String,
    answer: AgentAnswer,
}

/// A question in the form in which it is recorded.
#[derive(Debug)]
pub(super) struct RecordedQuestion {
    key: String,
    line: Value,
}

impl Recordings {
    /// Reads the recordings of a file. Without a wish for a mode, they are replayed where there are any, and models are asked
    /// where there are none. What the redactor finds is taken out before anything is written.
    ///
    /// # Errors
    /// The file cannot be read, or holds something else.
    pub fn open(path: &Path, wish: Option<Mode>, redactor: Redactor) -> Result<Self, ModelError> {
        let mut state = State::default();
        let mut mode = wish.unwrap_or(Mode::Live);
        if mode != Mode::Live || wish.is_none() {
            let text = files::read_if_there(path).map_err(|error| ModelError::Recordings(error.to_string()))?;
            if let Some(text) = text {
                state.known = entries(path, &text)?;
                mode = wish.unwrap_or(Mode::Replay);
            }
        }
        Ok(Self { path: path.to_owned(), mode, redactor, state: Mutex::new(state) })
    }

    /// Returns what is done with recordings.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the form in which a question is looked for. Equal questions that want different answers have different samples.
    pub(super) fn question(
        &self,
        model: &ModelConfig,
        messages: &[Message],
        sample: u32,
    ) -> Result<RecordedQuestion, ModelError> {
        let asked = json!({"model": model.identity, "messages": messages, "sample": sample});
        let asked = sorted_keys(&self.cleaned(&asked)?);
        let key = Digest::of_bytes(asked.to_string().as_bytes()).to_string();
        let mut line = json!({"key": key, "model": model.name});
        if sample > 0 {
            line["sample"] = sample.into();
        }
        line["messages"] = asked["messages"].clone();
        Ok(RecordedQuestion { key, line })
    }

    /// Returns what was answered before; `None` if the model is to be asked.
    pub(super) fn find(&self, asked: &RecordedQuestion) -> Result<Option<AgentAnswer>, ModelError> {
        if self.mode == Mode::Live {
            return Ok(None);
        }
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.known.get(&asked.key) {
            Some((_, answer)) => Ok(Some(answer.clone())),
            None if self.mode == Mode::Record => Ok(None),
            None => {
                let model = asked.line["model"].as_str().unwrap_or_default().to_owned();
                let other = state.known.values().find_map(|(line, _)| model_that_answered(line, asked));
                Err(ModelError::NotRecorded { model, path: self.path.clone(), other })
            }
        }
    }

    /// Keeps an answer, and returns the one that counts: the first that was given to this question.
    pub(super) fn keep(&self, asked: &RecordedQuestion, answer: AgentAnswer) -> Result<AgentAnswer, ModelError> {
        if self.mode != Mode::Record {
            return Ok(answer);
        }
        let mut line = asked.line.clone();
        line["answer"] = self.cleaned(&json!(answer))?;
        let kept: AgentAnswer = serde_json::from_value(line["answer"].clone()).map_err(|error| self.write_error(error.into()))?;
        let text = format!("{line}\n");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, first)) = state.known.get(&asked.key) {
            return Ok(first.clone());
        }
        append(&self.path, text.as_bytes()).map_err(|error| self.write_error(error))?;
        state.known.insert(asked.key.clone(), (text, kept.clone()));
        state.has_grown = true;
        Ok(kept)
    }

    /// Puts the lines in order, if there are new ones.
    ///
    /// # Errors
    /// The file cannot be written; it still has every line.
    pub fn finish(&self) -> Result<(), ModelError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.has_grown {
            return Ok(());
        }
        // Another process may have added something.
        let text = files::read_if_there(&self.path).map_err(|error| ModelError::Recordings(error.to_string()))?;
        for (key, entry) in entries(&self.path, &text.unwrap_or_default())? {
            state.known.entry(key).or_insert(entry);
        }
        let text: String = state.known.values().map(|(line, _)| line.as_str()).collect();
        files::replace(&self.path, text.as_bytes()).map_err(|error| self.write_error(error))?;
        state.has_grown = false;
        Ok(())
    }

    fn cleaned(&self, value: &Value) -> Result<Value, ModelError> {
        let mut out = Vec::new();
        self.redactor
            .copy(Form::Json, value.to_string().as_bytes(), &mut out)
            .and_then(|_| serde_json::from_slice(&out).map_err(io::Error::from))
            .map_err(|error| self.write_error(error))
    }

    fn write_error(&self, error: io::Error) -> ModelError {
        ModelError::Recordings(format!("cannot write {}: {error}", self.path.display()))
    }
}

/// Returns the model of a line, if it was asked the same.
fn model_that_answered(line: &str, asked: &RecordedQuestion) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_same = ["messages", "sample"].iter().all(|member| line.get(member) == asked.line.get(member));
    is_same.then(|| line["model"].as_str().unwrap_or_default().to_owned())
}

/// Reads all lines. One that a crash has torn was never answered.
fn entries(path: &Path, text: &str) -> Result<BTreeMap<String, (String, AgentAnswer)>, ModelError> {
    let mut known = BTreeMap::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Entry>(line.trim_end()) {
            Ok(entry) => {
                known.entry(entry.key).or_insert((format!("{}\n", line.trim_end()), entry.answer));
            }
            Err(error) if error.is_eof() => {}
            Err(error) => {
                return Err(ModelError::Recordings(format!(
                    "line {} of {} is not a recording: {error}",
                    index + 1,
                    path.display()
                )));
            }
        }
    }
    Ok(known)
}

fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = File::options().create(true).read(true).append(true).open(path)?;
    let mut bytes = Vec::new();
    // Behind a line that a crash has torn begins a new one.
    if ends_torn(&mut file)? {
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(line);
    file.write_all(&bytes)?;
    file.sync_data()
}

fn ends_torn(file: &mut File) -> io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
