//! A run: slots take cases in order, and what happens becomes events.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use keepstep_base::role::Role;
use keepstep_base::text::is_hidden;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::agent::printed::Printed;
use crate::agent::{Message, Question, Session, Target, Trouble};
use crate::case::{Case, Plan};
use crate::conversation::{Conversation, Next, User};
use crate::event::{Event, Stopped};
use crate::experiment::{Experiment, ExperimentError, Recorder};
use crate::judge::Judging;
use keepstep_results::case::Finished;
use keepstep_results::case::Simulated;
use keepstep_results::guardrails::Guardrails;
use keepstep_results::problem::Problem;
use keepstep_results::status::Status;
use keepstep_results::tally::Statistics;
use keepstep_results::tally::Tally;
use keepstep_results::totals::Totals;
use keepstep_results::turn::Turn;
use keepstep_results::verdict::Judgment;

/// How many cases in a row find nobody to answer before the run stops.
pub const BREAKER: u32 = 5;

/// What a person wants of a run that goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wish {
    /// To go on.
    #[default]
    GoOn,
    /// To finish what runs and to start nothing more.
    Finish,
    /// To stop now.
    StopNow,
}

/// How cases are run.
#[derive(Clone)]
pub struct Options {
    /// The name of the scenario.
    pub scenario: String,
    /// How many run at once.
    pub parallel: usize,
    /// How often a case that is not as it should be is run again.
    pub retry: u32,
    /// Whether the first such case ends the run.
    pub fail_fast: bool,
    /// The longest time for one answer.
    pub timeout: Duration,
    /// How long a slot rests after a case.
    pub delay: Duration,
    /// The user of conversations with several turns.
    pub user: Option<Arc<User>>,
    /// What to warn about.
    pub guardrails: Option<Guardrails>,
    /// What answers are judged by.
    pub judging: Arc<Judging>,
    /// The personas that the configuration describes.
    pub personas: Vec<Value>,
    /// What is made of an input and its persona.
    pub input_template: Option<String>,
    /// Whether an answer may be empty.
    pub allow_empty: bool,
    /// Whether traces are written.
    pub save_traces: bool,
    /// Tells the time.
    pub clock: fn() -> Timestamp,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// How many cases ended how.
    pub totals: Totals,
    /// What they say together.
    pub statistics: Statistics,
    /// How long it took.
    pub duration: Duration,
    /// Why it ended before all cases were run.
    pub stopped: Option<Stopped>,
}

/// The cases that nobody has begun, with the ids of their runs.
type Waiting = Box<dyn Iterator<Item = (Case, String)> + Send>;

/// What the slots share.
struct Shared {
    options: Options,
    target: Arc<dyn Target>,
    waiting: Mutex<Waiting>,
    stopped: AtomicU8,
    /// True when a person wants no more cases.
    finishes: AtomicBool,
    down_in_a_row: AtomicU32,
    recorder: Recorder,
    events: mpsc::Sender<Event>,
}

