//! Objects that change after they are made, in every way that one can reach them: the value is the one that they end with.

#![allow(clippy::unwrap_used, reason = "a test stops where something is not as it should be")]

mod common;

use common::{Project, agent, shown};
use keepstep_agent::Field;
use keepstep_source::AgentSource as _;

fn persona_with(files: &[(&str, &str)], before: &str, persona: &str) -> String {
    let text = agent(before, persona);
    let project = Project::new(files.iter().copied().chain([("src/index.ts", text.as_str())]));
    shown(project.read().property(Field::PERSONA))
}

#[test]
fn a_change_counts_whatever_name_the_object_has_there() {
    for change in [
        "c.text = 'after';",
        "const d = c; d.text = 'after';",
        "for (const one of [c]) one.text = 'after';",
        "for (const one of Object.values({ c })) one.text = 'after';",
        "[c].forEach(one => { one.text = 'after'; });",
        "Object.values({ c })[0].text = 'after';",
        "[c].at(0).text = 'after';",
        "const box = {}; box.inner = c; let other; other = box.inner; other.text = 'after';",
        "const get = () => c; get().text = 'after';",
        "function get() { return c; } get().text = 'after';",
        "function change(object = c) { object.text = 'after'; } change();",
        "class K { static held = c; } K.held.text = 'after';",
        "class K { constructor(held) { this.held = held; } go() { this.held.text = 'after'; } } new K(c).go();",
        "({ text: c.text } = { text: 'after' });",
        "for (c.text of ['after']);",
        "c.set('after');",
    ] {
        let before = format!("const c = {{ text: 'before', set(text) {{ this.text = text; }} }};\n{change}");
        assert_eq!(persona_with(&[], &before, "c.text"), r#""after" (computed)"#, "{change}");
    }
}

#[test]
fn a_change_in_another_file_counts() {
    let module = "const inner = { text: 'before' };\nexport const outer = { inner };\nexport { inner };\nexport default { text: 'before' };";
    let json = r#"{"text":"before"}"#;
    for (change, import, persona) in [
        ("import { inner } from './m'; inner.text = 'after';", "import { inner } from './m';", "inner.text"),
        ("import { outer } from './m'; outer.inner.text = 'after';", "import { inner } from './m';", "inner.text"),
        ("import object from './m'; object.text = 'after';", "import object from './m';", "object.text"),
        ("import * as m from './m'; m.default.text = 'after';", "import object from './m';", "object.text"),
        (
            "import * as m from './m'; for (const one of Object.values(m)) one.text = 'after';",
            "import { inner } from './m';",
            "inner.text",
        ),
        ("import json from './j.json'; json.text = 'after';", "import object from './j.json';", "object.text"),
    ] {
        let files = [("src/m.ts", module), ("src/j.json", json), ("src/change.ts", change)];
        let before = format!("{import}\nimport './change';");
        assert_eq!(persona_with(&files, &before, persona), r#""after" (computed)"#, "{change}");
    }
}

#[test]
fn a_change_behind_a_require_is_noticed() {
    let files = [
        ("src/m.ts", "import { inner } from './n';\nimport './change';\nexport const text = String(inner.text);"),
        ("src/n.ts", "export const inner = { text: 'before' };"),
        ("src/change.ts", "import { inner } from './n'; inner.text = 'after';"),
    ];
    let persona = persona_with(&files, "const { text } = require('./m');", "text");
    assert_eq!(persona, r#""after" (computed)"#);
}

#[test]
fn an_agent_that_is_changed_after_it_is_made() {
    let read = |rest: &str| {
        let text = format!(
            "import {{ LuaAgent }} from 'lua-cli';\nconst agent = new LuaAgent({{ name: 'N', persona: 'before' }});\n{rest}"
        );
        shown(Project::of(&text).read().property(Field::PERSONA))
    };
    assert_eq!(read("agent.persona = 'after';"), r#""after" (computed)"#);
    assert_eq!(read("Object.assign(agent, { persona: 'after' });"), r#""after" (computed)"#);
    assert_eq!(read("agent.skills = [];"), r#""before""#);
    assert_eq!(read("import { z } from 'zod';\nagent.skills = [...z.list];"), r#""before""#);
}

#[test]
fn an_agent_that_another_file_changes() {
    let made = "import { LuaAgent } from 'lua-cli';\nconst agent = new LuaAgent({ name: 'N', persona: 'before' });\n\
                export { agent };\nexport const same = agent;\nexport default agent;";
    let read = |change: &str| {
        let project = Project::new([("src/agent.ts", made), ("src/index.ts", change)]);
        shown(project.read().property(Field::PERSONA))
    };
    for change in [
        "import { agent } from './agent';\nagent.persona = 'after';",
        "import { same } from './agent';\nsame.persona = 'after';",
        "import agent from './agent';\nObject.assign(agent, { persona: 'after' });",
        "import * as all from './agent';\nall.agent.persona = 'after';",
        "import { agent } from './agent';\nconst other = agent;\nother.persona = 'after';",
    ] {
        let persona = read(change);
        assert!(
            persona.starts_with("unreadable: the persona of the agent is changed here, in another file"),
            "{change}\n{persona}"
        );
    }
    for use_of_it in [
        "import { agent } from './agent';\nagent.skills = [];",
        "import { agent } from './agent';\nconsole.log(agent.persona);",
        "import { agent } from './agent';\nexport { agent };",
    ] {
        assert_eq!(read(use_of_it), r#""before""#, "{use_of_it}");
    }
}

#[test]
fn looking_at_an_object_leaves_it_editable() {
    for use_of_it in [
        "export const length = c.text.length;",
        "for (const key in c) void key;",
        "const texts = Object.values(c).map(text => text.trim()); void texts;",
        "export const get = () => c;",
        "const { text } = c; void text;",
        "c.toString();",
    ] {
        let before = format!("const c = {{ text: 'kept' }};\n{use_of_it}");
        assert_eq!(persona_with(&[], &before, "c.text"), r#""kept""#, "{use_of_it}");
    }
}
