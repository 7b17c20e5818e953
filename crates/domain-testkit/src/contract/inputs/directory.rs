use prediction_domain::model::{
    Input, InputId, InputPosition, Job, OrganisationId, Page, PageRequest, Revision, Scope,
};
use prediction_domain::ports::{DeleteInputError, InputFilter, PutInputsError, WriteMode};

use crate::Stores;
use crate::builders::{a_job_of, an_input_of, bindings};
use crate::contract::fixture::{TEXTS, assert_exactly, assert_pages, at_once, catalog, stored_job};
use crate::values::{
    at, fresh_input_id, fresh_organisation_id, input_kind, input_name, metric, name_part, revision, unit,
};

fn put(stores: &Stores, inputs: &[Input]) {
    stores.inputs.put_many(inputs, WriteMode::Commit).expect("inputs can be stored");
}

fn find(stores: &Stores, organisation_id: OrganisationId, id: InputId) -> Option<Input> {
    let found = stores.inputs.find_many(&[(organisation_id, id)]).expect("inputs can be read");
    let [found] = <[_; 1]>::try_from(found).expect("one key has one answer");
    found
}

fn all(stores: &Stores) -> Vec<Input> {
    let page = PageRequest::new(PageRequest::MAX_LIMIT, None).expect("a valid limit");
    list(stores, &Scope::Platform, &InputFilter::default(), &page).items
}

fn list(
    stores: &Stores,
    scope: &Scope,
    filter: &InputFilter,
    page: &PageRequest<InputPosition>,
) -> Page<Input, InputPosition> {
    stores.inputs.list(scope, filter, page).expect("inputs can be listed")
}

fn in_order(mut inputs: Vec<Input>) -> Vec<Input> {
    inputs.sort_by_key(Input::position);
    inputs
}

fn next(input: &Input) -> Input {
    Input { revision: input.revision.next(), ..input.clone() }
}

pub(crate) fn an_input_reads_back_as_it_was_stored(stores: &Stores) {
    let organisation_id = fresh_organisation_id();
    let texts = TEXTS.map(|text| Input {
        name: input_name(text),
        kind: input_kind(text),
        metric: Some(metric(text)),
        unit: Some(unit(text)),
        ..an_input_of(organisation_id)
    });
    let unknown = Input { metric: None, unit: None, ..an_input_of(organisation_id) };
    let of_times = Input {
        created_at: at("2026-12-31T23:59:59.999999Z"),
        updated_at: at("2027-01-01T00:00:00.000001Z"),
        ..an_input_of(organisation_id)
    };
    let told: Vec<Input> = texts.into_iter().chain([unknown, of_times]).collect();
    put(stores, &told);
    for input in &told {
        assert_exactly(&find(stores, organisation_id, input.id), &Some(input.clone()));
    }
    let wanted: Vec<_> = told.iter().map(|input| (organisation_id, input.id)).rev().collect();
    let wanted = [vec![(organisation_id, fresh_input_id())], wanted].concat();
    let found = stores.inputs.find_many(&wanted).expect("inputs can be read");
    assert_exactly(&found, &std::iter::once(None).chain(told.into_iter().rev().map(Some)).collect());
    assert_eq!(stores.inputs.find_many(&[]).expect("nothing can be read"), []);
}

pub(crate) fn each_organisation_has_a_directory_of_its_own(stores: &Stores) {
    let (own, other) = (fresh_organisation_id(), fresh_organisation_id());
    let shared = fresh_input_id();
    let [mine, theirs] = [own, other].map(|organisation_id| Input { id: shared, ..an_input_of(organisation_id) });
    let only_mine = an_input_of(own);
    put(stores, &[mine.clone(), theirs.clone(), only_mine.clone()]);
    let changed = Input { name: input_name("changed"), metric: None, ..next(&mine) };
    put(stores, std::slice::from_ref(&changed));
    assert_exactly(&find(stores, own, shared), &Some(changed.clone()));
    assert_exactly(&find(stores, other, shared), &Some(theirs.clone()));
    assert_exactly(&find(stores, other, only_mine.id), &None);

    let by_ids = |scope: &Scope| {
        stores.inputs.find_by_ids(scope, &[shared, only_mine.id, fresh_input_id()]).expect("inputs can be read")
    };
    assert_exactly(&by_ids(&Scope::of([own])), &in_order(vec![changed.clone(), only_mine.clone()]));
    assert_exactly(&by_ids(&Scope::of([other])), &vec![theirs.clone()]);
    assert_exactly(&by_ids(&Scope::of([])), &vec![]);
    assert_exactly(&by_ids(&Scope::Platform), &in_order(vec![changed.clone(), theirs.clone(), only_mine]));
    stores.inputs.delete(own, shared, changed.revision, WriteMode::Commit).expect("it can be deleted");
    assert_exactly(&find(stores, own, shared), &None);
    assert_exactly(&find(stores, other, shared), &Some(theirs));
}