/// Runs the cases of an experiment that are not finished.
///
/// # Errors
/// A result cannot be written. What was written before is there, and the run can be taken up again.
pub async fn run(
    experiment: &Experiment,
    cases: Plan,
    target: Arc<dyn Target>,
    prepared: Box<dyn Session>,
    options: Options,
    mut wish: watch::Receiver<Wish>,
    on_event: &mut (dyn FnMut(&Event) + Send),
) -> Result<Ended, ExperimentError> {
    let begin = Instant::now();
    let mut totals = Totals { planned: cases.len() as u64, ..experiment.totals };
    let mut tally = experiment.tally.clone();
    let has_repeats = experiment.run.has_repeats();
    let slots = options.parallel.clamp(1, cases.len().saturating_sub(experiment.finished.len()).max(1));
    on_event(&Event::RunStarted {
        experiment: experiment.name(),
        folder: experiment.folder().to_owned(),
        cases: cases.len(),
        resumed: experiment.finished.len(),
        parallel: slots,
    });
    let (recorder, recording) = experiment.record(options.save_traces)?;
    let (events, mut inbox) = mpsc::channel(64);
    let shared = Arc::new(Shared {
        options,
        target,
        waiting: Mutex::new(Box::new(experiment.left(cases))),
        stopped: AtomicU8::new(0),
        finishes: AtomicBool::new(false),
        down_in_a_row: AtomicU32::new(0),
        recorder,
        events,
    });
    let mut tasks = JoinSet::new();
    let mut prepared = Some(prepared);
    for _ in 0..slots {
        let session = prepared.take().unwrap_or_else(|| shared.target.session());
        tasks.spawn(slot(Arc::clone(&shared), session));
    }
    let mut failure = None;
    let mut handle = |mut event: Event, totals: &mut Totals, tally: &mut Tally| {
        if let Event::CaseFinished(finished) = &mut event {
            totals.add(finished);
            tally.add(finished, has_repeats);
            finished.turns.clear();
            finished.observations.clear();
            finished.actions.clear();
            finished.simulated = None;
        }
        on_event(&event);
    };
    loop {
        tokio::select! {
            biased;
            Some(event) = inbox.recv() => handle(event, &mut totals, &mut tally),
            Ok(()) = wish.changed() => match *wish.borrow_and_update() {
                Wish::GoOn => {}
                Wish::Finish => {
                    shared.finishes.store(true, Ordering::SeqCst);
                    handle(Event::Stopping, &mut totals, &mut tally);
                }
                Wish::StopNow => {
                    shared.finishes.store(true, Ordering::SeqCst);
                    tasks.abort_all();
                }
            },
            ended = tasks.join_next() => match ended {
                Some(Ok(Err(error))) => {
                    // What cannot be written down need not be run.
                    shared.finishes.store(true, Ordering::SeqCst);
                    failure.get_or_insert(error);
                }
                Some(_) => {}
                None => break,
            },
        }
    }
    while let Ok(event) = inbox.try_recv() {
        handle(event, &mut totals, &mut tally);
    }
    let nothing = || -> Waiting { Box::new(std::iter::empty()) };
    let left = shared.waiting.lock().map_or_else(|_| nothing(), |mut waiting| std::mem::replace(&mut *waiting, nothing()));
    let stopped = shared
        .why_stopped()
        .or_else(|| (*wish.borrow() != Wish::GoOn && totals.counts.finished() < totals.planned).then_some(Stopped::Interrupted));
    let criteria_digest = shared.options.judging.digest();
    drop(shared);
    // What a slot was told about a failure of the writer is only its kind.
    if let Some(source) = recording.finish().err().or(failure) {
        let path = experiment.folder().to_owned();
        return Err(ExperimentError::Io { doing: "write results to", path, source });
    }
    for (case, run_id) in left {
        handle(Event::CaseFinished(Box::new(skipped(case, run_id))), &mut totals, &mut tally);
    }
    let duration = begin.elapsed();
    let statistics = Statistics { criteria_digest, ..tally.statistics(&totals) };
    let told = Box::new(statistics.clone());
    on_event(&Event::RunFinished { totals, statistics: told, duration_seconds: duration.as_secs_f64(), stopped });
    Ok(Ended { totals, statistics, duration, stopped })
}

impl Shared {
    fn stop(&self, why: Stopped) {
        let number = match why {
            Stopped::Interrupted => 1,
            Stopped::FailFast => 2,
            Stopped::TargetDown => 3,
        };
        // The first reason is the one that counts.
        let _ = self.stopped.compare_exchange(0, number, Ordering::SeqCst, Ordering::SeqCst);
    }

    fn why_stopped(&self) -> Option<Stopped> {
        match self.stopped.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(Stopped::Interrupted),
            2 => Some(Stopped::FailFast),
            _ => Some(Stopped::TargetDown),
        }
    }

    fn next(&self) -> Option<(Case, String)> {
        if self.finishes.load(Ordering::SeqCst) || self.stopped.load(Ordering::SeqCst) != 0 {
            return None;
        }
        self.waiting.lock().ok()?.next()
    }

    async fn emit(&self, event: Event) {
        // A run that nobody listens to any more is about to end.
        let _ = self.events.send(event).await;
    }

    fn now(&self) -> String {
        (self.options.clock)().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
    }
}

