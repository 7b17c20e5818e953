//! Every way in which a setup can say which source and which version it means.

use std::time::Duration;

use prediction_domain::model::{Source, SourceVersion, ViolationCode};
use prediction_domain::requests::{Sent, SetUpDraft, SetUpJobDraft, SourceDraft, SourceVersionDraft};
use prediction_domain::use_cases::Outcome;
use serde_json::json;

use crate::world::{
    CHOSEN, Found, NOWHERE, World, a_job, a_source, a_version, binding, conflict, differences, everything, given,
    invalid, places, source_of_id, version_of_id,
};

/// Two sources with a version each; both versions need a temperature.
struct Catalog {
    world: World,
    mildew: Source,
    mildew_1: SourceVersion,
    rust: Source,
    rust_1: SourceVersion,
}

fn catalog() -> Catalog {
    let world = World::new();
    let mildew = world.source("mildew");
    let mildew_1 = world.version(&mildew, "1.0.0", &["temperature"]);
    let rust = world.source("rust");
    let rust_1 = world.version(&rust, "1.0.0", &["temperature"]);
    Catalog { world, mildew, mildew_1, rust, rust_1 }
}

/// A setup that says nothing of source and version.
fn unnamed() -> SetUpDraft {
    SetUpDraft { job: Sent::Given(a_job("Job A")), ..binding(&["temperature"]) }
}

fn with_source(draft: SourceDraft) -> SetUpDraft {
    SetUpDraft { source: Sent::Given(draft), ..unnamed() }
}

fn with_version(draft: SourceVersionDraft) -> SetUpDraft {
    SetUpDraft { source_version: Sent::Given(draft), ..unnamed() }
}

/// Says in the job, too, which source or version it is.
fn and_in_job(mut draft: SetUpDraft, source: Option<&str>, version: Option<&str>) -> SetUpDraft {
    let job = SetUpJobDraft {
        source_id: source.map_or(Sent::Absent, given),
        source_version_id: version.map_or(Sent::Absent, given),
        ..a_job("Job A")
    };
    draft.job = Sent::Given(job);
    draft
}

#[test]
fn a_source_is_found_by_each_of_its_names() {
    let Catalog { world, mildew, mildew_1, .. } = catalog();
    let id = mildew.id.to_string();
    let with_name = |name: &str| SourceDraft { id: given(&id), ..a_source(name) };
    for draft in [
        with_source(source_of_id(&id)),
        with_source(with_name("MILDEW")),
        with_source(a_source("Mildew")),
        and_in_job(unnamed(), Some(&id), None),
        and_in_job(unnamed(), None, Some(&mildew_1.id.to_string())),
        and_in_job(with_source(a_source("mildew")), Some(&id), None),
        and_in_job(with_source(with_name("mildew")), Some(&id), Some(&mildew_1.id.to_string())),
        with_version(version_of_id(&mildew_1.id)),
        SetUpDraft { source: Sent::Null, ..with_version(version_of_id(&mildew_1.id)) },
    ] {
        let done = world.dry_run(draft.clone()).unwrap_or_else(|refusal| panic!("{draft:?}: {refusal:?}"));
        assert_eq!((&done.source, done.outcomes.source), (&mildew, Outcome::Reused), "{draft:?}");
        assert_eq!((&done.source_version, done.outcomes.source_version), (&mildew_1, Outcome::Reused));
        assert_eq!((done.job.source_id, done.job.source_version_id), (mildew.id, mildew_1.id));
    }
}

