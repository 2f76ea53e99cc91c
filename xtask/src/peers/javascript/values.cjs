// Makes up expressions over everything that Node has built in, and prints each with the value that Node gives it.
//
//   node values.cjs ESBUILD SEED COUNT ONE_IN
//
// Standard output is a JSON array of `{ before, expression, value }`; one that throws has `error` instead of `value`, and one that was
// compiled with other settings has them as `compiler`. The same seed gives the same expressions. Nothing here knows what keepstep makes
// of them. Of the tables of languages and of members every ONE_IN-th row is tried, 0 for none. Standard error has each expression before it is tried, so that the last is the one that ended Node.
'use strict';

const fs = require('fs');
const esbuild = require(process.argv[2]);
const seed = Number(process.argv[3] ?? 1);
const count = Number(process.argv[4] ?? 1000);
const oneIn = Number(process.argv[5] ?? 0);

// ------------------------------------------------------------------------------------------------------- Choices

// splitmix32: its whole state is one number.
let state = seed >>> 0;
function next() {
  state = (state + 0x9e3779b9) >>> 0;
  let mixed = state ^ (state >>> 16);
  mixed = Math.imul(mixed, 0x21f0aaad);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
const below = (limit) => next() % limit;
const one = (list) => list[below(list.length)];
function some(list) {
  const item = one(list);
  return typeof item === 'function' ? item() : item;
}
const many = (least, most, make) => Array.from({ length: least + below(most - least + 1) }, make);

// ---------------------------------------------------------------------------------------------------------- Texts

const WORDS = ['', 'a', 'Zip', 'apple', 'Äpfel', 'straße', 'İstanbul', 'ıI', 'ß', 'ﬁ', 'ΑΣ', 'ς', 'e\u0301', '\u00e9', '😀', '👩‍👩‍👧', '🇩🇪', 'a b  c',
  'Hello, World!', 'line\nnext', 'tab\tx', '\u2028', '\u00a0x\u00a0', '\ufeff', '\u180e', 'foo-bar_baz', '12', '007', '-3.5e2', '0x1F', ' 42 ', '1,234', 'Infinity', 'NaN',
  '2024-02-30', '<b>&"\'', '%41%zz', '%C3%BC', 'ü', '中文字', 'नमस्ते', 'مرحبا', '$1 $& $$', 'a.b*c', 'x'.repeat(20), 'undefined', '\u0000', '\ud800x', '\udc00', 'Q: {name}', 'item1', 'item10', 'item2', 'z', 'résumé', 'resume', 'Résumé', 'co-op', 'coop'];
const quoted = (text) => JSON.stringify(text).replace(/[\ud800-\udfff]/g, (unit, at, all) => {
  const code = unit.charCodeAt(0);
  const before = all.charCodeAt(at - 1), after = all.charCodeAt(at + 1);
  const whole = (code < 0xdc00 && after >= 0xdc00 && after < 0xe000) || (code >= 0xdc00 && before >= 0xd800 && before < 0xdc00);
  return whole ? unit : `\\u${code.toString(16)}`;
});
const word = () => quoted(one(WORDS));

const digits = () => `${below(10) ? '' : '-'}${below(1e5)}.${below(1e6)}${one(['', '', '', 'e-9', 'e12', 'e20'])}`;
const NUMBERS = [digits, digits, digits, digits, digits, digits, digits, digits, digits, digits, '0', '-0', '1', '2', '3', '7', '10', '12', '100', '255', '1000', '12500', '1234567.891', '-1', '-1.5', '0.1', '0.5', '1.005', '2.5', '1e21', '1e-7', '123456789012345680000', '5e-324',
  '1.7976931348623157e308', 'NaN', 'Infinity', '-Infinity', '0.000001', '1/3', '2**31', '2**32', '2**53', '0.1+0.2', '4294967295', '1e15', '9.995', '999.5', '0.00001234', '45.678', '1e10', '86400000', '1709251200000'];
const number = (depth = 1) => (depth <= 0 || below(3) ? some(NUMBERS) : some([
  () => `Math.${one(['abs', 'ceil', 'floor', 'round', 'trunc', 'sign', 'sqrt', 'cbrt', 'fround', 'clz32', 'log2', 'log10', 'exp', 'sin', 'cos', 'tan', 'atan', 'log1p', 'expm1', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'log', 'asin', 'acos'])}(${number(depth - 1)})`,
  () => `Math.${one(['pow', 'atan2', 'hypot', 'max', 'min', 'imul'])}(${number(depth - 1)}, ${number(depth - 1)})`,
  () => `Number(${some([word, () => one(['null', 'true', '""', '[]', '[5]', '{}', 'undefined', '"0b11"', '"0o17"', '"1_000"', '" 12\\n"', '"-0x1"', '10n', 'new Date(5)'])])})`,
  () => `parseInt(${word()}${one(['', ', 10', ', 16', ', 36', ', 2'])})`,
  () => `parseFloat(${word()})`,
  () => `(${number(depth - 1)} ${one(['+', '-', '*', '/', '%', '**'])} ${number(0).replace(/^-/, '')})`.replace(/\((-[^ ]+) \*\*/, '(($1) **'),
  () => `((${number(depth - 1)}) ${one(['|', '&', '^', '<<', '>>', '>>>'])} ${below(40)})`,
  () => `${text(depth - 1)}.${one(['length', `indexOf(${word()})`, `lastIndexOf(${word()})`, 'search(/[a-z]/)', 'charCodeAt(0)', 'codePointAt(0)'])}`,
  () => `Number.${one(['MAX_SAFE_INTEGER', 'EPSILON', 'MIN_VALUE', 'MAX_VALUE'])}`,
]));

// What is put in for a match may hold all of the text, so the size grows with its square; V8 ends the process where it grows too large.
const short = (depth) => (depth <= 0 ? word() : `${text(depth)}.slice(0, 60)`);
const form = () => one(['NFC', 'NFD', 'NFKC', 'NFKD']);
const text = (depth = 2) => (depth <= 0 || !below(4) ? word() : some([
  () => `${text(depth - 1)}.${one(['toUpperCase()', 'toLowerCase()', 'trim()', 'trimStart()', 'trimEnd()', 'toString()', 'valueOf()', 'toWellFormed()', 'isWellFormed()', 'big()', 'link("x\\"y")', 'toLocaleUpperCase()', 'toLocaleLowerCase()', 'normalize()'])}`,
  () => `${text(depth - 1)}.normalize('${form()}')`,
  () => `${text(depth - 1)}.${one(['padStart', 'padEnd'])}(${below(30)}${one(['', ', "ab"', ', ""', ', "é"'])})`,
  () => `${text(depth - 1)}.${one(['slice', 'substring', 'substr'])}(${below(12) - 5}${one(['', ', 3', ', -1', ', 0', ', NaN'])})`,
  () => `${text(depth - 1)}.${one(['at', 'charAt'])}(${below(9) - 4})`,
  () => `${text(depth - 1)}.repeat(${below(4)})`,
  () => `${short(depth - 1)}.${one(['replace', 'replaceAll'])}(${word()}, ${some([word, () => '"[$&|$`|$\'|$$|$1|$<x>]"', () => '(m, at, all) => `${m}${at}${all.length}`'])})`,
  () => `${short(depth - 1)}.${one(['replace', 'replaceAll', 'replace'])}(${regex('g')}, ${some([word, () => '"[$&|$`|$\'|$$|$1|$2|$<a>]"', () => '(...m) => JSON.stringify(m)'])})`,
  () => `JSON.stringify(${text(depth - 1)}.match(${regex()}))`,
  () => `JSON.stringify([...${text(depth - 1)}.matchAll(${regex('g')})].map(m => [m.index, ...m, m.groups && { ...m.groups }]))`,
  () => `${text(depth - 1)}.split(${some([word, () => regex(), () => '""', () => 'undefined'])}${one(['', ', 2'])}).join('|')`,
  () => `[...${text(depth - 1)}].join(${word()})`,
  () => `Array.from(${text(depth - 1)}, c => c.codePointAt(0).toString(16)).join()`,
  () => `String.raw\`${one(['a\\n', '\\u{41}', 'C:\\x', ''])}\${${text(depth - 1)}}${one(['\\\\', '', 'b'])}\``,
  () => `\`<\${${text(depth - 1)}}\${${number()}}>\``,
  () => `(${text(depth - 1)} + ${some([() => text(depth - 1), () => number(), () => value(1)])})`,
  () => `${text(depth - 1)}.concat(${value(1)}, ${text(depth - 1)})`,
  () => `${one(['encodeURIComponent', 'encodeURI', 'escape', 'unescape', 'decodeURIComponent', 'decodeURI'])}(${text(depth - 1)})`,
  () => `String(${text(depth - 1)}.${one(['includes', 'startsWith', 'endsWith'])}(${word()}${one(['', ', 1'])}))`,
  () => `String(${text(depth - 1)} ${one(['<', '>', '<=', '===', '=='])} ${text(depth - 1)})`,
  () => `String.from${one(['CharCode', 'CodePoint'])}(${below(0xd000)}, ${below(200)})`,
  () => numberText(depth - 1),
  () => jsonText(depth - 1),
  () => arrayText(depth - 1),
]));