/// Runs cases one after the other.
async fn slot(shared: Arc<Shared>, mut session: Box<dyn Session>) -> std::io::Result<()> {
    while let Some((case, run_id)) = shared.next() {
        let finished = run_case(&shared, session.as_mut(), &case, &run_id).await;
        shared.recorder.record(&finished)?;
        let (is_bad, is_down) = (!finished.status.is_completed(), finished.unreached);
        shared.emit(Event::CaseFinished(Box::new(finished))).await;
        if is_down {
            if shared.down_in_a_row.fetch_add(1, Ordering::SeqCst) + 1 >= BREAKER {
                shared.stop(Stopped::TargetDown);
            }
        } else {
            shared.down_in_a_row.store(0, Ordering::SeqCst);
        }
        if is_bad && shared.options.fail_fast {
            shared.stop(Stopped::FailFast);
        }
        // Views show what has happened, and a connection goes back to where the next question finds it.
        tokio::task::yield_now().await;
        if !shared.options.delay.is_zero() {
            tokio::time::sleep(shared.options.delay).await;
        }
    }
    session.close().await;
    Ok(())
}

/// Runs a case until it is as it should be, or often enough.
async fn run_case(shared: &Shared, session: &mut dyn Session, case: &Case, run_id: &str) -> Finished {
    let mut attempt = 1;
    loop {
        shared
            .emit(Event::CaseStarted {
                case: case.name.clone(),
                run_id: run_id.to_owned(),
                input: case.input.text.clone(),
                iteration: case.iteration,
                attempt,
            })
            .await;
        let mut finished = blank(case, run_id);
        finished.attempts = attempt;
        let trouble = converse(shared, session, case, &mut finished).await;
        session.end_conversation().await;
        match trouble {
            None => {
                let judgment = shared.options.judging.judge(&finished).await;
                (finished.status, finished.problem) = match empty_answer(&finished, &shared.options, &judgment) {
                    Some(problem) => (Status::Error, Some(problem)),
                    None => judgment.outcome(),
                };
                finished.criteria = judgment.criteria;
                finished.flaky = attempt > 1 && finished.status == Status::Passed;
            }
            Some(Trouble::Agent(problem)) => finished.problem = Some(problem),
            Some(Trouble::Down(problem)) => {
                finished.problem = Some(problem);
                finished.unreached = true;
            }
            Some(Trouble::Timeout(problem)) => {
                finished.problem = Some(problem);
                finished.status = Status::Timeout;
            }
        }
        // Where there is no judge, there is none the next time either.
        let is_final = finished.status.is_completed() && !finished.has_failed_judge();
        if is_final || attempt > shared.options.retry {
            return finished;
        }
        attempt += 1;
    }
}

/// Returns what is wrong with a case in which the agent answered with nothing: neither the configuration nor a criterion that looks
/// at its last answer says that this is an answer.
fn empty_answer(finished: &Finished, options: &Options, judgment: &Judgment) -> Option<Problem> {
    if options.allow_empty {
        return None;
    }
    let is_empty = |turn: &&Turn| turn.role == "assistant" && is_blank(&turn.content);
    let first = finished.turns.iter().find(is_empty)?;
    let is_last =
        finished.turns.iter().rev().find(|turn| turn.role == "assistant").is_some_and(|last| last.sequence == first.sequence);
    if is_last && judgment.accepts_empty {
        return None;
    }
    let place = if finished.turns.len() > 2 { format!(" in turn {}", first.sequence) } else { String::new() };
    Some(Problem::new(format!("empty answer{place}")))
}

/// Returns true for a text in which nobody would see anything.
fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || is_hidden(character))
}