#[test]
fn a_version_is_found_by_each_of_its_names() {
    let Catalog { world, mildew, mildew_1, rust, .. } = catalog();
    // Published later, and not meant.
    world.clock.advance(Duration::from_secs(1));
    world.version(&mildew, "2.0.0", &["temperature"]);
    world.version(&rust, "2.0.0", &["temperature"]);
    let id = mildew_1.id.to_string();
    let described = |draft: SourceVersionDraft| SetUpDraft {
        source_version: Sent::Given(draft),
        ..with_source(a_source("mildew"))
    };
    let labelled = SourceVersionDraft { version: given("v1.0.0"), ..SourceVersionDraft::default() };
    for draft in [
        described(version_of_id(&id)),
        described(labelled.clone()),
        described(a_version("1.0.0", &["temperature"])),
        described(SourceVersionDraft { id: given(&id), ..a_version("1.0.0", &["temperature"]) }),
        described(SourceVersionDraft { source_id: given(&mildew.id.to_string()), ..labelled.clone() }),
        and_in_job(described(labelled), None, Some(&id)),
        and_in_job(unnamed(), Some(&mildew.id.to_string()), Some(&id)),
        and_in_job(unnamed(), None, Some(&id)),
        and_in_job(with_version(version_of_id(&id)), None, Some(&id)),
    ] {
        let done = world.dry_run(draft.clone()).unwrap_or_else(|refusal| panic!("{draft:?}: {refusal:?}"));
        assert_eq!((&done.source_version, done.outcomes.source_version), (&mildew_1, Outcome::Reused), "{draft:?}");
        assert_eq!(done.warnings, []);
    }
}

#[test]
fn what_is_described_and_not_there_is_created_under_the_chosen_id() {
    let world = World::new();
    let source = SourceDraft { id: given(CHOSEN), retention_hours: Sent::Given(24), ..a_source("mildew") };
    let version = SourceVersionDraft { id: given(NOWHERE), ..a_version("v1.0.0", &["temperature"]) };
    let draft = SetUpDraft { source_version: Sent::Given(version), ..with_source(source) };
    let done = world.set_up(draft.clone()).unwrap();
    assert_eq!((done.source.id.to_string().as_str(), done.outcomes.source), (CHOSEN, Outcome::Created));
    assert_eq!(
        (done.source_version.id.to_string().as_str(), done.outcomes.source_version),
        (NOWHERE, Outcome::Created)
    );
    assert_eq!(done.source.retention_hours.unwrap().as_i32(), 24);
    assert_eq!(done.source_version.version.as_str(), "v1.0.0");
    assert_eq!(world.set_up(draft).unwrap().outcomes.job, Outcome::Reused);
}

#[test]
fn the_version_that_was_published_last_is_the_default_and_named_in_a_warning() {
    let Catalog { world, mildew, .. } = catalog();
    let draft = |name: &str| SetUpDraft { job: Sent::Given(a_job(name)), ..with_source(source_of_id(&mildew.id)) };
    world.clock.advance(Duration::from_secs(1));
    let newest = world.version(&mildew, "0.9.0", &["temperature"]);
    let done = world.set_up(draft("Job A")).unwrap();
    assert_eq!(done.source_version, newest);
    assert_eq!(done.warnings.len(), 1);
    assert_eq!(done.warnings[0].code, "version_defaulted");
    assert_eq!(done.warnings[0].details, json!({ "source_version_id": newest.id, "version": "0.9.0" }));

    // A newer one does not change what the job runs, nor the answer to the same request.
    world.clock.advance(Duration::from_secs(1));
    let newer = world.version(&mildew, "3.0.0", &["temperature"]);
    let again = world.unchanged(|| world.set_up(draft("Job A"))).unwrap();
    assert_eq!((&again.source_version, again.outcomes.job), (&newest, Outcome::Reused));
    assert_eq!(again.warnings, done.warnings);
    assert_eq!(world.set_up(draft("Job B")).unwrap().source_version, newer);
}

#[test]
fn a_job_of_another_source_does_not_choose_the_default() {
    let Catalog { world, mildew, mildew_1, rust, rust_1, .. } = catalog();
    world.job(&mildew_1, "Job A");
    let conflict = conflict(world.set_up(with_source(source_of_id(&rust.id))));
    assert_eq!(
        differences(&conflict),
        [
            ("source".to_owned(), json!({ "id": mildew.id }), json!({ "id": rust.id })),
            ("source_version".to_owned(), json!({ "id": mildew_1.id }), json!({ "id": rust_1.id })),
        ]
    );
}