const PATTERNS = ['a', '[a-z]+', '\\\\d+', '\\\\w', '\\\\s+', '.', '(?<a>[a-z])(\\\\W)?', '(?<=a)p', '(?<!a)p', '(?:a|b)*?', '\\\\bb', '^.', '.$', '(.)\\\\1', '[^\\\\w]', '\\\\p{Lu}', '\\\\p{L}+', '\\\\p{Script=Greek}', '\\\\P{ASCII}', '\\\\u{1f600}', '[😀-😎]', '(?=x)', 'x{2,3}', 'x{2,}?', '(a)|(b)', '[\\\\s\\\\S]', '\\\\p{Emoji}', '\\\\p{RGI_Emoji}', '[\\\\p{L}--[a-z]]', '(?<y>\\\\d{4})-(?<m>\\\\d\\\\d)', '\\\\x41', '\\\\cJ', '[\\\\b]', 'ß', 'ſ', 'K'];
function regex(flags = '') {
  const pattern = one(PATTERNS).replace(/\\\\/g, '\\');
  const extra = ['i', 'm', 's', 'u', 'y', 'd', 'v'].filter(() => !below(4));
  const set = new Set([...flags, ...extra]);
  if (/p\{|u\{|😀/iu.test(pattern) && !set.has('v') && below(6)) set.add('u');
  if (set.has('u') && set.has('v')) set.delete('u');
  return `new RegExp(${JSON.stringify(pattern)}, '${[...set].join('')}')`;
}

const numberText = (depth) => some([
  () => `(${number(depth)}).toFixed(${below(8)})`,
  () => `(${number(depth)}).toFixed(${below(60)})`,
  () => `(${number(depth)}).toPrecision(${1 + below(25)})`,
  () => `(${number(depth)}).toExponential(${one(['', below(12)])})`,
  () => `(${number(depth)}).toString(${one(['', 2, 3, 8, 16, 36, 10])})`,
  () => `String(${number(depth)})`,
  () => `\`\${${number(depth)}}\``,
  () => `(${one(['123n', '10n ** 20n', '-5n / 2n', '0xffn', 'BigInt("123456789012345678901234567890")', 'BigInt.asUintN(8, 300n)', 'BigInt.asIntN(8, 200n)', '7n % -3n', '-1n >> 3n', '5n & 3n'])}).toString(${one(['', 16, 2])})`,
  () => `String(${number(depth)} ${one(['==', '===', '<', '>='])} ${one(['"1"', '1n', 'null', 'undefined', '"12"', 'NaN', number(0)])})`,
  () => `String(Number.is${one(['Integer', 'SafeInteger', 'NaN', 'Finite'])}(${number(depth)}))`,
]);

// ---------------------------------------------------------------------------------------------- Arrays and objects

const items = () => some([
  () => `[${many(0, 6, word).join(', ')}]`,
  () => `[${many(0, 6, () => number(0)).join(', ')}]`,
  () => `[${many(0, 5, () => one(['null', 'undefined', '""', 'true', '[1, [2, [3]]]', '{ a: 1 }', '"b"', 'NaN', '-0', '10', '9', '1']))}]`,
  () => '[, "a", , "b"]',
  () => 'Array.from({ length: 4 }, (_, i) => i * i)',
  () => 'Array(3).fill("x")',
  () => '[..."héllo"]',
  () => '[{ n: "b", v: 2 }, { n: "a", v: 1 }, { n: "b", v: 1 }]',
  () => '[5, 1, 4].entries().toArray ? [] : [...[5, 1, 4].entries()]',
]);
const compare = () => one(['', '(a, b) => a - b', '(a, b) => (a < b ? -1 : a > b ? 1 : 0)', '(a, b) => String(b).length - String(a).length', '() => 0', '(a, b) => a.v - b.v']);
const arrayText = (depth) => `JSON.stringify(${some([
  () => `${items()}.${one(['sort', 'toSorted'])}(${compare()})`,
  () => `${items()}.${one(['reverse()', 'toReversed()', 'flat()', 'flat(Infinity)', 'keys().next()', 'join("-")', 'concat([1], 2, [[3]])', 'slice(1, -1)', 'slice(-2)', 'at(-1)', 'length', 'toString()', 'lastIndexOf(1)', 'indexOf(NaN)', 'includes(NaN)', 'copyWithin(0, 1)', 'fill(0, 1, 2)'])} ?? null`,
  () => `${items()}.with(0, "w")`,
  () => `${items()}.${one(['splice', 'toSpliced'])}(${below(4) - 1}, ${below(3)}, "s")`,
  () => `${items()}.${one(['map', 'filter', 'some', 'every', 'find', 'findIndex', 'findLast', 'findLastIndex', 'flatMap'])}((x, i) => ${one(['x', 'i', 'x > 1', '[x, i]', 'typeof x', '!x', 'i % 2', '`${x}!`'])}) ?? null`,
  () => `${items()}.${one(['reduce', 'reduceRight'])}((a, b) => a + b, ${one(['""', '0'])})`,
  () => `Object.${one(['entries', 'keys', 'values'])}(${object(depth)})`,
  () => `Object.fromEntries(Object.entries(${object(depth)}).map(([k, v]) => [k.toUpperCase(), v]))`,
  () => `Object.assign({}, ${object(depth)}, ${object(depth)})`,
  () => `({ ...${object(depth)}, ...${word()}, b: 1 })`,
  () => `[...new Set(${items()})]`,
  () => `[...new Map(${items()}.map((x, i) => [x, i]))]`,
  () => `[...new Map(Object.entries(${object(depth)})).${one(['keys', 'values', 'entries'])}()]`,
  () => `(([a, , b = "B", ...r]) => ({ a, b, r }))(${items()})`,
  () => `((({ a, b: { c = 1 } = {}, ...rest }) => [a, c, rest]))(${object(depth)})`,
  () => `Object.getOwnPropertyNames(${one(['class { static m() {} }', 'function () {}', '() => 1', '[1]', '"ab"', object(depth)])})`,
  () => `structuredClone(${some([() => items(), () => object(depth)])})`,
  () => `Array.from(${one(['new Set([1, 1, 2])', '"a😀"', '{ length: 2, 0: "z" }', 'new Map([[1, 2]])', '[3, 1].values()', 'new Uint8Array([1, 256, -1])', 'new Float32Array([0.1])'])})`,
])})`;

const key = () => one(['a', 'b', '"c d"', '1', '10', '2', '"01"', '"-1"', 'Z', 'é', '"__x"', '["k" + 1]', 'toString2']);
const object = (depth) => `({ ${many(0, 4, () => `${key()}: ${depth > 0 && !below(3) ? some([() => object(depth - 1), items]) : some([word, () => number(0), () => one(['null', 'undefined', '() => 1', 'true', 'Symbol("s")', 'new Date(0)', '/re/g', 'new Map()', 'NaN'])])}`).join(', ')} })`;
const value = (depth) => some([word, () => number(depth), () => items(), () => object(0), () => one(['null', 'undefined', 'true', 'false', '[]', '({})', '[[]]', '/a/gi', '() => 1', 'new Map([[1, 2]])', 'new Set()', 'Symbol("d").description', 'new Error("m")', 'new Date(NaN)', '10n', 'class {}.name', '(function f(a, b) {}).length', 'new (class Foo {})().constructor.name', 'Symbol.iterator.toString()', 'Promise.resolve()', 'new Uint8Array(2)', 'Math', 'JSON', 'Reflect'])]);

const jsonText = (depth) => some([
  () => `JSON.stringify(${some([() => object(depth), items, () => value(depth)])}${one(['', ', null, 2', ', null, "--"', ', ["a", "b"]', ', (k, v) => typeof v === "string" ? v + "!" : v', ', null, 20'])})`,
  () => `JSON.stringify(JSON.parse(${quoted(one(['{"a":[1,2,{"b":null}]}', '"\\ud83d\\ude00"', '[1e3, -0, 1.50, 12345678901234567890]', '{"b":1,"a":2,"1":3,"b":4}', '{"__proto__":1}', '  [ ] ', '"\\u2028"', '1e999', '{"a":01}', '[1,]', "{'a':1}", '', 'nul', '"a\tb"', '"\\x"', '{"a":1}x']))}${one(['', ', (k, v) => typeof v === "number" ? v * 2 : v'])}))`,
]);

// ---------------------------------------------------------------------------------------------------------- Dates

const DATES = ['0', '1709251200000', '"2024-02-29"', '"2024-02-30"', '"2024-02-29T12:30:45Z"', '"2024-02-29T12:30:45.123456Z"', '"2024-02-29T12:30:45+02:00"', '"2024-02-29T12:30"', '"2024"', '"2024-06"', '"+012024-01-01T00:00:00Z"', '"-000001-01-01T00:00:00Z"', '"Jan 5 2024 UTC"', '"Thu, 01 Jan 1970 00:00:00 GMT"', '"January 5, 2024 10:00 PM GMT+0200"', '"5 March 2024 UTC"', '"2024/03/05 UTC"', '"3/5/2024 10:11:12 Z"', '"Mon Jan 15 2024 00:00:00 GMT+0100 (CET)"', '"x"', '""', '"2024-13-01"', '"2024-1-5 Z"', '"12:30"', '"2024-02-29T24:00:00Z"', '"2024-02-29T24:00:01Z"', '"2024-02-29 10:00Z"', '"2024-02-29T10:00z"', '"Tue Mar 01 2022"', '"1 2 3 UTC"', '"99 Jan 1 UTC"', '"Jan 32 2024 UTC"', '"Foo 5 2024 UTC"', '"2024-03-05T10:00:00 EST"', '"5 Mar 24 10:00 PDT"', '"2024-02-29T10"', '"20240229"', '"2024-02-29T10:00:00,5Z"', '" 2024-02-29 "', '"Sept 5 2024 UTC"', '"2024-W05"',
  'NaN', 'Infinity', '8.64e15', '8.64e15+1', '-1', '2024, 0, 31', '2024, 1, 29, 12, 30', '99, 0', '0, 0', '2024, 12', 'Date.UTC(2024, 0, 31)', 'Date.UTC(99)', 'null', 'undefined', 'true', '1.9', '"5"', 'new Date(5)', '2024, 5, 31, 25, 61, 61, 1001'];
const date = () => `new Date(${one(DATES)})`;
const dateText = () => some([
  () => `String(${date()}.${one(['getTime', 'getUTCFullYear', 'getUTCMonth', 'getUTCDate', 'getUTCDay', 'getUTCHours', 'getUTCMinutes', 'getUTCSeconds', 'getUTCMilliseconds', 'valueOf', 'getFullYear', 'getMonth', 'getDate', 'getDay', 'getHours', 'getMinutes', 'getYear', 'getTimezoneOffset', 'toDateString', 'toTimeString', 'toString', 'toUTCString', 'toGMTString', 'toISOString', 'toJSON'])}())`,
  () => `String(Date.parse(${one(DATES.filter((one) => one.startsWith('"')))}))`,
  () => `${date()} + ''`,
  () => `JSON.stringify({ d: ${date()} })`,
  () => `((d) => { d.set${one(['FullYear', 'Month', 'Date', 'Hours', 'Minutes', 'Seconds', 'Milliseconds', 'UTCFullYear', 'UTCMonth', 'UTCDate', 'UTCHours', 'UTCMinutes', 'Time'])}(${one(['0', '1', '31', '13', '-1', '2025', 'NaN', '2024, 1, 29', '1, 2'])}); return d.toJSON() ?? 'null'; })(${date()})`,
  () => `String(${date()} ${one(['-', '<', '==='])} ${date()})`,
  () => `Object.prototype.toString.call(${date()}) + typeof Date.now() + Date.name + Date.length`,
  () => `String(Date.UTC(${one(['2024', '2024, 0, 31', '99, 11', '0', '', 'NaN', '2024, 24'])}))`,
  () => `class D extends Date { y() { return this.getUTCFullYear() } }; new D(0).y() + String(new D(0) instanceof Date)`.replace(/^class D (.*); new (.*)$/, '(() => { class D $1 return new $2 })()'),
]);

// ---------------------------------------------------------------------------------------------------------- Intl

const LOCALES = ['en', 'en-US', 'en-GB', 'de', 'de-DE', 'de-AT', 'de-CH', 'fr', 'fr-FR', 'fr-CA', 'es', 'es-ES', 'es-MX', 'it', 'pt-BR', 'pt-PT', 'nl', 'pl', 'ru', 'uk', 'cs', 'sv', 'nb', 'da', 'fi', 'hu', 'tr', 'el', 'he', 'ar', 'ar-EG', 'fa', 'hi', 'en-IN', 'ja', 'zh', 'zh-TW', 'ko', 'th', 'vi', 'id', 'bn', 'lt', 'ro', 'bg', 'hr', 'sk', 'sl', 'et', 'lv', 'ca', 'xx', 'und', 'en-u-nu-arab', 'de-u-co-phonebk', 'ta', 'mr', 'sw', 'az', 'kk', 'zu', 'cy', 'ga', 'is', 'mk', 'sr', 'sr-Latn', 'ms', 'fil'];
const locale = () => (below(3) ? `'${one(LOCALES)}'` : one(["'en-US'", 'undefined', "['de', 'en']", "'e'", '[]', "'en_US'", "'EN-us'"]));
const numberOptions = () => one(['', '', '', '{}', '{ maximumFractionDigits: 0 }', '{ minimumFractionDigits: 2 }', '{ maximumFractionDigits: 1 }', '{ minimumFractionDigits: 2, maximumFractionDigits: 2 }', '{ useGrouping: false }', "{ style: 'percent' }", "{ style: 'percent', maximumFractionDigits: 1 }", "{ style: 'currency', currency: 'USD' }", "{ style: 'currency', currency: 'EUR' }", "{ style: 'currency', currency: 'JPY' }", "{ style: 'currency', currency: 'EUR', maximumFractionDigits: 0 }", "{ notation: 'compact' }", "{ style: 'unit', unit: 'kilometer' }", '{ minimumIntegerDigits: 3 }', '{ maximumSignificantDigits: 3 }', "{ signDisplay: 'always' }", "{ notation: 'scientific' }", "{ style: 'decimal' }", '{ minimumFractionDigits: 3, maximumFractionDigits: 1 }', "{ style: 'currency' }", "{ useGrouping: 'min2' }", "{ roundingMode: 'floor', maximumFractionDigits: 0 }"]);
const dateOptions = () => {
  const zone = one(["timeZone: 'UTC'", "timeZone: 'UTC'", "timeZone: 'UTC'", "timeZone: 'Europe/Berlin'", '']);
  const what = one(['', '', "dateStyle: 'long'", "dateStyle: 'medium'", "dateStyle: 'short'", "dateStyle: 'full'", "timeStyle: 'short'", "dateStyle: 'medium', timeStyle: 'short'", "year: 'numeric', month: 'long', day: 'numeric'", "year: 'numeric', month: 'short', day: 'numeric'", "weekday: 'long'", "month: 'long'", "weekday: 'long', year: 'numeric', month: 'long', day: 'numeric'", "year: 'numeric', month: '2-digit', day: '2-digit'", "hour: '2-digit', minute: '2-digit'", "year: 'numeric'", "month: 'long', year: 'numeric'", "month: 'short', day: 'numeric'", "weekday: 'short'", "day: 'numeric'"]);
  return `{ ${[what, zone].filter(Boolean).join(', ')} }`;
};
const sorted = () => `[${many(2, 7, word).join(', ')}]`;
const collation = () => one(['', '', '', ", { sensitivity: 'base' }", ", { numeric: true }", ", { sensitivity: 'accent' }", ", { caseFirst: 'upper' }", ", { ignorePunctuation: true }", ", { usage: 'search' }", ", { sensitivity: 'case' }"]);
const list = () => `[${many(0, 5, word).join(', ')}]`;
const intlText = () => some([
  () => `(${number()}).toLocaleString(${[locale(), numberOptions()].filter(Boolean).join(', ')})`,
  () => `(${number()}).toLocaleString(${one(['', locale()])})`,
  () => `new Intl.NumberFormat(${[locale(), numberOptions()].filter(Boolean).join(', ')}).format(${number()})`,
  () => `(${one(['12345678901234567890n', '0n', '-5n'])}).toLocaleString(${locale()})`,
  () => `${date()}.toLocale${one(['', 'Date', 'Time'])}String(${locale()}, ${dateOptions()})`,
  () => `new Intl.DateTimeFormat(${locale()}, ${dateOptions()}).format(${date()})`,
  () => `${date()}.toLocaleDateString()`,
  () => `${sorted()}.sort((a, b) => a.localeCompare(b)).join('|')`,
  () => `${sorted()}.sort((a, b) => a.localeCompare(b, ${locale()}${collation()})).join('|')`,
  () => `${sorted()}.sort(new Intl.Collator(${locale()}${collation()}).compare).join('|')`,
  () => `String(${word()}.localeCompare(${word()}, ${locale()}${collation()}))`,
  () => `String(${word()}.localeCompare(${word()}))`,
  () => `${word()}.toLocale${one(['Upper', 'Lower'])}Case(${one(['', locale(), locale(), "'tr'", "'az'", "'lt'", "'el'"])})`,
  () => `new Intl.PluralRules(${locale()}${one(['', '', ", { type: 'ordinal' }", ', { minimumFractionDigits: 2 }'])}).select(${one([number(0), below(120)])})`,
  () => `new Intl.ListFormat(${locale()}${one(['', '', ", { type: 'disjunction' }", ", { style: 'short', type: 'unit' }", ", { style: 'narrow' }", ", { type: 'conjunction', style: 'short' }"])}).format(${list()})`,
  () => `new Intl.RelativeTimeFormat(${locale()}${one(['', ", { numeric: 'auto' }"])}).format(${below(5) - 2}, ${one(["'day'", "'hours'", "'week'", "'year'"])})`,
  () => `[...new Intl.Segmenter(${locale()}${one(['', ", { granularity: 'word' }", ", { granularity: 'sentence' }", ", { granularity: 'grapheme' }"])}).segment(${text(1)})].map(s => s.segment).join('|')`,
  () => `new Intl.DisplayNames(${locale()}, { type: ${one(["'region'", "'language'", "'currency'"])} }).of(${one(["'DE'", "'en'", "'EUR'"])})`,
  () => `Intl.getCanonicalLocales(${one(["'EN-us'", "'de-de'", "'zh-hant-tw'", "['en', 'en']", "'x'"])}).join()`,
  () => `typeof Intl + Object.prototype.toString.call(Intl)`,
  () => `${items()}.toLocaleString(${one(['', "'de'", "'en-US'"])})`,
]);

// ----------------------------------------------------------------------------------------------- What Node adds

const address = () => quoted(one(['https://x.example/p', 'https://user:pw@x.example:8080/a/../b?q=1#h', 'HTTP://EXAMPLE.com:80/%7Efoo/ü', 'file:///a/b', 'mailto:a@b.c', 'https://münchen.de/ä?ö=ü', '?a=b c&d=ü', '../x', '//host/y', 'x', 'http://[::1]:3000/', 'http://a b/', 'data:text/plain,hi', 'https://x.example', 'https://x.example/a b', '', 'http://1.2.3', 'https://x/\\a']));
const bytes = () => one(['new Uint8Array([104, 105])', 'Buffer.from("ü😀")', 'new Uint8Array([255, 254])', 'new Uint8Array([0xef, 0xbb, 0xbf, 65])', 'new Uint8Array()', 'new Uint8Array([240, 159])']);
const nodeText = () => some([
  () => `new URL(${address()}${one(['', ", 'https://base.example/d/e?f#g'"])}).${one(['href', 'search', 'hash', 'pathname', 'host', 'hostname', 'port', 'origin', 'protocol', 'username', 'password', 'toString()', 'toJSON()', 'searchParams.toString()', 'searchParams.get("q") ?? "none"'])}`,
  () => `((u) => { u.${one(['searchParams.set("k", "v w")', 'searchParams.append("ü", "&")', 'pathname = "/n ü"', 'hash = "z"', 'search = "?s=1"', 'host = "h.example:1"', 'port = "99"', 'protocol = "http"'])}; return u.href; })(new URL(${address()}, 'https://base.example/d/e?f'))`,
  () => `new URLSearchParams(${one([`${word()}`, '{ q: "a b", "ü": "&=" }', '[["a", "1"], ["a", "2"]]', '"?x=1&y=%20&x=+"', '""', '{ a: 1 }', 'new Map([["m", "n"]])'])}).${one(['toString()', 'get("a") ?? "none"', 'getAll("a").join()', 'has("x").toString()', 'size.toString()'])}`,
  () => `JSON.stringify([...new URLSearchParams(${one(['"a=1&b=2&a=3"', '{ z: "1", a: "2" }'])})${one(['', '.entries()', '.keys()', '.values()'])}])`,
  () => `((p) => { p.${one(['sort()', 'delete("a")', 'append("c", 1)', 'set("a", "x")'])}; return String(p); })(new URLSearchParams("b=2&a=1&a=3"))`,
  () => `String(URL.canParse(${address()}))`,
  () => `Buffer.from(${some([() => text(1), bytes])}${one(['', '', ", 'utf8'", ", 'base64'", ", 'hex'", ", 'latin1'", ", 'ascii'", ", 'utf16le'", ", 'base64url'"])}).toString(${one(['', "'hex'", "'base64'", "'base64url'", "'latin1'", "'ascii'", "'utf8'", "'utf16le'", "'binary'", "'ucs2'"])})`,
  () => `Buffer.${one(['concat([Buffer.from("a"), Buffer.from("ü")]).toString()', 'byteLength("ü😀").toString()', 'alloc(3, "ab").toString()', 'from([1, 2, 300]).toString("hex")', 'from("abc").slice(1).toString()', 'from("abc").subarray(0, 2).toString()', 'isBuffer(Buffer.from("")).toString()', 'compare(Buffer.from("a"), Buffer.from("b")).toString()', 'from("abc").equals(Buffer.from("abc")).toString()', 'from("hello").includes("ell").toString()', 'from("hello").indexOf("l").toString()', 'from("hi").toJSON().type', 'from("hello").toString("utf8", 1, 3)', 'from("€").length.toString()', 'from("ab").readUInt16BE(0).toString()', 'from("x").constructor.name', 'from("7468697", "hex").toString()', 'from("abc").join("-")', 'from("abcd").swap16().toString()', 'from("é", "latin1").toString("hex")'])}`,
  () => `${one(['btoa', 'atob'])}(${some([word, () => one(['"aGVsbG8="', '"aGVsbG8"', '"a"', '" aGk= "', '"hi"', 'null', '"ÿ"', '"!"'])])})`,
  () => `new TextDecoder(${one(['', "'utf-8'", "'utf-16le'", "'latin1'", "'utf-8', { fatal: true }", "'utf-8', { ignoreBOM: true }", "'xx'"])}).decode(${bytes()})`,
  () => `JSON.stringify([...new TextEncoder().encode(${word()})])`,
  () => `JSON.stringify(structuredClone(${one(['[new Date(0)]', '{ a: /x/g }', '[undefined, null]', '(() => { const o = { x: 1 }; return [o, o]; })()', '{ n: NaN, b: 1n.toString() }', 'new Error("e").message'])}))`,
  () => `structuredClone(${one(['new Map([["k", "v"]])', 'new Map([["k", new Set([1])]])'])}).get('k').toString()`,
  () => `String(structuredClone(${one(['new Date(7)', '/x/gi', 'new Set([1])', '() => 1', 'Symbol("x")', '10n', 'new (class P { x = 1 })()', 'new Error("m")', 'new TypeError("t")'])}))`,
  () => `typeof ${one(['window', 'fetch', 'process', 'Buffer', 'navigator', 'require', 'setImmediate', 'queueMicrotask', 'performance', 'AbortController', 'Event', 'Headers', 'crypto', 'WebAssembly', 'Blob', 'gc', 'InternalError', 'DOMException', 'Iterator', 'Float16Array', 'structuredClone', 'BroadcastChannel', 'WebSocket', 'CustomEvent', 'FormData', 'Response', 'ReadableStream', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef', 'MessageChannel', 'Navigator', 'localStorage', 'print', 'std', 'os', 'scriptArgs', 'bjson', 'EventSource', 'Intl', 'URLPattern', 'escape', 'Deno', 'Bun', 'File', 'clearImmediate', 'global', 'TextDecoderStream', 'CompressionStream'])}`,
]);

// ------------------------------------------------------------------------------------------------------- Language

const languageText = () => some([
  () => `(() => { out: for (const a of [1, 2, 3]) { for (const b of [1, 2]) { if (a * b === ${below(6)}) break out; if (b > a) continue out; } } return 'x'; })()`,
  () => `((s, ...v) => s.raw.join('|') + s.join('|') + v.join('~'))\`a\\n\${${word()}}\\u{41}\${${number(0)}}z\``,
  () => `(class { static #p = ${word()}; static get q() { return this.#p + ${number(0)}; } }).q`,
  () => `new (class { a = ${word()}; get b() { return this.a + '!'; } toString() { return this.b; } })().toString()`,
  () => `String(${object(1)}?.a?.b ?? 'none')`,
  () => `${object(1)}?.["c d"]?.toString() ?? 'none'`,
  () => `[...(function* () { yield ${word()}; yield* [1, 2]; return 9; })()].join()`,
  () => `(() => { try { ${one(['null.x', 'undefined.foo()', '({}).x.y', 'nope', 'JSON.parse("{")', 'new Array(-1)', '"x".repeat(-1)', '(1).toFixed(101)', 'BigInt(1.5)', 'Symbol() + ""', 'decodeURIComponent("%")', 'null[Symbol.iterator]', '[].reduce((a, b) => a)', 'new Date(NaN).toISOString()', 'x; let x', '(() => { const c = 1; c = 2 })()', '({}).foo()', 'new (class { constructor() { throw new RangeError("mine") } })()', 'throw new TypeError("own")', 'throw { message: "plain" }', 'Object.freeze([]).push(1)', 'structuredClone(() => 1)', 'atob("!")', 'new URL("x")', 'class A extends null {}; new A()', 'super_()', '(void 0)()', 'new 5', 'Reflect.construct(1)', 'new RegExp("(")', '"a".normalize("x")', 'String.fromCodePoint(-1)', '[...1]', 'const [a] = null', 'const {b} = undefined', 'Object.defineProperty(1, "a", {})', 'null instanceof 5', '"a" in "b"', '1n + 1', 'new Proxy(1, 2)', 'Symbol.keyFor(1)', 'JSON.stringify(1n)', '(() => { const o = {}; o.o = o; JSON.stringify(o) })()', 'Buffer.from(5)', 'new Intl.NumberFormat("x")'])} } catch (e) { return ${one(['e.name', 'e.message', 'String(e)', 'e.constructor.name', 'e instanceof Error ? "E" : "N"', 'Object.keys(e).join()', 'typeof e.stack', 'JSON.stringify(e)', 'e.code ?? "no code"', '`${e}`'])} } })()`,
  () => `(() => { const e = new Error(${word()}, { cause: 'c' }); return [e.name, e.message, e.cause, String(e), Object.keys(e), e.toString()].join('|'); })()`,
  () => `String(new ${one(['Error', 'TypeError', 'RangeError', 'EvalError', 'AggregateError'])}(${one(["'m'", '', "['x'], 'm'"])}))`,
  () => `Object.prototype.toString.call(${value(1)})`,
  () => `typeof ${value(1)}`,
  () => `String(${value(1)})`,
  () => `(${value(0)} + ${value(0)})`,
  () => `String(${value(0)} == ${value(0)})`,
  () => `(function () { return [typeof this, arguments.length, [...arguments].join()].join(); })(1, ${word()})`,
  () => `((a, b = a + 1, { c = b } = {}) => [a, b, c].join())(${number(0)})`,
  () => `Reflect.ownKeys(${object(1)}).map(String).join()`,
  () => `String(Object.getOwnPropertyDescriptor(${object(0)}, 'a')?.writable)`,
  () => `JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(${one(['class { static m() {} static x = 1 }', 'function f(a) {}', '[1, 2]'])})).map(([k, d]) => [k, d.writable, d.enumerable, d.configurable]))`,
  () => `(() => { let s = ''; for (const k in ${object(1)}) s += k + ','; return s; })()`,
  () => `(() => { switch (${one(['1', "'a'", 'NaN'])}) { case 1: return 'one'; case 'a': return 'a'; default: return 'd'; case NaN: return 'nan'; } })()`,
  () => `[${word()}, ${word()}].map(s => s.at?.(0) ?? s).join('')`,
  () => `(x => x.${one(['a?.b.c', 'a?.[0]', 'a ?? "d"', 'a || "o"', 'a && "n"'])})(${one(['{}', '{ a: null }', '{ a: { b: { c: 1 } } }', '{ a: "" }', '{ a: 0 }'])}) + ''`,
  () => `new Proxy({}, { get: (t, p) => 'px-' + String(p) }).${one(['q', 'toString2'])}`,
  () => `(() => { const m = new WeakMap(), k = {}; m.set(k, ${word()}); return m.get(k) + m.has({}); })()`,
  () => `(() => { var r = []; for (var i = 0; i < 3; i++) r.push(() => i); return r.map(f => f()).join(); })()`,
  () => `[3, 1, 2].${one(['sort()', 'toSorted((a, b) => b - a)', 'with(1, 9)', 'findLast(x => x > 1)', 'at(-1)'])}.toString()`,
  () => `String(${one(['Object.groupBy', 'Map.groupBy', 'Array.fromAsync', 'Promise.withResolvers', 'Promise.try', 'Set.prototype.union', 'Set.prototype.isSubsetOf', 'RegExp.escape', 'Math.f16round', 'Math.sumPrecise', 'Uint8Array.fromBase64', 'Uint8Array.prototype.toHex', 'ArrayBuffer.prototype.transfer', 'ArrayBuffer.prototype.resize', 'Atomics.waitAsync', 'Error.isError', 'Iterator', 'Symbol.dispose', 'Symbol.asyncDispose', 'String.prototype.isWellFormed', 'Array.prototype.group', 'Array.prototype.toSorted', 'Object.hasOwn', 'Error.captureStackTrace', 'Error.prepareStackTrace', 'Error.stackTraceLimit', 'Intl.DurationFormat', 'Intl.Segmenter', 'Intl.supportedValuesOf', 'JSON.rawJSON', 'JSON.isRawJSON', 'Float16Array', 'DataView.prototype.getFloat16', 'Map.prototype.getOrInsert', 'Date.prototype.toTemporalInstant', 'globalThis.Temporal', 'ShadowRealm', 'AsyncIterator', 'Array.prototype.at', 'Object.prototype.__defineGetter__', 'String.prototype.anchor', 'RegExp.$1', 'RegExp.lastMatch', 'RegExp.input', 'Function.prototype.caller', 'SuppressedError', 'DisposableStack', 'process.getBuiltinModule', 'URL.parse', 'Symbol.observable', 'WebAssembly', 'AbortSignal.any', 'Iterator.concat', 'QuotaExceededError', 'Error.prototype.lineNumber', 'Error.prototype.columnNumber', 'Error.prototype.fileName', 'Callsite', 'CallSite', 'Math.random', 'Date.now'].map((path) => `typeof (globalThis.${path.replace(/\.prototype\./, '?.prototype?.').replace(/^(\w+)\.(?!prototype)/, '$1?.')})`))})`,
]);

const enums = () => {
  const members = many(1, 4, (_, i) => `${'ABCD'[i]}${one(['', '', ' = 5', ' = -1', " = 'x'", ' = 1 << 2', " = 'abc'.length", ' = A', ` = \`t\``])}`);
  members[0] = members[0].replace(/ = A$/, '');
  // A member without a value has to follow a number.
  for (let i = 1; i < members.length; i++) if (!members[i].includes('=') && /'|`/.test(members[i - 1])) members[i] += ' = 9';
  const before = `${one(['', 'const '])}enum T { ${members.join(', ')} }`.replace(/^const (.*)$/, below(3) ? '$1' : '$1');
  const expression = some([
    () => `\`\${T[${one(['0', '1', '5', 'T.A', "'A'", '-1', '6', "'0'", "'00'", '9', '3', '4'])}]}\``,
    () => '`${T.A}`',
    () => 'JSON.stringify(T)',
    () => 'Object.keys(T).join()',
    () => 'Object.values(T).join()',
    () => 'Object.entries(T).map(([k, v]) => k + v).join()',
    () => '`${T[T.A as any] ?? "none"}`',
    () => 'Object.values(T).filter(v => typeof v === "string").join()',
    () => '({ ...T } as any).A + ""',
    () => '`${"A" in T}${(T as any).hasOwnProperty("0")}`',
    () => '({ [T.A]: "pa" } as any)[T.A]',
    () => 'T.A === (0 as any) ? "zero" : "other"',
    () => '(T as any)["A"] + (T as any).constructor.name',
  ]);
  return { before, expression };
};

