//! A value that is read is the one that Node gives, or it is unreadable with its place.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use keepstep_source::AgentSource as _;
use std::collections::BTreeMap;

use common::{Project, agent};
use keepstep_agent::Field;
use keepstep_source::Property;
use keepstep_source_typescript::engine::Machine;
use keepstep_source_typescript::{Options, read};

fn shown_with(options: &Options, before: &str, persona: &str) -> String {
    let project = Project::of(&agent(before, persona));
    let source = read(project.root(), options).unwrap();
    let notes: String =
        source.notes(Field::PERSONA).iter().map(|note| format!(" [{} at {}]", note.message, note.location)).collect();
    let shown = match source.property(Field::PERSONA) {
        Property::Known { value, .. } => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        Property::Unreadable(problem) => format!("unreadable: {} at {}", problem.message, problem.location),
        other => format!("{other:?}"),
    };
    shown + &notes
}

fn shown(before: &str, persona: &str) -> String {
    shown_with(&Options::default(), before, persona)
}

fn is_unreadable(persona: &str, why: &str) {
    let shown = shown("", persona);
    assert!(shown.starts_with("unreadable: ") && shown.contains(why), "{persona} is {shown}");
}

#[test]
fn numbers_and_texts_follow_a_language() {
    for (persona, expected) in [
        ("`Orders above EUR ${(12500).toLocaleString('en-US')} need a person.`", "Orders above EUR 12,500 need a person."),
        ("(1234567.891).toLocaleString('de-DE')", "1.234.567,891"),
        ("(1.005).toLocaleString('en-US', { maximumFractionDigits: 2 })", "1.01"),
        ("(0.256).toLocaleString('en-US', { style: 'percent' })", "26%"),
        ("new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' }).format(-1234.5)", "-$1,234.50"),
        ("['z', 'ä', 'a'].sort(new Intl.Collator('de').compare).join('')", "aäz"),
        ("['z', 'ä', 'a'].sort((a, b) => a.localeCompare(b, 'sv')).join('')", "azä"),
        ("['item10', 'item2'].sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).join()", "item2,item10"),
        ("new Intl.PluralRules('ru').select(3)", "few"),
        ("new Intl.ListFormat('en', { type: 'conjunction' }).format(['a', 'b', 'c'])", "a, b, and c"),
        ("[...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment('e\\u0301x')].length + ''", "2"),
        ("'ABC'.toLocaleLowerCase()", "abc"),
    ] {
        assert_eq!(shown("", persona), expected, "{persona}");
    }
    is_unreadable("new Date(0).toLocaleDateString('en-US', { timeZone: 'UTC' })", "needs the internationalization data of Node");
    is_unreadable("'IZMIR'.toLocaleLowerCase('tr')", "needs the internationalization data of Node");
    is_unreadable("(1).toLocaleString('xx')", "needs the internationalization data of Node");
    is_unreadable(
        "(() => { try { return (1).toLocaleString('xx') } catch { return '1' } })()",
        "internationalization data of Node",
    );
}

#[test]
fn the_language_of_the_machine_is_known_only_where_it_is_that_of_node() {
    let tools = "const TOOLS = ['Zip', 'apple', 'Äpfel', 'book'];";
    let persona = "`Tools: ${[...TOOLS].sort((a, b) => a.localeCompare(b)).join(', ')}`";
    insta::assert_snapshot!(shown(tools, persona), @"Tools: Äpfel, apple, book, Zip [the persona depends on this machine: `localeCompare` follows its language at src/index.ts:5:64]");
    let machine = Machine { is_english: false, ..Machine::default() };
    let elsewhere = Options { machine, ..Options::default() };
    insta::assert_snapshot!(shown_with(&elsewhere, tools, persona), @"unreadable: the persona depends on this machine: `localeCompare` follows its language at src/index.ts:5:64");
    assert_eq!(shown_with(&elsewhere, "", "['b', 'a'].sort((a, b) => a.localeCompare(b)).join()"), "a,b");
}

