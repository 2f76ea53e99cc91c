use keepstep_platform::Settings;
use keepstep_store::{LinkPurpose, Role};
use reqwest::StatusCode;

use crate::site::{Browser, PASSWORD, Page, Site};

const CREATE: &str = "Create my account";

fn account<'a>(name: &'a str, email: &'a str) -> [(&'a str, &'a str); 4] {
    [("name", name), ("email", email), ("password", PASSWORD), ("repeated", PASSWORD)]
}

/// Types an address and a password into the form of a page.
async fn sign_in(browser: &mut Browser<'_>, page: &Page, email: &str, password: &str) -> Page {
    browser.submit(page, "/sign-in", "Sign in", &[("email", email), ("password", password)]).await
}

#[tokio::test]
async fn an_invitation_makes_an_account_once() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let link = site.link(Role::Editor).await;

    // Opening it, also many times, uses nothing up: programs that scan links do that.
    for _ in 0..3 {
        assert_eq!(site.browser().get(&link).await.status, StatusCode::OK);
    }
    let page = browser.get(&link).await;
    assert_eq!(page.text("h1"), "You are invited to keepstep");
    let answer = browser.submit(&page, &link, CREATE, &account("Grace", "Grace@Example.com")).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(browser.get("/").await.text(".who-name"), "Grace · editor");

    let mut other = site.browser();
    let again = other.get(&link).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert_eq!(again.text("h1"), "This sign-in link was already used");
    assert_eq!(again.text(".command"), "keepstep admin owner-link --data DIR");
    let again = browser.post(&link, &[], &page.fields(&link, CREATE, &account("Eve", "eve@example.com"))).await;
    assert_eq!(again.status, StatusCode::GONE);
    assert_eq!(site.store.members(&site.scope.org_id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_page_that_was_wanted_opens_after_the_sign_in() {
    let site = Site::start().await;
    drop(site.member(Role::Editor, "Ada").await);
    let agent = site.agent("Orders").await;
    let wanted = format!("/agents/{agent}?before=3");
    let mut browser = site.browser();
    let page = browser.get(&wanted).await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::UNAUTHORIZED, "Sign in to continue"));
    // Another spelling of the same address.
    let answer = sign_in(&mut browser, &page, " ADA@example.com ", PASSWORD).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, wanted.as_str()));
    assert_eq!(browser.get(&wanted).await.text("h1"), "Orders");
    // A second browser at the same time.
    let mut second = site.browser();
    let page = second.get("/sign-in?next=/projects").await;
    assert_eq!(sign_in(&mut second, &page, "ada@example.com", PASSWORD).await.location(), "/projects");
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    // Whoever is signed in goes on at once.
    assert_eq!(browser.get("/sign-in?next=/projects").await.location(), "/projects");
}