#[test]
fn differences_are_told_where_the_request_names_the_thing() {
    let Catalog { world, mildew, mildew_1, rust, rust_1 } = catalog();
    world.job(&mildew_1, "Job A");
    let paths = |draft: SetUpDraft| {
        let conflict = conflict(world.set_up(draft));
        conflict.differences.iter().map(|difference| difference.path.to_string()).collect::<Vec<_>>()
    };
    let (rust, rust_1) = (rust.id.to_string(), rust_1.id.to_string());
    assert_eq!(paths(and_in_job(unnamed(), Some(&rust), Some(&rust_1))), ["job.source_id", "job.source_version_id"]);
    assert_eq!(
        paths(SetUpDraft { source_version: Sent::Given(version_of_id(&rust_1)), ..with_source(source_of_id(&rust)) }),
        ["source", "source_version"]
    );
    let newer = world.version(&mildew, "2.0.0", &["temperature"]).id.to_string();
    assert_eq!(paths(and_in_job(unnamed(), None, Some(&newer))), ["job.source_version_id"]);
}

#[test]
fn a_source_without_any_version_cannot_be_defaulted() {
    let world = World::new();
    let expected = places(&[("source_version", ViolationCode::SourceWithoutVersion)]);
    assert_eq!(invalid(world.set_up(with_source(a_source("mildew")))), expected, "a new one has none");
    let stored = world.source("rust");
    assert_eq!(invalid(world.set_up(with_source(source_of_id(&stored.id)))), expected);
    assert_eq!(invalid(world.set_up(and_in_job(unnamed(), Some(&stored.id.to_string()), None))), expected);
}

/// What is wrong with a setup that says twice which source it is.
#[test]
fn source_and_job_source_id_have_to_agree_in_every_combination() {
    let Catalog { world, mildew, rust, .. } = catalog();
    let (mildew_id, rust_id) = (mildew.id.to_string(), rust.id.to_string());
    let named = |id: &str, name: &str| SourceDraft { id: given(id), ..a_source(name) };
    let nothing: Found = Vec::new();
    let disagrees = places(&[("job.source_id", ViolationCode::Disagrees)]);
    let unknown = ("source.id", ViolationCode::UnknownSource);
    for (source, in_job, expected) in [
        (source_of_id(&mildew_id), &*mildew_id, nothing.clone()),
        (source_of_id(&mildew_id), &*rust_id, disagrees.clone()),
        (source_of_id(&mildew_id), NOWHERE, disagrees.clone()),
        (a_source("mildew"), &*mildew_id, nothing.clone()),
        (a_source("mildew"), &*rust_id, disagrees.clone()),
        (a_source("mildew"), NOWHERE, disagrees.clone()),
        (named(&mildew_id, "mildew"), &*mildew_id, nothing),
        (named(&mildew_id, "mildew"), &*rust_id, disagrees.clone()),
        (a_source("new"), &*mildew_id, disagrees.clone()),
        (a_source("new"), NOWHERE, disagrees),
        (source_of_id(NOWHERE), NOWHERE, places(&[unknown])),
        (source_of_id(NOWHERE), &*mildew_id, places(&[("job.source_id", ViolationCode::Disagrees), unknown])),
        (source_of_id("nope"), &*mildew_id, places(&[("source.id", ViolationCode::InvalidUuid)])),
        (source_of_id(&mildew_id), "nope", places(&[("job.source_id", ViolationCode::InvalidUuid)])),
    ] {
        let draft = SetUpDraft {
            source_version: Sent::Given(a_version("1.0.0", &["temperature"])),
            ..and_in_job(with_source(source), Some(in_job), None)
        };
        let told = match world.dry_run(draft.clone()) {
            Ok(_) => Vec::new(),
            refused => invalid(refused),
        };
        assert_eq!(told, expected, "{draft:?}");
    }
}

