//! Finds experiments.
//!
//! The newest is the one with the latest time in its *name*: the time of a folder changes whenever somebody opens a report
//! in it, and is lost by `git clone` and `cp`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::experiments::uploads::Uploads;

/// The file that a running test keeps locked inside its experiment.
pub const RUNNING_FILE: &str = ".running";
/// The figures of an experiment.
pub const SUMMARY_FILE: &str = "summary.json";
/// One line for each run.
pub const TRACE_SUMMARY_FILE: &str = "trace_summary.jsonl";

/// Which tool's layout an experiment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `exp_YYYYmmdd_HHMMSS` below a scenario: 0.3.3 and keepstep.
    Scenario,
    /// `.fluxloop/results/<name>-YYYYmmdd-HHMMSS`: 0.4.0.
    Results,
}

/// How far an experiment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The platform has it.
    Uploaded,
    /// It is complete and was not sent.
    Pending,
    /// The test ended before it was complete.
    Incomplete,
    /// A test is writing it right now.
    Running,
}

/// An experiment on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Its name, which is that of its folder.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// How far it is.
    pub state: State,
    /// Which layout it has.
    pub layout: Layout,
}

impl Experiment {
    /// Returns true if all of it is there: it may be sent.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Uploaded | State::Pending)
    }

    /// Returns the experiment in a folder, whatever the folder is called.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn at(path: &Path, uploads: &Uploads) -> io::Result<Self> {
        let id = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let layout = if time_in(&id, '-').is_some() { Layout::Results } else { Layout::Scenario };
        let state = if is_running(path)? {
            State::Running
        } else if !is_there(&path.join(SUMMARY_FILE))? || !is_there(&path.join(TRACE_SUMMARY_FILE))? {
            State::Incomplete
        } else if uploads.get(&id).is_some() {
            State::Uploaded
        } else {
            State::Pending
        };
        Ok(Self { id, path: path.to_owned(), state, layout })
    }

    /// Returns what sorts experiments by the time in their names, then by name.
    pub fn order(&self) -> (Option<String>, &str) {
        (time_in(&self.id, '_').or_else(|| time_in(&self.id, '-')), &self.id)
    }
}

/// Where the experiments of a scenario are.
#[derive(Debug, Clone, Copy)]
pub struct Where<'a> {
    /// The scenario's folder.
    pub scenario_dir: &'a Path,
    /// The folder that holds `.fluxloop`, where there is one.
    pub workspace_root: Option<&'a Path>,
    /// The scenario's name and the name in its configuration: 0.4.0 begins the names of its folders with that.
    pub names: &'a [&'a str],
    /// `output_directory` of the configuration, relative to the scenario.
    pub output_directory: &'a Path,
}

/// Returns the experiments of a scenario, the newest first.
///
/// # Errors
/// A folder is there and cannot be read.
pub fn list(place: Where<'_>) -> io::Result<Vec<Experiment>> {
    let uploads = Uploads::read(place.scenario_dir)?;
    let mut found: Vec<Experiment> = Vec::new();
    let mut folders = vec![place.scenario_dir.join(place.output_directory)];
    let results = place.scenario_dir.join("results");
    if !folders.contains(&results) {
        folders.push(results);
    }
    for folder in &folders {
        for (name, path) in subfolders(folder)? {
            if time_in(&name, '_').is_some() {
                found.push(Experiment::at(&path, &uploads)?);
            }
        }
    }
    if let Some(root) = place.workspace_root {
        let prefixes: Vec<String> = place.names.iter().map(|name| results_slug(name)).collect();
        for (name, path) in subfolders(&root.join(".fluxloop").join("results"))? {
            if belongs_to(&name, &prefixes) {
                found.push(Experiment::at(&path, &uploads)?);
            }
        }
    }
    found.sort_by(|left, right| right.order().cmp(&left.order()));
    found.dedup_by(|left, right| left.path == right.path);
    Ok(found)
}

/// Returns true if the name of a folder in `.fluxloop/results` is that of an experiment with one of these names.
pub fn belongs_to(folder: &str, prefixes: &[String]) -> bool {
    time_in(folder, '-').is_some_and(|_| {
        let stem = stem_of(folder);
        prefixes.iter().any(|prefix| prefix == stem)
    })
}

/// Returns the name of a scenario as 0.4.0 writes it into the names of its folders.
pub fn results_slug(name: &str) -> String {
    let mut slug = String::new();
    for character in name.chars() {
        let fits = character.is_ascii_alphanumeric() || character == '_';
        match (fits, slug.ends_with('-')) {
            (true, _) => slug.push(character),
            (false, false) => slug.push('-'),
            (false, true) => {}
        }
    }
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "experiment".to_owned() } else { slug.to_owned() }
}

