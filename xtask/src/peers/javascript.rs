//! What keepstep reads and writes, beside what real Node makes of the same projects.
//!
//! The projects are made up: every shape in which a text can be written, around texts of other shapes, in every form of
//! an agent. Node decides what the fields are; nothing here knows. The same projects are made up in every run.

mod agent;
mod literal;
mod node;
pub(crate) mod packages;
pub(super) mod random;
mod shapes;
mod sketch;
pub(crate) mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value, json};

use super::world::World;
use super::{Case, cases};
use crate::command::Output;
use agent::Wish;
use node::Answer;
use random::Random;
use shapes::{COMPUTED, STATIC};
use sketch::Project;

/// All cases.
pub(super) const CASES: &[Case] =
    cases![World: compile_gives_the_values_of_javascript, accepted_texts_are_those_that_javascript_reads];

/// How many projects are made up besides the one or two of each shape.
const RANDOM_PROJECTS: u64 = 150;
const RANDOM_EDITS: u64 = 40;

/// Why keepstep may say that it cannot tell a value which Node has.
const MAY_BE_UNREADABLE: &[(&str, &str)] = &[
    (
        "the text contains half of a surrogate pair",
        "a literal with half of a character is refused where it is written, also when another literal has the other half",
    ),
    ("of a project file; write import", "what has to be run cannot `require` files of the project, which are modules"),
];

fn compile_gives_the_values_of_javascript(world: &World) -> Result<()> {
    let mut projects = Vec::new();
    for (index, shape) in STATIC.iter().chain(COMPUTED).enumerate() {
        for (round, depth) in [(0, 1), (1, 2)] {
            let seed = (index * 2 + round) as u64;
            projects.push(agent::project(&Wish { seed, shape: Some(shape), form: index + round * 7, is_static: false, depth }));
        }
    }
    for seed in 0..RANDOM_PROJECTS {
        let wish = Wish { seed: 10_000 + seed, shape: None, form: seed as usize, is_static: seed % 3 == 0, depth: 3 };
        projects.push(agent::project(&wish));
    }
    let folders = write_all(world, "values", &projects)?;
    let answers = node::evaluate(&folders)?;
    let mut problems = Vec::new();
    let mut unreadable = BTreeMap::new();
    for ((project, folder), answer) in projects.iter().zip(&folders).zip(&answers) {
        let output = keepstep(world, folder, &["compile", "--json"])?;
        if let Err(problem) = compare(&output, answer, &mut unreadable) {
            problems.push(told(project, &problem));
        }
    }
    for (why, count) in &unreadable {
        println!("            not readable in {count} of {} projects: {why}", projects.len());
    }
    finish(projects.len(), &problems)
}

/// Compares what keepstep says with what Node says.
fn compare(output: &Output, answer: &Answer, unreadable: &mut BTreeMap<&'static str, usize>) -> Result<()> {
    let fields = match answer {
        Answer::Fields(fields) => fields,
        Answer::Failed(why) => bail!("Node does not run this: {why}"),
    };
    let document: Value = serde_json::from_str(&output.stdout).with_context(|| output.transcript())?;
    if output.code != Some(0) {
        if !node::texts_are_whole(fields) {
            return Ok(());
        }
        let message = document["error"]["message"].as_str().unwrap_or_default();
        let known = MAY_BE_UNREADABLE.iter().find(|(sentence, _)| message.contains(sentence));
        let Some((_, why)) = known else { bail!("keepstep failed: {message}\nNode has: {}", Value::from(fields.clone())) };
        *unreadable.entry(why).or_default() += 1;
        return Ok(());
    }
    let found = document["definition"].as_object().cloned().unwrap_or_default();
    let wanted = node::without_functions(fields);
    ensure!(found == wanted, "keepstep has: {}\nNode has:     {}", Value::from(found), Value::from(wanted));
    Ok(())
}

