//! Connections that the server encrypts itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keepstep_platform::Settings;
use keepstep_server::{Tls, serve};
use keepstep_store::Store;
use reqwest::{Certificate, Client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A server with a certificate.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<std::io::Result<()>>,
    _folder: tempfile::TempDir,
}

async fn start() -> Server {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("keepstep.db")).await.unwrap();
    let tls = Tls::from_files(&fixture("first.crt"), &fixture("first.key")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(serve(listener, Some(tls), store, Settings::default(), keepstep_dashboard::pages, async {
        let _ = stopped.await;
    }));
    Server { address, stop, ended, _folder: folder }
}

fn client(trusted: &str) -> Client {
    let certificate = Certificate::from_pem(&std::fs::read(fixture(trusted)).unwrap()).unwrap();
    Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap()
}

#[tokio::test]
async fn who_trusts_the_certificate_is_answered_with_addresses_of_https() {
    let server = start().await;
    let (address, client) = (server.address, client("first.crt"));
    let answer = client.get(format!("https://{address}/healthz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    // What a browser keeps goes only over encrypted connections.
    let page = client.get(format!("https://{address}/sign-in")).send().await.unwrap();
    let cookies: Vec<_> = page.headers().get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    assert!(
        !cookies.is_empty() && cookies.iter().all(|line| line.starts_with("__Host-") && line.ends_with("; Secure")),
        "{cookies:?}"
    );
    let login =
        client.post(format!("https://{address}/api/cli-connect/start")).json(&serde_json::json!({})).send().await.unwrap();
    let login = login.text().await.unwrap();
    assert!(login.contains(&format!("\"https://{address}/connect\"")), "{login}");
}

#[tokio::test]
async fn who_does_not_trust_it_or_speaks_no_tls_gets_nothing() {
    let server = start().await;
    let address = server.address;
    assert!(client("second.crt").get(format!("https://{address}/healthz")).send().await.is_err());
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    plain.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.ends_with("This server speaks HTTPS: begin its address with https://\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn who_says_nothing_locks_nobody_out_and_holds_nothing_up() {
    let server = start().await;
    let address = server.address;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let answer = client("first.crt").get(format!("https://{address}/healthz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    // Sooner than a handshake may take, and than requests are waited for that still run.
    server.stop.send(()).unwrap();
    timeout(Duration::from_secs(20), server.ended).await.unwrap().unwrap().unwrap();
    drop(silent);
}
