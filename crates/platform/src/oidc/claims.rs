//! What an ID token says, and whether it was said to us, now, and for this sign-in (OpenID Connect Core 1.0, 3.1.3.7).

use keepstep_store::EmailAddress;
use serde::{Deserialize, Deserializer};
use subtle::ConstantTimeEq as _;

use crate::text::printable;

/// How far the clocks of two machines may be apart, in seconds.
const APART: i64 = 60;

/// The longest name that an issuer may give to somebody, in bytes.
const LONGEST_SUBJECT: usize = 255;

/// What a token has to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    /// In seconds.
    pub(super) now: i64,
}

/// What an ID token says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: Audience,
    azp: Option<String>,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    nonce: Option<String>,
    #[serde(flatten)]
    pub(super) person: Person,
}

/// Who somebody is, as an ID token or the issuer's page about its user says it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Person {
    pub(super) sub: String,
    #[serde(default)]
    pub(super) email: Option<String>,
    #[serde(default, deserialize_with = "truth")]
    pub(super) email_verified: bool,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) preferred_username: Option<String>,
}

impl Person {
    /// Returns the address, if the issuer has verified it.
    pub(super) fn verified_email(&self) -> Option<EmailAddress> {
        self.email.as_deref().filter(|_| self.email_verified).and_then(|email| EmailAddress::parse(email).ok())
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Some issuers write `"true"`.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value == true || value == "true")
}

impl Claims {
    /// Returns what a token says about somebody, after checking that it was said to us, now, and for this sign-in.
    ///
    /// # Errors
    /// It was not: why, as the end of a sentence.
    pub(super) fn checked(payload: &[u8], expected: Expected<'_>) -> Result<Self, String> {
        let claims: Self = serde_json::from_slice(payload).map_err(|_| "the ID token lacks what every one has".to_owned())?;
        if claims.iss != expected.issuer {
            return Err(format!("the ID token is of another issuer, {}", printable(&claims.iss)));
        }
        let is_for_us = match &claims.aud {
            Audience::One(audience) => audience == expected.client_id,
            // What others can present as well says for whom it was made.
            Audience::Many(audiences) => {
                audiences.iter().any(|audience| audience == expected.client_id)
                    && (audiences.len() == 1 || claims.azp.as_deref() == Some(expected.client_id))
            }
        };
        if !is_for_us || claims.azp.as_deref().is_some_and(|party| party != expected.client_id) {
            return Err("the ID token is for another client".to_owned());
        }
        let now = expected.now as f64;
        let apart = APART as f64;
        if claims.exp + apart <= now {
            return Err("the ID token has expired; check the clocks of both servers".to_owned());
        }
        if [claims.nbf, claims.iat].into_iter().flatten().any(|time| time - apart > now) {
            return Err("the ID token is from the future; check the clocks of both servers".to_owned());
        }
        let nonce = claims.nonce.as_deref().unwrap_or_default();
        if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
            return Err("the ID token is for another sign-in".to_owned());
        }
        if claims.person.sub.is_empty() || claims.person.sub.len() > LONGEST_SUBJECT {
            return Err("the ID token names no one".to_owned());
        }
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn good() -> Value {
        json!({
            "iss": "https://id.example", "aud": "steps", "exp": NOW + 300, "iat": NOW, "nonce": "n", "sub": "ada",
            "email": "ada@example.com", "email_verified": true,
        })
    }

    fn checked(claims: &Value) -> Result<Claims, String> {
        let expected = Expected { issuer: "https://id.example", client_id: "steps", nonce: "n", now: NOW };
        Claims::checked(claims.to_string().as_bytes(), expected)
    }

    #[test]
    fn each_claim_that_is_wrong_is_refused() {
        assert_eq!(checked(&good()).unwrap().person.sub, "ada");
        for (name, value, reason) in [
            ("iss", json!("https://id.example/"), "another issuer"),
            ("iss", Value::Null, "lacks"),
            ("aud", json!("other"), "another client"),
            ("aud", json!([]), "another client"),
            ("aud", json!(["steps", "other"]), "another client"),
            ("azp", json!("other"), "another client"),
            ("exp", json!(NOW - 60), "has expired"),
            ("exp", json!("soon"), "lacks"),
            ("exp", Value::Null, "lacks"),
            ("nbf", json!(NOW + 61), "from the future"),
            ("iat", json!(NOW + 61), "from the future"),
            ("nonce", json!("m"), "another sign-in"),
            ("nonce", json!(""), "another sign-in"),
            ("nonce", Value::Null, "another sign-in"),
            ("sub", json!(""), "names no one"),
            ("sub", json!("x".repeat(256)), "names no one"),
            ("sub", Value::Null, "lacks"),
        ] {
            let mut claims = good();
            claims[name] = value.clone();
            let refused = checked(&claims).unwrap_err();
            assert!(refused.contains(reason), "{name} {value}: {refused}");
        }
    }

    #[test]
    fn what_issuers_may_write_is_taken() {
        for (name, value) in [
            ("aud", json!(["steps"])),
            ("azp", json!("steps")),
            ("exp", json!(NOW - 59)),
            ("iat", json!(NOW as f64 + 0.5)),
            ("iat", Value::Null),
            ("nbf", json!(NOW + 60)),
        ] {
            let mut claims = good();
            claims[name] = value.clone();
            assert!(checked(&claims).is_ok(), "{name} {value}");
        }
        let mut claims = good();
        claims["aud"] = json!(["steps", "other"]);
        claims["azp"] = json!("steps");
        assert!(checked(&claims).is_ok());
    }

    #[test]
    fn only_what_is_said_to_be_verified_is() {
        for (value, verified) in [
            (json!(true), true),
            (json!("true"), true),
            (json!(false), false),
            (json!("false"), false),
            (json!(1), false),
            (Value::Null, false),
        ] {
            let mut claims = good();
            claims["email_verified"] = value.clone();
            assert_eq!(checked(&claims).unwrap().person.email_verified, verified, "{value}");
        }
        let mut claims = good();
        claims.as_object_mut().unwrap().remove("email_verified");
        assert!(!checked(&claims).unwrap().person.email_verified);
    }
}
