//! The criteria of a scenario, and what of them a person has accepted.

use std::sync::Arc;

use keepstep_runner::agent::Surroundings;
use keepstep_runner::judge::{Criteria, CriteriaError, Judging};
use keepstep_runner::model::Model;

use super::setup::Tested;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text, count};

/// How many texts of a platform are shown that nobody has accepted.
const SHOWN: usize = 10;

/// Returns the judge of a scenario. What came from a platform and would be run, or asked of a model, is shown, and accepted if
/// that was asked for.
pub(super) fn judging(
    context: &Context,
    accept: bool,
    tested: &Tested,
    model: Option<Arc<Model>>,
    surroundings: &Surroundings,
) -> Result<Judging, Failure> {
    let mut criteria = Criteria::load(&tested.path).map_err(criteria_failure)?;
    let unaccepted = criteria.unaccepted(model.is_some());
    if accept {
        criteria.accept(&tested.path, &unaccepted).map_err(criteria_failure)?;
        for text in &unaccepted {
            context.printer.status(Text::of(Label::Good, "accepted ").and(Label::Plain, format!("{}: {}", text.pack, text.text)));
        }
    } else if !unaccepted.is_empty() {
        let number = unaccepted.len();
        let what = if number == 1 { "is" } else { "are" };
        context.printer.warning(&format!(
            "{} from the server {what} not used until {} accepted",
            count(number, "criterion").replace("criterions", "criteria"),
            if number == 1 { "it is" } else { "they are" }
        ));
        for text in unaccepted.iter().take(SHOWN) {
            context.printer.status(Text::of(Label::Unchanged, format!("  {}: {}", text.pack, text.text)));
        }
        if number > SHOWN {
            context.printer.status(Text::of(Label::Unchanged, format!("  … and {} more", number - SHOWN)));
        }
        context
            .printer
            .hint("`keepstep test --accept-criteria` accepts exactly these texts, and keeps that in criteria/accepted.json");
    }
    let surroundings = Surroundings { current: tested.path.clone(), ..surroundings.clone() };
    Ok(Judging::new(criteria, model, surroundings))
}

fn criteria_failure(error: CriteriaError) -> Failure {
    match error {
        CriteriaError::Io { doing, path, source } => Failure::io(doing, &path.display().to_string(), source),
        other => Failure::usage(other.to_string()),
    }
}
