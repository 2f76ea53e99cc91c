//! Pages are sent packed to browsers that take it.
//!
//! Only what was read by `GET`: the answer to a form may have a secret in it that is shown once, and how long something is when it is
//! packed tells about its content. The token that every page has is written differently each time, so its length tells nothing.

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use keepstep_http::packing::{Effort, Packing};

use crate::whole_page::WholePage;

/// What is smaller is sent in one packet anyway, in bytes.
const SMALL: usize = 1024;

/// Packs a page. One that is written while it is sent goes as it is.
pub(crate) async fn pack(request: Request, next: Next) -> Response {
    let packing = Packing::best_for(request.headers()).filter(|_| request.method() == Method::GET);
    let response = next.run(request).await;
    let is_meant = response.status() == StatusCode::OK
        && !response.headers().contains_key(header::CONTENT_ENCODING)
        && WholePage::is_one(&response);
    let Some(packing) = packing.filter(|_| is_meant) else { return response };
    let Ok(mut page) = WholePage::read(response).await else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    if page.text().len() <= SMALL {
        return page.answer(None);
    }
    page.parts().headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    let packed = packing.pack(page.text(), Effort::Quick).ok();
    if packed.is_some() {
        page.parts().headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(packing.name()));
    }
    page.answer(packed)
}
