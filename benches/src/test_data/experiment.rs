//! Experiments as fluxloop-cli 0.3.3 leaves them, made up.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::workspace::item_id;

/// The size of one line of a large `traces.jsonl`, in bytes.
const LINE: usize = 64 * 1024;

/// What an experiment has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// How many traces.
    pub(crate) traces: u32,
    /// With a file of its own for each trace.
    pub(crate) per_trace: bool,
}

/// Writes the experiment with this number into a folder, and returns its path. No two numbers have an id in common.
pub(crate) fn write(experiments: &Path, number: u32, shape: Shape) -> Result<PathBuf> {
    let folder = experiments.join(format!("exp_20260101_{:02}{:02}{:02}", number / 3600, number / 60 % 60, number % 60));
    fs::create_dir_all(folder.join("per_trace_analysis"))?;
    let file = |name: &str| -> Result<BufWriter<File>> {
        let path = folder.join(name);
        Ok(BufWriter::new(File::create(&path).with_context(|| format!("cannot make {}", path.display()))?))
    };
    let (mut traces, mut summary, mut turns, mut observations) =
        (file("traces.jsonl")?, file("trace_summary.jsonl")?, file("turns.jsonl")?, file("observations.jsonl")?);
    let mut index = file("per_trace_analysis/per_trace.jsonl")?;
    for trace in 0..shape.traces {
        let id = id(number, trace);
        let line = line(&id, trace);
        writeln!(traces, "{line}")?;
        writeln!(summary, "{line}")?;
        for (sequence, role) in [(1, "user"), (2, "assistant")] {
            writeln!(turns, "{}", turn(&id, sequence, role))?;
        }
        writeln!(observations, "{}", observation(&id))?;
        if shape.per_trace {
            writeln!(index, "{}", json!({"trace_id": id}))?;
            fs::write(folder.join(format!("per_trace_analysis/{trace:06}_{id}.md")), analysis(&id))?;
        }
    }
    for mut file in [traces, summary, turns, observations, index] {
        file.flush()?;
    }
    if !shape.per_trace {
        fs::remove_dir_all(folder.join("per_trace_analysis"))?;
    }
    fs::write(folder.join("summary.json"), totals(shape.traces).to_string())?;
    fs::write(folder.join("result.md"), "# FluxLoop Test Result\n")?;
    Ok(folder)
}

/// Makes the `traces.jsonl` of an experiment at least this large, with text that no compression makes small.
pub(crate) fn enlarge(experiment: &Path, bytes: u64) -> Result<PathBuf> {
    let path = experiment.join("traces.jsonl");
    let mut file = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut written = 0;
    while written < bytes {
        let mut text = String::with_capacity(LINE);
        while text.len() < LINE {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text.push_str(&format!("{state:016x}"));
        }
        writeln!(file, "{{\"trace_id\":\"{state:016x}\",\"output\":\"{text}\"}}")?;
        written += text.len() as u64;
    }
    file.into_inner().context("cannot write the large file")?.sync_all()?;
    Ok(path)
}

fn id(experiment: u32, trace: u32) -> String {
    format!("{experiment:08x}-0000-4000-8000-{trace:012x}")
}

fn line(id: &str, trace: u32) -> Value {
    let (asked, answered) = ("Where is my order, and when does it arrive?", "It is on its way and arrives tomorrow. ".repeat(8));
    json!({
        "trace_id": id, "iteration": 0, "persona": format!("persona {}", trace % 10), "input": asked, "output": answered,
        "duration_ms": 7.93, "success": true,
        "conversation": [
            {"turn_index": 1, "role": "user", "content": asked, "source": "input", "metadata": {}},
            {"turn_index": 1, "role": "assistant", "content": answered, "source": "agent", "metadata": {}},
        ],
        "conversation_state": {
            "turns": [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}],
            "metadata": {"iteration": 0, "variation": {"input_item_id": item_id(trace)}},
        },
    })
}

fn turn(id: &str, sequence: u32, role: &str) -> Value {
    json!({
        "run_id": id, "turn_id": format!("{id}-t{sequence}"), "sequence": sequence, "role": role,
        "content": "It is on its way.", "timestamp": "2026-01-01T00:00:00+00:00",
    })
}

fn observation(id: &str) -> Value {
    json!({
        "id": id, "type": "agent", "name": "Orders", "start_time": "2026-01-01T00:00:00+00:00",
        "end_time": "2026-01-01T00:00:01+00:00", "input": {}, "output": {}, "level": "info", "metadata": {}, "trace_id": id,
    })
}

fn analysis(id: &str) -> String {
    format!("# Trace {id}\n\n{}", "The agent answered politely and in one sentence.\n".repeat(40))
}

fn totals(traces: u32) -> Value {
    json!({
        "name": "orders", "date": "2026-01-01T00:00:00", "config": {"name": "orders"},
        "results": {"total_runs": traces, "successful": traces, "failed": 0, "success_rate": 1.0, "avg_duration_ms": 7.93},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_experiments_share_a_name_or_an_id() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Shape { traces: 2, per_trace: true };
        let paths = [59, 60].map(|number| write(folder.path(), number, shape).unwrap());
        assert_ne!(paths[0], paths[1]);
        let ids = paths.map(|path| fs::read_to_string(path.join("per_trace_analysis/per_trace.jsonl")).unwrap());
        assert_ne!(ids[0], ids[1]);
    }
}
