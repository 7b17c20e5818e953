//! The jobs, and what people do with them.

use chrono::TimeDelta;
use prediction_domain::model::{Job, JobId, SourceVersionId};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{BindingDraft, JobChangeDraft, Precondition, Sent, SetUpDraft, SetUpJobDraft};
use prediction_domain::use_cases::{UseCaseError, change_job, prepare_set_up, set_up_jobs};

use super::catalogue::{AREA, Catalogue, DEW_POINT, NORTH, SOUTH, input_of, of_output, organisation_of};
use super::{DAYS, History, OPERATORS, given, person};

/// How a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Its newest run was some hours ago.
    Well,
    /// Its newest run was a little more than a day ago.
    Late,
    /// It has not run for so many days.
    Silent(i64),
    /// Its runs fail since yesterday.
    Failing,
    /// It was paused so many days ago.
    Paused(i64),
    /// It was set up some hours ago.
    New,
}
use Course::{Failing, Late, New, Paused, Silent, Well};

/// A job that was set up.
pub(super) struct Running {
    pub(super) job: Job,
    pub(super) model: Model,
    pub(super) course: Course,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    Mildew,
    Frost,
    /// Reads the job of that place in the list.
    Harvest(usize),
}
use Model::{Frost, Harvest, Mildew};

/// Forty jobs: what each is called, whose it is, what it runs, and how it does.
const JOBS: [(&str, usize, Model, Course); 40] = [
    ("Greenhouse 1", 0, Mildew, Well),
    ("Greenhouse 2", 0, Mildew, Well),
    ("Greenhouse 3", 0, Mildew, Failing),
    ("Rose garden", 0, Mildew, Late),
    ("Nursery", 0, Mildew, Well),
    ("Vigne haute", 1, Mildew, Well),
    ("Vigne basse", 1, Mildew, Silent(3)),
    ("Clos Saint-Martin", 1, Mildew, Well),
    ("Coteau sud", 1, Mildew, Paused(6)),
    ("Verger", 1, Mildew, Well),
    ("Südhang", 2, Mildew, Well),
    ("Nordhang", 2, Mildew, Silent(5)),
    ("Obstwiese", 2, Mildew, Well),
    ("Talaue", 2, Mildew, Failing),
    ("Hopfengarten", 2, Mildew, Well),
    ("الحقل الشمالي", 3, Mildew, Well),
    ("الحقل الجنوبي", 3, Mildew, Late),
    ("بستان النخيل", 3, Mildew, Well),
    ("البيت المحمي", 3, Mildew, Well),
    ("Orchard 1", 4, Mildew, Well),
    ("Orchard 2", 4, Mildew, Failing),
    ("Orchard 3", 4, Mildew, Well),
    ("Orchard 4", 4, Mildew, Paused(2)),
    ("Lake shore", 4, Mildew, Well),
    ("Lake shore, new planting", 4, Mildew, New),
    ("Rose garden, frost", 0, Frost, Well),
    ("Vigne haute, gel", 1, Frost, Well),
    ("Obstwiese, Frost", 2, Frost, Well),
    ("بستان النخيل، صقيع", 3, Frost, Well),
    ("Orchard 1, frost", 4, Frost, Well),
    ("Orchard 3, frost", 4, Frost, Paused(9)),
    ("Greenhouse 1, harvest", 0, Harvest(0), Well),
    ("Greenhouse 3, harvest", 0, Harvest(2), Late),
    ("Vigne haute, récolte", 1, Harvest(5), Well),
    ("Vigne basse, récolte", 1, Harvest(6), Silent(3)),
    ("Südhang, Ernte", 2, Harvest(10), Well),
    ("Nordhang, Ernte", 2, Harvest(11), Silent(4)),
    ("بستان النخيل، المحصول", 3, Harvest(17), Well),
    ("Orchard 1, harvest", 4, Harvest(19), Well),
    ("Orchard 3, harvest", 4, Harvest(21), New),
];

impl History {
    /// Sets up the jobs that have run for two weeks.
    pub(super) fn set_up(&self, catalogue: &Catalogue) -> Result<Vec<Running>, UseCaseError> {
        let mut jobs: Vec<Running> = Vec::new();
        for (number, (name, customer, model, course)) in JOBS.iter().enumerate() {
            // The newest ones come at the end, so others that they read are there.
            if *course != New {
                let by = OPERATORS[number % OPERATORS.len()];
                let job = self.set_up_one(by, (name, *customer, *model), catalogue, &jobs)?;
                jobs.push(Running { job, model: *model, course: *course });
            }
        }
        Ok(jobs)
    }

