//! Whose a source is, and what only its owner may do.

use prediction_domain::model::{
    AccessDenied, Caller, OrganisationId, OwnersRight, Permission, Revision, Scope, Source, Violation, ViolationCode,
};
use prediction_domain::ports::{OwnerFilter, SourceFilter, WriteMode};
use prediction_domain::requests::{Precondition, Sent, SetUpDraft, SourceChangeDraft, SourceDraft, SourceVersionDraft};
use prediction_domain::use_cases::{
    Outcome, SetUpDone, UseCaseError, change_source, create_source, delete_source, delete_source_version, list_sources,
    publish_source_version,
};
use prediction_domain_testkit::values::{first_page, fresh_organisation_id};
use serde_json::json;

use crate::world::{
    CHOSEN, OTHER_ORGANISATION, World, a_source, a_version, binding, caller, conflict, customer, differences,
    everything, given, invalid, operator, organisation, places, source_of_id, version_of_id,
};

const ANY: Precondition = Precondition::None;

fn other_organisation() -> OrganisationId {
    OrganisationId::parse(OTHER_ORGANISATION).unwrap()
}

/// A caller of these organisations, who may do everything there.
fn of(organisations: &[OrganisationId]) -> Caller {
    caller(&Permission::ALL, Scope::of(organisations.iter().copied()))
}

fn owned_by(owner: Option<OrganisationId>, name: &str) -> SourceDraft {
    let owner_organisation_id = owner.map_or(Sent::Null, |owner| given(&owner.to_string()));
    SourceDraft { owner_organisation_id, ..a_source(name) }
}

/// A source of that owner, stored by an operator.
fn stored(world: &World, owner: Option<OrganisationId>, name: &str) -> Source {
    create_source(&world.ports, &operator(), &owned_by(owner, name).into(), WriteMode::Commit).unwrap().0
}

fn create(world: &World, caller: &Caller, draft: SourceDraft) -> Result<(Source, Outcome), UseCaseError> {
    create_source(&world.ports, caller, &draft.into(), WriteMode::Commit)
}

fn denied<T: std::fmt::Debug>(result: Result<T, UseCaseError>) -> AccessDenied {
    match result {
        Err(UseCaseError::Denied(denied)) => denied,
        other => panic!("not denied: {other:?}"),
    }
}

/// What only owners may do, with everything that it needs, and a version to be deleted.
type OwnersAct = (OwnersRight, fn(&World, &Caller, &Source) -> Result<(), UseCaseError>);

/// Which of them is a setup.
const SET_UP: usize = 3;

const OWNERS_ACTS: [OwnersAct; 7] = [
    (OwnersRight::Change, |world, caller, source| {
        let draft = SourceDraft { description: given("changed"), ..SourceDraft::default() };
        let draft = SourceChangeDraft { source: draft, ..SourceChangeDraft::default() };
        change_source(&world.ports, caller, source.id, &draft.into(), &ANY, WriteMode::Commit).map(drop)
    }),
    // No other caller learns what it would do, or that they do not know the revision.
    (OwnersRight::Change, |world, caller, source| {
        let draft = SourceDraft { name: given("another"), ..SourceDraft::default() };
        let draft = SourceChangeDraft { source: draft, ..SourceChangeDraft::default() };
        change_source(&world.ports, caller, source.id, &draft.into(), &ANY, WriteMode::DryRun).map(drop)
    }),
    (OwnersRight::Publish, |world, caller, source| {
        let draft = SourceVersionDraft { source_id: given(&source.id.to_string()), ..a_version("2.0.0", &[]) };
        publish_source_version(&world.ports, caller, &draft.into(), WriteMode::Commit).map(drop)
    }),
    (OwnersRight::Publish, |world, caller, source| {
        let draft = SetUpDraft {
            source: Sent::Given(source_of_id(&source.id)),
            source_version: Sent::Given(a_version("3.0.0", &["temperature"])),
            ..everything()
        };
        world.set_up_as(caller, draft, WriteMode::DryRun).map(drop)
    }),
    (OwnersRight::Delete, |world, caller, source| {
        let newest = world.ports.source_versions.newest(source.id).unwrap().unwrap();
        delete_source_version(&world.ports, caller, newest.id, &ANY, WriteMode::Commit).map(drop)
    }),
    (OwnersRight::Delete, |world, caller, source| {
        let newest = world.ports.source_versions.newest(source.id).unwrap().unwrap();
        delete_source_version(&world.ports, caller, newest.id, &ANY, WriteMode::Commit).map(drop)
    }),
    (OwnersRight::Delete, |world, caller, source| {
        delete_source(&world.ports, caller, source.id, &ANY, WriteMode::Commit).map(drop)
    }),
];

