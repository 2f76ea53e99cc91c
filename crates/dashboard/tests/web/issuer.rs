//! An identity provider inside of a test: it answers as one, or as the test wants it to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use keepstep_platform::{IssuerAnswer, IssuerConnection, IssuerRequest, OidcSettings, Settings};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::site::{Browser, Page};

const ISSUER: &str = "https://id.example";
const CLIENT: &str = "steps:1";
const SECRET: &str = "s3cret/ä";

/// In seconds: the time of every site when it starts.
const NOW: i64 = 1_700_000_000;

/// Changes what the provider would say.
pub(crate) type Twist = fn(&mut Sayings);

/// What the provider would say about somebody.
pub(crate) struct Sayings {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) userinfo: Value,
    /// What the token endpoint answers; the token takes its place in it.
    pub(crate) tokens: Value,
    /// Signs with a key that the provider does not publish.
    pub(crate) is_forged: bool,
}

/// A code that was given out.
struct Grant {
    challenge: String,
    redirect_uri: String,
    sayings: Sayings,
}

/// An identity provider. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Issuer(Arc<Mutex<State>>);

struct State {
    key: Vec<u8>,
    key_id: String,
    codes: HashMap<String, Grant>,
    /// How many codes were given out.
    given: usize,
    userinfo: Value,
    /// Why nobody can reach it.
    down: Option<&'static str>,
    document: Value,
    /// What it was asked, by path.
    asked: Vec<String>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Issuer")
    }
}

fn new_key() -> Vec<u8> {
    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap().as_ref().to_vec()
}

fn key_pair(key: &[u8]) -> EcdsaKeyPair {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &SystemRandom::new()).unwrap()
}

fn encoded(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let document = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize?tenant=1"),
            "token_endpoint": format!("{ISSUER}/token"),
            "jwks_uri": format!("{ISSUER}/keys"),
            "userinfo_endpoint": format!("{ISSUER}/me"),
        });
        let (key, key_id) = (new_key(), "one".to_owned());
        let (codes, userinfo, asked) = (HashMap::new(), Value::Null, Vec::new());
        Self(Arc::new(Mutex::new(State { key, key_id, codes, given: 0, userinfo, down: None, document, asked })))
    }

    /// Returns the settings of a server whose people sign in here.
    pub(crate) fn settings(&self) -> Settings {
        let oidc = OidcSettings {
            issuer: ISSUER.to_owned(),
            client_id: CLIENT.to_owned(),
            client_secret: Some(SECRET.to_owned().into()),
            connection: Arc::new(self.clone()),
        };
        assert!(!format!("{oidc:?}").contains("s3cret"));
        Settings { oidc: Some(oidc), ..Settings::default() }
    }

    /// Makes it unreachable, or reachable again.
    pub(crate) fn set_down(&self, why: Option<&'static str>) {
        self.0.lock().unwrap().down = why;
    }

    /// Changes what it says of itself.
    pub(crate) fn set_document(&self, name: &str, value: Value) {
        self.0.lock().unwrap().document[name] = value;
    }

    /// Signs with another key from now on.
    pub(crate) fn rotate(&self) {
        let mut state = self.0.lock().unwrap();
        (state.key, state.key_id) = (new_key(), format!("{}+", state.key_id));
    }

    /// Returns how often a path was asked for.
    pub(crate) fn times(&self, path: &str) -> usize {
        self.0.lock().unwrap().asked.iter().filter(|asked| *asked == path).count()
    }

    /// Lets somebody in who was sent here, and returns where the browser is sent back to.
    pub(crate) fn authorize(&self, location: &str, person: &Value, twist: Twist) -> String {
        let url = Url::parse(location).unwrap();
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        let asked = |name: &str| query.get(name).unwrap_or_else(|| panic!("no {name} in {location}")).as_str();
        assert!(location.starts_with(&format!("{ISSUER}/authorize?tenant=1&")), "{location}");
        assert_eq!((asked("response_type"), asked("client_id"), asked("code_challenge_method")), ("code", CLIENT, "S256"));
        assert_eq!(asked("scope"), "openid email profile");
        let mut claims = json!({ "iss": ISSUER, "aud": CLIENT, "exp": NOW + 3600, "iat": NOW, "nonce": asked("nonce") });
        claims.as_object_mut().unwrap().extend(person.as_object().unwrap().clone());
        let mut state = self.0.lock().unwrap();
        let mut sayings = Sayings {
            header: json!({ "alg": "ES256", "kid": state.key_id }),
            claims,
            userinfo: json!({ "sub": person["sub"] }),
            tokens: json!({ "id_token": "", "access_token": "access", "token_type": "Bearer" }),
            is_forged: false,
        };
        twist(&mut sayings);
        state.given += 1;
        let code = format!("code-{}", state.given);
        let (challenge, redirect_uri) = (asked("code_challenge").to_owned(), asked("redirect_uri").to_owned());
        let back = Url::parse_with_params(&redirect_uri, [("code", code.as_str()), ("state", asked("state"))]).unwrap();
        state.codes.insert(code, Grant { challenge, redirect_uri, sayings });
        format!("{}?{}", back.path(), back.query().unwrap())
    }

    /// Goes all the way from a page of the server to the provider and back, as a person.
    pub(crate) async fn sign_in(&self, browser: &mut Browser<'_>, begin: &str, person: &Value) -> Page {
        self.sign_in_twisted(browser, begin, person, |_| {}).await
    }

    /// The same, where the provider says something else.
    pub(crate) async fn sign_in_twisted(&self, browser: &mut Browser<'_>, begin: &str, person: &Value, twist: Twist) -> Page {
        let leaving = browser.get(begin).await;
        assert_eq!(leaving.status, reqwest::StatusCode::SEE_OTHER, "{}", leaving.body);
        let back = self.authorize(leaving.location(), person, twist);
        browser.get(&back).await
    }
}

