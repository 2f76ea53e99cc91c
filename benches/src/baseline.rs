//! The least that a server can do: an axum handler that returns a constant, and one that keeps what it is sent.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, put};
use http_body_util::BodyExt;
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

/// Serves a constant body of this many bytes on a free port until it is killed, and prints the address.
pub(crate) fn serve(bytes: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let body: &'static str = "x".repeat(bytes).leak();
        let router = Router::new().route("/", get(move || async move { ([(CONTENT_TYPE, "application/json")], body) }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, router).await.context("the baseline server failed")
    })
}

/// Writes every body that is put into a file of a folder, and syncs it, until it is killed; prints the address.
pub(crate) fn sink(folder: &Path) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let path = folder.join("body");
    runtime.block_on(async move {
        let keep = move |body: Body| {
            let path = path.clone();
            async move { store(body, path).await.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())) }
        };
        let router = Router::new().route("/{name}", put(keep));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("cannot listen")?;
        println!("http://{}", listener.local_addr()?);
        axum::serve(listener, router).await.context("the handler failed")
    })
}

async fn store(mut body: Body, path: PathBuf) -> Result<()> {
    let mut file = File::create(&path).await?;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            file.write_all(&data).await?;
        }
    }
    file.flush().await?;
    Ok(file.sync_all().await?)
}
