//! The shapes in which a text can be written, each around texts of other shapes.

use super::literal;
use super::sketch::Sketch;

/// A shape: its name, and what writes an expression of it into a module.
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) write: fn(&mut Sketch, &str, usize) -> String,
}

macro_rules! shapes {
    ($($name:literal => |$sketch:ident, $module:ident, $depth:ident| $body:expr;)*) => {
        &[$(Shape { name: $name, write: |$sketch, $module, $depth| $body }),*]
    };
}

/// Shapes that can be read without running anything.
pub(super) const STATIC: &[Shape] = shapes! {
    "literal" => |s, _m, _d| s.literal();
    "template" => |s, m, d| {
        let (inner, number) = (s.text(m, d), s.random.below(50));
        let texts = [literal::text(&mut s.random), literal::text(&mut s.random)];
        let [before, after] = texts.map(|text| literal::body(&mut s.random, &text, '`'));
        format!("`{before}${{{inner}}}{after}${{ {number} + 1 }}`")
    };
    "sum" => |s, m, d| format!("{} + {} + 7", s.text(m, d), s.text(m, d));
    "number before sum" => |s, m, d| format!("(1 + 2 + {})", s.text(m, d));
    "const" => |s, m, d| { let text = s.text(m, d); s.constant(m, &text) };
    "let" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("let {name}: string = {text};")); name };
    "var" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("var {name} = ({text});")); name };
    "const twice" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, &text); format!("({name} + {name})") };
    "raw" => |s, m, d| {
        let inner = s.text(m, d);
        let piece = s.random.one_of(&[r"C:\new\table", r"\users\x", "line\r\nnext", r"a\`b", "", r"\u{zz}", r"\\", "😀\u{2028}"]);
        format!("String.raw`{piece}${{{inner}}}{piece}`")
    };
    "as const" => |s, m, d| format!("({} as const)", s.text(m, d));
    "satisfies" => |s, m, d| format!("({} satisfies string)", s.text(m, d));
    "not null" => |s, m, d| format!("({})!", s.text(m, d));
    "angle brackets" => |s, m, d| format!("(<string>({}))", s.text(m, d));
    "ternary" => |s, m, d| {
        let test = s.random.one_of(&["true", "false", "'' === ''", "1 !== 1", "!''", "null", "0", "NaN", "[]", "({})", "void 0", "-0"]);
        format!("({test} ? {} : {})", s.text(m, d), s.text(m, d))
    };
    "nullish" => |s, m, d| {
        let left = s.random.one_of(&["null", "undefined", "''", "false", "0", "NaN"]);
        format!("`${{({left} as any) ?? {}}}`", s.text(m, d))
    };
    "or" => |s, m, d| { let left = s.random.one_of(&["null", "''", "0", "'x'"]); format!("({left} || {})", s.text(m, d)) };
    "and" => |s, m, d| { let left = s.random.one_of(&["1", "'x'", "true", "[0]"]); format!("({left} && {})", s.text(m, d)) };
    "join" => |s, m, d| {
        let separator = s.random.one_of(&["", "'\\n'", "', '", "`\n`", "undefined", "''", "0 + '-'"]);
        format!("[{}, {}, null, undefined, 3].join({separator})", s.text(m, d), s.text(m, d))
    };
    "join of constant" => |s, m, d| {
        let list = format!("[{}, ...[{}, 'x'], ]", s.text(m, d), s.text(m, d));
        let list = s.constant(m, &list);
        format!("{list}.join('\\n')")
    };
    "join with holes" => |s, m, d| format!("[{}, , true, -0, 1e21, 1e-7, [].length].join('|')", s.text(m, d));
    "trim" => |s, m, d| {
        let method = s.random.one_of(&["trim", "trimStart", "trimEnd", "toString", "valueOf"]);
        format!("({}).{method}()", s.text(m, d))
    };
    "trim of white space" => |s, m, d| format!("`\u{feff}\u{a0}\n\u{2028}\u{b}\u{3000} ${{{}}} \u{85}\t\u{feff}\u{180e}\u{2003}\n`.trim()", s.text(m, d));
    "concat" => |s, m, d| format!("({}).concat({}, 1 as any, {})", s.text(m, d), s.text(m, d), s.literal());
    "String" => |s, m, d| format!("String({})", s.text(m, d));
    "member" => |s, m, d| {
        let object = format!("{{ a: {{ 'b c': [{}], 1: 'x' }}, other() {{}} }}", s.text(m, d));
        let object = s.constant(m, &object);
        format!("{object}.a['b c'][0]")
    };
    "optional member" => |s, m, d| {
        let object = format!("{{ a: {{ b: {} }} }} as any", s.text(m, d));
        let object = s.constant(m, &object);
        format!("({object}?.a?.b + ({object}.z?.y.x ?? 'none'))")
    };
    "numeric keys" => |s, m, d| {
        let object = format!("{{ 0x10: {}, 1e3: 'k', .5: 'h', 1_0: 'u' }} as any", s.text(m, d));
        let object = s.constant(m, &object);
        format!("({object}[16] + {object}['1000'] + {object}[0.5] + {object}['10'])")
    };
    "computed key" => |s, m, d| {
        let key = s.constant(m, "'ke' + 'y'");
        let object = format!("{{ [{key}]: {}, [`x${{1}}`]: 'x' }}", s.text(m, d));
        let object = s.constant(m, &object);
        format!("({object}[{key}] + {object}.x1)")
    };
    "spread" => |s, m, d| {
        let base = format!("{{ a: {}, b: 'old' }}", s.text(m, d));
        let base = s.constant(m, &base);
        let object = format!("{{ b: 'first', ...{base}, ...null, ...(false && {{ a: 'no' }}), b: {} }}", s.text(m, d));
        let object = s.constant(m, &object);
        format!("({object}.a + {object}.b)")
    };
    "doubled key" => |s, m, d| {
        let object = format!("{{ a: 'first', 'a': {} }}", s.text(m, d));
        format!("({object} as any).a")
    };
    "getter" => |s, m, d| { let object = format!("{{ get p() {{ return {}; }} }}", s.text(m, d)); format!("{}.p", s.constant(m, &object)) };
    "shorthand" => |s, m, d| {
        let text = s.text(m, d);
        let name = s.constant(m, &text);
        let object = s.constant(m, &format!("Object.freeze({{ {name} }})"));
        format!("{object}.{name}")
    };
    "destructured" => |s, m, d| {
        let (first, second) = (s.name(), s.name());
        let value = format!("{{ p: {}, q: [0, {}] }}", s.text(m, d), s.text(m, d));
        s.declare(m, &format!("const {{ p: {first}, q: [, {second}] }} = {value};"));
        format!("({first} + {second})")
    };
    "enum" => |s, m, d| {
        let (name, text) = (s.name(), s.text(m, 0));
        let _ = d;
        s.declare(m, &format!("enum {name} {{ A = {text}, 'B c' = 'second' }}"));
        format!("({name}.A + {name}['B c'])")
    };
    "numbered enum" => |s, m, d| {
        let name = s.name();
        s.declare(m, &format!("enum {name} {{ A, B = 5, C, D = -2, E }}"));
        format!("`${{{name}.A}}${{{name}.C}}${{{name}.E}}${{{}}}`", s.text(m, d))
    };
    "named import" => |s, _m, d| imported(s, _m, d, "export const NAME = TEXT;", "import { NAME } from './FILE';", "NAME");
    "renamed import" => |s, m, d| imported(s, m, d, "const NAME = TEXT;\nexport { NAME as other };", "import { other as NAME } from './FILE.js';", "NAME");
    "default import" => |s, m, d| imported(s, m, d, "const NAME = TEXT;\nexport default NAME;", "import NAME from './FILE.ts';", "NAME");
    "literal default" => |s, m, d| imported(s, m, d, "export default TEXT;", "import NAME from '@/FILE';", "NAME");
    "default as" => |s, m, d| imported(s, m, d, "export default { deep: { text: TEXT } };", "import { default as NAME } from './FILE';", "NAME.deep.text");
    "namespace import" => |s, m, d| imported(s, m, d, "export const a = TEXT;\nexport default 'no';", "import * as NAME from './FILE';", "NAME.a");
    "namespace default" => |s, m, d| imported(s, m, d, "export default TEXT;", "import * as NAME from './FILE';", "NAME.default");
    "namespace by key" => |s, m, d| imported(s, m, d, "export const a = TEXT;", "import * as NAME from './FILE';", "NAME['a']");
    "exported let" => |s, m, d| imported(s, m, d, "export let NAME = TEXT;", "import { NAME } from './FILE';", "NAME");
    "string export name" => |s, m, d| imported(s, m, d, "const NAME = TEXT;\nexport { NAME as 'a b' };", "import { 'a b' as NAME } from './FILE';", "NAME");
    "star" => |s, m, d| passed_on(s, m, d, "export * from './FILE';", "import { t as NAME } from './BARREL';", "NAME");
    "star as" => |s, m, d| passed_on(s, m, d, "export * as ns from './FILE';", "import { ns as NAME } from './BARREL';", "NAME.t");
    "passed on" => |s, m, d| passed_on(s, m, d, "export { t as u, default } from './FILE';", "import dflt, { u as NAME } from './BARREL';\nexport const useNAME = dflt;", "NAME");
    "imported and exported" => |s, m, d| passed_on(s, m, d, "import { t } from './FILE';\nexport { t };", "import { t as NAME } from './BARREL';", "NAME");
    "own before star" => |s, m, d| passed_on(s, m, d, "export * from './FILE';\nexport const t = 'own';", "import { t as NAME } from './BARREL';", "NAME");
    "folder" => |s, m, d| {
        let name = s.name();
        let text = s.text(&format!("{name}/index"), d);
        s.declare(&format!("{name}/index"), &format!("export const t = {text};"));
        let up = if m.contains('/') { "../" } else { "./" };
        s.import(m, &format!("import {{ t as {name} }} from '{up}{name}';"));
        name
    };
    "JSON default" => |s, m, d| json(s, m, d, "import NAME from 'FILE' with { type: 'json' };", "NAME.text");
    "JSON name" => |s, m, d| json(s, m, d, "import { text as NAME } from 'FILE';", "NAME");
    "JSON namespace" => |s, m, d| json(s, m, d, "import * as NAME from 'FILE';", "NAME.list[1].deep");
    "file" => |s, m, d| {
        s.import(m, "import fs, { readFileSync } from 'node:fs';");
        s.import(m, "import * as path from 'path';");
        s.import(m, "import { fileURLToPath } from 'node:url';");
        let text = literal::text(&mut s.random);
        let name = s.name();
        let _ = d;
        s.file(&format!("src/{name}.md"), &text);
        let up = if m.contains('/') { ".." } else { "." };
        let ways = [
            format!("readFileSync('src/{name}.md', 'utf8')"),
            format!("fs.readFileSync(path.join(process.cwd(), 'src', '{name}.md'), {{ encoding: 'utf-8' }})"),
            format!("fs.readFileSync(path.resolve(__dirname, '{up}/{name}.md')).toString()"),
            format!("readFileSync(new URL('{up}/{name}.md', import.meta.url), 'utf8')"),
            format!("readFileSync(fileURLToPath(new URL('{up}/{name}.md', import.meta.url)), 'utf-8')"),
            format!("readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), '{up}', '{name}.md')).toString('utf8')"),
            format!("`${{readFileSync(path.join(import.meta.dirname, '{up}', '{name}.md'))}}`"),
        ];
        let chosen = s.random.below(ways.len());
        ways[chosen].clone()
    };
    "static member" => |s, m, d| {
        let (text, name) = (s.text(m, d), s.name());
        s.declare(m, &format!("class {name} {{ static readonly p = {text}; }}"));
        format!("{name}.p")
    };
    "shadowed" => |s, m, d| {
        let text = s.text(m, d);
        let name = s.constant(m, &text);
        s.declare(m, &format!("{{ const {name} = 'inner'; void {name}; }}\nfunction f{name}({name} = 'parameter') {{ return {name}; }}"));
        name
    };
    "used elsewhere" => |s, m, d| {
        let object = format!("{{ text: {} }}", s.text(m, d));
        let name = s.constant(m, &object);
        s.declare(m, &format!("export const unused{name} = {name}.text.length + JSON.stringify({name}).length;"));
        format!("{name}.text")
    };
};

