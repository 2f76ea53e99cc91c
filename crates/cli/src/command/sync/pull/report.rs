//! What a pull tells.

use keepstep_testdata::bundle::Bundle;
use keepstep_testdata::merge_items::Outcome;
use keepstep_testdata::pull_plan::{Action, Keeping, Writing};
use keepstep_workspace::pull::{Edit, Prepared, Scenario};
use serde_json::{Value, json};

use super::target::{Target, document_of};
use crate::session::context::Context;
use crate::session::messages_left_out;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::visible_line;

/// What happens, ready to be told before and after it happened.
#[derive(Debug)]
pub(super) struct PullReport {
    bundle: String,
    previous: Option<String>,
    counts: [usize; 3],
    files: Vec<(String, Action)>,
    items: Vec<(&'static str, usize)>,
    without_text: Vec<String>,
    /// How many inputs have more messages than the one that is said, and how many messages these are.
    longer: [usize; 2],
    loses_comments: bool,
}

impl PullReport {
    /// Returns what is prepared, in words.
    pub(super) fn of(prepared: &Prepared, local: &Scenario, bundle: &Bundle) -> Self {
        let outcomes = [
            ("added", Outcome::Added),
            ("updated", Outcome::Updated),
            ("removed", Outcome::Removed),
            ("merged", Outcome::Merged),
            ("kept as edited here", Outcome::KeptLocal),
            ("of your own kept", Outcome::KeptOwn),
        ];
        let items = prepared.items().map(|items| outcomes.map(|(words, outcome)| (words, items.of(outcome))).to_vec());
        let without_text = prepared
            .left_out
            .without_text
            .iter()
            .map(|item| item.id.clone().unwrap_or_else(|| format!("number {}", item.position)));
        Self {
            bundle: bundle.id().to_owned(),
            previous: local.bundle().map(str::to_owned),
            counts: prepared.counts,
            files: prepared.actions().map(|(path, action)| (path.to_owned(), action)).collect(),
            items: items.unwrap_or_default().into_iter().filter(|(_, count)| *count > 0).collect(),
            without_text: without_text.collect(),
            longer: [prepared.left_out.longer, prepared.left_out.messages],
            loses_comments: prepared.loses_comments(),
        }
    }

    /// Shows what happened.
    pub(super) fn show(&self, context: &Context, target: &Target) {
        let printer = &context.printer;
        let [inputs, personas, criteria] = self.counts;
        let headline = format!(
            "Pulled {} into {}: {}, {}, {}",
            visible_line(&self.bundle),
            place(context, target),
            count(inputs, "input"),
            count(personas, "persona"),
            if criteria == 1 { "1 criterion".to_owned() } else { format!("{criteria} criteria") }
        );
        // A quiet caller, as the one of 0.3.3, wants to hear of failures only.
        if printer.is_quiet() {
            self.warn(context);
            return;
        }
        printer.answer(Text::of(Label::Good, "✅ ").and(Label::Plain, headline));
        self.show_files(context);
        self.warn(context);
    }

    /// Shows what would happen.
    pub(super) fn show_plan(&self, context: &Context, target: &Target) {
        let printer = &context.printer;
        printer.answer(Text::of(
            Label::Heading,
            format!("Would pull {} into {}:", visible_line(&self.bundle), place(context, target)),
        ));
        self.show_files(context);
        if self.files.iter().all(|(_, action)| matches!(action, Action::Keep(_))) {
            printer.answer("   no file changes");
        }
        self.warn(context);
    }

    fn show_files(&self, context: &Context) {
        // Where everything is new there is nothing to tell apart.
        if self.files.iter().all(|(_, action)| *action == Action::Write(Writing::New)) {
            return;
        }
        for (path, action) in &self.files {
            let (label, words) = match action {
                Action::Write(Writing::New) => (Label::Added, "new"),
                Action::Write(Writing::Update) => (Label::Good, "updated"),
                Action::Write(Writing::Forced) => (Label::Warning, "replaced; it was edited here"),
                Action::Remove => (Label::Removed, "removed"),
                Action::Keep(Keeping::Edited) => (Label::Plain, "kept as edited here"),
                Action::Keep(Keeping::EditedAndDropped) => (Label::Plain, "kept as edited here; the bundle has it no more"),
                Action::Keep(Keeping::Deleted) => (Label::Plain, "stays deleted; `--force` brings it back"),
                Action::Keep(Keeping::InStep) | Action::Conflict => continue,
            };
            context.printer.answer(Text::from(format!("   {:<32} ", visible_line(path))).and(label, words));
        }
        if !self.items.is_empty() {
            let words: Vec<String> = self.items.iter().map(|(words, count)| format!("{count} {words}")).collect();
            context.printer.answer(format!("   {:<32} {}", "inputs", words.join(", ")));
        }
    }

