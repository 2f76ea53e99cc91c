//! Whether a token was signed by its issuer: JSON Web Signature (RFC 7515) with public keys (RFC 7517, 7518, 8037).
//!
//! Only what an issuer can sign and nobody else: no `none`, and no algorithm whose key is a secret that is shared. The algorithm has to be
//! one of the key's kind, so that no token chooses how a key is read.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;

/// The longest token, in bytes.
const LONGEST: usize = 64 * 1024;

/// Algorithms that sign with RSA, by their names.
const RSA: [(&str, &signature::RsaParameters); 6] = [
    ("RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
    ("RS384", &signature::RSA_PKCS1_2048_8192_SHA384),
    ("RS512", &signature::RSA_PKCS1_2048_8192_SHA512),
    ("PS256", &signature::RSA_PSS_2048_8192_SHA256),
    ("PS384", &signature::RSA_PSS_2048_8192_SHA384),
    ("PS512", &signature::RSA_PSS_2048_8192_SHA512),
];

/// Algorithms that sign with a curve: name, curve, how long a coordinate is.
const CURVES: [(&str, &str, usize, &dyn VerificationAlgorithm); 2] =
    [("ES256", "P-256", 32, &signature::ECDSA_P256_SHA256_FIXED), ("ES384", "P-384", 48, &signature::ECDSA_P384_SHA384_FIXED)];

/// The algorithm of Ed25519, under its old name and under that of RFC 9864.
const EDWARDS: [&str; 2] = ["EdDSA", "Ed25519"];

/// How long a key of Ed25519 is.
const EDWARDS_LENGTH: usize = 32;

/// A public key of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    id: Option<String>,
    /// The one algorithm that it is for, if it says so.
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Curve { curve: &'static str, point: Vec<u8> },
    Edwards(Vec<u8>),
}

/// Why a token is not taken for signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unverified {
    /// It is no signed token.
    Malformed(&'static str),
    /// It is signed in a way that is not accepted.
    Algorithm(String),
    /// None of the keys is the one that it names.
    UnknownKey,
    /// The signature is not one of the key.
    Forged,
}

#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

/// A signed token that was taken apart. Nothing of it is true yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    header: Header,
    signed: &'a [u8],
    signature: Vec<u8>,
    payload: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It is not one.
    pub(super) fn parse(text: &'a str) -> Result<Self, Unverified> {
        if text.len() > LONGEST {
            return Err(Unverified::Malformed("it is too long"));
        }
        let malformed = Unverified::Malformed("it has not three parts");
        let (signed, signature) = text.rsplit_once('.').ok_or(malformed.clone())?;
        let (header, payload) = signed.split_once('.').filter(|(_, payload)| !payload.contains('.')).ok_or(malformed)?;
        let decoded = |part: &str| {
            BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Unverified::Malformed("one of its parts is not base64url"))
        };
        let header =
            serde_json::from_slice::<Header>(&decoded(header)?).map_err(|_| Unverified::Malformed("its header is invalid"))?;
        if header.crit.is_some() {
            return Err(Unverified::Malformed("its header has extensions that must be understood"));
        }
        Ok(Self { header, signed: signed.as_bytes(), signature: decoded(signature)?, payload: decoded(payload)? })
    }

    /// Returns what the token says, if one of the keys has signed it.
    ///
    /// # Errors
    /// None has; [`Unverified::UnknownKey`] where newer keys may help.
    pub(super) fn verified(&self, keys: &[Key]) -> Result<&[u8], Unverified> {
        let algorithm = self.header.alg.as_str();
        if !is_accepted(algorithm) {
            return Err(Unverified::Algorithm(self.header.alg.clone()));
        }
        let mut candidates = keys.iter().filter(|key| key.may_sign(algorithm, self.header.kid.as_deref())).peekable();
        if candidates.peek().is_none() {
            return Err(Unverified::UnknownKey);
        }
        if candidates.any(|key| key.has_signed(algorithm, self.signed, &self.signature)) {
            Ok(&self.payload)
        } else {
            Err(Unverified::Forged)
        }
    }
}