/// Callers, and of which sources they are the owners.
fn callers() -> [(&'static str, Caller, IsOwner); 5] {
    let (own, other) = (organisation(), other_organisation());
    [
        ("own", of(&[own]), |owner| owner == Some(organisation())),
        ("both", of(&[own, other]), |owner| owner.is_some()),
        ("other", of(&[fresh_organisation_id()]), |_| false),
        ("none", of(&[]), |_| false),
        ("platform", operator(), |_| true),
    ]
}

type IsOwner = fn(Option<OrganisationId>) -> bool;

#[test]
fn only_its_owner_changes_a_source_publishes_its_versions_and_deletes_them() {
    for owner in [Some(organisation()), Some(other_organisation()), None] {
        for (kind, caller, is_owner) in callers() {
            let world = World::new();
            let source = stored(&world, owner, "mildew");
            world.version(&source, "1.0.0", &["temperature"]);
            for (number, (right, act)) in OWNERS_ACTS.iter().enumerate() {
                let what = format!("{number} of a source of {owner:?} by {kind}");
                let acts = || act(&world, &caller, &source);
                if is_owner(owner) {
                    acts().unwrap_or_else(|refusal| panic!("{what}: {refusal:?}"));
                    continue;
                }
                let not_theirs =
                    AccessDenied::NotTheOwner { source_id: source.id, owner_organisation_id: owner, right: *right };
                // The job of the setup may be none of theirs, either.
                let organisation_id = organisation();
                let outside = AccessDenied::OrganisationOutOfScope { organisation_id };
                let is_set_up = number == SET_UP && !caller.scope.contains(organisation_id);
                let expected = if is_set_up { outside } else { not_theirs };
                assert_eq!(denied(world.unchanged(acts)), expected, "{what}");
            }
        }
    }
}

/// Whose it is counts before what revision it has.
#[test]
fn a_stranger_learns_no_revision() {
    let world = World::new();
    let source = stored(&world, None, "mildew");
    let draft = SourceChangeDraft { revision: Sent::Given(99), ..SourceChangeDraft::default() };
    let precondition = Precondition::OneOf(vec![Revision::new(98).unwrap()]);
    let stranger = customer(&Permission::ALL);
    denied(change_source(&world.ports, &stranger, source.id, &draft.into(), &precondition, WriteMode::DryRun));
    denied(delete_source(&world.ports, &stranger, source.id, &precondition, WriteMode::DryRun));
    let version = world.version(&source, "1.0.0", &[]);
    denied(delete_source_version(&world.ports, &stranger, version.id, &precondition, WriteMode::DryRun));
}

#[test]
fn a_new_source_belongs_to_the_organisation_of_the_caller_or_to_whom_an_operator_says() {
    let (own, other) = (organisation(), other_organisation());
    let world = World::new();
    let owner = |caller: &Caller, draft: SourceDraft| create(&world, caller, draft).unwrap().0.owner_organisation_id;
    assert_eq!(owner(&of(&[own]), a_source("a")), Some(own));
    assert_eq!(owner(&of(&[own]), owned_by(Some(own), "b")), Some(own));
    assert_eq!(owner(&of(&[own, other]), owned_by(Some(other), "c")), Some(other));
    assert_eq!(owner(&operator(), a_source("d")), None);
    assert_eq!(owner(&operator(), owned_by(None, "e")), None);
    assert_eq!(owner(&operator(), owned_by(Some(own), "f")), Some(own));
    let spelt = SourceDraft { owner_organisation_id: given(&own.to_string().to_uppercase()), ..a_source("g") };
    assert_eq!(owner(&of(&[own]), spelt), Some(own), "however its id is spelt");

    let filter = SourceFilter { owner: Some(OwnerFilter::Organisation(own)), name: None, managed_by: None };
    let names: Vec<_> = list_sources(&world.ports, &filter, &first_page(50)).unwrap().items;
    let names: Vec<_> = names.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "f", "g"]);
}

