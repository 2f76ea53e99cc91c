//! The requests that a server answered, a line for each on stderr.
//!
//! A thread of its own writes them, many at once when there are many, so that no answer waits for a terminal or a log. Where even that
//! is too slow, lines are left out, and how many.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keepstep_platform::{Answered, RequestLog};

use crate::shell::failure::Failure;
use crate::shell::visible::visible_line;

/// How many lines may wait to be written.
const WAITING: usize = 8192;

/// How many characters of a path are shown to a person.
const LONGEST_PATH: usize = 40;

/// How the lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// For a person who looks on.
    Terminal,
    /// For a program that collects logs: `name=value`.
    Pipe,
}

/// Returns a log on stderr.
pub(crate) fn to_stderr() -> Result<RequestLog, Failure> {
    let form = if io::stderr().is_terminal() { Form::Terminal } else { Form::Pipe };
    let (sender, receiver) = sync_channel(WAITING);
    let lost = Arc::new(AtomicU64::new(0));
    let writer = Writer { form, zone: TimeZone::system(), lost: Arc::clone(&lost) };
    let spawned = thread::Builder::new().name("request log".to_owned()).spawn(move || writer.run(&receiver));
    spawned.map_err(|error| Failure::io("start", "the log", error))?;
    Ok(RequestLog::new(move |answered| {
        if sender.try_send((Timestamp::now(), answered)).is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }))
}

struct Writer {
    form: Form,
    zone: TimeZone,
    lost: Arc<AtomicU64>,
}

impl Writer {
    /// Writes until the last sender is gone.
    fn run(&self, receiver: &Receiver<(Timestamp, Answered)>) {
        let mut lines = String::new();
        while let Ok((at, answered)) = receiver.recv() {
            self.line(&mut lines, at, &answered);
            while let Ok((at, answered)) = receiver.try_recv() {
                self.line(&mut lines, at, &answered);
            }
            match self.lost.swap(0, Ordering::Relaxed) {
                0 => {}
                lost => lines += &format!("{lost} requests are not in this log: there were too many\n"),
            }
            // Nobody is left to tell if this fails.
            let _ = io::stderr().lock().write_all(lines.as_bytes());
            lines.clear();
        }
    }

    fn line(&self, lines: &mut String, at: Timestamp, answered: &Answered) {
        let Answered { id, method, path, status, took, caller } = answered;
        let milliseconds = took.as_millis();
        let caller = caller.as_deref().map(visible_line);
        // Writing to a text cannot fail.
        let _ = match self.form {
            Form::Terminal => {
                let time = at.to_zoned(self.zone.clone()).strftime("%H:%M:%S");
                let caller = caller.unwrap_or_default();
                writeln!(
                    lines,
                    "{}",
                    format!("{time} {method:<4} {}  {status}  {milliseconds} ms  {caller}", shortened(path)).trim_end()
                )
            }
            Form::Pipe => {
                let caller = caller.map(|caller| format!(" caller={caller:?}")).unwrap_or_default();
                writeln!(
                    lines,
                    "time={at:.3} request={id} method={method} path={path:?} status={status} took_ms={milliseconds}{caller}"
                )
            }
        };
    }
}

/// Returns a path whose long parts, which are ids, are cut.
fn shortened(path: &str) -> String {
    let length = path.chars().count();
    if length <= LONGEST_PATH {
        return path.to_owned();
    }
    let segment = |segment: &str| match segment.char_indices().nth(10) {
        Some((end, _)) if segment.len() > 14 => format!("{}…", &segment[..end]),
        _ => segment.to_owned(),
    };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(form: Form, path: &str, caller: Option<&str>) -> String {
        let writer = Writer { form, zone: TimeZone::UTC, lost: Arc::default() };
        let (id, path, caller) = ("17f3".to_owned(), path.to_owned(), caller.map(str::to_owned));
        let answered = Answered { id, method: "PUT", path, status: 200, took: Duration::from_micros(3400), caller };
        let mut lines = String::new();
        writer.line(&mut lines, Timestamp::from_millisecond(1_700_000_000_123).unwrap(), &answered);
        lines
    }

    #[test]
    fn a_line_for_people_and_a_line_for_programs() {
        let path = "/api/v1/agents/base240611223344_agent/personas/12";
        insta::assert_snapshot!(line(Form::Terminal, path, Some("me")), @"22:13:20 PUT  /api/v1/agents/base240611…/personas/12  200  3 ms  me");
        insta::assert_snapshot!(line(Form::Terminal, "/healthz", None), @"22:13:20 PUT  /healthz  200  3 ms");
        insta::assert_snapshot!(line(Form::Pipe, path, Some("a \"b\"\u{1b}[2J")), @r#"time=2023-11-14T22:13:20.123Z request=17f3 method=PUT path="/api/v1/agents/base240611223344_agent/personas/12" status=200 took_ms=3 caller="a \"b\"\\e[2J""#);
    }
}
