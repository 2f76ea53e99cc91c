//! Which files an experiment consists of.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::experiments::list::{SUMMARY_FILE, TRACE_SUMMARY_FILE};
use crate::experiments::redact::Form;

/// The turns.
pub const TURNS_FILE: &str = "turns.jsonl";
/// The runs that failed.
pub const ERRORS_FILE: &str = "errors.json";

/// The files at the top of an experiment, with what they are.
const FILES: &[(&str, &str, Form)] = &[
    (SUMMARY_FILE, "summary", Form::Json),
    (TRACE_SUMMARY_FILE, "trace_summary", Form::JsonLines),
    ("traces.jsonl", "traces", Form::JsonLines),
    ("observations.jsonl", "observations", Form::JsonLines),
    (TURNS_FILE, "turns", Form::JsonLines),
    (ERRORS_FILE, "errors", Form::Json),
    ("result.md", "result", Form::Text),
    ("per_trace.jsonl", PER_TRACE_INDEX, Form::JsonLines),
];

const PER_TRACE_INDEX: &str = "per_trace_index";
const PER_TRACE_FOLDER: &str = "per_trace_analysis";
/// What a report about one run is.
pub const PER_TRACE: &str = "per_trace_markdown";

/// A file of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackagedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the experiment, with `/` between its parts.
    pub relative: String,
    /// Its name without any folder.
    pub name: String,
    /// What it is.
    pub file_type: &'static str,
    /// How it writes text.
    pub form: Form,
}

/// Returns the files of an experiment that are there, in a fixed order. Links are left out: they may lead anywhere.
///
/// # Errors
/// A folder cannot be read.
pub fn files(experiment: &Path) -> io::Result<Vec<PackagedFile>> {
    let mut found = Vec::new();
    let mut take = |relative: String, file_type: &'static str, form: Form| -> io::Result<()> {
        let path = relative.split('/').fold(experiment.to_owned(), |path, part| path.join(part));
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                let name = relative.rsplit('/').next().unwrap_or_default().to_owned();
                found.push(PackagedFile { path, relative, name, file_type, form });
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    };
    for (name, file_type, form) in FILES {
        take((*name).to_owned(), file_type, *form)?;
    }
    let mut reports = match fs::read_dir(experiment.join(PER_TRACE_FOLDER)) {
        Ok(entries) => entries
            .map(|entry| Ok(entry?.file_name().into_string().ok()))
            .filter_map(Result::transpose)
            .collect::<io::Result<Vec<String>>>()?,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Vec::new(),
        Err(error) => return Err(error),
    };
    reports.sort();
    for name in reports {
        let relative = format!("{PER_TRACE_FOLDER}/{name}");
        if name == "per_trace.jsonl" {
            take(relative, PER_TRACE_INDEX, Form::JsonLines)?;
        } else if name.ends_with(".md") {
            take(relative, PER_TRACE, Form::Text)?;
        }
    }
    Ok(found)
}

/// Returns the parts of a report's name that may be the id of a trace, the longest first.
pub fn trace_ids_in(name: &str) -> Vec<&str> {
    let stem = name.strip_suffix(".md").unwrap_or(name);
    let mut starts = vec![0];
    let mut ends = vec![stem.len()];
    for (at, character) in stem.char_indices() {
        if matches!(character, '_' | '-' | '.') {
            starts.push(at + 1);
            ends.push(at);
        }
    }
    // A name with very many parts is no name of ours.
    starts.truncate(24);
    ends.truncate(24);
    let mut parts: Vec<&str> = starts
        .iter()
        .flat_map(|&start| ends.iter().filter_map(move |&end| stem.get(start..end)))
        .filter(|part| !part.is_empty())
        .collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_both_layouts_are_found_and_links_are_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(PER_TRACE_FOLDER)).unwrap();
        for name in
            ["traces.jsonl", "summary.json", "other.txt", "per_trace_analysis/b_t1.md", "per_trace_analysis/per_trace.jsonl"]
        {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("result.md")).unwrap();
        let found: Vec<(String, &str)> =
            files(folder.path()).unwrap().into_iter().map(|file| (file.relative, file.file_type)).collect();
        let expected = [
            ("summary.json", "summary"),
            ("traces.jsonl", "traces"),
            ("per_trace_analysis/b_t1.md", "per_trace_markdown"),
            ("per_trace_analysis/per_trace.jsonl", "per_trace_index"),
        ];
        assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn a_trace_id_is_found_anywhere_in_a_name() {
        let id = "0f22bbd9-b3a6-407d-b432-abb7d215331f";
        for name in [format!("{id}.md"), format!("01_{id}.md"), format!("trace-{id}_fail.md")] {
            assert!(trace_ids_in(&name).contains(&id), "{name}");
        }
        assert!(trace_ids_in("report_t-1.md").contains(&"t-1"));
    }
}
