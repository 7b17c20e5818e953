//! Conditional requests (RFC 9110, section 13): `If-Match` on writes, `If-None-Match` on reads.
//!
//! An entity tag is the revision in quotation marks. What a job shows beside itself, its health and perhaps its source,
//! adds to the tag behind plus signs (`"3+5f2a1c0b+7"`): a reader sees that something changed, and a writer may still
//! send the tag back, and is only held to the revision.

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use prediction_domain::model::{Health, Input, Organisation, Revision, Run, SourceVersion};
use prediction_domain::requests::Precondition;
use prediction_domain::use_cases::BoundInput;
use sha2::{Digest as _, Sha256};
use twox_hash::XxHash3_128;

use crate::compression::without_coding;
use crate::problem::{Problem, ProblemCode};

/// The entity tag of a revision.
pub(crate) fn entity_tag(revision: Revision) -> String {
    format!("\"{revision}\"")
}

/// The entity tag of a source version: the revision of its lifecycle, and when it was published, since a version that
/// was deleted may be followed by another one under its id.
pub(crate) fn version_tag(version: &SourceVersion) -> String {
    let keeper = keeper_digest(version).map(|digest| format!("+k{digest:08x}")).unwrap_or_default();
    format!("\"{}+{:x}{keeper}\"", version.lifecycle.revision, version.created_at.as_micros())
}

/// What tells the set that keeps a version apart from another one.
pub(crate) fn keeper_digest(version: &SourceVersion) -> Option<u32> {
    version.managed_by.as_ref().map(|set| beginning(Sha256::new().chain_update(set.as_str())))
}

/// The entity tag of a page, which tells only whether it is the same. Nothing is proved by it, so the digest is one
/// that is quick for long texts, and withstands no attacks.
pub(crate) fn page_tag(page: &[u8]) -> String {
    format!("\"{:032x}\"", XxHash3_128::oneshot(page))
}

/// The entity tag of an input: its revision, and a digest of all of it, since one that was deleted may be registered
/// again, at once and as something else.
pub(crate) fn input_tag(input: &Input) -> String {
    format!("\"{}+{:08x}\"", input.revision, beginning(Sha256::new().chain_update(format!("{input:?}"))))
}

/// The entity tag of what is said of two source versions, of which nothing ever changes while they are there.
pub(crate) fn versions_tag(from: &SourceVersion, to: &SourceVersion) -> String {
    format!("\"{:x}+{:x}\"", from.created_at.as_micros(), to.created_at.as_micros())
}

/// The revisions of what is shown beside a job.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shown {
    /// Of its source.
    pub(crate) source: Option<Revision>,
    /// Of the lifecycle of its version.
    pub(crate) lifecycle: Option<Revision>,
    /// The [digest](keeper_digest) of the set that keeps its version.
    pub(crate) keeper: Option<u32>,
    /// The [digest](inputs_digest) of its inputs.
    pub(crate) inputs: Option<u32>,
    /// The [digest](organisation_digest) of its organisation.
    pub(crate) organisation: Option<u32>,
    /// The [digest](run_digest) of its last run.
    pub(crate) last_run: Option<u32>,
}

/// What tells the last run of a job apart from what it was; `None` is a job that has not run.
pub(crate) fn run_digest(run: Option<&Run>) -> u32 {
    beginning(Sha256::new().chain_update(format!("{run:?}")))
}

/// What tells the name of an organisation apart from what it was.
pub(crate) fn organisation_digest(organisation: &Organisation) -> u32 {
    let name = organisation.name.as_ref().map_or("", |name| name.as_str());
    beginning(Sha256::new().chain_update(name))
}

/// What tells the inputs of a job apart from what they were.
pub(crate) fn inputs_digest(bound: &[BoundInput]) -> u32 {
    let mut hash = Sha256::new();
    for BoundInput { input, output, unit } in bound {
        hash.update(format!("{input:?}"));
        // Another job may be called otherwise, or run another version.
        hash.update(format!("{output:?}"));
        // The unit of the role is part of the version, and how units are compared, of the release.
        hash.update(format!("{unit:?}"));
    }
    beginning(hash)
}

/// The first bytes of a digest.
fn beginning(hash: Sha256) -> u32 {
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    u32::from_be_bytes([a, b, c, d])
}

/// The entity tag of a job that is shown with its health, and of what is shown beside it.
pub(crate) fn job_tag(revision: Revision, health: &Health, shown: Shown) -> String {
    let Health {
        status,
        last_run_at,
        last_success_at,
        next_expected_at,
        overdue_since,
        consecutive_failures,
        blocked_by,
    } = health;
    let mut hash = Sha256::new();
    hash.update(status.as_str());
    for time in [last_run_at, last_success_at, next_expected_at, overdue_since] {
        hash.update(time.map_or(i64::MIN, |time| time.as_micros()).to_be_bytes());
    }
    hash.update(consecutive_failures.to_be_bytes());
    for job in blocked_by {
        hash.update(job.as_uuid().as_bytes());
    }
    let health = beginning(hash);
    let source = shown.source.map(|revision| format!("+{revision}")).unwrap_or_default();
    let lifecycle = shown.lifecycle.map(|revision| format!("+v{revision}")).unwrap_or_default();
    let keeper = shown.keeper.map(|digest| format!("+k{digest:08x}")).unwrap_or_default();
    let inputs = shown.inputs.map(|digest| format!("+i{digest:08x}")).unwrap_or_default();
    let organisation = shown.organisation.map(|digest| format!("+o{digest:08x}")).unwrap_or_default();
    let last_run = shown.last_run.map(|digest| format!("+r{digest:08x}")).unwrap_or_default();
    format!("\"{revision}+{health:08x}{source}{lifecycle}{keeper}{inputs}{organisation}{last_run}\"")
}

