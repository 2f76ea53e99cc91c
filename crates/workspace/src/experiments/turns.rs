//! The turns of each run, found again without holding their texts.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use keepstep_api::uploads::TurnRecord;
use serde_json::Value;

use crate::experiments::lines::Lines;
use crate::experiments::report::Report;
use crate::experiments::run_id::key;

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
    order: Vec<u128>,
    /// The first and the last time that a turn has.
    pub(crate) times: Option<(String, String)>,
}

#[derive(Debug, Default)]
struct Run {
    /// Offset and length of each line.
    lines: Vec<(u64, u64)>,
    is_taken: bool,
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
                report.broken(name, line.number, "it is no JSON object with a `run_id`");
                continue;
            };
            let key = key(&head.run_id);
            let run = index.runs.entry(key).or_insert_with(|| {
                index.order.push(key);
                Run::default()
            });
            run.lines.push((line.offset, buffer.len() as u64));
            if let Some(time) = head.timestamp {
                note_time(&mut index.times, &time);
            }
        }
        index.file = Some(File::open(path)?);
        Ok(index)
    }

    /// Returns the turns of a run. The next time there are none: they belong to one run only.
    pub(crate) fn take(&mut self, id: &str) -> io::Result<Vec<TurnRecord>> {
        self.take_key(key(id))
    }

    fn take_key(&mut self, key: u128) -> io::Result<Vec<TurnRecord>> {
        let Some(run) = self.runs.get_mut(&key).filter(|run| !run.is_taken) else { return Ok(Vec::new()) };
        run.is_taken = true;
        let places = std::mem::take(&mut run.lines);
        places
            .into_iter()
            .filter_map(|place| self.value(place).transpose())
            .map(|value| value.map(|value| turn(&value)))
            .collect()
    }

    /// Returns what the runs that nobody took began with: the text and the run's own id.
    pub(crate) fn begun(&mut self) -> io::Result<Vec<(String, String)>> {
        let left: Vec<(u64, u64)> =
            self.order.iter().filter_map(|key| self.runs.get(key).filter(|run| !run.is_taken)?.lines.first().copied()).collect();
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

    fn value(&mut self, (offset, length): (u64, u64)) -> io::Result<Option<Value>> {
        let Some(file) = &mut self.file else { return Ok(None) };
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

fn turn(value: &Value) -> TurnRecord {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let sequence = value.get("sequence").and_then(Value::as_i64).unwrap_or_default();
    let id = text("turn_id");
    TurnRecord {
        turn_id: if id.is_empty() { format!("{}-t{sequence}", text("run_id")) } else { id },
        sequence,
        role: text("role"),
        content: text("content"),
        timestamp: value.get("timestamp").and_then(Value::as_str).map(str::to_owned),
        duration_ms: value.get("duration_ms").and_then(Value::as_f64),
        warnings: value.get("warnings").and_then(Value::as_array).cloned().unwrap_or_default(),
    }
}