impl State {
    fn answer(&mut self, request: &IssuerRequest) -> (u16, Value) {
        let url = Url::parse(&request.url).unwrap();
        self.asked.push(url.path().to_owned());
        match url.path() {
            "/.well-known/openid-configuration" => (200, self.document.clone()),
            "/keys" => {
                let point = key_pair(&self.key).public_key().as_ref().to_vec();
                let coordinate = |from: usize| BASE64URL_NOPAD.encode(&point[from..from + 32]);
                let key = json!({ "kty": "EC", "crv": "P-256", "kid": self.key_id, "x": coordinate(1), "y": coordinate(33) });
                (200, json!({ "keys": [key] }))
            }
            "/token" => self.tokens(request),
            "/me" if request.authorization.as_deref() == Some("Bearer access") => (200, self.userinfo.clone()),
            _ => (404, Value::Null),
        }
    }

    fn tokens(&mut self, request: &IssuerRequest) -> (u16, Value) {
        let pair = BASE64.encode(b"steps%3A1:s3cret%2F%C3%A4");
        if request.authorization.as_deref() != Some(&format!("Basic {pair}")) {
            return (401, json!({ "error": "invalid_client" }));
        }
        let form = request.form.clone().unwrap();
        let form: HashMap<_, _> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        assert_eq!(form["grant_type"], "authorization_code");
        // A code works once.
        let Some(Grant { challenge, redirect_uri, sayings }) = self.codes.remove(&form["code"]) else {
            return (400, json!({ "error": "invalid_grant" }));
        };
        assert_eq!(BASE64URL_NOPAD.encode(&Sha256::digest(form["code_verifier"].as_bytes())), challenge);
        assert_eq!(form["redirect_uri"], redirect_uri);
        self.userinfo = sayings.userinfo;
        let signed = format!("{}.{}", encoded(&sayings.header), encoded(&sayings.claims));
        let key = if sayings.is_forged { new_key() } else { self.key.clone() };
        let signature = match sayings.header["alg"].as_str() {
            Some("none") => String::new(),
            _ => BASE64URL_NOPAD.encode(key_pair(&key).sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref()),
        };
        let mut tokens = sayings.tokens;
        if tokens["id_token"] == "" {
            tokens["id_token"] = format!("{signed}.{signature}").into();
        }
        (200, tokens)
    }
}

impl IssuerConnection for Issuer {
    fn send(&self, request: IssuerRequest) -> BoxFuture<'static, Result<IssuerAnswer, String>> {
        let mut state = self.0.lock().unwrap();
        let answer = match state.down {
            Some(why) => {
                state.asked.push("down".to_owned());
                Err(why.to_owned())
            }
            None => {
                let (status, body) = state.answer(&request);
                Ok(IssuerAnswer { status, body: body.to_string().into_bytes() })
            }
        };
        async { answer }.boxed()
    }
}
