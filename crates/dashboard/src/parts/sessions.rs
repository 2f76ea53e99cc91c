//! The browsers that somebody is signed in with, as a list.

use keepstep_store::ListedSession;

use crate::parts::view::Moment;
use crate::parts::visible::Visible;

/// A browser that is signed in.
pub(crate) struct ShownSession {
    pub(crate) id: String,
    pub(crate) device: Visible,
    pub(crate) address: Visible,
    pub(crate) began: Moment,
    pub(crate) used: Moment,
    /// True for the browser that looks at the page.
    pub(crate) is_this: bool,
}

impl ShownSession {
    /// Returns a session for the page that the session of the id `looking` asked for.
    pub(crate) fn of(session: ListedSession, looking: &str) -> Self {
        let name = if session.device.name.is_empty() { "a browser" } else { &session.device.name };
        Self {
            device: Visible::of(name),
            address: Visible::of(session.device.address),
            began: Moment::of(session.created_at),
            used: Moment::of(session.used_at),
            is_this: session.id == looking,
            id: session.id,
        }
    }
}
