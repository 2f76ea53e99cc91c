//! Laws over the sources: every command that a sentence names in backticks can be typed, and keys of documents are snake_case.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;

use crate::grammar::arguments::Arguments;
use crate::shell::program::{OF_SCENARIO, about_scenario};

/// Returns the Rust files of a folder, without those of tests.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && name != "laws.rs" {
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

/// Names in the place of a value that is one word by itself: numbers, ids that we make, and whole commands.
const WORDS: [&str; 7] = ["program", "what", "example", "command", "redo", "id", "total"];

/// Returns what stands in the place of a value in each command in backticks of a line.
fn values(line: &str) -> Vec<&str> {
    let commands = line.split('`').skip(1).step_by(2);
    let commands = commands.filter(|command| command.starts_with("keepstep ") || command.starts_with("{program} "));
    let names = commands.flat_map(|command| command.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)));
    names.filter(|name| !WORDS.contains(name)).collect()
}

#[test]
fn every_value_in_a_command_is_one_word_of_a_shell() {
    // As far as the arguments of a macro go.
    const LINES: usize = 6;
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the folder of crates");
    let mut files = Vec::new();
    for entry in fs::read_dir(crates).expect("the folder of crates") {
        sources(&entry.expect("a crate").path().join("src"), &mut files);
    }
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files {
        let source = fs::read_to_string(&file).expect("a source");
        let lines: Vec<&str> = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().lines().collect();
        for (index, line) in lines.iter().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            let values = values(line);
            seen += values.len();
            let here = lines[index..].iter().take(LINES).copied().collect::<String>();
            let by_place = values.iter().filter(|name| name.is_empty()).count();
            let is_word = |name: &&str| name.is_empty() || source.contains(&format!("let {name} = shell_word("));
            if here.matches("word(").count() < by_place || !values.iter().all(is_word) {
                wrong.push(format!("{}:{}: {}", file.display(), index + 1, line.trim()));
            }
        }
    }
    assert!(seen > 20, "only {seen} values were found; is the search still right?");
    assert!(wrong.is_empty(), "`word` makes a value one word of a command:\n{}", wrong.join("\n"));
}

#[test]
fn a_command_that_is_about_a_scenario_takes_its_name() {
    for command in OF_SCENARIO {
        let command = if command == "results" { "results show" } else { command };
        let words = ["keepstep"].into_iter().chain(command.split(' ')).chain(["--scenario", "orders"]);
        assert!(Arguments::command().try_get_matches_from(words).is_ok(), "{command}");
    }
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
            // Also for somebody who named a scenario.
            let about = about_scenario(&format!("`keepstep {command}`"), "orders");
            let about = typed(about.trim_matches('`').trim_start_matches("keepstep ")).unwrap_or_default();
            for words in [words, about] {
                if let Err(error) = Arguments::command().try_get_matches_from(&words) {
                    let first = error.to_string().lines().take(3).collect::<Vec<_>>().join(" ");
                    wrong.push(format!("{}: `{}`: {first}", file.display(), words.join(" ")));
                }
            }
        }
    }
    assert!(seen > 90, "only {seen} commands were found; is the search still right?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Documents in the form of another tool, files of other tools, and the first name of a key that scripts read.
const OTHER_FORMS: [&str; 4] = ["command/status.rs", "command/init/agent.rs", "data_file/rows.rs", "inStep"];

#[test]
fn keys_of_documents_are_snake_case() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let (mut seen, mut wrong) = (0, Vec::new());
    for file in files.iter().filter(|file| !OTHER_FORMS.iter().any(|other| file.ends_with(other))) {
        let source = fs::read_to_string(file).expect("a source");
        let keys = source.split("\":").filter_map(|before| before.rsplit('"').next());
        let is_key =
            |key: &&str| key.starts_with(|first: char| first.is_ascii_lowercase()) && key.chars().all(char::is_alphanumeric);
        let of_other_form = |key: &str| OTHER_FORMS.contains(&key);
        for key in keys.filter(is_key) {
            seen += 1;
            if key.contains(char::is_uppercase) && !of_other_form(key) {
                wrong.push(format!("{}: {key}", file.display()));
            }
        }
    }
    assert!(seen > 150, "only {seen} keys were found; is the search still right?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
