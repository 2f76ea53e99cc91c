//! What a program or a model says: `{"passed": true, "score": 0.9, "reason": "…"}`.

use serde_json::Value;

use keepstep_results::criterion::{Finding, shortened};

/// The longest reason that is kept.
const LONGEST_REASON: usize = 1000;

/// An opinion.
#[derive(Debug, PartialEq)]
pub(super) struct Opinion {
    passed: bool,
    score: Option<f64>,
    reason: String,
}

impl Opinion {
    /// Reads an opinion. What it leaves out about passing follows from its score, or else from `otherwise`.
    ///
    /// # Errors
    /// A member is not what it has to be.
    pub(super) fn of(value: &Value, otherwise: bool) -> Result<Self, String> {
        let score = match value.get("score") {
            None | Some(Value::Null) => None,
            Some(score) => Some(
                score
                    .as_f64()
                    .filter(|score| (0.0..=1.0).contains(score))
                    .ok_or_else(|| format!("score is {}, and has to be from 0 to 1", shortened(&score.to_string(), 40)))?,
            ),
        };
        let passed = match value.get("passed") {
            Some(Value::Bool(passed)) => *passed,
            None | Some(Value::Null) => score.map_or(otherwise, |score| otherwise && score >= 0.5),
            Some(other) => return Err(format!("passed is {}, and has to be true or false", shortened(&other.to_string(), 40))),
        };
        let reason = value.get("reason").and_then(Value::as_str).unwrap_or_default();
        Ok(Self { passed, score, reason: shortened(reason.trim(), LONGEST_REASON) })
    }

    /// Returns what was found. With a least score, that score decides.
    pub(super) fn finding(self, at_least: Option<f64>) -> Finding {
        let passed = match (at_least, self.score) {
            (Some(at_least), Some(score)) => score >= at_least,
            _ => self.passed,
        };
        let score = self.score.map(|score| format!("score {score}"));
        let said = match (score, self.reason.is_empty()) {
            (Some(score), true) => score,
            (Some(score), false) => format!("{} ({score})", self.reason),
            (None, false) => self.reason,
            (None, true) => if passed { "agreement" } else { "no agreement" }.to_owned(),
        };
        Finding { score: self.score.or(Some(f64::from(u8::from(passed)))), ..Finding::of(passed, said) }
    }
}
