use std::num::NonZeroU8;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use actix_cors::Cors;
use actix_server::{Server, ServerHandle};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, IF_MATCH, IF_NONE_MATCH, LINK, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, rt, web};
use anyhow::Context as _;
use prediction_adapters_web::TraceExport;
use prediction_domain::use_cases::{ClockWatch, HealthJudge, Ports, Purger, Quotas, UnknownInputs};
use prediction_http::{Api, RateLimits, Runtime, TenantShare, Traces};
use prediction_identity::cache::CachingVerifier;
use prediction_units::UcumUnits;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::background::{BackgroundWorker, Judging, Purge, Watch};
use crate::command_line::{ServeOptions, UsageOptions};
use crate::connections::Connections;
use crate::database::Database;
use crate::demo::{self, Demo};
use crate::greeting::Addresses;
use crate::listener::LastConnections;
use crate::{connections, console, database, greeting, identity, listener, logging};
use prediction_adapters_system::{ProcessClock, SystemClock, TimeOrderedIds};

/// How many connections the internal listener has: for a few operators and monitors.
const INTERNAL_CONNECTIONS: usize = 64;
/// With more processors others always find one.
const FEW_PROCESSORS: usize = 3;
const ALL_OF_THE_TIME: NonZeroU8 = NonZeroU8::new(100).expect("a hundred is not zero");
/// How long requests that are being answered are waited for when the server stops: longer than any deadline.
const SHUTDOWN_SECONDS: u64 = 15;

/// Serves until it is told to stop.
pub(crate) fn serve(mut options: ServeOptions) -> anyhow::Result<()> {
    // Its folder goes when this function ends.
    let demo = if options.demo { Some(Demo::begin()?) } else { None };
    if let Some(demo) = &demo {
        demo.folder().clone_into(&mut options.database.data.data_dir);
    }
    serve_from(&options)
}

fn serve_from(options: &ServeOptions) -> anyhow::Result<()> {
    logging::start(options)?;
    let identity = identity::of_server(options)?;
    let console = console::of_server(options)?;
    let export = options.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty()).map(TraceExport::start);
    let export = export.transpose().context("cannot use --otlp-endpoint")?;
    let database = database::open(&options.database)?;
    if !options.no_migrate {
        migrate(&database)?;
    }
    let store = database.ports();
    if options.demo {
        demo::fill(&store)?;
    }
    let clock = Arc::new(ClockWatch::begin(Arc::new(SystemClock), Arc::new(ProcessClock::start())));
    let ports = Ports::of_store(&store, Arc::new(SystemClock), Arc::new(TimeOrderedIds));
    let ports = Ports {
        quotas: quotas(&options.usage, Arc::clone(&clock)),
        units: Arc::new(UcumUnits),
        unknown_inputs: if options.require_known_inputs { UnknownInputs::Refused } else { UnknownInputs::Accepted },
        ..ports
    };
    let purger = Purger::new(&store, Arc::clone(&clock), &*ports.ids).keeping(options.usage.kept_history());
    let judge = HealthJudge::new(store.judgements, Arc::clone(&clock));
    let verifier = Arc::new(CachingVerifier::new(identity.verifier(), Arc::new(SystemClock)));
    let limits = RateLimits { per_subject: options.limit_per_subject, per_peer: options.limit_per_peer };
    let mut runtime = Runtime::new(store.health)
        .with_statistics(store.statistics)
        .with_clock_watch(Arc::clone(&clock))
        .with_rate_limits(limits)
        .with_tenant_share(tenant_share(options.usage.tenant_share, &database));
    if let Some(export) = &export {
        runtime = runtime.with_traces(Traces::new(export.tracer(), export.propagator()));
    }
    let api = web::Data::new(Api::start_for(database.writers(), ports, runtime, verifier));
    let runtime = Arc::clone(api.runtime());
    let public = listener::bind("--listen", &options.listen)?;
    let internal = options.listen_internal.as_ref().map(|address| listener::bind("--listen-internal", address));
    let internal = internal.transpose()?.unwrap_or_default();
    let addresses = Addresses {
        public: listener::addresses(&public)?,
        internal: listener::addresses(&internal)?,
        has_console: console.is_some(),
    };
    let last_connections = LastConnections::of(public.iter().chain(&internal))?;
    let drains = !options.drain_delay.is_zero();
    let per_peer = options.max_connections_per_peer.map(|most| most.get() as usize);
    // A pool may be replaced by another one while its connections hang.
    let others = INTERNAL_CONNECTIONS + 2 * options.database.database_connections.get() as usize;
    let most = connections::allowed(options.max_connections.get(), others);
    let connections = Connections::new(most, per_peer, Arc::clone(&runtime));
    // The operator gets in when the service is full.
    let internal_connections = Connections::new(INTERNAL_CONNECTIONS, None, Arc::clone(&runtime));

    rt::System::new().block_on(async {
        let (for_public, for_internal) = (api.clone(), api.clone());
        let (origins, is_compressing) = (options.cors_origins.clone(), options.compress);
        let configure =
            if internal.is_empty() { prediction_http::configure } else { prediction_http::configure_public };
        let server = Server::build().disable_signals().shutdown_timeout(SHUTDOWN_SECONDS);
        let server = listener::serve(server, public, &connections, drains, move || {
            App::new()
                .app_data(for_public.clone())
                .wrap(Condition::new(is_compressing, from_fn(prediction_http::compression::compress)))
                .wrap(from_fn(prediction_http::middleware::observe))
                // Outside, since errors are written anew by the one before.
                .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
                .configure(|config| console.iter().for_each(|console| console.configure(config)))
                .configure(configure)
        })?;
        let server = listener::serve(server, internal, &internal_connections, drains, move || {
            App::new()
                .app_data(for_internal.clone())
                .wrap(from_fn(prediction_http::middleware::observe))
                .configure(prediction_http::configure_internal)
        })?;

        // Before the address is announced: from then on a user may want the service to stop.
        let signals = Signals::listen().context("signals cannot be received")?;
        greeting::greet(&addresses, &database.place(), options, &identity)?;
        let server = server.run();
        if let Some(feed) = identity.into_feed() {
            let runtime = Arc::clone(&runtime);
            rt::spawn(async move {
                feed.keys.keep_fresh(&feed.source, feed.max_age, |fetch| runtime.note_key_fetch(fetch)).await;
            });
        }
        let purge = Purge::new(purger, database.purge_batch(), Arc::clone(&runtime), options.purge_every);
        let purge = (!options.no_purge).then(|| BackgroundWorker::start(purge)).transpose()?;
        let judging = BackgroundWorker::start(Judging::new(judge, database.judging_batch()))?;
        let watch = BackgroundWorker::start(Watch::new(Arc::clone(&runtime), clock))?;
        let connections = [connections, internal_connections];
        let stop = Stop { runtime, server: server.handle(), connections, last_connections };
        rt::spawn(stop.on_signal(signals, options.drain_delay));
        server.await.context("the server failed")?;
        if let Some(purge) = purge {
            purge.stop();
        }
        judging.stop();
        watch.stop();
        if let Some(export) = export {
            export.stop();
        }
        tracing::info!("stopped");
        Ok(())
    })
}