#[test]
fn an_enum_has_its_names_under_its_numbers() {
    for (before, persona, expected) in [
        ("enum Tier { Silver, Gold }", "`You serve the ${Tier[Tier.Gold]} tier.`", "You serve the Gold tier."),
        ("enum N { A = -1, B }", "`${N.B} ${N[-1]}`", "0 A"),
        ("enum N { A = 1, B = A }", "`${N.B} ${N[1]}`", "1 B"),
        ("enum T { A = 'abc'.length, B = 9, C = A }", "`${T[T.A]}`", "C"),
        ("const k: number = 1;\nenum Level { Low, High }", "`Level: ${Level[k] ?? 'none'}`", "Level: High"),
        ("enum M { A, B = 'x' }", "`${(M as any)['x'] ?? 'none'}`", "none"),
    ] {
        assert_eq!(shown(before, persona), expected, "{before} {persona}");
    }
}

#[test]
fn what_is_not_there_is_asked_of_the_running_code() {
    for (before, persona, expected) in [
        ("const o: any = { __proto__: { a: 'inherited' } };", "`${o.a}`", "inherited"),
        ("const o: any = {};", "`${o.__proto__ === Object.prototype}`", "true"),
        ("const o: any = {};", "o.__defineSetter__ ? 'there' : 'not'", "there"),
        ("const l: any[] = ['a'];", "`${l['01']} ${l['+0']} ${l[0]}`", "undefined undefined a"),
        ("const o: any = { a: 'x' };", "`${o.b ?? 'none'}`", "none"),
        ("", "JSON.stringify({ ...({} as any), ...'ab' })", "{\"0\":\"a\",\"1\":\"b\"}"),
    ] {
        assert_eq!(shown(before, persona), expected, "{before} {persona}");
    }
}

#[test]
fn what_changes_by_itself_is_not_a_value() {
    insta::assert_snapshot!(shown("", "`You are Bay. It is ${new Date().toISOString()}.`"), @"unreadable: the persona changes by itself: `new Date()` gives another value each time at src/index.ts:5:38");
    insta::assert_snapshot!(shown("const pick = () => Math.random() < 0.5 ? 'a' : 'b';", "`${pick()}`"), @"unreadable: the persona changes by itself: `Math.random` gives another value each time at src/index.ts:2:25");
    insta::assert_snapshot!(shown("", "`Good ${new Date().getUTCHours() < 12 ? 'morning' : 'evening'}.`"), @"unreadable: the persona changes by itself: `new Date()` gives another value each time at src/index.ts:5:24");
    insta::assert_snapshot!(shown("", "crypto.randomUUID()"), @"unreadable: the persona changes by itself: `crypto.randomUUID` gives another value each time at src/index.ts:5:19");
    let chance = "import { randomInt, randomBytes } from 'node:crypto';";
    insta::assert_snapshot!(shown(chance, "`${randomInt(9)}`"), @"unreadable: the persona changes by itself: `crypto.randomInt` gives another value each time at src/index.ts:5:15");
    insta::assert_snapshot!(shown(chance, "Buffer.allocUnsafe(4).toString('hex')"), @"unreadable: the persona changes by itself: `Buffer.allocUnsafe` gives another value each time at src/index.ts:5:19");
    assert_eq!(shown(chance, "`${randomBytes(4).length} ${randomInt(5, 6)} ${Buffer.allocUnsafe(2).length}`"), "4 5 2");
    insta::assert_snapshot!(shown("import { webcrypto } from 'node:crypto';", "webcrypto.getRandomValues(Buffer.alloc(4)).toString('hex')"), @"unreadable: the persona changes by itself: `crypto.getRandomValues` gives another value each time at src/index.ts:5:45");
    for (persona, expected) in [
        ("typeof Date.now()", "number"),
        ("`${Math.random() < 2}`", "true"),
        ("`${process.argv.length > 0} ${typeof process.version} ${typeof performance.now()}`", "true string number"),
        ("new Date('2026-03-01T00:00:00Z').toISOString()", "2026-03-01T00:00:00.000Z"),
    ] {
        assert_eq!(shown("", persona), expected, "{persona}");
    }
}

#[test]
fn what_depends_on_the_machine_is_said() {
    let hour = "`${new Date('2024-01-01T05:00:00Z').getHours()}`";
    insta::assert_snapshot!(shown("", hour), @"5 [the persona depends on this machine: its time zone is part of the value at src/index.ts:5:48]");
    let elsewhere = Options { machine: Machine { is_utc: false, ..Machine::default() }, ..Options::default() };
    insta::assert_snapshot!(shown_with(&elsewhere, "", hour), @"unreadable: the persona depends on this machine: its time zone is part of the value at src/index.ts:5:48");
    assert_eq!(shown_with(&elsewhere, "", "new Date(2024, 0, 15).toDateString()"), "Mon Jan 15 2024");
    let platform = shown("", "process.platform + ''");
    assert!(
        platform.contains("[the persona depends on this machine: `process.platform` differs between operating systems"),
        "{platform}"
    );
    is_unreadable("process.version", "depends on this machine");
    is_unreadable("`${process.pid}`", "depends on this machine");
    is_unreadable("(() => { try { (null as any).x } catch (e) { return (e as Error).message } })()", "depends on Node");
    let path = shown("", "process.cwd() + ''");
    assert!(path.contains("[the persona depends on this machine: it holds the path of the project at src/index.ts:"), "{path}");
}

