//! What the jobs predicted.

use std::f64::consts::TAU;

use chrono::{TimeDelta, Timelike as _};
use prediction_domain::model::{JobId, Timestamp};
use prediction_domain::ports::WriteMode;
use prediction_domain::requests::{PredictionDraft, RunDraft, Sent, Submission};
use prediction_domain::use_cases::{UseCaseError, report_run};

use super::jobs::{Course, Model, Running, runs};
use super::{History, RUNNER, given, person};

/// How many hours ahead a run predicts.
const HORIZON: u16 = 36;
/// How long ago the newest run of a job was, in hours.
const NEWEST: i64 = 4;
/// Likewise of one that is late: more than its day, and less than two for as long as somebody looks at it.
const LATE: i64 = 26;
/// What the runner says of a job that fails.
const MESSAGE: &str = "Traceback (most recent call last):\n  File \"predict.py\", line 41, in run\n    series = sensors.read(binding, \
    hours=48)\nSensorError: no values for 19 hours: is the station online?";

impl History {
    /// The runs of that day.
    pub(super) fn report_day(&self, day: i64, jobs: &[Running]) -> Result<(), UseCaseError> {
        for (running, number) in jobs.iter().zip(0..).filter(|(running, _)| runs(running.course, day)) {
            self.succeed(TimeDelta::days(day) + TimeDelta::hours(NEWEST), number, running)?;
        }
        Ok(())
    }

    /// The newest runs.
    pub(super) fn report_last(&self, jobs: &[Running]) -> Result<(), UseCaseError> {
        for (running, number) in jobs.iter().zip(0..) {
            match running.course {
                Course::Well => self.succeed(TimeDelta::hours(NEWEST), number, running)?,
                Course::Late => self.succeed(TimeDelta::hours(LATE), number, running)?,
                Course::Failing => {
                    // The first one of today still had what it needs, so that the job is not overdue.
                    self.succeed(TimeDelta::hours(9), number, running)?;
                    for hours in [6, NEWEST, 2] {
                        self.fail(TimeDelta::hours(hours), running.job.id)?;
                    }
                }
                Course::Silent(_) | Course::Paused(_) | Course::New => {}
            }
        }
        Ok(())
    }

    fn succeed(&self, before: TimeDelta, number: u16, running: &Running) -> Result<(), UseCaseError> {
        // Runners take their turns.
        let issued_at = self.set(before - TimeDelta::seconds(i64::from(number) * 37));
        let draft = RunDraft {
            issued_at: given(issued_at.to_string()),
            status: given("succeeded"),
            predictions: Sent::Given(predicted(issued_at, number, running.model)),
            ..RunDraft::default()
        };
        report_run(&self.ports, &person(RUNNER), running.job.id, Submission::from(draft), WriteMode::Commit).map(drop)
    }

    fn fail(&self, before: TimeDelta, id: JobId) -> Result<(), UseCaseError> {
        let issued_at = given(self.set(before).to_string());
        let draft = RunDraft { issued_at, status: given("failed"), message: given(MESSAGE), ..RunDraft::default() };
        report_run(&self.ports, &person(RUNNER), id, Submission::from(draft), WriteMode::Commit).map(drop)
    }
}

fn predicted(issued_at: Timestamp, number: u16, model: Model) -> Vec<Sent<PredictionDraft>> {
    let value = |role: &str, at: Timestamp, value: f64| {
        Sent::Given(PredictionDraft {
            role: given(role),
            at: given(at.to_string()),
            value: Sent::Given(rounded(value)),
        })
    };
    let first = issued_at.as_datetime();
    let first = first.with_minute(0).and_then(|time| time.with_second(0)).and_then(|time| time.with_nanosecond(0));
    let first = first.map_or(issued_at, Timestamp::truncated);
    let hours = (1..=HORIZON).map(|ahead| (f64::from(ahead), first.plus(TimeDelta::hours(ahead.into()))));
    match model {
        Model::Mildew => hours
            .flat_map(|(ahead, at)| {
                let risk = 38.0 + 24.0 * daily(at, 6.0) + weather(at, number) + error(ahead, issued_at, number);
                [value("risk", at, risk.clamp(1.0, 99.0)), value("spread", at, 2.0 + ahead / 4.0)]
            })
            .collect(),
        Model::Frost => hours
            .map(|(ahead, at)| {
                let frost = 22.0 + 20.0 * daily(at, 5.0) + weather(at, number) + error(ahead, issued_at, number);
                value("frost", at, frost.clamp(0.0, 100.0))
            })
            .collect(),
        Model::Harvest(_) => hours
            .step_by(12)
            .map(|(ahead, at)| {
                value("yield", at, 11.0 + weather(at, number) / 8.0 + error(ahead, issued_at, number) / 10.0)
            })
            .collect(),
    }
}

/// Between -1 and 1 over a day, the highest at that hour.
fn daily(at: Timestamp, peak: f64) -> f64 {
    (TAU * (hours_of(at) - peak) / 24.0).cos()
}

/// Slower than a day, and other for each job.
fn weather(at: Timestamp, number: u16) -> f64 {
    let phase = f64::from(number);
    9.0 * (TAU * hours_of(at) / 131.0 + phase).sin() + 4.0 * (TAU * hours_of(at) / 53.0 + 2.0 * phase).sin()
}

/// By how much a prediction is off: the more, the further ahead it is.
fn error(ahead: f64, issued_at: Timestamp, number: u16) -> f64 {
    ahead / 6.0 * (TAU * hours_of(issued_at) / 37.0 + f64::from(number)).sin()
}

fn hours_of(time: Timestamp) -> f64 {
    let minutes = time.as_datetime().timestamp() / 60;
    f64::from(i32::try_from(minutes).unwrap_or_default()) / 60.0
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
