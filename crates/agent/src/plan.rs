//! What to do about the drift: decided here, shown by the command, carried out afterwards.

use serde::Serialize;
use serde_json::Value;

use crate::drift::{Local, Server, State};
use crate::field::Field;
use crate::merge::{self, Merged, Sides};

/// A field with everything that a decision needs.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldView {
    /// Which field.
    pub field: Field,
    /// What the code says.
    pub local: Local,
    /// What the platform says.
    pub server: Server,
    /// How the two and their base relate.
    pub state: State,
    /// True if the code computes the value, so that there is no text to edit.
    pub computed: bool,
}

/// What somebody wants done with a drifted field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The code's value goes to the platform.
    Push,
    /// The platform's value goes into the code.
    Pull,
    /// Both sides' edits become one value, on both sides.
    Merge,
    /// Nothing happens.
    Skip,
}

/// What a person is offered for a drifted field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The choices, in their order.
    pub choices: Vec<Choice>,
    /// The one that Enter takes: it follows the side that changed. `None` where that is not known.
    pub marked: Option<Choice>,
    /// True if the server has something that the code never had, so that publishing the code takes it out of production.
    pub replaces_newer: bool,
}

/// Returns what a person is offered for a field in a state. `can_merge` tells whether both sides' edits can become one value.
pub fn offer(state: State, can_merge: bool) -> Offer {
    use Choice::{Merge, Pull, Push, Skip};
    let (choices, marked) = match state {
        State::Behind => (vec![Pull, Push, Skip], Some(Pull)),
        State::Ahead | State::NotOnServer => (vec![Push, Pull, Skip], Some(Push)),
        State::Diverged if can_merge => (vec![Merge, Pull, Push, Skip], Some(Merge)),
        State::Diverged | State::Unknown => (vec![Pull, Push, Skip], None),
        State::InStep | State::Unreadable => (vec![Skip], Some(Skip)),
    };
    Offer { choices, marked, replaces_newer: matches!(state, State::Behind | State::Diverged | State::Unknown) }
}

/// Why a choice cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The code's value could not be evaluated.
    Unreadable,
    /// The code has no text for the field, and pushing none would wipe the platform's.
    NothingToPush,
    /// The platform's value is empty, and an agent cannot do without the field.
    NothingToPull,
    /// The text holds the markers of an unfinished merge.
    ConflictMarkers,
    /// There is no base, so nobody can tell which edits are whose.
    NoBase,
    /// The two values cannot be mixed.
    CannotMerge,
}

/// What happens to one field.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Nothing.
    Keep,
    /// This value is written to the platform; `None` clears it there.
    Push(Option<Value>),
    /// This value is written into the code; `None` removes it there.
    Pull(Option<Value>),
    /// This value has both sides' edits and is written into the code, then to the platform.
    Join(Option<Value>),
    /// This value has markers and is written into the code only.
    Mark {
        /// The value with its markers.
        value: Value,
        /// How many places have markers.
        conflicts: usize,
    },
    /// Nothing, because it must not or cannot be done.
    Refuse(Refusal),
}

/// Returns what a choice means for a field. `base` is the value both sides last agreed on, where it is known.
pub fn decide(view: &FieldView, choice: Choice, base: Option<&Option<Value>>) -> Action {
    if matches!(view.state, State::InStep) || choice == Choice::Skip {
        return Action::Keep;
    }
    match choice {
        Choice::Skip => Action::Keep,
        Choice::Push => push(view),
        Choice::Pull => pull(view),
        Choice::Merge => match view.state {
            State::Ahead => push(view),
            State::Behind => pull(view),
            State::Diverged | State::Unknown => join(view, base),
            State::InStep | State::NotOnServer => Action::Keep,
            State::Unreadable => Action::Refuse(Refusal::Unreadable),
        },
    }
}

fn push(view: &FieldView) -> Action {
    let Local::Value(value) = &view.local else {
        return Action::Refuse(Refusal::Unreadable);
    };
    match pushable(view.field, value.as_ref()) {
        Ok(()) => Action::Push(value.clone()),
        Err(refusal) => Action::Refuse(refusal),
    }
}

/// Tells whether a value may be published.
///
/// # Errors
/// It has markers of a merge, or it is empty and the field must not be.
pub fn pushable(field: Field, value: Option<&Value>) -> Result<(), Refusal> {
    if value.is_some_and(merge::value_has_conflict_markers) {
        return Err(Refusal::ConflictMarkers);
    }
    let is_blank = crate::canonical::canonical(field, value).is_none();
    if is_blank && field.is_required() {
        return Err(Refusal::NothingToPush);
    }
    Ok(())
}

