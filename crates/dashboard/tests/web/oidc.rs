use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use keepstep_platform::Settings;
use keepstep_store::{LinkPurpose, Role};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::issuer::{Issuer, Sayings, Twist};
use crate::site::{Browser, PASSWORD, Page, Site};

const LINK: &str = "/account/identities/link";

fn ada() -> Value {
    json!({ "sub": "subject-ada", "email": "Ada@example.com", "email_verified": true, "name": "Ada Lovelace" })
}

async fn start() -> (Issuer, Site) {
    let issuer = Issuer::new();
    let site = Site::start_with(issuer.settings()).await;
    (issuer, site)
}

async fn sign_in_by_password(site: &Site, email: &str, password: &str) -> Page {
    let mut browser = site.browser();
    let page = browser.get("/sign-in").await;
    browser.submit(&page, "/sign-in", "Sign in", &[("email", email), ("password", password)]).await
}

/// Links an identity to the account of a browser, by its password.
async fn link_identity(issuer: &Issuer, browser: &mut Browser<'_>, password: &str, person: &Value) -> Page {
    let page = browser.get("/account").await;
    let page = browser.submit(&page, LINK, "Link id.example", &[("password", password)]).await;
    assert_eq!((page.status, page.text("h1").as_str()), (StatusCode::OK, "Link an identity"));
    let leading = page.attributes("main a.primary", "href").remove(0);
    browser.get(&issuer.authorize(&leading, person, |_| {})).await
}

/// Returns a browser that is signed in as somebody new with the address and an identity of Ada.
async fn linked<'a>(issuer: &Issuer, site: &'a Site, role: Role) -> Browser<'a> {
    let mut browser = site.member(role, "Ada").await;
    assert_eq!(link_identity(issuer, &mut browser, PASSWORD, &ada()).await.location(), "/account?done=linked");
    browser
}

/// Returns what the page says that is wrong.
fn problem(page: &Page) -> String {
    page.text(".notice.bad")
}

#[tokio::test]
async fn an_invitation_is_accepted_with_an_identity() {
    let (issuer, site) = start().await;
    let link = site.link(Role::Editor).await;
    let mut browser = site.browser();
    let page = browser.get(&link).await;
    let begin = page.attributes("main a.button", "href").remove(0);
    assert_eq!(
        (page.text("main a.button").as_str(), begin.as_str()),
        ("Continue with id.example", format!("{link}/oidc").as_str())
    );
    let answer = issuer.sign_in(&mut browser, &begin, &ada()).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"), "{}", answer.body);
    assert_eq!(browser.get("/").await.text(".who-name"), "Ada Lovelace · editor");
    assert_eq!(site.browser().get(&link).await.status, StatusCode::GONE, "it works once");

    // From then on the identity signs in, also where its address has become another one; and the page that was wanted opens.
    let mut second = site.browser();
    let page = second.get("/projects?x=1").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let begin = page.attributes("main a.button", "href").remove(0);
    let person = json!({ "sub": "subject-ada", "email": "other@example.com", "email_verified": false });
    let answer = issuer.sign_in(&mut second, &begin, &person).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/projects?x=1"));
    assert_eq!(second.get("/account").await.attributes("#email", "value"), ["Ada@example.com"]);
    // Whoever is signed in goes on at once.
    assert_eq!(second.get("/sign-in/oidc?next=/projects").await.location(), "/projects");

    let mut owner = site.signed_in(Role::Owner).await;
    let members = owner.get("/members").await;
    assert!(members.texts("td[data-label='Signs in with:']").contains(&"the identity provider".to_owned()));
    let told = owner.get("/activity").await.texts("tbody th");
    assert_eq!(told, ["Sign in", "Sign in", "Link an identity"]);
    assert_eq!(owner.get("/activity").await.texts("td[data-label='From:']")[0], "an unnamed program127.0.0.1");
}