/// Returns the time in a name as digits that sort: eight, a separator, six, and perhaps more after a separator, so that two
/// tests of one second can differ.
fn time_in(name: &str, separator: char) -> Option<String> {
    let (at, digits) = time_position(name, separator)?;
    (at > 0).then_some(digits)
}

fn time_position(name: &str, separator: char) -> Option<(usize, String)> {
    let bytes = name.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    // The last one counts: a scenario may have a date in its own name.
    (0..bytes.len().saturating_sub(14)).rev().find_map(|at| {
        let is_start = at == 0 || matches!(bytes[at - 1], b'_' | b'-');
        let ends = bytes.get(at + 15).is_none_or(|next| matches!(next, b'_' | b'-'));
        let fits = is_start
            && digits(at..at + 8)
            && bytes.get(at + 8).is_some_and(|&byte| char::from(byte) == separator)
            && digits(at + 9..at + 15)
            && ends;
        fits.then(|| (at, format!("{}{}", &name[at..at + 8], &name[at + 9..at + 15])))
    })
}

/// Returns what stands before the time in the name of a folder of 0.4.0.
fn stem_of(folder: &str) -> &str {
    time_position(folder, '-').map_or(folder, |(at, _)| folder[..at].trim_end_matches('-'))
}

/// Returns the folders in a folder, without links: `latest` is one of the others.
fn subfolders(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        // A name that is not Unicode was not made by a test.
        if let (true, Ok(name)) = (entry.file_type()?.is_dir(), entry.file_name().into_string()) {
            found.push((name, entry.path()));
        }
    }
    Ok(found)
}

fn is_there(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Returns true if a test holds the experiment. A file that nobody has locked is what a killed test left.
fn is_running(folder: &Path) -> io::Result<bool> {
    let file = match File::open(folder.join(RUNNING_FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment(folder: &Path, complete: bool) {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(TRACE_SUMMARY_FILE), "{}\n").unwrap();
        if complete {
            fs::write(folder.join(SUMMARY_FILE), "{}").unwrap();
        }
    }

    fn listed(root: &Path) -> Vec<(String, State)> {
        let place = Where {
            scenario_dir: &root.join(".fluxloop/scenarios/orders"),
            workspace_root: Some(root),
            names: &["orders"],
            output_directory: Path::new("experiments"),
        };
        list(place).unwrap().into_iter().map(|experiment| (experiment.id, experiment.state)).collect()
    }

    #[test]
    fn both_layouts_are_found_and_sorted_by_the_time_in_the_name() {
        let root = tempfile::tempdir().unwrap();
        let scenario = root.path().join(".fluxloop/scenarios/orders");
        // The newest by name is made first, so that it is the oldest by time.
        experiment(&scenario.join("experiments/exp_20261121_232826"), true);
        experiment(&root.path().join(".fluxloop/results/orders-20261121-232827"), true);
        experiment(&scenario.join("results/exp_20261121_232826-2"), true);
        experiment(&scenario.join("experiments/exp_20261121_232825"), false);
        experiment(&scenario.join("experiments/artifacts"), true);
        fs::write(root.path().join(".fluxloop/results/notes.txt"), "a stray file").unwrap();
        let expected = [
            ("orders-20261121-232827", State::Pending),
            ("exp_20261121_232826-2", State::Pending),
            ("exp_20261121_232826", State::Pending),
            ("exp_20261121_232825", State::Incomplete),
        ];
        assert_eq!(listed(root.path()), expected.map(|(id, state)| (id.to_owned(), state)));
    }

    #[test]
    fn f19_results_of_another_scenario_are_not_this_ones() {
        let root = tempfile::tempdir().unwrap();
        for name in ["orders-eu-20261121-232827", "billing-20261121-232829", "orders-20261121-232820", "20261121-232830"] {
            experiment(&root.path().join(".fluxloop/results").join(name), true);
        }
        assert_eq!(listed(root.path()), [("orders-20261121-232820".to_owned(), State::Pending)]);
    }

    #[test]
    fn f24_f38_an_experiment_that_a_test_still_writes_is_running() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(".fluxloop/scenarios/orders/experiments/exp_20261121_232826");
        experiment(&folder, true);
        let lock = File::create(folder.join(RUNNING_FILE)).unwrap();
        lock.lock().unwrap();
        assert_eq!(listed(root.path())[0].1, State::Running);
        drop(lock);
        assert_eq!(listed(root.path())[0].1, State::Pending);
    }

    #[test]
    fn names_become_those_of_the_folders() {
        for (name, slug) in [("orders", "orders"), ("Orders: EU / ü", "Orders-EU"), ("", "experiment"), ("a--b", "a-b")] {
            assert_eq!(results_slug(name), slug, "{name:?}");
        }
        assert_eq!(stem_of("orders-20250101-000000-20261121-232826"), "orders-20250101-000000");
    }
}
