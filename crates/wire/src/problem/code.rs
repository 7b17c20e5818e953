//! The list of problems: the only place that knows the status of an error.

use std::borrow::Cow;

use prediction_domain::model::ViolationCode;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::rules;

macro_rules! problems {
    ($($name:ident = $code:literal, $status:literal, $title:literal, $meaning:literal;)+) => {
        /// The problems that this service answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ProblemCode {
            $(#[doc = $title] $name,)+
        }

        impl ProblemCode {
            /// Every problem there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The machine-readable code.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// What it is called, for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means and what to do, for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// The reference to its page on this service.
            #[must_use]
            pub const fn type_uri(self) -> &'static str {
                match self { $(Self::$name => concat!("/problems/", $code),)+ }
            }
        }
    };
}

problems! {
    InvalidJson = "invalid_json", 400, "The body is not JSON",
        "The request body is not one JSON text in UTF-8 (RFC 8259). The detail says where reading it ended.";
    InvalidQuery = "invalid_query", 400, "The query is not valid",
        "A query parameter is unknown, is given twice or has a value that is not valid. Each is listed in errors.";
    InvalidCursor = "invalid_cursor", 400, "The cursor is not valid",
        "A cursor is valid only as the service gave it out, for the same list with the same filters. Start again without one.";
    InvalidPath = "invalid_path", 400, "The path is not valid",
        "The id in the path is not a UUID.";
    InvalidHeader = "invalid_header", 400, "A header is not valid",
        "If-Match and If-None-Match take a list of entity tags, or *.";
    UnexpectedBody = "unexpected_body", 400, "The request has a body",
        "A request that only reads takes no body: its content would have no effect. Send the request without a body.";
    Unauthorized = "unauthorized", 401, "A token is needed",
        "Send Authorization: Bearer with an access token.";
    InvalidToken = "invalid_token", 401, "The token is not accepted",
        "The access token is malformed, expired or not for this service. Get a new one.";
    InsufficientScope = "insufficient_scope", 403, "The token lacks a scope",
        "The access token is valid, but was not issued for this. Get one with the scope that is named.";
    OrganisationOutOfScope = "organisation_out_of_scope", 403, "The organisation is not yours",
        "The request names an organisation that the access token is not for, or needs one and the token is for none.";
    NotTheOwner = "not_the_owner", 403, "The source is not yours",
        "Only the owner of a source (owner_organisation_id; null is the platform) changes it, deletes it and publishes its versions. Run the versions that it has, or create a source of your own under another name.";
    NotFound = "not_found", 404, "There is no such thing",
        "There is nothing with that id, or nothing that you may see.";
    UnknownRoute = "unknown_route", 404, "There is no such address",
        "The service has nothing at this path. /docs shows what it has.";
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed",
        "The resource exists, but it does not have this method. The Allow header lists its methods.";
    VersionImmutable = "source_version_immutable", 405, "Source versions are immutable",
        "A source version never changes, so that jobs can rely on it. Publish a new version instead.";
    RequestTimeout = "request_timeout", 408, "The body came too slowly",
        "The request body did not arrive in time. Nothing was done.";
    Conflict = "conflict", 409, "Something else has that name",
        "What is stored under this name or id is different. existing_id names it; each difference is listed in errors, with what is stored as expected.";
    InUse = "in_use", 409, "It is in use",
        "It cannot be deleted, or taken away by a change, while others need it. job_ids names some of the jobs that do.";
    NotOfTheSet = "managed_by_other_set", 409, "Another set keeps it",
        "The document describes things that are there and that its set does not keep. Each is listed in errors, with the set that keeps it. Send adopt: true for things that no set keeps, and adopt_from to take over those of another set.";
    PruneLimitExceeded = "prune_limit_exceeded", 409, "Too much would be removed",
        "More things of the set are not in the document than it may remove. new_plan says which. Raise prune_limit if that is meant.";
    WouldDeleteValues = "would_delete_values", 409, "Values would be deleted",
        "With the shorter retention, values that can be read now would be deleted for good; deletes says how many, of how many jobs. Send confirm_deletion: true with the change if that is meant.";
    PlanOutdated = "plan_outdated", 412, "It is another plan",
        "What would be done now is not what expect_plan names. new_plan says what it is; look at it, and decide anew.";
    PreconditionFailed = "precondition_failed", 412, "It is not at that revision",
        "The If-Match header, or the revision in the body, names another revision than the current one. Read the resource again, and decide anew.";
    PayloadTooLarge = "payload_too_large", 413, "The body is too large",
        "A request body has at most 1 MiB, and the report of a run or a document to apply at most 4 MiB.";
    UnsupportedMediaType = "unsupported_media_type", 415, "The body is of another type",
        "Send Content-Type: application/json, without a Content-Encoding.";
    Invalid = "invalid", 422, "The request is not valid",
        "The request was understood and cannot be done. Everything that is wrong with it is listed in errors.";
    RateLimited = "rate_limited", 429, "You send too many requests",
        "The operator limits how many requests a caller may send per second. Nothing was done; go on after the time in Retry-After.";
    QuotaExceeded = "quota_exceeded", 422, "A quota is used up",
        "The operator limits how many jobs an organisation has (422), and how much it reports or changes in a day in UTC (429; 422 for a report that is larger than the quota of a whole day). quota, limit and used say which limit it is. Delete jobs that are not needed, report less at a time, or go on after the time in Retry-After.";
    QuotaOfDayExceeded = "quota_exceeded", 429, "A quota is used up",
        "The operator limits how many jobs an organisation has (422), and how much it reports or changes in a day in UTC (429; 422 for a report that is larger than the quota of a whole day). quota, limit and used say which limit it is. Delete jobs that are not needed, report less at a time, or go on after the time in Retry-After.";
    InternalError = "internal_error", 500, "The service failed",
        "Something went wrong that is not your fault. Tell us the request_id.";
    Overloaded = "overloaded", 503, "Too many requests are waiting",
        "The service has more to do than it can. Nothing was done; try again after the time in Retry-After.";
    DeadlineExceeded = "deadline_exceeded", 503, "The answer did not come in time",
        "The service gave up waiting. Whether a write was done is not known; sending the same request again is safe.";
    StoreUnavailable = "store_unavailable", 503, "The database is not available",
        "The database cannot be reached or is too busy. Try again after the time in Retry-After; sending the same request again is safe.";
    KeysUnavailable = "keys_unavailable", 503, "Tokens cannot be verified",
        "The keys to verify access tokens with are not available at the moment. Try again after the time in Retry-After.";
    NotReady = "not_ready", 503, "The service is not ready",
        "The database cannot be reached or is not migrated, the keys of the issuer are not known, or the service is stopping.";
}

/// Stands for the codes of problems where answers are described.
pub(super) enum KnownProblemCode {}

impl PartialSchema for KnownProblemCode {
    fn schema() -> RefOr<Schema> {
        let mut known: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        // A code that has two statuses is listed twice, side by side.
        known.dedup();
        rules::enumeration(known, "The codes of problems that this release has.")
    }
}

impl ToSchema for KnownProblemCode {
    fn name() -> Cow<'static, str> {
        "ProblemCode".into()
    }
}

/// Stands for the code of a problem where answers are described.
pub(super) type OpenProblemCode = rules::Open<KnownProblemCode>;

/// Stands for the codes of entries where answers are described.
pub(super) enum KnownEntryCode {}

impl PartialSchema for KnownEntryCode {
    fn schema() -> RefOr<Schema> {
        let known = ViolationCode::ALL.iter().map(|code| code.as_str());
        rules::enumeration(known, "The codes of entries that this release has.")
    }
}

impl ToSchema for KnownEntryCode {
    fn name() -> Cow<'static, str> {
        "ProblemEntryCode".into()
    }
}

/// Stands for the code of an entry where answers are described.
pub(super) type OpenEntryCode = rules::Open<KnownEntryCode>;
