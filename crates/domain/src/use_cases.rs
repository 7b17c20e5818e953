//! The use cases: to come.
