//! A code becomes a person: the provider is asked for the token of the code, and for what the token leaves out.

use data_encoding::BASE64;
use serde::Deserialize;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::begun::BegunSignIn;
use super::claims::{Claims, Expected, Person};
use super::connection::IssuerRequest;
use super::problem::OidcProblem;
use super::provider::{Endpoints, Provider};
use super::signature::Token;
use crate::text::printable;

/// Where somebody is sent whom the provider shall name.
pub(super) fn authorization_address(
    provider: &Provider,
    endpoints: &Endpoints,
    begun: &BegunSignIn,
    redirect_uri: &str,
) -> String {
    // An address that has a query of its own keeps it.
    let separator = if endpoints.authorization_endpoint.contains('?') { '&' } else { '?' };
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email profile")
        .append_pair("client_id", &provider.settings.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", &begun.state())
        .append_pair("nonce", &begun.nonce())
        .append_pair("code_challenge", &begun.challenge())
        .append_pair("code_challenge_method", "S256")
        .finish();
    format!("{}{separator}{query}", endpoints.authorization_endpoint)
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    access_token: Option<String>,
}

/// What a provider says where it gives no tokens (RFC 6749, 5.2).
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    error_description: Option<String>,
}

/// Returns who somebody is, of whom the provider sent a code.
///
/// # Errors
/// The provider does not answer or refuses the code, or what it sends is not accepted.
pub(super) async fn person_of_code(
    provider: &Provider,
    endpoints: &Endpoints,
    begun: &BegunSignIn,
    code: &str,
    redirect_uri: &str,
    now: i64,
) -> Result<Person, OidcProblem> {
    let tokens = tokens(provider, endpoints, begun, code, redirect_uri).await?;
    let id_token = tokens.id_token.ok_or_else(|| provider.untrusted("there is no ID token"))?;
    let token = Token::parse(&id_token).map_err(|why| provider.untrusted(why))?;
    let payload = provider.verified(&token, endpoints, now).await?;
    let nonce = begun.nonce();
    let expected =
        Expected { issuer: &endpoints.issuer, client_id: &provider.settings.client_id, nonce: &nonce, now: now.div_euclid(1000) };
    let person = Claims::checked(&payload, expected).map_err(|reason| provider.untrusted(reason))?.person;
    // Many providers tell an address only to whoever asks for it.
    match (&person.email, &endpoints.userinfo_endpoint, tokens.access_token) {
        (None, Some(endpoint), Some(access_token)) => {
            let told: Person = provider
                .read(endpoint, Some(format!("Bearer {access_token}")))
                .await
                .map_err(|reason| provider.unavailable(reason))?;
            if told.sub != person.sub {
                return Err(provider.untrusted("it describes another person"));
            }
            Ok(Person {
                name: person.name.or(told.name),
                preferred_username: person.preferred_username.or(told.preferred_username),
                ..told
            })
        }
        _ => Ok(person),
    }
}

/// Returns the request that gives a code for tokens.
fn token_request(
    provider: &Provider,
    endpoints: &Endpoints,
    begun: &BegunSignIn,
    code: &str,
    redirect_uri: &str,
) -> IssuerRequest {
    let settings = &provider.settings;
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", code)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("code_verifier", &begun.verifier());
    let methods = endpoints.token_endpoint_auth_methods_supported.as_deref();
    let takes_basic = methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"));
    let mut authorization = None;
    match &settings.client_secret {
        Some(secret) if takes_basic => {
            // Both are encoded like a form before they are put together (RFC 6749, 2.3.1).
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let pair = format!("{}:{}", encoded(&settings.client_id), encoded(secret.reveal()));
            authorization = Some(format!("Basic {}", BASE64.encode(pair.as_bytes())));
        }
        Some(secret) => {
            form.append_pair("client_id", &settings.client_id).append_pair("client_secret", secret.reveal());
        }
        None => {
            form.append_pair("client_id", &settings.client_id);
        }
    }
    IssuerRequest { url: endpoints.token_endpoint.clone(), authorization, form: Some(form.finish()) }
}

async fn tokens(
    provider: &Provider,
    endpoints: &Endpoints,
    begun: &BegunSignIn,
    code: &str,
    redirect_uri: &str,
) -> Result<Tokens, OidcProblem> {
    let settings = &provider.settings;
    let request = token_request(provider, endpoints, begun, code, redirect_uri);
    let answer = settings.connection.send(request).await.map_err(|reason| provider.unavailable(reason))?;
    if answer.status == 200 {
        return serde_json::from_slice(&answer.body).map_err(|_| provider.untrusted("its answer has no tokens"));
    }
    match serde_json::from_slice::<Refusal>(&answer.body) {
        Ok(refusal) => {
            let why = refusal.error_description.map_or_else(String::new, |text| format!(" ({})", printable(&text)));
            tracing::warn!(
                issuer = settings.issuer,
                error = printable(&refusal.error),
                why,
                "the identity provider gives no tokens"
            );
            // A code that was used or is old is theirs to mend; the rest is a mistake of whoever set this up.
            Err(match refusal.error.as_str() {
                "invalid_grant" => OidcProblem::Declined {
                    provider: provider.name(),
                    reason: "its code was used already, or is too old".to_owned(),
                },
                other => provider.unavailable(format!("it refuses this server: {}{why}", printable(other))),
            })
        }
        Err(_) => Err(provider.unavailable(format!("it answers with status {}", answer.status))),
    }
}
