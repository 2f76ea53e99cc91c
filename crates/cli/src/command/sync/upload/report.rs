//! What is said of results that were sent.

use keepstep_base::human::size_text;
use keepstep_client::upload::Sent;
use serde_json::{Value, json};

use super::prepare::Prepared;
use crate::session::context::Context;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::visible_line;

/// Says what was left out: secrets, and lines that cannot be read.
pub(super) fn print_left_out(context: &Context, prepared: &Prepared) {
    if prepared.redacted > 0 {
        let number = usize::try_from(prepared.redacted).unwrap_or(usize::MAX);
        context.printer.status(format!("{} left out of what is sent", count(number, "secret value")));
    }
    let report = &prepared.report;
    if report.count() > 0 {
        let number = usize::try_from(report.count()).unwrap_or(usize::MAX);
        let mut lines: Vec<String> = report.named().iter().map(|line| format!("  {line}")).collect();
        if report.count() > report.named().len() as u64 {
            lines.push("  …".to_owned());
        }
        context.printer.warning(&format!("{} cannot be read; the rest is kept\n{}", count(number, "line"), lines.join("\n")));
    }
}

/// Says what the server has now.
pub(super) fn print_sent(context: &Context, experiment: &str, runs: u64, failed: u64, sent: &Sent) {
    let (runs, failed) = (sent.runs.unwrap_or(runs), sent.failed.unwrap_or(failed));
    let runs = count(runs, "case");
    let how =
        if sent.repeated { ", which were there already".to_owned() } else { format!(", {} sent", size_text(sent.bytes_sent)) };
    let text = format!(" Uploaded {runs} ({failed} failed) of {experiment}{how}");
    context.printer.answer(Text::of(Label::Good, "✓").and(Label::Plain, text));
    if let Some(gate) = &sent.gate {
        let (label, sign) = match gate.state.as_str() {
            "passed" => (Label::Good, "✓"),
            "failed" => (Label::Error, "✗"),
            _ => (Label::Warning, "!"),
        };
        context
            .printer
            .answer(Text::of(label, sign).and(Label::Plain, visible_line(&format!(" Gate {}: {}", gate.state, gate.reason))));
    }
    if let Some(url) = &sent.url {
        context.printer.answer(Text::from("View results: ").and(Label::Command, url.clone()));
    }
}

/// Returns it for programs.
pub(super) fn sent_document(sent: &Sent) -> Value {
    let mut document =
        json!({"run_batch_id": sent.run_batch_id, "url": sent.url, "bytes_sent": sent.bytes_sent, "repeated": sent.repeated});
    if let Some(gate) = &sent.gate {
        document["gate"] = json!(gate);
    }
    document
}

/// Adds the members of an object to a document.
pub(super) fn extend(document: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
}
