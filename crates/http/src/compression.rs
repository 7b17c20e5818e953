//! Compressed answers, for clients that want them.
//!
//! Where what a caller sends stands beside what it must not know, the length of the compressed answer tells it
//! (BREACH). So only answers to GET are compressed, and no errors, which show what was sent. What is compressed is
//! another representation, and has an entity tag of its own (RFC 9110, section 8.8.3): that of the plain one, with the
//! coding at its end.

use actix_http::encoding::Encoder;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    AcceptEncoding, CONTENT_ENCODING, CONTENT_TYPE, ContentEncoding, ETAG, Encoding, Header as _, HeaderMap,
    HeaderValue, IF_NONE_MATCH, VARY,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest};

/// What is shorter gains too little.
const LEAST: u64 = 1_024;
/// What can be had, the better one first.
const CODINGS: [ContentEncoding; 2] = [ContentEncoding::Brotli, ContentEncoding::Gzip];

/// Compresses the answer, if that is wanted and does no harm.
pub async fn compress(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let is_get = request.method() == Method::GET;
    let wanted = wanted(&request);
    let known = request.headers().get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).map(str::to_owned);
    let mut response = next.call(request).await?.map_into_boxed_body();
    if !is_get {
        return Ok(response);
    }
    match response.status() {
        StatusCode::OK if is_worth_it(&response) => {
            response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
            let Some(coding) = wanted else { return Ok(response) };
            tag(response.headers_mut(), coding);
            Ok(response.map_body(|head, body| Encoder::response(coding, head, body).boxed()))
        }
        // The tag is that of what the reader has (RFC 9110, section 15.4.5).
        StatusCode::NOT_MODIFIED => {
            let tag_with = |coding| tagged(response.headers().get(ETAG)?.to_str().ok()?, coding);
            let has = |tag: &String| known.as_ref().is_some_and(|known| known.contains(tag.as_str()));
            let tag = CODINGS.into_iter().filter_map(tag_with).find(has);
            if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
                response.headers_mut().insert(ETAG, tag);
            }
            Ok(response)
        }
        _ => Ok(response),
    }
}

/// The tag without what says how the representation is coded.
pub(crate) fn without_coding(opaque: &str) -> &str {
    let coding = CODINGS.iter().find_map(|coding| opaque.strip_suffix(coding.as_str())?.strip_suffix('+'));
    coding.unwrap_or(opaque)
}

fn wanted(request: &ServiceRequest) -> Option<ContentEncoding> {
    let accepted = AcceptEncoding::parse(request).ok()?;
    let supported = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    match accepted.negotiate(supported.iter())? {
        Encoding::Known(coding) if CODINGS.contains(&coding) => Some(coding),
        _ => None,
    }
}

/// Whether the client takes gzip rather than what is plain.
pub(crate) fn takes_gzip(request: &HttpRequest) -> bool {
    let supported = [Encoding::gzip(), Encoding::identity()];
    let negotiated = AcceptEncoding::parse(request).ok().and_then(|accepted| accepted.negotiate(supported.iter()));
    negotiated == Some(Encoding::gzip())
}

fn is_worth_it(response: &ServiceResponse<BoxBody>) -> bool {
    let is_long = match response.response().body().size() {
        BodySize::None => false,
        BodySize::Sized(length) => length >= LEAST,
        BodySize::Stream => true,
    };
    // A file may be there in a compressed form, with a tag that tells it.
    if response.headers().contains_key(CONTENT_ENCODING) {
        return false;
    }
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    is_long && ["application/json", "application/javascript", "text/"].iter().any(|start| kind.starts_with(start))
}

fn tag(headers: &mut HeaderMap, coding: ContentEncoding) {
    let tag = headers.get(ETAG).and_then(|tag| tagged(tag.to_str().ok()?, coding));
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        headers.insert(ETAG, tag);
    }
}

pub(crate) fn tagged(tag: &str, coding: ContentEncoding) -> Option<String> {
    Some(format!("{}+{}\"", tag.strip_suffix('"')?, coding.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_the_coding_at_its_end() {
        for tag in ["3", "3+5f2a1c0b", "3+5f2a1c0b+7"] {
            assert_eq!(without_coding(tag), tag);
            for coding in CODINGS {
                let coded = tagged(&format!("\"{tag}\""), coding).unwrap();
                assert_eq!(coded, format!("\"{tag}+{}\"", coding.as_str()));
                assert_eq!(without_coding(coded.trim_matches('"')), tag);
            }
        }
    }
}
