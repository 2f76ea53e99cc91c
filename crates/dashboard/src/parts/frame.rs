//! What stands around the content of every page: who is signed in, and the files that it needs.

use keepstep_store::{Role, Session};

use crate::form::csrf::CsrfToken;
use crate::parts::assets;
use crate::parts::theme::Theme;
use crate::parts::visible::Visible;

/// What stands around the content of every page.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    /// Who is signed in.
    pub(crate) person: Option<Person>,
}

/// Somebody who is signed in, with the token of the form that signs them out.
#[derive(Debug)]
pub(crate) struct Person {
    /// Their name.
    pub(crate) name: Visible,
    /// Their role.
    pub(crate) role: &'static str,
    /// True for an owner, who has more pages.
    pub(crate) is_owner: bool,
    /// The token.
    pub(crate) csrf: String,
}

impl Frame {
    /// Returns the frame of somebody who is signed in.
    pub(crate) fn of(session: &Session) -> Self {
        let user = &session.user;
        let csrf = CsrfToken::of_session(session).field();
        let is_owner = user.role >= Role::Owner;
        Self { person: Some(Person { name: Visible::of(&user.name), role: user.role.label(), is_owner, csrf }) }
    }

    /// Returns the token of the forms on this page; empty where nobody is signed in.
    pub(crate) fn csrf(&self) -> &str {
        self.person.as_ref().map_or("", |person| &person.csrf)
    }

    /// Returns the colors that the browser wants.
    #[expect(clippy::unused_self, reason = "templates ask the frame")]
    pub(crate) fn theme(&self) -> Theme {
        Theme::chosen()
    }

    /// Returns the address of the style sheet.
    pub(crate) fn stylesheet(&self) -> &'static str {
        assets::stylesheet()
    }

    /// Returns the address of the module that every page has.
    pub(crate) fn script(&self) -> &'static str {
        assets::page_script()
    }

    /// Returns the address of the icon.
    pub(crate) fn icon(&self) -> &'static str {
        assets::icon()
    }

    /// Returns the version of the program.
    pub(crate) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}