/// Shapes whose value takes running the code.
pub(super) const COMPUTED: &[Shape] = shapes! {
    "reassigned let" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("let {name} = 'first';\n{name} = {text};")); name };
    "appended let" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("let {name} = 'first';\n{name} += {text};")); name };
    "function" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("function {name}(a: string, b = a + '!', ...c: string[]) {{ return a + b + c.length; }}")); format!("{name}({text})") };
    "arrow" => |s, m, d| format!("((a: string, {{ b = 'default', c }}: any = {{}}) => `${{a}}${{b}}${{c?.d}}`)({})", s.text(m, d));
    "loop" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("let {name} = '';\nfor (const part of [{text}, 'b', `c`]) {{ if (part === 'b') continue; {name} += part + '\\n'; }}")); name };
    "environment" => |s, m, d| format!("(process.env.SHOP_MOOD + `${{process.env.NOT_THERE}}` + (process.env.NOT_THERE ?? {}))", s.text(m, d));
    "changed object" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("{name}.text = {text};")); format!("{name}.text") };
    "changed under another name" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before', deep: { x: 'before' } }"); s.declare(m, &format!("const alias{name} = {name};\nalias{name}.text = {text};\nconst {{ deep: deep{name} }} = {name};\ndeep{name}.x = 'after';")); format!("({name}.text + {name}.deep.x)") };
    "changed by a function" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("function change{name}(object: any) {{ object.text = {text}; }}\nchange{name}({name});")); format!("{name}.text") };
    "changed inside an array" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("for (const one of [{name}]) one.text = {text};")); format!("{name}.text") };
    "changed from a function's body" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("(() => {{ {name}.text = {text}; }})();")); format!("{name}.text") };
    "changed in another file" => |s, m, d| { let expression = imported(s, m, d, "export const NAME = { text: TEXT };", "import { NAME } from './FILE';", "NAME"); changed_elsewhere(s, m, &expression, "import * as all from './FILE';\nfor (const object of Object.values(all) as any[]) if (typeof object === 'object') object.text += ' changed';"); format!("{expression}.text") };
    "changed by a callback" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "[{ text: 'before' }]"); s.declare(m, &format!("{name}.forEach(one => {{ one.text = {text}; }});")); format!("{name}[0].text") };
    "changed through a method" => |s, m, d| { let object = format!("{{ text: 'before', init() {{ this.text = {}; return this; }} }}", s.text(m, d)); let name = s.constant(m, &object); s.declare(m, &format!("{name}.init();")); format!("{name}.text") };
    "changed in a box" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("const box{name}: any = {{}};\nbox{name}.inner = {name};\nlet other{name}: any;\nother{name} = box{name}.inner;\nother{name}.text = {text};")); format!("{name}.text") };
    "changed through a result" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("const get{name} = () => {name};\nfunction of{name}() {{ return get{name}(); }}\nof{name}().text = {text};")); format!("{name}.text") };
    "changed through a default" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("function change{name}(object: any = {name}) {{ object.text = {text}; }}\nchange{name}();")); format!("{name}.text") };
    "changed by Object.values" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ a: { text: 'before' } }"); s.declare(m, &format!("Object.values({name})[0].text = {text};\nfor (const [, one] of Object.entries({name})) one.text += '!';")); format!("{name}.a.text") };
    "changed by destructuring" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before', b: 'before' }"); s.declare(m, &format!("({{ text: {name}.text, b: {name}['b'] }} = {{ text: {text}, b: 'after' }});")); format!("({name}.text + {name}.b)") };
    "changed by a loop" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' } as any"); s.declare(m, &format!("for ({name}.text of [{text}]) void 0;")); format!("{name}.text") };
    "changed in a class" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("class Holder{name} {{ constructor(public held: any) {{}} change() {{ this.held.text = {text}; }} }}\nnew Holder{name}({name}).change();")); format!("{name}.text") };
    "changed in a static member" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("class Keeper{name} {{ static held = {name}; }}\nKeeper{name}.held.text = {text};")); format!("{name}.text") };
    "default export changed elsewhere" => |s, m, d| { let expression = imported(s, m, d, "export default { text: TEXT };", "import NAME from './FILE';", "NAME"); changed_elsewhere(s, m, &expression, "import object from './FILE';\nobject.text += ' changed';"); format!("{expression}.text") };
    "member changed elsewhere" => |s, m, d| { let expression = imported(s, m, d, "const inner = { text: TEXT };\nexport const NAME = { inner };\nexport const text = () => inner.text;", "import { NAME } from './FILE';", "NAME"); changed_elsewhere(s, m, &expression, "import { NAME as object } from './FILE';\nobject.inner.text += ' changed';"); format!("{expression}.inner.text") };
    "hidden member changed elsewhere" => |s, m, d| { let expression = imported(s, m, d, "const inner = { text: TEXT };\nexport const outer = { inner };\nexport { inner as NAME };", "import { NAME } from './FILE';", "NAME"); changed_elsewhere(s, m, &expression, "import { outer } from './FILE';\nouter.inner.text += ' changed';"); format!("{expression}.text") };
    "JSON changed elsewhere" => |s, m, d| { let expression = json(s, m, d, "import NAME from 'FILE';", "NAME"); let name = expression.clone(); let other = s.name(); s.declare(&other, &format!("import object from './{name}.json';\nobject.text += ' changed';")); s.import(m, &format!("import '{}{other}';", if m.contains('/') { "../" } else { "./" })); format!("{expression}.text") };
    "required" => |s, m, d| imported(s, m, d, "export const NAME = TEXT;", "const { NAME } = require('./FILE');", "NAME");
    "array method" => |s, m, d| { let list = format!("['a', {}, 'b']", s.text(m, d)); let name = s.constant(m, &list); format!("({name}.slice(1).concat('c').flat().join('+') + {name}.indexOf('b') + {name}.includes('a') + {name}.length)") };
    "computed member" => |s, m, d| { let object = format!("{{ en: {}, de: 'hallo' }} as any", s.text(m, d)); let name = s.constant(m, &object); let key = s.constant(m, "['de', 'en'].find(l => l.startsWith('e'))"); format!("{name}[{key}!]") };
    "frozen and changed" => |s, m, d| { let object = format!("Object.freeze({{ text: {} }}) as any", s.text(m, d)); let name = s.constant(m, &object); s.declare(m, &format!("try {{ {name}.text = 'no'; }} catch {{ /* it is frozen */ }}")); format!("{name}.text") };
    "deleted member" => |s, m, d| { let object = format!("{{ a: 'gone', b: {} }} as any", s.text(m, d)); let name = s.constant(m, &object); s.declare(m, &format!("delete {name}.a;")); format!("({name}.a ?? {name}.b)") };
    "counted member" => |s, m, d| { let name = s.constant(m, "{ n: 1 }"); s.declare(m, &format!("{name}.n++;")); format!("({name}.n + {})", s.text(m, d)) };
    "Object.assign" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("Object.assign({name}, {{ text: {text} }});")); format!("{name}.text") };
    "Object.defineProperty" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ text: 'before' }"); s.declare(m, &format!("Object.defineProperty({name}, 'text', {{ value: {text} }});")); format!("{name}.text") };
    "pushed" => |s, m, d| { let list = format!("[{}]", s.text(m, d)); let name = s.constant(m, &list); s.declare(m, &format!("{name}.push('pushed');\n{name}[5] = 'fifth';")); format!("{name}.join('-')") };
    "sorted" => |s, m, d| { let list = format!("['z', {}, 'a']", s.text(m, d)); let name = s.constant(m, &list); s.declare(m, &format!("{name}.sort();")); format!("{name}.join('-')") };
    "reversed on the way" => |s, m, d| { let list = format!("['z', {}, 'a']", s.text(m, d)); let name = s.constant(m, &list); s.declare(m, &format!("export const reversed{name} = {name}.reverse();")); format!("{name}.join('-')") };
    "getter with logic" => |s, m, d| { let object = format!("{{ n: 2, get p() {{ let t = ''; for (let i = 0; i < this.n; i++) t += {}; return t; }} }}", s.text(m, d)); format!("{}.p", s.constant(m, &object)) };
    "setter" => |s, m, d| { let text = s.text(m, d); let name = s.constant(m, "{ v: 'x', get p() { return this.v; }, set p(value: string) { this.v = value + '!'; } }"); s.declare(m, &format!("{name}.p = {text};")); format!("{name}.p") };
    "prototype" => |s, m, d| format!("({{ __proto__: {{ text: {} }} }} as any).text", s.text(m, d));
    "upper case" => |s, m, d| format!("({}).toUpperCase()", s.text(m, d));
    "lower case" => |s, m, d| format!("({}).toLowerCase()", s.text(m, d));
    "replace" => |s, m, d| format!("({}).replace(/o(n)?e?/gu, '[$1$&]').replaceAll('u', '$$')", s.text(m, d));
    "named groups" => |s, m, d| format!("({}).replace(/(?<first>\\w)(?=\\s|$)/gm, (...all) => all.at(-1).first.repeat(2))", s.text(m, d));
    "map and join" => |s, m, d| format!("[{}, 'b'].map((line, index) => `${{index + 1}}. ${{line}}`).filter(Boolean).join('\\n')", s.text(m, d));
    "split" => |s, m, d| format!("({}).split('\\n').map(line => line.trimEnd()).reverse().join('\\r\\n')", s.text(m, d));
    "characters" => |s, m, d| format!("[...({})].reverse().join('')", s.text(m, d));
    "normalize" => |s, m, d| format!("({}).normalize('NFC').padEnd(12, '.').slice(1)", s.text(m, d));
    "tagged template" => |s, m, d| { let name = s.name(); s.declare(m, &format!("function {name}(strings: TemplateStringsArray, ...values: unknown[]) {{ return strings.raw.join('|') + strings.join('/') + values.join(','); }}")); format!("{name}`a\\n${{{}}}b\\u{{41}}`", s.text(m, d)) };
    "dedent" => |s, m, d| { let name = s.name(); s.declare(m, &format!("const {name} = (text: string) => text.replace(/^ +/gm, '').trim();")); format!("{name}(`\n    one\n      ${{{}}}\n  `)", s.text(m, d)) };
    "destructured with defaults" => |s, m, d| { let (first, second, rest) = (s.name(), s.name(), s.name()); let text = s.text(m, d); s.declare(m, &format!("const {{ p: {first} = {text}, q: {{ r: {second} }} = {{ r: 'inner' }}, ...{rest} }} = {{ z: 'rest' }} as any;")); format!("({first} + {second} + {rest}.z)") };
    "destructured parameters" => |s, m, d| format!("(({{ a, ...b }}: any, [c, ...e]: any) => a + JSON.stringify(b) + c + e.length)({{ a: {}, x: 1, 0: 2 }}, 'xyz')", s.text(m, d));
    "closure" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("const {name} = (() => {{ let count = 0; return () => `${{++count}}${{{text}}}`; }})();\n{name}();")); format!("{name}()") };
    "generator" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("function* {name}() {{ yield {text}; yield* ['b', 'c']; }}")); format!("[...{name}()].join(' ')") };
    "class" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("class {name} {{ #a = {text}; b = this.#a + 'b'; constructor(private c = 'c', readonly e = 'e') {{}} get text() {{ return this.#a + this.b + this.c; }} static of() {{ return new this('d').text; }} }}\nclass {name}B extends {name} {{ get text() {{ return super.text + '!'; }} }}")); format!("({name}B.of() + new {name}().e)") };
    "changed static member" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("class {name} {{ static p = 'before'; static {{ this.p += 'block'; }} }}\n{name}.p += {text};")); format!("{name}.p") };
    "enum backwards" => |s, m, d| { let name = s.name(); s.declare(m, &format!("enum {name} {{ Zero, Five = 5 }}")); format!("({name}[0] + {name}[5] + {name}['Five'] + {})", s.text(m, d)) };
    "enum of enum" => |s, m, d| { let name = s.name(); let text = s.text(m, 0); let _ = d; s.declare(m, &format!("const A = 'outer';\nenum {name} {{ A = {text}, B = `${{A}}!`, C = 1 << 3, D = C | 1 }}").replace("const A", &format!("const A{name}"))); format!("({name}.B + {name}.D)") };
    "enum in two parts" => |s, m, d| { let name = s.name(); s.declare(m, &format!("enum {name} {{ A = 'a' }}\nenum {name} {{ B = 'b' }}")); format!("({name}.A + {name}.B + {})", s.text(m, d)) };
    "namespace" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("namespace {name} {{ export const t = {text}; export namespace deep {{ export const u = t + 'u'; }} }}")); format!("({name}.t + {name}.deep.u)") };
    "map" => |s, m, d| format!("(new Map([['a', {}], ['b', 'x']]).get('a') ?? 'none')", s.text(m, d));
    "JSON" => |s, m, d| format!("JSON.parse(JSON.stringify({{ a: {}, b: undefined, 2: 2, 1: 1 }})).a", s.text(m, d));
    "JSON text" => |s, m, d| format!("JSON.stringify({{ a: {}, b: undefined, 2: -0, 1: 1e21, '__proto__': null }}, null, 2)", s.text(m, d));
    "entries" => |s, m, d| format!("Object.entries({{ z: {}, 1: 'one', a: 'a' }}).map(([key, value]) => `${{key}}=${{value}}`).join(';')", s.text(m, d));
    "try" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("let {name};\ntry {{ throw new Error({text}); }} catch (error: any) {{ {name} = error.message; }} finally {{ {name} += '.'; }}")); name };
    "switch" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("function {name}(x: number) {{ switch (x) {{ case 1: return 'one'; default: return {text}; case 2: return 'two'; }} }}")); format!("{name}(7)") };
    "assigned or" => |s, m, d| { let (text, name) = (s.text(m, d), s.name()); s.declare(m, &format!("let {name}: any = null;\n{name} ??= {text};\n{name} ||= 'no';\n{name} &&= {name} + '&';")); name };
    "comma" => |s, m, d| format!("(0, {})", s.text(m, d));
    "typeof" => |s, m, d| format!("(typeof {} + typeof undefined + typeof null)", s.text(m, d));
    "index" => |s, m, d| format!("(({})[0] + ({}).at(-1) + ({}).length)", s.text(m, d), s.literal(), s.literal());
    "comparison" => |s, m, d| format!("(({}) < 'p' ? 'less' : 'more') + (1 == ('1' as any)) + ('a' in {{ a: 1 }}) + 7 % 4 + 2 ** 10 + (5 & 6)", s.text(m, d));
    "numbers" => |s, m, d| format!("`${{0.1 + 0.2}} ${{1e21}} ${{-0}} ${{1 / 3}} ${{123456789012345680000}} ${{1e-7}} ${{0xff}} ${{5e-324}} ${{Number('12')}} ${{(255).toString(16)}} ${{1.005.toFixed(2)}} ${{10n ** 20n}}${{{}}}`", s.text(m, d));
    "text of objects" => |s, m, d| format!("`${{[1, [2, {}]]}}${{{{}}}}${{[null]}}`", s.text(m, d));
    "Symbol.toPrimitive" => |s, m, d| format!("`${{{{ [Symbol.toPrimitive]: (hint: string) => hint + {} }} as any}}`", s.text(m, d));
    "base64" => |s, m, d| format!("Buffer.from(Buffer.from({}, 'utf8').toString('base64'), 'base64').toString('utf8')", s.text(m, d));
    "URI" => |s, m, d| format!("decodeURIComponent(encodeURIComponent({}))", s.text(m, d));
    "sum of halves" => |s, m, d| format!("('\\uD83D' + '\\uDE00' + {})", s.text(m, d));
    "file lines" => |s, m, d| { s.import(m, "import fs, { readFileSync } from 'node:fs';"); let name = s.name(); s.file(&format!("src/{name}.txt"), "a\nb # comment\r\n\nc"); format!("(readFileSync('./src/{name}.txt', 'utf8').split(/\\r?\\n/).filter(line => line).join('|') + {})", s.text(m, d)) };
    "file or not" => |s, m, d| { s.import(m, "import fs, { readFileSync } from 'node:fs';"); format!("(fs.existsSync('not-there.md') ? fs.readFileSync('not-there.md', 'utf8') : {})", s.text(m, d)) };
    "path" => |s, m, d| { s.import(m, "import * as path from 'path';"); format!("(path.basename('/a/b.md', '.md') + path.extname('x.tar.gz') + path.posix.join('a', '..', 'b', './c/') + {})", s.text(m, d)) };
    "set from outside" => |s, m, d| imported(s, m, d, "export let NAME = 'before';\nexport function setNAME() { NAME = TEXT; }", "import { NAME, setNAME } from './FILE';\nsetNAME();", "NAME");
    "imported function" => |s, m, d| imported(s, m, d, "export default function (suffix: string) { return TEXT + suffix; }", "import NAME from './FILE';", "NAME('!')");
    "ring" => |s, m, d| imported(s, m, d, "import { late } from './FILE';\nexport const first = TEXT;\nexport function late() { return first; }\nexport const NAME = () => late();", "import { NAME } from './FILE';", "NAME()");
};

