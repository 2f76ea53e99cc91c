//! A program that reads inputs and writes answers as JSON lines.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal as System;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::child::{Child, Line, find_program, how_it_ended};
use super::output::{as_text, at_path, limit};
use super::{Answer, Later, Question, Refusal, Session, Surroundings, Target, Trouble};
use crate::config::{ProcessConfig, Protocol, Signal};
use crate::duration::spoken;
use crate::outcome::Problem;

/// A program.
pub(super) struct Processes(Arc<Program>);

#[derive(Debug)]
struct Program {
    path: PathBuf,
    environment: BTreeMap<String, String>,
    config: ProcessConfig,
}

impl Processes {
    /// Returns the target for a program that is there.
    pub(super) fn new(config: &ProcessConfig, surroundings: &Surroundings) -> Result<Self, Refusal> {
        let mut environment = surroundings.environment.clone();
        environment.extend(config.variables.iter().cloned());
        if !config.directory.is_dir() {
            return Err(Refusal {
                message: format!("there is no folder {}, where the program is to run", config.directory.display()),
                hints: vec!["`cwd` (or `working_directory`) in configs/simulation.yaml says where it runs".to_owned()],
            });
        }
        let name = config.command.first().map(String::as_str).unwrap_or_default();
        let path = find_program(name, &config.directory, &environment).ok_or_else(|| Refusal {
            message: format!("there is no program {name}"),
            hints: vec![
                "the first word of `command` in configs/simulation.yaml is a program in PATH, or a path from its folder"
                    .to_owned(),
            ],
        })?;
        Ok(Self(Arc::new(Program { path, environment, config: config.clone() })))
    }
}

impl Target for Processes {
    fn session(&self) -> Box<dyn Session> {
        Box::new(ProcessSession { program: Arc::clone(&self.0), child: None })
    }
}

struct ProcessSession {
    program: Arc<Program>,
    child: Option<Child>,
}

impl ProcessSession {
    async fn start(&mut self) -> Result<(), Trouble> {
        if self.child.as_mut().is_some_and(|child| child.ended().is_none()) {
            return Ok(());
        }
        let program = Arc::clone(&self.program);
        let arguments: Vec<OsString> = program.config.command.iter().skip(1).map(OsString::from).collect();
        let child = Child::start(program.path.as_os_str(), &arguments, &program.config.directory, &program.environment);
        let child =
            child.map_err(|error| Trouble::Down(Problem::new(format!("cannot start {}: {error}", program.path.display()))))?;
        let child = self.child.insert(child);
        let Some(pattern) = &program.config.ready_pattern else { return Ok(()) };
        loop {
            match child.line().await {
                Ok(Line::Whole(line)) if pattern.is_match(String::from_utf8_lossy(&line).trim_end_matches('\r')) => return Ok(()),
                Ok(Line::Whole(_) | Line::TooLong) => {}
                Ok(Line::End) | Err(_) => {
                    let how = self.ended().await;
                    return Err(Trouble::Down(Problem::new(format!("the process ended {how} before it was ready"))));
                }
            }
        }
    }

    /// Ends the process and returns how it ended and what it last wrote to standard error.
    async fn ended(&mut self) -> String {
        let Some(mut child) = self.child.take() else { return how_it_ended(None) };
        let status = child.end(System::KILL, Duration::ZERO).await;
        let tail: String = child.tail().await.chars().rev().take(500).collect();
        let tail: String = tail.chars().rev().collect();
        let how = how_it_ended(status);
        if tail.is_empty() { how } else { format!("{how}: {tail}") }
    }

