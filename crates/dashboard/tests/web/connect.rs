use keepstep_store::{DeviceCodes, LoginProgress, Role};
use reqwest::StatusCode;

use crate::site::{Browser, Page, Site};

async fn device(site: &Site, name: &str) -> DeviceCodes {
    let mut transaction = site.store.write().await.unwrap();
    let codes = transaction.start_device_login(name, "192.0.2.7").await.unwrap();
    transaction.commit().await.unwrap();
    codes
}

async fn progress(site: &Site, codes: &DeviceCodes) -> LoginProgress {
    let mut transaction = site.store.write().await.unwrap();
    let progress = transaction.complete_device_login(codes.device.reveal()).await.unwrap();
    transaction.commit().await.unwrap();
    progress
}

async fn typed(browser: &mut Browser<'_>, code: &str) -> Page {
    let page = browser.get("/connect").await;
    browser.submit(&page, "/connect", "Continue", &[("code", code)]).await
}

#[tokio::test]
async fn a_person_lets_a_device_in_and_signs_it_out() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Editor).await;
    let codes = device(&site, "laptop <b>\u{202e}\u{1b}[31m").await;
    let page = typed(&mut browser, &codes.user.to_lowercase().replace('-', " ")).await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::OK, "Let this device in?"));
    assert_eq!(page.text("dd strong"), "laptop <b>\\u{202e}\\u{1b}[31m");
    assert_eq!(page.texts("dd")[1], "192.0.2.7");
    assert!(matches!(progress(&site, &codes).await, LoginProgress::Pending), "looking approves nothing");
    let answer = browser.submit(&page, "/connect/decide", "Approve", &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/connect?done=approved"));
    let LoginProgress::Approved(keys) = progress(&site, &codes).await else { panic!("not approved") };
    assert_eq!((keys.user.name.as_str(), keys.user.role), ("Grace", Role::Editor));

    let page = browser.get("/connect").await;
    assert_eq!(page.texts("tbody th"), ["laptop <b>\\u{202e}\\u{1b}[31m"]);
    let sign_out = page.attributes("tbody a[href$='/sign-out']", "href").remove(0);
    let page = browser.get(&sign_out).await;
    assert_eq!(page.text("h1"), "Sign out laptop <b>\\u{202e}\\u{1b}[31m?");
    assert!(
        page.texts("form p")[0].starts_with("It acts as Grace, and was signed in from 192.0.2.7 on"),
        "{:?}",
        page.texts("form p")
    );
    // Somebody else's device is not there.
    assert_eq!(site.signed_in(Role::Editor).await.get(&sign_out).await.status, StatusCode::NOT_FOUND);
    let answer = browser.submit(&page, &sign_out, "Sign it out", &[]).await;
    assert_eq!(answer.location(), "/connect?done=signed-out");
    assert!(!browser.get("/connect").await.has("tbody"));
    assert!(site.store.key(keys.access.reveal()).await.unwrap().unwrap().revoked_at.is_some());
}

#[tokio::test]
async fn a_device_that_is_refused_gets_nothing() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let codes = device(&site, "laptop").await;
    let page = typed(&mut browser, &codes.user).await;
    assert_eq!(browser.submit(&page, "/connect/decide", "Refuse", &[]).await.location(), "/connect?done=denied");
    assert!(matches!(progress(&site, &codes).await, LoginProgress::Denied));
    // Going back in the browser and thinking better of it is too late.
    let again = browser.submit(&page, "/connect/decide", "Approve", &[]).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert!(matches!(progress(&site, &codes).await, LoginProgress::Denied));
}

#[tokio::test]
async fn guessing_codes_ends_soon() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let codes = device(&site, "laptop").await;
    for _ in 0..10 {
        let page = typed(&mut browser, "BCDF-2345").await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST);
        assert!(page.text(".problem").starts_with("No device waits with this code."), "{}", page.body);
    }
    let page = typed(&mut browser, &codes.user).await;
    assert_eq!(page.text(".problem"), "Too many wrong codes; try again in some minutes.");
    // Somebody else is not kept waiting.
    assert_eq!(typed(&mut site.signed_in(Role::Viewer).await, &codes.user).await.status, StatusCode::OK);
    site.pass(keepstep_store::CODE_LIFE);
    assert_eq!(typed(&mut browser, &device(&site, "other").await.user).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_in_the_address_is_only_filled_in() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Viewer).await;
    let codes = device(&site, "laptop").await;
    let page = browser.get(&format!("/connect?code={}", codes.user)).await;
    assert_eq!(page.attributes("input[name=code]", "value"), std::slice::from_ref(&codes.user));
    assert!(!page.body.contains("laptop"));
    assert!(!browser.get("/connect?done=%3Cscript%3E").await.has(".notice"));
    assert_eq!(site.browser().get("/connect").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn approving_needs_the_form_of_the_session() {
    let site = Site::start().await;
    let codes = device(&site, "laptop").await;
    let mut attacker = site.signed_in(Role::Viewer).await;
    let page = typed(&mut attacker, &codes.user).await;
    let fields = page.fields("/connect/decide", "Approve", &[]);
    let mut victim = site.signed_in(Role::Owner).await;
    for headers in [&[][..], &[("origin", "https://evil.example")]] {
        let answer = victim.post("/connect/decide", headers, &fields).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    assert!(matches!(progress(&site, &codes).await, LoginProgress::Pending));
}
