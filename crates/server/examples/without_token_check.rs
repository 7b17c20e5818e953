//! The service on PostgreSQL without looking at tokens: every caller is the same one. `scripts/bench` measures beside
//! it what looking at tokens costs. Not for use: it lets every caller in.
//!
//! `without_token_check postgres://USER@HOST/NAME`

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, rt, web};
use anyhow::Context as _;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use prediction_adapters_postgres::{PostgresStore, PostgresUrl, Settings};
use prediction_adapters_system::{SystemClock, TimeOrderedIds};
use prediction_domain::model::{Caller, Permission, Scope, Timestamp};
use prediction_domain::ports::StorePorts;
use prediction_domain::use_cases::Ports;
use prediction_http::{Api, Runtime};
use prediction_identity::{TokenRejected, TokenVerifier, ValidTime, Verified};

struct AnyCaller(Verified);

impl TokenVerifier for AnyCaller {
    fn verify<'a>(&'a self, _token: &'a str) -> BoxFuture<'a, Result<Verified, TokenRejected>> {
        ready(Ok(self.0.clone())).boxed()
    }
}

fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().json().flatten_event(true).with_env_filter("info,access=off,actix_server=warn").init();
    let url = std::env::args().nth(1).context("the URL of a PostgreSQL database is missing")?;
    let url = PostgresUrl::parse(&url, |name| std::env::var(name).ok())?;
    let store = StorePorts::of(&Arc::new(PostgresStore::connect(Settings::new(url))));
    let ports = Ports::of_store(&store, Arc::new(SystemClock), Arc::new(TimeOrderedIds));
    let caller =
        Caller { subject: "any-caller".to_owned(), permissions: Permission::ALL.into(), scope: Scope::Platform };
    let always = |micros| Timestamp::from_micros(micros).context("a time that can be written down");
    let valid = ValidTime { from: always(0)?, until: always(4_000_000_000_000_000)? };
    let verifier = Arc::new(AnyCaller(Verified { caller: Arc::new(caller), valid }));
    let api = web::Data::new(Api::start(ports, Runtime::new(store.health), verifier));
    rt::System::new().block_on(async {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(api.clone())
                .wrap(from_fn(prediction_http::middleware::observe))
                .configure(prediction_http::configure)
        })
        .bind("127.0.0.1:0")?;
        for address in server.addrs() {
            tracing::info!(%address, "listening");
        }
        Ok(server.run().await?)
    })
}
