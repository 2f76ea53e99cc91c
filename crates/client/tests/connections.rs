//! Encrypted connections, proxies, names.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::{agent, good_key, options, state, target, told};
use keepstep_client::{Options, Reader, ServiceClients};
use keepstep_testkit::{Canned, Reply};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Starts a server that answers each encrypted request.
fn serve(host: &str) -> SocketAddr {
    let certificate = CertificateDer::from_pem_file(fixture("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("server-key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = Arc::new(builder.with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind((host, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream.unwrap());
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                request.push(byte[0]);
            }
            let body = state(7).to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\nkeepstep-api: 1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            drop(stream.write_all((head + &body).as_bytes()));
        }
    });
    address
}

async fn ask(url: &str, authority: &str) -> Result<(), String> {
    let options = Options { certificate_file: Some(fixture(authority)), ..options().0 };
    let reader = Reader::new(&target(url, Some(&good_key())), &options).unwrap();
    reader.agent(&agent(), None).await.map(drop).map_err(|error| told(&error, url))
}

#[tokio::test]
async fn the_authority_in_a_file_is_trusted_and_no_other() {
    let url = format!("https://{}", serve("127.0.0.1"));
    assert_eq!(ask(&url, "authority.pem").await, Ok(()));
    // An authority that did not sign it.
    insta::assert_snapshot!(ask(&url, "stranger.pem").await.unwrap_err(), @"
    http://server cannot be reached: its certificate is not signed by an authority that this machine trusts
    if it is from an authority of your own, name the authority's file in SSL_CERT_FILE
    ");
}

#[tokio::test]
async fn a_client_for_services_reads_the_certificates_once() {
    let url = format!("https://{}", serve("127.0.0.1")).parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("authority.pem");
    let clients = ServiceClients::new(Options { certificate_file: Some(authority.clone()), ..options().0 });
    let ask = async || Ok::<_, String>(clients.client(&url)?.get(url.clone()).send().await.unwrap().status().as_u16());
    // What fails is not kept.
    assert!(ask().await.unwrap_err().starts_with("no certificates to trust were found"));
    std::fs::copy(fixture("authority.pem"), &authority).unwrap();
    assert_eq!(ask().await, Ok(200));
    std::fs::remove_file(&authority).unwrap();
    assert_eq!(ask().await, Ok(200));
    // Connections that are not encrypted have a client of their own.
    assert!(clients.client(&"http://127.0.0.1".parse().unwrap()).is_ok());
}

/// Only Linux has more loopback addresses than one without set-up.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_certificate_is_good_for_its_own_names_only() {
    let url = format!("https://{}", serve("127.0.0.2"));
    insta::assert_snapshot!(ask(&url, "authority.pem").await.unwrap_err(), @"http://server cannot be reached: its certificate is for another name");
}

#[tokio::test]
async fn a_server_without_encryption_is_told_from_one_that_is_down() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 2000]));
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n"));
        }
    });
    insta::assert_snapshot!(ask(&url, "authority.pem").await.unwrap_err(), @"http://server cannot be reached: it does not speak TLS; perhaps its address begins with http://");
}

/// The variable that tells a test that it runs in a process of its own, and for what.
const ALONE: &str = "KEEPSTEP_TEST_ALONE";

/// Runs a test of this file again, in a process of its own, with this proxy in its environment or none.
fn run_alone(test: &str, errand: &str, proxy: Option<&str>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(ALONE, errand);
    command.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        match proxy {
            Some(proxy) => command.env(name, proxy),
            None => command.env_remove(name),
        };
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn a_proxy_is_asked_for_other_machines_only() {
    match std::env::var(ALONE).as_deref() {
        Ok("another machine") => {
            common::reader("http://platform.example").agent(&agent(), None).await.unwrap();
        }
        Ok(_) => {
            let server = Canned::start(|_| Reply::json(404, &json!({})));
            assert!(common::reader(&server.url()).agent(&agent(), None).await.is_err());
            assert_eq!(server.requests().len(), 2);
        }
        Err(_) => {
            let proxy = Canned::start(|_| Reply::json(200, &state(7)).header("keepstep-api", "1"));
            let test = "a_proxy_is_asked_for_other_machines_only";
            run_alone(test, "another machine", Some(&proxy.url()));
            assert_eq!(proxy.summary(), "GET http://platform.example/api/v1/agents/baseAgent_agent_1/state");
            run_alone(test, "this machine", Some(&proxy.url()));
            assert_eq!(proxy.requests().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_not_the_same_as_nobody_there() {
    if std::env::var_os(ALONE).is_none() {
        // A proxy of the developer's would answer for the name.
        return run_alone("a_name_that_nobody_knows_is_not_the_same_as_nobody_there", "ask", None);
    }
    // Too long for a name, which is found out without asking the network.
    let url = format!("http://{}.example", "a".repeat(64));
    let error = common::reader(&url).agent(&agent(), None).await.unwrap_err();
    assert!(error.is_unreachable());
    insta::assert_snapshot!(told(&error, &url), @"http://server cannot be reached: its name cannot be resolved; check the name and the network");
}
