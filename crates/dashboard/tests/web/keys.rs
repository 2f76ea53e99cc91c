use keepstep_store::Role;
use reqwest::StatusCode;

use crate::site::Site;

#[tokio::test]
async fn a_key_is_shown_once_and_revoked() {
    let site = Site::start().await;
    let mut transaction = site.store.write().await.unwrap();
    let project = transaction.create_project(&site.scope.org_id, "<b>shop").await.unwrap();
    transaction.commit().await.unwrap();
    let mut browser = site.signed_in(Role::Owner).await;
    let page = browser.get("/keys").await;
    assert_eq!(page.texts(".empty p"), ["None yet."]);
    // The test's browser does not know lists of choices; it adds what a person would choose.
    let mut fields = page.fields("/keys", "Create the key", &[("name", " ci <script> ")]);
    fields.extend(
        [("role", "viewer"), ("project", &project.id), ("days", "30")].map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let page = browser.post("/keys", &[], &fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    let secret = page.text(".notice .command");
    let key = site.store.key(&secret).await.unwrap().unwrap();
    assert_eq!((key.name.as_str(), key.role, key.scope.only_project()), ("ci <script>", Role::Viewer, Some(project.id.as_str())));
    assert_eq!(key.expires_at, Some(key.created_at + 30 * 24 * 60 * 60 * 1000));

    let page = browser.get("/keys").await;
    assert!(!page.body.contains(&secret));
    assert_eq!(page.texts("tbody .badge"), ["active"]);
    assert_eq!(page.texts("td[data-label='Opens:']"), ["project <b>shop"]);
    assert_eq!(page.texts("td[data-label='Created:'] .about"), ["by Grace"]);
    assert_eq!(page.texts("td[data-label='Last used:']"), ["never"]);
    let revoke = page.attributes("tbody a[href$='/revoke']", "href").remove(0);
    let page = browser.get(&revoke).await;
    assert_eq!(page.text("h1"), "Revoke the key ci <script>?");
    assert!(page.texts("form p")[0].starts_with("It has the role viewer, opens the project <b>shop, and was created on"));
    assert!(site.store.key(&secret).await.unwrap().unwrap().revoked_at.is_none(), "looking revokes nothing");
    let answer = browser.submit(&page, &revoke, "Revoke the key", &[]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/keys?done=revoked"));
    let page = browser.get("/keys?done=revoked").await;
    assert_eq!((page.texts("tbody .badge"), page.has("tbody a[href$='/revoke']")), (vec!["revoked".to_owned()], false));
    assert!(site.store.key(&secret).await.unwrap().unwrap().revoked_at.is_some());
}

#[tokio::test]
async fn a_key_without_a_name_is_not_made() {
    let site = Site::start().await;
    let mut browser = site.signed_in(Role::Owner).await;
    let page = browser.get("/keys").await;
    let with = |role: &str| {
        let mut fields = page.fields("/keys", "Create the key", &[("name", "a [/x]")]);
        fields.extend([("role".to_owned(), role.to_owned()), ("days".to_owned(), "90".to_owned())]);
        fields
    };
    let answer = browser.post("/keys", &[], &with("owner")).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.text(".problem").contains("it holds `[/`"));
    assert_eq!(answer.attributes("input[name=name]", "value"), ["a [/x]"]);
    assert_eq!(browser.post("/keys", &[], &with("king")).await.status, StatusCode::BAD_REQUEST);
    assert!(site.store.keys(&site.scope.org_id).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_owners_see_keys() {
    let site = Site::start().await;
    let mut owner = site.signed_in(Role::Owner).await;
    let made = owner.get("/keys").await.fields("/keys", "Create the key", &[("name", "mine")]);
    assert!(owner.get("/").await.has("header nav a[href='/keys']"));
    let mut editor = site.signed_in(Role::Editor).await;
    let page = editor.get("/").await;
    assert!(!page.has("header nav a[href='/keys']"));
    assert_eq!(editor.get("/keys").await.status, StatusCode::FORBIDDEN);
    let csrf = page.attributes("input[name=csrf]", "value").remove(0);
    let mut fields = made;
    fields.iter_mut().filter(|(name, _)| name == "csrf").for_each(|(_, value)| value.clone_from(&csrf));
    for path in ["/keys", "/keys/key_x/revoke", "/keys/devices/login_x/sign-out"] {
        assert_eq!(editor.post(path, &[], &fields).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_key_tells_what_used_it_last() {
    let site = Site::start().await;
    let mut transaction = site.store.write().await.unwrap();
    let new = keepstep_store::NewKey { name: "ci", role: Role::Viewer, scope: &site.scope, expires_at: None };
    let (secret, key) = transaction.create_key(new).await.unwrap();
    transaction.commit().await.unwrap();
    let generation = site.store.generation().await.unwrap();
    for agent in ["<b>curl/8.0 (hidden)", "git/2.0"] {
        assert_eq!(site.call("/api/v1/whoami", secret.reveal(), agent).await, StatusCode::OK);
    }
    // It is noted beside the request.
    let used = async || site.store.keys(&site.scope.org_id).await.unwrap().into_iter().find(|found| found.id == key.id).unwrap();
    while used().await.used_at.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.store.generation().await.unwrap(), generation, "nobody has to look again");
    let page = site.signed_in(Role::Owner).await.get("/keys").await;
    assert_eq!(page.texts("td[data-label='Last used:']"), ["14 Nov 2023, 22:13 UTC<b>curl/8.0"]);
    // Once in five minutes.
    site.pass(keepstep_store::USE_NOTED);
    assert_eq!(site.call("/api/v1/whoami", secret.reveal(), "git/2.0").await, StatusCode::OK);
    while used().await.used_by.as_deref() != Some("git/2.0") {
        tokio::task::yield_now().await;
    }
}
