//! `.env` files as we read them, beside what `dotenv` of Node and `python-dotenv` make of the same texts: the copies that the peers
//! are installed with. The texts are made up of what people and scripts write, and of what is only nearly right.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::javascript::random::Random;
use super::world::World;
use super::{Case, cases};
use crate::{command, repository, tools};

/// All cases.
pub(super) const CASES: &[Case] = cases![World: env_files_are_read_as_both_libraries_read_them];

const TEXTS: u64 = 4000;

const NODE: &str = "const dotenv = require(process.argv[1]); \
    const asked = JSON.parse(require('fs').readFileSync(0, 'utf8')); \
    console.log(JSON.stringify(asked.texts.map(text => dotenv.parse(Buffer.from(text)))))";

const PYTHON: &str = "import io, json, os, sys, logging\n\
    logging.disable(logging.CRITICAL)\n\
    from dotenv.main import DotEnv\n\
    asked = json.load(sys.stdin)\n\
    os.environ.clear()\n\
    os.environ.update(asked['environment'])\n\
    def read(text, first):\n    \
        # A file is opened with its line ends translated.\n    \
        stream = io.StringIO(text.replace('\\r\\n', '\\n').replace('\\r', '\\n'))\n    \
        return dict(DotEnv(None, stream=stream, override=first).dict())\n\
    print(json.dumps([[read(text, True), read(text, False)] for text in asked['texts']]))";

fn env_files_are_read_as_both_libraries_read_them(_: &World) -> Result<()> {
    let texts: Vec<String> = (0..TEXTS).map(text).collect();
    let asked = json!({ "environment": { "HOST": "machine", "A": "outside" }, "texts": texts }).to_string();
    let ask = |command: &mut Command| -> Result<Vec<Value>> {
        let output = command::capture_with_input(command, &asked, Duration::from_secs(120))?.exits(0)?;
        serde_json::from_str(&output.stdout).with_context(|| output.transcript())
    };
    let ours = ask(&mut Command::new(repository::target().join("debug/examples/env_readings")))?;
    let node = ask(Command::new("node").args(["-e", NODE]).arg(tools::lua_packages().join("dotenv")))?;
    let python = ask(Command::new(tools::python::interpreter("0.4.0")).args(["-c", PYTHON]))?;
    ensure!(ours.len() == texts.len() && node.len() == texts.len() && python.len() == texts.len(), "an answer is missing");
    let mut problems = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let (ours, node, python) = (&ours[index], &node[index], &python[index]);
        let has = |name: &str, value: &Value| ours["readings"].as_array().is_some_and(|all| all.contains(&json!([name, value])));
        let all_found = [node, &python[0], &python[1]].iter().all(|read| {
            let mut members = read.as_object().into_iter().flatten();
            members.all(|(name, value)| value.is_null() || has(name, value))
        });
        if ours["node"] != *node || ours["python"] != python[0] || !all_found {
            problems.push(format!("{text:?}\n  ours    {ours}\n  node    {node}\n  python  {python}"));
        }
    }
    let shown = problems.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    ensure!(problems.is_empty(), "{} of {} texts are read otherwise:\n{shown}", problems.len(), texts.len());
    println!("    {} texts are read alike", texts.len());
    Ok(())
}

/// Returns a file's text: lines of what is usual and what is not.
fn text(seed: u64) -> String {
    const NAMES: [&str; 8] = ["A", "B", "API_KEY", "db.url", "x-y", "'Q'", "é", "9"];
    const SIGNS: [&str; 9] = ["=", "=", "=", " = ", "= ", ": ", ":", "", " "];
    const ENDS: [&str; 6] = ["\n", "\n", "\n", "\r\n", "\r", "\n\n"];
    const AFTER: [&str; 6] = ["", "", "", " # why", "#no", " "];
    const PIECES: [&str; 40] = [
        "a",
        "b c",
        "p#ss",
        " # x",
        "\\n",
        "\\t",
        "\\\\",
        "\\\"",
        "\\'",
        "'",
        "\"",
        "`",
        "${A}",
        "${HOST}",
        "${NONE:-d}",
        "${NONE}",
        "$A",
        "${",
        "}",
        "=",
        "\n",
        "é",
        "p@ss:w/rd",
        "%40",
        "&",
        "<",
        ";",
        "!",
        "export",
        "postgres://u:p@h/d",
        "\t",
        "\\",
        "\\a\\b\\f\\v",
        "{\"k\": 1}",
        "\\r",
        "0x1f",
        "~",
        "*",
        "\u{a0}",
        "ss",
    ];
    let random = &mut Random::new(seed);
    let mut text = String::new();
    for _ in 0..=random.below(5) {
        if random.once_in(6) {
            text += random.one_of(&["# note", "  ", "#A=1", "word", "=x", "A", "export", "export B", "'open", "  # 'quote"]);
            text += random.one_of(&ENDS);
            continue;
        }
        text += random.one_of(&["", "", "", "export ", "  ", "export\t"]);
        text += random.one_of(&NAMES);
        text += random.one_of(&SIGNS);
        let mut value = String::new();
        for _ in 0..random.below(5) {
            value += random.one_of(&PIECES);
        }
        let quote = random.one_of(&["", "", "'", "\"", "`"]);
        text += &format!("{quote}{value}{quote}");
        text += random.one_of(&AFTER);
        text += random.one_of(&ENDS);
    }
    text
}
