use keepstep_platform::Settings;
use keepstep_store::Role;
use reqwest::StatusCode;

use crate::site::Site;

#[tokio::test]
async fn a_link_signs_a_browser_in_once() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let link = site.link(Role::Owner).await;

    // Opening it, also many times, uses nothing up: programs that scan links do that.
    for _ in 0..3 {
        assert_eq!(site.browser().get(&link).await.status, StatusCode::OK);
    }
    let page = browser.get(&link).await;
    assert_eq!(page.text("h1"), "Sign in to keepstep");
    let answer = browser.submit(&page, &link, "Sign in", &[("name", "Grace")]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(browser.get("/").await.text(".who-name"), "Grace · owner");

    let mut other = site.browser();
    let again = other.get(&link).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert_eq!(again.text("h1"), "This sign-in link was used before");
    assert_eq!(again.text(".command"), "keepstep admin owner-link --data DIR");
    let again = browser.post(&link, &[], &page.fields(&link, "Sign in", &[("name", "Eve")])).await;
    assert_ne!(again.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_link_that_was_left_open_too_long_says_so() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let link = site.link(Role::Owner).await;
    let page = browser.get(&link).await;
    site.pass(60_000);
    let answer = browser.submit(&page, &link, "Sign in", &[("name", "Grace")]).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::GONE, "This sign-in link is too old"));
}

#[tokio::test]
async fn a_cut_link_is_not_known() {
    let site = Site::start().await;
    let link = site.link(Role::Owner).await;
    let page = site.browser().get(&link[..link.len() - 1]).await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::NOT_FOUND, "This sign-in link is not known here"));
}

#[tokio::test]
async fn a_name_that_is_none_keeps_the_link_alive() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let link = site.link(Role::Owner).await;
    let page = browser.get(&link).await;
    let page = browser.submit(&page, &link, "Sign in", &[("name", " ")]).await;
    assert_eq!((page.status, page.text(".problem").as_str()), (StatusCode::BAD_REQUEST, "\"\" is not a name: it is empty"));
    let answer = browser.submit(&page, &link, "Sign in", &[("name", "Grace")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn signing_in_needs_the_form_of_the_same_browser() {
    let site = Site::start().await;
    let link = site.link(Role::Owner).await;
    let page = site.browser().get(&link).await;
    let fields = page.fields(&link, "Sign in", &[("name", "Eve")]);
    // The victim's browser never saw the form that the attacker's page sends.
    let answer = site.browser().post(&link, &[], &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let cookies = browser.cookies.clone();
    let page = browser.get("/").await;
    assert_eq!(browser.submit(&page, "/sign-out", "Sign out", &[]).await.location(), "/");
    assert!(browser.cookies.is_empty());
    browser.cookies = cookies;
    let page = browser.get("/").await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::UNAUTHORIZED, "Your session has ended"));
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Viewer).await;
    site.pass(14 * 24 * 60 * 60 * 1000);
    assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(site.browser().get("/").await.text("h1"), "Sign in to go on");
}

#[tokio::test]
async fn cookies_are_for_this_platform_alone() {
    let cookie = async |public_url: Option<&str>| {
        let site = Site::start_with(Settings { public_url: public_url.map(str::to_owned), ..Settings::default() }).await;
        let mut browser = site.browser();
        let link = site.link(Role::Viewer).await;
        let page = browser.get(&link).await;
        let answer = browser.submit(&page, &link, "Sign in", &[("name", "Grace")]).await;
        let line = answer.header("set-cookie").to_owned();
        let (name, rest) = line.split_once('=').unwrap();
        (name.to_owned(), rest.split_once("; ").unwrap().1.to_owned())
    };
    let (name, attributes) = cookie(None).await;
    assert_eq!((name.as_str(), attributes.as_str()), ("keepstep_session", "Path=/; HttpOnly; SameSite=Lax; Max-Age=1209600"));
    let (name, attributes) = cookie(Some("https://keepstep.example/prefix")).await;
    assert_eq!(name, "__Host-keepstep_session");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Max-Age=1209600; Secure");
}
