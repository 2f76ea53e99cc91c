//! A page that is read as a whole before it is changed.

use axum::body::{Body, BodyDataStream, Bytes, HttpBody as _};
use axum::http::header;
use axum::http::response::Parts;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};

/// A page, with the body that it came from: that holds the page's share of the memory until the last of it is sent.
pub(crate) struct WholePage {
    parts: Parts,
    text: Bytes,
    body: BodyDataStream,
}

impl WholePage {
    /// Returns true for a page whose size is known. Another one is written while it is sent, and may be of any length.
    pub(crate) fn is_one(response: &Response) -> bool {
        is_page(response)
            && (response.body().size_hint().exact().is_some() || response.headers().contains_key(header::CONTENT_LENGTH))
    }

    /// Reads a page.
    ///
    /// # Errors
    /// It broke off.
    pub(crate) async fn read(response: Response) -> Result<Self, axum::Error> {
        let (parts, body) = response.into_parts();
        let mut body = body.into_data_stream();
        // As a rule it is one piece, which is not copied.
        let mut text = body.next().await.transpose()?.unwrap_or_default();
        while let Some(piece) = body.next().await {
            text = [text, piece?].concat().into();
        }
        Ok(Self { parts, text, body })
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(crate) fn parts(&mut self) -> &mut Parts {
        &mut self.parts
    }

    /// Returns the answer with a text instead of the one that was read, or with that one.
    pub(crate) fn answer(self, text: Option<Vec<u8>>) -> Response {
        let Self { mut parts, text: read, body } = self;
        let text = text.map_or(read, Bytes::from);
        // What answers `HEAD` has none.
        match text.len() {
            0 => parts.headers.remove(header::CONTENT_LENGTH),
            length => parts.headers.insert(header::CONTENT_LENGTH, length.into()),
        };
        let sent = stream::iter([Ok::<_, axum::Error>(text)]).map(move |text| {
            let _body = &body;
            text
        });
        Response::from_parts(parts, Body::from_stream(sent))
    }
}

/// Returns true for what is HTML.
pub(crate) fn is_page(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn the_share_of_a_page_is_held_until_it_is_sent() {
        let share = Arc::new(());
        let held = Arc::clone(&share);
        let pieces = stream::iter(["<p>", "text"]).map(move |piece| {
            let _held = &held;
            Ok::<_, axum::Error>(piece)
        });
        let response = Response::builder().header("content-type", "text/html").header("content-length", 7);
        let response = response.body(Body::from_stream(pieces)).unwrap();
        assert!(WholePage::is_one(&response));
        let page = WholePage::read(response).await.unwrap();
        assert_eq!(page.text(), b"<p>text");
        let answer = page.answer(Some(b"packed".to_vec()));
        assert_eq!(answer.headers()["content-length"], "6");
        let mut body = answer.into_body().into_data_stream();
        assert_eq!(body.next().await.unwrap().unwrap(), "packed");
        assert_eq!(Arc::strong_count(&share), 2, "somebody still reads it");
        drop(body);
        assert_eq!(Arc::strong_count(&share), 1);

        let streamed = Response::builder()
            .header("content-type", "text/html")
            .body(Body::from_stream(stream::empty::<Result<Bytes, axum::Error>>()));
        assert!(!WholePage::is_one(&streamed.unwrap()), "it may be of any length");
    }
}
