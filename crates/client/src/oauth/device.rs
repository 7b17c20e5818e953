use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use super::{Issuer, Outcome, Requester, TokenAnswer, Tokens};
use crate::credentials::SignInError;
use crate::pause::Pause;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How much less often to ask when the issuer finds it too often (RFC 8628, section 3.5).
const SLOW_DOWN: Duration = Duration::from_secs(5);

/// What a person does on another device, or in a browser on this one (RFC 8628, section 3.2).
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct DeviceAuthorization {
    device_code: String,
    /// What the person types there.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// Where nothing has to be typed.
    pub verification_uri_complete: Option<String>,
    expires_in: u64,
    interval: Option<u64>,
}

impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Both codes are good for a token, the user's once a person is had to enter it.
        f.debug_struct("DeviceAuthorization").field("verification_uri", &self.verification_uri).finish_non_exhaustive()
    }
}

impl Issuer {
    /// Begins the device flow.
    pub fn begin_device_flow(&self, requester: &Requester) -> Result<DeviceAuthorization, SignInError> {
        let Some(endpoint) = &self.endpoints.device_authorization_endpoint else {
            return Err(SignInError::new(format!("the issuer {} has no device flow", self.name())));
        };
        match self.post(endpoint, requester, &[], true)? {
            Outcome::Given(authorization) => Ok(authorization),
            Outcome::Refused(refusal) => Err(self.refused(&refusal)),
        }
    }

    /// Waits until the person has agreed.
    pub fn finish_device_flow(
        &self,
        requester: &Requester,
        authorization: &DeviceAuthorization,
        pause: &dyn Pause,
    ) -> Result<Tokens, SignInError> {
        let end = pause.passed().saturating_add(Duration::from_secs(authorization.expires_in));
        let mut interval = Duration::from_secs(authorization.interval.unwrap_or(5).clamp(1, 60));
        let form = [("grant_type", GRANT), ("device_code", authorization.device_code.as_str())];
        while pause.passed().saturating_add(interval) <= end {
            pause.sleep(interval);
            match self.post::<TokenAnswer>(&self.endpoints.token_endpoint, requester, &form, false)? {
                Outcome::Given(answer) => return Ok(answer.into()),
                Outcome::Refused(refusal) => match refusal.error.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => interval = interval.saturating_add(SLOW_DOWN),
                    _ => return Err(self.refused(&refusal)),
                },
            }
        }
        Err(SignInError::new("nobody agreed in time; begin again"))
    }
}
