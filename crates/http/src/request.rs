//! Reading a request, step by step: the caller, the resource, the query, the body.
//!
//! A handler takes a [`Call`] and asks it in that order, so that the order in which problems are told does not depend
//! on the framework: a caller that is not identified learns nothing else.

mod accept;
pub(crate) mod bearer;
mod body;
mod cursor;
mod precondition;
mod query;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use prediction_domain::model::{Caller, Permission, Revision, ValueProblem};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{Precondition, Sent, Submission};
use prediction_domain::use_cases::UseCaseError;

use crate::api::{Api, ServiceForTenant};
use crate::body_budget::Held;
use crate::expectation::was_head_judged;
use crate::lanes::Tenant;
use crate::problem::{Problem, ProblemCode};
use crate::shared_pages::PageQuestion;
use body::BodyLimits;
use prediction_wire::{self as wire, Shape};

pub(crate) use accept::form_of_problems;
pub(crate) use actix_web::http::header::ETAG;
pub(crate) use body::Body;
pub(crate) use cursor::Place;
pub(crate) use precondition::{
    Freshness, Shown, entity_tag, input_tag, inputs_digest, job_tag, keeper_digest, organisation_digest, page_tag,
    run_digest, version_tag, versions_tag,
};
pub(crate) use query::Query;

/// A request that is being answered.
pub(crate) struct Call {
    api: web::Data<Api>,
    request: HttpRequest,
    payload: Cell<Payload>,
}

/// A request to change one resource.
pub(crate) struct Change<Id, T> {
    pub(crate) caller: Arc<Caller>,
    pub(crate) id: Id,
    pub(crate) mode: WriteMode,
    pub(crate) precondition: Precondition,
    pub(crate) submission: Held<Submission<T>>,
}

/// The caller, for the log.
#[derive(Clone)]
pub(crate) struct KnownCaller(pub(crate) Arc<Caller>);

impl Call {
    /// The use cases, for the tenant of [the caller](Self::caller).
    pub(crate) fn service(&self) -> ServiceForTenant {
        let tenant =
            self.request.extensions().get::<KnownCaller>().map_or(Tenant::SERVICE, |known| Tenant::of(&known.0));
        ServiceForTenant::new(self.api.clone(), tenant)
    }

    /// The API itself, for what is no tenant's.
    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// Refuses a client that asks too often. What needs a token is refused when [the caller](Self::caller) is asked
    /// for.
    pub(crate) fn admit(&self) -> Result<(), Problem> {
        match self.request.peer_addr() {
            Some(peer) if !was_head_judged(&self.request) => {
                self.api.runtime().rate_limiters.check_peer(peer.ip()).map_err(Problem::rate_limited)
            }
            _ => Ok(()),
        }
    }

    /// The caller, unless it calls too often.
    pub(crate) async fn caller(&self) -> Result<Arc<Caller>, Problem> {
        self.admit()?;
        let token = bearer::token(self.request.headers())?;
        let caller = self.api.identify(token).await?;
        self.request.extensions_mut().insert(KnownCaller(Arc::clone(&caller)));
        if !was_head_judged(&self.request) {
            self.api.runtime().rate_limiters.check_subject(&caller.subject).map_err(Problem::rate_limited)?;
        }
        if self.request.method().is_safe() {
            body::refuse(&self.request, &mut self.take_payload()).await?;
        }
        Ok(caller)
    }

    /// The id in the path.
    pub(crate) fn id<Id>(&self, parse: impl FnOnce(&str) -> Result<Id, ValueProblem>) -> Result<Id, Problem> {
        self.part("id", parse)
    }