// Shapes that the static evaluator reads, mixed with what it does not know.
const stated = () => some([
  () => ({ before: `const o: any = ${object(2)};`, expression: `\`\${o.a} \${o?.b?.c} \${o["c d"] ?? 'none'}\`` }),
  () => ({ before: `const l: any[] = ${items()};`, expression: `\`\${l[${one(['0', '1', '9', '-1', "'01'", "'1'", "'length'", '1.5', '"+1"'])}]}\`` }),
  () => ({ before: `const l: any[] = ${items()};`, expression: `l.join(${one(['', '", "', 'undefined', 'null', '1'])}) + l.length` }),
  () => ({ before: `const s: any = ${word()};`, expression: `\`\${s[${one(['0', '1', '99', "'length'"])}]}\${s.length}\`` }),
  () => ({ before: `const t: any = ${value(1)};`, expression: `\`\${t}\`` }),
  () => ({ before: `const t: any = ${value(1)};`, expression: `\`\${t ? 'yes' : 'no'}\${t === null}\${t !== undefined}\${!t}\`` }),
  () => ({ before: `const t: any = ${value(1)};`, expression: `String(t && 'and') + (t || 'or') + (t ?? 'nil')` }),
  () => ({ before: `const { a = 'A', ...rest }: any = ${object(1)};`, expression: '`${a}${JSON.stringify(rest)}`' }),
  () => ({ before: `const [a = 'A', , b = 'B']: any = ${items()};`, expression: '`${a}${b}`' }),
  () => ({ before: `const o: any = { ...${object(1)}, ...${items()}, ...${word()} };`, expression: '`${o.a}${o[0]}${o.length}`' }),
  () => ({ before: '', expression: `\`\${${one(['-', '+', '!', 'void ', 'typeof ', '~'])}(${value(1)})}\`` }),
  () => ({ before: `const o: any = { __proto__: { a: 'inherited' }, b: 1, toString() { return 'own'; } };`, expression: one(['`${o.a}`', '`${o}`', 'Object.keys(o).join()', '`${o.__proto__ === Object.prototype}`', '`${o.hasOwnProperty("a")}`']) }),
  () => ({ before: `const o: any = {};`, expression: `typeof o.${one(['constructor', 'toString', '__proto__', 'hasOwnProperty', 'isPrototypeOf', 'propertyIsEnumerable', '__defineGetter__', 'x', 'valueOf', '__lookupGetter__'])}` }),
  () => ({ before: `const o: any = {};`, expression: `o.${one(['constructor.name', '__proto__ === Object.prototype ? "p" : "n"', 'propertyIsEnumerable ? "t" : "f"', '__lookupGetter__ ? "t" : "f"', '__defineSetter__ ? "t" : "f"'])}` }),
  () => ({ before: `class C { static a = ${word()}; static ${one(['b', 'name', 'length'])}: any = 'st'; }`, expression: `\`\${(C as any).${one(['a', 'b', 'name', 'length', 'nope'])}}\`` }),
  () => ({ before: `let n: any; var v: any; function f() { return ${word()}; }`, expression: one(['`${n}`', '`${v}`', '`${f()}`', '`${typeof f}`', '`${(f as any).x}`', '`${f.name}`']) }),
  enums, enums, enums,
]);