/// Holds the conversation of a case, and returns what went wrong.
async fn converse(shared: &Shared, session: &mut dyn Session, case: &Case, finished: &mut Finished) -> Option<Trouble> {
    let options = &shared.options;
    let input = &case.input;
    let config_of =
        |name: &str| options.personas.iter().find(|persona| persona.get("name").and_then(Value::as_str) == Some(name)).cloned();
    let user = options.user.as_deref().map(User::config);
    let overriding = user.and_then(|user| user.persona_override.clone()).filter(|name| config_of(name).is_some());
    let persona_id = if overriding.is_some() { None } else { input.persona_id.clone() };
    finished.persona = overriding.or_else(|| input.persona.clone());
    let persona_config = finished.persona.as_deref().and_then(config_of);
    finished.simulated = user.map(|user| {
        let noted = |name: &str| input.metadata.get(name).and_then(Value::as_str);
        let described = persona_config.as_ref().and_then(|persona| persona.get("description")).and_then(Value::as_str);
        Simulated {
            persona_description: noted("persona_description").or(described).map(str::to_owned),
            service_context: noted("service_context").or(user.service_context.as_deref()).map(str::to_owned),
            auto_approve_tools: user.auto_approve_tools,
            response: None,
        }
    });
    let mut says = match (&options.input_template, &persona_config) {
        (Some(template), Some(_)) => {
            template.replace("{persona}", finished.persona.as_deref().unwrap_or_default()).replace("{input}", &input.text)
        }
        _ => input.text.clone(),
    };
    let (mut messages, mut printed) = (Vec::new(), Printed::default());
    for answers in 1.. {
        add_turn(shared, finished, &mut messages, Role::User, says.clone(), None).await;
        let question = Question {
            run_id: finished.run_id.clone(),
            input: says,
            iteration: case.iteration,
            scenario: options.scenario.clone(),
            persona: finished.persona.clone(),
            persona_id: persona_id.clone(),
            persona_config: persona_config.clone(),
            auto_approve_tools: user.is_none_or(|user| user.auto_approve_tools),
            messages: messages.clone(),
            metadata: input.metadata.clone(),
        };
        let begin = Instant::now();
        let answer = session.ask(&question, options.timeout).await;
        let took = begin.elapsed();
        if let Some(text) = session.printed() {
            printed.append(&text);
            finished.printed = printed.text();
        }
        finished.duration_ms += took.as_secs_f64() * 1000.0;
        let answer = match answer {
            Ok(answer) => answer,
            Err(trouble) => {
                if options.user.is_some() {
                    finished.termination_reason = Some("execution_failed".to_owned());
                }
                return Some(trouble);
            }
        };
        add_usage(&mut finished.token_usage, answer.token_usage);
        add_calls(&mut finished.tool_calls, answer.tool_calls);
        finished.actions.push(actions(&answer.observations));
        finished.observations.extend(answer.observations);
        finished.callback_messages = answer.callback_messages.or(finished.callback_messages.take());
        finished.output = Some(answer.output.clone());
        add_turn(shared, finished, &mut messages, Role::Assistant, answer.output, Some(took)).await;
        let Some(user) = &options.user else { return None };
        let conversation = Conversation {
            answers,
            messages: &messages,
            persona: finished.persona.as_deref(),
            persona_id: persona_id.as_deref(),
            iteration: case.iteration,
        };
        match user.after(&conversation).await {
            Ok(decision) => {
                if let (Some(simulated), Some(response)) = (&mut finished.simulated, decision.response) {
                    simulated.response = Some(response);
                }
                match decision.next {
                    Next::Says(text) => says = text,
                    Next::Ends { reason, closing } => {
                        finished.termination_reason = Some(reason);
                        if let Some(closing) = closing {
                            add_turn(shared, finished, &mut messages, Role::User, closing, None).await;
                        }
                        return None;
                    }
                }
            }
            Err(problem) => {
                finished.termination_reason = Some("simulator_error".to_owned());
                return Some(Trouble::Agent(problem));
            }
        }
    }
    None
}