/// Texts that have to come out of the code as they went in.
const HARD_TEXTS: &[&str] = &[
    "C:\\new\\table \\users\\x \\x4 \\u{zz} \\\\ ends with \\",
    "`back` ``` \\` ${ $ $$ ${process.env.HOME} \\${process.env.HOME} $\\{x}",
    "*/ /* // </script> <!-- --> 'single' \"double\"",
    "\rlone\rcarriage\r\nreturns\n\r\n\r",
    "\u{0} NUL \u{0}007 \u{1b}[31m \u{7f} \u{85} \u{b}\u{c}\u{8}",
    "\u{2028}separators\u{2029}\u{feff}mark\u{202e}\u{a0}",
    "😀 e\u{301} 👩‍👩‍👧 \u{10ffff} \u{fffd}",
    "\u{feff}begins and ends with white space \n\t ",
    "||||||| base\ntwo\n=======\nthree\n>>>>>>> server\n",
    "%s $& $1 $' $` {{x}} #{y} \\N{DASH} \\123",
    "x",
];

fn accepted_texts_are_those_that_javascript_reads(world: &World) -> Result<()> {
    let mut projects = Vec::new();
    for (index, shape) in STATIC.iter().enumerate() {
        let seed = 20_000 + index as u64;
        projects.push(agent::project(&Wish { seed, shape: Some(shape), form: index, is_static: true, depth: 1 }));
    }
    for seed in 0..RANDOM_EDITS {
        let wish = Wish { seed: 30_000 + seed, shape: None, form: seed as usize, is_static: seed % 4 != 0, depth: 2 };
        projects.push(agent::project(&wish));
    }
    let folders = write_all(world, "edits", &projects)?;
    let before = node::evaluate(&folders)?;
    let mut random = Random::new(1);
    let long = "long line ".repeat(500);
    let mut edits = Vec::new();
    let mut problems = Vec::new();
    for (index, (folder, answer)) in folders.iter().zip(&before).enumerate() {
        let Answer::Fields(fields) = answer else { continue };
        let text = if index % 12 == 11 { &long } else { HARD_TEXTS[index % HARD_TEXTS.len()] };
        let mut wanted = node::without_functions(fields);
        if !node::texts_are_whole(fields) || wanted.len() != fields.len() {
            continue;
        }
        let persona = wanted.get("persona").cloned().unwrap_or_default();
        wanted.insert("persona".to_owned(), changed(&persona, text, &mut random));
        let mut server = Map::from_iter(["model", "governance"].map(|field| (field.to_owned(), Value::Null)));
        server.extend(wanted.clone());
        world.colleague_changes(&server.into())?;
        let files = project_files(folder)?;
        let output = keepstep(world, folder, &["sync", "--accept"])?;
        match output.code {
            Some(0) => edits.push((index, wanted)),
            Some(4) => {
                if let Err(problem) = nothing_is_written(&output, folder, &files) {
                    problems.push(told(&projects[index], &problem));
                }
            }
            _ => problems.push(told(&projects[index], &anyhow::anyhow!("{}", output.transcript()))),
        }
    }
    let edited: Vec<PathBuf> = edits.iter().map(|(index, _)| folders[*index].clone()).collect();
    for ((index, wanted), answer) in edits.iter().zip(node::evaluate(&edited)?) {
        let problem = match answer {
            Answer::Fields(fields) if with_line_feeds(&fields) == with_line_feeds(wanted) => continue,
            Answer::Fields(fields) => {
                format!(
                    "after the edit Node has: {}\nthe server has:          {}",
                    Value::from(fields),
                    Value::from(wanted.clone())
                )
            }
            Answer::Failed(why) => format!("after the edit Node does not run it: {why}"),
        };
        let mut project = told(&projects[*index], &anyhow::anyhow!(problem));
        project.push_str(&format!("\n--- after the edit\n{}", listed(&project_files(&folders[*index])?)));
        problems.push(project);
    }
    println!("            {} of {} projects were edited, the others refused", edits.len(), projects.len());
    finish(projects.len(), &problems)
}

