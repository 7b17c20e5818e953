use std::path::PathBuf;
use std::sync::Arc;

use etcetera::BaseStrategy as _;
use prediction_adapters_system::SystemClock;
use prediction_client::{Pause, SystemPause};
use prediction_domain::model::Timestamp;
use prediction_domain::ports::Clock;

/// What a command finds around it and that is not said on the command line. Tests have their own.
#[derive(Clone)]
pub struct Surroundings {
    /// An access token (`PREDICTION_TOKEN`).
    pub token: Option<String>,
    /// A program's name at its issuer (`PREDICTION_CLIENT_ID`).
    pub client_id: Option<String>,
    /// Its secret (`PREDICTION_CLIENT_SECRET`).
    pub client_secret: Option<String>,
    /// The issuer (`PREDICTION_ISSUER`).
    pub issuer: Option<String>,
    /// What the issuer calls the service (`PREDICTION_AUDIENCE`).
    pub audience: Option<String>,
    /// What the program asks to be allowed (`PREDICTION_SCOPE`).
    pub scope: Option<String>,
    /// The claim of a local token that holds the organisations (`PREDICTION_API_ORGANISATIONS_CLAIM`).
    pub organisations_claim: Option<String>,
    /// Where contexts and logins are kept (`PREDICTION_CONFIG_DIR`, else in the user's configuration folder).
    pub configuration: Option<PathBuf>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is waited with.
    pub pause: Arc<dyn Pause>,
}

impl Surroundings {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        // What is not UTF-8 is no token, and is told where it is used; left out, somebody else would be calling.
        let text = |name: &str| {
            let value = std::env::var_os(name).filter(|text| !text.is_empty());
            value.map(|text| text.to_string_lossy().into_owned())
        };
        let own = || etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir().join("prediction"));
        Self {
            token: text("PREDICTION_TOKEN"),
            client_id: text("PREDICTION_CLIENT_ID"),
            client_secret: text("PREDICTION_CLIENT_SECRET"),
            issuer: text("PREDICTION_ISSUER"),
            audience: text("PREDICTION_AUDIENCE"),
            scope: text("PREDICTION_SCOPE"),
            organisations_claim: text("PREDICTION_API_ORGANISATIONS_CLAIM"),
            configuration: std::env::var_os("PREDICTION_CONFIG_DIR").map(PathBuf::from).or_else(own),
            clock: Arc::new(SystemClock),
            pause: Arc::new(SystemPause::default()),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
