//! What the built-in objects of Node do natively: addresses, bytes and languages. `builtins.js` stands on these functions.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::str::FromStr;

use icu_collator::options::{CaseLevel, CollatorOptions, Strength};
use icu_collator::preferences::{CollationCaseFirst, CollationNumericOrdering};
use icu_collator::{Collator, CollatorBorrowed, CollatorPreferences};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::{DecimalFormatterOptions, GroupingStrategy};
use icu_list::ListFormatter;
use icu_list::options::{ListFormatterOptions, ListLength};
use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralOperands, PluralRules};
use icu_segmenter::GraphemeClusterSegmenter;
use rquickjs::function::Opt;
use rquickjs::{Ctx, Exception, Function, Object, Result};
use url::{Url, quirks};

/// The languages whose formats are those of Node. Each is compared with Node in `xtask/src/peers/javascript/values.cjs`.
const LANGUAGES: &[&str] = &[
    "en", "en-US", "en-GB", "en-IN", "en-AU", "en-CA", "de", "de-DE", "de-AT", "de-CH", "fr", "fr-FR", "fr-CA", "es", "es-ES",
    "es-MX", "it", "it-IT", "pt-BR", "pt-PT", "nl", "nl-NL", "pl", "pl-PL", "ru", "ru-RU", "uk", "cs", "sv", "sv-SE", "nb", "da",
    "fi", "hu", "tr", "tr-TR", "el", "he", "ja", "ja-JP", "zh", "zh-CN", "zh-TW", "ko", "ko-KR", "th", "vi", "id", "hi", "lt",
    "ro", "bg", "hr", "sk", "sl", "et", "lv", "ca",
];

/// Adds the functions to the object that the scripts call `host`.
pub(super) fn equip<'js>(ctx: &Ctx<'js>, host: &Object<'js>) -> Result<()> {
    host.set("parseUrl", Function::new(ctx.clone(), parse_url)?)?;
    host.set("changeUrl", Function::new(ctx.clone(), change_url)?)?;
    host.set("decode", Function::new(ctx.clone(), decode)?)?;
    host.set("isText", Function::new(ctx.clone(), is_text)?)?;
    host.set("languages", LANGUAGES.to_vec())?;
    host.set("decimal", Function::new(ctx.clone(), decimal)?)?;
    host.set("plural", Function::new(ctx.clone(), plural)?)?;
    host.set("formatList", Function::new(ctx.clone(), list)?)?;
    host.set("graphemes", Function::new(ctx.clone(), graphemes)?)?;
    let collators = Collators::default();
    let compare = move |language: String, settings: String, left: String, right: String| {
        collators.compare(&language, &settings, &left, &right)
    };
    host.set("compare", Function::new(ctx.clone(), compare)?)
}

/// Returns the parts of an address, in the order of `PARTS` in `builtins.js`, or `None` if it is not one.
fn parse_url(text: String, base: Opt<Option<String>>) -> Option<Vec<String>> {
    let url = match base.0.flatten() {
        Some(base) => Url::parse(&base).ok()?.join(&text).ok()?,
        None => Url::parse(&text).ok()?,
    };
    Some(parts(&url))
}

fn parts(url: &Url) -> Vec<String> {
    let origin = quirks::origin(url);
    let parts = [
        quirks::href(url),
        &origin,
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ];
    parts.map(str::to_owned).into()
}

/// Returns the parts of an address with one of them set to something else, or `None` if the address stays as it is.
fn change_url(address: String, part: String, value: String) -> Option<Vec<String>> {
    let mut url = Url::parse(&address).ok()?;
    let changed = match part.as_str() {
        "protocol" => quirks::set_protocol(&mut url, &value),
        "username" => quirks::set_username(&mut url, &value),
        "password" => quirks::set_password(&mut url, &value),
        "host" => quirks::set_host(&mut url, &value),
        "hostname" => quirks::set_hostname(&mut url, &value),
        "port" => quirks::set_port(&mut url, &value),
        "pathname" => {
            quirks::set_pathname(&mut url, &value);
            Ok(())
        }
        "search" => {
            quirks::set_search(&mut url, &value);
            Ok(())
        }
        "hash" => {
            quirks::set_hash(&mut url, &value);
            Ok(())
        }
        _ => Err(()),
    };
    changed.ok().map(|()| parts(&url))
}

