//! The turns of each run, found again without holding their texts.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::num::NonZeroU32;
use std::path::Path;

use keepstep_base::role::Role;
use keepstep_results::turn::Turn;
use serde_json::Value;

use crate::experiments::report::Report;
use crate::experiments::run_id::key;
use keepstep_base::lines::Lines;

/// How much is read at once.
const WINDOW: u64 = 256 * 1024;

/// Where in a file the turns of each run are.
#[derive(Debug, Default)]
pub(crate) struct TurnIndex {
    file: Option<File>,
    /// What was read around the last line, and where it begins: the lines of a run and of the next mostly lie together.
    window: Vec<u8>,
    window_start: u64,
    runs: HashMap<u128, Run>,
    lines: Vec<Line>,
    /// The first and the last time that a turn has.
    pub(crate) times: Option<(String, String)>,
}

/// The first and the last line of a run, as places in the list of all.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u32,
    last: u32,
    is_taken: bool,
}

/// Where a line is, and which one of the same run is next.
#[derive(Debug)]
struct Line {
    offset: u64,
    length: u32,
    next: Option<NonZeroU32>,
}

impl TurnIndex {
    /// Reads the file once.
    pub(crate) fn read(path: &Path, name: &str, report: &mut Report) -> io::Result<Self> {
        let mut index = Self::default();
        let mut lines = Lines::new(BufReader::with_capacity(1 << 20, File::open(path)?));
        let mut buffer = Vec::new();
        while let Some(line) = lines.next_into(&mut buffer)? {
            if line.is_too_long {
                report.broken(name, line.number, "it is longer than 16 MiB");
                continue;
            }
            if buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let Ok(head) = serde_json::from_slice::<Head>(&buffer) else {
                report.broken(name, line.number, "it is not a JSON object with a `run_id`");
                continue;
            };
            let (Ok(place), Ok(length)) = (u32::try_from(index.lines.len()), u32::try_from(buffer.len())) else {
                return Err(io::Error::other("too many turns"));
            };
            let run = index.runs.entry(key(&head.run_id)).or_insert(Run { first: place, last: place, is_taken: false });
            let before = std::mem::replace(&mut run.last, place);
            if let Some(before) = index.lines.get_mut(before as usize) {
                before.next = NonZeroU32::new(place);
            }
            index.lines.push(Line { offset: line.offset, length, next: None });
            if let Some(time) = head.timestamp {
                note_time(&mut index.times, &time);
            }
        }
        index.file = Some(File::open(path)?);
        Ok(index)
    }

    /// Returns the turns of a run. The next time there are none: they belong to one run only.
    pub(crate) fn take(&mut self, id: &str) -> io::Result<Vec<Turn>> {
        self.take_key(key(id))
    }

    fn take_key(&mut self, key: u128) -> io::Result<Vec<Turn>> {
        let Some(run) = self.runs.get_mut(&key).filter(|run| !run.is_taken) else { return Ok(Vec::new()) };
        run.is_taken = true;
        let mut turns = Vec::new();
        let mut next = Some(run.first);
        while let Some(place) = next {
            next = self.lines.get(place as usize).and_then(|line| line.next).map(NonZeroU32::get);
            turns.extend(self.value(place)?.as_ref().map(turn));
        }
        Ok(turns)
    }

    /// Returns what the runs that nobody took began with: the text and the run's own id.
    pub(crate) fn begun(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut left: Vec<u32> = self.runs.values().filter(|run| !run.is_taken).map(|run| run.first).collect();
        left.sort_unstable();
        let mut begun = Vec::new();
        for place in left {
            let Some(value) = self.value(place)? else { continue };
            let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
            if let (Some("user"), Some(content), Some(id)) = (text("role").as_deref(), text("content"), text("run_id")) {
                begun.push((content, id));
            }
        }
        Ok(begun)
    }

    fn value(&mut self, place: u32) -> io::Result<Option<Value>> {
        let (Some(file), Some(line)) = (&mut self.file, self.lines.get(place as usize)) else { return Ok(None) };
        let (offset, length) = (line.offset, u64::from(line.length));
        let is_inside = |start: u64, size: usize| start <= offset && offset + length <= start + size as u64;
        if !is_inside(self.window_start, self.window.len()) {
            self.window.clear();
            self.window_start = offset;
            file.seek(SeekFrom::Start(offset))?;
            file.take(length.max(WINDOW)).read_to_end(&mut self.window)?;
        }
        // What is not there any more is no line, either.
        let start = usize::try_from(offset - self.window_start).unwrap_or(usize::MAX);
        let line = self.window.get(start..).map(|rest| &rest[..rest.len().min(usize::try_from(length).unwrap_or(usize::MAX))]);
        Ok(line.and_then(|line| serde_json::from_slice(line).ok()))
    }
}

#[derive(serde::Deserialize)]
struct Head {
    run_id: String,
    #[serde(default)]
    timestamp: Option<String>,
}

/// Widens the span from the first time to the last.
pub(crate) fn note_time(times: &mut Option<(String, String)>, time: &str) {
    // Times with one and the same offset can be compared as texts.
    if time.ends_with("+00:00") || time.ends_with('Z') {
        let time = time.to_owned();
        *times = Some(match times.take() {
            None => (time.clone(), time),
            Some((first, last)) => (first.min(time.clone()), last.max(time)),
        });
    }
}

fn turn(value: &Value) -> Turn {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let sequence = value.get("sequence").and_then(Value::as_i64).unwrap_or_default();
    let id = text("turn_id");
    Turn {
        turn_id: if id.is_empty() { format!("{}-t{sequence}", text("run_id")) } else { id },
        sequence,
        run_id: String::new(),
        role: Role::from(text("role").as_str()),
        content: text("content"),
        timestamp: value.get("timestamp").and_then(Value::as_str).map(str::to_owned),
        duration_ms: value.get("duration_ms").and_then(Value::as_f64),
        warnings: value.get("warnings").and_then(|warnings| serde_json::from_value(warnings.clone()).ok()).unwrap_or_default(),
    }
}