fn pull(view: &FieldView) -> Action {
    match &view.server {
        Server::Silent => Action::Keep,
        Server::Value(value) => {
            let is_blank = crate::canonical::canonical(view.field, value.as_ref()).is_none();
            match view.field.is_required() {
                true if is_blank => Action::Refuse(Refusal::NothingToPull),
                _ if is_blank => Action::Pull(None),
                _ => Action::Pull(value.clone()),
            }
        }
    }
}

fn join(view: &FieldView, base: Option<&Option<Value>>) -> Action {
    let (Local::Value(local), Server::Value(server)) = (&view.local, &view.server) else {
        return Action::Refuse(Refusal::Unreadable);
    };
    if local.as_ref().is_some_and(merge::value_has_conflict_markers) {
        return Action::Refuse(Refusal::ConflictMarkers);
    }
    let Some(base) = base else {
        return Action::Refuse(Refusal::NoBase);
    };
    let sides = Sides { base: base.as_ref(), local: local.as_ref(), server: server.as_ref() };
    match merge::merge(view.field, sides) {
        Merged::Clean(value) => Action::Join(value),
        Merged::Marked { value, conflicts } => Action::Mark { value, conflicts },
        Merged::Impossible => Action::Refuse(Refusal::CannotMerge),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn view(field: Field, local: Option<&str>, server: Option<&str>, state: State) -> FieldView {
        let value = |text: Option<&str>| text.map(|text| json!(text));
        FieldView { field, local: Local::Value(value(local)), server: Server::Value(value(server)), state, computed: false }
    }

    #[test]
    fn nothing_blank_is_published_over_a_text() {
        for local in [None, Some(""), Some("  \n")] {
            for field in [Field::NAME, Field::PERSONA] {
                let action = decide(&view(field, local, Some("theirs"), State::Unknown), Choice::Push, None);
                assert_eq!(action, Action::Refuse(Refusal::NothingToPush), "{field} {local:?}");
            }
        }
        let mut unreadable = view(Field::PERSONA, None, Some("theirs"), State::Unreadable);
        unreadable.local = Local::Unreadable;
        assert_eq!(decide(&unreadable, Choice::Push, None), Action::Refuse(Refusal::Unreadable));
    }

    #[test]
    fn enter_takes_what_the_changed_side_has_and_never_publishes_over_something_newer() {
        for (state, can_merge, marked) in [
            (State::Behind, true, Some(Choice::Pull)),
            (State::Ahead, true, Some(Choice::Push)),
            (State::Diverged, true, Some(Choice::Merge)),
            (State::Diverged, false, None),
            (State::Unknown, true, None),
            (State::Unknown, false, None),
        ] {
            let offer = offer(state, can_merge);
            assert_eq!(offer.marked, marked, "{state:?}");
            assert!(offer.marked != Some(Choice::Push) || !offer.replaces_newer, "{state:?}");
            assert!(offer.marked.is_none_or(|marked| offer.choices.first() == Some(&marked)), "{state:?}");
        }
    }

    #[test]
    fn an_empty_model_can_be_pushed_and_pulled() {
        assert_eq!(decide(&view(Field::MODEL, None, Some("m"), State::Ahead), Choice::Push, None), Action::Push(None));
        assert_eq!(decide(&view(Field::MODEL, Some("m"), None, State::Behind), Choice::Pull, None), Action::Pull(None));
    }

    #[test]
    fn an_unfinished_merge_is_not_published() {
        let text = "<<<<<<< code\na\n=======\nb\n>>>>>>> server";
        let view = view(Field::PERSONA, Some(text), Some("b"), State::Ahead);
        assert_eq!(decide(&view, Choice::Push, None), Action::Refuse(Refusal::ConflictMarkers));
    }

    #[test]
    fn a_merge_takes_each_side_where_only_it_changed() {
        let base = Some(json!("a\nb\nc"));
        let choice =
            |local, server, state| decide(&view(Field::PERSONA, Some(local), Some(server), state), Choice::Merge, Some(&base));
        assert_eq!(choice("x", "a\nb\nc", State::Ahead), Action::Push(Some(json!("x"))));
        assert_eq!(choice("a\nb\nc", "x", State::Behind), Action::Pull(Some(json!("x"))));
        assert_eq!(choice("A\nb\nc", "a\nb\nC", State::Diverged), Action::Join(Some(json!("A\nb\nC"))));
        let without_base = decide(&view(Field::PERSONA, Some("a"), Some("b"), State::Unknown), Choice::Merge, None);
        assert_eq!(without_base, Action::Refuse(Refusal::NoBase));
    }
}
