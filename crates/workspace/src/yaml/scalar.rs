//! What a scalar without quotes is: a value, or the text as it is written.
//!
//! The versions of YAML disagree: `0123` is 83, 123 or a text, `12:30` is 750 or a text, `no` is false or a text. A post code, an
//! order number or a time that became another one on its way cannot be found again. So only what every reader takes for the same value,
//! and what is written again in the same way, is one; everything else is the text that somebody wrote.

use serde_json::{Number, Value};

/// What becomes of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// It is one only if it is written as it would be written again; `1.10`, `+49` and `1e3` are texts. For data.
    AsWritten,
    /// It is one if nothing of its value is lost; `1.10`, `.5` and `1e3` are numbers. For configurations.
    ByValue,
}

/// Returns what a scalar without quotes is.
pub(crate) fn resolve(text: &str, numbers: Numbers) -> Value {
    match text {
        _ if is_null(text) => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text, numbers).map_or_else(|| Value::from(text), Value::Number),
    }
}

/// Returns true for the ways to write nothing.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn number(text: &str, numbers: Numbers) -> Option<Number> {
    // Most texts are words, and are not looked at any further.
    text.bytes().next().filter(|first| first.is_ascii_digit() || matches!(first, b'-' | b'+' | b'.'))?;
    match numbers {
        Numbers::AsWritten => {
            let number = integer(text).or_else(|| float(text))?;
            (number.to_string() == text).then_some(number)
        }
        Numbers::ByValue => {
            let unsigned = text.strip_prefix('+').filter(|rest| !rest.starts_with('-')).unwrap_or(text);
            integer(unsigned).or_else(|| in_another_base(unsigned)).or_else(|| float(unsigned))
        }
    }
}

/// Returns a decimal number without leading zeros, if it can be kept exactly.
fn integer(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !is_digits(digits) || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from)).ok()
}

/// Returns a number as YAML 1.2 writes octal and hexadecimal ones.
fn in_another_base(text: &str) -> Option<Number> {
    let (digits, radix) =
        [("0x", 16), ("0o", 8)].into_iter().find_map(|(start, radix)| Some((text.strip_prefix(start)?, radix)))?;
    if digits.starts_with('+') {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Number::from)
}

/// Returns a number with a point or an exponent. One without an integer part, or with leading zeros, is none that everybody reads alike.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(whole, fraction)| (whole, Some(fraction)));
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    let is_whole = whole.is_empty() || (is_digits(whole) && !has_leading_zero);
    let is_fraction = fraction.is_none_or(|fraction| fraction.bytes().all(|byte| byte.is_ascii_digit()));
    let has_digits = !(whole.is_empty() && fraction.is_none_or(str::is_empty));
    let is_float = (fraction.is_some() || exponent.is_some()) && exponent.is_none_or(is_digits);
    if !(is_whole && is_fraction && has_digits && is_float) {
        return None;
    }
    // What is too large for a number would be infinite.
    Number::from_f64(text.parse().ok()?)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_everybody_reads_alike_is_a_value() {
        for (text, value) in [
            ("0", json!(0)),
            ("7", json!(7)),
            ("-12", json!(-12)),
            ("18446744073709551615", json!(u64::MAX)),
            ("1.5", json!(1.5)),
            ("-0.25", json!(-0.25)),
            ("true", json!(true)),
            ("FALSE", json!(false)),
            ("~", json!(null)),
            ("", json!(null)),
        ] {
            assert_eq!(resolve(text, Numbers::AsWritten), value, "{text}");
        }
        for text in [
            "08989",
            "0123",
            "007",
            "00",
            "-0",
            "+5",
            "+491234567",
            "0o17",
            "0x1F",
            "0b1",
            "1_000",
            "1e3",
            "1.0e+3",
            "1.10",
            "1.",
            ".5",
            "12:30",
            "12:30:00",
            "2026-01-02",
            "2026-01-02T10:00:00Z",
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "N/A",
            "1e400",
            "-1e400",
            "18446744073709551616",
            "12345678901234567890123",
            "0.1234567890123456789",
            "1.0000000000000000001",
            ".inf",
            "-.INF",
            ".nan",
            "NaN",
            "1,5",
            "192.168.0.1",
            "1.2.3",
            "-",
            "+",
            ".",
            "e",
            "1e",
            "=",
            "<<",
            "10000000000000000.0",
        ] {
            assert_eq!(resolve(text, Numbers::AsWritten), json!(text), "{text}");
        }
    }

    #[test]
    fn a_configuration_has_numbers_in_every_usual_form() {
        for (text, value) in [
            ("1.10", json!(1.1)),
            ("0.70", json!(0.7)),
            (".5", json!(0.5)),
            ("1.", json!(1.0)),
            ("+5", json!(5)),
            ("1e3", json!(1000.0)),
            ("1.5E-3", json!(0.0015)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
        ] {
            assert_eq!(resolve(text, Numbers::ByValue), value, "{text}");
        }
        for text in ["08989", "007", "08.5", "1_000", "12:30", "1e400", "yes", "0x", "0x+1", "+-1", "18446744073709551616"] {
            assert_eq!(resolve(text, Numbers::ByValue), json!(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_data_is_written_again_as_it_was(text in "[-+]?[0-9_.:eExobn]{1,24}|[a-zA-Z~]{0,6}") {
            let again = match resolve(&text, Numbers::AsWritten) {
                Value::String(same) => same,
                Value::Number(number) => number.to_string(),
                // These say the same to every reader.
                Value::Bool(is_true) => { prop_assert!(text.eq_ignore_ascii_case(&is_true.to_string())); return Ok(()); }
                _ => { prop_assert!(is_null(&text)); return Ok(()); }
            };
            prop_assert_eq!(again, text);
        }
    }
}