#[tokio::test]
async fn an_address_that_leads_away_is_not_opened() {
    let site = Site::start().await;
    drop(site.member(Role::Viewer, "Ada").await);
    for (wanted, opened) in [
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/%5Cevil.example", "/%5Cevil.example"),
        ("%2F%5Cevil.example", "/"),
        ("%2F%09%2Fevil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/agents%22%3E%3Cscript%3E", "/"),
    ] {
        let mut browser = site.browser();
        let page = browser.get(&format!("/sign-in?next={wanted}")).await;
        let next = page.attributes("input[name=next]", "value").remove(0);
        if wanted.starts_with("/%5C") {
            // Decoded by the query; what the form then carries is a path with a backslash, which is refused.
            assert_eq!(next, "/", "{wanted}");
        } else if opened == "/" && !wanted.contains("script") {
            assert_eq!(next, "/", "{wanted}");
        }
        let mut fields = page.fields("/sign-in", "Sign in", &[("email", "ada@example.com"), ("password", PASSWORD)]);
        fields.iter_mut().filter(|(name, _)| name == "next").for_each(|(_, value)| {
            percent_encoding::percent_decode_str(wanted).decode_utf8_lossy().as_ref().clone_into(value);
        });
        let answer = browser.post("/sign-in", &[], &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert!(answer.location().starts_with('/') && !answer.location().starts_with("//"), "{wanted}: {}", answer.location());
        assert!(!answer.location().contains(['\\', '\t']), "{wanted}: {}", answer.location());
    }
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_account_get_the_same_answer() {
    let site = Site::start().await;
    drop(site.member(Role::Viewer, "Ada").await);
    let mut answers = Vec::new();
    for email in ["ada@example.com", "bob@example.com", "not an address"] {
        let mut browser = site.browser();
        let page = browser.get("/sign-in").await;
        let answer = sign_in(&mut browser, &page, email, "wrong horse battery").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.attributes("input[name=email]", "value"), [email], "what was typed stays, but for the password");
        assert!(!answer.body.contains("wrong horse"));
        answers.push(answer.text(".notice.bad"));
    }
    assert!(answers.iter().all(|answer| answer == "The e-mail address or the password is wrong."), "{answers:?}");
}

#[tokio::test]
async fn guessing_a_password_takes_longer_and_longer() {
    let site = Site::start().await;
    drop(site.member(Role::Viewer, "Ada").await);
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut browser = site.browser();
        for _ in 0..5 {
            let page = browser.get("/sign-in").await;
            assert_eq!(sign_in(&mut browser, &page, email, "wrong").await.status, StatusCode::BAD_REQUEST);
        }
        let page = browser.get("/sign-in").await;
        // Also the right one has to wait, from whatever browser, and another spelling of the address is the same account.
        let answer = sign_in(&mut site.browser_with(&browser), &page, &email.to_uppercase(), PASSWORD).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.text(".notice.bad"), "Too many attempts failed. Try again in a second.");
    }
    site.pass(1000);
    let mut browser = site.browser();
    let page = browser.get("/sign-in").await;
    assert_eq!(sign_in(&mut browser, &page, "ada@example.com", "wrong").await.status, StatusCode::BAD_REQUEST);
    let answer = sign_in(&mut browser, &page, "ada@example.com", PASSWORD).await;
    assert_eq!(answer.text(".notice.bad"), "Too many attempts failed. Try again in 2 seconds.");
    site.pass(2000);
    assert_eq!(sign_in(&mut browser, &page, "ada@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER);
    // What was right begins anew.
    let mut browser = site.browser();
    let page = browser.get("/sign-in").await;
    assert_eq!(sign_in(&mut browser, &page, "ada@example.com", "wrong").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn one_network_address_does_not_try_all_accounts() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let page = browser.get("/sign-in").await;
    for number in 0..50 {
        let answer = sign_in(&mut browser, &page, &format!("user{number}@example.com"), "wrong").await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{number}");
    }
    let answer = sign_in(&mut browser, &page, "user50@example.com", "wrong").await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn many_guesses_at_the_same_time_are_no_more_than_in_a_row() {
    let site = Site::start().await;
    drop(site.member(Role::Viewer, "Ada").await);
    let mut first = site.browser();
    let page = first.get("/sign-in").await;
    let fields = page.fields("/sign-in", "Sign in", &[("email", "ada@example.com"), ("password", "wrong")]);
    let attempts = (0..12).map(|_| {
        let (mut browser, fields) = (site.browser_with(&first), fields.clone());
        async move { browser.post("/sign-in", &[], &fields).await.status }
    });
    let answers = futures_util::future::join_all(attempts).await;
    let tried = answers.iter().filter(|status| **status == StatusCode::BAD_REQUEST).count();
    assert_eq!((tried, answers.len()), (5, 12), "{answers:?}");
}

#[tokio::test]
async fn a_link_that_was_left_open_too_long_says_so() {
    let site = Site::start().await;
    let mut browser = site.browser();
    let link = site.link(Role::Owner).await;
    let page = browser.get(&link).await;
    site.pass(60_000);
    let answer = browser.submit(&page, &link, CREATE, &account("Grace", "grace@example.com")).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::GONE, "This sign-in link has expired"));
}

#[tokio::test]
async fn a_cut_link_is_not_known() {
    let site = Site::start().await;
    let link = site.link(Role::Owner).await;
    let page = site.browser().get(&link[..link.len() - 1]).await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::NOT_FOUND, "This sign-in link is invalid"));
}