pub(crate) fn inputs_are_put_at_the_revision_before_or_none_is(stores: &Stores) {
    let organisation_id = fresh_organisation_id();
    let stored = an_input_of(organisation_id);
    put(stores, std::slice::from_ref(&stored));
    let new = an_input_of(organisation_id);
    let refused = |inputs: &[Input]| {
        let before = all(stores);
        let put = stores.inputs.put_many(inputs, WriteMode::Commit);
        assert!(matches!(put, Err(PutInputsError::Stale)), "{put:?}");
        assert_exactly(&all(stores), &before);
    };
    refused(&[new.clone(), stored.clone()]);
    refused(&[new.clone(), next(&next(&stored))]);
    refused(&[next(&new), next(&stored)]);
    let before = all(stores);
    stores.inputs.put_many(&[new.clone(), next(&stored)], WriteMode::DryRun).expect("they could be stored");
    assert_exactly(&all(stores), &before);
    let changed = Input { kind: input_kind("gateway"), unit: None, ..next(&stored) };
    put(stores, &[new.clone(), changed.clone()]);
    assert_exactly(&all(stores), &in_order(vec![new, changed]));
}

pub(crate) fn inputs_are_listed_by_organisation_and_id_and_filtered(stores: &Stores) {
    let organisations = [(); 3].map(|()| fresh_organisation_id());
    let mut told = Vec::new();
    for organisation_id in organisations {
        for (kind, what) in [("sensor", "humidity"), ("sensor", "rain"), ("gateway", "rain")] {
            let name = input_name(&format!("{kind} of {what}"));
            told.push(Input {
                kind: input_kind(kind),
                metric: Some(metric(what)),
                name,
                ..an_input_of(organisation_id)
            });
        }
    }
    put(stores, &told);
    let [first, second, _] = organisations;
    let scopes = [Scope::Platform, Scope::of([first, second]), Scope::of([second]), Scope::of([])];
    for scope in &scopes {
        for organisation_id in [None, Some(first), Some(fresh_organisation_id())] {
            for kind in [None, Some("sensor"), Some("pump")] {
                for what in [None, Some("rain"), Some("Rain")] {
                    for part in [None, Some("SENSOR OF R")] {
                        let filter = InputFilter {
                            organisation_id,
                            kind: kind.map(input_kind),
                            metric: what.map(metric),
                            name_part: part.map(name_part),
                            managed_by: None,
                        };
                        let is_wanted = |input: &&Input| {
                            scope.contains(input.organisation_id)
                                && organisation_id.is_none_or(|wanted| wanted == input.organisation_id)
                                && kind.is_none_or(|kind| input.kind.as_str() == kind)
                                && what.is_none_or(|what| input.metric == Some(metric(what)))
                                && part.is_none_or(|_| input.name.as_str() == "sensor of rain")
                        };
                        let expected = in_order(told.iter().filter(is_wanted).cloned().collect());
                        assert_pages(&expected, |page| list(stores, scope, &filter, page));
                    }
                }
            }
        }
    }
}

pub(crate) fn a_part_of_a_name_is_found_without_case(stores: &Stores) {
    let organisation_id = fresh_organisation_id();
    let names = ["Straße 7, Süd", "ΟΔΥΣΣΕΥΣ", "100% _dry_", "葡萄の病気"];
    let told = names.map(|name| Input { name: input_name(name), ..an_input_of(organisation_id) });
    put(stores, &told);
    for (part, found) in [
        ("STRASSE", vec!["Straße 7, Süd"]),
        ("SU\u{308}D", vec!["Straße 7, Süd"]),
        ("σσευς", vec!["ΟΔΥΣΣΕΥΣ"]),
        ("0% _D", vec!["100% _dry_"]),
        ("%", vec!["100% _dry_"]),
        ("の病", vec!["葡萄の病気"]),
        ("mildew", vec![]),
        ("_", vec!["100% _dry_"]),
    ] {
        let filter = InputFilter { name_part: Some(name_part(part)), ..InputFilter::default() };
        let page = PageRequest::new(PageRequest::MAX_LIMIT, None).expect("a valid limit");
        let page = list(stores, &Scope::of([organisation_id]), &filter, &page);
        assert_eq!(page.items.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), found, "{part}");
    }
}

