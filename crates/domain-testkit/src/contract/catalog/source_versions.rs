use prediction_domain::model::{
    Contract, InputRole, Job, JobId, MAX_ALIASES, MAX_DESCRIPTION_CHARS, MAX_ROLES, MAX_WORD_CHARS, OutputRole, Scope,
    SourceVersion, SourceVersionId,
};
use prediction_domain::ports::{DeleteSourceVersionError, InsertSourceVersionError, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, a_source, a_version_of, contract};
use crate::contract::fixture::{
    TEXTS, all_versions, assert_exactly, assert_nothing_changes, catalog, stored_job, stored_source, stored_version,
    version,
};
use crate::values::{
    at, description, fresh_organisation_id, fresh_source_id, fresh_source_version_id, input_kind, metric, micros_after,
    role_name, unit, version_label,
};

pub(crate) fn every_field_reads_back_as_it_was_stored(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let versions = [
        a_version_of(source.id),
        SourceVersion { description: None, ..a_version_of(source.id) },
        SourceVersion { description: Some(description("")), ..a_version_of(source.id) },
        SourceVersion { description: Some(description(" one\r\n\ttwo\n\n ")), ..a_version_of(source.id) },
        SourceVersion { contract: contract(&[], &["prediction"]), ..a_version_of(source.id) },
        SourceVersion { contract: contract(&["same name"], &["same name"]), ..a_version_of(source.id) },
        SourceVersion { contract: every_kind_of_role(), ..a_version_of(source.id) },
        SourceVersion { created_at: at("2026-12-31T23:59:59.999999Z"), ..a_version_of(source.id) },
    ];
    for stored in versions {
        stored_version(stores, stored.clone());
        assert_exactly(&version(stores, stored.id), &Some(stored.clone()));
        let found = stores.source_versions.find_by_label(source.id, &stored.version).expect("versions can be read");
        assert_exactly(&found, &Some(stored));
    }
}

pub(crate) fn the_order_of_roles_is_kept(stores: &Stores) {
    let source = stored_source(stores, a_source());
    for roles in [["c", "a", "B", "ä"], ["ä", "B", "a", "c"], ["a", "c", "ä", "B"]] {
        let stored =
            stored_version(stores, SourceVersion { contract: contract(&roles, &roles), ..a_version_of(source.id) });
        assert_exactly(&version(stores, stored.id), &Some(stored));
    }
}

pub(crate) fn text_of_every_kind_reads_back_as_it_was_stored(stores: &Stores) {
    let source = stored_source(stores, a_source());
    for text in TEXTS {
        // Words are not trimmed.
        let word = format!(" {text} ");
        let input = InputRole {
            aliases: vec![role_name(&format!("{word}.")), role_name(&format!("{word}:"))],
            description: Some(description(text)),
            input_kind: input_kind(&word),
            metric: metric(&word),
            required: true,
            role: role_name(&word),
            unit: Some(unit(&word)),
        };
        let output = OutputRole {
            description: Some(description(text)),
            metric: metric(&word),
            required: true,
            role: role_name(&word),
            unit: Some(unit(&word)),
        };
        let stored = SourceVersion {
            version: version_label(text),
            description: Some(description(text)),
            contract: Contract::new(vec![input], vec![output]).expect("a valid contract"),
            ..a_version_of(source.id)
        };
        stored_version(stores, stored.clone());
        assert_exactly(&version(stores, stored.id), &Some(stored.clone()));
        let found = stores.source_versions.find_by_label(source.id, &stored.version).expect("versions can be read");
        assert_exactly(&found, &Some(stored));
    }
}

pub(crate) fn the_largest_contract_reads_back_as_it_was_stored(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let long = |number: usize| format!("{number:03}{}", "🍇".repeat(MAX_WORD_CHARS - 3));
    let former = |number: usize, alias: usize| format!("{number:03}.{alias}{}", "🍇".repeat(MAX_WORD_CHARS - 5));
    let inputs = (0..MAX_ROLES).rev().map(|number| InputRole {
        aliases: (0..MAX_ALIASES).map(|alias| role_name(&former(number, alias))).collect(),
        description: Some(description(&"葡".repeat(200))),
        input_kind: input_kind(&long(number)),
        metric: metric(&long(number)),
        required: number % 2 == 0,
        role: role_name(&long(number)),
        unit: Some(unit(&long(number))),
    });
    let outputs = (0..MAX_ROLES).map(|number| OutputRole {
        description: None,
        metric: metric(&long(number)),
        required: number % 3 == 0,
        role: role_name(&long(number)),
        unit: Some(unit(&long(number))),
    });
    let stored = SourceVersion {
        version: version_label(&"é".repeat(MAX_WORD_CHARS)),
        description: Some(description(&"🍇".repeat(MAX_DESCRIPTION_CHARS))),
        contract: Contract::new(inputs.collect(), outputs.collect()).expect("a valid contract"),
        ..a_version_of(source.id)
    };
    stored_version(stores, stored.clone());
    assert_exactly(&version(stores, stored.id), &Some(stored));
}

