//! A model that is asked for the sake of a test: as the user of a conversation, or as a judge.
//!
//! It is a target like any other, and its answers are recorded and replayed, so that a run in CI needs no network:
//! [`Recordings`] is the file, [`Model`] asks. The one thing that both callers share is here; what a user or a judge is told,
//! and what its answer means, is theirs.

mod error;
mod recording;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

pub use error::ModelError;
pub use recording::{Mode, RECORDINGS, Recordings};

use crate::agent::{self, AgentAnswer, Message, Question, Session, Surroundings, Target};
use crate::config::ModelConfig;

/// A model, for all slots of a run.
pub struct Model {
    config: ModelConfig,
    surroundings: Surroundings,
    recordings: Arc<Recordings>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Made when it is first asked, which with recordings is never.
    target: Option<Arc<dyn Target>>,
    /// The sessions that nobody uses now.
    idle: Vec<Box<dyn Session>>,
}

impl Model {
    /// Returns a model. It starts and connects nothing before it has to be asked.
    pub fn new(config: ModelConfig, surroundings: Surroundings, recordings: Arc<Recordings>) -> Self {
        Self { config, surroundings, recordings, state: Mutex::default() }
    }

    /// Returns how it is configured.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Makes ready what is needed to ask, which with recordings is nothing.
    ///
    /// # Errors
    /// The model cannot be asked: a key or a program is missing.
    pub async fn prepare(&self) -> Result<(), ModelError> {
        if self.recordings.mode() == Mode::Replay {
            return Ok(());
        }
        let mut session = self.session()?;
        let ready = session.prepare().await;
        ready.map_err(|refusal| ModelError::Refused { model: self.config.name.clone(), refusal })?;
        self.state.lock().unwrap_or_else(PoisonError::into_inner).idle.push(session);
        Ok(())
    }

    /// Returns the answer to some messages: the recorded one, or a new one. Who wants several answers to the same messages
    /// numbers them by the sample.
    ///
    /// # Errors
    /// There is no recording where only those are used, or the model does not answer.
    pub async fn ask(&self, messages: &[Message], sample: u32) -> Result<AgentAnswer, ModelError> {
        let asked = self.recordings.question(&self.config, messages, sample)?;
        if let Some(answer) = self.recordings.find(&asked)? {
            return Ok(answer);
        }
        let mut session = self.session()?;
        let answer = session.ask(&question(messages, sample), self.config.timeout).await;
        session.end_conversation().await;
        self.state.lock().unwrap_or_else(PoisonError::into_inner).idle.push(session);
        let answer = answer.map_err(|trouble| ModelError::Silent { model: self.config.name.clone(), trouble })?;
        self.recordings.keep(&asked, answer)
    }

    /// Ends what was started.
    pub async fn close(&self) {
        let idle = std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).idle);
        for mut session in idle {
            session.close().await;
        }
    }

    fn session(&self) -> Result<Box<dyn Session>, ModelError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = state.idle.pop() {
            return Ok(session);
        }
        let target = match &state.target {
            Some(target) => Arc::clone(target),
            None => {
                let made = agent::make(&self.config.target, &self.surroundings);
                let made = made.map_err(|refusal| ModelError::Refused { model: self.config.name.clone(), refusal })?;
                state.target = Some(Arc::clone(&made));
                made
            }
        };
        Ok(target.session())
    }
}

/// Returns messages as a target is asked. One that knows no messages gets all of them as one text.
fn question(messages: &[Message], sample: u32) -> Question {
    let texts: Vec<&str> = messages.iter().map(|message| message.content.as_str()).collect();
    Question {
        run_id: String::new(),
        input: texts.join("\n\n"),
        iteration: sample,
        scenario: String::new(),
        persona: None,
        persona_id: None,
        persona_config: None,
        auto_approve_tools: true,
        messages: messages.to_vec(),
        metadata: serde_json::Map::new(),
    }
}

