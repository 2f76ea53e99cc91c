//! Tokens and cost, under the names that agents and services give them.

use serde_json::Value;

/// What an answer used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Tokens that the model read.
    pub input: Option<f64>,
    /// Tokens that it wrote.
    pub output: Option<f64>,
    /// All of them.
    pub total: Option<f64>,
    /// What it cost in US dollars, if the agent says so.
    pub cost: Option<f64>,
}

impl Usage {
    /// Returns what a `token_usage` says.
    pub fn of(usage: &Value) -> Self {
        let number = |names: &[&str]| {
            let found = names.iter().find_map(|name| usage.get(*name)?.as_f64());
            found.filter(|number| number.is_finite() && *number >= 0.0)
        };
        let (input, output) = (number(&["prompt_tokens", "input_tokens"]), number(&["completion_tokens", "output_tokens"]));
        Self {
            input,
            output,
            total: number(&["total_tokens"]).or_else(|| Some(input? + output?)),
            cost: number(&["cost_usd", "total_cost_usd", "cost"]),
        }
    }
}