    fn set_up_one(
        &self,
        by: &str,
        (name, customer, model): (&str, usize, Model),
        catalogue: &Catalogue,
        jobs: &[Running],
    ) -> Result<Job, UseCaseError> {
        let station = if name.ends_with('2') { SOUTH } else { NORTH };
        let temperature = || BindingDraft::new("temperature", input_of(customer, station), "sensor");
        let (version, bindings) = match model {
            Mildew => (catalogue.next_mildew.as_ref().unwrap_or(&catalogue.mildew).id, vec![temperature()]),
            Frost => {
                let dew_point = BindingDraft::new("dew_point", input_of(customer, DEW_POINT), "sensor");
                (catalogue.frost.id, vec![temperature(), dew_point])
            }
            Harvest(place) => {
                let read = jobs.iter().find(|running| running.job.name.as_str() == JOBS[place].0);
                let output =
                    read.and_then(|running| running.job.outputs.iter().find(|output| output.role.as_str() == "risk"));
                let output = output.map(|output| of_output(output.id)).unwrap_or_default();
                let area = BindingDraft::new("area", input_of(customer, AREA), "register");
                (catalogue.harvest.id, vec![BindingDraft::new("risk", output.0, output.1), area])
            }
        };
        let job = SetUpJobDraft { name: given(name), source_version_id: id_of(version), ..SetUpJobDraft::default() };
        let draft = SetUpDraft {
            organisation_id: given(organisation_of(customer).to_string()),
            job: Sent::Given(job),
            role_bindings: Sent::Given(bindings.into_iter().map(Sent::Given).collect()),
            ..SetUpDraft::default()
        };
        let prepared = prepare_set_up(&person(by), draft.into(), WriteMode::Commit)?;
        let done = set_up_jobs(&self.ports, &[prepared]).pop();
        done.unwrap_or_else(|| unreachable!("one setup has one answer")).map(|done| done.job)
    }

    /// What people did so many days ago.
    pub(super) fn change(&self, day: i64, catalogue: &mut Catalogue, jobs: &[Running]) -> Result<(), UseCaseError> {
        self.set(TimeDelta::days(day) + TimeDelta::hours(2));
        let named = |name: &str| jobs.iter().find(|running| running.job.name.as_str() == name);
        for (number, running) in jobs.iter().enumerate().filter(|(_, running)| running.course == Paused(day)) {
            let paused = JobChangeDraft { active: Sent::Given(false), ..JobChangeDraft::default() };
            self.change_one(OPERATORS[number % OPERATORS.len()], running.job.id, paused)?;
        }
        match day {
            12 => self.rename(named("Nursery"), "Nursery, west wing"),
            10 => self.publish_next(catalogue),
            9 => self.deprecate(catalogue),
            // Some have gone over to the next version; the others can.
            8 => {
                let ready = ["Greenhouse 1", "Vigne haute", "Südhang", "Orchard 1", "Orchard 3"];
                let next = catalogue.next_mildew.as_ref().map_or(Sent::Absent, |next| id_of(next.id));
                ready.iter().filter_map(|name| named(name)).try_for_each(|running| {
                    let upgraded = JobChangeDraft { source_version_id: next.clone(), ..JobChangeDraft::default() };
                    self.change_one(OPERATORS[1], running.job.id, upgraded)
                })
            }
            5 => self.rename(named("Nursery"), "Nursery, east wing"),
            4 => {
                let south = BindingDraft::new("temperature", input_of(0, SOUTH), "sensor");
                let role_bindings = Sent::Given(vec![Sent::Given(south)]);
                let rebound = JobChangeDraft { role_bindings, ..JobChangeDraft::default() };
                named("Nursery").map_or(Ok(()), |running| self.change_one(OPERATORS[1], running.job.id, rebound))
            }
            _ => Ok(()),
        }
    }

    /// What came last: the newest runs, and the newest jobs.
    pub(super) fn end(&self, catalogue: &Catalogue, jobs: &[Running]) -> Result<(), UseCaseError> {
        self.report_last(jobs)?;
        self.set(TimeDelta::hours(3));
        for (name, customer, model, _) in JOBS.iter().filter(|(.., course)| *course == New) {
            self.set_up_one(OPERATORS[0], (name, *customer, *model), catalogue, jobs)?;
        }
        Ok(())
    }

    fn rename(&self, running: Option<&Running>, name: &str) -> Result<(), UseCaseError> {
        let renamed = JobChangeDraft { name: given(name), ..JobChangeDraft::default() };
        running.map_or(Ok(()), |running| self.change_one(OPERATORS[0], running.job.id, renamed))
    }

    fn change_one(&self, by: &str, id: JobId, draft: JobChangeDraft) -> Result<(), UseCaseError> {
        let any = Precondition::None;
        change_job(&self.ports, &person(by), id, &draft.into(), &any, WriteMode::Commit).map(drop)
    }
}

fn id_of(version: SourceVersionId) -> Sent<String> {
    given(version.to_string())
}

/// Whether a job of that course runs so many days ago.
pub(super) fn runs(course: Course, day: i64) -> bool {
    match course {
        Well | Failing => day >= 1,
        // The newest run of these is told by itself.
        Late => day >= 2,
        Silent(days) | Paused(days) => day > days,
        New => false,
    }
}

const _: () = assert!(DAYS > 12, "all that people did is within the demo");