#[tokio::test]
async fn an_address_alone_opens_no_account() {
    let (issuer, site) = start().await;
    // Whoever took the address may be anybody: nobody proves one here.
    let mut first = site.member(Role::Viewer, "Ada").await;
    let mut browser = site.browser();
    let answer = issuer.sign_in(&mut browser, "/sign-in/oidc?next=/projects", &ada()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        problem(&answer),
        "The account with the address Ada@example.com does not sign in with id.example yet. Sign in with its password, then link \
         id.example under Your account. If the password is lost, or the account is not yours, ask an owner of this server."
    );
    assert_eq!(answer.attributes("input[name=next]", "value"), ["/projects"]);
    assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED);
    // Whoever knows the password of the account links it, once.
    let answer = browser.submit(&answer, "/sign-in", "Sign in", &[("email", "ada@example.com"), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/projects");
    let answer = link_identity(&issuer, &mut browser, PASSWORD, &ada()).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account?done=linked"), "{}", answer.body);
    let page = browser.get(answer.location()).await;
    assert_eq!(page.text("[role=status]"), "Linked. From now on it signs you in, too.");
    assert_eq!(page.texts("#identities ~ .card tbody th"), ["https://id.exampleAda@example.com"]);
    let mut again = site.browser();
    assert_eq!(issuer.sign_in(&mut again, "/sign-in/oidc", &ada()).await.location(), "/");
    assert_eq!(again.get("/").await.text(".who-name"), "Ada · viewer");
    // The password works as before, and the browsers stay signed in.
    assert_eq!(sign_in_by_password(&site, "ada@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER);
    assert_eq!(first.get("/").await.status, StatusCode::OK);
    let mut owner = site.signed_in(Role::Owner).await;
    assert!(owner.get("/activity").await.texts("tbody th").contains(&"Link an identity".to_owned()));
    // Somebody else to whom the provider has given the address since is not them.
    let mut other = site.browser();
    let person = json!({ "sub": "subject-eve", "email": "ada@example.com", "email_verified": true });
    let answer = issuer.sign_in(&mut other, "/sign-in/oidc", &person).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(problem(&answer).starts_with("The account with the address ada@example.com signs in with another identity"));
    assert_eq!(other.get("/").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn linking_takes_the_password_and_the_browser_that_gave_it() {
    let (issuer, site) = start().await;
    let (mut ada_s, mut bob_s) = (site.member(Role::Owner, "Ada").await, site.member(Role::Viewer, "Bob").await);
    let page = ada_s.get("/account").await;
    let answer = ada_s.submit(&page, LINK, "Link id.example", &[("password", "wrong")]).await;
    assert_eq!((answer.status, answer.text(".problem").as_str()), (StatusCode::BAD_REQUEST, "Your password is wrong."));
    assert!(!ada_s.cookies.iter().any(|(name, _)| name == "keepstep_oidc"));

    // What begins without a password, or with the password of somebody else, links nothing; the provider does not hear of it.
    let page = bob_s.get("/account").await;
    bob_s.submit(&page, LINK, "Link id.example", &[("password", PASSWORD)]).await;
    let of_bob = bob_s.cookies.iter().find(|(name, _)| name == "keepstep_oidc").unwrap().1.clone();
    let head = of_bob.rsplit_once('.').unwrap().0;
    let made_up = [
        of_bob.clone(),
        format!("{head}."),
        format!("{head}.{}", BASE64URL_NOPAD.encode(b"AAAA")),
        head.replacen("a.", "p.", 1) + ".Lw",
    ];
    for (number, cookie) in made_up.into_iter().enumerate() {
        let state = BASE64URL_NOPAD.encode(&Sha256::digest(format!("keepstep state\n{cookie}").as_bytes()));
        ada_s.cookies.retain(|(name, _)| name != "keepstep_oidc");
        ada_s.cookies.push(("keepstep_oidc".to_owned(), cookie));
        let answer = ada_s.get(&format!("/sign-in/oidc/callback?code=code-9&state={state}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        // The last one is a sign-in, which asks the provider for the code that was made up.
        let reason = if number < 3 { "This sign-in was open for too long" } else { "id.example did not sign you in" };
        assert!(problem(&answer).starts_with(reason), "{number}: {}", problem(&answer));
        assert_eq!(issuer.times("/token"), number / 3);
    }
    assert!(!ada_s.get("/account").await.has("#identities ~ .card tbody"));

    // An identity is one person's, and the only one of its issuer that they have.
    assert_eq!(link_identity(&issuer, &mut bob_s, PASSWORD, &ada()).await.location(), "/account?done=linked");
    let answer = link_identity(&issuer, &mut ada_s, PASSWORD, &ada()).await;
    assert_eq!(
        (answer.status, problem(&answer).as_str()),
        (StatusCode::FORBIDDEN, "Bob signs in with this identity already. Unlink it there first.")
    );
    let page = bob_s.get("/account").await;
    assert!(!page.has(&format!("form[action='{LINK}']")));
    let csrf = page.attributes("main input[name=csrf]", "value").remove(0);
    let fields = [("csrf".to_owned(), csrf), ("password".to_owned(), PASSWORD.to_owned())];
    let page = bob_s.post(LINK, &[], &fields).await;
    let leading = page.attributes("main a.primary", "href").remove(0);
    let other = json!({ "sub": "another" });
    let back = issuer.authorize(&leading, &other, |_| {});
    let answer = bob_s.get(&back).await;
    assert_eq!(
        (answer.status, problem(&answer).as_str()),
        (StatusCode::FORBIDDEN, "Your account signs in with another identity of id.example already. Unlink that first.")
    );
    // Whoever has no password needs none, and signs out before the end for nothing.
    let mut grace = site.signed_in(Role::Viewer).await;
    let page = grace.get("/account").await;
    assert!(!page.has("#link-password"));
    let page = grace.submit(&page, LINK, "Link id.example", &[]).await;
    let back = issuer.authorize(&page.attributes("main a.primary", "href").remove(0), &other, |_| {});
    let mut signed_out = site.browser_with(&grace);
    signed_out.cookies.retain(|(name, _)| name != "keepstep_session");
    assert_eq!(signed_out.get(&back).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(grace.get(&back).await.location(), "/account?done=linked");
}

#[tokio::test]
async fn an_address_may_be_told_only_to_whoever_asks() {
    let (issuer, site) = start().await;
    let begin = format!("{}/oidc", site.link(Role::Viewer).await);
    let person = json!({ "sub": "subject-ada" });
    let mut browser = site.browser();
    let answer = issuer
        .sign_in_twisted(&mut browser, &begin, &person, |sayings| {
            sayings.userinfo = json!({ "sub": "subject-eve", "email": "ada@example.com", "email_verified": true });
        })
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(problem(&answer).contains("it describes another person"), "{}", problem(&answer));
    let answer = issuer.sign_in_twisted(&mut browser, &begin, &person, |sayings| sayings.userinfo = ada()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    assert_eq!(browser.get("/").await.text(".who-name"), "Ada Lovelace · viewer");
    assert_eq!(browser.get("/account").await.attributes("#email", "value"), ["Ada@example.com"]);
}

#[tokio::test]
async fn whoever_was_not_invited_is_told_whom_to_ask() {
    let (issuer, site) = start().await;
    drop(site.member(Role::Owner, "Olive").await);
    let ask = |person: Value| {
        let (issuer, site) = (&issuer, &site);
        async move {
            let mut browser = site.browser();
            let answer = issuer.sign_in(&mut browser, "/sign-in/oidc", &person).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED);
            problem(&answer)
        }
    };
    assert_eq!(ask(ada()).await, "No account here belongs to Ada@example.com. You need an invitation: ask Olive.");
    // Whoever is at another host learns no names.
    let stranger = json!({ "sub": "eve", "email": "eve@evil.example", "email_verified": true });
    assert_eq!(
        ask(stranger).await,
        "No account here belongs to eve@evil.example. You need an invitation: ask an owner of this server."
    );
    let nameless = json!({ "sub": "eve" });
    assert_eq!(
        ask(nameless).await,
        "No account here belongs to this identity. You need an invitation: ask an owner of this server."
    );
    // An address that is not verified is nobody's.
    for verified in [json!(false), json!("no"), Value::Null] {
        let claimed = json!({ "sub": "eve", "email": "olive@example.com", "email_verified": verified });
        assert_eq!(
            ask(claimed).await,
            "id.example has not verified the address olive@example.com, so no account is found by it. Ask an owner of this server \
             for an invitation; if you have an account, sign in with its password, and link id.example under Your account."
        );
    }
    assert_eq!(site.store.members(&site.scope.org_id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_signs_nobody_in() {
    let (issuer, site) = start().await;
    drop(linked(&issuer, &site, Role::Owner).await);
    let twists: [(Twist, &str); 15] = [
        (|sayings| sayings.claims["iss"] = "https://evil.example".into(), "is of another issuer"),
        (|sayings| sayings.claims["aud"] = "other".into(), "is for another client"),
        (|sayings| sayings.claims["azp"] = "other".into(), "is for another client"),
        (|sayings| sayings.claims["exp"] = (1_700_000_000 - 60).into(), "has expired"),
        (|sayings| sayings.claims["iat"] = (1_700_000_000 + 61).into(), "from the future"),
        (|sayings| sayings.claims["nonce"] = "other".into(), "is for another sign-in"),
        (|sayings| sayings.claims["sub"] = "".into(), "names no one"),
        (|sayings| sayings.is_forged = true, "the signature of the ID token is wrong"),
        (|sayings| sayings.header["alg"] = "none".into(), "is signed by the algorithm none"),
        (|sayings| sayings.header["alg"] = "HS256".into(), "is signed by the algorithm HS256"),
        (|sayings| sayings.header["alg"] = "ES384".into(), "by a key that the issuer does not publish"),
        (|sayings| sayings.header["kid"] = "two".into(), "by a key that the issuer does not publish"),
        (|sayings| sayings.header["crit"] = json!(["b64"]), "extensions"),
        (|sayings| sayings.tokens["id_token"] = "a.b.c".into(), "the ID token is invalid"),
        (|sayings| sayings.tokens["id_token"] = Value::Null, "there is no ID token"),
    ];
    for (twist, reason) in twists {
        let mut browser = site.browser();
        let answer = issuer.sign_in_twisted(&mut browser, "/sign-in/oidc", &ada(), twist).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{reason}");
        assert!(problem(&answer).contains(reason), "{reason}: {}", problem(&answer));
        assert_eq!(browser.get("/").await.status, StatusCode::UNAUTHORIZED, "{reason}");
    }
    assert!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.location() == "/", "the right one passes");
}

#[tokio::test]
async fn an_answer_is_for_the_browser_that_began_and_for_ten_minutes() {
    let (issuer, site) = start().await;
    drop(linked(&issuer, &site, Role::Owner).await);
    let before = issuer.times("/token");
    let begin = async |browser: &mut Browser<'_>| browser.get("/sign-in/oidc?next=/projects").await.location().to_owned();
    let mut browser = site.browser();
    let leading = begin(&mut browser).await;
    let back = issuer.authorize(&leading, &ada(), |_| {});
    // Another browser, which has begun nothing or something else; a state that is cut, changed or missing; an old one.
    let mut other = site.browser();
    let nothing_begun = other.get(&back).await;
    begin(&mut other).await;
    let mut answers = vec![nothing_begun, other.get(&back).await];
    for wrong in
        [back.replace("state=", "state=x"), back[..back.len() - 1].to_owned(), back.split("&state").next().unwrap().to_owned()]
    {
        answers.push(browser.get(&wrong).await);
    }
    site.pass(10 * 60 * 1000);
    answers.push(browser.get(&back).await);
    for answer in answers {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(problem(&answer).starts_with("This sign-in was open for too long, or was begun in another browser or tab."));
        assert_eq!(answer.header("set-cookie").matches("keepstep_session").count(), 0);
    }
    assert_eq!(issuer.times("/token"), before, "the provider hears of none of these");

    // The code works once, also where the browser has kept its cookie.
    let location = begin(&mut browser).await;
    let back = issuer.authorize(&location, &ada(), |_| {});
    let kept = browser.cookies.clone();
    assert!(kept.iter().any(|(name, _)| name == "keepstep_oidc"));
    assert_eq!(browser.get(&back).await.location(), "/projects");
    assert!(!browser.cookies.iter().any(|(name, _)| name == "keepstep_oidc"));
    let mut again = site.browser();
    again.cookies = kept;
    let answer = again.get(&back).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(problem(&answer), "id.example did not sign you in: its code was used already, or is too old.");
    // And the provider may say no.
    let location = begin(&mut again).await;
    let state = location.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let answer =
        again.get(&format!("/sign-in/oidc/callback?error=access_denied&error_description=Not+%3Cyou%3E.&state={state}")).await;
    assert_eq!(problem(&answer), "id.example did not sign you in: Not <you>.");
    let location = begin(&mut again).await;
    let state = location.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let answer = again.get(&format!("/sign-in/oidc/callback?code=code-1&iss=https%3A%2F%2Fevil.example&state={state}")).await;
    assert!(problem(&answer).contains("the answer is of another issuer"), "{}", problem(&answer));
}

#[tokio::test]
async fn keys_are_asked_for_again_where_one_is_not_known() {
    let (issuer, site) = start().await;
    drop(linked(&issuer, &site, Role::Owner).await);
    for times in [1, 1] {
        assert_eq!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.location(), "/");
        assert_eq!(issuer.times("/keys"), times, "they are kept");
    }
    issuer.rotate();
    let answer = issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "not at once again: nobody makes this server ask as often as they like");
    site.pass(10_000);
    assert_eq!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.location(), "/");
    assert_eq!((issuer.times("/keys"), issuer.times("/.well-known/openid-configuration")), (2, 1));
    // What is old is asked for again, and used where nobody answers.
    site.pass(60 * 60 * 1000);
    issuer.set_down(Some("no answer within 10 seconds"));
    assert_eq!(site.browser().get("/sign-in/oidc").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn keys_that_cannot_be_had_are_not_asked_for_at_once_again() {
    let issuer = Issuer::new();
    issuer.set_document("jwks_uri", json!("https://id.example/nothing"));
    let site = Site::start_with(issuer.settings()).await;
    let link = site.link(Role::Viewer).await;
    for (pass, times) in [(0, 1), (9_999, 1), (1, 2)] {
        site.pass(pass);
        let answer = issuer.sign_in(&mut site.browser(), &format!("{link}/oidc"), &ada()).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(problem(&answer).contains("it answers with status 404"), "{}", problem(&answer));
        assert_eq!(issuer.times("/nothing"), times);
    }
}

#[tokio::test]
async fn a_provider_that_is_dead_leaves_the_password() {
    let issuer = Issuer::new();
    issuer.set_down(Some("the connection was refused"));
    let site = Site::start_with(issuer.settings()).await;
    let mut owner = site.member(Role::Owner, "Ada").await;
    let looking = async {
        loop {
            let page = site.browser().get("/sign-in").await;
            if page.has(".notice") {
                return page;
            }
        }
    };
    let page = tokio::time::timeout(Duration::from_secs(20), looking).await.unwrap();
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(page.text(".notice"), "id.example cannot be used to sign in now: the connection was refused. A password works.");
    assert_eq!(sign_in_by_password(&site, "ada@example.com", PASSWORD).await.status, StatusCode::SEE_OTHER);
    let answer = site.browser().get("/sign-in/oidc").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem(&answer), "id.example cannot be used to sign in now: the connection was refused.");
    let link = site.link(Role::Viewer).await;
    let answer = site.browser().get(&format!("{link}/oidc")).await;
    assert_eq!((answer.status, answer.text("h1").as_str()), (StatusCode::SERVICE_UNAVAILABLE, "You are invited to keepstep"));
    assert_eq!(issuer.times("down"), 1, "it is left alone for a while");
    issuer.set_down(None);
    site.pass(10_000);
    assert_eq!(link_identity(&issuer, &mut owner, PASSWORD, &ada()).await.location(), "/account?done=linked");
    assert_eq!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.location(), "/");
    assert!(!site.browser().get("/sign-in").await.has(".notice"));

    // One that is not what was named is as good as none.
    for (name, value, reason) in [
        ("issuer", json!("https://evil.example"), "it says that it is the issuer https://evil.example"),
        ("token_endpoint", json!("http://id.example/token"), "its address http://id.example/token is not one of https"),
        ("jwks_uri", Value::Null, "it answers with something else than an issuer does"),
    ] {
        let issuer = Issuer::new();
        issuer.set_document(name, value);
        let site = Site::start_with(issuer.settings()).await;
        let answer = site.browser().get("/sign-in/oidc").await;
        assert_eq!(problem(&answer), format!("id.example cannot be used to sign in now: {reason}."));
    }
}

#[tokio::test]
async fn failed_sign_ins_are_counted() {
    let (issuer, site) = start().await;
    drop(linked(&issuer, &site, Role::Owner).await);
    let forged = |sayings: &mut Sayings| sayings.is_forged = true;
    for _ in 0..50 {
        let answer = issuer.sign_in_twisted(&mut site.browser(), "/sign-in/oidc", &ada(), forged).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    }
    let answer = issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await;
    assert_eq!(
        (answer.status, problem(&answer)),
        (StatusCode::TOO_MANY_REQUESTS, "Too many attempts failed. Try again in a second.".to_owned())
    );
    site.pass(1000);
    assert_eq!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.location(), "/");
}

#[tokio::test]
async fn a_link_is_for_somebody_new_and_for_what_it_says() {
    let (issuer, site) = start().await;
    let mut member = site.member(Role::Viewer, "Ada").await;
    // An invitation for somebody whose address has an account.
    let link = site.link(Role::Owner).await;
    let answer = issuer.sign_in(&mut site.browser(), &format!("{link}/oidc"), &ada()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.text(".problem"), "An account with the e-mail address Ada@example.com already exists");
    // And for somebody who signs in already.
    assert_eq!(link_identity(&issuer, &mut member, PASSWORD, &ada()).await.location(), "/account?done=linked");
    assert_eq!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.location(), "/");
    let answer = issuer.sign_in(&mut site.browser(), &format!("{link}/oidc"), &ada()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(problem(&answer), "Ada signs in with this identity already, so the link was not used. Sign in without it.");
    assert_eq!(site.browser().get(&link).await.status, StatusCode::OK, "neither used it up");
    // An address that is not verified is not taken; a name that cannot be one neither.
    let person = json!({ "sub": "bob", "email": "ada@example.com", "email_verified": false, "name": "\u{7}", "preferred_username": "bob" });
    let mut browser = site.browser();
    assert_eq!(issuer.sign_in(&mut browser, &format!("{link}/oidc"), &person).await.location(), "/");
    assert_eq!(browser.get("/").await.text(".who-name"), "bob · owner");
    assert_eq!(browser.get("/account").await.attributes("#email", "value"), [""]);
    assert_eq!(site.browser().get(&format!("{link}/oidc")).await.status, StatusCode::GONE);
    // A link for a new password sets one.
    let user = site.id_of("Ada").await;
    let reset = site.link_for(LinkPurpose::Reset, Role::Viewer, Some(&user)).await;
    assert!(!site.browser().get(&reset).await.has("main a.button"));
    let eve = json!({ "sub": "eve", "email": "eve@example.com", "email_verified": true });
    assert_eq!(issuer.sign_in(&mut site.browser(), &format!("{reset}/oidc"), &eve).await.status, StatusCode::NOT_FOUND);
    // A link for an owner makes an account one. Whoever had taken that address here is shut out.
    let carl = json!({ "sub": "carl", "email": "carl@example.com", "email_verified": true });
    let mut before = site.member(Role::Viewer, "Carl").await;
    let link = site.link_for(LinkPurpose::Owner, Role::Owner, None).await;
    let mut browser = site.browser();
    assert_eq!(issuer.sign_in(&mut browser, &format!("{link}/oidc"), &carl).await.location(), "/");
    assert_eq!(browser.get("/").await.text(".who-name"), "Carl · owner");
    assert_eq!(before.get("/").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in_by_password(&site, "carl@example.com", PASSWORD).await.status, StatusCode::BAD_REQUEST);
    // Also that of somebody who signs in with their identity already.
    let link = site.link_for(LinkPurpose::Owner, Role::Owner, None).await;
    assert_eq!(issuer.sign_in(&mut site.browser(), &format!("{link}/oidc"), &ada()).await.location(), "/");
    assert_eq!(member.get("/").await.text(".who-name"), "Ada · owner");
}

#[tokio::test]
async fn an_identity_is_unlinked_unless_it_is_the_only_way_in() {
    let (issuer, site) = start().await;
    let link = site.link(Role::Owner).await;
    let mut browser = site.browser();
    issuer.sign_in(&mut browser, &format!("{link}/oidc"), &ada()).await;
    let page = browser.get("/account").await;
    assert_eq!(page.texts("#identities ~ .card tbody th"), ["https://id.exampleAda@example.com"]);
    let unlink = page.attributes("a[href$='/unlink']", "href").remove(0);
    let page = browser.get(&unlink).await;
    assert_eq!(page.text("h1"), "Unlink this identity?");
    let answer = browser.submit(&page, &unlink, "Unlink it", &[]).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(problem(&answer).starts_with("Set an e-mail address and a password first"), "{}", problem(&answer));
    // It is nobody else's to look at.
    let mut other = site.member(Role::Owner, "Bob").await;
    assert_eq!(other.get(&unlink).await.status, StatusCode::NOT_FOUND);
    assert!(other.get("/account").await.has(&format!("form[action='{LINK}']")));

    let page = browser.get("/account").await;
    let filled = [("new", "another password"), ("repeated", "another password")];
    browser.submit(&page, "/account/password", "Set the password", &filled).await;
    let page = browser.get(&unlink).await;
    assert_eq!(browser.submit(&page, &unlink, "Unlink it", &[]).await.location(), "/account?done=unlinked");
    assert_eq!(browser.get(&unlink).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    // It stays so, whatever address it has.
    let answer = issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await;
    assert!(problem(&answer).contains("does not sign in with id.example yet"), "{}", answer.body);
    assert_eq!(link_identity(&issuer, &mut browser, "another password", &ada()).await.location(), "/account?done=linked");
    assert_eq!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.location(), "/");
    // A removed account's identity is nobody's: it can be invited again.
    let remove = format!("/members/{}/remove", site.id_of("Ada Lovelace").await);
    let page = other.get(&remove).await;
    assert_eq!(other.submit(&page, &remove, "Remove them", &[]).await.location(), "/members?done=removed");
    assert_eq!(issuer.sign_in(&mut site.browser(), "/sign-in/oidc", &ada()).await.status, StatusCode::FORBIDDEN);
    let link = site.link(Role::Viewer).await;
    assert_eq!(issuer.sign_in(&mut site.browser(), &format!("{link}/oidc"), &ada()).await.location(), "/");
}

#[tokio::test]
async fn the_way_back_is_below_the_public_address() {
    let issuer = Issuer::new();
    let settings = Settings { public_url: Some("https://steps.example/tools/steps".to_owned()), ..issuer.settings() };
    let site = Site::start_with(settings).await;
    let link = site.link(Role::Viewer).await;
    let mut browser = site.browser();
    let page = browser.get(&format!("/tools/steps{link}")).await;
    let begin = page.attributes("main a.button", "href").remove(0);
    assert_eq!(begin, format!("/tools/steps{link}/oidc"));
    let leaving = browser.get(&begin).await;
    let cookie = leaving.header("set-cookie");
    assert!(cookie.starts_with("__Host-keepstep_oidc=l."), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=600; Secure"), "{cookie}");
    let back = issuer.authorize(leaving.location(), &ada(), |_| {});
    assert!(back.starts_with("/tools/steps/sign-in/oidc/callback?code="), "{back}");
    assert_eq!(browser.get(&back).await.location(), "/tools/steps/");
}

#[tokio::test]
async fn a_server_without_a_provider_offers_none() {
    let site = Site::start().await;
    assert!(!site.browser().get("/sign-in").await.has("main a.button"));
    let link = site.link(Role::Viewer).await;
    for path in ["/sign-in/oidc", "/sign-in/oidc/callback?code=x&state=y", &format!("{link}/oidc")] {
        assert_eq!(site.browser().get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(!site.signed_in(Role::Viewer).await.get("/account").await.has("#identities"));
}