/// Notes that somebody said something.
async fn add_turn(
    shared: &Shared,
    finished: &mut Finished,
    messages: &mut Vec<Message>,
    role: Role,
    content: String,
    took: Option<Duration>,
) {
    let sequence = finished.turns.len() + 1;
    let warnings = match (&shared.options.guardrails, &role) {
        (Some(guardrails), Role::Assistant) => guardrails.check(&content),
        _ => Vec::new(),
    };
    let turn = Turn {
        run_id: finished.run_id.clone(),
        turn_id: format!("{}-t{sequence}", finished.run_id),
        sequence: i64::try_from(sequence).unwrap_or(i64::MAX),
        role: role.clone(),
        content: content.clone(),
        timestamp: Some(shared.now()),
        duration_ms: took.map(|took| took.as_millis() as f64),
        warnings,
    };
    messages.push(Message { role, content });
    finished.turns.push(turn.clone());
    shared.emit(Event::Turn { case: finished.case.clone(), turn }).await;
}

/// Returns what the peer's SDK noted for an answer, as short as traces have it.
fn actions(observations: &[Value]) -> Vec<String> {
    let text = |observation: &Value, name: &str| observation.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut sorted: Vec<&Value> = observations.iter().collect();
    sorted.sort_by_cached_key(|observation| ["start_time", "end_time", "name"].map(|name| text(observation, name)));
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let said = |observation: &Value| {
        let kind = or(text(observation, "type"), "event");
        let name = or(text(observation, "name"), &kind);
        format!("{kind}:{name}")
    };
    sorted.into_iter().map(said).collect()
}

/// Adds the tokens of a turn to those before it.
fn add_usage(total: &mut Option<Value>, turn: Option<Value>) {
    match (total.as_mut(), turn) {
        (_, None) => {}
        (Some(Value::Object(total)), Some(Value::Object(turn))) => {
            for (name, count) in turn {
                let before = total.get(&name);
                let whole =
                    before.and_then(Value::as_u64).and_then(|before| before.checked_add(count.as_u64()?)).map(Value::from);
                // A cost is no whole number.
                let sum = whole.or_else(|| Some(Value::from(before?.as_f64()? + count.as_f64()?)));
                total.insert(name, sum.unwrap_or(count));
            }
        }
        (_, Some(turn)) => *total = Some(turn),
    }
}

/// Adds the tool calls of a turn to those before it.
fn add_calls(total: &mut Option<Value>, turn: Option<Value>) {
    match (total.as_mut(), turn) {
        (_, None) => {}
        (Some(Value::Array(total)), Some(Value::Array(turn))) => total.extend(turn),
        (_, Some(turn)) => *total = Some(turn),
    }
}

/// Returns a case that nothing has happened to yet. It counts as broken until it is known to be better.
fn blank(case: &Case, run_id: &str) -> Finished {
    Finished {
        case: case.name.clone(),
        index: case.index,
        run_id: run_id.to_owned(),
        iteration: case.iteration,
        status: Status::Error,
        flaky: false,
        unreached: false,
        attempts: 0,
        persona: case.input.persona.clone(),
        item_id: case.input.item_id.clone(),
        input: case.input.text.clone(),
        output: None,
        duration_ms: 0.0,
        problem: None,
        printed: None,
        turns: Vec::new(),
        termination_reason: None,
        token_usage: None,
        callback_messages: None,
        observations: Vec::new(),
        actions: Vec::new(),
        simulated: None,
        tool_calls: None,
        criteria: Vec::new(),
        metadata: case.input.metadata.clone(),
    }
}

fn skipped(case: Case, run_id: String) -> Finished {
    let problem = Some(Problem::new("not run: the experiment ended early"));
    Finished { status: Status::Skipped, problem, ..blank(&case, &run_id) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_conversation_has_used_and_called_what_its_turns_have() {
        let (mut usage, mut calls) = (None, None);
        for turn in [json!({"total_tokens": 2, "cost_usd": 0.5}), json!({"total_tokens": 3, "cost_usd": 0.25, "model": "m"})] {
            add_usage(&mut usage, Some(turn));
        }
        add_usage(&mut usage, None);
        for turn in [Some(json!([{"name": "a"}])), None, Some(json!([{"name": "b"}]))] {
            add_calls(&mut calls, turn);
        }
        assert_eq!(usage, Some(json!({"total_tokens": 5, "cost_usd": 0.75, "model": "m"})));
        assert_eq!(calls, Some(json!([{"name": "a"}, {"name": "b"}])));
    }
}
