//! A page that asks before something is destroyed, and names what.

use askama::Template;

use crate::parts::frame::Frame;
use crate::parts::visible::Visible;

/// Asks before something is destroyed.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    /// What stands around it.
    pub(crate) frame: Frame,
    /// The question.
    pub(crate) title: Visible,
    /// What goes, and what stays: a sentence each.
    pub(crate) consequences: Vec<Visible>,
    /// What is wrong, where it was tried.
    pub(crate) problem: Option<String>,
    /// Where the form goes.
    pub(crate) action: String,
    /// What the button says.
    pub(crate) button: &'static str,
    /// The page to go back to.
    pub(crate) back: String,
}
