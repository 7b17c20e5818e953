//! `Expect: 100-continue` (RFC 9110, section 10.1.1): a client that asks before it sends its body is told the final
//! status, if that is known without the body.
//!
//! The application is asked twice. The first time it is given the head alone: if it answers, that is the answer; if it
//! wants the body, the client is told to send it, and the application is asked again, with all of it. So nothing about
//! a request is judged in two ways.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use actix_http::body::{BoxBody, MessageBody};
use actix_http::{ConnectionType, HttpMessage as _, Request, Response};
use actix_service::{Service, ServiceFactory, apply_fn_factory};
use actix_web::HttpRequest;
use actix_web::dev::ServiceResponse;

/// In a request whose head alone is to be judged: whether its body is wanted.
#[derive(Clone)]
struct HeadOnly(Rc<Cell<bool>>);

/// In a request that was let in when its head was judged, and does not count once more.
#[derive(Clone, Copy)]
struct HeadWasJudged;

/// Judges heads by the application. To be given to actix-http, which sends 100 when a request is returned.
pub fn judge_heads<App, B>(
    application: App,
) -> impl ServiceFactory<
    Request,
    Config = App::Config,
    Response = Request,
    Error = Response<BoxBody>,
    InitError = App::InitError,
    Service: Service<Request, Response = Request, Error = Response<BoxBody>, Future: 'static>,
    Future: 'static,
>
where
    App: ServiceFactory<Request, Response = ServiceResponse<B>, Error = Response<BoxBody>> + 'static,
    App::Service: 'static,
    <App::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    apply_fn_factory(application, |request: Request, application: &App::Service| {
        let is_wanted = Rc::new(Cell::new(false));
        let mut head_only = Request::new();
        *head_only.head_mut() = request.head().clone();
        head_only.extensions_mut().insert(HeadOnly(Rc::clone(&is_wanted)));
        let answer = application.call(head_only);
        async move {
            let mut answer = Box::pin(answer);
            let answer = poll_fn(|context| match answer.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending if is_wanted.get() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            })
            .await;
            let mut answer = match answer {
                None => {
                    request.extensions_mut().insert(HeadWasJudged);
                    return Ok(request);
                }
                Some(Ok(answer)) => Response::from(answer).map_into_boxed_body(),
                Some(Err(answer)) => answer,
            };
            // The client may send its body or not: nothing that comes now can be understood.
            answer.head_mut().set_connection_type(ConnectionType::Close);
            Err(answer)
        }
    })
}

/// Whether the head alone is being judged.
pub(crate) fn is_head_only(request: &impl actix_web::HttpMessage) -> bool {
    request.extensions().contains::<HeadOnly>()
}

/// Whether the head has been judged before.
pub(crate) fn was_head_judged(request: &HttpRequest) -> bool {
    actix_web::HttpMessage::extensions(request).contains::<HeadWasJudged>()
}

/// Before the body is read. If only the head is to be judged, this is how far it goes.
pub(crate) async fn body_is_wanted(request: &HttpRequest) {
    let head_only = actix_web::HttpMessage::extensions(request).get::<HeadOnly>().cloned();
    if let Some(HeadOnly(is_wanted)) = head_only {
        is_wanted.set(true);
        std::future::pending::<()>().await;
    }
}
