//! Who else edits an agent.

use keepstep_base::AgentId;
use keepstep_platform::Platform;

use crate::error_page::PageError;
use crate::parts::view::Moment;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// Somebody else who edits an agent, ready to show.
#[derive(Debug)]
pub(crate) struct ShownEditor {
    /// Their name.
    pub(crate) name: Visible,
    /// When they were seen, or typed.
    pub(crate) seen: Moment,
    /// True where their page is there now.
    pub(crate) is_here: bool,
}

/// Returns who else edits an agent.
pub(crate) async fn others(platform: &Platform, by: &SignedIn, agent: &AgentId) -> Result<Vec<ShownEditor>, PageError> {
    let found = platform.other_editors(by, agent).await?;
    let shown = found.into_iter().map(|editor| ShownEditor {
        name: Visible::of(&editor.name),
        seen: Moment::of(editor.seen_at),
        is_here: editor.is_here,
    });
    Ok(shown.collect())
}