fn is_accepted(algorithm: &str) -> bool {
    RSA.iter().any(|(name, _)| *name == algorithm)
        || CURVES.iter().any(|(name, ..)| *name == algorithm)
        || EDWARDS.contains(&algorithm)
}

impl Key {
    /// Returns true where the key is of the kind of an algorithm, and is the one that was named, if one was.
    fn may_sign(&self, algorithm: &str, id: Option<&str>) -> bool {
        let is_of_kind = match &self.material {
            Material::Rsa { .. } => RSA.iter().any(|(name, _)| *name == algorithm),
            Material::Curve { curve, .. } => CURVES.iter().any(|(name, of, ..)| *name == algorithm && of == curve),
            Material::Edwards(_) => EDWARDS.contains(&algorithm),
        };
        let is_for_it = self.algorithm.as_deref().is_none_or(|only| only == algorithm);
        is_of_kind && is_for_it && id.is_none_or(|id| self.id.as_deref() == Some(id))
    }

    fn has_signed(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.material {
            Material::Rsa { modulus, exponent } => RSA
                .iter()
                .find(|(name, _)| *name == algorithm)
                .map(|(_, parameters)| RsaPublicKeyComponents { n: modulus, e: exponent }.verify(parameters, signed, signature)),
            Material::Curve { point, .. } => CURVES
                .iter()
                .find(|(name, ..)| *name == algorithm)
                .map(|(.., how)| UnparsedPublicKey::new(*how, point).verify(signed, signature)),
            Material::Edwards(key) => Some(UnparsedPublicKey::new(&signature::ED25519, key).verify(signed, signature)),
        };
        verified.is_some_and(|outcome| outcome.is_ok())
    }
}

/// A key as an issuer writes it.
#[derive(Debug, Deserialize)]
struct Written {
    kty: String,
    r#use: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Written {
    fn read(self) -> Option<Key> {
        if self.r#use.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let material = match self.kty.as_str() {
            "RSA" => Material::Rsa { modulus: number(self.n.as_deref())?, exponent: number(self.e.as_deref())? },
            "EC" => {
                let (_, curve, length, _) = CURVES.iter().find(|(_, curve, ..)| self.crv.as_deref() == Some(*curve))?;
                let (x, y) = (bytes(self.x.as_deref())?, bytes(self.y.as_deref())?);
                if x.len() != *length || y.len() != *length {
                    return None;
                }
                // An uncompressed point.
                Material::Curve { curve, point: [&[4], x.as_slice(), y.as_slice()].concat() }
            }
            "OKP" if self.crv.as_deref() == Some("Ed25519") => {
                Material::Edwards(bytes(self.x.as_deref()).filter(|key| key.len() == EDWARDS_LENGTH)?)
            }
            _ => return None,
        };
        Some(Key { id: self.kid, algorithm: self.alg, material })
    }
}

fn bytes(text: Option<&str>) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text?.as_bytes()).ok()
}

/// Some issuers write a number with a zero before it.
fn number(text: Option<&str>) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    Some(bytes[first..].to_vec())
}