fn bytes_of(ctx: &Ctx<'_>, letters: &str) -> Result<Vec<u8>> {
    let bytes: Option<Vec<u8>> = letters.chars().map(|letter| u8::try_from(letter).ok()).collect();
    bytes.ok_or_else(|| Exception::throw_type(ctx, "these are not bytes"))
}

/// Returns the text of bytes, of which each is handed over as a letter; what is not UTF-8 becomes U+FFFD.
fn decode(ctx: Ctx<'_>, letters: String) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes_of(&ctx, &letters)?).into_owned())
}

fn is_text(ctx: Ctx<'_>, letters: String) -> Result<bool> {
    Ok(std::str::from_utf8(&bytes_of(&ctx, &letters)?).is_ok())
}

/// Returns a number, given in plain digits, as a language writes it.
fn decimal(language: String, digits: String, has_groups: bool) -> Option<String> {
    let locale = Locale::from_str(&language).ok()?;
    let mut options = DecimalFormatterOptions::default();
    options.grouping_strategy = Some(if has_groups { GroupingStrategy::Auto } else { GroupingStrategy::Never });
    let formatter = DecimalFormatter::try_new((&locale).into(), options).ok()?;
    Some(formatter.format(&Decimal::from_str(&digits).ok()?).to_string())
}

/// Returns the plural category of a number, given in plain digits.
fn plural(language: String, is_ordinal: bool, digits: String) -> Option<&'static str> {
    let locale = Locale::from_str(&language).ok()?;
    let rules = match is_ordinal {
        true => PluralRules::try_new_ordinal((&locale).into()),
        false => PluralRules::try_new_cardinal((&locale).into()),
    };
    let operands = PluralOperands::from(&Decimal::from_str(&digits).ok()?);
    Some(match rules.ok()?.category_for(operands) {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    })
}

/// Returns texts as a list in a sentence; the settings are the type and the style.
fn list(language: String, settings: String, items: Vec<String>) -> Option<String> {
    let locale = Locale::from_str(&language).ok()?;
    let (kind, style) = settings.split_once(' ')?;
    let length = match style {
        "long" => ListLength::Wide,
        "short" => ListLength::Short,
        _ => ListLength::Narrow,
    };
    let options = ListFormatterOptions::default().with_length(length);
    let formatter = match kind {
        "conjunction" => ListFormatter::try_new_and((&locale).into(), options),
        "disjunction" => ListFormatter::try_new_or((&locale).into(), options),
        _ => ListFormatter::try_new_unit((&locale).into(), options),
    };
    Some(formatter.ok()?.format_to_string(items.iter()))
}

/// Splits a text into what a reader takes for its characters.
fn graphemes(text: String) -> Vec<String> {
    let boundaries: Vec<usize> = GraphemeClusterSegmenter::new().segment_str(&text).collect();
    boundaries.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

/// Orders of languages, by language and settings; making one takes longer than a comparison.
#[derive(Default)]
struct Collators(RefCell<HashMap<(String, String), Collation>>);

/// An order, or `None` where there is none for a language.
type Collation = Option<CollatorBorrowed<'static>>;

impl Collators {
    /// Returns a negative number, 0 or a positive number; the settings are sensitivity, whether numbers count, and which case is first.
    fn compare(&self, language: &str, settings: &str, left: &str, right: &str) -> Option<i32> {
        let mut collators = self.0.borrow_mut();
        let key = (language.to_owned(), settings.to_owned());
        let collator = collators.entry(key).or_insert_with(|| collator(language, settings)).as_ref()?;
        Some(match collator.compare(left, right) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        })
    }
}

fn collator(language: &str, settings: &str) -> Collation {
    let locale = Locale::from_str(language).ok()?;
    let mut preferences = CollatorPreferences::from(&locale);
    let mut options = CollatorOptions::default();
    let mut settings = settings.split(' ');
    let sensitivity = settings.next()?;
    options.strength = Some(match sensitivity {
        "base" | "case" => Strength::Primary,
        "accent" => Strength::Secondary,
        _ => Strength::Tertiary,
    });
    options.case_level = (sensitivity == "case").then_some(CaseLevel::On);
    preferences.numeric_ordering = (settings.next()? == "true").then_some(CollationNumericOrdering::True);
    preferences.case_first = match settings.next()? {
        "upper" => Some(CollationCaseFirst::Upper),
        "lower" => Some(CollationCaseFirst::Lower),
        _ => None,
    };
    Collator::try_new(preferences, options).ok()
}
