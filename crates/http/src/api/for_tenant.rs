//! The service as one tenant has it.

use actix_web::web::Data;
use prediction_domain::model::JobWithHealth;
use prediction_domain::use_cases::{JobQuery, Ports, PreparedSetUp, SetUpDone, UseCaseError};

use super::Api;
use crate::body_budget::{Held, NoRoom, Reservation};
use crate::lanes::{Done, Tenant};
use crate::problem::{Problem, ProblemCode};
use crate::shared_pages::{PageQuestion, WrittenPage};
use crate::streams::Stream;

/// The service, for one tenant: what it asks takes turns with what others ask.
#[derive(Clone)]
pub(crate) struct ServiceForTenant {
    api: Data<Api>,
    tenant: Tenant,
}

impl ServiceForTenant {
    pub(crate) fn new(api: Data<Api>, tenant: Tenant) -> Self {
        Self { api, tenant }
    }

    /// Reserves memory for the body of a request.
    pub(crate) async fn reserve_for_body(&self, bytes: usize) -> Result<Reservation, Problem> {
        self.api.service.bodies.reserve(self.tenant, bytes).await.map_err(|NoRoom| {
            Problem::unavailable(ProblemCode::Overloaded)
                .detail("there is no memory for another such body at the moment; nothing was done")
        })
    }

    /// Does something that takes a processor for a while, and no store.
    pub(crate) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let span = self.api.runtime.lane_span("lane computations");
        Ok(span.end(self.api.service.computations.run(self.tenant, work).await)?)
    }

    /// Begins an answer that is sent piece by piece.
    pub(crate) fn stream(&self) -> Result<Stream, Problem> {
        self.api.service.streams.begin(self.tenant)
    }

    /// Reads one job, together with all others that are being read.
    pub(crate) async fn read_job(&self, query: JobQuery) -> Result<Option<JobWithHealth>, Problem> {
        let span = self.api.runtime.lane_span("lane job-reads");
        Ok(span.end(self.api.service.job_reads.ask(self.tenant, query).await)??)
    }

    /// Sets up one job, together with all others that are being set up.
    pub(crate) async fn set_up(&self, prepared: Held<PreparedSetUp>) -> Result<SetUpDone, Problem> {
        let span = self.api.runtime.lane_span("lane setups");
        Ok(self.api.runtime.noted(span.end(self.api.service.setups.ask(self.tenant, prepared).await)?)?)
    }

    /// Does something that only reads.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ports) -> Result<T, UseCaseError> + Send + 'static,
    ) -> Result<T, Problem> {
        let ports = self.api.service.ports.clone();
        let span = self.api.runtime.lane_span("lane reads");
        Ok(span.end(self.api.service.reads.run(self.tenant, move || work(&ports)).await)??)
    }

    /// Reads a page, once for all that ask the same and wait together. What they share is written here, once.
    pub(crate) async fn read_page<T: Send + 'static>(
        &self,
        question: PageQuestion,
        work: impl FnOnce(&Ports) -> Result<T, UseCaseError> + Send + 'static,
        write: impl FnOnce(T) -> Result<WrittenPage, Problem> + Send + 'static,
    ) -> Result<Done<T, WrittenPage>, Problem> {
        let ports = self.api.service.ports.clone();
        let span = self.api.runtime.lane_span("lane reads");
        let work = move || work(&ports);
        let write = |read: Result<T, UseCaseError>| write(read?);
        Ok(match span.end(self.api.service.reads.share(self.tenant, question, work, write).await)? {
            Done::Own(read) => Done::Own(read?),
            Done::Shared(written) => Done::Shared(written?),
        })
    }

    /// Does something that writes.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ports) -> Result<T, UseCaseError> + Send + 'static,
    ) -> Result<T, Problem> {
        let ports = self.api.service.ports.clone();
        let span = self.api.runtime.lane_span("lane writes");
        Ok(self.api.runtime.noted(span.end(self.api.service.writes.run(self.tenant, move || work(&ports)).await)?)?)
    }

    /// Does something that writes much.
    pub(crate) async fn apply<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Ports) -> Result<T, UseCaseError> + Send + 'static,
    ) -> Result<T, Problem> {
        let ports = self.api.service.ports.clone();
        let span = self.api.runtime.lane_span("lane documents");
        Ok(self
            .api
            .runtime
            .noted(span.end(self.api.service.documents.run(self.tenant, move || work(&ports)).await)?)?)
    }
}
