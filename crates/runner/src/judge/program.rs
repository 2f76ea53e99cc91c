//! A program of the user's as a judge: the case as one line of JSON in, an exit code and perhaps a JSON object out.

use std::ffi::OsString;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::opinion::Opinion;
use crate::agent::Surroundings;
use crate::agent::child::{Child, Line, find_program, how_it_ended};
use keepstep_base::human::duration_text;
use keepstep_results::case::Finished;
use keepstep_results::criterion::{Finding, shortened};
use keepstep_results::turn::{Turn, whole};

/// Returns the case as judges get it.
pub(super) fn described(case: &Finished) -> Value {
    let turn = |turn: &Turn| json!({"role": turn.role, "content": turn.content, "duration_ms": turn.duration_ms.map(whole)});
    json!({
        "schema": "keepstep.case/1",
        "case": case.case,
        "run_id": case.run_id,
        "iteration": case.iteration,
        "attempt": case.attempts,
        "persona": case.persona,
        "input_item_id": case.item_id,
        "input": case.input,
        "output": case.output,
        "duration_ms": case.duration_ms,
        "turns": case.turns.iter().map(turn).collect::<Vec<_>>(),
        "token_usage": case.token_usage,
        "tool_calls": case.tool_calls,
        "metadata": case.metadata,
    })
}

/// Asks a program. Its whole process group is gone when this returns.
pub(super) async fn ask(command: &[String], patience: Duration, case: &Finished, surroundings: &Surroundings) -> Finding {
    let name = command.first().map(String::as_str).unwrap_or_default();
    let Some(path) = find_program(name, &surroundings.current, &surroundings.environment) else {
        return Finding::error(format!("program {name} not found"));
    };
    let arguments: Vec<OsString> = command.iter().skip(1).map(OsString::from).collect();
    let mut child = match Child::start(path.as_os_str(), &arguments, &surroundings.current, &surroundings.environment) {
        Ok(child) => child,
        Err(error) => return Finding::error(format!("cannot start {}: {error}", path.display())),
    };
    let line = described(case).to_string();
    match timeout(patience, converse(&mut child, &line)).await {
        Ok(finding) => finding,
        Err(_) => Finding::error(format!("{name} did not end within {}", duration_text(patience))),
    }
}

async fn converse(child: &mut Child, line: &str) -> Finding {
    child.send_line(line);
    child.end_input();
    let mut said = None;
    loop {
        match child.line().await {
            Ok(Line::Whole(line)) => {
                if let Ok(value @ Value::Object(_)) = serde_json::from_slice(&line) {
                    said = Some(value);
                }
            }
            Ok(Line::TooLong) => {}
            Ok(Line::End) | Err(_) => break,
        }
    }
    let status = child.wait().await.ok();
    let code = status.and_then(|status| status.code());
    let complaint = child.tail().await;
    let complaint = complaint.lines().last().map(|line| shortened(line, 300)).filter(|line| !line.is_empty());
    match (code, said) {
        // Which of the two it means nobody knows.
        (Some(1), Some(said)) if said.get("passed") == Some(&Value::Bool(true)) => {
            Finding::error("the program says that it passed, and ended with exit code 1")
        }
        (Some(0 | 1), Some(said)) => {
            Opinion::of(&said, code == Some(0)).map_or_else(Finding::error, |opinion| opinion.finding(None))
        }
        (Some(0), None) => Finding::of(true, "exit code 0"),
        (Some(1), None) => Finding::of(false, complaint.unwrap_or_else(|| "exit code 1".to_owned())),
        _ => Finding::error(format!(
            "the program ended {}{}",
            how_it_ended(status),
            complaint.map_or_else(String::new, |line| format!(": {line}"))
        )),
    }
}
