mod for_tenant;
mod runtime;
mod service;

use std::sync::Arc;
use std::time::Duration;

use prediction_domain::model::Caller;
use prediction_domain::use_cases::{Ports, count_all_jobs_by_health, count_all_jobs_by_stage};
use prediction_identity::{TokenRejected, TokenVerifier};
use prediction_wire::ServiceDegradation;

use crate::lanes::Tenant;
use crate::problem::{Problem, ProblemCode};

pub(crate) use for_tenant::ServiceForTenant;
pub use runtime::Runtime;
use service::Service;
pub use service::{REQUEST_DEADLINE, SET_UP_DEADLINE, Writers};

/// How long a request for the metrics waits for the jobs to be counted.
const LONGEST_WAIT_FOR_COUNTS: Duration = Duration::from_secs(1);

/// The API: what verifies callers, the use cases behind lanes, and the run-time around them.
pub struct Api {
    verifier: Arc<dyn TokenVerifier>,
    service: Service,
    runtime: Arc<Runtime>,
}

impl Api {
    /// Starts the lanes, for a store that many can write to.
    #[must_use]
    pub fn start(ports: Ports, runtime: Runtime, verifier: Arc<dyn TokenVerifier>) -> Self {
        Self::start_for(Writers::Many, ports, runtime, verifier)
    }

    /// Starts the lanes.
    #[must_use]
    pub fn start_for(writers: Writers, ports: Ports, runtime: Runtime, verifier: Arc<dyn TokenVerifier>) -> Self {
        let service = Service::start(writers, ports, &runtime.metrics, runtime.tenant_share);
        Self { verifier, service, runtime: Arc::new(runtime) }
    }

    /// What goes on around the use cases.
    #[must_use]
    pub fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// All metrics, in Prometheus' text format. Never fails: what the store does not tell in time keeps its last value.
    pub(crate) async fn metrics(&self) -> String {
        if self.runtime.metrics.are_job_counts_due() {
            let (ports, runtime) = (self.service.ports.clone(), Arc::clone(&self.runtime));
            let count = self.service.reads.run(Tenant::SERVICE, move || {
                let counts = count_all_jobs_by_health(&ports);
                match counts.and_then(|counts| Ok((counts, count_all_jobs_by_stage(&ports)?))) {
                    Ok((counts, retired)) => runtime.metrics.set_job_counts(&counts, &retired),
                    Err(failure) => tracing::warn!(cause = %failure, "the jobs could not be counted"),
                }
            });
            // Counts that come later are shown the next time.
            let _ = tokio::time::timeout(LONGEST_WAIT_FOR_COUNTS, count).await;
        }
        self.runtime.refresh_metrics();
        self.runtime.metrics.text()
    }

    /// Whose token it is.
    pub(crate) async fn identify(&self, token: &str) -> Result<Arc<Caller>, TokenRejected> {
        let verified = self.verifier.verify(token).await;
        self.runtime.metrics.judged_token(&verified);
        verified.map(|verified| verified.caller)
    }

    /// Fails unless the service can do its work; tells what of it is not done, or not well.
    pub(crate) async fn ready(&self) -> Result<Vec<ServiceDegradation>, Problem> {
        if self.runtime.is_stopping() {
            return Err(Problem::unavailable(ProblemCode::NotReady).detail("the service is stopping"));
        }
        if !self.verifier.can_verify() {
            return Err(Problem::unavailable(ProblemCode::NotReady)
                .detail("there is no key of the issuer to verify tokens with"));
        }
        let store = Arc::clone(&self.runtime.store_health);
        let not_ready = || Problem::unavailable(ProblemCode::NotReady).detail("the database cannot be used");
        let check = async {
            match self.service.health.run(Tenant::SERVICE, move || store.check()).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(failure)) => Err(not_ready().caused_by(failure)),
                Err(error) => Err(not_ready().caused_by(error)),
            }
        };
        self.runtime.readiness.outcome(check).await.map_err(|problem| problem.unwrap_or_else(not_ready))?;
        Ok(self.runtime.conditions.degradations())
    }
}