pub(crate) fn an_input_is_deleted_unless_a_job_of_its_organisation_has_it_bound(stores: &Stores) {
    let (_, version) = catalog(stores);
    let id = fresh_input_id();
    let [own, other] = [(); 2].map(|()| fresh_organisation_id());
    for organisation_id in [own, other] {
        put(stores, &[Input { id, ..an_input_of(organisation_id) }]);
    }
    let users: Vec<Job> = (0..DeleteInputError::MAX_NAMED + 2)
        .map(|_| {
            let role_bindings = bindings(&[("temperature", id), ("humidity", id)]);
            stored_job(stores, Job { organisation_id: own, role_bindings, ..a_job_of(&version) })
        })
        .collect();
    let delete =
        |organisation_id, expected: i64, mode| stores.inputs.delete(organisation_id, id, revision(expected), mode);
    let missing = delete(fresh_organisation_id(), 1, WriteMode::Commit);
    assert!(matches!(missing, Err(DeleteInputError::Missing)), "{missing:?}");
    let stale = delete(own, 2, WriteMode::Commit);
    assert!(matches!(stale, Err(DeleteInputError::Stale { current }) if current == Revision::FIRST), "{stale:?}");
    for mode in [WriteMode::DryRun, WriteMode::Commit] {
        let Err(DeleteInputError::InUse { jobs, first }) = delete(own, 1, mode) else { panic!("it is bound") };
        assert_eq!(jobs, users.len() as u64);
        assert_eq!(first, users.iter().take(DeleteInputError::MAX_NAMED).map(|job| job.id).collect::<Vec<_>>());
    }
    for job in users {
        stores.jobs.delete(&Scope::of([own]), job.id, job.revision, WriteMode::Commit).expect("it can be deleted");
    }
    delete(own, 1, WriteMode::DryRun).expect("it could be deleted");
    assert!(find(stores, own, id).is_some());
    delete(own, 1, WriteMode::Commit).expect("it can be deleted");
    assert_exactly(&find(stores, own, id), &None);
    assert!(find(stores, other, id).is_some());
}

pub(crate) fn it_is_told_which_inputs_are_bound(stores: &Stores) {
    let (_, version) = catalog(stores);
    let [own, other] = [(); 2].map(|()| fresh_organisation_id());
    let [bound, free] = [(); 2].map(|()| fresh_input_id());
    let role_bindings = bindings(&[("temperature", bound), ("humidity", bound)]);
    stored_job(stores, Job { organisation_id: own, role_bindings, ..a_job_of(&version) });
    let wanted = [(own, free), (own, bound), (other, bound), (own, bound)];
    assert_eq!(stores.inputs.are_bound(&wanted).expect("it can be told"), [false, true, false, true]);
    assert!(stores.inputs.are_bound(&[]).expect("it can be told").is_empty());
}

pub(crate) fn of_many_that_put_one_input_one_does(stores: &Stores) {
    let organisation_id = fresh_organisation_id();
    let first = an_input_of(organisation_id);
    let won = |attempt: &Input| {
        let results = at_once(8, |number| {
            let name = input_name(&format!("of {number}"));
            stores.inputs.put_many(&[Input { name, ..attempt.clone() }], WriteMode::Commit).is_ok()
        });
        results.into_iter().enumerate().filter(|(_, won)| *won).map(|(number, _)| number).collect::<Vec<_>>()
    };
    for attempt in [first.clone(), next(&first)] {
        let winners = won(&attempt);
        assert_eq!(winners.len(), 1, "{winners:?}");
        let stored = find(stores, organisation_id, first.id).expect("one was stored");
        assert_exactly(&stored, &Input { name: input_name(&format!("of {}", winners[0])), ..attempt });
    }
}

pub(crate) fn imports_that_overlap_in_opposite_orders_do_not_stand_in_each_others_way(stores: &Stores) {
    let organisation_id = fresh_organisation_id();
    let inputs: Vec<Input> = (0..40).map(|_| an_input_of(organisation_id)).collect();
    for inputs in [inputs.clone(), inputs.iter().map(next).collect()] {
        let results = at_once(4, |number| {
            let mut inputs = inputs.clone();
            if number % 2 == 1 {
                inputs.reverse();
            }
            stores.inputs.put_many(&inputs, WriteMode::Commit)
        });
        let stale = results.iter().filter(|result| matches!(result, Err(PutInputsError::Stale))).count();
        assert_eq!(stale, 3, "{results:?}");
        assert_exactly(&all(stores), &in_order(inputs));
    }
}
