//! The ways to write an agent around its fields.

use super::shapes::Shape;
use super::sketch::{ENTRY, Project, Sketch};

/// A way to write an agent: its name, and what writes one with these fields, given as keys and expressions.
struct Form {
    name: &'static str,
    /// Whether it can be read without running anything.
    is_static: bool,
    write: fn(&mut Sketch, &str, &[(&'static str, String)]),
}

const LUA: &str = "import { LuaAgent } from 'lua-cli';";

const FORMS: &[Form] = &[
    Form { name: "plain", is_static: true, write: |s, m, fields| constructed(s, m, LUA, "LuaAgent", &object(fields)) },
    Form {
        name: "alias",
        is_static: true,
        write: |s, m, fields| constructed(s, m, "import { LuaAgent as Agent } from 'lua-cli';", "Agent", &object(fields)),
    },
    Form {
        name: "namespace",
        is_static: true,
        write: |s, m, fields| constructed(s, m, "import * as lua from 'lua-cli';", "lua.LuaAgent", &object(fields)),
    },
    Form {
        name: "cast",
        is_static: true,
        write: |s, m, fields| constructed(s, m, LUA, "LuaAgent", &format!("({} as any)!", object(fields))),
    },
    Form {
        name: "variable",
        is_static: true,
        write: |s, m, fields| {
            let config = s.constant(m, &format!("{} satisfies object", object(fields)));
            constructed(s, m, LUA, "LuaAgent", &config);
        },
    },
    Form {
        name: "frozen variable",
        is_static: true,
        write: |s, m, fields| {
            let config = s.constant(m, &format!("Object.freeze({})", object(fields)));
            constructed(s, m, LUA, "LuaAgent", &format!("{{ ...{config}, skills: [] }}"));
        },
    },
    Form {
        name: "other keys",
        is_static: true,
        write: |s, m, fields| {
            let members = fields.iter().enumerate().map(|(index, (key, value))| match index % 3 {
                0 => format!("'{key}': {value}"),
                1 => format!("get {key}() {{ return {value}; }}"),
                _ => format!("['{key}']: {value}"),
            });
            let members: Vec<String> = members.collect();
            constructed(s, m, LUA, "LuaAgent", &format!("{{ {} }}", members.join(", ")));
        },
    },
    Form {
        name: "shorthand",
        is_static: true,
        write: |s, m, fields| {
            for (key, value) in fields {
                s.declare(m, &format!("const {key} = {value};"));
            }
            let keys: Vec<&str> = fields.iter().map(|(key, _)| *key).collect();
            constructed(s, m, LUA, "LuaAgent", &format!("{{ {} }}", keys.join(", ")));
        },
    },
    Form {
        name: "class with fields",
        is_static: true,
        write: |s, m, fields| {
            s.import(m, LUA);
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("  {key} = {value};")).collect();
            s.declare(m, &format!("class Shop extends LuaAgent {{\n{}\n}}\nexport default new Shop();", fields.join("\n")));
        },
    },
    Form {
        name: "class with a constructor",
        is_static: true,
        write: |s, m, fields| {
            s.import(m, LUA);
            let config = object(fields);
            let class = format!("class Shop extends LuaAgent {{ constructor() {{ super({config}); }} }}");
            s.declare(m, &format!("{class}\nexport const agent = new Shop();"));
        },
    },
    Form {
        name: "class that passes on",
        is_static: true,
        write: |s, m, fields| {
            s.import(m, LUA);
            s.declare(m, "class Base extends LuaAgent {}\nclass Shop extends Base {}");
            s.declare(m, &format!("export default new Shop({});", object(fields)));
        },
    },
    Form {
        name: "class over a class",
        is_static: true,
        write: |s, m, fields| {
            s.import(m, LUA);
            s.declare(m, "class Base extends LuaAgent { name = 'base'; persona: any = 'base persona'; }");
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("  override {key} = {value};")).collect();
            s.declare(m, &format!("class Shop extends Base {{\n{}\n}}\nexport default new Shop();", fields.join("\n")));
        },
    },
    Form {
        name: "inside a function",
        is_static: true,
        write: |s, m, fields| {
            s.import(m, LUA);
            let config = object(fields);
            let function = format!("export function make() {{\n  const inner = {config};\n  return new LuaAgent(inner);\n}}");
            s.declare(m, &format!("{function}\nexport default make();"));
        },
    },
    Form {
        name: "in another file",
        is_static: true,
        write: |s, m, fields| {
            constructed(s, m, LUA, "LuaAgent", &object(fields));
        },
    },
    Form {
        name: "getters of a class",
        is_static: true,
        write: |s, m, fields| {
            s.import(m, LUA);
            let getters: Vec<String> = fields.iter().map(|(key, value)| format!("  get {key}() {{ return {value}; }}")).collect();
            s.declare(m, &format!("class Shop extends LuaAgent {{\n{}\n}}\nexport default new Shop({{}});", getters.join("\n")));
        },
    },
    Form {
        name: "ternary",
        is_static: true,
        write: |s, m, fields| {
            let config = format!("false ? {{ name: 'never' }} : {}", object(fields));
            constructed(s, m, LUA, "LuaAgent", &config);
        },
    },
    Form {
        name: "overridden",
        is_static: true,
        write: |s, m, fields| {
            let base = s.constant(m, "{ name: 'base', persona: 'base', model: 'base', governance: { mode: 'base' } }");
            let cleared = s.constant(m, "{ model: undefined, governance: null }");
            let config = format!("{{ ...{base}, ...{cleared}, ...{} }}", object(fields));
            constructed(s, m, LUA, "LuaAgent", &config);
        },
    },
    Form {
        name: "changed afterwards",
        is_static: false,
        write: |s, m, fields| {
            s.import(m, LUA);
            s.declare(m, "const agent: any = new LuaAgent({ name: 'before', persona: 'before' });");
            for (key, value) in fields {
                s.declare(m, &format!("agent.{key} = {value};"));
            }
            s.declare(m, "export default agent;");
        },
    },
    Form {
        name: "result of a function",
        is_static: false,
        write: |s, m, fields| {
            s.declare(m, &format!("function config() {{ return {}; }}", object(fields)));
            constructed(s, m, LUA, "LuaAgent", "config()");
        },
    },
    Form {
        name: "parameter properties",
        is_static: false,
        write: |s, m, fields| {
            s.import(m, LUA);
            let parameters: Vec<String> = fields.iter().map(|(key, value)| format!("public {key}: any = {value}")).collect();
            let class = format!("class Shop extends LuaAgent {{ constructor({}) {{ super({{}}); }} }}", parameters.join(", "));
            s.declare(m, &format!("{class}\nexport default new Shop();"));
        },
    },
    Form {
        name: "changed config",
        is_static: false,
        write: |s, m, fields| {
            let config = s.constant(m, "{ name: 'before', persona: 'before' } as any");
            for (key, value) in fields {
                s.declare(m, &format!("{config}.{key} = {value};"));
            }
            constructed(s, m, LUA, "LuaAgent", &config);
        },
    },
    Form {
        name: "assigned config",
        is_static: false,
        write: |s, m, fields| {
            let config = s.constant(m, &format!("Object.assign({{ name: 'before' }}, {})", object(fields)));
            constructed(s, m, LUA, "LuaAgent", &format!("Object.assign({{}}, {config}, {{ skills: [] }})"));
        },
    },
    Form {
        name: "parameter",
        is_static: false,
        write: |s, m, fields| {
            s.import(m, LUA);
            s.declare(m, "function make(config: any, extra = {}) { return new LuaAgent({ ...config, ...extra }); }");
            s.declare(m, &format!("export default make({});", object(fields)));
        },
    },
    Form {
        name: "class with logic",
        is_static: false,
        write: |s, m, fields| {
            s.import(m, LUA);
            let assigned: Vec<String> = fields.iter().map(|(key, value)| format!("    this.{key} = {value};")).collect();
            let declared: Vec<String> = fields.iter().map(|(key, _)| format!("  declare {key}: any;")).collect();
            let (declared, assigned) = (declared.join("\n"), assigned.join("\n"));
            let constructor = format!("  constructor(config: any) {{\n    super(config);\n{assigned}\n  }}");
            s.declare(m, &format!("class Shop extends LuaAgent {{\n{declared}\n{constructor}\n}}"));
            s.declare(m, "export default new Shop({ name: 'before', persona: 'before' });");
        },
    },
    Form {
        name: "fields from fields",
        is_static: false,
        write: |s, m, fields| {
            s.import(m, LUA);
            let fields: Vec<String> = fields.iter().map(|(key, value)| format!("  {key}: any = this.own({value});")).collect();
            let fields = fields.join("\n");
            let class = format!("class Shop extends LuaAgent {{\n  own(value: any) {{ return value; }}\n{fields}\n}}");
            s.declare(m, &format!("{class}\nexport default new Shop();"));
        },
    },
];

fn object(fields: &[(&'static str, String)]) -> String {
    let members: Vec<String> = fields.iter().map(|(key, value)| format!("  {key}: {value}, // the {key}\n")).collect();
    format!("{{\n{}}}", members.concat())
}

fn constructed(s: &mut Sketch, module: &str, import: &str, class: &str, config: &str) {
    s.import(module, import);
    s.declare(module, &format!("export default new {class}({config});"));
}

/// What a project is to be made of.
pub(super) struct Wish<'a> {
    pub(super) seed: u64,
    /// The shape of the persona; any when there is none.
    pub(super) shape: Option<&'a Shape>,
    /// The number of the agent's form.
    pub(super) form: usize,
    /// Whether nothing in it may need to be run.
    pub(super) is_static: bool,
    /// How many shapes stand around each other.
    pub(super) depth: usize,
}

/// Makes up a project.
pub(super) fn project(wish: &Wish<'_>) -> Project {
    let mut sketch = Sketch::new(wish.seed, wish.is_static);
    let s = &mut sketch;
    let forms: Vec<&Form> = FORMS.iter().filter(|form| form.is_static || !wish.is_static).collect();
    let form = forms[wish.form % forms.len()];
    s.note(form.name);
    let module = if form.name == "in another file" { "bot" } else { ENTRY };
    if module != ENTRY {
        s.declare(ENTRY, "export { default } from './bot';\nexport * from './bot';");
    }
    let text = |s: &mut Sketch| match wish.shape {
        Some(shape) => s.shaped(shape, module, wish.depth),
        None => s.text(module, wish.depth),
    };
    let persona = text(s);
    let persona = match s.random.below(5) {
        0 => {
            s.note("persona of channels");
            let voice = s.text(module, 1);
            let base = s.constant(module, "{ base: 'base', voice: 'old', other: undefined }");
            format!("{{ ...{base}, text: {persona}, 'voice': {voice} }}")
        }
        _ => persona,
    };
    let name = if s.random.once_in(3) { format!("'Shop ' + ({})", s.text(module, 1)) } else { "'Shop helper'".to_owned() };
    let mut fields = vec![("name", name), ("persona", persona)];
    if s.random.once_in(3) {
        let model = if wish.is_static || !s.random.once_in(4) { s.text(module, 1) } else { "() => 'openai/gpt-4o'".to_owned() };
        fields.push(("model", model));
    }
    if s.random.once_in(4) {
        let text = s.text(module, 1);
        fields.push((
            "governance",
            format!("{{ mode: 'sdk' as const, rules: {{ budget: 5, text: {text}, list: [1.5, -0, null] }} }}"),
        ));
    }
    (form.write)(s, module, &fields);
    sketch.finish()
}
