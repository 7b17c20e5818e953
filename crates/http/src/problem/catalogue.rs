//! The catalogue of problems: the only place that knows the status of an error.

use actix_web::http::StatusCode;

macro_rules! catalogue {
    ($($name:ident = $code:literal, $status:ident, $title:literal, $meaning:literal;)+) => {
        /// The problems that this service answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode {
            $(#[doc = $title] $name,)+
        }

        impl ProblemCode {
            /// Every problem there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The stable code, for programs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The HTTP status.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// What it is called, for people.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }

            /// What it means and what to do, for people.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }

            /// The reference to its page on this service.
            #[must_use]
            pub fn type_uri(self) -> &'static str {
                match self { $(Self::$name => concat!("/problems/", $code),)+ }
            }
        }
    };
}

catalogue! {
    InvalidJson = "invalid_json", BAD_REQUEST, "The body is not JSON",
        "The request body is not one JSON text in UTF-8 (RFC 8259). The detail says where reading it ended.";
    InvalidQuery = "invalid_query", BAD_REQUEST, "The query is not valid",
        "A query parameter is unknown, stands twice or has a value that cannot be. Each is listed in errors.";
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "The cursor is not valid",
        "A cursor is good only as it was given out, for the same list with the same filters. Start again without one.";
    InvalidPath = "invalid_path", BAD_REQUEST, "The path is not valid",
        "The id in the path is not a UUID.";
    InvalidHeader = "invalid_header", BAD_REQUEST, "A header is not valid",
        "If-Match and If-None-Match take a list of entity tags, or *.";
    UnexpectedBody = "unexpected_body", BAD_REQUEST, "The request has a body",
        "What is only read has no body to be read with: what stands in it would have no effect. Send it without.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "A token is needed",
        "Send Authorization: Bearer with an access token.";
    InvalidToken = "invalid_token", UNAUTHORIZED, "The token is not accepted",
        "The access token is malformed, expired or not for this service. Get a new one.";
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The token lacks a scope",
        "The access token is good, but was not issued for this. Get one with the scope that is named.";
    OrganisationOutOfScope = "organisation_out_of_scope", FORBIDDEN, "The organisation is not yours",
        "The request names an organisation that the access token is not for, or needs one and the token is for none.";
    NotTheOwner = "not_the_owner", FORBIDDEN, "The source is not yours",
        "Only the owner of a source (owner_organisation_id; null is the platform) changes it, deletes it and publishes its versions. Run the versions that it has, or create a source of your own under another name.";
    NotFound = "not_found", NOT_FOUND, "There is no such thing",
        "There is nothing of that id, or nothing that you may see.";
    UnknownRoute = "unknown_route", NOT_FOUND, "There is no such address",
        "The service has nothing at this path. /docs shows what it has.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed",
        "The resource exists, but not this method. The Allow header lists those that do.";
    VersionImmutable = "source_version_immutable", METHOD_NOT_ALLOWED, "Source versions are immutable",
        "A source version never changes, so that jobs can rely on it. Publish a new version instead.";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The body came too slowly",
        "The request body did not arrive in time. Nothing was done.";
    Conflict = "conflict", CONFLICT, "Something else has that name",
        "What is stored under this name or id is different. existing_id names it; each difference is listed in errors, with what is stored as expected.";
    InUse = "in_use", CONFLICT, "It is in use",
        "It cannot be deleted while others need it.";
    WouldDeleteValues = "would_delete_values", CONFLICT, "Values would be deleted",
        "With the shorter retention, values that can be read now would be deleted for good; deletes says how many, of how many jobs. Send confirm_deletion: true with the change if that is meant.";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "It is not at that revision",
        "The If-Match header, or the revision in the body, names another revision than the current one. Read it again, and decide anew.";
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "The body is too large",
        "A request body has at most 1 MiB, and the report of a run at most 4 MiB.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body is of another type",
        "Send Content-Type: application/json, without a Content-Encoding.";
    Invalid = "invalid", UNPROCESSABLE_ENTITY, "The request is not valid",
        "The request was understood and cannot be done. Everything that is wrong with it is listed in errors.";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "You send too many requests",
        "Whoever runs the service limits how many requests a caller may send per second. Nothing was done; go on after the time in Retry-After.";
    QuotaExceeded = "quota_exceeded", UNPROCESSABLE_ENTITY, "A quota is used up",
        "Whoever runs the service limits how many jobs an organisation has (422), and how much it reports or changes in a day in UTC (429; 422 for a report that is more than any day has). quota, limit and used say which limit it is. Delete jobs that are not needed, report less at a time, or go on after the time in Retry-After.";
    QuotaOfDayExceeded = "quota_exceeded", TOO_MANY_REQUESTS, "A quota is used up",
        "Whoever runs the service limits how many jobs an organisation has (422), and how much it reports or changes in a day in UTC (429; 422 for a report that is more than any day has). quota, limit and used say which limit it is. Delete jobs that are not needed, report less at a time, or go on after the time in Retry-After.";
    InternalError = "internal_error", INTERNAL_SERVER_ERROR, "The service failed",
        "Something went wrong that is not your fault. Tell us the request_id.";
    Overloaded = "overloaded", SERVICE_UNAVAILABLE, "Too many requests are waiting",
        "The service has more to do than it can. Nothing was done; try again after the time in Retry-After.";
    DeadlineExceeded = "deadline_exceeded", SERVICE_UNAVAILABLE, "The answer did not come in time",
        "The service gave up waiting. Whether a write was done is not known; sending the same request again is safe.";
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE, "The database is not available",
        "The database cannot be reached or is too busy. Try again after the time in Retry-After; sending the same request again is safe.";
    KeysUnavailable = "keys_unavailable", SERVICE_UNAVAILABLE, "Tokens cannot be verified",
        "The keys to verify access tokens with are not available at the moment. Try again after the time in Retry-After.";
    NotReady = "not_ready", SERVICE_UNAVAILABLE, "The service is not ready",
        "The database cannot be reached or is not migrated, the keys of the issuer are not known, or the service is stopping.";
}
