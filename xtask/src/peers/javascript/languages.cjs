// What `Intl` makes of everything in each language: a table of expressions, for those languages that keepstep knows and some that it does not.
'use strict';

const LANGUAGES = ['en', 'en-US', 'en-GB', 'en-IN', 'en-AU', 'en-CA', 'de', 'de-DE', 'de-AT', 'de-CH', 'fr', 'fr-FR', 'fr-CA', 'es', 'es-ES', 'es-MX', 'it',
  'it-IT', 'pt-BR', 'pt-PT', 'nl', 'nl-NL', 'pl', 'pl-PL', 'ru', 'ru-RU', 'uk', 'cs', 'sv', 'sv-SE', 'nb', 'da', 'fi', 'hu', 'tr', 'tr-TR', 'el', 'he', 'ja', 'ja-JP',
  'zh', 'zh-CN', 'zh-TW', 'ko', 'ko-KR', 'th', 'vi', 'id', 'hi', 'lt', 'ro', 'bg', 'hr', 'sk', 'sl', 'et', 'lv', 'ca',
  'ar', 'fa', 'bn', 'ta', 'fr-CH', 'de-LI', 'es-419', 'zh-Hant-HK', 'pt', 'no', 'sr', 'en-ZA', 'nl-BE', 'xx'];

const NUMBERS = '[0, 1, -1, 12, 123, 1234, 9999.5, 12345.678, 1234567.891, -1234.5, 0.5, 0.005, 1.005, 1e15, 123456789012]';
const NUMBER_OPTIONS = ['undefined', '{ minimumFractionDigits: 2 }', '{ maximumFractionDigits: 0 }', '{ minimumFractionDigits: 2, maximumFractionDigits: 2 }',
  '{ useGrouping: false }', "{ style: 'percent' }", "{ style: 'percent', maximumFractionDigits: 1 }", "{ style: 'currency', currency: 'USD' }",
  "{ style: 'currency', currency: 'EUR' }", "{ style: 'currency', currency: 'GBP', minimumFractionDigits: 0 }", "{ style: 'currency', currency: 'JPY' }",
  "{ style: 'currency', currency: 'INR' }", "{ notation: 'compact' }", "{ style: 'unit', unit: 'kilometer' }", '{ maximumSignificantDigits: 3 }'];
const TEXTS = "['a', 'Isabel', 'hielo', 'ocho', 'ב', '中', '8']";
const WORDS = "['Zip', 'zip', 'apple', 'Äpfel', 'Apfel', 'ähnlich', 'straße', 'strasse', 'Öl', 'Ol', 'résumé', 'resume', 'Résumé', 'çam', 'cam', 'ñu', 'nu', 'chata', 'cukr', 'hora', 'llama', 'luz', 'ł', 'lz', 'Å', 'aa', 'ø', 'æ', 'ij', 'y', 'ý', 'w', 'v', 'đ', 'd', 'dž', 'ž', 'š', 's', 'ő', 'ö', 'ı', 'i', 'İ', 'ж', 'е', 'ё', 'ґ', 'г', 'ά', 'α', 'ω', 'א', 'ת', 'あ', 'ア', '漢', '字', '一', '가', '나', 'ก', 'เก', 'अ', 'क', 'item 2', 'item 10', 'item-1', '', ' ', '_', 'co-op', 'coop', 'co op', '2', '10', '😀']";
const COLLATION = ['', ", { sensitivity: 'base' }", ", { sensitivity: 'accent' }", ", { sensitivity: 'case' }", ', { numeric: true }', ", { caseFirst: 'upper' }",
  ", { caseFirst: 'lower' }", ", { numeric: true, sensitivity: 'base' }", ', { ignorePunctuation: true }'];
const MOMENT = "new Date('2024-02-29T13:05:09Z')";

