//! The figures of a run in a small file that is committed: a line for each input, without a word of what was said.
//!
//! The same run always gives the same text, and a change of one input is a change of one line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::compare::figures::{Figures, InputFigures, InputKey, Once};
use crate::head::Head;
use crate::provenance::Provenance;
use crate::statistics::quantile;
use crate::status::Status;
use crate::totals::Totals;

/// The form of the file that this version writes.
const SCHEMA: &str = "keepstep.baseline/1";

/// How many durations are kept: that many say as much about the 95th percentile as all of them.
const DURATIONS: usize = 500;

/// The figures of a run that later ones are compared with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Baseline {
    /// The experiment that they are of.
    pub experiment: String,
    /// When it began.
    pub date: Option<String>,
    /// What was tested.
    pub provenance: Provenance,
    /// The figures.
    pub figures: Figures,
}

/// Why a text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It has another form.
    #[error("it is not a baseline: {0}")]
    Malformed(String),
    /// A newer keepstep wrote it.
    #[error("it has the form {0}, and this keepstep knows {SCHEMA}")]
    Newer(String),
}

/// What says which form the rest has.
#[derive(Debug, Deserialize)]
struct Form {
    #[serde(default)]
    schema: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    schema: String,
    experiment: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    #[serde(default)]
    provenance: Provenance,
    passed: u64,
    of: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p50_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p95_ms: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(default)]
    durations_ms: Vec<f64>,
    #[serde(default)]
    cases: Vec<Case>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Case {
    case: String,
    /// The digest of what was asked.
    input: String,
    /// A sign for each iteration: `+` passed, `-` did not, `.` was not run.
    runs: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
}

impl Baseline {
    /// Returns the baseline that a run makes.
    pub fn of(experiment: &str, head: &Head, figures: Figures) -> Self {
        Self { experiment: experiment.to_owned(), date: head.date.clone(), provenance: head.provenance.clone(), figures }
    }

    /// Returns the text of the file.
    pub fn to_text(&self) -> String {
        let figures = &self.figures;
        let durations = thinned(&figures.durations);
        let document = Document {
            schema: SCHEMA.to_owned(),
            experiment: self.experiment.clone(),
            date: self.date.clone(),
            provenance: self.provenance.clone(),
            passed: figures.totals.counts.passed,
            of: figures.totals.counts.judged(),
            p50_ms: quantile(&figures.durations, 0.5).map(tenths),
            p95_ms: quantile(&figures.durations, 0.95).map(tenths),
            tokens: figures.totals.tokens,
            cost_usd: figures.totals.cost_usd.map(millionths),
            durations_ms: Vec::new(),
            cases: Vec::new(),
        };
        // Numbers and texts are always JSON.
        let head = serde_json::to_string_pretty(&document).unwrap_or_default();
        let durations: Vec<String> = durations.into_iter().map(|duration| Value::from(tenths(duration)).to_string()).collect();
        let lines = durations.chunks(20).map(|line| line.join(", "));
        let text = with_lines(&head, "durations_ms", lines);
        let cases = figures.inputs.iter().map(|input| serde_json::to_string(&case(input)).unwrap_or_default());
        with_lines(&text, "cases", cases) + "\n"
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// See [`BaselineError`].
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let malformed = |error: serde_json::Error| BaselineError::Malformed(error.to_string());
        let text = text.trim_start_matches('\u{feff}');
        match serde_json::from_str::<Form>(text).map_err(malformed)?.schema.as_deref() {
            Some(SCHEMA) => {}
            Some(other) if other.starts_with("keepstep.baseline/") => return Err(BaselineError::Newer(other.to_owned())),
            _ => return Err(BaselineError::Malformed("its schema is missing".to_owned())),
        }
        let document: Document = serde_json::from_str(text).map_err(malformed)?;
        let mut totals = Totals::default();
        let inputs = document
            .cases
            .into_iter()
            .map(|case| read_case(case, &mut totals))
            .collect::<Result<Vec<InputFigures>, BaselineError>>()?;
        let mut durations = document.durations_ms;
        durations.retain(|duration| duration.is_finite() && *duration >= 0.0);
        durations.sort_by(f64::total_cmp);
        let mut others = Figures::default();
        (others.durations, others.totals) = (durations, totals);
        (others.totals.tokens, others.totals.cost_usd) = (document.tokens, document.cost_usd);
        Ok(Self {
            experiment: document.experiment,
            date: document.date,
            provenance: document.provenance,
            figures: Figures::new(inputs, others),
        })
    }
}

fn case(input: &InputFigures) -> Case {
    let mut runs = String::new();
    for once in &input.runs {
        while runs.len() < once.iteration as usize {
            runs.push('.');
        }
        runs.push(match once.status {
            Status::Passed => '+',
            // What was not judged says nothing, as if it had not been run.
            Status::Skipped | Status::NotJudged | Status::Running | Status::Abandoned => '.',
            Status::Failed | Status::NotPassed | Status::Error | Status::Timeout => '-',
        });
    }
    Case { case: input.name.clone(), input: input.key.to_hex(), runs, cost_usd: input.cost_usd.map(millionths) }
}

