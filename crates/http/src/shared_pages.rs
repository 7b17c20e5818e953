//! Pages that are read and written once for all who ask for the same.

use std::sync::Arc;

use actix_web::http::Uri;
use actix_web::web::Bytes;
use prediction_domain::model::Caller;

/// All that a page hangs on, beside what is stored and the time: what is asked for, and what the caller may see.
#[derive(Debug, Clone)]
pub(crate) struct PageQuestion {
    uri: Uri,
    caller: Arc<Caller>,
}

impl PageQuestion {
    /// What a caller asks for in the path and the query, with the cursor.
    pub(crate) fn new(uri: &Uri, caller: &Arc<Caller>) -> Self {
        Self { uri: uri.clone(), caller: Arc::clone(caller) }
    }
}

/// A page says nothing of who asks for it, so callers with the same rights share it.
impl PartialEq for PageQuestion {
    fn eq(&self, other: &Self) -> bool {
        let (one, another) = (&self.caller, &other.caller);
        let are_alike = || one.permissions == another.permissions && one.scope == another.scope;
        self.uri == other.uri && (Arc::ptr_eq(one, another) || are_alike())
    }
}

/// A page in JSON, with its entity tag. To clone it copies nothing.
#[derive(Debug, Clone)]
pub(crate) struct WrittenPage {
    pub(crate) body: Bytes,
    pub(crate) tag: Arc<str>,
}
