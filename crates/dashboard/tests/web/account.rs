use keepstep_store::{Role, USE_NOTED};
use reqwest::StatusCode;

use crate::site::{PASSWORD, Site};

#[tokio::test]
async fn a_new_password_needs_the_old_one_and_ends_the_other_sessions() {
    let site = Site::start().await;
    let mut browser = site.member(Role::Viewer, "Ada").await;
    let mut other = site.browser();
    let page = other.get("/sign-in").await;
    other.submit(&page, "/sign-in", "Sign in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    let page = browser.get("/account").await;
    let new = "quite another one";
    for (old, typed, repeated, problem) in [
        ("wrong", new, new, "Your old password is wrong."),
        (PASSWORD, "short", "short", "A password has at least 10 characters. Three or four words make a good one."),
        (PASSWORD, new, "other", "The two passwords differ."),
    ] {
        let filled = [("old", old), ("new", typed), ("repeated", repeated)];
        let answer = browser.submit(&page, "/account/password", "Set the password", &filled).await;
        assert_eq!((answer.status, answer.text(".problem").as_str()), (StatusCode::BAD_REQUEST, problem));
    }
    assert!(other.get("/").await.status.is_success());
    let filled = [("old", PASSWORD), ("new", new), ("repeated", new)];
    let answer = browser.submit(&page, "/account/password", "Set the password", &filled).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account?done=password"));
    assert!(browser.get("/account").await.status.is_success());
    assert_eq!(other.get("/").await.status, StatusCode::UNAUTHORIZED);
    let page = other.get("/sign-in").await;
    let answer = other.submit(&page, "/sign-in", "Sign in", &[("email", "ada@example.com"), ("password", new)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_open_browser_is_no_place_to_guess_the_old_password() {
    let site = Site::start().await;
    let mut browser = site.member(Role::Viewer, "Ada").await;
    let page = browser.get("/account").await;
    let filled = [("old", "wrong"), ("new", "quite another one"), ("repeated", "quite another one")];
    for _ in 0..5 {
        browser.submit(&page, "/account/password", "Set the password", &filled).await;
    }
    let answer = browser.submit(&page, "/account/password", "Set the password", &filled).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text(".notice.bad").starts_with("Too many attempts failed."));
}

#[tokio::test]
async fn somebody_of_an_older_server_sets_an_address_and_a_password() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Owner).await;
    let page = browser.get("/account").await;
    assert!(!page.has("form[action='/account/password']"));
    let filled = [("name", "Grace"), ("email", "Grace@example.com")];
    assert_eq!(browser.submit(&page, "/account", "Save", &filled).await.location(), "/account?done=saved");
    let page = browser.get("/account").await;
    let filled = [("new", PASSWORD), ("repeated", PASSWORD)];
    assert_eq!(
        browser.submit(&page, "/account/password", "Set the password", &filled).await.location(),
        "/account?done=password"
    );
    let mut other = site.browser();
    let page = other.get("/sign-in").await;
    let answer = other.submit(&page, "/sign-in", "Sign in", &[("email", "grace@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_address_that_signs_in_is_changed_with_the_password_and_belongs_to_one() {
    let site = Site::start().await;
    drop(site.member(Role::Viewer, "Bob").await);
    let mut browser = site.member(Role::Viewer, "Ada").await;
    let page = browser.get("/account").await;
    for (email, password, problem) in [
        ("ada@example.org", "", "Type your password to change the address."),
        ("BOB@example.com", PASSWORD, "An account with the e-mail address BOB@example.com already exists"),
        ("<b>", PASSWORD, "Invalid e-mail address \"<b>\": it needs a name, an @ and a host, as in ada@example.com"),
    ] {
        let answer = browser.submit(&page, "/account", "Save", &[("email", email), ("password", password)]).await;
        assert_eq!((answer.status, answer.text(".problem").as_str()), (StatusCode::BAD_REQUEST, problem));
        assert_eq!(answer.attributes("#email", "value"), [email]);
    }
    // The name alone needs no password.
    assert_eq!(browser.submit(&page, "/account", "Save", &[("name", "Ada L.")]).await.location(), "/account?done=saved");
    assert_eq!(browser.get("/").await.text(".who-name"), "Ada L. · viewer");
}

#[tokio::test]
async fn sessions_are_listed_with_their_device_and_one_is_ended() {
    let site = Site::start().await;
    let mut browser = site.member(Role::Editor, "Ada").await;
    let agent = site.agent("Orders").await;
    let mut other = site.browser();
    let page = other.get("/sign-in").await;
    let fields = page.fields("/sign-in", "Sign in", &[("email", "ada@example.com"), ("password", PASSWORD)]);
    let agent_header = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    other.post("/sign-in", &[("user-agent", agent_header)], &fields).await;
    let edit = format!("/agents/{agent}/edit");
    let form = other.get(&edit).await;

    let page = browser.get("/account").await;
    let names = page.texts("#sessions ~ .card tbody th");
    assert_eq!(names.len(), 2);
    assert!(
        names.contains(&"Firefox on Linux".to_owned()) && names.iter().any(|name| name.ends_with("this browser")),
        "{names:?}"
    );
    assert_eq!(page.texts("td[data-label='From:']"), ["127.0.0.1", "127.0.0.1"]);
    let answer = browser.submit(&page, "/account/sessions/end", "Sign out", &[]).await;
    assert_eq!(answer.location(), "/account?done=signed-out");
    assert_eq!(browser.get("/account").await.texts("#sessions ~ .card tbody th").len(), 1);

    // What was typed in the browser that was signed out is not lost.
    let answer = other.submit(&form, &edit, "Publish", &[("persona", "Three hours of work")]).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::UNAUTHORIZED, "Your session has ended"));
    assert_eq!(answer.exact("textarea"), "Three hours of work");
    assert_eq!(answer.attributes("input[name=next]", "value"), [edit]);
    assert_eq!(site.published(&agent).await, serde_json::Value::Null);
}

#[tokio::test]
async fn the_last_use_of_a_session_is_noted_once_in_five_minutes() {
    let site = Site::start().await;
    let mut browser = site.member(Role::Viewer, "Ada").await;
    let user = site.id_of("Ada").await;
    let used = async || site.store.sessions(&user).await.unwrap().remove(0).used_at;
    let began = used().await;
    site.pass(USE_NOTED - 1);
    let generation = site.store.generation().await.unwrap();
    browser.get("/").await;
    site.pass(1);
    browser.get("/").await;
    // It is noted beside the request.
    while used().await == began {
        tokio::task::yield_now().await;
    }
    assert_eq!(used().await, began + USE_NOTED);
    assert_eq!(site.store.generation().await.unwrap(), generation, "nobody has to look again");
}

#[tokio::test]
async fn a_theme_is_chosen_and_kept() {
    let site = Site::start().await;
    let mut browser = site.member(Role::Viewer, "Ada").await;
    let page = browser.get("/account").await;
    assert_eq!(page.attributes("html", "data-theme"), ["system"]);
    assert_eq!(page.attributes("meta[name='color-scheme']", "content"), ["light dark"]);
    for (button, theme) in [("Dark", "dark"), ("Light", "light"), ("Like the system", "system")] {
        let page = browser.get("/account").await;
        let answer = browser.submit(&page, "/account/theme", button, &[]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account?done=theme"));
        // Also on pages that are made in the place of others, and where nobody is signed in.
        for path in ["/", "/not-there", "/agents/none", "/sign-in/link/none"] {
            assert_eq!(browser.get(path).await.attributes("html", "data-theme"), [theme], "{path}");
        }
        let pressed = browser.get("/account").await;
        assert_eq!(pressed.text("button[aria-pressed='true']"), button);
    }
    browser.cookies.push(("keepstep_theme".to_owned(), "\"><script>".to_owned()));
    browser.cookies.retain(|(name, value)| name != "keepstep_theme" || value != "system");
    assert_eq!(browser.get("/").await.attributes("html", "data-theme"), ["system"]);
}
