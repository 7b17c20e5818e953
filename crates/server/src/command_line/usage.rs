//! What each organisation may have, or do in a day, how much of its history is kept, and what it leaves to others.

use std::num::{NonZeroU8, NonZeroU64};

use chrono::TimeDelta;
use clap::Args;
use prediction_domain::model::{Keep, KeptHistory};

/// What organisations may use.
#[derive(Debug, Args)]
pub(crate) struct UsageOptions {
    /// How many jobs an organisation may have; a setup of one more is answered with 422 [default: no limit]
    #[arg(long, env = "PREDICTION_API_QUOTA_JOBS", value_name = "NUMBER")]
    pub(crate) quota_jobs: Option<NonZeroU64>,
    /// How many values may be reported of the jobs of an organisation in a day in UTC; more are answered with 429. A
    /// report counts as one at the least, and its message as one for each 1,000 bytes [default: no limit]
    #[arg(long, env = "PREDICTION_API_QUOTA_VALUES_PER_DAY", value_name = "NUMBER")]
    pub(crate) quota_values_per_day: Option<NonZeroU64>,
    /// How often the jobs of an organisation may be changed in a day in UTC, since what they were is kept; more changes
    /// are answered with 429 [default: no limit]
    #[arg(long, env = "PREDICTION_API_QUOTA_CHANGES_PER_DAY", value_name = "NUMBER")]
    pub(crate) quota_changes_per_day: Option<NonZeroU64>,
    /// How long runs are kept, how many of each job, or both, such as 90d or 90d,10000: older ones, and those that are
    /// not among the newest, are deleted, but never one whose values are stored, nor what health needs; by age, the ten
    /// newest of a job stay [default: as long as the job]
    #[arg(long, env = "PREDICTION_API_KEEP_RUNS", value_name = "TIME|NUMBER", value_parser = keep)]
    pub(crate) keep_runs: Option<Keep>,
    /// The same for what a job was before it was changed, from then on: never the current revision, nor one that a
    /// stored run refers to [default: as long as the job]
    #[arg(long, env = "PREDICTION_API_KEEP_REVISIONS", value_name = "TIME|NUMBER", value_parser = keep)]
    pub(crate) keep_revisions: Option<Keep>,
    /// How much of the time an organisation that sends several requests at once is answered while others send one after
    /// the other, in percent: it pauses in between. 100 is without pauses [default: where there are at most three
    /// processors, 10 with SQLite, and 20 with PostgreSQL on this machine; else 100]
    #[arg(long, env = "PREDICTION_API_TENANT_SHARE", value_name = "PERCENT", value_parser = percent)]
    pub(crate) tenant_share: Option<NonZeroU8>,
}

impl UsageOptions {
    pub(crate) fn kept_history(&self) -> KeptHistory {
        KeptHistory { runs: self.keep_runs, revisions: self.keep_revisions }
    }
}

/// A century.
const MOST_DAYS: u32 = 36_500;

/// Days or hours, a number, or both with a comma.
fn keep(text: &str) -> Result<Keep, String> {
    let wrong = || {
        format!(
            "a time in days or hours, up to {MOST_DAYS}d, a number, or both are needed, such as 90d, 10000 or 90d,10000"
        )
    };
    let mut keep = Keep { age: None, newest: None };
    for part in text.split(',') {
        let (digits, hours_of_unit) = match part.strip_suffix('d') {
            Some(days) => (days, Some(24)),
            None => part.strip_suffix('h').map_or((part, None), |hours| (hours, Some(1))),
        };
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u32 = digits.parse().ok().filter(|number| is_number && *number > 0).ok_or_else(wrong)?;
        match hours_of_unit.map(|hours| i64::from(number) * hours) {
            Some(hours) if keep.age.is_none() && hours <= i64::from(MOST_DAYS) * 24 => {
                keep.age = Some(TimeDelta::hours(hours));
            }
            None if keep.newest.is_none() => keep.newest = NonZeroU64::new(number.into()),
            _ => return Err(wrong()),
        }
    }
    Ok(keep)
}

fn percent(text: &str) -> Result<NonZeroU8, String> {
    let percent = text.parse().ok().filter(|percent: &NonZeroU8| percent.get() <= 100);
    percent.ok_or_else(|| "a whole number from 1 to 100 is needed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_of_a_hundred() {
        for text in ["1", "15", "100"] {
            assert_eq!(percent(text).map(|percent| percent.get().to_string()).as_deref(), Ok(text));
        }
        for text in ["0", "101", "256", "15%", "0.15", "-1", "", " 15"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn history_is_kept_by_time_and_by_number() {
        let kept =
            |age: Option<i64>, newest| Ok(Keep { age: age.map(TimeDelta::hours), newest: NonZeroU64::new(newest) });
        assert_eq!(keep("90d"), kept(Some(90 * 24), 0));
        assert_eq!(keep("36h"), kept(Some(36), 0));
        assert_eq!(keep("10000"), kept(None, 10_000));
        assert_eq!(keep("90d,10000"), kept(Some(90 * 24), 10_000));
        assert_eq!(keep("10000,90d"), kept(Some(90 * 24), 10_000));
        let refused = [
            "",
            ",",
            "90d,",
            "0",
            "0d",
            "1d,2d",
            "1,2",
            "90 d",
            "-1",
            "+1",
            "1m",
            "36501d",
            "1.5d",
            "99999999999",
            "1d,2,3",
            "d",
            "9é",
        ];
        for text in refused {
            assert!(keep(text).is_err(), "{text}");
        }
    }
}
