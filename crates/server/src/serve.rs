use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, rt, web};
use anyhow::{Context as _, anyhow};
use prediction_domain::use_cases::Purger;
use prediction_http::Api;
use prediction_http::auth::cache::CachingVerifier;
use tokio::signal::unix::{SignalKind, signal};

use crate::command_line::ServeOptions;
use crate::database::PortsOfStore;
use crate::purge::PurgeThread;
use crate::system::SystemClock;
use crate::{database, greeting, identity, logging};

/// How long the headers of a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection without requests is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long requests that are being answered are waited for when the server stops: longer than any deadline.
const SHUTDOWN_SECONDS: u64 = 15;

/// Serves until somebody stops it.
pub(crate) fn serve(options: &ServeOptions) -> anyhow::Result<()> {
    logging::start(options)?;
    let identity = identity::of_server(options)?;
    let database = database::open(&options.database)?;
    if !options.no_migrate {
        for migration in database.migrate()? {
            tracing::info!(migration, "the database schema was migrated");
        }
    }
    let PortsOfStore { ports, retention, health, statistics } = database.ports();
    let purger = Purger::new(retention, Arc::clone(&ports.clock), &*ports.ids);
    let verifier = Arc::new(CachingVerifier::new(identity.verifier(), Arc::new(SystemClock)));
    let api = web::Data::new(Api::start(ports, health, verifier).with_statistics(statistics));

    rt::System::new().block_on(async {
        let shared = api.clone();
        let for_purge = api.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .wrap(from_fn(prediction_http::middleware::observe))
                .configure(prediction_http::configure)
        })
        .client_request_timeout(HEADER_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals()
        .bind(options.listen.as_str())
        .map_err(|error| cannot_listen(&options.listen, &error))?;

        greeting::greet(&server.addrs(), &database.place(), &identity)?;
        let server = server.run();
        if let Some(feed) = identity.into_feed() {
            let api = api.clone();
            rt::spawn(async move {
                feed.keys.keep_fresh(&feed.source, feed.max_age, |fetch| api.note_key_fetch(fetch)).await;
            });
        }
        let purge = if options.no_purge {
            None
        } else {
            Some(PurgeThread::start(purger, database.purge_batch(), for_purge, options.purge_every)?)
        };
        rt::spawn(stop_on_signal(api, server.handle()));
        server.await.context("the server failed")?;
        if let Some(purge) = purge {
            purge.stop();
        }
        tracing::info!("stopped");
        Ok(())
    })
}

/// SIGTERM and Ctrl-C: answer what is under way, take nothing new, and end.
async fn stop_on_signal(api: web::Data<Api>, server: ServerHandle) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; the server can only be killed");
        return;
    };
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    tracing::info!(signal = name, "stopping");
    api.stop();
    server.stop(true).await;
}

fn cannot_listen(listen: &str, error: &std::io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("cannot listen on {listen}: another program does; stop it, or choose another port with --listen")
        }
        ErrorKind::PermissionDenied => {
            anyhow!("cannot listen on {listen}: not allowed; choose a port above 1023 with --listen")
        }
        _ => anyhow!("cannot listen on {listen}: {error}"),
    }
}