/// Returns the first JSON object in a text; models like to put words around it.
pub(crate) fn first_object(text: &str) -> Option<Value> {
    text.match_indices('{').take(50).find_map(|(start, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        values.next()?.ok()
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use keepstep_workspace::experiments::redact::Redactor;
    use keepstep_workspace::experiments::secrets::Secrets;
    use serde_json::json;

    use keepstep_base::role::Role;

    use super::*;
    use crate::config::{ProcessConfig, Protocol, Signal, TargetConfig};

    fn shell(script: &str, folder: &Path) -> ModelConfig {
        ModelConfig {
            target: TargetConfig::Process(ProcessConfig {
                command: vec!["sh".into(), "-c".into(), script.into()],
                directory: folder.to_owned(),
                variables: Vec::new(),
                protocol: Protocol::Ndjson,
                stream_output_path: None,
                ready_pattern: None,
                kill_signal: Signal::Kill,
                kill_timeout: Duration::ZERO,
                reuse: false,
                output_char_limit: None,
            }),
            system_prompt: None,
            timeout: Duration::from_secs(60),
            identity: json!({"runner": {"command": script}}),
            name: "a shell".into(),
        }
    }

    fn model(script: &str, folder: &Path, mode: Option<Mode>) -> Model {
        let mut secrets = Secrets::default();
        secrets.add("hunter2hunter2");
        let recordings = Recordings::open(&folder.join(RECORDINGS), mode, Redactor::new(&secrets).unwrap()).unwrap();
        Model::new(shell(script, folder), Surroundings::default(), Arc::new(recordings))
    }

    fn says(text: &str) -> [Message; 2] {
        [Message { role: Role::System, content: "Be short.".into() }, Message { role: Role::User, content: text.into() }]
    }

    const COUNTS: &str = r#"cat > asked; echo x >> count; echo '{"success":true,"output":"hunter2hunter2 '$(wc -l < count)'"}'"#;

    #[tokio::test]
    async fn an_answer_is_recorded_once_and_then_replayed_without_anybody_to_ask() {
        let folder = tempfile::tempdir().unwrap();
        let records = model(COUNTS, folder.path(), Some(Mode::Record));
        assert_eq!(records.ask(&says("b"), 0).await.unwrap().output, "[removed] 1");
        assert_eq!(records.ask(&says("a hunter2hunter2"), 0).await.unwrap().output, "[removed] 2");
        assert_eq!(records.ask(&says("b"), 0).await.unwrap().output, "[removed] 1");
        assert_eq!(records.ask(&says("b"), 1).await.unwrap().output, "[removed] 3");
        records.recordings.finish().unwrap();
        records.close().await;
        let asked = std::fs::read_to_string(folder.path().join("asked")).unwrap();
        assert!(asked.contains(r#""input_text":"Be short.\n\nb""#), "{asked}");

        let text = std::fs::read_to_string(folder.path().join(RECORDINGS)).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.is_sorted() && lines.len() == 3);
        std::fs::remove_file(folder.path().join("count")).unwrap();
        let replays = model(COUNTS, folder.path(), None);
        assert_eq!(replays.recordings.mode(), Mode::Replay);
        assert_eq!(replays.ask(&says("a hunter2hunter2"), 0).await.unwrap().output, "[removed] 2");
        assert_eq!(replays.ask(&says("b"), 1).await.unwrap().output, "[removed] 3");
        assert!(!folder.path().join("count").exists(), "a replay asks nobody");
        let error = replays.ask(&says("c"), 0).await.unwrap_err().to_string();
        assert!(error.contains("recordings/models.jsonl has no answer of a shell") && error.contains("--record"), "{error}");
        assert!(!error.contains("only"), "{error}");
        // Another model never gets these answers, and whoever changed it is told so.
        let mut other = model("exit 1", folder.path(), None);
        let error = other.ask(&says("b"), 0).await.unwrap_err().to_string();
        assert!(error.contains("a shell to this prompt, only one recorded with another configuration;"), "{error}");
        other.config.name = "another".into();
        let error = other.ask(&says("b"), 1).await.unwrap_err().to_string();
        assert!(error.contains("of another to this prompt, only one of a shell;"), "{error}");
    }

    #[tokio::test]
    async fn without_recordings_it_is_asked_and_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let live = model(COUNTS, folder.path(), None);
        assert_eq!(live.recordings.mode(), Mode::Live);
        assert_eq!(live.ask(&says("b"), 0).await.unwrap().output, "hunter2hunter2 1");
        assert_eq!(live.ask(&says("b"), 0).await.unwrap().output, "hunter2hunter2 2");
        live.recordings.finish().unwrap();
        assert!(!folder.path().join(RECORDINGS).exists());
        let broken = model("exit 3", folder.path(), None).ask(&says("b"), 0).await.unwrap_err();
        assert_eq!(broken.to_string(), "a shell did not answer: the process ended with exit code 3");
    }

    #[tokio::test]
    async fn a_torn_line_is_asked_again_and_a_merge_conflict_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(RECORDINGS);
        model(COUNTS, folder.path(), Some(Mode::Record)).ask(&says("b"), 0).await.unwrap();
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
        let records = model(COUNTS, folder.path(), Some(Mode::Record));
        assert_eq!(records.ask(&says("b"), 0).await.unwrap().output, "[removed] 2");
        assert_eq!(model(COUNTS, folder.path(), None).ask(&says("b"), 0).await.unwrap().output, "[removed] 2");
        records.recordings.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1);
        std::fs::write(&path, format!("<<<<<<< ours\n{whole}")).unwrap();
        let error = Recordings::open(&path, None, Redactor::new(&Secrets::default()).unwrap()).unwrap_err().to_string();
        assert!(error.starts_with("line 1 of "), "{error}");
    }
}
