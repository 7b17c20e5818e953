//! A blocking client of the Prediction API.
//!
//! There is a method for each operation of the service ([`OPERATIONS`]), and [`Client::send`] for whatever else is
//! asked. Answers are the types of `prediction-wire`, which the service answers with, so that the two cannot drift
//! apart; what was answered to the letter is beside them, in [`Reply::answer`].
//!
//! ```no_run
//! use prediction_client::{Client, Credentials, Parameters, Token};
//!
//! let client = Client::new("https://predictions.example", Credentials::Fixed(Token::new("eyJ…")))?;
//! for job in client.every_job(&Parameters::new().with("health", "overdue")) {
//!     let job = job?;
//!     println!("{} {}", job.id, job.name);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Requests are repeated** when the service says to come back later (429, 503) and when no answer came, until
//! [`Settings::deadline`]. That is safe, because the service knows things by their natural keys: it does a write that
//! comes twice once. A report of a run without `issued_at` is the one that has no key, and is only repeated when it is
//! certain that it was not stored. A DELETE that finds nothing when it is repeated has succeeded. A write with a
//! condition (`If-Match`, `revision`, `expect_plan`) that is refused when it is repeated may have succeeded before:
//! [`ClientError::Uncertain`].
//!
//! **What comes from others is not trusted.** Answers are bounded in time and length. No redirection is followed, so no
//! token goes elsewhere than it was meant for, and over http it goes to this machine only. The text of a
//! [`ClientError`] can be printed on a terminal: see [`printable`].

mod address;
mod agent;
mod answer;
mod attempts;
mod client;
mod credentials;
mod error;
mod items;
pub mod oauth;
mod operations;
mod parameters;
mod pause;
mod printable;
mod request;
mod stream;

pub use address::{BaseUrl, BaseUrlError, is_this_machine};
pub use answer::{Answer, Reply};
pub use client::{Client, Settings};
pub use credentials::{Credentials, SignInError, Token, TokenSource};
pub use error::ClientError;
pub use items::{Cursors, Items};
pub use operations::{OPERATIONS, Operation};
pub use parameters::Parameters;
pub use pause::{Pause, SystemPause};
pub use prediction_wire as wire;
pub use printable::{is_unprintable, printable};
pub use request::encoded;
pub use stream::Stream;
pub use ureq::http::{HeaderMap, Method};
