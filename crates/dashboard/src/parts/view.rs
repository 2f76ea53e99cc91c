//! What several pages show in the same way.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use keepstep_agent::Field;
use keepstep_agent::definition::text_of;
use keepstep_platform::Actor;
use keepstep_store::{Agent, Change, Role, Session};
use serde_json::Value;

use crate::error_page::PageError;
use crate::parts::visible::Visible;

/// A time, ready to show.
#[derive(Debug)]
pub(crate) struct Moment {
    /// For a person.
    pub(crate) readable: String,
    /// For a program.
    pub(crate) machine: String,
}

impl Moment {
    /// Returns a time of the store. One that no calendar has can only come from a damaged clock; the page is of use
    /// without it.
    pub(crate) fn of(milliseconds: i64) -> Self {
        let time = Timestamp::from_millisecond(milliseconds).unwrap_or_default();
        Self {
            readable: time.to_zoned(TimeZone::UTC).strftime("%-d %b %Y, %H:%M UTC").to_string(),
            machine: time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        }
    }
}

/// Who did something, when, and why, ready to show.
#[derive(Debug)]
pub(crate) struct Changed {
    /// Who.
    pub(crate) author: Visible,
    /// When, for a person.
    pub(crate) readable: String,
    /// When, for a program.
    pub(crate) machine: String,
    /// Why; may be empty.
    pub(crate) message: Visible,
}

impl From<&Change> for Changed {
    fn from(change: &Change) -> Self {
        let Moment { readable, machine } = Moment::of(change.at);
        Self {
            author: Visible::of(change.author.as_deref().unwrap_or("unknown author")),
            readable,
            machine,
            message: Visible::of(change.message.as_deref().unwrap_or_default()),
        }
    }
}

/// Returns true if somebody of that role may change agents.
pub(crate) fn may_edit(session: &Session) -> bool {
    session.user.role >= Role::Editor
}

/// Returns true if somebody may publish.
pub(crate) fn may_publish(session: &Session) -> bool {
    Actor::from(session).require_publish().is_ok()
}

/// Returns true if somebody of that role may make agents.
pub(crate) fn may_create(session: &Session) -> bool {
    session.user.role >= Role::Owner
}

/// Returns the name to show for an agent that may have none.
pub(crate) fn title_of(agent: &Agent) -> &str {
    agent.name().filter(|name| !name.trim().is_empty()).unwrap_or(agent.id.as_str())
}

/// Returns a field's value as a text to show.
pub(crate) fn render_value(field: Field, value: Option<&Value>) -> Visible {
    Visible::of(text_of(field, value))
}

/// Returns a page as a response.
pub(crate) fn page(template: &impl Template) -> Result<Response, PageError> {
    Ok(Html(template.render().map_err(|error| PageError::internal(&error))?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_with_its_zone() {
        let changed = Changed::from(&Change { at: 1_700_000_000_000, ..Change::default() });
        assert_eq!(changed.readable, "14 Nov 2023, 22:13 UTC");
        assert_eq!(changed.machine, "2023-11-14T22:13:20Z");
    }
}
