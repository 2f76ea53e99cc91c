//! Reads many small projects and prints what keepstep makes of the persona of each.
//!
//! Standard input is a JSON array of projects, each an object of files by their paths; standard output is a JSON array with one
//! answer for each: `{"value": …}`, `{"absent": true}`, `{"function": true}` or `{"unreadable": "why"}`. The comparison
//! with Node (`cargo xtask values`) and whoever wants to try a definition use it: one process for thousands.

#![expect(clippy::print_stdout, reason = "this program is asked by another one")]

use keepstep_source::AgentSource as _;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keepstep_agent::Field;
use keepstep_source::Property;
use keepstep_source_typescript::{Options, read};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let projects: Vec<BTreeMap<String, String>> = serde_json::from_str(&input)?;
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(vec![Value::Null; projects.len()]);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(files) = projects.get(index) else { return };
                    let answer = answer(files).unwrap_or_else(|error| json!({ "unreadable": error.to_string() }));
                    if let Ok(mut answers) = answers.lock() {
                        answers[index] = answer;
                    }
                }
            });
        }
    });
    let answers = answers.into_inner().unwrap_or_default();
    println!("{}", Value::from(answers));
    Ok(())
}

fn answer(files: &BTreeMap<String, String>) -> Result<Value, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        std::fs::write(path, text)?;
    }
    let source = read(folder.path(), &Options::default())?;
    Ok(match source.property(Field::PERSONA) {
        Property::Known { value, .. } => json!({ "value": value }),
        Property::Absent => json!({ "absent": true }),
        Property::Function { .. } => json!({ "function": true }),
        Property::Unreadable(problem) => json!({ "unreadable": problem.message, "at": problem.location.to_string() }),
    })
}