/// Writes a text into a module of its own. In the code, `NAME` is a fresh name, `TEXT` the text, `FILE` the module.
fn imported(s: &mut Sketch, module: &str, depth: usize, exports: &str, import: &str, expression: &str) -> String {
    let name = s.name();
    let file = name.replace('v', "m");
    let text = s.text(&file, depth);
    s.declare(&file, &exports.replace("NAME", &name).replace("FILE", &file).replace("TEXT", &text));
    let up = if module.contains('/') { "'../" } else { "'./" };
    s.import(module, &import.replace("NAME", &name).replace("FILE", &file).replace("'./", up));
    expression.replace("NAME", &name)
}

/// Writes a module that changes what another one exports, and imports it.
fn changed_elsewhere(s: &mut Sketch, module: &str, name: &str, code: &str) {
    let other = s.name();
    s.declare(&other, &code.replace("FILE", &name.replace('v', "m")).replace("NAME", name));
    let up = if module.contains('/') { "../" } else { "./" };
    s.import(module, &format!("import '{up}{other}';"));
}

/// Writes a text into a module that another one passes on.
fn passed_on(s: &mut Sketch, module: &str, depth: usize, barrel: &str, import: &str, expression: &str) -> String {
    let name = s.name();
    let file = name.replace('v', "m");
    let text = s.text(&file, depth);
    s.declare(&file, &format!("export const t = {text};\nexport default 'default';"));
    s.declare(&format!("barrel_{file}"), &barrel.replace("FILE", &file));
    let up = if module.contains('/') { "'../" } else { "'./" };
    let import = import.replace("NAME", &name).replace("BARREL", &format!("barrel_{file}")).replace("'./", up);
    s.import(module, &import.replace("dflt", &format!("default_{name}")));
    expression.replace("NAME", &name)
}

/// Writes a text into a JSON file.
fn json(s: &mut Sketch, module: &str, _depth: usize, import: &str, expression: &str) -> String {
    let (name, text) = (s.name(), literal::text(&mut s.random));
    let quoted = serde_json::Value::from(text).to_string();
    s.file(
        &format!("src/{name}.json"),
        &format!("{{\n  \"text\": {quoted},\n  \"list\": [1e2, {{ \"deep\": {quoted} }}],\n  \"e\": \"\\/\\u00e9\"\n}}\n"),
    );
    let up = if module.contains('/') { "../" } else { "./" };
    s.import(module, &import.replace("NAME", &name).replace("FILE", &format!("{up}{name}.json")));
    expression.replace("NAME", &name)
}
