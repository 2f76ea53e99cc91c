//! The path of the public address: a proxy may put the whole server below `/steps` of a site.
//!
//! Everything in here is written from the root, and this is the one place that knows better. A request may come with the path or
//! without it, as the proxy likes; in pages and redirects it stands before each address of ours. Modules find the root beside
//! themselves (`import.meta.url`).

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, future, stream};
use tower::Service as _;

use crate::whole_page::{WholePage, is_page};

/// The attributes whose values are addresses; the last ones are read by modules.
const ADDRESSES: [&str; 6] = ["href", "src", "action", "formaction", "data-draft", "data-presence"];

/// Returns the path of an address, without a slash at its end; `None` where it has none.
fn path_of(public_url: &str) -> Option<&str> {
    let (_, rest) = public_url.split_once("://")?;
    let path = rest[rest.find('/')?..].trim_end_matches('/');
    Some(path).filter(|path| !path.is_empty())
}

/// Returns the server below the path of its public address, or as it is where that has none.
pub(crate) fn below(public_url: Option<&str>, server: Router) -> Router {
    let Some(prefix) = public_url.and_then(path_of).map(str::to_owned) else { return server };
    Router::new().fallback(move |mut request: Request| {
        let (prefix, mut server) = (prefix.clone(), server.clone());
        async move {
            if let Some(uri) = without(request.uri(), &prefix) {
                *request.uri_mut() = uri;
            }
            match server.call(request).await {
                Ok(response) => with_prefix(response, &prefix).await,
                Err(never) => match never {},
            }
        }
    })
}

/// Returns the address without the prefix, if it begins with it.
fn without(uri: &Uri, prefix: &str) -> Option<Uri> {
    let rest = uri.path().strip_prefix(prefix)?;
    if !rest.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let slash = if rest.is_empty() { "/" } else { "" };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("{slash}{rest}{query}").parse::<PathAndQuery>().ok()?);
    Uri::from_parts(parts).ok()
}

/// Returns an answer whose addresses begin with the prefix.
async fn with_prefix(mut response: Response, prefix: &str) -> Response {
    if let Some(location) = response.headers().get(header::LOCATION)
        && let Ok(location) = location.to_str()
        && is_of_ours(location)
        && let Ok(location) = HeaderValue::from_str(&format!("{prefix}{location}"))
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if WholePage::is_one(&response) {
        let Ok(page) = WholePage::read(response).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
        let text = links_with(&String::from_utf8_lossy(page.text()), prefix);
        return page.answer(Some(text.into_bytes()));
    }
    if is_page(&response) { response.map(|body| written_with(body, prefix.to_owned())) } else { response }
}

/// Returns a page that is written while it is sent, whose links begin with the prefix.
fn written_with(body: Body, prefix: String) -> Body {
    // An end of it that has no piece of its own.
    let pieces = body.into_data_stream().map(Some).chain(stream::iter([None]));
    let pieces = pieces.scan(Vec::new(), move |rest: &mut Vec<u8>, piece| {
        let piece = match piece {
            Some(Ok(piece)) => piece,
            Some(Err(error)) => return future::ready(Some(Err(error))),
            None => return future::ready(Some(Ok(Bytes::from(std::mem::take(rest))))),
        };
        rest.extend_from_slice(&piece);
        // A tag may go on in the next piece.
        let end = rest.iter().rposition(|byte| *byte == b'>').map_or(0, |last| last + 1);
        let after = rest.split_off(end);
        let tags = std::mem::replace(rest, after);
        future::ready(Some(Ok(links_with(&String::from_utf8_lossy(&tags), &prefix).into())))
    });
    Body::from_stream(pieces)
}

/// Returns true for an address that begins at the root of this server.
fn is_of_ours(address: &str) -> bool {
    address.starts_with('/') && !address.starts_with("//")
}

/// Returns a page whose links begin with the prefix. Templates escape quotes in texts, so what looks like an attribute is one.
fn links_with(page: &str, prefix: &str) -> String {
    let mut out = String::with_capacity(page.len() + page.len() / 16);
    let mut rest = page;
    while let Some(found) = rest.find("=\"/") {
        let value = found + "=\"".len();
        let name = rest[..found].rsplit(|letter: char| letter.is_ascii_whitespace()).next().unwrap_or_default();
        out.push_str(&rest[..value]);
        if ADDRESSES.contains(&name) && is_of_ours(&rest[value..]) {
            out.push_str(prefix);
        }
        rest = &rest[value..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::routing::get;

    use super::*;

    #[test]
    fn only_an_address_with_a_path_has_a_prefix() {
        for (url, path) in [
            ("https://x.example", None),
            ("https://x.example/", None),
            ("https://x.example/steps", Some("/steps")),
            ("https://x.example:8/a/b/", Some("/a/b")),
        ] {
            assert_eq!(path_of(url), path, "{url}");
        }
    }

    #[test]
    fn links_begin_with_the_prefix_and_texts_stay() {
        let page = r#"<a href="/">x</a><form action="/keys"><input name="next" value="/keys"><a href="//other"><script src="/a.js">
<a class="b"
href="/agents/1">href=&quot;/x"#;
        let wanted = r#"<a href="/s/">x</a><form action="/s/keys"><input name="next" value="/keys"><a href="//other"><script src="/s/a.js">
<a class="b"
href="/s/agents/1">href=&quot;/x"#;
        assert_eq!(links_with(page, "/s"), wanted);
    }

    #[tokio::test]
    async fn a_page_that_is_written_while_it_is_sent_has_the_prefix_too() {
        let page = "<p>ä<a class=\"b\" href=\"/x\">=\"/t</a><script src=\"/a.js\"></script>end".as_bytes();
        let wanted = "<p>ä<a class=\"b\" href=\"/s/x\">=\"/t</a><script src=\"/s/a.js\"></script>end";
        for size in 1..page.len() {
            let pieces: Vec<_> = page.chunks(size).map(|piece| Ok::<_, axum::Error>(Bytes::copy_from_slice(piece))).collect();
            let body = written_with(Body::from_stream(stream::iter(pieces)), "/s".to_owned());
            let written = to_bytes(body, usize::MAX).await.unwrap();
            assert_eq!(std::str::from_utf8(&written), Ok(wanted), "{size}");
        }
    }

    #[tokio::test]
    async fn a_request_comes_with_the_prefix_or_without_it() {
        let page = || async { axum::response::Html(r#"<a href="/there">"#) };
        let back = || async { axum::response::Redirect::to("/there?x=1") };
        let server = Router::new().route("/", get(page)).route("/here", get(page)).route("/back", get(back));
        let server = below(Some("https://x.example/s"), server);
        let ask = async |path: &str| {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let response = server.clone().call(request).await.unwrap();
            let location = response.headers().get(header::LOCATION).map(|value| value.to_str().unwrap().to_owned());
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            location.unwrap_or_else(|| String::from_utf8(body.to_vec()).unwrap())
        };
        for path in ["/", "/s", "/s/", "/s/here?a=b", "/here"] {
            assert_eq!(ask(path).await, r#"<a href="/s/there">"#, "{path}");
        }
        assert_eq!(ask("/s/back").await, "/s/there?x=1");
        assert_eq!(ask("/sother").await, "");
    }
}
