//! A program that reads inputs and writes answers as JSON lines.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal as System;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::child::{Child, LONGEST_LINE, Line, find_program, how_it_ended};
use super::output::{as_text, limit};
use super::printed::Printed;
use super::{AgentAnswer, Later, Question, Refusal, Session, Surroundings, Target, Trouble};
use crate::config::{ProcessConfig, Protocol, Signal};
use keepstep_base::human::duration_text;
use keepstep_results::problem::Problem;

const TOO_LONG: &str = "the process wrote a line of more than 64 MiB";

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
                message: format!("folder {} not found: the program is to run there", config.directory.display()),
                hints: vec!["`cwd` (or `working_directory`) in configs/simulation.yaml says where it runs".to_owned()],
            });
        }
        let name = config.command.first().map(String::as_str).unwrap_or_default();
        let path = find_program(name, &config.directory, &environment).ok_or_else(|| Refusal {
            message: format!("program {name} not found"),
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
        Box::new(ProcessSession { program: Arc::clone(&self.0), child: None, printed: Printed::default() })
    }
}

struct ProcessSession {
    program: Arc<Program>,
    child: Option<Child>,
    /// What was printed by processes that are gone.
    printed: Printed,
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
        let tail = child.tail().await;
        self.printed.append(&tail);
        let tail: String = tail.chars().rev().take(500).collect();
        let tail: String = tail.chars().rev().collect();
        let how = how_it_ended(status);
        if tail.is_empty() { how } else { format!("{how}: {tail}") }
    }

    /// Ends the process in the way that it is configured to be ended.
    async fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let config = &self.program.config;
            child.end(system_signal(config.kill_signal), config.kill_timeout).await;
            self.printed.append(&child.tail().await);
        }
    }

    /// A process for this turn: a line in, the last JSON object out.
    async fn one_turn(&mut self, question: &Question) -> Result<AgentAnswer, Trouble> {
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
        let Some(child) = &mut self.child else { return Err(not_running()) };
        child.send_line(&line.to_string());
        child.end_input();
        let mut answer = None;
        // What looked like an answer after the last one that is one.
        let mut broken = None;
        loop {
            match child.line().await {
                // Whatever else a program prints is noise.
                Ok(Line::Whole(line)) => match parse_line(&line) {
                    ReceivedLine::Object(object) => (answer, broken) = (Some(object), None),
                    ReceivedLine::Broken(problem) => broken = Some(problem),
                    ReceivedLine::Noise => child.note(&line),
                },
                Ok(Line::TooLong) => (answer, broken) = (None, Some(TOO_LONG.to_owned())),
                Ok(Line::End) | Err(_) => break,
            }
        }
        // It closed its output. With an answer it may take its time to tidy up.
        let patience = if answer.is_some() { self.program.config.kill_timeout } else { Duration::ZERO };
        let mut status = child.wait_a_little().await;
        if status.is_none() && !patience.is_zero() {
            status = timeout(patience, child.wait()).await.ok().and_then(Result::ok);
        }
        let how = self.ended().await;
        match (answer, broken, status) {
            (Some(answer), _, _) => self.answer_of(&answer),
            (None, Some(problem), _) => Err(Trouble::Agent(Problem::new(problem))),
            (None, None, Some(status)) if status.success() => {
                Err(Trouble::Agent(Problem::new("the process ended without a JSON object on stdout")))
            }
            (None, None, Some(_)) => Err(Trouble::Agent(Problem::new(format!("the process ended {how}")))),
            (None, None, None) => Err(Trouble::Agent(Problem::new("the process closed its output without a JSON object on it"))),
        }
    }

    fn answer_of(&self, answer: &Value) -> Result<AgentAnswer, Trouble> {
        if answer.get("success").and_then(Value::as_bool) != Some(true) {
            return Err(Trouble::Agent(
                problem_of(answer).unwrap_or_else(|| Problem::new("the agent's answer does not say \"success\": true")),
            ));
        }
        let mut output = answer.get("output").map(as_text).unwrap_or_default();
        limit(&mut output, self.program.config.output_char_limit);
        let member = |name: &str| answer.get(name).filter(|value| !value.is_null()).cloned();
        Ok(AgentAnswer { output, token_usage: member("token_usage"), tool_calls: member("tool_calls"), ..AgentAnswer::default() })
    }

    /// A message in; deltas and an end out.
    async fn messages(&mut self, question: &Question) -> Result<AgentAnswer, Trouble> {
        if self.has_unexpected_answer().await {
            self.stop().await;
        }
        self.start().await?;
        let line = json!({
            "type": "input",
            "input": question.input,
            "run_id": question.run_id,
            "context": {"persona": question.persona, "iteration": question.iteration, "scenario": question.scenario},
            "messages": question.messages,
        });
        let Some(child) = &mut self.child else { return Err(not_running()) };
        child.send_line(&line.to_string());
        let mut deltas: Option<String> = None;
        let answer = loop {
            let line = match child.line().await {
                Ok(Line::Whole(line)) => line,
                Ok(Line::TooLong) => break Err(Problem::new(TOO_LONG)),
                Ok(Line::End) | Err(_) => return Err(self.closed().await),
            };
            let message = match parse_line(&line) {
                ReceivedLine::Object(message) => message,
                ReceivedLine::Broken(problem) if is_broken_answer(&line) => break Err(Problem::new(problem)),
                // Whatever else a program prints is noise.
                ReceivedLine::Broken(_) | ReceivedLine::Noise => continue,
            };
            match kind(&message) {
                Some("delta") => {
                    let deltas = deltas.get_or_insert_default();
                    if let Err(problem) = self.program.add_delta(deltas, &message) {
                        break Err(Problem::new(problem));
                    }
                }
                Some("final") => break Ok(self.program.final_answer(&message, deltas)),
                Some("error") => {
                    return Err(Trouble::Agent(
                        problem_of(&message).unwrap_or_else(|| Problem::new("the agent said that it failed")),
                    ));
                }
                _ => {}
            }
        };
        let answer = match answer {
            Ok(_) if self.has_unexpected_answer().await => Err(Problem::new("the process answered twice")),
            answer => answer,
        };
        if answer.is_err() {
            // Whatever it says next would be taken for the answer to the next question.
            self.stop().await;
        }
        answer.map_err(Trouble::Agent)
    }

    /// Returns true if an answer is there that nobody has asked for.
    async fn has_unexpected_answer(&mut self) -> bool {
        let Some(child) = &mut self.child else { return false };
        // Lets in what has come since somebody last waited.
        tokio::task::yield_now().await;
        while let Some(line) = child.line_at_hand().await {
            match line {
                Line::Whole(line) => {
                    if let ReceivedLine::Object(message) = parse_line(&line)
                        && matches!(kind(&message), Some("delta" | "final" | "error"))
                    {
                        return true;
                    }
                }
                Line::TooLong => {}
                Line::End => return false,
            }
        }
        false
    }

    /// Returns what to say about a process that says nothing more before its answer is complete.
    async fn closed(&mut self) -> Trouble {
        let status = match &mut self.child {
            Some(child) => child.wait_a_little().await,
            None => None,
        };
        let how = self.ended().await;
        Trouble::Agent(Problem::new(match status {
            Some(_) => format!("the process ended before its answer was complete, {how}"),
            None => "the process closed its output before its answer was complete".to_owned(),
        }))
    }
}

