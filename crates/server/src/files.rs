//! Bodies that come with the content of files.

use std::io;
use std::pin::Pin;

use axum::body::{Body, Bytes};
use futures_util::stream::{Stream, StreamExt as _};

/// How much of a refused body is still read, so that a client that is busy sending gets to see why.
const DRAINED: usize = 16 * 1024 * 1024;

/// A body on its way in.
pub(crate) type Incoming = Pin<Box<dyn Stream<Item = Result<Bytes, io::Error>> + Send>>;

/// Returns the bytes of a body as they come.
pub(crate) fn incoming(body: Body) -> Incoming {
    // Whoever drains it may find it at its end already.
    Box::pin(body.into_data_stream().map(|piece| piece.map_err(io::Error::other)).fuse())
}

/// Reads what is left of a body that was refused, within limits.
pub(crate) async fn drain(body: &mut Incoming) {
    let mut left = DRAINED;
    while let Some(Ok(bytes)) = body.next().await {
        match left.checked_sub(bytes.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