// Small programs: classes with everything that TypeScript adds, loops, exceptions, and what waits.
const field = () => `${one(['', '', 'public ', 'readonly ', 'static ', 'protected '])}${one(['v', 'w', 'u'])}${one([': any', ': any = ' + word(), ' = this?.x ?? ' + word(), ': any = log("f")'])};`;
const member = () => some([
  field, field,
  () => `constructor(${one(['', 'public p: any = log("p")', 'private q = 1, readonly r: any = 2'])}) { SUPER log("c"); this.init?.(); }`,
  () => `init() { log("i"); (this as any).v = ${word()}; }`,
  () => `get g() { return log("g") + (this as any).v; }`,
  () => `static s() { return this.name + ${word()}; }`,
  () => `static { log("block"); }`,
  () => `#h = ${word()}; has(o: any) { return #h in o ? this.#h : 'no'; }`,
  () => `toString() { return 'T' + (this as any).v; }`,
  () => `[${one(['"k"', '`t${1}`', 'Symbol.toPrimitive'])}]() { return log("k"); }`,
  () => `async a() { await null; return log("a"); }`,
  () => `* [Symbol.iterator]() { yield* [1, (this as any).v]; }`,
  () => `accessor z: any = ${word()};`,
  () => 'declare d: any;',
]);
function classes() {
  const body = (has) => many(1, 4, member).filter((line, index, all) => all.findIndex((other) => other.slice(0, 9) === line.slice(0, 9)) === index).join('\n  ').replace('SUPER', has ? 'super();' : '');
  const before = `const logged: string[] = []; const log = (x: string) => { logged.push(x); return x; };
class A {
  x: any = 'x'; init?(): void;
  ${body(false).replace(/^ *init\(\).*$/m, '')}
}
${one(['', 'abstract '])}class B extends A {
  ${body(true)}
}
const b: any = new (${one(['B', 'A', 'class extends B {}'])} as any)();`;
  const show = one(['JSON.stringify(b)', 'Object.keys(b).join()', 'b.v + b.w', '`${b}`', 'b.g ?? "none"', '[...(b[Symbol.iterator] ? b : [])].join()', '(B as any).s?.() ?? "none"', 'b.has?.(b) ?? "none"', 'b.k?.() ?? "none"', 'String(b.z)']);
  return { before, expression: `[${show}, logged.join()].join('|')` };
}
const step = (depth) => some([
  () => `o += ${word()};`,
  () => `n = ${number(0)};`,
  () => `a.push(${value(0)});`,
  () => `o += String(n) + a.length;`,
  () => (depth > 0 ? `for (let i = 0; i < ${below(4)}; i++) { ${steps(depth - 1)} if (i === ${below(3)}) ${one(['break', 'continue'])}; }` : ''),
  () => (depth > 0 ? `for (const k of ${items()}) { o += String(k); ${steps(depth - 1)} }` : ''),
  () => (depth > 0 ? `for (const k in ${object(1)}) { o += k; ${steps(depth - 1)} }` : ''),
  () => (depth > 0 ? `if (${one(['n > 1', 'o.length % 2', 'a.length', '!n', 'o'])}) { ${steps(depth - 1)} } else { ${steps(depth - 1)} }` : ''),
  () => (depth > 0 ? `try { ${steps(depth - 1)} ${one(['throw new RangeError("r");', 'null!.x;', 'throw o;', ''])} } catch (e: any) { o += e?.name ?? typeof e; } finally { ${steps(depth - 1)} }` : ''),
  () => (depth > 0 ? `switch (${one(['n', 'a.length', 'o'])}) { case 1: ${steps(depth - 1)} case 2: ${steps(depth - 1)} break; default: o += 'd'; }` : ''),
  () => `[o, n = o] = [o + 'x', n];`,
  () => `({ q: n = 3 } = ${object(0)} as any);`,
  () => `o = o.slice(0, 99).replace(/${one(['a', '[0-9]', '.$', '(?<x>b)'])}/${one(['', 'g', 'u'])}, ${one(["'_'", "(m) => m + m", "'$&$&'"])});`,
]);
const steps = (depth) => many(1, 3, () => step(depth)).join(' ');
const program = () => ({ before: `function run() { let o: any = ''; let n: any = 0; const a: any[] = []; ${steps(3)} return o + '|' + String(n) + '|' + JSON.stringify(a); }`, expression: 'run()' });
const spaces = () => ({
  before: `namespace N { export const a = ${word()}; export namespace M { export let c = ${number(0)}; } export function f() { return a + M.c; } }
${one(['', 'namespace N { export const later = N.a + "!"; }'])}
enum E { X = 'x', Y = 3, Z } namespace E { export const of = (n: any) => (E as any)[n]; }`,
  expression: one(['N.f()', 'JSON.stringify(N)', '`${(N as any).later}`', '`${E.of(3)}${E.of(4)}${E.of("X")}`', 'Object.keys(E).join()']),
});

