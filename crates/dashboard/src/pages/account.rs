//! `/account`: what somebody may change about themselves, and the browsers that are signed in as them.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header;
use keepstep_http::address::Address;
use keepstep_http::session::Cookie;
use keepstep_platform::{Error, Platform, SHORTEST_PASSWORD};
use keepstep_store::{Identity, Role};
use serde::Deserialize;

use crate::error_page::{PageError, Typed};
use crate::form::posted::{Fields, Posted};
use crate::form::problem::Problem;
use crate::parts::frame::Frame;
use crate::parts::sessions::ShownSession;
use crate::parts::theme::Theme;
use crate::parts::view::{Moment, may_publish, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    done: Option<&'static str>,
    role: &'static str,
    may_publish: bool,
    name: String,
    email: String,
    has_email: bool,
    has_password: bool,
    shortest: usize,
    problem: Problem,
    /// The provider of which an identity can be linked.
    provider: Option<Visible>,
    identities: Vec<ShownIdentity>,
    themes: [(Theme, bool); 3],
    sessions: Vec<ShownSession>,
}

struct ShownIdentity {
    id: String,
    issuer: Visible,
    email: Visible,
    linked: Moment,
    used: Moment,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct AccountQuery {
    done: Option<String>,
}

/// The form with name and address. What has a password in it is not shown for debugging.
#[derive(Deserialize)]
pub(crate) struct ProfileForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
}

impl Fields for ProfileForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let fields = [("Name", &self.name), ("E-mail address", &self.email)];
        fields.map(|(label, text)| Typed { label, text: text.clone() }).into()
    }
}

/// The form with a new password. What has a password in it is not shown for debugging.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    old: String,
    #[serde(default)]
    new: String,
    #[serde(default)]
    repeated: String,
}

impl Fields for PasswordForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// How long a browser keeps the theme, in seconds: as long as browsers keep a cookie.
const THEME_LIFE: i64 = 400 * 24 * 60 * 60;

/// The form that chooses the colors.
#[derive(Debug, Deserialize)]
pub(crate) struct ThemeForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    theme: String,
}

impl Fields for ThemeForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// The form that signs another browser out.
#[derive(Debug, Deserialize)]
pub(crate) struct EndForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    pub(crate) session: String,
}

impl Fields for EndForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    Query(asked): Query<AccountQuery>,
) -> Result<Response, PageError> {
    let done = match asked.done.as_deref() {
        Some("saved") => Some("Saved."),
        Some("password") => Some("Your password is set. Your other browsers are signed out."),
        Some("theme") => Some("The theme is set."),
        Some("linked") => Some("Linked. From now on it signs you in, too."),
        Some("unlinked") => Some("Unlinked. It signs you in no more."),
        Some("signed-out") => Some("That browser is signed out."),
        _ => None,
    };
    shown(&platform, &by, done, None, Problem::default()).await
}

/// `POST`: changes name and address.
pub(crate) async fn save(
    State(platform): State<Platform>,
    Address(address): Address,
    posted: Posted<ProfileForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let problem = match platform.change_profile(&by.session, &form.name, &form.email, &form.password, &address).await {
        Ok(()) => return Ok(Redirect::to("/account?done=saved").into_response()),
        Err(error @ Error::WrongOldPassword) => {
            let text =
                if form.password.is_empty() { "Type your password to change the address.".to_owned() } else { error.to_string() };
            Problem::at("profile-password", text)
        }
        Err(error) => Problem::try_from(error)?,
    };
    shown(&platform, &by, None, Some((form.name, form.email)), problem).await
}

/// `POST /account/password`: sets a new password.
pub(crate) async fn set_password(
    State(platform): State<Platform>,
    Address(address): Address,
    posted: Posted<PasswordForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let problem = if form.new == form.repeated {
        match platform.change_password(&by.session, &form.old, &form.new, &address).await {
            Ok(()) => return Ok(Redirect::to("/account?done=password").into_response()),
            Err(error) => Problem::try_from(error)?,
        }
    } else {
        Problem::at("repeated", "The two passwords differ.")
    };
    shown(&platform, &by, None, None, problem).await
}

/// `POST /account/theme`: chooses the colors, for this browser.
pub(crate) async fn set_theme(State(platform): State<Platform>, posted: Posted<ThemeForm>) -> Result<Response, PageError> {
    let cookie = Cookie::Theme.set(Theme::named(&posted.form.theme).name(), THEME_LIFE, &platform)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/account?done=theme")).into_response())
}

/// `POST /account/sessions/end`: signs another browser out.
pub(crate) async fn end_session(State(platform): State<Platform>, posted: Posted<EndForm>) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    platform.end_own_session(&by.session, &form.session).await?;
    Ok(Redirect::to("/account?done=signed-out").into_response())
}

impl From<Identity> for ShownIdentity {
    fn from(identity: Identity) -> Self {
        Self {
            issuer: Visible::of(identity.issuer),
            email: Visible::of(identity.email.unwrap_or_default()),
            linked: Moment::of(identity.created_at),
            used: Moment::of(identity.used_at),
            id: identity.id,
        }
    }
}

/// Returns the page, with what was done, what was typed, and what is wrong with it.
pub(crate) async fn shown(
    platform: &Platform,
    by: &SignedIn,
    done: Option<&'static str>,
    typed: Option<(String, String)>,
    problem: Problem,
) -> Result<Response, PageError> {
    let user = &by.session.user;
    let sessions = platform.store.sessions(&user.id).await?;
    let (name, email) = typed.unwrap_or_else(|| (user.name.clone(), user.email.clone().unwrap_or_default()));
    let identities = platform.store.identities(&user.id).await?;
    let has_identity_of =
        |issuer: &str| identities.iter().any(|identity| identity.issuer.trim_end_matches('/') == issuer.trim_end_matches('/'));
    let provider = platform.oidc_provider().filter(|provider| !has_identity_of(&provider.issuer));
    let status = problem.status();
    let page = page(&AccountPage {
        frame: Frame::of(&by.session),
        done,
        role: user.role.label(),
        may_publish: user.role < Role::Editor || may_publish(&by.session),
        name,
        email,
        has_email: user.email.is_some(),
        has_password: platform.store.password(&user.id).await?.is_some(),
        shortest: SHORTEST_PASSWORD,
        problem,
        provider: provider.map(|provider| Visible::of(provider.name)),
        identities: identities.into_iter().map(ShownIdentity::from).collect(),
        themes: Theme::ALL.map(|theme| (theme, theme == Theme::chosen())),
        sessions: sessions.into_iter().map(|session| ShownSession::of(session, &by.session.id)).collect(),
    })?;
    Ok((status, page).into_response())
}
