//! Publishing source versions.

use prediction_domain::model::{Contract, InputRole, OutputRole, Path, SourceVersion, ValueProblem, ViolationCode};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{Sent, SourceVersionDraft, Submission};
use prediction_domain::use_cases::{Outcome, Resource, UseCaseError, publish_source_version};
use prediction_domain_testkit::builders::contract;
use serde_json::json;

use crate::world::{
    CHOSEN, NOWHERE, World, a_version, a_version_with, conflict, differences, given, invalid, operator, places,
};

fn publish(
    world: &World,
    source_id: &str,
    draft: SourceVersionDraft,
) -> Result<(SourceVersion, Outcome), UseCaseError> {
    let draft = SourceVersionDraft { source_id: given(source_id), ..draft };
    publish_source_version(&world.ports, &operator(), &draft.into(), WriteMode::Commit)
}

#[test]
fn a_published_version_can_be_found() {
    let world = World::new();
    let source = world.source("mildew");
    let draft = SourceVersionDraft { description: given("First."), ..a_version(" 1.0.0 ", &["temperature"]) };
    let (version, outcome) = publish(&world, &source.id.to_string(), draft).unwrap();
    assert_eq!(outcome, Outcome::Created);
    assert_eq!((version.source_id, version.version.as_str()), (source.id, "1.0.0"));
    assert_eq!(version.contract, contract(&["temperature"], &["prediction"]));
    assert_eq!(version.created_at, world.ports.clock.now());
    assert_eq!(world.contents().1, [version]);
}

#[test]
fn the_same_content_again_finds_what_is_stored() {
    let world = World::new();
    let source = world.source("mildew").id.to_string();
    let draft = |label: &str| a_version(label, &["temperature", "humidity"]);
    let described = SourceVersionDraft { description: given("First."), ..draft("v1.0.0") };
    let (stored, _) = publish(&world, &source, described.clone()).unwrap();
    let in_other_order = a_version("V1.0.0", &["humidity", "temperature"]);
    let with_id = SourceVersionDraft { id: given(&stored.id.to_string()), ..draft("1.0.0") };
    for again in [described, draft("1.0.0"), in_other_order, with_id] {
        let (found, outcome) = world.unchanged(|| publish(&world, &source, again)).unwrap();
        assert_eq!((&found, outcome), (&stored, Outcome::Reused));
        assert_eq!(found.version.as_str(), "v1.0.0", "it is shown as it was stored");
    }
}

#[test]
fn another_contract_under_the_label_is_a_conflict_with_each_role() {
    let world = World::new();
    let source = world.source("mildew").id.to_string();
    let described = SourceVersionDraft { description: given("First."), ..a_version("1.0.0", &["a", "b"]) };
    let (stored, _) = publish(&world, &source, described).unwrap();
    let optional = InputRole { required: false, ..InputRole::required("b", "sensor", "celsius").unwrap() };
    let outputs = vec![OutputRole::required("prediction", "risk").unwrap()];
    let other = Contract::new(vec![InputRole::required("c", "sensor", "celsius").unwrap(), optional.clone()], outputs);
    let draft = SourceVersionDraft { description: Sent::Null, ..a_version_with("v1.0.0", &other.unwrap()) };

    let conflict = conflict(world.unchanged(|| publish(&world, &source, draft)));
    assert_eq!((conflict.resource, conflict.existing_id), (Resource::SourceVersion, stored.id.as_uuid()));
    let role = |role: &InputRole| json!(role);
    let stored_role = |name: &str| role(&InputRole::required(name, "sensor", "celsius").unwrap());
    assert_eq!(
        differences(&conflict),
        [
            ("description".to_owned(), json!("First."), json!(null)),
            ("input_roles[0]".to_owned(), json!(null), stored_role("c")),
            ("input_roles[1]".to_owned(), stored_role("b"), role(&optional)),
            ("input_roles".to_owned(), stored_role("a"), json!(null)),
        ]
    );
}

#[test]
fn the_same_label_in_another_source_is_another_version() {
    let world = World::new();
    let (mildew, rust) = (world.source("mildew"), world.source("rust"));
    world.version(&mildew, "1.0.0", &["a"]);
    let (_, outcome) = publish(&world, &rust.id.to_string(), a_version("1.0.0", &["b"])).unwrap();
    assert_eq!(outcome, Outcome::Created);
}

#[test]
fn a_chosen_id_belongs_to_one_version_of_one_source() {
    let world = World::new();
    let (mildew, rust) = (world.source("mildew"), world.source("rust"));
    let chosen = |label: &str| SourceVersionDraft { id: given(CHOSEN), ..a_version(label, &["a"]) };
    let (stored, outcome) = publish(&world, &mildew.id.to_string(), chosen("1.0.0")).unwrap();
    assert_eq!((stored.id.to_string().as_str(), outcome), (CHOSEN, Outcome::Created));

    let elsewhere = conflict(publish(&world, &rust.id.to_string(), chosen("2.0.0")));
    assert_eq!(elsewhere.existing_id, stored.id.as_uuid());
    assert_eq!(
        differences(&elsewhere),
        [
            ("version".to_owned(), json!("1.0.0"), json!("2.0.0")),
            ("source_id".to_owned(), json!(mildew.id), json!(rust.id)),
        ]
    );
    let other_id = SourceVersionDraft { id: given(NOWHERE), ..a_version("1.0.0", &["a"]) };
    let other_id = conflict(publish(&world, &mildew.id.to_string(), other_id));
    assert_eq!(differences(&other_id), [("id".to_owned(), json!(CHOSEN), json!(NOWHERE))]);
}

#[test]
fn an_unknown_source_is_told_together_with_everything_else() {
    let world = World::new();
    let mut wrong = SourceVersionDraft { id: given("x"), ..a_version("", &["a"]) };
    if let Sent::Given(roles) = &mut wrong.input_roles {
        roles.extend(roles.clone());
    }
    let unknown = ValueProblem::new(ViolationCode::UnknownMember, "is unknown");
    let content = SourceVersionDraft { source_id: given(NOWHERE), ..wrong };
    let mut submission = Submission::from(content);
    submission.diagnostics.report(Path::of("colour"), unknown);
    assert_eq!(
        invalid(world.unchanged(|| publish_source_version(&world.ports, &operator(), &submission, WriteMode::Commit))),
        places(&[
            ("colour", ViolationCode::UnknownMember),
            ("id", ViolationCode::InvalidUuid),
            ("input_roles[1].role", ViolationCode::DuplicateRole),
            ("source_id", ViolationCode::UnknownSource),
            ("version", ViolationCode::TooShort),
        ])
    );
}

#[test]
fn everything_that_a_version_needs_is_asked_for_at_once() {
    let world = World::new();
    let nothing = SourceVersionDraft::default();
    let missing = ["input_roles", "output_roles", "source_id", "version"];
    let missing: Vec<_> = missing.map(|member| (member, ViolationCode::MissingMember)).to_vec();
    assert_eq!(
        invalid(publish_source_version(&world.ports, &operator(), &nothing.into(), WriteMode::Commit)),
        places(&missing)
    );

    let nulls = SourceVersionDraft {
        id: Sent::Null,
        source_id: Sent::Null,
        version: Sent::Null,
        description: Sent::Null,
        input_roles: Sent::Null,
        output_roles: Sent::Null,
    };
    let null: Vec<_> = missing.iter().map(|(member, _)| (*member, ViolationCode::WrongType)).collect();
    assert_eq!(
        invalid(publish_source_version(&world.ports, &operator(), &nulls.into(), WriteMode::Commit)),
        places(&null)
    );
}