fn migrate(database: &Database) -> anyhow::Result<()> {
    let applied = database.migrate(&mut |sentence| tracing::info!("{sentence}"))?;
    // In one line: at a first start there are many of them, and a newcomer's screen is small.
    if let Some(last) = applied.last() {
        tracing::info!(migrations = applied.len(), last, "the database schema was migrated");
    }
    for sentence in database.correct_name_keys(&mut |sentence| tracing::info!("{sentence}"))? {
        tracing::warn!("{sentence}");
    }
    Ok(())
}

/// A day has begun when the time that is believed says so, whatever the clock jumps to.
fn quotas(options: &UsageOptions, clock: Arc<ClockWatch>) -> Quotas {
    Quotas {
        jobs: options.quota_jobs,
        values_per_day: options.quota_values_per_day,
        changes_per_day: options.quota_changes_per_day,
        calendar: Some(clock),
    }
}

/// How much of the time who has much to do is answered beside others, unless the operator says it. Where the database
/// has the same few processors as the service, others would wait for one behind it again and again.
fn tenant_share(percent: Option<NonZeroU8>, database: &Database) -> TenantShare {
    let processors = available_parallelism().map_or(1, usize::from);
    let few = database.share_of_few_processors().filter(|_| processors <= FEW_PROCESSORS);
    TenantShare { percent: percent.or(few).unwrap_or(ALL_OF_THE_TIME), busy_time: database.busy_time() }
}

/// Which pages may call the service from a browser. Without credentials: the token is in a header that a page sets
/// itself.
fn cors(origins: &[String]) -> Cors {
    const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    const TRACE: HeaderName = HeaderName::from_static("traceparent");
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE])
        .allowed_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, REQUEST_ID, TRACE])
        .expose_headers([ETAG, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE, REQUEST_ID])
        .max_age(3_600);
    origins.iter().fold(cors, |cors, origin| match origin.as_str() {
        "*" => cors.allow_any_origin().send_wildcard(),
        origin => cors.allowed_origin(origin),
    })
}

/// The signals that end the service.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they no longer kill the process.
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one, and gives its name.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// What has to be told that the service stops.
struct Stop {
    runtime: Arc<Runtime>,
    server: ServerHandle,
    connections: [Arc<Connections>; 2],
    last_connections: LastConnections,
}

impl Stop {
    /// SIGTERM and Ctrl-C: serve on for a while, if that is wanted, then answer what is under way, take nothing new,
    /// and end.
    async fn on_signal(self, mut signals: Signals, drain_delay: Duration) {
        let name = signals.next().await;
        self.runtime.stop();
        if drain_delay.is_zero() {
            tracing::info!(signal = name, "stopping");
            drop(self.last_connections);
        } else {
            tracing::info!(
                signal = name,
                seconds = drain_delay.as_secs(),
                "not ready any more; serving on for a while"
            );
            tokio::select! {
                () = tokio::time::sleep(drain_delay) => (),
                _ = signals.next() => (),
            }
            self.last_connections.accepted().await;
            tracing::info!("stopping");
        }
        for connections in &self.connections {
            connections.drain();
        }
        self.server.stop(true).await;
    }
}