#[test]
fn no_caller_creates_a_source_of_others_or_of_the_platform() {
    let (own, other) = (organisation(), other_organisation());
    let world = World::new();
    let refused = |caller: &Caller, draft: SourceDraft| denied(world.unchanged(|| create(&world, caller, draft)));
    let outside = AccessDenied::OrganisationOutOfScope { organisation_id: other };
    assert_eq!(refused(&of(&[own]), owned_by(Some(other), "a")), outside);
    assert_eq!(refused(&of(&[]), owned_by(Some(other), "a")), outside);
    assert_eq!(refused(&of(&[own]), owned_by(None, "a")), AccessDenied::NotThePlatform);
    assert_eq!(refused(&of(&[own, other]), owned_by(None, "a")), AccessDenied::NotThePlatform);
    assert_eq!(refused(&of(&[]), a_source("a")), AccessDenied::NoOrganisation);
}

#[test]
fn who_is_of_several_organisations_says_whose_it_is() {
    let several: Vec<_> = (0..150).map(|_| fresh_organisation_id()).collect();
    let world = World::new();
    let refused =
        create(&world, &of(&several), SourceDraft { description: Sent::Given(String::new()), ..a_source(" ") });
    let Err(UseCaseError::Invalid(violations)) = refused else { panic!("{refused:?}") };
    let found: Vec<&Violation> = violations.iter().collect();
    assert_eq!(found[0].path.to_string(), "name", "all that is wrong is told at once");
    assert_eq!(
        (found[1].path.to_string().as_str(), found[1].code),
        ("owner_organisation_id", ViolationCode::MissingMember)
    );
    let told = found[1].expected.as_ref().unwrap().as_array().unwrap();
    assert_eq!(told.len(), 100, "not more than a reader can use");
    assert!(told.iter().all(|id| several.iter().any(|known| *id == json!(known))));
}

