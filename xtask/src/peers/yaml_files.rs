//! YAML as we read it, beside what PyYAML makes of the same texts: every scalar has its place, and none is another text or another value.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::javascript::random::Random;
use super::world::World;
use super::{Case, cases};
use crate::{command, repository, tools};

/// All cases.
pub(super) const CASES: &[Case] = cases![World: no_scalar_of_a_yaml_file_changes];

const TEXTS: u64 = 4000;

/// Gives each scalar as its tag and its text, and everything else as it is, merged keys included.
const PYTHON: &str = "import json, sys, yaml\n\
    class Loader(yaml.SafeLoader):\n    \
        pass\n\
    class Written(str):\n    \
        pass\n\
    def scalar(loader, node):\n    \
        return Written(json.dumps([node.tag.rsplit(':', 1)[-1], node.value]))\n\
    for tag in ['null', 'bool', 'int', 'float', 'binary', 'timestamp', 'str', 'merge', 'value']:\n    \
        Loader.add_constructor('tag:yaml.org,2002:' + tag, scalar)\n\
    def plain(value):\n    \
        if isinstance(value, dict):\n        \
            return {'members': [[json.loads(key)[1], plain(item)] for key, item in value.items()]}\n    \
        if isinstance(value, list):\n        \
            return [plain(item) for item in value]\n    \
        return {'scalar': json.loads(value)}\n\
    def read(text):\n    \
        try:\n        \
            value = yaml.load(text, Loader)\n        \
            return {'value': {'scalar': ['null', '']} if value is None else plain(value)}\n    \
        except Exception as error:\n        \
            return {'error': str(error)}\n\
    print(json.dumps([read(text) for text in json.load(sys.stdin)]))";

fn no_scalar_of_a_yaml_file_changes(_: &World) -> Result<()> {
    let texts: Vec<String> = (0..TEXTS).map(text).collect();
    let asked = json!(texts).to_string();
    let ask = |command: &mut Command| -> Result<Vec<Value>> {
        let output = command::capture_with_input(command, &asked, Duration::from_secs(120))?.exits(0)?;
        serde_json::from_str(&output.stdout).with_context(|| output.transcript())
    };
    let ours = ask(&mut Command::new(repository::target().join("debug/examples/yaml_readings")))?;
    let python = ask(Command::new(tools::python::interpreter("0.3.3")).args(["-c", PYTHON]))?;
    ensure!(ours.len() == texts.len() && python.len() == texts.len(), "an answer is missing");
    let (mut problems, mut scalars, mut read) = (Vec::new(), 0, 0);
    for (index, text) in texts.iter().enumerate() {
        let (ours, python) = (&ours[index], &python[index]);
        let is_same = match (ours.get("value"), python.get("value")) {
            (Some(ours), Some(python)) => {
                read += 1;
                is_same(ours, python, &mut scalars)
            }
            // PyYAML lets the last of two keys win, without a word.
            (None, Some(_)) => ours["error"].as_str().is_some_and(|error| error.contains("is there twice")),
            (_, None) => true,
        };
        if !is_same {
            problems.push(format!("{text:?}\n  ours    {ours}\n  python  {python}"));
        }
    }
    let shown = problems.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
    ensure!(problems.is_empty(), "{} of {} texts are read otherwise:\n{shown}", problems.len(), texts.len());
    ensure!(read * 2 > texts.len(), "only {read} of {} texts could be read at all", texts.len());
    println!("    {scalars} scalars of {read} texts are the same");
    Ok(())
}

/// Returns true if our value is what was written: the same text, or a value that PyYAML takes for that kind and that is written again
/// in the same way.
fn is_same(ours: &Value, python: &Value, scalars: &mut usize) -> bool {
    match (ours, python) {
        (Value::Array(ours), Value::Array(python)) => {
            ours.len() == python.len() && ours.iter().zip(python).all(|(ours, python)| is_same(ours, python, scalars))
        }
        (Value::Object(ours), python) => {
            let Some(members) = python["members"].as_array() else { return false };
            ours.len() == members.len()
                && members.iter().all(|member| {
                    let key = member[0].as_str().unwrap_or_default();
                    ours.get(key).is_some_and(|ours| is_same(ours, &member[1], scalars))
                })
        }
        (ours, python) => {
            *scalars += 1;
            let (tag, text) = (python["scalar"][0].as_str(), python["scalar"][1].as_str());
            match ours {
                Value::String(ours) => text == Some(ours),
                Value::Number(number) => matches!(tag, Some("int" | "float")) && text == Some(&number.to_string()),
                Value::Bool(is_true) => {
                    tag == Some("bool") && text.is_some_and(|text| text.to_lowercase() == is_true.to_string())
                }
                _ => tag == Some("null"),
            }
        }
    }
}