#[test]
fn a_new_source_may_be_named_twice_by_its_chosen_id() {
    let world = World::new();
    let source = SourceDraft { id: given(CHOSEN), ..a_source("mildew") };
    let draft = SetUpDraft {
        source_version: Sent::Given(a_version("1.0.0", &["temperature"])),
        ..and_in_job(with_source(source), Some(CHOSEN), None)
    };
    assert_eq!(world.set_up(draft).unwrap().source.id.to_string(), CHOSEN);
}

#[test]
fn version_and_job_source_version_id_have_to_agree_in_every_combination() {
    let Catalog { world, mildew, mildew_1, rust_1, .. } = catalog();
    let mildew_2 = world.version(&mildew, "2.0.0", &["temperature"]).id.to_string();
    let (mildew_1, rust_1) = (mildew_1.id.to_string(), rust_1.id.to_string());
    let labelled = |label: &str| SourceVersionDraft { version: given(label), ..SourceVersionDraft::default() };
    let nothing: Found = Vec::new();
    let disagrees = places(&[("job.source_version_id", ViolationCode::Disagrees)]);
    let unknown = ("source_version.id", ViolationCode::UnknownSourceVersion);
    let of_other = ("source_version.id", ViolationCode::SourceVersionOfOtherSource);
    for (version, in_job, expected) in [
        (version_of_id(&mildew_1), &*mildew_1, nothing.clone()),
        (version_of_id(&mildew_1), &*mildew_2, disagrees.clone()),
        (version_of_id(&mildew_1), NOWHERE, disagrees.clone()),
        (labelled("v1.0.0"), &*mildew_1, nothing),
        (labelled("v1.0.0"), &*mildew_2, disagrees.clone()),
        (labelled("v1.0.0"), NOWHERE, disagrees.clone()),
        (a_version("3.0.0", &["temperature"]), &*mildew_1, disagrees),
        (version_of_id(&rust_1), &*rust_1, places(&[of_other])),
        (version_of_id(NOWHERE), NOWHERE, places(&[unknown])),
        (version_of_id("nope"), &*mildew_1, places(&[("source_version.id", ViolationCode::InvalidUuid)])),
        (version_of_id(&mildew_1), "", places(&[("job.source_version_id", ViolationCode::InvalidUuid)])),
    ] {
        let draft = SetUpDraft {
            source_version: Sent::Given(version),
            ..and_in_job(with_source(a_source("mildew")), None, Some(in_job))
        };
        let told = match world.dry_run(draft.clone()) {
            Ok(_) => Vec::new(),
            refused => invalid(refused),
        };
        assert_eq!(told, expected, "{draft:?}");
    }
}

#[test]
fn a_version_of_another_source_is_told_where_it_is_named() {
    let Catalog { world, mildew, rust_1, .. } = catalog();
    let (mildew, rust_1) = (mildew.id.to_string(), rust_1.id.to_string());
    let of_other = ViolationCode::SourceVersionOfOtherSource;
    let described =
        SetUpDraft { source_version: Sent::Given(version_of_id(&rust_1)), ..with_source(source_of_id(&mildew)) };
    assert_eq!(invalid(world.set_up(described)), places(&[("source_version.id", of_other)]));
    let in_job = and_in_job(unnamed(), Some(&mildew), Some(&rust_1));
    assert_eq!(invalid(world.set_up(in_job)), places(&[("job.source_version_id", of_other)]));
}