pub(crate) fn roles_that_look_alike_are_different_roles(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let roles = ["role", "Role", "ROLE", " role", "role ", "\u{e9}", "e", "ro le", "ro\u{a0}le", "℃", "°C"];
    let stored = SourceVersion { contract: contract(&roles, &roles), ..a_version_of(source.id) };
    stored_version(stores, stored.clone());
    assert_exactly(&version(stores, stored.id), &Some(stored));
}

pub(crate) fn what_is_not_stored_is_not_found(stores: &Stores) {
    let (source, stored) = catalog(stores);
    let other_source = stored_source(stores, a_source());
    let versions = &stores.source_versions;
    assert_eq!(version(stores, fresh_source_version_id()), None);
    assert_eq!(versions.find_by_label(source.id, &version_label("2.0")).expect("versions can be read"), None);
    assert_eq!(versions.find_by_label(other_source.id, &stored.version).expect("versions can be read"), None);
    assert_eq!(versions.find_by_label(fresh_source_id(), &stored.version).expect("versions can be read"), None);
    assert_eq!(versions.newest(other_source.id).expect("versions can be read"), None);
    assert_eq!(versions.newest(fresh_source_id()).expect("versions can be read"), None);
    assert_eq!(versions.find_many(&[]).expect("versions can be read"), []);
}

pub(crate) fn find_many_answers_in_the_order_asked_for(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let [a, b, c] = [(); 3].map(|()| stored_version(stores, a_version_of(source.id)));
    let unknown = fresh_source_version_id();
    let found = stores
        .source_versions
        .find_many(&[c.id, unknown, a.id, c.id, b.id, unknown, a.id])
        .expect("versions can be read");
    assert_eq!(found, [Some(c.clone()), None, Some(a.clone()), Some(c), Some(b), None, Some(a)]);
}

pub(crate) fn find_many_takes_a_thousand_ids(stores: &Stores) {
    let (_, stored) = catalog(stores);
    let mut ids: Vec<_> = (0..999).map(|_| fresh_source_version_id()).collect();
    ids.push(stored.id);
    let found = stores.source_versions.find_many(&ids).expect("versions can be read");
    assert_eq!(found.len(), 1_000);
    assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), [stored]);
}

pub(crate) fn labels_are_found_with_or_without_the_leading_v(stores: &Stores) {
    let source = stored_source(stores, a_source());
    for labels in [["1.0.0", "v1.0.0", "V1.0.0"], ["v2", "2", "V2"], ["V3.x", "v3.x", "3.x"]] {
        let stored =
            stored_version(stores, SourceVersion { version: version_label(labels[0]), ..a_version_of(source.id) });
        for label in labels {
            let found = stores.source_versions.find_by_label(source.id, &version_label(label));
            assert_eq!(found.expect("versions can be read").as_ref(), Some(&stored), "{label}");
        }
    }
}

pub(crate) fn labels_that_look_alike_are_different_labels(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let labels = ["1.0", "1.0.0", "01.0", "1.0-rc", "1.0-RC", "vv1.0", "vintage", "intage", "v", "1_0", "1%0", "v.1"];
    let stored = labels.map(|label| {
        stored_version(stores, SourceVersion { version: version_label(label), ..a_version_of(source.id) })
    });
    for version in stored {
        let found = stores.source_versions.find_by_label(source.id, &version.version);
        assert_eq!(found.expect("versions can be read"), Some(version));
    }
}

pub(crate) fn two_sources_may_have_a_version_of_the_same_label(stores: &Stores) {
    let (_, first) = catalog(stores);
    let other_source = stored_source(stores, a_source());
    let second =
        stored_version(stores, SourceVersion { version: first.version.clone(), ..a_version_of(other_source.id) });
    for version in [first, second] {
        let found = stores.source_versions.find_by_label(version.source_id, &version.version);
        assert_eq!(found.expect("versions can be read"), Some(version));
    }
}

