//! Every command that a sentence of the program names in backticks is one that the command line takes.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::grammar::arguments::Arguments;

/// Returns the Rust files of a folder, without those of tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "hint_law.rs" {
            found.push(path);
        }
    }
}

/// Returns what stands in backticks and begins with the program's name, in lines of code.
fn commands(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let mut found = Vec::new();
    for line in code.lines().map(str::trim_start) {
        // Neither comments nor the descriptions of the API tell a person what to run.
        if line.starts_with("//") || line.contains("description =") {
            continue;
        }
        let pieces = line.split('`').skip(1).step_by(2).filter(|piece| !piece.contains('"'));
        let of_program =
            |piece: &str| Some(piece.strip_prefix("keepstep ").or_else(|| piece.strip_prefix("{program} "))?.to_owned());
        found.extend(pieces.filter_map(of_program));
    }
    found
}

/// Returns a command as one types it: a value in place of each placeholder.
fn typed(command: &str) -> Option<Vec<String>> {
    // What is sent to a command through a pipe is the shell's.
    let command = command.split(" < ").next().unwrap_or_default().replace("{what}s", "scenarios");
    let mut words = vec!["keepstep".to_owned()];
    let mut rest = command.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        let (_, after) = after.split_once('}')?;
        words.extend(before.split_whitespace().map(str::to_owned));
        words.push("1".to_owned());
        rest = after;
    }
    words.extend(rest.split_whitespace().map(str::to_owned));
    let is_placeholder = |word: &String| word.chars().all(|character| character.is_ascii_uppercase());
    words.iter_mut().filter(|word| is_placeholder(word)).for_each(|word| "1".clone_into(word));
    // The whole command is put in; its parts stand elsewhere.
    (words.get(1).map(String::as_str) != Some("1")).then_some(words)
}

#[test]
fn every_command_that_a_sentence_names_can_be_typed() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of crates");
    let mut files = Vec::new();
    for entry in fs::read_dir(crates).expect("the folder of crates") {
        let source = entry.expect("a crate").path().join("src");
        sources(&source, &mut files);
    }
    let mut seen = 0;
    let mut wrong = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("a source");
        for command in commands(&source) {
            let Some(words) = typed(&command) else { continue };
            seen += 1;
            if let Err(error) = Arguments::command().try_get_matches_from(&words) {
                let first = error.to_string().lines().take(3).collect::<Vec<_>>().join(" ");
                wrong.push(format!("{}: `{command}`: {first}", file.display()));
            }
        }
    }
    assert!(seen > 90, "only {seen} commands were found; is the search still right?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