#[test]
fn a_version_may_repeat_the_source_of_the_setup_and_nothing_else() {
    let Catalog { world, mildew, mildew_1, rust, .. } = catalog();
    let wrong = places(&[("source_version.source_id", ViolationCode::Disagrees)]);
    let saying = |version: SourceVersionDraft, source: &Source| SetUpDraft {
        source_version: Sent::Given(SourceVersionDraft { source_id: given(&source.id.to_string()), ..version }),
        ..with_source(a_source("mildew"))
    };
    for version in
        [version_of_id(&mildew_1.id), a_version("1.0.0", &["temperature"]), a_version("9.0.0", &["temperature"])]
    {
        assert_eq!(world.dry_run(saying(version.clone(), &mildew)).unwrap().source, mildew);
        assert_eq!(invalid(world.dry_run(saying(version, &rust))), wrong);
    }
    let alone = SetUpDraft { source: Sent::Absent, ..saying(version_of_id(&mildew_1.id), &rust) };
    assert_eq!(invalid(world.dry_run(alone)), wrong, "the source is that of the version");
}

#[test]
fn a_described_version_needs_a_source_to_belong_to() {
    let world = World::new();
    let missing = places(&[("source", ViolationCode::MissingMember)]);
    for draft in [
        with_version(a_version("1.0.0", &["temperature"])),
        with_version(SourceVersionDraft { id: given(NOWHERE), ..a_version("1.0.0", &["temperature"]) }),
        SetUpDraft { source: Sent::Null, ..with_version(a_version("1.0.0", &["temperature"])) },
    ] {
        assert_eq!(invalid(world.set_up(draft)), missing);
    }
}

#[test]
fn an_unknown_id_is_a_reference_that_fails_or_a_description_that_lacks_something() {
    let world = World::new();
    let described = |source: SourceDraft| SetUpDraft { source: Sent::Given(source), ..everything() };
    assert_eq!(
        invalid(world.set_up(described(source_of_id(NOWHERE)))),
        places(&[("source.id", ViolationCode::UnknownSource)])
    );
    let unnamed_source = SourceDraft { description: given("Predicts mildew"), ..source_of_id(NOWHERE) };
    assert_eq!(
        invalid(world.set_up(described(unnamed_source.clone()))),
        places(&[("source.name", ViolationCode::MissingMember)])
    );
    assert_eq!(
        invalid(world.set_up(described(SourceDraft { name: Sent::Null, ..unnamed_source }))),
        places(&[("source.name", ViolationCode::WrongType)])
    );
    assert_eq!(
        invalid(world.set_up(and_in_job(unnamed(), Some(NOWHERE), None))),
        places(&[("job.source_id", ViolationCode::UnknownSource)])
    );
    assert_eq!(
        invalid(world.set_up(and_in_job(unnamed(), None, Some(NOWHERE)))),
        places(&[("job.source_version_id", ViolationCode::UnknownSourceVersion)])
    );
    assert_eq!(
        invalid(world.set_up(with_version(version_of_id(NOWHERE)))),
        places(&[("source_version.id", ViolationCode::UnknownSourceVersion)])
    );
    let source = world.source("mildew");
    let version = SourceVersionDraft { description: given("First."), ..version_of_id(NOWHERE) };
    assert_eq!(
        invalid(
            world.set_up(SetUpDraft { source_version: Sent::Given(version), ..with_source(source_of_id(&source.id)) })
        ),
        places(&[
            ("source_version.input_roles", ViolationCode::MissingMember),
            ("source_version.output_roles", ViolationCode::MissingMember),
            ("source_version.version", ViolationCode::MissingMember),
        ])
    );
}

#[test]
fn neither_id_nor_name_says_nothing() {
    let world = World::new();
    let draft = SetUpDraft {
        source: Sent::Given(SourceDraft::default()),
        source_version: Sent::Given(SourceVersionDraft { id: Sent::Null, ..SourceVersionDraft::default() }),
        ..unnamed()
    };
    assert_eq!(
        invalid(world.set_up(draft)),
        places(&[
            ("source.name", ViolationCode::MissingMember),
            ("source_version.version", ViolationCode::MissingMember),
        ])
    );
}
