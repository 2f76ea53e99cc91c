//! The least that a server can do: an axum handler that returns a constant.

use anyhow::{Context, Result};
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

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