/// Puts a text into a persona, as a whole or as one of its members.
fn changed(persona: &Value, text: &str, random: &mut Random) -> Value {
    match persona {
        Value::Object(members) if !random.once_in(4) => {
            let mut members = members.clone();
            members.insert((random.one_of(&["base", "voice", "text"])).to_owned(), text.into());
            members.into()
        }
        Value::String(old) if random.once_in(3) => format!("{old}{text}").into(),
        Value::String(_) if random.once_in(8) => json!({ "base": text, "voice": "new" }),
        _ => text.into(),
    }
}

/// Returns fields whose lines all end with a line feed. Line ends are no difference between two personas: a text that is taken into the
/// code gets those of the code.
fn with_line_feeds(fields: &Map<String, Value>) -> Map<String, Value> {
    let text = |text: &str| Value::from(text.replace("\r\n", "\n").replace('\r', "\n"));
    let field = |value: &Value| match value {
        Value::String(one) => text(one),
        Value::Object(channels) => Value::Object(with_line_feeds(channels)),
        other => other.clone(),
    };
    fields.iter().map(|(name, value)| (name.clone(), field(value))).collect()
}

/// Checks a refusal: all files are as they were, and a patch is on standard output, unless there is no place to show.
fn nothing_is_written(output: &Output, folder: &Path, before: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let after = project_files(folder)?;
    let paths = before.keys().chain(after.keys());
    let changed: BTreeSet<&String> = paths.filter(|path| before.get(*path) != after.get(*path)).collect();
    ensure!(changed.is_empty(), "refused, and these files changed all the same: {changed:?}\n{}", output.transcript());
    let has_patch = output.stdout.contains("@@") || output.stderr.contains("hint: edit the code by hand");
    ensure!(has_patch, "refused without a patch\n{}", output.transcript());
    Ok(())
}

fn keepstep(world: &World, folder: &Path, arguments: &[&str]) -> Result<Output> {
    let folder = folder.to_str().context("the temporary folder has no name in UTF-8")?;
    world.keepstep(&[&["-C", folder], arguments].concat())
}

/// Writes each project into a folder of its own, below the project of the world.
fn write_all(world: &World, kind: &str, projects: &[Project]) -> Result<Vec<PathBuf>> {
    let skill = world.read("lua.skill.yaml")?;
    let mut folders = Vec::new();
    for (index, project) in projects.iter().enumerate() {
        let folder = format!("{kind}/{index}");
        world.write(&format!("{folder}/lua.skill.yaml"), &skill)?;
        for (path, text) in &project.files {
            world.write(&format!("{folder}/{path}"), text)?;
        }
        folders.push(world.project().join(folder).canonicalize()?);
    }
    Ok(folders)
}

/// Returns the files of a project that are not made by compiling.
fn project_files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at)? {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "dist-v2" && name != ".keepstep") {
                    folders.push(path);
                }
            } else if path.file_name().is_none_or(|name| name != ".gitignore") {
                files.insert(path.strip_prefix(folder)?.display().to_string(), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

/// Returns a project with what is wrong about it.
fn told(project: &Project, problem: &anyhow::Error) -> String {
    let files = project.files.iter().filter(|(path, _)| path.starts_with("src/"));
    let files = files.map(|(path, text)| (path.clone(), text.clone().into_bytes())).collect();
    format!("{problem:#}\nshapes: {}\n{}", project.shapes.join(", "), listed(&files))
}

fn listed(files: &BTreeMap<String, Vec<u8>>) -> String {
    let files = files.iter().filter(|(path, _)| path.starts_with("src/"));
    files
        .map(|(path, text)| {
            format!(
                "--- {path}\n{}\n",
                String::from_utf8_lossy(text)
                    .escape_debug()
                    .to_string()
                    .replace("\\n", "\n")
                    .replace("\\'", "'")
                    .replace("\\\"", "\"")
            )
        })
        .collect()
}

/// Fails with the first problems, if there are any.
fn finish(count: usize, problems: &[String]) -> Result<()> {
    const SHOWN: usize = 5;
    if problems.is_empty() {
        return Ok(());
    }
    let shown: Vec<&str> = problems.iter().take(SHOWN).map(String::as_str).collect();
    bail!("{} of {count} projects are wrong; the first:\n\n{}", problems.len(), shown.join("\n\n"))
}
