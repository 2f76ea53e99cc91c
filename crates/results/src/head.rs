//! What an experiment says about itself.

use serde_json::{Map, Value};

use crate::counts::Counts;
use crate::provenance::Provenance;
use crate::totals::Totals;

/// What an experiment says about itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    /// The name in the configuration.
    pub name: Option<String>,
    /// When the run began, as it was written down; its peers' in local time, too.
    pub date: Option<String>,
    /// How many cases ended how, and what they used; `None` for a run that did not end.
    pub totals: Option<Totals>,
    /// How many cases were planned.
    pub planned: Option<u64>,
    /// How long it took.
    pub duration_seconds: Option<f64>,
    /// What was tested.
    pub provenance: Provenance,
}

impl Head {
    /// Returns what a `summary.json` says, of ours or of a peer's.
    pub fn of_summary(summary: &Map<String, Value>) -> Self {
        let text = |name: &str| summary.get(name).and_then(Value::as_str).map(str::to_owned);
        let empty = Map::new();
        let of = |name: &str| summary.get(name).and_then(Value::as_object).unwrap_or(&empty);
        let (results, ours) = (of("results"), of("keepstep"));
        let number = |names: [&str; 2]| {
            let found = results.get(names[0]).or_else(|| summary.get(names[1])).and_then(Value::as_f64);
            found.filter(|number| number.is_finite() && *number >= 0.0)
        };
        let count = |names| number(names).unwrap_or_default() as u64;
        let totals = ours.get("counts").and_then(|totals| serde_json::from_value::<Totals>(totals.clone()).ok());
        let totals = totals.unwrap_or_else(|| Totals {
            planned: count(["total_runs", "total_runs"]),
            counts: Counts {
                passed: count(["successful", "success_count"]),
                failed: count(["failed", "failure_count"]),
                ..Counts::default()
            },
            tokens: number(["total_tokens", "total_tokens"]),
            cost_usd: number(["total_cost_usd", "total_cost_usd"]),
            ..Totals::default()
        });
        let total_ms = summary.get("total_duration_ms").and_then(Value::as_f64);
        Self {
            name: text("name").or_else(|| text("experiment_name")),
            date: text("date").or_else(|| text("created_at")),
            planned: Some(totals.planned),
            totals: Some(totals),
            duration_seconds: number(["duration_seconds", "duration_seconds"]).or_else(|| total_ms.map(|total| total / 1000.0)),
            provenance: Provenance {
                target: ours
                    .get("target")
                    .or_else(|| summary.get("config")?.get("runner")?.get("target"))
                    .and_then(Value::as_str)
                    .map(str::to_owned),
                ..Provenance::of(ours)
            },
        }
    }
}
