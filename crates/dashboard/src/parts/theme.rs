//! Light, dark, or as the system has it: what somebody chose is in a cookie, and on every page that is made for their browser.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use keepstep_http::session::Cookie;
use keepstep_platform::Platform;

tokio::task_local! {
    /// The theme of the browser that the page is made for.
    static CHOSEN: Theme;
}

/// The colors of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Theme {
    /// As the system has them.
    #[default]
    System,
    /// Dark letters on a light ground.
    Light,
    /// Light letters on a dark ground.
    Dark,
}

impl Theme {
    /// All of them, as they are offered.
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Returns the theme for the browser that the page is made for.
    pub(crate) fn chosen() -> Self {
        CHOSEN.try_with(|theme| *theme).unwrap_or_default()
    }

    /// Returns the theme of a name; that of the system for any other text.
    pub(crate) fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|theme| theme.name() == name).unwrap_or_default()
    }

    /// Returns its name in the cookie and on the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Returns what a person reads.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::System => "Like the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// Returns the color schemes that a browser may take for the page.
    pub(crate) fn color_scheme(self) -> &'static str {
        match self {
            Self::System => "light dark",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

fn of(headers: &HeaderMap, platform: &Platform) -> Theme {
    Cookie::Theme.read(headers, platform).map(|name| Theme::named(&name)).unwrap_or_default()
}

/// Makes one page in the colors that a browser wants.
pub(crate) fn made_for(headers: &HeaderMap, platform: &Platform, make: impl FnOnce() -> Response) -> Response {
    CHOSEN.sync_scope(of(headers, platform), make)
}

/// Has the pages of a request made in the colors that its browser wants.
pub(crate) async fn remember(platform: axum::extract::State<Platform>, request: Request, next: Next) -> Response {
    let theme = of(request.headers(), &platform);
    CHOSEN.scope(theme, next.run(request)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_theme_is_found_by_its_name() {
        for theme in Theme::ALL {
            assert_eq!(Theme::named(theme.name()), theme);
        }
        assert_eq!(Theme::named("pink"), Theme::System);
        assert_eq!(Theme::chosen(), Theme::System);
    }
}
