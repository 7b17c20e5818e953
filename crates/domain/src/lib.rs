//! Sources, their immutable versions, and the jobs configured from them.
//!
//! A company has predictive models (**sources**). Each is published in immutable **source versions**, whose
//! [`Contract`](model::Contract) declares the inputs a version needs and the outputs it gives. A **job** is one version
//! configured for one customer (an **organisation**) by **role bindings** from the contract's input roles to concrete
//! inputs.
//!
//! The crate holds the [`model`] with its rules, the [`requests`] that it is made from, the [`ports`] through which it
//! is stored, and the [`use_cases`] of the service. It does no input or output and knows neither HTTP nor SQL, so any
//! Rust service can judge a configuration with it.
//!
//! # Checking a configuration
//!
//! [`check_bindings`](requests::check_bindings) finds *every* violation at once, with the path of the offending value
//! and a hint:
//!
//! ```
//! use prediction_domain::model::{Contract, InputRole, OutputRole, ViolationCode};
//! use prediction_domain::requests::{BindingDraft, check_bindings};
//!
//! let contract = Contract::new(
//!     vec![InputRole::required("temperature", "sensor", "celsius")?],
//!     vec![OutputRole::required("prediction", "celsius")?],
//! )?;
//!
//! let violations = check_bindings(
//!     &contract,
//!     &[BindingDraft::new("temprature", "0b5c6a52-5a0e-4e57-9f0a-0a8f5e0a7c11", "gateway")],
//! )
//! .unwrap_err();
//!
//! let found: Vec<_> = violations.iter().map(|violation| (violation.path.to_string(), violation.code)).collect();
//! assert_eq!(
//!     found,
//!     [
//!         ("role_bindings".to_owned(), ViolationCode::MissingRequiredRole),
//!         ("role_bindings[0].role".to_owned(), ViolationCode::UnknownRole),
//!     ]
//! );
//! assert_eq!(violations[1].hint.as_deref(), Some("did you mean \"temperature\"?"));
//!
//! let checked = check_bindings(
//!     &contract,
//!     &[BindingDraft::new("temperature", "0b5c6a52-5a0e-4e57-9f0a-0a8f5e0a7c11", "sensor")],
//! )?;
//! assert_eq!(checked.iter().count(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Testing against the ports
//!
//! With the feature `mocks`, every port has a [mockall](https://docs.rs/mockall) mock; `prediction-domain-testkit` has
//! a complete in-memory store as well.
//!
//! ```
//! use prediction_domain::model::SourceId;
//! use prediction_domain::ports::{MockSourceRepository, SourceRepository};
//!
//! let mut sources = MockSourceRepository::new();
//! sources.expect_find_many().returning(|ids| Ok(vec![None; ids.len()]));
//!
//! let nowhere = SourceId::parse("0b5c6a52-5a0e-4e57-9f0a-0a8f5e0a7c11")?;
//! assert_eq!(sources.find_many(&[nowhere])?, [None]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod model;
pub mod ports;
pub mod requests;
pub mod use_cases;
