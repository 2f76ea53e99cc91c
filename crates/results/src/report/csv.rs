//! A run as CSV (RFC 4180), for spreadsheets: no cell of it is a formula, whatever an agent answered.

use std::borrow::Cow;

use keepstep_base::spreadsheet::row;

use crate::case::Finished;
use crate::usage::Usage;
use crate::verdict::Verdict;

/// The longest text of a cell, in characters: spreadsheets cut longer ones, or do not open the file.
const LONGEST: usize = 32_000;

/// The names of the columns.
const COLUMNS: [&str; 14] = [
    "case",
    "item",
    "persona",
    "iteration",
    "status",
    "input",
    "answer",
    "error",
    "duration_ms",
    "tokens",
    "cost_usd",
    "criteria_passed",
    "criteria_failed",
    "criteria_not_judged",
];

/// Returns the first line.
pub fn head() -> String {
    row(COLUMNS)
}

/// Returns the line of a case.
pub fn case(case: &Finished) -> String {
    let usage = case.token_usage.as_ref().map(Usage::of).unwrap_or_default();
    let number = |number: Option<f64>| Cow::Owned(number.map(|number| number.to_string()).unwrap_or_default());
    let of = |verdicts: &[Verdict]| {
        let judged = case.criteria.iter().filter(|judged| verdicts.contains(&judged.verdict));
        let names = judged.map(|judged| judged.name.as_str()).collect::<Vec<_>>().join("; ");
        Cow::Owned(short(&names).into_owned())
    };
    row([
        short(&case.case),
        short(case.item_id.as_deref().unwrap_or_default()),
        short(case.persona.as_deref().unwrap_or_default()),
        Cow::Owned(case.iteration.saturating_add(1).to_string()),
        Cow::Borrowed(case.status.word()),
        short(&case.input),
        short(case.output.as_deref().unwrap_or_default()),
        short(case.problem.as_ref().map_or("", |problem| &problem.message)),
        number(Some(case.duration_ms)),
        number(usage.total),
        number(usage.cost),
        of(&[Verdict::Passed]),
        of(&[Verdict::Failed]),
        of(&[Verdict::Error, Verdict::NotJudged]),
    ])
}

/// Returns as much of a text as a cell takes, with a mark where something is missing.
fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// What spreadsheets take for the beginning of a formula.
    const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

    fn finished(input: &str, output: &str) -> Finished {
        serde_json::from_value(json!({
            "case": "item-1#2", "index": 0, "run_id": "r", "iteration": 1, "status": "failed", "attempts": 1, "persona": "@hurried",
            "item_id": "1", "input": input, "output": output, "duration_ms": 12.5, "metadata": {},
            "token_usage": {"total_tokens": 7}, "problem": {"message": "-1"},
            "criteria": [{"pack": "p", "name": "polite", "kind": "contains", "verdict": "failed", "expected": "e", "found": "f",
                "required": true, "weight": 1.0}],
        }))
        .unwrap()
    }

    #[test]
    fn a_case_is_a_line_and_no_cell_is_a_formula() {
        let text = head() + &case(&finished("=1+1", "He said \"no\",\nthen left"));
        insta::assert_snapshot!(text.replace('\r', ""), @r#"
        case,item,persona,iteration,status,input,answer,error,duration_ms,tokens,cost_usd,criteria_passed,criteria_failed,criteria_not_judged
        item-1#2,1,'@hurried,2,failed,'=1+1,"He said ""no"",
        then left",'-1,12.5,7,,,polite,
        "#);
        assert_eq!(short(&"ä".repeat(LONGEST)), "ä".repeat(LONGEST));
        assert_eq!(short(&"ä".repeat(LONGEST + 1)), format!("{}…", "ä".repeat(LONGEST)));
        assert!(case(&Finished { iteration: u32::MAX, ..finished("\0=1", "") }).contains(",4294967295,failed,'\0=1,"));
    }

    proptest! {
        #[test]
        fn every_line_has_all_cells_and_none_begins_a_formula(input in ".{0,12}", output in "[=+@ \t\r\n\",a-]{0,12}") {
            let line = case(&finished(&input, &output));
            let mut cells = vec![String::new()];
            let (mut is_quoted, mut characters) = (false, line.strip_suffix("\r\n").unwrap().chars().peekable());
            while let Some(character) = characters.next() {
                match character {
                    '"' if is_quoted && characters.peek() == Some(&'"') => cells.last_mut().unwrap().extend(characters.next()),
                    '"' => is_quoted = !is_quoted,
                    ',' if !is_quoted => cells.push(String::new()),
                    other => cells.last_mut().unwrap().push(other),
                }
            }
            prop_assert_eq!(cells.len(), COLUMNS.len());
            prop_assert!(cells.iter().all(|cell| !cell.trim_start_matches(|first: char| first.is_whitespace() || first.is_control()).starts_with(FORMULA)), "{:?}", cells);
            prop_assert!(cells[6] == output || cells[6].strip_prefix('\'') == Some(&*output));
        }
    }
}