/// Returns a document: what people write, and what looks like something else than it is.
fn text(seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut out = ["", "", "", "\u{feff}", "# head\n", "---\n"][random.below(6)].to_owned();
    if random.below(6) == 0 {
        out += "base: &base {zip: 08989, kind: x}\n";
    }
    out += "inputs:\n";
    let indent = ["", "  "][random.below(2)];
    for item in 0..1 + random.below(4) {
        let ends = ["", "", " # why"][random.below(3)];
        out += &match random.below(6) {
            0 => format!("{indent}- {}{ends}\n", scalar(&mut random)),
            1 => format!("{indent}- {{input: {}, n: {}}}{ends}\n", flow(&mut random), flow(&mut random)),
            2 => format!("{indent}- [{}, {}]{ends}\n", flow(&mut random), flow(&mut random)),
            3 => format!(
                "{indent}- input: |\n{indent}    a{item}\n{indent}     b # no comment\n\n{indent}  n: {}{ends}\n",
                scalar(&mut random)
            ),
            4 => format!(
                "{indent}- input: >-\n{indent}    a\n{indent}    b\n\n{indent}    c\n{indent}  ? k\n{indent}  : {}\n",
                scalar(&mut random)
            ),
            _ => format!(
                "{indent}- input: {}{ends}\n{indent}  metadata:\n{indent}    {}: {}\n{indent}    k{item}: {}\n",
                scalar(&mut random),
                key(&mut random),
                scalar(&mut random),
                scalar(&mut random)
            ),
        };
    }
    if out.contains("&base") {
        out += &format!("more: {{<<: *base, n: {}}}\nsame: *base\n", flow(&mut random));
    }
    if random.below(5) == 0 { out.replace('\n', "\r\n") } else { out }
}

const NUMBERS: [&str; 60] = [
    "0",
    "7",
    "-7",
    "+7",
    "00",
    "007",
    "0123",
    "08989",
    "0o17",
    "0x1F",
    "0b101",
    "1_000",
    "1,000",
    "1.",
    "1.0",
    "1.10",
    "-0.25",
    ".5",
    "-.5",
    "0.1234567890123456789",
    "1e3",
    "1E3",
    "1.0e+3",
    "1.5e-7",
    "1e400",
    "-1e400",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "-9223372036854775809",
    "12345678901234567890123",
    "12:30",
    "12:30:45",
    "190:20:30.15",
    "1:2",
    "2026-01-02",
    "2026-01-02T10:00:00Z",
    "2026-1-2",
    ".inf",
    "-.INF",
    ".nan",
    ".NaN",
    "inf",
    "nan",
    "1.2.3",
    "192.168.0.1",
    "-",
    "1-2",
    "5%",
    "$5",
    "0.0",
    "-0",
    "1e",
    "e1",
    "0x",
    "0xg",
    "1__0",
    "_1",
    "1.e3",
    "10000000000000000.0",
];

const WORDS: [&str; 40] = [
    "yes",
    "Yes",
    "no",
    "NO",
    "on",
    "Off",
    "y",
    "n",
    "true",
    "True",
    "TRUE",
    "false",
    "FALSE",
    "tRUE",
    "null",
    "Null",
    "NULL",
    "~",
    "none",
    "None",
    "N/A",
    "=",
    "<",
    "a b",
    "a: b",
    "a #b",
    "a#b",
    "it's",
    "\"q\"",
    "- a",
    "@x",
    "%x",
    "`x`",
    "!x",
    "&x",
    "*x",
    "é😀",
    "<<",
    "Where is my order?",
    "x=1",
];

/// Returns a scalar, mostly without quotes.
fn scalar(random: &mut Random) -> String {
    let plain = if random.below(3) > 0 { NUMBERS[random.below(NUMBERS.len())] } else { WORDS[random.below(WORDS.len())] };
    match random.below(10) {
        0 => format!("'{}'", plain.replace('\'', "''")),
        1 => json!(plain).to_string(),
        2 => format!("!!str {plain}"),
        3 => String::new(),
        _ => plain.to_owned(),
    }
}

/// Returns a scalar for a list or a mapping in brackets.
fn flow(random: &mut Random) -> String {
    let text = scalar(random);
    // A lone `-` is refused there with its line, as YAML 1.2 has it; PyYAML takes it for a text.
    if text.is_empty() || text.contains(',') || text.ends_with('-') { "~".to_owned() } else { text }
}

fn key(random: &mut Random) -> String {
    ["zip", "1", "007", "yes", "2026-01-02", "\"1.10\"", "~", "a b", "true", "12:30"][random.below(10)].to_owned()
}
