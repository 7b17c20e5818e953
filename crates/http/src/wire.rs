//! What goes over the wire. Requests are decoded into the domain's drafts by [`fields`], which notices every member of
//! the wrong type and every unknown one; answers are written from the model.

pub(crate) mod deletion;
pub(crate) mod fields;
pub(crate) mod health;
pub(crate) mod job;
pub(crate) mod job_revision;
pub(crate) mod list;
pub(crate) mod run;
pub(crate) mod set_up;
pub(crate) mod source;
pub(crate) mod source_version;