const FAMILIES = require('./families.cjs')({ below, one, some, many, quoted, word, number, text, items, object, value, WORDS });
const KINDS = [
  ...FAMILIES,
  classes, classes, program, program, spaces,
  () => ({ before: '', expression: text(3) }),
  () => ({ before: '', expression: text(3) }),
  () => ({ before: '', expression: numberText(2) }),
  () => ({ before: '', expression: arrayText(2) }),
  () => ({ before: '', expression: jsonText(2) }),
  () => ({ before: '', expression: dateText() }),
  () => ({ before: '', expression: intlText() }),
  () => ({ before: '', expression: intlText() }),
  () => ({ before: '', expression: nodeText() }),
  () => ({ before: '', expression: languageText() }),
  stated,
];

// ------------------------------------------------------------------------------------------- Found differences

// Differences that were found once, each in its shortest form.
const FOUND = require('./found.cjs');

// What the built-in objects have: a name that Node 20 lacks must not be there, one that it has must not be missing.
const OBJECTS = ['Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'Date', 'RegExp', 'Map', 'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'Promise', 'Proxy', 'Error', 'AggregateError', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView', 'Uint8Array', 'Float64Array', 'FinalizationRegistry', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'Buffer'];
const PLAIN = ['Math', 'JSON', 'Reflect', 'Atomics', 'Intl', 'globalThis', 'Object.getPrototypeOf(Uint8Array)', 'Object.getPrototypeOf(Uint8Array).prototype', 'Object.getPrototypeOf([].values())', 'Object.getPrototypeOf(function*(){}).prototype', 'Object.getPrototypeOf(Object.getPrototypeOf([].values()))'];
// What one of the two has for its own use: the stand-in for packages, the value, and `require`, which Node gives to other modules.
const OURS = ['__keepstep', 'babelHelpers', 'require', '__value', 'stack'];
const probes = [...OBJECTS.flatMap((name) => [name, `${name}.prototype`]), ...PLAIN]
  .map((name) => ({ before: '', expression: `JSON.stringify(Object.getOwnPropertyNames(${name} ?? {}).filter((name) => !${JSON.stringify(OURS)}.includes(name)).sort())`, probe: name }));

// What each of these members is: whether it can be seen and changed, and what a function calls itself.
const described = (name, member) => `((d: any) => JSON.stringify([d.enumerable, d.writable, d.configurable, typeof d.get, typeof d.set, typeof d.value, typeof d.value === 'function' ? [d.value.name, d.value.length] : 0]))(Object.getOwnPropertyDescriptor(${name}, ${quoted(member)}) ?? {})`;
const PARTS = ['path', 'url', 'util', 'crypto', 'querystring', 'events', 'assert', 'os', 'buffer', 'fs', 'timers/promises', 'string_decoder'];
const ofPart = (part, member) => ({ before: `import part from 'node:${part}';`, table: true,
  expression: `((m: any) => JSON.stringify([typeof m, typeof m === 'function' ? [m.name, m.length] : 0]))((part as any)[${quoted(member)}])` });
const members = (oneIn) => [...PARTS.flatMap((part) => Object.getOwnPropertyNames(require(part)).map((member) => ofPart(part, member))), ...[...OBJECTS.flatMap((name) => [name, `${name}.prototype`]), ...PLAIN].flatMap((name) => Object.getOwnPropertyNames(eval(name) ?? {})
  .filter((member) => !OURS.includes(member)).map((member) => ({ before: '', expression: described(name, member), table: true })))]
  .filter((_, index) => (index + seed) % oneIn === 0);

// ------------------------------------------------------------------------------------------------------------ Run

// An expression may print, and must not: standard output is for the answers.
const print = process.stdout.write.bind(process.stdout);
process.stdout.write = () => true;
process.removeAllListeners('warning');
let stray;
for (const event of ['unhandledRejection', 'uncaughtException']) process.on(event, (error) => { stray = error ?? true; });
// That it is there must not be seen among the names.
Object.defineProperty(globalThis, '__value', { value: undefined, writable: true, enumerable: false, configurable: true });

const AsyncFunction = (async () => {}).constructor;
const LONGEST_WAIT = 1000;

// What is imported from Node is required: a function has no imports.
const required = (code) => code
  .replace(/^import \* as (\w+) from ("[^"]+");$/gm, 'const $1 = require($2);')
  .replace(/^import (\w+) from ("[^"]+");$/gm, 'const $1 = require($2);')
  .replace(/^import \{([^}]*)\} from ("[^"]+");$/gm, (all, names, from) => `const {${names.replace(/ as /g, ': ')}} = require(${from});`)
  .replace(/\bimport\(/g, '__import(');

async function evaluate({ before, expression, compiler }) {
  let code;
  try {
    const settings = compiler === undefined ? {} : { tsconfigRaw: { compilerOptions: compiler } };
    code = esbuild.transformSync(`${before}\nglobalThis.__value = ${expression};`, { loader: 'ts', target: 'node20', format: 'esm', ...settings }).code;
  } catch (error) {
    return { error: `esbuild: ${error.message.split('\n')[0]}`, invalid: true };
  }
  globalThis.__value = undefined;
  stray = undefined;
  const ofErrors = ['stackTraceLimit', 'prepareStackTrace'].map((name) => [name, Object.getOwnPropertyDescriptor(Error, name)]);
  let timer;
  try {
    const ran = new AsyncFunction('require', '__import', `'use strict';${required(code)}`)(require, (name) => import(name));
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('it waits for ever')), LONGEST_WAIT); });
    await Promise.race([ran, late]);
    const value = globalThis.__value;
    if (stray !== undefined) return { error: 'a stray error', invalid: true };
    if (typeof value !== 'string') return { error: `not a text but ${typeof value}`, invalid: true };
    return value.isWellFormed() ? { value } : { error: 'half a character' };
  } catch (error) {
    return { error: String(error && error.message) };
  } finally {
    clearTimeout(timer);
    for (const [name, described] of ofErrors) if (described !== undefined) Object.defineProperty(Error, name, described);
    for (const name of ['X', 'Y', 'Z']) delete process.env[name];
  }
}

async function main() {
  const named = FOUND.map((one) => (typeof one === 'string' ? { before: '', expression: one } : one));
  const tables = oneIn === 0 ? [] : [...require('./languages.cjs')(oneIn, seed), ...members(oneIn)];
  const cases = [...named, ...probes, ...tables, ...Array.from({ length: count }, () => some(KINDS))];
  const answers = [];
  for (const one of cases) {
    fs.writeSync(2, `trying: ${JSON.stringify([one.before, one.expression])}\n`);
    answers.push({ ...one, ...await evaluate(one) });
  }
  // All of it has to be written before the process ends.
  print(JSON.stringify(answers.filter((one) => !one.invalid)), () => process.exit(0));
}

main();
