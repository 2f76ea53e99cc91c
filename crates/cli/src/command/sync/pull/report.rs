//! What a pull tells.

use keepstep_testdata::bundle::Bundle;
use keepstep_testdata::merge_items::Outcome;
use keepstep_testdata::pull_plan::{Action, Keeping, Writing};
use keepstep_workspace::pull::{Prepared, Scenario};
use serde_json::{Map, Value, json};

use super::targets::Target;
use crate::session::context::Context;
use crate::session::messages_left_out;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};
use crate::shell::visible::{first_few, visible_line};

/// What happens, told before it happens or after.
pub(super) struct Report<'a> {
    pub(super) context: &'a Context,
    pub(super) target: &'a Target,
    pub(super) prepared: &'a Prepared,
    pub(super) bundle: &'a Bundle,
}

impl Report<'_> {
    pub(super) fn show(&self, is_plan: bool) {
        let Self { context, target, bundle, .. } = self;
        let (id, folder) = (visible_line(&bundle.id), target.shown(context));
        if is_plan {
            context.printer.answer(Text::of(Label::Heading, format!("Would pull {id} into {folder}:")));
            self.show_files();
            if self.prepared.actions().all(|(_, action)| matches!(action, Action::Keep(_))) {
                context.printer.answer("   no file changes");
            }
        } else if !context.printer.is_quiet() {
            // A quiet caller, as the one of 0.3.3, wants to hear of failures only.
            let criteria = bundle.criteria.len();
            context.good(&format!(
                "Pulled {id} into {folder}: {}, {}, {}",
                count(bundle.item_count, "input"),
                count(bundle.personas.len(), "persona"),
                if criteria == 1 { "1 criterion".to_owned() } else { format!("{criteria} criteria") }
            ));
            self.show_files();
        }
        self.warn();
    }

    fn show_files(&self) {
        let printer = &self.context.printer;
        // Where everything is new there is nothing to tell apart.
        if self.prepared.actions().all(|(_, action)| action == Action::Write(Writing::New)) {
            return;
        }
        for (path, action) in self.prepared.actions() {
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
            printer.answer(row(path).and(label, words));
        }
        let items: Vec<String> = self.items().map(|(words, count)| format!("{count} {words}")).collect();
        if !items.is_empty() {
            printer.answer(row("inputs").and(Label::Plain, items.join(", ")));
        }
    }

    /// Returns how many inputs had which outcome, where that is any.
    fn items(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let outcomes = [
            ("added", Outcome::Added),
            ("updated", Outcome::Updated),
            ("removed", Outcome::Removed),
            ("merged", Outcome::Merged),
            ("kept as edited here", Outcome::KeptLocal),
            ("of your own kept", Outcome::KeptOwn),
        ];
        let items = self.prepared.item_counts.clone().unwrap_or_default();
        outcomes.into_iter().map(move |(words, outcome)| (words, items.of(outcome))).filter(|(_, count)| *count > 0)
    }

    fn without_text(&self) -> impl ExactSizeIterator<Item = String> {
        let items = self.prepared.left_out.without_text.iter();
        items.map(|item| item.id.clone().unwrap_or_else(|| format!("number {}", item.position)))
    }

    fn warn(&self) {
        let printer = &self.context.printer;
        let without_text = self.without_text();
        if without_text.len() > 0 {
            let inputs = count(without_text.len(), "input");
            printer.warning(&format!("{inputs} of the bundle without a text left out: {}", first_few(without_text)));
        }
        let left_out = &self.prepared.left_out;
        if left_out.longer > 0 {
            printer.warning(&messages_left_out::sentence(left_out.longer, left_out.messages));
        }
        if self.prepared.loses_comments {
            printer.warning("comments in the list of inputs could not be kept when both sides' edits were merged");
        }
    }

    pub(super) fn document(&self, previous: Option<&str>, undo: Option<&str>) -> Value {
        let paths = |wanted: fn(Action) -> bool| {
            self.prepared.actions().filter(|(_, action)| wanted(*action)).map(|(path, _)| path).collect::<Vec<_>>()
        };
        let bundle = self.bundle;
        let items: Map<String, Value> = self.items().map(|(words, count)| (words.replace(' ', "_"), json!(count))).collect();
        json!({
            "scenario": self.target.document(),
            "bundle": { "id": bundle.id, "previous": previous },
            "up_to_date": paths(|action| !matches!(action, Action::Keep(_))).is_empty(),
            "counts": {
                "inputs": bundle.item_count, "personas": bundle.personas.len(), "criteria": bundle.criteria.len(),
            },
            "written": paths(|action| matches!(action, Action::Write(_))),
            "removed": paths(|action| action == Action::Remove),
            "edited": paths(|action| matches!(action, Action::Keep(Keeping::Edited | Keeping::EditedAndDropped))),
            "deleted": paths(|action| action == Action::Keep(Keeping::Deleted)),
            "items": items,
            "without_text": self.without_text().collect::<Vec<_>>(),
            "messages_left_out": self.prepared.left_out.messages,
            "undo": undo,
        })
    }
}

fn row(path: &str) -> Text {
    Text::from(format!("   {:<32} ", visible_line(path)))
}

/// Tells that nothing is new, and what was edited here. Returns the same for programs.
pub(super) fn up_to_date(context: &Context, target: &Target, local: &Scenario) -> Result<Value, Failure> {
    let edits = local.edits()?;
    if !context.printer.is_quiet() && !context.printer.is_json() {
        context.good(&format!("{} is up to date ({})", target.shown(context), local.bundle().unwrap_or_default()));
        for edit in &edits {
            let words = if edit.is_deleted { "deleted here; `--force` brings it back" } else { "edited here" };
            context.printer.answer(row(&edit.path).and(Label::Plain, words));
        }
    }
    let paths =
        |is_deleted: bool| edits.iter().filter(|edit| edit.is_deleted == is_deleted).map(|edit| &edit.path).collect::<Vec<_>>();
    Ok(json!({
        "scenario": target.document(),
        "bundle": { "id": local.bundle(), "previous": local.bundle() },
        "up_to_date": true,
        "written": [],
        "removed": [],
        "edited": paths(false),
        "deleted": paths(true),
        "undo": null,
    }))
}
