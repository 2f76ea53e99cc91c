//! `keepstep results …`, and what a test tells GitHub.

mod check;
mod github;
mod junit;
mod show;

use crate::test_command::Orders;

/// An agent that breaks at the questions that a file names, and answers with the word that it begins with.
pub(crate) const AGENT: &str = r#"
import os
def run(input):
    says = open("says").read().split() if os.path.exists("says") else ["one"]
    if input.split()[-1] in says[1:]: raise ValueError("boom " + input)
    return {"text": "answer " + says[0] + " for " + input, "token_usage": {"prompt_tokens": 3, "completion_tokens": 4, "cost_usd": 0.01}}
"#;

/// Returns a workspace with a number of questions.
pub(crate) fn questions(number: usize) -> Orders {
    let orders = Orders::new(AGENT);
    let texts: Vec<String> = (1..=number).map(|number| format!("question {number}")).collect();
    orders.inputs(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    orders
}

/// Runs a test in which the agent says a word, and breaks at some questions.
pub(crate) fn test(orders: &Orders, says: &str) {
    orders.project().file("says", says);
    let output = orders.output(&["test", "--skip-upload", "--quiet"]);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
}