/// A name is on the whole platform taken once. The first caller to take it does not have others use its source by
/// accident.
#[test]
fn a_name_means_a_source_of_ones_own_or_of_the_platform() {
    let (own, other) = (organisation(), other_organisation());
    for (owner, is_meant) in [(Some(own), true), (None, true), (Some(other), false)] {
        let world = World::new();
        let source = stored(&world, owner, "mildew");
        world.version(&source, "1.0.0", &["temperature"]);
        let job = |source: SourceDraft| SetUpDraft {
            source: Sent::Given(source),
            source_version: Sent::Absent,
            ..everything()
        };
        let created = world.unchanged(|| create(&world, &of(&[own]), a_source("Mildew")));
        let as_customer = |draft| world.set_up_as(&customer(&Permission::ALL), draft, WriteMode::DryRun);
        let by_name = as_customer(job(a_source("mildew")));
        // Whose job it is counts, and not who sets it up.
        let by_operator = world.dry_run(job(a_source("mildew")));
        if is_meant {
            assert_eq!(created.unwrap(), (source.clone(), Outcome::Reused));
            for done in [by_name, by_operator] {
                assert_eq!(done.unwrap().source, source);
            }
        } else {
            let found = conflict(created);
            assert_eq!(found.existing_id, source.id.as_uuid());
            assert_eq!(differences(&found), [("owner_organisation_id".to_owned(), json!(other), json!(own))]);
            for refused in [by_name, by_operator] {
                let found = conflict(refused);
                assert_eq!(found.existing_id, source.id.as_uuid(), "it can be used by that id");
                let difference = ("source.owner_organisation_id".to_owned(), json!(other), json!(own));
                assert_eq!(differences(&found), [difference]);
            }
        }
        // Something new of it is refused for whose it is, and not for its name.
        let new =
            SetUpDraft { source_version: Sent::Given(a_version("2.0.0", &["temperature"])), ..job(a_source("mildew")) };
        let new = as_customer(new);
        if owner == Some(own) {
            new.unwrap();
        } else {
            let right = OwnersRight::Publish;
            let not_theirs = AccessDenied::NotTheOwner { source_id: source.id, owner_organisation_id: owner, right };
            assert_eq!(denied(new), not_theirs);
        }
        // Who says which one it is may use it.
        let whole = SourceDraft { id: given(&source.id.to_string()), ..a_source("mildew") };
        for source in [source_of_id(&source.id), whole, owned_by(owner, "mildew")] {
            assert_eq!(as_customer(job(source)).unwrap().source.owner_organisation_id, owner);
        }
        let found = conflict(as_customer(job(owned_by(Some(fresh_organisation_id()), "mildew"))));
        assert_eq!(found.differences.len(), 1, "{found:?}");
    }
}

#[test]
fn a_source_that_a_setup_creates_belongs_to_its_organisation_or_to_the_platform() {
    let (own, other) = (organisation(), other_organisation());
    let with = |source: SourceDraft| SetUpDraft { source: Sent::Given(source), ..everything() };
    let set_up = |caller: &Caller, draft: SetUpDraft| -> Result<SetUpDone, UseCaseError> {
        World::new().set_up_as(caller, draft, WriteMode::Commit)
    };
    let owner = |caller: &Caller, draft| set_up(caller, draft).unwrap().source.owner_organisation_id;
    assert_eq!(owner(&of(&[own]), everything()), Some(own));
    assert_eq!(owner(&of(&[own, other]), everything()), Some(own), "it need not be said whose it is");
    assert_eq!(owner(&of(&[own, other]), with(owned_by(Some(other), "mildew"))), Some(other));
    assert_eq!(owner(&operator(), everything()), None);
    assert_eq!(owner(&operator(), with(owned_by(Some(own), "mildew"))), Some(own));
    let refused = |draft| denied(set_up(&of(&[own]), draft));
    assert_eq!(refused(with(owned_by(None, "mildew"))), AccessDenied::NotThePlatform);
    let outside = AccessDenied::OrganisationOutOfScope { organisation_id: other };
    assert_eq!(refused(with(owned_by(Some(other), "mildew"))), outside);
}

/// A setup on the fly needs no more than the right to create.
#[test]
fn who_may_create_sets_up_on_the_fly_and_changes_nothing() {
    let world = World::new();
    let creator = customer(&[Permission::JobsWrite, Permission::CatalogCreate]);
    let done = world.set_up_as(&creator, everything(), WriteMode::Commit).unwrap();
    let (source, _) = create(&world, &creator, a_source("rust")).unwrap();
    let version = SourceVersionDraft { source_id: given(&source.id.to_string()), ..a_version("1.0.0", &[]) };
    publish_source_version(&world.ports, &creator, &version.into(), WriteMode::Commit).unwrap();
    let needed = AccessDenied::InsufficientScope { required: Permission::CatalogWrite };
    let draft = SourceChangeDraft::default();
    let changed = change_source(&world.ports, &creator, source.id, &draft.into(), &ANY, WriteMode::Commit);
    assert_eq!(denied(changed), needed);
    assert_eq!(denied(delete_source(&world.ports, &creator, source.id, &ANY, WriteMode::Commit)), needed);
    let deleted = delete_source_version(&world.ports, &creator, done.source_version.id, &ANY, WriteMode::Commit);
    assert_eq!(denied(deleted), needed);
}

