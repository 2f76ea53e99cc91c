//! Line ends are no difference between two personas, so a text that is taken into the code comes with those of the code.

use serde_json::Value as Json;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Returns a value whose texts have the line ends of the value that is there, member by member.
pub fn like(current: Option<&Json>, wanted: &Json) -> Json {
    match wanted {
        Json::String(text) => Json::String(text_like(current.and_then(Json::as_str).unwrap_or_default(), text)),
        Json::Object(members) => {
            members.iter().map(|(key, value)| (key.clone(), like(current.and_then(|current| current.get(key)), value))).collect()
        }
        other => other.clone(),
    }
}

/// Returns a text in which each line that is there already ends as it does there, and every other as the most of them do.
fn text_like(current: &str, wanted: &str) -> String {
    if !current.contains('\r') {
        return if wanted.contains('\r') {
            lines(wanted).iter().map(|(line, end)| with_end(line, end, "\n")).collect()
        } else {
            wanted.to_owned()
        };
    }
    let (ours, theirs) = (lines(current), lines(wanted));
    let count = |end: &str| ours.iter().filter(|line| line.1 == end).count();
    let usual = ["\n", "\r\n"].into_iter().max_by_key(|end| count(end)).unwrap_or("\n");
    let texts = |lines: &[(&str, &str)]| {
        lines.iter().map(|(text, end)| format!("{text}{}", &"\n"[..usize::from(!end.is_empty())])).collect::<Vec<_>>()
    };
    let (old, new) = (texts(&ours), texts(&theirs));
    let mut out = String::with_capacity(wanted.len());
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let range = operation.new_range();
        let old_start = operation.old_range().start;
        for (offset, (line, end)) in theirs[range].iter().enumerate() {
            let kept = match operation {
                // Before a line feed, a carriage return alone would be one line end with it.
                DiffOp::Equal { .. } if ours[old_start + offset].1 != "\r" => ours[old_start + offset].1,
                _ => usual,
            };
            out.push_str(&with_end(line, end, kept));
        }
    }
    out
}

fn with_end(line: &str, end: &str, new: &str) -> String {
    if end.is_empty() { line.to_owned() } else { format!("{line}{new}") }
}

/// Returns the lines of a text, each with its end; that of the last may be empty.
fn lines(text: &str) -> Vec<(&str, &str)> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['\n', '\r']) {
        let length = if rest[at..].starts_with("\r\n") { 2 } else { 1 };
        lines.push((&rest[..at], &rest[at..at + length]));
        rest = &rest[at + length..];
    }
    lines.push((rest, ""));
    lines
}

#[cfg(test)]
mod tests {
    use keepstep_agent::canonical::canonical_line_ends;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_line_ends_of_the_code_stay() {
        for (current, wanted, expected) in [
            ("a\nb", "a\r\nB\r\n", "a\nB\n"),
            ("", "a\r\nb\rc", "a\nb\nc"),
            ("a\r\nb\r\nc", "a\nB\nc\nd", "a\r\nB\r\nc\r\nd"),
            ("a\r\nb\nc\r\n", "a\nb\nx\nc\n", "a\r\nb\nx\r\nc\r\n"),
            ("a\rb", "a\nb\n", "a\r\nb\r\n"),
        ] {
            assert_eq!(text_like(current, wanted), expected, "{current:?} {wanted:?}");
        }
    }

    proptest! {
        #[test]
        fn only_line_ends_are_other_ones(current in "[ab\r\n]{0,12}", kept in "(a|b|\n|\r\n){0,12}", wanted in "[abc\r\n]{0,12}") {
            let text = text_like(&current, &wanted);
            prop_assert_eq!(canonical_line_ends(&text), canonical_line_ends(&wanted));
            prop_assert_eq!(text_like(&kept, &canonical_line_ends(&kept)), kept);
        }
    }
}