const ofLanguage = (name) => {
  const locale = `'${name}'`;
  return [
    ...NUMBER_OPTIONS.map((options) => `${NUMBERS}.map((n) => n.toLocaleString(${locale}, ${options} as any)).join('|')`),
    `[NaN].map((n) => n.toLocaleString(${locale})).join()`,
    `[Infinity, -Infinity].map((n) => new Intl.NumberFormat(${locale}).format(n)).join()`,
    `(12345678901234567890n).toLocaleString(${locale}) + (-5n).toLocaleString(${locale})`,
    ...['', ", { type: 'ordinal' }", ', { minimumFractionDigits: 2 }', ', { maximumFractionDigits: 0 }'].flatMap((options) => [
      `((r) => Array.from({ length: 131 }, (_, i) => r.select(i)).join())(new Intl.PluralRules(${locale}${options} as any))`.replace(`${options} as any`, options === '' ? '' : `${options} as any`),
      `((r) => [0.1, 0.5, 1.5, 1.31, 2.25, 10.1, 100.01, 1000, 1e6, 1234567, 2e6, -1, -2.5].map((n) => r.select(n)).join())(new Intl.PluralRules(${locale}${options === '' ? '' : `${options} as any`}))`,
    ]),
    ...['conjunction', 'disjunction', 'unit'].flatMap((type) => ['long', 'short', 'narrow'].map((style) =>
      `((f) => ${TEXTS}.map((_, i, all) => f.format(all.slice(0, i))).concat(f.format(['b', 'Ida']), f.format(['x', 'ho']), f.format(['a', 'ב']), f.format(['p', 'q', 'hi'])).join('|'))(new Intl.ListFormat(${locale}, { type: '${type}', style: '${style}' }))`)),
    ...COLLATION.map((options) => `${WORDS}.sort(new Intl.Collator(${locale}${options && `${options} as any`}).compare).join('|')`),
    ...COLLATION.slice(0, 4).map((options) => `((l) => l.map((a, i) => l.slice(i + 1, i + 9).map((b) => a.localeCompare(b, ${locale}${options && `${options} as any`})).join('')).join())(${WORDS})`),
    `['istanbul', 'İıI', 'straße', 'ΑΣ', 'ǆ', 'i̇', 'Ìj', 'ά'].map((s) => s.toLocaleUpperCase(${locale})).join()`,
    `['istanbul', 'plain', 'über'].map((s) => s.toLocaleUpperCase(${locale}) + s.toLocaleLowerCase(${locale})).join()`,
    `['İSTANBUL', 'I', 'ΑΣ', 'ÌJ', 'Ž'].map((s) => s.toLocaleLowerCase(${locale})).join()`,
    ...['grapheme', 'word', 'sentence'].map((granularity) =>
      `[...new Intl.Segmenter(${locale}, { granularity: '${granularity}' }).segment('Hi there. नमस्ते 👩‍👩‍👧 e\\u0301 你好吗？ สวัสดี 1,5! Äpfel')].map((s) => s.segment).join('|')`),
    `[-2, -1, 0, 1, 5].map((n) => new Intl.RelativeTimeFormat(${locale}).format(n, 'day')).join()`,
    `[-1, 0, 1].map((n) => new Intl.RelativeTimeFormat(${locale}, { numeric: 'auto' }).format(n, 'week')).join()`,
    ...["'region' }).of('DE')", "'language' }).of('fr-CA')", "'currency' }).of('EUR')", "'script' }).of('Latn')"].map((rest) => `String(new Intl.DisplayNames(${locale}, { type: ${rest})`),
    ...["{ timeZone: 'UTC' }", "{ dateStyle: 'long', timeZone: 'UTC' }", "{ dateStyle: 'full', timeStyle: 'short', timeZone: 'Europe/Berlin' }", "{ weekday: 'long', month: 'long', day: 'numeric', timeZone: 'UTC' }"].flatMap((options) => [
      `${MOMENT}.toLocaleString(${locale}, ${options} as any)`, `new Intl.DateTimeFormat(${locale}, ${options} as any).format(${MOMENT})`]),
    `${MOMENT}.toLocaleDateString(${locale}) + ${MOMENT}.toLocaleTimeString(${locale})`,
    `[1234.5, ${MOMENT}, 'x', null, [1.5]].toLocaleString(${locale})`,
    `[1234.5, 'x', null, [1.5], 99999n].toLocaleString(${locale})`,
    `Intl.getCanonicalLocales(${locale}).join() + Intl.NumberFormat.supportedLocalesOf(${locale}).join()`,
    `new Intl.NumberFormat(${locale}).resolvedOptions().locale`,
    `new Intl.NumberFormat(${locale}).formatToParts(1234.5).map((part) => part.type).join()`,
  ];
};

// All of them, or one in so many, from another one on with each seed.
module.exports = (oneIn, seed) => LANGUAGES.flatMap(ofLanguage).filter((_, index) => (index + seed) % oneIn === 0).map((expression) => ({ before: '', expression, table: true }));