/// What `If-Match` asks for. Comparison is strong: a weak tag matches nothing.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Precondition, Problem> {
    Ok(match tags(headers, &IF_MATCH)? {
        None | Some(Tags::Any) => Precondition::None,
        // Something on the way changed the body, and says so (RFC 9110, section 8.8.3).
        Some(Tags::List(tags)) if tags.iter().all(|tag| tag.weak) => Precondition::WeaklyTagged,
        Some(Tags::List(tags)) => Precondition::OneOf(
            tags.iter().filter(|tag| !tag.weak).filter_map(|tag| revision_of(&tag.opaque)).collect(),
        ),
    })
}

/// What a reader has already.
pub(crate) struct Freshness(Option<Tags>);

impl Freshness {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        tags(headers, &IF_NONE_MATCH).map(Self)
    }

    /// Whether the reader has what carries this tag. Comparison is weak.
    pub(crate) fn has(&self, entity_tag: &str) -> bool {
        match &self.0 {
            None => false,
            Some(Tags::Any) => true,
            Some(Tags::List(tags)) => {
                tags.iter().any(|tag| without_coding(&tag.opaque) == entity_tag.trim_matches('"'))
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Tags {
    Any,
    List(Vec<Tag>),
}

#[derive(Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    opaque: String,
}

fn revision_of(opaque: &str) -> Option<Revision> {
    let digits = opaque.split('+').next()?;
    let canonical = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if canonical { Revision::new(digits.parse().ok()?) } else { None }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut list: Option<Vec<Tag>> = None;
    for value in headers.get_all(name) {
        let malformed = || {
            Problem::new(ProblemCode::InvalidHeader)
                .detail(format!("{name} is neither * nor a list of entity tags such as \"3\""))
        };
        let text = value.to_str().map_err(|_| malformed())?.trim();
        if text == "*" {
            return Ok(Some(Tags::Any));
        }
        list.get_or_insert_default().extend(parse_list(text).ok_or_else(malformed)?);
    }
    Ok(list.map(Tags::List))
}

/// `entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE`, separated by commas. A tag may contain a comma.
fn parse_list(mut text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        if text.is_empty() {
            return if tags.is_empty() { None } else { Some(tags) };
        }
        let (weak, rest) = match text.strip_prefix("W/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (opaque, rest) = rest.strip_prefix('"')?.split_once('"')?;
        tags.push(Tag { weak, opaque: opaque.to_owned() });
        text = rest.trim_start_matches([' ', '\t']);
        if !text.is_empty() && !text.starts_with(',') {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn if_match_takes_a_list_and_compares_strongly() {
        let revision = |number| Revision::new(number).unwrap();
        let read = |values: &[&'static str]| if_match(&headers(&IF_MATCH, values)).map_err(|problem| problem.code());
        assert_eq!(read(&[]), Ok(Precondition::None));
        assert_eq!(read(&["*"]), Ok(Precondition::None));
        assert_eq!(read(&["\"3\""]), Ok(Precondition::OneOf(vec![revision(3)])));
        assert_eq!(read(&["\"3+7\""]), Ok(Precondition::OneOf(vec![revision(3)])));
        assert_eq!(read(&["\"1\", W/\"2\"", "\"4\""]), Ok(Precondition::OneOf(vec![revision(1), revision(4)])));
        assert_eq!(read(&["\"other\""]), Ok(Precondition::OneOf(vec![])));
        assert_eq!(read(&["W/\"3\""]), Ok(Precondition::WeaklyTagged));
        assert_eq!(read(&["W/\"3\", W/\"2+7\""]), Ok(Precondition::WeaklyTagged));
        assert_eq!(read(&["\"03\""]), Ok(Precondition::OneOf(vec![])));
        for malformed in ["3", "", "\"3", "\"3\" \"4\"", "w/\"3\""] {
            assert_eq!(
                if_match(&headers(&IF_MATCH, &[malformed])).unwrap_err().code(),
                ProblemCode::InvalidHeader,
                "{malformed}"
            );
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let has = |value, tag: &str| Freshness::of(&headers(&IF_NONE_MATCH, &[value])).unwrap().has(tag);
        assert!(has("W/\"3\"", "\"3\""));
        assert!(has("*", "\"3\""));
        assert!(has("\"1\",\"3+2\"", "\"3+2\""));
        assert!(!has("\"3\"", "\"3+2\""));
        assert!(!Freshness::of(&HeaderMap::new()).unwrap().has("\"3\""));
    }
}
