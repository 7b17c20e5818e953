//! The Prediction API over HTTP.
//!
//! [`Api::start`] puts the use cases of [`prediction_domain`] behind lanes; [`configure`] adds the routes to an
//! actix-web application, and [`middleware::observe`] gives every answer its request id, its log line and the form of
//! its errors:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use actix_web::{App, HttpServer, middleware::from_fn, web};
//! use prediction_domain::{ports::StoreHealth, use_cases::Ports};
//! use prediction_http::{Api, Runtime};
//! use prediction_identity::TokenVerifier;
//!
//! async fn serve(
//!     ports: Ports,
//!     health: Arc<dyn StoreHealth>,
//!     verifier: Arc<dyn TokenVerifier>,
//! ) -> std::io::Result<()> {
//!     let api = web::Data::new(Api::start(ports, Runtime::new(health), verifier));
//!     HttpServer::new(move || {
//!         App::new()
//!             .app_data(api.clone())
//!             .wrap(from_fn(prediction_http::middleware::observe))
//!             .configure(prediction_http::configure)
//!     })
//!     .bind(("127.0.0.1", 8000))?
//!     .run()
//!     .await
//! }
//! ```

mod api;
mod body_budget;
pub mod compression;
mod conditions;
mod document;
pub mod expectation;
mod lanes;
mod metrics;
pub mod middleware;
mod pieces;
pub mod problem;
mod rate_limits;
mod readiness;
mod request;
mod routes;
mod shared_pages;
mod streams;
mod traces;

/// What the API is: its operations, and the OpenAPI document that is made from them.
pub mod openapi {
    pub use crate::document::{Access, Body, Examples, Operation, Parameter, Request};
    pub use crate::routes::{document_json as json, operations};
}

pub use api::{Api, REQUEST_DEADLINE, Runtime, SET_UP_DEADLINE, Writers};
pub use lanes::TenantShare;
pub use metrics::ConnectionEnd;
pub use rate_limits::{RateLimits, network};
pub use routes::{Console, ConsoleSignIn, configure, configure_internal, configure_public};
pub use traces::Traces;
