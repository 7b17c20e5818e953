//! `/docs`: the OpenAPI document for people, who can try each request there.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Bytes, Path};
use utoipa_swagger_ui::Config;

use super::Answer;
use crate::problem::{Problem, ProblemCode};
use crate::request::Call;

/// What the page may do: run and show what comes from this service, and call nothing else. Swagger UI writes styles
/// into its elements, so those are excepted.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; \
    img-src 'self' data:; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What Swagger UI calls its page, and what it is here.
const TITLES: [&str; 2] = ["<title>Swagger UI</title>", "<title>Prediction API, request by request</title>"];

static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    // The validator would be asked on the internet. The base layout has no bar to explore the documents of others.
    let config = Config::from("/openapi.json").validator_url("none").try_it_out_enabled(true);
    Arc::new(config.use_base_layout().persist_authorization(true))
});

/// A file of Swagger UI, which the program has. What is no file is not there, whatever the method.
pub(super) async fn docs(call: Call, method: Method, file: Path<String>) -> Answer {
    call.admit()?;
    let found = utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG));
    let found = found.map_err(|error| Problem::new(ProblemCode::InternalError).caused_by(error.to_string()))?;
    let file = found.ok_or_else(|| Problem::new(ProblemCode::UnknownRoute))?;
    let methods = [Method::GET, Method::HEAD];
    if !methods.contains(&method) {
        return Err(Problem::method_not_allowed(&methods));
    }
    let mut response = HttpResponse::Ok();
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY)).insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    let is_page = file.content_type.starts_with("text/html");
    response.insert_header((CONTENT_TYPE, file.content_type));
    if file.gzpipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    let bytes = match file.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    };
    Ok(response.body(if is_page { titled(&bytes) } else { bytes }))
}

fn titled(page: &Bytes) -> Bytes {
    String::from_utf8_lossy(page).replace(TITLES[0], TITLES[1]).into()
}