    /// A part of the path.
    pub(crate) fn part<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, ValueProblem>,
    ) -> Result<T, Problem> {
        let text = self.request.match_info().get(name).unwrap_or_default();
        parse(text).map_err(|problem| {
            Problem::new(ProblemCode::InvalidPath).detail(format!(
                "the {} in the path {}",
                name.replace('_', " "),
                problem.message
            ))
        })
    }

    /// The query.
    pub(crate) fn query(&self) -> Query {
        Query::parse(self.request.query_string())
    }

    /// What makes two requests for a page the same.
    pub(crate) fn page_question(&self, caller: &Arc<Caller>) -> PageQuestion {
        PageQuestion::new(self.request.uri(), caller)
    }

    /// Refuses any query.
    pub(crate) fn no_query(&self) -> Result<(), Problem> {
        self.query().finish()
    }

    /// What the request says in `If-Match` about the revision to be changed.
    pub(crate) fn precondition(&self) -> Result<Precondition, Problem> {
        precondition::if_match(self.request.headers())
    }

    /// All that a request to change one resource says.
    pub(crate) async fn change<Id, T: Send + 'static>(
        &self,
        parse: impl FnOnce(&str) -> Result<Id, ValueProblem>,
        needed: Permission,
        shape: &'static Shape<T>,
    ) -> Result<Change<Id, T>, Problem> {
        let caller = self.caller().await?;
        let id = self.id(parse)?;
        let mut query = self.query();
        let mode = query.mode();
        query.finish()?;
        let precondition = self.precondition()?;
        let body = self.body(&caller, needed).await?;
        let submission = body.decode(&self.service(), shape).await?;
        Ok(Change { caller, id, mode, precondition, submission })
    }

    /// What a request to delete something says about its revision: in `If-Match`, and in the body if there is one. The
    /// body is read only for a caller that has the permission to delete.
    pub(crate) async fn lock(&self, caller: &Caller, needed: Permission) -> Result<Precondition, Problem> {
        let precondition = self.precondition()?;
        caller.require(needed).map_err(UseCaseError::from)?;
        let payload = &mut self.take_payload();
        let body = body::read_if_any(&self.service(), &self.request, payload, body::BODY).await?;
        let Some(body) = body else { return Ok(precondition) };
        let verdict = |Submission { content, diagnostics }: Submission<_>| Ok(diagnostics.finish(Some(content))?);
        let revision = body.decode_and(&self.service(), &wire::DELETE, verdict).await?;
        Ok(match *revision {
            Sent::Given(number) => precondition.and(i64::try_from(number).ok().and_then(Revision::new)),
            _ => precondition,
        })
    }

    fn take_payload(&self) -> Payload {
        self.payload.replace(Payload::None)
    }

    /// Whether the client takes gzip rather than what is plain.
    pub(crate) fn takes_gzip(&self) -> bool {
        crate::compression::takes_gzip(&self.request)
    }

    /// What the request says in `If-None-Match` about what the caller has already.
    pub(crate) fn freshness(&self) -> Result<Freshness, Problem> {
        Freshness::of(self.request.headers())
    }

    /// The body, which is to be JSON. There is no other way to it: not a byte is read for a caller without the
    /// permission that the operation needs. What the use case asks beyond (whose organisation, which rights to the
    /// catalog) may depend on the body.
    pub(crate) async fn body(&self, caller: &Caller, needed: Permission) -> Result<Body, Problem> {
        self.body_within(body::BODY, caller, needed).await
    }

    /// The same for the report of a run, which may be larger.
    pub(crate) async fn report(&self, caller: &Caller, needed: Permission) -> Result<Body, Problem> {
        self.body_within(body::REPORT, caller, needed).await
    }

    /// The same for a document that describes many things, for which at least one of these permissions is needed.
    pub(crate) async fn described(&self, caller: &Caller, needed: &[Permission]) -> Result<Body, Problem> {
        let held = needed.iter().find(|permission| caller.require(**permission).is_ok());
        let needed = held.or(needed.first()).copied().unwrap_or(Permission::JobsWrite);
        self.body_within(body::REPORT, caller, needed).await
    }

    async fn body_within(&self, limits: BodyLimits, caller: &Caller, needed: Permission) -> Result<Body, Problem> {
        caller.require(needed).map_err(UseCaseError::from)?;
        body::read(&self.service(), &self.request, &mut self.take_payload(), limits).await
    }

    /// Whether the answer is wanted as CSV rather than as JSON.
    pub(crate) fn wants_csv(&self) -> bool {
        accept::prefers_csv(self.request.headers())
    }
}

impl FromRequest for Call {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let api = request
            .app_data::<web::Data<Api>>()
            .unwrap_or_else(|| unreachable!("the routes are configured together with the service"));
        ready(Ok(Self { api: api.clone(), request: request.clone(), payload: Cell::new(payload.take()) }))
    }
}
