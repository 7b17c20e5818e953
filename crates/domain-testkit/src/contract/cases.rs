//! The cases, for the macro.

crate::contract_suite! { @list (publish) }