/// Returns the keys of an issuer. What is no key that signs, or of a kind that is not known here, is passed over.
///
/// # Errors
/// The document is no list of keys.
pub(super) fn keys_of(document: &[u8]) -> Result<Vec<Key>, String> {
    #[derive(Deserialize)]
    struct Document {
        keys: Vec<serde_json::Value>,
    }
    let document: Document = serde_json::from_slice(document).map_err(|_| "its list of keys is invalid".to_owned())?;
    let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Written>(key).ok()?.read());
    Ok(keys.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each algorithm its name, a key, and a token that was signed with it, made by Node's `crypto`.
    fn vectors() -> Vec<(&'static str, &'static str, &'static str)> {
        let lines: Vec<&str> = include_str!("signed_tokens.txt").lines().collect();
        lines.chunks(3).map(|chunk| (chunk[0], chunk[1], chunk[2])).collect()
    }

    fn keys(keys: &[&str]) -> Vec<Key> {
        keys_of(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes()).unwrap()
    }

    fn verified(token: &str, keys: &[Key]) -> Result<String, Unverified> {
        let token = Token::parse(token)?;
        Ok(String::from_utf8(token.verified(keys)?.to_vec()).unwrap())
    }

    #[test]
    fn a_token_is_of_the_key_that_signed_it() {
        let all = keys(&vectors().iter().map(|(_, key, _)| *key).collect::<Vec<_>>());
        assert_eq!(all.len(), 5);
        for (name, key, token) in vectors() {
            let own = keys(&[key]);
            for keys in [&own, &all] {
                assert_eq!(verified(token, keys).as_deref(), Ok(r#"{"sub":"ada"}"#), "{name}");
            }
            let others: Vec<Key> = all.iter().filter(|key| !own.contains(key)).cloned().collect();
            assert_eq!(verified(token, &others), Err(Unverified::UnknownKey), "{name}");
            // Whatever is changed, it is signed no more.
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let (header, payload) = signed.split_once('.').unwrap();
            let other = BASE64URL_NOPAD.encode(br#"{"sub":"eve"}"#);
            assert_eq!(verified(&format!("{header}.{other}.{signature}"), &own), Err(Unverified::Forged), "{name}");
            let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
            for signature in [format!("{flipped}{}", &signature[1..]), String::new(), signature[..signature.len() - 4].to_owned()]
            {
                assert!(verified(&format!("{header}.{payload}.{signature}"), &own).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn a_token_does_not_choose_how_a_key_is_read() {
        for (name, key, token) in vectors() {
            let (_, rest) = token.split_once('.').unwrap();
            for other in ["none", "None", "HS256", "HS512", "RS256", "PS256", "ES256", "ES384", "EdDSA", "", "RS1"] {
                if other == name {
                    continue;
                }
                let header = BASE64URL_NOPAD.encode(format!("{{\"alg\":\"{other}\"}}").as_bytes());
                for token in [format!("{header}.{rest}"), format!("{header}.{}.", rest.split_once('.').unwrap().0)] {
                    assert!(verified(&token, &keys(&[key])).is_err(), "{name} as {other}");
                }
            }
            // A key that says for what it is is for nothing else.
            let only = key.replacen('{', "{\"alg\":\"RS512\",", 1);
            assert_eq!(verified(token, &keys(&[&only])), Err(Unverified::UnknownKey), "{name}");
            let encrypts = key.replace("\"sig\"", "\"enc\"");
            assert_eq!(keys(&[&encrypts]), []);
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        let (_, _, token) = vectors()[0];
        let header = |text: &str| format!("{}.e30.AA", BASE64URL_NOPAD.encode(text.as_bytes()));
        for bad in [
            String::new(),
            "a.b".to_owned(),
            format!("{token}.x"),
            format!(".{token}"),
            format!("{token}="),
            "x".repeat(LONGEST + 1),
            header("[]"),
            header("{}"),
            header(r#"{"alg":"RS256","crit":["b64"],"b64":false}"#),
        ] {
            assert!(matches!(Token::parse(&bad), Err(Unverified::Malformed(_))), "{bad}");
        }
    }

    #[test]
    fn keys_that_are_not_known_here_are_passed_over() {
        let (_, good, _) = vectors()[0];
        for other in [
            "null",
            "7",
            "{}",
            r#"{"kty":"oct","k":"AA"}"#,
            r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
            r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
            r#"{"kty":"RSA","n":"AA","e":"AQAB"}"#,
            r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#,
        ] {
            assert_eq!(keys(&[other, good]).len(), 1, "{other}");
        }
        assert!(keys_of(b"[]").is_err() && keys_of(b"").is_err());
        // A number may have a zero before it.
        let padded = r#"{"kty":"RSA","n":"AAEC","e":"AAEAAQ"}"#;
        assert_eq!(keys(&[padded]), keys(&[r#"{"kty":"RSA","n":"AQI","e":"AQAB"}"#]));
    }
}