fn read_case(case: Case, totals: &mut Totals) -> Result<InputFigures, BaselineError> {
    let wrong = |what: &str| BaselineError::Malformed(format!("the case {:?} has {what}", case.case));
    let key = InputKey::from_hex(&case.input).ok_or_else(|| wrong("no digest of its input"))?;
    let mut runs = Vec::new();
    for (iteration, sign) in (0..).zip(case.runs.chars()) {
        let status = match sign {
            '+' => Status::Passed,
            '-' => Status::Failed,
            '.' => continue,
            _ => return Err(wrong("a run that is not one of + - .")),
        };
        totals.planned += 1;
        totals.counts.passed += u64::from(status == Status::Passed);
        totals.counts.failed += u64::from(status == Status::Failed);
        runs.push(Once { iteration, status, answer: 0 });
    }
    Ok(InputFigures { key, name: case.case, runs, cost_usd: case.cost_usd })
}

/// Returns a document with something in the place of an empty list, a line for each.
fn with_lines(text: &str, name: &str, lines: impl Iterator<Item = String>) -> String {
    let Some((before, after)) = text.split_once(&format!("\"{name}\": []")) else { return text.to_owned() };
    let mut out = format!("{before}\"{name}\": [");
    let mut separator = "\n    ";
    for line in lines {
        out.push_str(separator);
        out.push_str(&line);
        separator = ",\n    ";
    }
    out.push_str(if separator.starts_with(',') { "\n  ]" } else { "]" });
    out.push_str(after);
    out
}

/// Returns so many of the sorted values that their quantiles are still those of all.
fn thinned(sorted: &[f64]) -> Vec<f64> {
    if sorted.len() <= DURATIONS {
        return sorted.to_vec();
    }
    let middle = |place: usize| (place as f64 + 0.5) / DURATIONS as f64;
    (0..DURATIONS).filter_map(|place| quantile(sorted, middle(place))).collect()
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

fn millionths(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::tests::figures;

    #[test]
    fn a_baseline_is_readable_and_is_read_back() {
        let figures = figures(&[
            ("item-2", Some("2"), 0, "b", "passed", "x"),
            ("item-2#3", Some("2"), 2, "b", "timeout", "x"),
            ("item-1", Some("1"), 0, "a", "failed", "x"),
        ]);
        let baseline = Baseline { experiment: "exp_1".to_owned(), figures, ..Baseline::default() };
        let text = baseline.to_text();
        insta::assert_snapshot!(text, @r#"
        {
          "schema": "keepstep.baseline/1",
          "experiment": "exp_1",
          "provenance": {},
          "passed": 1,
          "of": 3,
          "p50_ms": 10.0,
          "p95_ms": 10.0,
          "tokens": 21.0,
          "cost_usd": 1.5,
          "durations_ms": [
            10.0, 10.0, 10.0
          ],
          "cases": [
            {"case":"item-1","input":"a87df798d8bab5e88e8f90badb8983c4","runs":"-","cost_usd":0.5},
            {"case":"item-2","input":"b3ff9b84c6ad166af9613b8a3765f4e5","runs":"+.-","cost_usd":0.5}
          ]
        }
        "#);
        let read = Baseline::parse(&text).unwrap();
        assert_eq!(read.to_text(), text);
        assert_eq!((read.figures.totals.counts.passed, read.figures.totals.counts.finished()), (1, 3));
    }

    #[test]
    fn another_form_is_refused() {
        for text in ["", "[]", "{}", r#"{"schema": "keepstep.baseline/1"}"#] {
            assert!(matches!(Baseline::parse(text), Err(BaselineError::Malformed(_))), "{text}");
        }
        let newer = Baseline::parse(r#"{"schema": "keepstep.baseline/2"}"#).unwrap_err();
        assert_eq!(newer.to_string(), "it has the form keepstep.baseline/2, and this keepstep knows keepstep.baseline/1");
    }

    proptest! {
        #[test]
        fn quantiles_outlive_the_file(mut durations in proptest::collection::vec(0.0..10_000.0_f64, 1..2000)) {
            durations.sort_by(f64::total_cmp);
            let thinned = thinned(&durations);
            let (kept, all) = (quantile(&thinned, 0.95).unwrap(), quantile(&durations, 0.95).unwrap());
            let rank = durations.partition_point(|duration| *duration < kept) as f64 / durations.len() as f64;
            prop_assert!(thinned.len() <= DURATIONS);
            prop_assert!(kept == all || (rank - 0.95).abs() < 0.003, "{kept} {all} {rank}");
        }
    }
}