    fn warn(&self, context: &Context) {
        if !self.without_text.is_empty() {
            const MOST_NAMED: usize = 5;
            let named: Vec<String> = self.without_text.iter().take(MOST_NAMED).map(|id| visible_line(id)).collect();
            let more = if self.without_text.len() > MOST_NAMED { ", …" } else { "" };
            context.printer.warning(&format!(
                "{} of the bundle without a text left out: {}{more}",
                count(self.without_text.len(), "input"),
                named.join(", ")
            ));
        }
        if let [longer, messages] = self.longer
            && longer > 0
        {
            context.printer.warning(&messages_left_out::sentence(longer, messages));
        }
        if self.loses_comments {
            context.printer.warning("comments in the list of inputs could not be kept when both sides' edits were merged");
        }
    }

    /// Returns the same for programs.
    pub(super) fn document(&self, target: &Target, undo: Option<&str>) -> Value {
        let paths = |wanted: fn(Action) -> bool| {
            self.files.iter().filter(|(_, action)| wanted(*action)).map(|(path, _)| path.as_str()).collect::<Vec<_>>()
        };
        let [inputs, personas, criteria] = self.counts;
        let items: serde_json::Map<String, Value> =
            self.items.iter().map(|(words, count)| (words.replace(' ', "_"), json!(count))).collect();
        json!({
            "scenario": document_of(target),
            "bundle": { "id": self.bundle, "previous": self.previous },
            "up_to_date": paths(|action| !matches!(action, Action::Keep(_))).is_empty(),
            "counts": { "inputs": inputs, "personas": personas, "criteria": criteria },
            "written": paths(|action| matches!(action, Action::Write(_))),
            "removed": paths(|action| action == Action::Remove),
            "edited": paths(|action| matches!(action, Action::Keep(Keeping::Edited | Keeping::EditedAndDropped))),
            "deleted": paths(|action| action == Action::Keep(Keeping::Deleted)),
            "items": items,
            "without_text": self.without_text,
            "messages_left_out": self.longer[1],
            "undo": undo,
        })
    }
}

/// Tells that nothing is new, and what was edited here.
pub(super) fn up_to_date(context: &Context, target: &Target, local: &Scenario) -> Result<(), Failure> {
    let printer = &context.printer;
    if printer.is_quiet() || printer.is_json() {
        return Ok(());
    }
    let bundle = local.bundle().map(visible_line).unwrap_or_default();
    printer
        .answer(Text::of(Label::Good, "✅ ").and(Label::Plain, format!("{} is up to date ({bundle})", place(context, target))));
    for edit in local.edits()? {
        let words = if edit.is_deleted { "deleted here; `--force` brings it back" } else { "edited here" };
        printer.answer(format!("   {:<32} {words}", visible_line(&edit.path)));
    }
    Ok(())
}

/// Returns the same for programs.
pub(super) fn unchanged(target: &Target, local: &Scenario) -> Result<Value, Failure> {
    let (deleted, edited): (Vec<Edit>, Vec<Edit>) = local.edits()?.into_iter().partition(|edit| edit.is_deleted);
    let paths = |edits: Vec<Edit>| edits.into_iter().map(|edit| edit.path).collect::<Vec<_>>();
    Ok(json!({
        "scenario": document_of(target),
        "bundle": { "id": local.bundle(), "previous": local.bundle() },
        "up_to_date": true,
        "written": [],
        "removed": [],
        "edited": paths(edited),
        "deleted": paths(deleted),
        "undo": null,
    }))
}

/// Returns the folder as it is shown.
fn place(context: &Context, target: &Target) -> String {
    let shown = target.path.strip_prefix(&context.directory).unwrap_or(&target.path);
    let shown = if shown.as_os_str().is_empty() { std::path::Path::new(".") } else { shown };
    visible_line(&shown.display().to_string())
}
