//! Random documents, and random stores that they meet.

use std::sync::Arc;
use std::time::Duration;

use prediction_domain::model::{ApplyAction, Contract, InputKind, InputRole, OutputRole};
use prediction_domain::requests::{ApplyDraft, DescribedJobDraft, InputDraft, Sent, SourceDraft};
use prediction_domain::use_cases::{Applied, Ports};
use prediction_domain_testkit::{FixedClock, MemoryStore, SequentialIds};
use proptest::prelude::*;
use proptest::sample::Index;

use super::words::{document, everything, input, job, pause_by_hand, run, to_input, to_output, version};
use crate::world::{ORGANISATION, OTHER_ORGANISATION, World, a_source, given, operator};

/// What a document has, in few numbers. Few names, so that documents meet.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    /// Sources by their numbers, with their intervals.
    sources: Vec<(u8, u8)>,
    /// Inputs by organisation and number, with their metrics.
    inputs: Vec<(bool, u8, bool)>,
    jobs: Vec<JobPicture>,
}

#[derive(Debug, Clone)]
struct JobPicture {
    number: u8,
    is_others: bool,
    source: u8,
    /// Says which roles the version has.
    shape: u8,
    active: Option<bool>,
    sensor: u8,
    upstream: Option<Index>,
}

prop_compose! {
    fn any_job()(
        number in 0_u8..6,
        is_others in any::<bool>(),
        source in 0_u8..3,
        shape in 0_u8..4,
        active in prop::option::of(any::<bool>()),
        sensor in 0_u8..4,
        upstream in prop::option::of(any::<Index>()),
    ) -> JobPicture {
        JobPicture { number, is_others, source, shape, active, sensor, upstream }
    }
}

prop_compose! {
    pub(super) fn any_picture()(
        sources in prop::collection::btree_map(0_u8..3, 0_u8..3, 0..3),
        inputs in prop::collection::btree_map((any::<bool>(), 0_u8..4), any::<bool>(), 0..4),
        jobs in prop::collection::vec(any_job(), 0..6),
    ) -> Picture {
        let mut picture = Picture {
            sources: sources.into_iter().collect(),
            inputs: inputs.into_iter().map(|((is_others, number), metric)| (is_others, number, metric)).collect(),
            jobs: Vec::new(),
        };
        for job in jobs {
            // A job never moves to another source.
            let job = JobPicture { source: job.number % 3, ..job };
            let is_there = |other: &JobPicture| (other.number, other.is_others) == (job.number, job.is_others);
            if !picture.jobs.iter().any(is_there) {
                picture.jobs.push(job);
            }
        }
        // Every source of a job is there, one way or another.
        for job in &picture.jobs {
            if !picture.sources.iter().any(|(number, _)| *number == job.source) {
                picture.sources.push((job.source, 0));
            }
        }
        picture
    }
}

fn organisation_id(is_others: bool) -> &'static str {
    if is_others { OTHER_ORGANISATION } else { ORGANISATION }
}

fn sensor_id(number: u8) -> String {
    format!("00000000-0000-0000-0000-00000000000{}", number + 1)
}

fn contract_of(shape: u8) -> Contract {
    let sensor = InputRole::required("sensor", "sensor", "celsius").unwrap();
    let upstream = InputRole {
        input_kind: InputKind::restore(InputKind::OUTPUT).unwrap(),
        required: false,
        ..InputRole::required("upstream", "sensor", "risk").unwrap()
    };
    let inputs = if shape & 1 == 0 { vec![sensor, upstream] } else { vec![upstream, sensor] };
    let outputs: &[&str] = if shape & 2 == 0 { &["prediction"] } else { &["prediction", "more"] };
    Contract::new(inputs, outputs.iter().map(|role| OutputRole::required(role, "risk").unwrap()).collect()).unwrap()
}

impl Picture {
    pub(super) fn document(&self, set: &str) -> ApplyDraft {
        let sources = self.sources.iter().map(|(number, interval)| {
            Sent::Given(SourceDraft {
                expected_interval_minutes: Sent::Given(i128::from(*interval) + 1),
                ..a_source(&format!("source {number}"))
            })
        });
        let mut labels: Vec<(u8, u8)> = self.jobs.iter().map(|job| (job.source, job.shape)).collect();
        labels.sort_unstable();
        labels.dedup();
        let versions = labels
            .into_iter()
            .map(|(source, shape)| version(&format!("source {source}"), &format!("1.0.{shape}"), &contract_of(shape)));
        let inputs = self.inputs.iter().map(|(is_others, number, is_named)| {
            Sent::Given(InputDraft {
                organisation_id: given(organisation_id(*is_others)),
                name: given(if *is_named { "Named" } else { "Sensor" }),
                ..input(&sensor_id(*number))
            })
        });
        let jobs = self.jobs.iter().enumerate().map(|(index, picture)| {
            let mut bindings = vec![to_input("sensor", &sensor_id(picture.sensor))];
            // Only jobs before it, so that there is no cycle within the document.
            let before: Vec<_> =
                self.jobs[..index].iter().filter(|other| other.is_others == picture.is_others).collect();
            if let Some(upstream) = picture.upstream.filter(|_| !before.is_empty()) {
                bindings.push(to_output("upstream", &upstream.get(&before).name(), "prediction"));
            }
            Sent::Given(DescribedJobDraft {
                organisation_id: given(organisation_id(picture.is_others)),
                active: picture.active.map_or(Sent::Absent, Sent::Given),
                ..job(
                    &picture.name(),
                    &format!("source {}", picture.source),
                    &format!("1.0.{}", picture.shape),
                    &bindings,
                )
            })
        });
        ApplyDraft {
            sources: Sent::Given(sources.collect()),
            source_versions: Sent::Given(versions.collect()),
            inputs: Sent::Given(inputs.collect()),
            jobs: Sent::Given(jobs.collect()),
            ..document(set)
        }
    }
}