pub(crate) fn a_taken_id_is_refused_with_its_version(stores: &Stores) {
    let (source, stored) = catalog(stores);
    let other_source = stored_source(stores, a_source());
    assert_taken(stores, &stored, &stored);
    assert_taken(stores, &SourceVersion { id: stored.id, ..a_version_of(source.id) }, &stored);
    assert_taken(stores, &SourceVersion { id: stored.id, ..a_version_of(other_source.id) }, &stored);
}

pub(crate) fn a_taken_label_is_refused_with_its_version(stores: &Stores) {
    let source = stored_source(stores, a_source());
    let stored = stored_version(stores, SourceVersion { version: version_label("v1.0"), ..a_version_of(source.id) });
    for label in ["v1.0", "1.0", "V1.0"] {
        assert_taken(stores, &SourceVersion { version: version_label(label), ..a_version_of(source.id) }, &stored);
    }
}

pub(crate) fn a_taken_id_counts_before_a_taken_label(stores: &Stores) {
    let (source, first) = catalog(stores);
    let second = stored_version(stores, a_version_of(source.id));
    let both = SourceVersion { id: second.id, version: first.version.clone(), ..a_version_of(source.id) };
    assert_taken(stores, &both, &second);
    let both = SourceVersion { id: first.id, version: second.version, ..a_version_of(source.id) };
    assert_taken(stores, &both, &first);
}

pub(crate) fn a_version_of_no_source_is_refused(stores: &Stores) {
    catalog(stores);
    let orphan = a_version_of(fresh_source_id());
    let error = assert_nothing_changes(stores, || stores.source_versions.insert(&orphan, WriteMode::Commit))
        .expect_err("there is no such source");
    assert!(matches!(error, InsertSourceVersionError::SourceMissing), "{error:?}");
}

pub(crate) fn the_newest_is_the_last_in_creation_order(stores: &Stores) {
    let (source, first) = catalog(stores);
    let newest = || stores.source_versions.newest(source.id).expect("versions can be read");
    assert_exactly(&newest(), &Some(first.clone()));

    // Of another source.
    let other_source = stored_source(stores, a_source());
    stored_version(stores, a_version_of(other_source.id));
    assert_exactly(&newest(), &Some(first.clone()));

    // Whatever its time, and whatever its id.
    let mut published = vec![first.clone()];
    for (micros, id) in [
        (-1, "ffffffff-ffff-7fff-bfff-ffffffffffff"),
        (0, "00000000-0000-7000-8000-000000000001"),
        (0, "00000000-0000-7000-8000-000000000000"),
        (1, "7fffffff-ffff-7fff-bfff-ffffffffffff"),
    ] {
        let id = SourceVersionId::parse(id).expect("a valid id");
        let created_at = micros_after(first.created_at, micros);
        published.push(stored_version(stores, SourceVersion { id, created_at, ..a_version_of(source.id) }));
        assert_exactly(&newest(), &published.last().cloned());
    }
    while let Some(last) = published.pop() {
        stores.source_versions.delete(&Scope::Platform, last.id, WriteMode::Commit).expect("the version is deleted");
        assert_exactly(&newest(), &published.last().cloned());
    }
}

pub(crate) fn a_deleted_version_is_gone_and_its_id_and_label_are_free(stores: &Stores) {
    let (source, stored) = catalog(stores);
    let bystander = stored_version(stores, a_version_of(source.id));
    // Versions belong to no organisation: a caller who may delete one need not see any job.
    stores.source_versions.delete(&Scope::of([]), stored.id, WriteMode::Commit).expect("the version is deleted");
    assert_eq!(version(stores, stored.id), None);
    assert_eq!(all_versions(stores), [bystander]);
    let error = refused_delete(stores, &Scope::Platform, &stored);
    assert!(matches!(error, DeleteSourceVersionError::Missing), "{error:?}");
    stored_version(stores, stored);
}

pub(crate) fn a_delete_of_nothing_is_missing(stores: &Stores) {
    let (source, _) = catalog(stores);
    let error = refused_delete(stores, &Scope::Platform, &a_version_of(source.id));
    assert!(matches!(error, DeleteSourceVersionError::Missing), "{error:?}");
}

pub(crate) fn a_delete_of_a_version_in_use_counts_all_jobs_and_names_the_visible_ones(stores: &Stores) {
    let (source, stored) = catalog(stores);
    let other_version = stored_version(stores, a_version_of(source.id));
    let (mine, theirs) = (fresh_organisation_id(), fresh_organisation_id());
    let job_for =
        |organisation_id, version: &SourceVersion| stored_job(stores, Job { organisation_id, ..a_job_of(version) }).id;
    job_for(mine, &other_version);
    let hidden = job_for(theirs, &stored);
    let visible = [job_for(mine, &stored), job_for(mine, &stored)];

    assert_in_use(stores, &Scope::of([mine]), &stored, 3, &visible);
    assert_in_use(stores, &Scope::of([theirs]), &stored, 3, &[hidden]);
    assert_in_use(stores, &Scope::of([theirs, mine]), &stored, 3, &[hidden, visible[0], visible[1]]);
    assert_in_use(stores, &Scope::Platform, &stored, 3, &[hidden, visible[0], visible[1]]);
    assert_in_use(stores, &Scope::of([fresh_organisation_id()]), &stored, 3, &[]);
    assert_in_use(stores, &Scope::of([]), &stored, 3, &[]);
}

