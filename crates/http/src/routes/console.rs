//! The console, for browsers: files without a description, which call nothing but the described operations.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ContentEncoding, HeaderName, HeaderValue,
    REFERRER_POLICY, VARY,
};
use actix_web::web::{self, Bytes, Path, ServiceConfig};
use prediction_console::File;

use super::{Answer, RoutePattern, get, resource};
use crate::compression::tagged;
use crate::problem::{Problem, ProblemCode};
use crate::request::{Call, ETAG};

const FILES: &str = "/console/{file:.*}";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Adds the console at `/`, before the other routes: they show the documentation there.
pub fn configure_console(config: &mut ServiceConfig) {
    config
        .service(resource("/", vec![Method::GET]).route(get().to(page)))
        .service(web::resource(FILES).app_data(RoutePattern(FILES)).to(file));
}

/// The page counts as one request of its address, and its files as none: they cost no more than to refuse them.
async fn page(call: Call) -> Answer {
    call.admit()?;
    answer(&call, prediction_console::page())
}

/// What is no file is not there, whatever the method.
async fn file(call: Call, method: Method, name: Path<String>) -> Answer {
    let file = prediction_console::file(&name).ok_or_else(|| Problem::new(ProblemCode::UnknownRoute))?;
    let methods = [Method::GET, Method::HEAD];
    if !methods.contains(&method) {
        return Err(Problem::method_not_allowed(&methods));
    }
    answer(&call, file)
}

/// A browser keeps the file, and asks whether it is still the same one: so a new release is there at the next reload.
fn answer(call: &Call, file: File) -> Answer {
    let is_known = call.freshness()?.has(&file.entity_tag);
    let takes_gzip = call.takes_gzip();
    let (tag, bytes) = if takes_gzip {
        (tagged(&file.entity_tag, ContentEncoding::Gzip), file.gzipped)
    } else {
        (Some(file.entity_tag), file.bytes)
    };
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, tag.unwrap_or_default()))
        .insert_header((VARY, HeaderValue::from_static("Accept-Encoding")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((CONTENT_SECURITY_POLICY, HeaderValue::from_static(prediction_console::CONTENT_SECURITY_POLICY)))
        .insert_header((REFERRER_POLICY, HeaderValue::from_static("no-referrer")))
        .insert_header((OPENER_POLICY, HeaderValue::from_static("same-origin")));
    if is_known {
        return Ok(response.finish());
    }
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(file.content_type)));
    if takes_gzip {
        response.insert_header((CONTENT_ENCODING, HeaderValue::from_static("gzip")));
    }
    Ok(response.body(match bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }))
}
