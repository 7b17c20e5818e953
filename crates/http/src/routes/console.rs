//! The console, for browsers: files without a description, which call nothing but the described operations.

use std::borrow::Cow;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ContentEncoding, HeaderName, HeaderValue,
    InvalidHeaderValue, REFERRER_POLICY, VARY,
};
use actix_web::web::{self, Bytes, Data, Path, ServiceConfig};
use prediction_console::File;
use serde::Serialize;
use serde_json::json;

use super::{Answer, RoutePattern, get, resource};
use crate::compression::tagged;
use crate::problem::{Problem, ProblemCode};
use crate::request::{Call, ETAG};

const FILES: &str = "/console/{file:.*}";
const SIGN_IN: &str = "/console/sign_in.json";
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Where a person signs in to the console: an issuer, by authorization code with PKCE.
#[derive(Debug, Clone, Serialize)]
pub struct ConsoleSignIn {
    /// The issuer, which describes itself (OpenID Connect Discovery).
    pub issuer: String,
    /// What the console is called there. It has no secret.
    pub client_id: String,
    /// The scopes that it asks for, with spaces between them.
    pub scope: String,
    /// The service that the token is for.
    pub audience: String,
    /// Which origins the console may call for that, as browsers write them.
    #[serde(skip)]
    pub origins: Vec<String>,
}

/// The console, as one service shows it.
#[derive(Debug, Clone)]
pub struct Console {
    policy: HeaderValue,
    sign_in: Bytes,
}

impl Console {
    /// Without a place to sign in, a token is pasted. Fails if an origin is none.
    pub fn new(sign_in: Option<&ConsoleSignIn>) -> Result<Self, InvalidHeaderValue> {
        let origins = sign_in.into_iter().flat_map(|sign_in| sign_in.origins.iter().map(String::as_str));
        let policy = HeaderValue::try_from(prediction_console::content_security_policy(origins))?;
        Ok(Self { policy, sign_in: json!({"provider": sign_in}).to_string().into() })
    }

    /// Adds the console at `/`, before the other routes: they show the documentation there.
    pub fn configure(&self, config: &mut ServiceConfig) {
        config
            .app_data(Data::new(self.clone()))
            .service(resource("/", vec![Method::GET]).route(get().to(page)))
            // Before the files: it is below their path, so that a proxy has to pass on no other.
            .service(resource(SIGN_IN, vec![Method::GET]).route(get().to(sign_in)))
            .service(web::resource(FILES).app_data(RoutePattern(FILES)).to(file));
    }
}

/// The page counts as one request of its address, and its files as none: they cost no more than to refuse them.
async fn page(call: Call, console: Data<Console>) -> Answer {
    call.admit()?;
    answer(&call, &console, prediction_console::page())
}

/// Where a person signs in. No caller is asked for a token here, since there is none yet.
async fn sign_in(console: Data<Console>) -> Answer {
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(console.sign_in.clone()))
}

/// What is no file is not there, whatever the method.
async fn file(call: Call, console: Data<Console>, method: Method, name: Path<String>) -> Answer {
    let file = prediction_console::file(&name).ok_or_else(|| Problem::new(ProblemCode::UnknownRoute))?;
    let methods = [Method::GET, Method::HEAD];
    if !methods.contains(&method) {
        return Err(Problem::method_not_allowed(&methods));
    }
    answer(&call, &console, file)
}

/// A browser keeps the file, and asks whether it is still the same one: so a new release is there at the next reload.
fn answer(call: &Call, console: &Console, file: File) -> Answer {
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
        .insert_header((CONTENT_SECURITY_POLICY, console.policy.clone()))
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
