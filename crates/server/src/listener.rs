//! Where the service listens, and what becomes of a connection: as `actix_web::HttpServer` does it, with a say in what
//! it leaves to itself.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Response};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{IntoServiceFactory as _, ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServiceRequest, ServiceResponse};
use actix_web::rt::net::TcpStream;
use actix_web::{App, Error, rt};
use anyhow::anyhow;
use prediction_http::expectation::judge_heads;
use prediction_http::problem::{Problem, ProblemCode};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use crate::connection::Connection;
use crate::connections::Connections;

/// How long the headers of a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection without requests is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a client has to take its last answer and go.
const DISCONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the last connections that wait are accepted before a service that drains takes no more.
const LAST_CONNECTIONS: Duration = Duration::from_millis(100);
/// How long a connection of a service that drains may have no request before it is closed: who was just accepted, or
/// was told by no answer that the connection ends, may be about to send one.
const LAST_REQUEST: Duration = Duration::from_secs(2);
/// How many connections wait to be accepted.
const BACKLOG: i32 = 1_024;
/// How long a connection that is one too many is told so.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);
/// How many are told so at a time; others are closed without a word.
static REFUSALS: Semaphore = Semaphore::const_new(32);

/// Sockets on all addresses that the value of the option stands for.
pub(crate) fn bind(option: &str, address: &str) -> anyhow::Result<Vec<TcpListener>> {
    let bound = address.to_socket_addrs().map(|addresses| addresses.map(listen).collect::<Vec<_>>());
    let mut listeners = Vec::new();
    let mut failure = None;
    for listener in bound.map_err(|error| cannot_listen(option, address, &error))? {
        match listener {
            Ok(listener) => listeners.push(listener),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if listeners.is_empty() => Err(cannot_listen(option, address, &error)),
        _ => Ok(listeners),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // So that a service that starts again need not wait until the connections of the last one are forgotten.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn cannot_listen(option: &str, listen: &str, error: &io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("cannot listen on {listen}: another program does; stop it, or choose another port with {option}")
        }
        ErrorKind::PermissionDenied => {
            anyhow!("cannot listen on {listen}: not allowed; choose a port above 1023 with {option}")
        }
        _ => anyhow!("cannot listen on {listen}: {error}"),
    }
}

/// Sockets whose last connections are to be accepted before they are closed: who sends until it can no longer connect,
/// as some proxies do, would otherwise find its request reset without having been read.
pub(crate) struct LastConnections(Vec<TcpListener>);

impl LastConnections {
    pub(crate) fn of<'l>(listeners: impl IntoIterator<Item = &'l TcpListener>) -> io::Result<Self> {
        listeners.into_iter().map(TcpListener::try_clone).collect::<io::Result<_>>().map(Self)
    }

    /// Lets hardly any others come in, and leaves time for those that are there.
    pub(crate) async fn accepted(self) {
        for listener in &self.0 {
            // Where a system does not let it be less, what comes last is reset as before.
            let _ = SockRef::from(listener).listen(0);
        }
        rt::time::sleep(LAST_CONNECTIONS).await;
    }
}

/// Has the application answer what comes at these sockets. If the service drains, connections end with it that have had
/// no request for a moment; otherwise at once.
pub(crate) fn serve<Application, Entry, Body>(
    mut builder: ServerBuilder,
    listeners: Vec<TcpListener>,
    connections: &Arc<Connections>,
    drains: bool,
    application: Application,
) -> io::Result<ServerBuilder>
where
    Application: Fn() -> App<Entry> + Clone + Send + 'static,
    Entry: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<Body>, Error = Error, InitError = ()>
        + 'static,
    Entry::Service: 'static,
    Body: MessageBody + 'static,
{
    for listener in listeners {
        let address = listener.local_addr()?;
        let (connections, application) = (Arc::clone(connections), application.clone());
        let draining = builder.graceful_shutdown_signal();
        builder = builder.listen(address.to_string(), listener, move || {
            connection_service(address, Arc::clone(&connections), draining.clone(), drains, application.clone())
        })?;
    }
    Ok(builder)
}

fn connection_service<Entry, Body>(
    address: SocketAddr,
    connections: Arc<Connections>,
    draining: GracefulShutdownSignal,
    drains: bool,
    application: impl Fn() -> App<Entry>,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
where
    Entry: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<Body>, Error = Error, InitError = ()>
        + 'static,
    Entry::Service: 'static,
    Body: MessageBody + 'static,
{
    let answering = || {
        let application = application().into_factory().map_err(|error: Error| Response::from(error.error_response()));
        map_config(application, |()| AppConfig::default())
    };
    let http = HttpService::build()
        .graceful_shutdown_signal(move || {
            let draining = draining.clone();
            async move {
                draining.notified().await;
                if drains {
                    rt::time::sleep(LAST_REQUEST).await;
                }
            }
        })
        .client_request_timeout(HEADER_TIMEOUT)
        .client_disconnect_timeout(DISCONNECT_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .local_addr(address)
        .expect(judge_heads(answering()))
        .h1(answering());
    fn_service(move |stream: TcpStream| {
        let peer = stream.peer_addr().ok();
        let place = connections.admit(peer.map(|peer| peer.ip()));
        async move {
            let Some(place) = place else {
                refuse(stream).await;
                return Err(DispatchError::Io(io::Error::other("there are too many connections")));
            };
            // What is written is written whole, so nothing is gained by waiting for more.
            let _ = stream.set_nodelay(true);
            Ok((Connection::new(stream, place), peer))
        }
    })
    .and_then(http)
}

/// Tells a client that there are too many connections, as far as it listens.
async fn refuse(mut stream: TcpStream) {
    let Ok(_refusal) = REFUSALS.try_acquire() else { return };
    let problem = Problem::new(ProblemCode::Overloaded).detail("there are too many connections; try again in a moment");
    let body = problem.to_json(None);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let answer = [answer.into_bytes(), body].concat();
    let tell = async {
        stream.write_all(&answer).await?;
        stream.shutdown().await?;
        // A connection that is closed before its request was read may lose the answer.
        let mut request = [0; 1024];
        while stream.read(&mut request).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = rt::time::timeout(REFUSAL_TIMEOUT, tell).await;
}

/// The addresses of the sockets.
pub(crate) fn addresses(listeners: &[TcpListener]) -> io::Result<Vec<SocketAddr>> {
    listeners.iter().map(TcpListener::local_addr).collect()
}
