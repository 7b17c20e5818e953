use prediction_domain::model::{Job, Organisation, OrganisationId, OrganisationName, PageRequest, Scope};
use prediction_domain::ports::WriteMode;

use crate::Stores;
use crate::builders::{a_job_of, an_input_of};
use crate::contract::fixture::{TEXTS, assert_exactly, assert_pages, catalog, stored_job};
use crate::values::{fresh_organisation_id, organisation_name};

fn name(stores: &Stores, id: OrganisationId, name: Option<OrganisationName>) {
    let organisation = Organisation { id, name };
    stores.inputs.name_organisation(&organisation, WriteMode::Commit).expect("it can be named");
}

fn find(stores: &Stores, id: OrganisationId) -> Option<Organisation> {
    stores.inputs.find_organisation(id).expect("organisations can be read")
}

pub(crate) fn an_organisation_is_listed_by_what_it_has(stores: &Stores) {
    let (_, version) = catalog(stores);
    let mut ids = [(); 5].map(|()| fresh_organisation_id());
    ids.sort();
    let [with_inputs, named, with_jobs, with_all, with_nothing] = ids;
    for organisation_id in [with_jobs, with_all] {
        for _ in 0..3 {
            stored_job(stores, Job { organisation_id, ..a_job_of(&version) });
        }
    }
    let inputs = [with_inputs, with_inputs, with_all].map(an_input_of);
    stores.inputs.put_many(&inputs, WriteMode::Commit).expect("inputs can be stored");
    for id in [named, with_all] {
        name(stores, id, Some(organisation_name("Weingut Müller")));
    }
    let expected: Vec<Organisation> = [with_inputs, named, with_jobs, with_all]
        .into_iter()
        .map(|id| Organisation {
            id,
            name: [named, with_all].contains(&id).then(|| organisation_name("Weingut Müller")),
        })
        .collect();
    let list = |scope: &Scope, page: &PageRequest<OrganisationId>| {
        stores.inputs.list_organisations(scope, page).expect("organisations can be listed")
    };
    assert_pages(&expected, |page| list(&Scope::Platform, page));
    assert_pages(&expected, |page| list(&Scope::of(ids), page));
    assert_pages(&expected[1..2], |page| list(&Scope::of([named, with_nothing]), page));
    assert_pages(&[], |page| list(&Scope::of([]), page));
    for id in ids {
        assert_exactly(&find(stores, id), &expected.iter().find(|known| known.id == id).cloned());
    }
}

pub(crate) fn the_last_name_of_an_organisation_is_kept_until_it_is_taken_away(stores: &Stores) {
    let id = fresh_organisation_id();
    assert_eq!(find(stores, id), None);
    for text in TEXTS {
        let told = Organisation { id, name: Some(organisation_name(text)) };
        stores.inputs.name_organisation(&told, WriteMode::Commit).expect("it can be named");
        assert_exactly(&find(stores, id), &Some(told));
    }
    let before = find(stores, id);
    let nothing = Organisation { id, name: None };
    stores.inputs.name_organisation(&nothing, WriteMode::DryRun).expect("the name could be taken away");
    assert_exactly(&find(stores, id), &before);
    for _ in 0..2 {
        name(stores, id, None);
        assert_eq!(find(stores, id), None);
    }
}