#[tokio::test]
async fn what_is_wrong_keeps_the_link_alive_and_what_was_typed() {
    let site = Site::start().await;
    drop(site.member(Role::Viewer, "Ada").await);
    let mut browser = site.browser();
    let link = site.link(Role::Owner).await;
    for (name, email, password, repeated, problem) in [
        (" ", "grace@example.com", PASSWORD, PASSWORD, "Invalid name \"\": it is empty"),
        (
            "<b>Grace",
            "grace",
            PASSWORD,
            PASSWORD,
            "Invalid e-mail address \"grace\": it needs a name, an @ and a host, as in ada@example.com",
        ),
        (
            "Grace",
            "ÄDA@example.com ",
            "short",
            "short",
            "A password has at least 10 characters. Three or four words make a good one.",
        ),
        ("Grace", "grace@example.com", PASSWORD, "another", "The two passwords differ."),
        ("Grace", "Ada@EXAMPLE.com", PASSWORD, PASSWORD, "An account with the e-mail address Ada@EXAMPLE.com already exists"),
    ] {
        let page = browser.get(&link).await;
        let filled = [("name", name), ("email", email), ("password", password), ("repeated", repeated)];
        let page = browser.submit(&page, &link, CREATE, &filled).await;
        assert_eq!((page.status, page.text(".problem").as_str()), (StatusCode::BAD_REQUEST, problem));
        assert_eq!(page.attributes("input[name=name]", "value"), [name]);
        assert_eq!(page.attributes("input[name=email]", "value"), [email]);
        assert!(page.attributes("input[type=password]", "value").is_empty());
    }
    let page = browser.get(&link).await;
    let answer = browser.submit(&page, &link, CREATE, &account("Grace", "grace@example.com")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_that_was_open_for_too_long_comes_again_with_what_was_typed() {
    let site = Site::start().await;
    let link = site.link(Role::Owner).await;
    let page = site.browser().get(&link).await;
    let fields = page.fields(&link, CREATE, &account("Eve", "eve@example.com"));
    // The victim's browser never saw the form that the attacker's page sends; neither did one whose cookie has ended.
    let mut browser = site.browser();
    let answer = browser.post(&link, &[], &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.attributes("input[name=name]", "value"), ["Eve"]);
    assert!(site.store.members(&site.scope.org_id).await.unwrap().is_empty());
    let answer = browser.submit(&answer, &link, CREATE, &[("password", PASSWORD), ("repeated", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);

    let page = site.browser().get("/sign-in").await;
    let fields = page.fields("/sign-in", "Sign in", &[("email", "eve@example.com"), ("password", PASSWORD)]);
    let mut browser = site.browser();
    let answer = browser.post("/sign-in", &[], &fields).await;
    assert_eq!((answer.status, browser.cookies.len()), (StatusCode::FORBIDDEN, 1), "no session");
    assert_eq!(sign_in(&mut browser, &answer, "eve@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER);
    for other_site in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        assert_eq!(site.browser().post("/sign-in", &[other_site], &fields).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_sign_in_in_two_tabs_works_in_both() {
    let site = Site::start().await;
    drop(site.member(Role::Viewer, "Ada").await);
    let mut browser = site.browser();
    let first = browser.get("/projects").await;
    drop(browser.get("/").await);
    assert_eq!(sign_in(&mut browser, &first, "ada@example.com", PASSWORD).await.location(), "/projects");
}

#[tokio::test]
async fn a_field_of_five_mebibytes_is_refused() {
    let site = Site::start().await;
    let link = site.link(Role::Owner).await;
    let large = "a".repeat(5 * 1024 * 1024);
    for (path, button) in [("/sign-in", "Sign in"), (link.as_str(), CREATE)] {
        let mut browser = site.browser();
        let page = browser.get(path).await;
        let answer = browser.submit(&page, path, button, &[("email", &large), ("password", &large)]).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{path}");
    }
}

#[tokio::test]
async fn a_link_for_an_owner_makes_one_or_gives_an_account_back() {
    let site = Site::start().await;
    let mut ada = site.member(Role::Editor, "Ada").await;
    let link = site.link_for(LinkPurpose::Owner, Role::Owner, None).await;
    let mut browser = site.browser();
    let page = browser.get(&link).await;
    assert_eq!(page.text("h1"), "Welcome to keepstep");
    let filled =
        [("name", "ignored"), ("email", "ada@example.com"), ("password", "another password"), ("repeated", "another password")];
    assert_eq!(browser.submit(&page, &link, "Sign in as an owner", &filled).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/").await.text(".who-name"), "Ada · owner");
    assert_eq!(ada.get("/").await.status, StatusCode::UNAUTHORIZED, "the old sessions end");
    assert_eq!(site.store.members(&site.scope.org_id).await.unwrap().len(), 1);
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
    assert_eq!(site.browser().get("/").await.text("h1"), "Sign in to continue");
}

#[tokio::test]
async fn a_new_session_ends_the_one_that_the_browser_had() {
    let site = Site::start().await;
    let mut browser = site.member(Role::Viewer, "Ada").await;
    let before = browser.cookies.clone();
    let link = site.link(Role::Viewer).await;
    let page = browser.get(&link).await;
    assert_eq!(browser.submit(&page, &link, CREATE, &account("Bob", "bob@example.com")).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/").await.text(".who-name"), "Bob · viewer");
    browser.cookies = before;
    assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn cookies_are_for_this_platform_alone() {
    let cookie = async |public_url: Option<&str>| {
        let site = Site::start_with(Settings { public_url: public_url.map(str::to_owned), ..Settings::default() }).await;
        let mut browser = site.browser();
        let prefix = public_url.and_then(|url| Some(format!("/{}", url.split('/').nth(3)?))).unwrap_or_default();
        let link = format!("{prefix}{}", site.link(Role::Viewer).await);
        let page = browser.get(&link).await;
        let answer = browser.submit(&page, &link, CREATE, &account("Grace", "grace@example.com")).await;
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