/// What is there of others can be described and run, also word for word; only what is new is the owner's.
#[test]
fn versions_of_others_are_run_and_not_published() {
    let world = World::new();
    let source = stored(&world, None, "mildew");
    let version = world.version(&source, "1.0.0", &["temperature"]);
    let customer = customer(&Permission::ALL);
    let described = world.set_up_as(&customer, everything(), WriteMode::DryRun).unwrap();
    assert_eq!(described.source_version, version);
    let named = SetUpDraft { source_version: Sent::Given(version_of_id(&version.id)), ..everything() };
    assert_eq!(world.set_up_as(&customer, named, WriteMode::DryRun).unwrap().source_version, version);
    let new = SetUpDraft { source_version: Sent::Given(a_version("1.0.1", &["temperature"])), ..everything() };
    let refused = denied(world.unchanged(|| world.set_up_as(&customer, new.clone(), WriteMode::Commit)));
    let right = OwnersRight::Publish;
    assert_eq!(refused, AccessDenied::NotTheOwner { source_id: source.id, owner_organisation_id: None, right });
    // What is wrong with it is told first, and so is a clash.
    let wrong = SetUpDraft { role_bindings: Sent::Given(Vec::new()), ..new };
    assert_eq!(
        invalid(world.set_up_as(&customer, wrong, WriteMode::Commit)),
        places(&[("role_bindings", ViolationCode::MissingRequiredRole)])
    );
}

#[test]
fn only_the_platform_hands_a_source_over() {
    let (own, other) = (organisation(), other_organisation());
    let world = World::new();
    let source = stored(&world, Some(own), "mildew");
    let hand = |caller: &Caller, owner: Option<OrganisationId>| {
        let draft =
            SourceDraft { owner_organisation_id: owned_by(owner, "").owner_organisation_id, ..SourceDraft::default() };
        let draft = SourceChangeDraft { source: draft, ..SourceChangeDraft::default() };
        let changed = change_source(&world.ports, caller, source.id, &draft.into(), &ANY, WriteMode::Commit);
        changed.map(|changed| changed.source)
    };
    let repeated = world.unchanged(|| hand(&of(&[own]), Some(own)).unwrap());
    assert_eq!(repeated, source, "it may be repeated");
    for caller in [of(&[own]), of(&[own, other])] {
        for owner in [Some(other), None] {
            let refused = invalid(world.unchanged(|| hand(&caller, owner)));
            assert_eq!(refused, places(&[("owner_organisation_id", ViolationCode::ImmutableField)]));
        }
    }
    for owner in [Some(other), None, Some(own)] {
        assert_eq!(hand(&operator(), owner).unwrap().owner_organisation_id, owner);
    }
    hand(&operator(), None).unwrap();
    denied(hand(&of(&[own]), Some(own)));
}

#[test]
fn a_chosen_id_of_a_source_of_others_does_not_make_it_ones_own() {
    let world = World::new();
    let taken = SourceDraft { id: given(CHOSEN), ..owned_by(Some(other_organisation()), "mildew") };
    create(&world, &operator(), taken).unwrap();
    let again = SourceDraft { id: given(CHOSEN), ..a_source("mildew") };
    let found = conflict(create(&world, &customer(&Permission::ALL), again));
    assert_eq!(differences(&found)[0].0, "owner_organisation_id");
    // In a setup it says which source is meant.
    let draft = SetUpDraft { source: Sent::Given(source_of_id(CHOSEN)), ..binding(&[]) };
    invalid(world.set_up_as(&customer(&Permission::ALL), draft, WriteMode::DryRun));
}