#[test]
fn the_environment_is_what_the_project_says_and_what_is_allowed() {
    let options = Options {
        environment: BTreeMap::from([("TONE".to_owned(), "kind".to_owned())]),
        machine: Machine { withheld: ["GITHUB_TOKEN".to_owned()].into(), ..Machine::default() },
        ..Options::default()
    };
    let shown = |persona: &str| shown_with(&options, "", persona);
    insta::assert_snapshot!(shown("`Be ${process.env.TONE}.`"), @"Be kind. [the persona holds a value of the environment, `process.env.TONE` at src/index.ts:5:18]");
    insta::assert_snapshot!(shown("`Use ${process.env.GITHUB_TOKEN ?? 'nothing'}.`"), @"unreadable: whether this is set is known only when the code runs; running it failed: `process.env.GITHUB_TOKEN` is set on this machine, and not by the project (at src/index.ts:5) at src/index.ts:5:19");
    insta::assert_snapshot!(shown("(() => { try { return process.env.GITHUB_TOKEN! } catch { return 'none' } })()"), @"unreadable: what a function call returns is known only when the code runs; running it returned no value: `process.env.GITHUB_TOKEN` is set on this machine, and not by the project at src/index.ts:5:12");
    insta::assert_snapshot!(shown("Object.keys(process.env).join()"), @"unreadable: the persona depends on this machine: it holds the names in process.env at src/index.ts:5:24");
    assert_eq!(shown("`${process.env.REGION ?? 'north'} ${process.env.TONE ? 'toned' : ''}`"), "north toned");
    assert_eq!(shown("`${'NOPE' in process.env} ${Object.keys(process.env).includes('NOPE')}`"), "false false");
    assert_eq!(shown("(process.env.OWN = 'own', process.env.OWN)"), "own");
}

#[test]
fn every_limit_ends_with_a_place() {
    for (before, persona, why) in [
        ("function f(): any { return f(); }", "f()", "nested too deeply"),
        ("function f(): string { try { return f(); } catch { return 'deep'; } }", "f()", "limits of memory and depth"),
        ("function f() { for (;;) {} }", "`${f()}`", "ran longer than"),
        ("", "'x'.repeat(2 ** 28).length + ''", "memory"),
        (
            "const big = () => { try { return 'x'.repeat(2 ** 28) } catch { return 'small' } };",
            "big()",
            "limits of memory and depth",
        ),
    ] {
        let shown = shown(before, persona);
        assert!(
            shown.starts_with("unreadable: ") && shown.contains(why) && shown.contains(" at src/index.ts:"),
            "{persona}: {shown}"
        );
    }
}

#[test]
fn a_sum_of_many_texts_is_read_in_one_go() {
    let sum = vec!["'a'"; 20_000].join(" + ");
    assert_eq!(shown("", &sum).len(), 20_000);
}

#[test]
fn a_power_that_a_number_holds_exactly_is_read() {
    let powers = "`${2 ** 53} ${3 ** 33} ${2 ** -3} ${(-2) ** 70} ${6 ** 20} ${Math.pow(10, 15)}`";
    assert_eq!(
        shown("", powers),
        "9007199254740992 5559060566555523 0.125 1.1805916207174113e+21 3656158440062976 1000000000000000"
    );
}

#[test]
fn a_comparison_that_contradicts_itself_orders_as_in_node() {
    for (persona, expected) in [
        ("[3, 1, 2].sort((a, b) => (a > b) as any).join()", "3,1,2"),
        ("[1, 2, 3].sort(() => 1).join()", "1,2,3"),
        ("[1, 2, 3].toSorted(() => -1).join()", "3,2,1"),
        ("[2, , undefined, 1].sort((a, b) => a! - b!).map(String).join()", "1,2,undefined,"),
        ("((calls) => { [5, 3, 4, 1, 2].sort((a, b) => { calls += 1; return a - b; }); return `${calls}`; })(0)", "9"),
        ("new Uint8Array([3, 1, 2]).sort((a, b) => (a > b) as any).join()", "1,2,3"),
    ] {
        assert_eq!(shown("", persona), expected, "{persona}");
    }
}