impl Program {
    fn add_delta(&self, deltas: &mut String, message: &Value) -> Result<(), &'static str> {
        // The limit is in characters, of which none has more than four bytes.
        if self.config.output_char_limit.is_some_and(|limit| deltas.len() >= limit.saturating_mul(4)) {
            return Ok(());
        }
        let text = match &self.config.stream_output_path {
            Some(path) => path.first(message),
            None => message.get("delta"),
        };
        if let Some(text) = text {
            deltas.push_str(&as_text(text));
        }
        if deltas.len() > LONGEST_LINE { Err("the process answered with more than 64 MiB") } else { Ok(()) }
    }

    fn final_answer(&self, message: &Value, deltas: Option<String>) -> AgentAnswer {
        let mut output = deltas.or_else(|| message.get("output").map(as_text)).unwrap_or_default();
        limit(&mut output, self.config.output_char_limit);
        let member = |name: &str| message.get(name).filter(|value| !value.is_null()).cloned();
        AgentAnswer { output, token_usage: member("token_usage"), tool_calls: member("tool_calls"), ..AgentAnswer::default() }
    }
}

impl Session for ProcessSession {
    fn prepare(&mut self) -> Later<'_, Result<(), Refusal>> {
        Box::pin(async { Ok(()) })
    }

    fn ask<'a>(&'a mut self, question: &'a Question, patience: Duration) -> Later<'a, Result<AgentAnswer, Trouble>> {
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
                    Err(Trouble::Timeout(Problem::new(format!("no answer after {}", duration_text(patience)))))
                }
            }
        })
    }

    fn printed(&mut self) -> Option<String> {
        let mut printed = std::mem::take(&mut self.printed);
        if let Some(text) = self.child.as_mut().and_then(Child::printed) {
            printed.append(&text);
        }
        printed.text()
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

/// What a line of output is.
enum ReceivedLine {
    /// A JSON object.
    Object(Value),
    /// Something that looks like one and is none, and why.
    Broken(String),
    /// Nothing that is meant for us.
    Noise,
}

fn parse_line(line: &[u8]) -> ReceivedLine {
    if !line.trim_ascii_start().starts_with(b"{") {
        return ReceivedLine::Noise;
    }
    match serde_json::from_slice(line) {
        Ok(object) => ReceivedLine::Object(object),
        Err(_) if std::str::from_utf8(line).is_err() => {
            ReceivedLine::Broken("the process wrote a line that is not UTF-8".to_owned())
        }
        Err(error) => {
            // The line is one; where in it is the column.
            let error = error.to_string().replace(" at line 1 column ", " at column ");
            ReceivedLine::Broken(format!("the process wrote a line that is not JSON: {error}"))
        }
    }
}

/// Returns true if a broken line was meant to be a message that ends or continues an answer.
fn is_broken_answer(line: &[u8]) -> bool {
    let has = |word: &[u8]| memchr::memmem::find(line, word).is_some();
    has(b"\"type\"") && (has(b"\"final\"") || has(b"\"delta\"") || has(b"\"error\""))
}

fn kind(message: &Value) -> Option<&str> {
    message.get("type").and_then(Value::as_str)
}

fn not_running() -> Trouble {
    Trouble::Down(Problem::new("the process is not running"))
}

/// Returns what an answer says went wrong.
fn problem_of(answer: &Value) -> Option<Problem> {
    let error = answer.get("error").filter(|error| !error.is_null())?;
    let code = answer.get("code").and_then(Value::as_str).map_or_else(String::new, |code| format!(" ({code})"));
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let message = text("message").map_or_else(|| as_text(error), str::to_owned);
    let kind = text("type").map(str::to_owned);
    // A program that names the type of an exception means what its language prints.
    let message = match &kind {
        Some(kind) if !message.contains(kind.as_str()) => format!("{kind}: {message}"),
        _ => message,
    };
    Some(Problem { message: message + &code, kind, traceback: text("traceback").map(str::to_owned), ..Problem::default() })
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
