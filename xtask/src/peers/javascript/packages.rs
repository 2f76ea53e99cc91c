//! Small agents that use packages of npm in their personas, beside the texts that Node makes with the same packages.
//!
//! The packages are the real ones, in the releases that `xtask/peers/packages` pins. A text that is refused is as
//! wrong here as another text: people write their personas with these packages. Those that are for chance must be refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use super::values;
use crate::{command, tools};

/// An agent that uses a package.
struct Agent {
    package: &'static str,
    before: &'static str,
    persona: &'static str,
}

const fn agent(package: &'static str, before: &'static str, persona: &'static str) -> Agent {
    Agent { package, before, persona }
}

/// Those whose persona is the same text each time.
const READ: &[Agent] = &[
    agent(
        "change-case",
        "import { kebabCase, pascalCase } from 'change-case';",
        "kebabCase('helloWorld again') + pascalCase('bay desk')",
    ),
    agent(
        "common-tags",
        "import { stripIndent, oneLine, commaListsAnd } from 'common-tags';",
        "stripIndent`\n  a\n    b\n` + oneLine`x\n y` + commaListsAnd`${['a', 'b', 'c']}`",
    ),
    agent(
        "date-fns",
        "import { format, addDays } from 'date-fns';",
        "format(addDays(new Date(Date.UTC(2024, 1, 28)), 2), 'yyyy-MM-dd EEEE do')",
    ),
    agent("dedent", "import dedent from 'dedent';", "dedent`\n   You are\n     Bay ${1}.\n  `"),
    agent(
        "endent",
        "import imported from 'endent';\nconst endent = imported.default ?? imported;",
        "endent`\n   You are\n     Bay.\n  `",
    ),
    agent(
        "handlebars",
        "import Handlebars from 'handlebars';",
        "Handlebars.compile('{{a}} {{#each l}}<{{this}}>{{/each}}')({ a: '&', l: [1, 2] })",
    ),
    agent("js-yaml", "import * as yaml from 'js-yaml';", "yaml.dump({ a: [1, 'x'] }) + JSON.stringify(yaml.load('a: [1, b]'))"),
    agent(
        "lodash",
        "import _ from 'lodash';",
        "_.startCase('bay desk') + _.template('<%= a %>')({ a: 1 }) + _.chunk([1, 2, 3], 2).join('|')",
    ),
    agent("mustache", "import Mustache from 'mustache';", "Mustache.render('{{a}} {{#l}}<{{.}}>{{/l}}', { a: '&', l: [1, 2] })"),
    agent("outdent", "import { outdent } from 'outdent';", "outdent`\n   You are\n     Bay.\n  `"),
    agent("pluralize", "import pluralize from 'pluralize';", "pluralize('person', 3, true) + pluralize.singular('boxes')"),
    agent(
        "slugify",
        "import imported from 'slugify';\nconst slugify = imported.default ?? imported;",
        "slugify('Über Bay & Co', { lower: true })",
    ),
    agent("ts-dedent", "import { dedent } from 'ts-dedent';", "dedent`\n   You are\n     Bay.\n  `"),
    agent("zod", "import { z } from 'zod';", "JSON.stringify(z.object({ a: z.string().default('x') }).parse({}))"),
];

/// Those whose persona is another text each time.
const REFUSED: &[Agent] =
    &[agent("nanoid", "import { nanoid } from 'nanoid';", "nanoid()"), agent("uuid", "import { v4 } from 'uuid';", "v4()")];

/// Compares the personas of all agents, and returns how many there were.
pub(crate) fn compare() -> Result<usize> {
    let folder = tools::packages()?;
    let lock = fs::read_to_string(folder.join("package-lock.json"))?;
    let lock: Value = serde_json::from_str(&lock).context("xtask/peers/packages/package-lock.json is no JSON")?;
    let agents = || READ.iter().chain(REFUSED);
    let projects = agents().map(|agent| project(&folder, &lock, agent)).collect::<Result<_>>()?;
    let answers = values::read(projects, Duration::from_secs(300))?;
    let mut problems = Vec::new();
    let (mut read, mut refused) = (0, 0);
    for (index, (agent, answer)) in agents().zip(&answers).enumerate() {
        let node = text_of_node(&folder, agent)?;
        let is_right = if index < READ.len() {
            read += usize::from(answer.get("value") == Some(&node));
            answer.get("value") == Some(&node)
        } else {
            ensure!(
                node != text_of_node(&folder, agent)?,
                "Node has the same text twice with {}, which is no chance",
                agent.package
            );
            refused += usize::from(is_refused(answer));
            is_refused(answer)
        };
        if !is_right {
            problems.push(format!("{}: {}\n    Node:     {node}\n    keepstep: {answer}", agent.package, agent.persona));
        }
    }
    println!(
        "            {read} of {} packages read as Node runs them, {refused} of {} that are for chance refused",
        READ.len(),
        REFUSED.len()
    );
    if problems.is_empty() {
        return Ok(answers.len());
    }
    bail!("{} of {} packages are read otherwise:\n\n{}", problems.len(), answers.len(), problems.join("\n"))
}

/// Returns whether a persona is unreadable because it is for chance, with the place where it stands.
fn is_refused(answer: &Value) -> bool {
    let is_for_chance = answer["unreadable"].as_str().is_some_and(|why| why.contains("changes by itself"));
    is_for_chance && answer["at"].as_str().is_some_and(|place| place.starts_with("src/index.ts:"))
}

/// Returns the text that Node makes of the persona.
fn text_of_node(folder: &Path, agent: &Agent) -> Result<Value> {
    let module = format!("{}\nprocess.stdout.write(JSON.stringify({}));\n", agent.before, agent.persona);
    let mut node = Command::new("node");
    node.args(["--input-type=module", "-"]).current_dir(folder);
    values::on_the_usual_machine(&mut node);
    let output = command::capture_with_input(&mut node, &module, Duration::from_secs(60))?.exits(0)?;
    let value: Value = serde_json::from_str(&output.stdout).with_context(|| output.transcript())?;
    ensure!(value.is_string(), "the persona with {} is no text in Node: {value}", agent.package);
    Ok(value)
}

/// Returns the project of an agent, in which its package is installed with those that it needs.
fn project(folder: &Path, lock: &Value, agent: &Agent) -> Result<Map<String, Value>> {
    let mut files = values::project(agent.before, agent.persona);
    let mut installed = BTreeSet::new();
    let mut waiting = vec![agent.package];
    while let Some(package) = waiting.pop() {
        if installed.insert(package) {
            let key = format!("node_modules/{package}");
            add_code(folder, &folder.join(&key), &mut files)?;
            let needs = lock["packages"][&key]["dependencies"].as_object();
            waiting.extend(needs.into_iter().flat_map(Map::keys).map(String::as_str));
        }
    }
    Ok(files)
}

/// Adds what Node may load of a folder.
fn add_code(root: &Path, folder: &Path, files: &mut Map<String, Value>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            add_code(root, &path, files)?;
        } else if path.extension().is_some_and(|ending| ["js", "cjs", "mjs", "json"].iter().any(|known| ending == *known)) {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(path.strip_prefix(root)?.display().to_string(), text.into());
        }
    }
    Ok(())
}