pub(crate) fn a_delete_of_a_version_in_use_names_the_first_ten_jobs(stores: &Stores) {
    let (_, stored) = catalog(stores);
    let organisation_id = fresh_organisation_id();
    let start = stored.created_at;
    // By a clock that runs backwards, between the jobs of others.
    let ids: Vec<JobId> = (0..12)
        .map(|number| {
            let created_at = micros_after(start, -number);
            stored_job(stores, Job { created_at, ..a_job_of(&stored) });
            stored_job(stores, Job { organisation_id, created_at, ..a_job_of(&stored) }).id
        })
        .collect();
    assert_in_use(stores, &Scope::of([organisation_id]), &stored, 24, &ids[..10]);
}

pub(crate) fn a_dry_run_of_a_delete_is_judged_and_changes_nothing(stores: &Stores) {
    let (source, used) = catalog(stores);
    let job = stored_job(stores, a_job_of(&used));
    let stored = stored_version(stores, a_version_of(source.id));
    let dry_run =
        |id| assert_nothing_changes(stores, || stores.source_versions.delete(&Scope::Platform, id, WriteMode::DryRun));
    dry_run(stored.id).expect("the version would be deleted");
    let error = dry_run(fresh_source_version_id()).expect_err("there is no such version");
    assert!(matches!(error, DeleteSourceVersionError::Missing), "{error:?}");
    let error = dry_run(used.id).expect_err("a job uses the version");
    assert!(
        matches!(&error, DeleteSourceVersionError::InUse { jobs: 1, visible } if visible[..] == [job.id]),
        "{error:?}"
    );
    stores.source_versions.delete(&Scope::Platform, stored.id, WriteMode::Commit).expect("it can still be deleted");
}

/// Inputs and outputs with every optional value there and not there.
fn every_kind_of_role() -> Contract {
    let choices = || {
        [(true, true, true), (true, false, false), (false, true, false), (false, false, true), (false, false, false)]
            .into_iter()
            .enumerate()
    };
    let inputs = choices().map(|(number, (required, with_unit, with_description))| InputRole {
        aliases: (0..number).map(|alias| role_name(&format!("alias {alias} of {number}"))).collect(),
        description: with_description.then(|| description("What it is\nfor.")),
        input_kind: input_kind(&format!("kind {number}")),
        metric: metric(&format!("metric {number}")),
        required,
        role: role_name(&format!("input {number}")),
        unit: with_unit.then(|| unit("°C")),
    });
    let outputs = choices().map(|(number, (required, with_unit, with_description))| OutputRole {
        description: with_description.then(|| description("")),
        metric: metric(&format!("metric {number}")),
        required,
        role: role_name(&format!("output {number}")),
        unit: with_unit.then(|| unit("%")),
    });
    Contract::new(inputs.collect(), outputs.collect()).expect("a valid contract")
}

#[track_caller]
fn assert_taken(stores: &Stores, refused: &SourceVersion, by: &SourceVersion) {
    for mode in [WriteMode::DryRun, WriteMode::Commit] {
        let error = assert_nothing_changes(stores, || stores.source_versions.insert(refused, mode))
            .expect_err("the id or the label is taken");
        let InsertSourceVersionError::Taken(taken) = error else {
            panic!("{error:?}");
        };
        assert_exactly(&*taken, by);
    }
}

#[track_caller]
fn refused_delete(stores: &Stores, scope: &Scope, version: &SourceVersion) -> DeleteSourceVersionError {
    assert_nothing_changes(stores, || stores.source_versions.delete(scope, version.id, WriteMode::Commit))
        .expect_err("the delete is refused")
}

#[track_caller]
fn assert_in_use(stores: &Stores, scope: &Scope, version: &SourceVersion, count: u64, named: &[JobId]) {
    let error = refused_delete(stores, scope, version);
    let DeleteSourceVersionError::InUse { jobs, visible } = error else {
        panic!("{error:?}");
    };
    assert_eq!((jobs, &visible[..]), (count, named));
}
