//! What an upgrade would do to jobs, compared with trying it on each.

use std::collections::BTreeMap;

use prediction_domain::model::{
    CheckedBindings, Contract, ImpactOutcome, Job, Lifecycle, LifecycleStage, OutputRole, RoleBinding, RoleName,
    SourceVersion, ViolationCode,
};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{Precondition, UpgradeDraft};
use prediction_domain::use_cases::{Impact, ImpactFilter, UseCaseError, judge_impact, upgrade_job};
use prediction_domain_testkit::builders::{a_job_of, a_plan_for};
use prediction_domain_testkit::values::{first_page, fresh_input_id, page_after, revision};
use proptest::prelude::*;

use crate::strategies::any_contract;
use crate::world::{World, given, operator};

/// A job of the version that has bound what it must, and of the rest what the bits say.
fn job_with(world: &World, version: &SourceVersion, bits: u64) -> Job {
    let roles = version.contract.input_roles().iter().enumerate();
    let bound = roles.filter(|(index, role)| role.required || bits >> index & 1 == 1);
    let bindings = bound.map(|(_, role)| RoleBinding {
        role: role.role.clone(),
        input_id: fresh_input_id(),
        input_type: role.input_kind.clone(),
    });
    let role_bindings = CheckedBindings::restored(bindings.collect()).unwrap();
    let job = Job { role_bindings, ..a_job_of(version) };
    world.ports.jobs.set_up_many(&[a_plan_for(job.clone())]).remove(0).unwrap();
    job
}

fn impact(world: &World, to: &SourceVersion, filter: &ImpactFilter) -> Impact {
    judge_impact(&world.ports, &operator(), to.id, filter, &first_page(200)).unwrap()
}

/// Whether readers of the outputs of one contract miss something in another one.
fn breaks(from: &Contract, to: &Contract) -> bool {
    let is_kept = |before: &OutputRole| {
        to.output_roles().iter().any(|after| {
            after.role == before.role
                && (&after.metric, &after.unit) == (&before.metric, &before.unit)
                && (after.required || !before.required)
        })
    };
    !from.output_roles().iter().all(is_kept)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_impact_is_what_a_dry_run_of_each_upgrade_says(
        contracts in prop::collection::vec(any_contract(), 2..5),
        jobs in prop::collection::vec((any::<prop::sample::Index>(), any::<u64>()), 0..8),
    ) {
        let world = World::new();
        let source = world.source("mildew");
        let versions: Vec<SourceVersion> = contracts
            .iter()
            .enumerate()
            .map(|(number, contract)| world.version_with(&source, &format!("{number}.0.0"), contract))
            .collect();
        let jobs: Vec<Job> = jobs.iter().map(|(index, bits)| job_with(&world, index.get(&versions), *bits)).collect();
        for to in &versions {
            let told = impact(&world, to, &ImpactFilter::default());
            let items: BTreeMap<_, _> = told.items.iter().map(|item| (item.job_id, item)).collect();
            let mut counts: BTreeMap<ImpactOutcome, u64> = ImpactOutcome::ALL.into_iter().map(|each| (each, 0)).collect();
            for job in &jobs {
                let draft = UpgradeDraft { source_version_id: given(&to.id.to_string()), ..UpgradeDraft::default() };
                let (ports, by) = (&world.ports, operator());
                let tried = upgrade_job(ports, &by, job.id, &draft.into(), &Precondition::None, WriteMode::DryRun);
                let from = versions.iter().find(|version| version.id == job.source_version_id).unwrap();
                let outcome = match &tried {
                    Ok(_) if from.id == to.id => ImpactOutcome::UpToDate,
                    Ok(_) if breaks(&from.contract, &to.contract) => ImpactOutcome::Breaking,
                    Ok(_) => ImpactOutcome::Ready,
                    Err(UseCaseError::NotUpgradable { .. }) => ImpactOutcome::NeedsBinding,
                    Err(other) => panic!("{other:?}"),
                };
                *counts.entry(outcome).or_default() += 1;
                let Some(item) = items.get(&job.id) else {
                    prop_assert_eq!(outcome, ImpactOutcome::UpToDate);
                    continue;
                };
                prop_assert_eq!(item.outcome, outcome);
                let plan = match tried {
                    Ok(upgraded) => upgraded.plan,
                    Err(UseCaseError::NotUpgradable { violations, plan }) => {
                        prop_assert_eq!(violations.count(), item.missing_roles.len());
                        let known = [
                            ViolationCode::MissingRequiredRole,
                            ViolationCode::InputKindMismatch,
                            ViolationCode::RoleChanged,
                        ];
                        prop_assert!(violations.iter().all(|violation| known.contains(&violation.code)));
                        *plan
                    }
                    Err(_) => unreachable!("looked at above"),
                };
                let dropped: Vec<RoleName> = plan
                    .inputs
                    .iter()
                    .filter(|step| step.action == prediction_domain::model::InputAction::Dropped)
                    .map(|step| step.role.clone())
                    .collect();
                prop_assert_eq!(&item.dropped_roles, &dropped);
            }
            prop_assert_eq!(told.counts.as_ref(), Some(&counts));
            for (outcome, count) in counts {
                let filter = ImpactFilter { outcome: Some(outcome), ..ImpactFilter::default() };
                let listed = impact(&world, to, &filter).items.len() as u64;
                prop_assert_eq!(listed, if outcome == ImpactOutcome::UpToDate { 0 } else { count });
            }
        }
    }
}

#[test]
fn an_impact_is_paged_and_filtered() {
    let world = World::new();
    let source = world.source("mildew");
    let [first, second, third] =
        ["1.0.0", "2.0.0", "3.0.0"].map(|label| world.version(&source, label, &["temperature"]));
    let jobs: Vec<Job> =
        (0..5).map(|number| job_with(&world, if number % 2 == 0 { &first } else { &second }, 0)).collect();
    let of = |filter: &ImpactFilter| -> Vec<_> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let part = judge_impact(&world.ports, &operator(), third.id, filter, &page_after(2, after)).unwrap();
            assert!(part.items.len() <= 2);
            assert_eq!(part.counts.is_some(), after.is_none(), "with the first page only");
            found.extend(part.items.into_iter().map(|item| item.job_id));
            after = part.next;
            if after.is_none() {
                return found;
            }
        }
    };
    let ids = |indexes: &[usize]| indexes.iter().map(|index| jobs[*index].id).collect::<Vec<_>>();
    assert_eq!(of(&ImpactFilter::default()), ids(&[0, 1, 2, 3, 4]));
    assert_eq!(of(&ImpactFilter { source_version_id: Some(second.id), ..ImpactFilter::default() }), ids(&[1, 3]));
    assert_eq!(
        of(&ImpactFilter { organisation_id: Some(jobs[2].organisation_id), ..ImpactFilter::default() }),
        ids(&[2])
    );
    assert_eq!(of(&ImpactFilter { outcome: Some(ImpactOutcome::Breaking), ..ImpactFilter::default() }), []);

    let withdrawn = Lifecycle { stage: LifecycleStage::Withdrawn, revision: revision(2), ..Lifecycle::default() };
    world.ports.source_versions.change_lifecycle(third.id, &withdrawn, revision(1), WriteMode::Commit).unwrap();
    let told = impact(&world, &third, &ImpactFilter::default());
    assert_eq!(told.counts.unwrap()[&ImpactOutcome::Blocked], 5);
    assert!(told.items.iter().all(|item| item.outcome == ImpactOutcome::Blocked));
}