#[test]
fn an_error_has_what_it_has_in_node() {
    for (persona, expected) in [
        ("Object.getOwnPropertyNames(new Error('m', { cause: 1 })).join()", "stack,message,cause"),
        (
            "(() => { try { (null as any).x; } catch (e: any) { return Object.getOwnPropertyNames(e).join(); } return ''; })()",
            "stack,message",
        ),
        ("`${'stack' in Error.prototype} ${Object.keys(Error)}`", "false stackTraceLimit"),
        ("((e: any) => { e.stack = 'mine'; return e.stack; })(new Error('m'))", "mine"),
        ("typeof new Error('m').stack", "string"),
    ] {
        assert_eq!(shown("", persona), expected, "{persona}");
    }
    is_unreadable("`${new Error('m').stack}`", "depends on Node");
    is_unreadable("`${Object.getOwnPropertyDescriptor(new Error('m'), 'stack')!.value}`", "depends on Node");
    is_unreadable("((o: any) => { Error.captureStackTrace(o); return o.stack; })({})", "depends on Node");
    is_unreadable("typeof (Error as any).prepareStackTrace", "depends on this machine");
}

#[test]
fn what_waits_comes_in_the_order_of_node() {
    let before = "const log: any[] = [];\nsetTimeout(() => log.push('one'), 1); setTimeout(() => log.push('none'), 0);\n\
                  process.nextTick(() => log.push('tick')); Promise.resolve().then(() => log.push('job')).then(() => log.push('job'));";
    let persona = "await new Promise((done) => setTimeout(done, 5)).then(() => log.join())";
    assert_eq!(shown(before, persona), "job,job,tick,one,none");
}

#[test]
fn what_a_part_of_node_has_not_is_no_value() {
    for (module, persona) in [
        ("node:buffer", "typeof part.Blob"),
        ("node:path", "part.format.name"),
        ("node:os", "`${part.hostname ? 'there' : 'not'}`"),
        ("node:path", "part.win32.basename('a')"),
        ("node:crypto", "typeof part.nope"),
        ("node:url", "`${'parse' in part}`"),
        ("node:util", "Object.keys(part).join()"),
        ("node:assert", "(() => { try { part(0); } catch (e: any) { return e.name; } })()"),
    ] {
        let found = shown(&format!("import part from '{module}';"), persona);
        assert!(found.starts_with("unreadable: "), "{module} {persona}: {found}");
    }
}

#[test]
fn no_value_is_no_answer_where_something_was_missing_here() {
    let caught = "(() => { try { return path.join(5 as any); } catch (e: any) { return e.code; } })()";
    let found = shown("import path from 'node:path';", caught);
    assert!(found.starts_with("unreadable: "), "{found}");
    let keys = "((e: any) => Object.keys(e).join())(new EventEmitter())";
    assert_eq!(shown("import { EventEmitter } from 'node:events';", keys), "_events,_eventsCount,_maxListeners");
}

#[test]
fn a_buffer_can_be_called_and_constructed() {
    let persona =
        "`${new (Buffer as any)('abc')} ${(Buffer as any)('YWJj', 'base64')} ${new (Buffer as any)(2).length} ${Buffer.name}`";
    assert_eq!(shown("", persona), "abc abc 2 Buffer");
}

#[test]
fn what_has_a_class_in_node_has_its_functions_there() {
    for (persona, expected) in [
        ("Object.getOwnPropertyNames(new Intl.NumberFormat('en')).join()", ""),
        ("[1234.5].map(new Intl.NumberFormat('en').format as any).join()", "1,234.5"),
        ("Object.prototype.toString.call(new URLSearchParams('a=1').entries())", "[object URLSearchParams Iterator]"),
        (
            "((keys: string[]) => { for (const key in new URLSearchParams()) keys.push(key); return `${keys.includes('append')}`; })([])",
            "true",
        ),
        ("Object.prototype.toString.call(performance) + String(console)", "[object Performance][object console]"),
    ] {
        assert_eq!(shown("", persona), expected, "{persona}");
    }
}
