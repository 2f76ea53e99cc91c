//! Encrypted connections: a certificate and its key from two files, which are read again where they changed.
//!
//! Who renews a certificate replaces the files. New connections have the new one soon afterwards, and those that are open go on. While the
//! files do not fit together, as between the two writes of a renewal, the certificate from before stays.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The first byte of a connection that begins to encrypt: a record with a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// What is said to who speaks HTTP where HTTPS is spoken.
const PLAIN: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n\
    This server speaks HTTPS: begin its address with https://\n";

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file has not what it should have.
    #[error("{} {reason}", file.display())]
    Invalid {
        /// Which file.
        file: PathBuf,
        /// What is wrong, as the rest of a sentence about the file.
        reason: String,
    },
}

/// The certificate that a server shows.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
    /// What the files said when they were last looked at.
    seen: Mutex<Contents>,
}

/// What stands in both files.
#[derive(PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("certificate", &self.0.certificate).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads a certificate, with those that signed it after it, and its key. Both files are PEM.
    ///
    /// # Errors
    /// A file cannot be read or has not what it should have, or they do not belong to each other.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let contents = read(certificate, key)?;
        let config = config(certificate, key, &contents)?;
        Ok(Self(Arc::new(Inner {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            config: RwLock::new(config),
            seen: Mutex::new(contents),
        })))
    }

    /// Reads the files again whenever they changed, for as long as it is polled.
    pub(crate) async fn keep_current(self) {
        let mut told = String::new();
        loop {
            sleep(LOOK_EVERY).await;
            let tls = self.clone();
            // The files may be on a disk that is slow.
            let looked = tokio::task::spawn_blocking(move || tls.look_again()).await;
            match looked.map_err(io::Error::other).and_then(|looked| looked.map_err(io::Error::other)) {
                Ok(is_renewed) => {
                    told.clear();
                    if is_renewed {
                        tracing::info!(file = %self.0.certificate.display(), "new connections have the new certificate");
                    }
                }
                // Not every ten seconds.
                Err(error) if error.to_string() == told => {}
                Err(error) => {
                    tracing::warn!(%error, "the certificate from before is still used");
                    told = error.to_string();
                }
            }
        }
    }

    /// Reads the files, and returns whether the certificate is another one than before.
    ///
    /// # Errors
    /// A file cannot be read, or what they say now cannot be used, which is found once.
    fn look_again(&self) -> Result<bool, TlsError> {
        let Inner { certificate, key, config: current, seen } = &*self.0;
        let contents = read(certificate, key)?;
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == contents {
            return Ok(false);
        }
        let renewed = config(certificate, key, &contents);
        *seen = contents;
        *current.write().unwrap_or_else(PoisonError::into_inner) = renewed?;
        Ok(true)
    }

    /// Agrees with a client on how to encrypt, within so long. One that speaks plain HTTP is told.
    ///
    /// # Errors
    /// It is no client of HTTPS, it takes too long, or the connection broke.
    pub(crate) async fn accept(&self, stream: TcpStream, limit: Duration) -> io::Result<TlsStream<TcpStream>> {
        let config = Arc::clone(&self.0.config.read().unwrap_or_else(PoisonError::into_inner));
        timeout(limit, async {
            let mut stream = stream;
            let mut first = [0];
            if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] {
                stream.write_all(PLAIN).await?;
                stream.shutdown().await?;
                return Err(io::Error::other("it speaks no TLS"));
            }
            TlsAcceptor::from(config).accept(stream).await
        })
        .await?
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Contents, TlsError> {
    let read = |file: &Path| fs::read(file).map_err(|error| TlsError::Unreadable { file: file.to_owned(), error });
    Ok(Contents { certificate: read(certificate)?, key: read(key)? })
}

/// Returns what a server needs to show a certificate.
fn config(certificate: &Path, key: &Path, contents: &Contents) -> Result<Arc<ServerConfig>, TlsError> {
    let invalid = |file: &Path, reason: String| TlsError::Invalid { file: file.to_owned(), reason };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&contents.certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(certificate, format!("is not a PEM file: {error}")))?;
    if chain.is_empty() {
        return Err(invalid(certificate, "has no certificate: a PEM file with `BEGIN CERTIFICATE` is needed".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_| {
        invalid(key, "has no private key: a PEM file with `BEGIN PRIVATE KEY` is needed, without a password".to_owned())
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| invalid(certificate, format!("cannot be used: {error}")))?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, secret).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            invalid(key, format!("is not the key of the certificate in {}", certificate.display()))
        }
        error => invalid(certificate, format!("cannot be used: {error}")),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts a certificate and a key of the fixtures into a folder.
    fn put(folder: &Path, certificate: &str, key: &str) -> (PathBuf, PathBuf) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        let files = (folder.join("tls.crt"), folder.join("tls.key"));
        fs::copy(fixtures.join(certificate), &files.0).unwrap();
        fs::copy(fixtures.join(key), &files.1).unwrap();
        files
    }

    fn refused(folder: &Path, certificate: &str, key: &str) -> String {
        let (certificate, key) = put(folder, certificate, key);
        let error = Tls::from_files(&certificate, &key).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.display()), "")
    }

    #[test]
    fn files_that_cannot_be_used_are_told() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(refused(folder.path(), "first.crt", "second.key"), "tls.key is not the key of the certificate in tls.crt");
        assert_eq!(
            refused(folder.path(), "first.key", "first.key"),
            "tls.crt has no certificate: a PEM file with `BEGIN CERTIFICATE` is needed"
        );
        assert_eq!(
            refused(folder.path(), "first.crt", "first.crt"),
            "tls.key has no private key: a PEM file with `BEGIN PRIVATE KEY` is needed, without a password"
        );
        let absent = Tls::from_files(&folder.path().join("absent.crt"), Path::new("tls.key")).unwrap_err().to_string();
        assert!(absent.starts_with("cannot read ") && absent.contains("absent.crt"), "{absent}");
    }

    #[test]
    fn a_certificate_is_renewed_once_both_files_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = put(folder.path(), "first.crt", "first.key");
        let tls = Tls::from_files(&certificate, &key).unwrap();
        let shown = || Arc::as_ptr(&tls.0.config.read().unwrap());
        let first = shown();
        assert!(!tls.look_again().unwrap(), "nothing changed");
        put(folder.path(), "second.crt", "first.key");
        assert!(tls.look_again().unwrap_err().to_string().contains("is not the key of the certificate"));
        assert!(!tls.look_again().unwrap(), "it is told once");
        assert_eq!(shown(), first, "the one from before stays");
        put(folder.path(), "second.crt", "second.key");
        assert!(tls.look_again().unwrap());
        assert_ne!(shown(), first);
        fs::remove_file(&key).unwrap();
        assert!(matches!(tls.look_again(), Err(TlsError::Unreadable { .. })));
    }
}