/// Every source and version that pictures have, kept by a set of their own.
pub(super) fn catalog() -> ApplyDraft {
    let numbers = || 0_u8..3;
    let versions = numbers().flat_map(|source| {
        let of_shape = move |shape| version(&format!("source {source}"), &format!("1.0.{shape}"), &contract_of(shape));
        (0_u8..4).map(of_shape)
    });
    ApplyDraft {
        sources: Sent::Given(numbers().map(|number| Sent::Given(a_source(&format!("source {number}")))).collect()),
        source_versions: Sent::Given(versions.collect()),
        ..document("catalog")
    }
}

impl Picture {
    /// Only the inputs and jobs of one organisation, for a store that has the catalog.
    pub(super) fn of_one(&self, is_others: bool) -> ApplyDraft {
        let mut own = self.clone();
        own.inputs.retain(|(of_others, ..)| *of_others == is_others);
        own.jobs.retain(|job| job.is_others == is_others);
        let document = own.document("orchard");
        ApplyDraft {
            organisation_id: given(organisation_id(is_others)),
            sources: Sent::Absent,
            source_versions: Sent::Absent,
            ..document
        }
    }
}

impl JobPicture {
    fn name(&self) -> String {
        format!("Job {}", self.number)
    }
}

/// How a store came to be.
#[derive(Debug, Clone)]
pub(super) struct Past {
    applied: Vec<(bool, Picture)>,
    /// A source that no set keeps.
    unmanaged: Option<u8>,
    /// Jobs that were paused or resumed by hand.
    by_hand: Vec<Index>,
}

prop_compose! {
    pub(super) fn any_past()(
        applied in prop::collection::vec((any::<bool>(), any_picture()), 0..3),
        unmanaged in prop::option::weighted(0.2, 0_u8..3),
        by_hand in prop::collection::vec(any::<Index>(), 0..3),
    ) -> Past {
        Past { applied, unmanaged, by_hand }
    }
}

impl Past {
    pub(super) fn world(&self) -> World {
        self.world_from(0)
    }

    /// The same, with other ids at another time.
    pub(super) fn world_from(&self, first_id: u64) -> World {
        let stores = MemoryStore::stores();
        let clock = Arc::new(FixedClock::default());
        clock.advance(Duration::from_secs(first_id));
        let ids = Arc::new(SequentialIds::starting_at(first_id));
        let world = World { ports: Ports::of_store(&stores, clock.clone(), ids), clock };
        if let Some(number) = self.unmanaged {
            world.source(&format!("source {number}"));
        }
        for (is_of_set, picture) in &self.applied {
            // What meets another set is refused, and that is as good.
            let _ = run(&world.ports, &operator(), &picture.document(if *is_of_set { "orchard" } else { "vineyard" }));
            world.clock.advance(Duration::from_secs(1));
        }
        for index in &self.by_hand {
            let jobs = everything(&world).2;
            if !jobs.is_empty() {
                let job = index.get(&jobs);
                pause_by_hand(&world, job, !job.active);
                world.clock.advance(Duration::from_secs(1));
            }
        }
        world
    }
}

/// What a document says beside its things.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    pub(super) adopt: bool,
    pub(super) adopt_from: bool,
    pub(super) prune: &'static str,
}

prop_compose! {
    pub(super) fn any_options()(
        adopt in prop::bool::weighted(0.7),
        adopt_from in prop::bool::weighted(0.7),
        prune in prop::sample::select(vec!["off", "pause", "delete"]),
    ) -> Options {
        Options { adopt, adopt_from, prune }
    }
}

impl Options {
    pub(super) fn of(self, document: ApplyDraft) -> ApplyDraft {
        ApplyDraft {
            adopt: Sent::Given(self.adopt),
            adopt_from: if self.adopt_from { given("vineyard") } else { Sent::Absent },
            prune: given(self.prune),
            prune_limit: Sent::Given(1_000),
            ..document
        }
    }
}

pub(super) fn is_unchanged(applied: &Applied) -> bool {
    applied.changes.iter().all(|change| change.action == ApplyAction::Unchanged)
}
