//! Encrypted connections, and why a connection failed in words.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::ClientBuilder;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use url::Url;

use crate::error::UNKNOWN_AUTHORITY;
use crate::options::Options;
use crate::target::is_loopback;
use crate::text::visible;

/// Returns the beginning of a client for an address: it follows no redirects.
pub(crate) fn builder(address: &Url, options: &Options) -> Result<ClientBuilder, String> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("keepstep/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        // A little less than what is waited for an answer, so that it is known which of the two did not come.
        .connect_timeout(options.silence.mul_f64(0.95))
        .tls_backend_preconfigured(tls(address.scheme() == "https", options)?);
    Ok(if is_loopback(address) { builder.no_proxy() } else { builder })
}

/// Returns a client for a service that is no platform. It follows no redirects and waits for an answer as long as it is let.
///
/// # Errors
/// Encrypted connections cannot be made here; the text is the end of a sentence.
pub fn service_client(address: &Url, options: &Options) -> Result<reqwest::Client, String> {
    builder(address, options)?.build().map_err(|error| reason_of(&error))
}

/// Clients for such services, which are kept: each of them reads all certificates when it is made.
#[derive(Debug)]
pub struct ServiceClients {
    options: Options,
    /// By whether connections are encrypted, and whether they stay on this machine, where no proxy is in between.
    kept: Mutex<HashMap<(bool, bool), reqwest::Client>>,
}

impl ServiceClients {
    /// Returns none yet, which will have these options.
    pub fn new(options: Options) -> Self {
        Self { options, kept: Mutex::default() }
    }

    /// Returns the client for an address.
    ///
    /// # Errors
    /// As for [`service_client`]; the next call tries again.
    pub fn client(&self, address: &Url) -> Result<reqwest::Client, String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = (address.scheme() == "https", is_loopback(address));
        if let Some(client) = kept.get(&kind) {
            return Ok(client.clone());
        }
        let client = service_client(address, &self.options)?;
        kept.insert(kind, client.clone());
        Ok(client)
    }
}

/// Returns the settings for encrypted connections. Reading the system's certificates takes longer than a whole check of a
/// platform without encryption, so that is done only where it is needed.
fn tls(is_needed: bool, options: &Options) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if is_needed {
        let (file, folder) = (options.certificate_file.as_deref(), options.certificate_folder.as_deref());
        let found = if file.is_some() || folder.is_some() {
            rustls_native_certs::load_certs_from_paths(file, folder)
        } else {
            rustls_native_certs::load_native_certs()
        };
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = found.errors.first().map_or_else(String::new, |error| format!(" ({error})"));
            return Err(format!("no certificates to trust were found{why}"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Returns the first error of a type among an error and its causes.
pub(crate) fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| unwrapped(error).downcast_ref())
}

/// Returns what the standard library's errors wrap, which they leave out of the chain of causes.
fn unwrapped<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => unwrapped(inner),
        None => error,
    }
}

/// Returns what an error comes down to, as the end of a sentence.
pub fn reason_of(error: &(dyn Error + 'static)) -> String {
    if let Some(error) = cause::<rustls::Error>(error) {
        return encryption(error);
    }
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    visible(&(first + characters.as_str()))
}

fn encryption(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(problem) => match problem {
            CertificateError::UnknownIssuer => UNKNOWN_AUTHORITY.to_owned(),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired, or this machine's clock is wrong".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet, or this machine's clock is wrong".to_owned()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name".to_owned()
            }
            other => visible(&format!("its certificate is not good: {other}")),
        },
        rustls::Error::InvalidMessage(_) => "it does not speak TLS; perhaps its address begins with http://".to_owned(),
        other => visible(&other.to_string()),
    }
}