    /// Ends the process in the way that it is configured to be ended.
    async fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let config = &self.program.config;
            child.end(system_signal(config.kill_signal), config.kill_timeout).await;
        }
    }

    /// A process for this turn: a line in, the last JSON object out.
    async fn one_turn(&mut self, question: &Question) -> Result<Answer, Trouble> {
        self.start().await?;
        let line = json!({
            "run_id": question.run_id,
            "input_text": question.input,
            "context": {
                "iteration": question.iteration,
                "persona": question.persona_id.as_ref().or(question.persona.as_ref()),
                "scenario": question.scenario,
            },
        });
        let Some(child) = &mut self.child else { return Err(gone()) };
        // A process that does not want its input may still answer.
        let _ = child.write_line(&line.to_string()).await;
        child.end_input();
        let mut answer = None;
        let mut too_long = false;
        loop {
            match child.line().await {
                Ok(Line::Whole(line)) => {
                    if let Ok(value @ Value::Object(_)) = serde_json::from_slice(&line) {
                        answer = Some(value);
                    }
                }
                Ok(Line::TooLong) => too_long = true,
                Ok(Line::End) | Err(_) => break,
            }
        }
        // It closed its output; whether it ends by itself is its own affair, within the limit.
        let status = child.wait().await.ok();
        let how = self.ended().await;
        match answer {
            Some(answer) => self.answer_of(&answer),
            None if too_long => Err(Trouble::Agent(Problem::new("the process wrote a line of more than 64 MiB"))),
            None if status.is_some_and(|status| status.success()) => {
                Err(Trouble::Agent(Problem::new("the process ended without a JSON object on stdout")))
            }
            None => Err(Trouble::Agent(Problem::new(format!("the process ended {how}")))),
        }
    }

    fn answer_of(&self, answer: &Value) -> Result<Answer, Trouble> {
        if answer.get("success").and_then(Value::as_bool) != Some(true) {
            return Err(Trouble::Agent(
                problem_of(answer).unwrap_or_else(|| Problem::new("the agent's answer does not say \"success\": true")),
            ));
        }
        let mut output = answer.get("output").map(as_text).unwrap_or_default();
        limit(&mut output, self.program.config.output_char_limit);
        let member = |name: &str| answer.get(name).filter(|value| !value.is_null()).cloned();
        Ok(Answer { output, token_usage: member("token_usage"), tool_calls: member("tool_calls"), callback_messages: None })
    }

    /// A message in; deltas and an end out.
    async fn messages(&mut self, question: &Question) -> Result<Answer, Trouble> {
        self.start().await?;
        let line = json!({
            "type": "input",
            "input": question.input,
            "run_id": question.run_id,
            "context": {"persona": question.persona, "iteration": question.iteration, "scenario": question.scenario},
            "messages": question.messages,
        });
        let Some(child) = &mut self.child else { return Err(gone()) };
        let _ = child.write_line(&line.to_string()).await;
        let config = &self.program.config;
        let mut deltas: Option<String> = None;
        loop {
            let line = match child.line().await {
                Ok(Line::Whole(line)) => line,
                Ok(Line::TooLong) => continue,
                Ok(Line::End) | Err(_) => {
                    let how = self.ended().await;
                    return Err(Trouble::Agent(Problem::new(format!("the process ended {how} before its answer was complete"))));
                }
            };
            // Whatever else a program prints is noise.
            let Ok(message @ Value::Object(_)) = serde_json::from_slice::<Value>(&line) else { continue };
            match message.get("type").and_then(Value::as_str) {
                Some("delta") => {
                    let text = at_path(&message, &config.stream_output_path).map(as_text).unwrap_or_default();
                    let deltas = deltas.get_or_insert_default();
                    // The limit is in characters, of which none has more than four bytes.
                    if config.output_char_limit.is_none_or(|limit| deltas.len() < limit.saturating_mul(4)) {
                        deltas.push_str(&text);
                    }
                }
                Some("final") => {
                    let mut output = deltas.unwrap_or_else(|| message.get("output").map(as_text).unwrap_or_default());
                    limit(&mut output, config.output_char_limit);
                    let member = |name: &str| message.get(name).filter(|value| !value.is_null()).cloned();
                    return Ok(Answer {
                        output,
                        token_usage: member("token_usage"),
                        tool_calls: member("tool_calls"),
                        callback_messages: None,
                    });
                }
                Some("error") => {
                    let problem = problem_of(&message).unwrap_or_else(|| Problem::new("the agent said that it failed"));
                    return Err(Trouble::Agent(problem));
                }
                _ => {}
            }
        }
    }
}

impl Session for ProcessSession {
    fn prepare(&mut self) -> Later<'_, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }

    fn ask<'a>(&'a mut self, question: &'a Question, patience: Duration) -> Later<'a, Result<Answer, Trouble>> {
        Box::pin(async move {
            let asked = async {
                match self.program.config.protocol {
                    Protocol::Ndjson => self.one_turn(question).await,
                    Protocol::Jsonl => self.messages(question).await,
                }
            };
            match timeout(patience, asked).await {
                Ok(answer) => answer,
                Err(_) => {
                    self.stop().await;
                    Err(Trouble::Timeout(Problem::new(format!("no answer after {}", spoken(patience)))))
                }
            }
        })
    }

    fn end_conversation(&mut self) -> Later<'_, ()> {
        Box::pin(async {
            if !self.program.config.reuse {
                self.close().await;
            }
        })
    }

    fn close(&mut self) -> Later<'_, ()> {
        Box::pin(async {
            let patience = self.program.config.kill_timeout;
            if let Some(child) = &mut self.child {
                // The end of its input asks it to end, in most programs.
                child.end_input();
                let _ = timeout(patience.min(Duration::from_millis(500)), child.wait()).await;
            }
            self.stop().await;
        })
    }
}

fn gone() -> Trouble {
    Trouble::Down(Problem::new("the process is not running"))
}

/// Returns what an answer says went wrong.
fn problem_of(answer: &Value) -> Option<Problem> {
    let error = answer.get("error").filter(|error| !error.is_null())?;
    let code = answer.get("code").and_then(Value::as_str).map_or_else(String::new, |code| format!(" ({code})"));
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let message = text("message").map_or_else(|| as_text(error), str::to_owned);
    Some(Problem { message: message + &code, traceback: text("traceback").map(str::to_owned) })
}

fn system_signal(signal: Signal) -> System {
    match signal {
        Signal::Hangup => System::HUP,
        Signal::Interrupt => System::INT,
        Signal::Quit => System::QUIT,
        Signal::Terminate => System::TERM,
        Signal::Kill => System::KILL,
    }
}
