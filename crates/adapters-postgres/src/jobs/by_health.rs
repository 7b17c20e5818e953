//! Jobs of a health, found by what was judged before.
//!
//! A judgement holds at a time when it was not judged by a later one, has not ended, and its source promises what it
//! did. What holds is read along an index, up to the end of the page; what does not is judged here, job by job. Both
//! are looked up from `job_health`, so that neither costs more than the page, and what there is to be judged.

use chrono::{DateTime, Utc};
use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Timestamptz};

use super::conditions::{Conditions, Part};
use super::monitoring::{self, HealthCondition};
use crate::paging::push_unplanned;

/// What the indexes without an organisation ask for: it is always true.
const OF_ALL: &str = " AND judged.judged_until >= '-infinity'";

/// The walk along the judged jobs of one organisation, or of all.
pub(super) struct HealthWalk<'b> {
    pub(super) conditions: &'b Conditions,
    pub(super) health: &'b HealthCondition,
    pub(super) part: &'b Part,
}

impl<'b> HealthWalk<'b> {
    /// `SELECT …` of the first jobs behind the page's place, in creation order. Without an organisation it is of all.
    pub(super) fn push<F>(&self, out: &mut AstPass<'_, 'b, Pg>, push_organisation: Option<&F>) -> QueryResult<()>
    where
        F: Fn(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    {
        out.push_sql("SELECT * FROM (");
        for status in &self.health.statuses {
            out.push_sql("(SELECT jobs.* FROM job_health AS judged");
            self.push_jobs(out, Conditions::push_filters)?;
            out.push_sql(" WHERE judged.status = ");
            out.push_sql(&status.number().to_string());
            match push_organisation {
                Some(push_organisation) => {
                    out.push_sql(" AND judged.organisation_id = ");
                    push_organisation(out)?;
                }
                None => out.push_sql(OF_ALL),
            }
            push_holds(out, &self.health.at)?;
            self.push_end(out)?;
            out.push_sql(") UNION ALL ");
        }
        out.push_sql("(SELECT jobs.* FROM unjudged_jobs(");
        match push_organisation {
            Some(push_organisation) => push_organisation(out)?,
            None => out.push_sql("NULL"),
        }
        out.push_sql(", ");
        out.push_bind_param::<Timestamptz, _>(&self.health.at)?;
        out.push_sql(") AS judged");
        self.push_jobs(out, Conditions::push_filters_apart)?;
        out.push_sql(" WHERE TRUE");
        self.push_end(out)?;
        out.push_sql(")) AS jobs ORDER BY jobs.sequence_number LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.part.limit)
    }

    /// Looks each job up, as far as it passes the filters.
    fn push_jobs(
        &self,
        out: &mut AstPass<'_, 'b, Pg>,
        push_filters: impl Fn(&'b Conditions, &mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql(
            " CROSS JOIN LATERAL (SELECT * FROM jobs WHERE jobs.organisation_id = judged.organisation_id \
             AND jobs.id = judged.job_id",
        );
        push_filters(self.conditions, out)?;
        out.push_sql(" OFFSET 0) AS jobs");
        Ok(())
    }

    /// Where the page begins and ends. In one query with the walk, or PostgreSQL would sort all that may be found
    /// before it looks for any.
    fn push_end(&self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some(after) = &self.part.after {
            out.push_sql(" AND judged.sequence_number > ");
            push_unplanned::<BigInt, _>(out, after)?;
        }
        out.push_sql(" ORDER BY judged.sequence_number LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.part.limit)
    }
}

/// The condition that a judgement holds. Most do: within CASE, because PostgreSQL takes plain comparisons for such as
/// hardly any row passes, and then reads and sorts all rows instead of walking along an index to the end of the page.
fn push_holds<'b>(out: &mut AstPass<'_, 'b, Pg>, at: &'b DateTime<Utc>) -> QueryResult<()> {
    out.push_sql(" AND CASE WHEN judged.judged_until >= ");
    out.push_bind_param::<Timestamptz, _>(at)?;
    out.push_sql(
        " AND judged.source_id <> ALL (ARRAY(SELECT source_id FROM unjudged_sources)) THEN TRUE ELSE FALSE END",
    );
    push_is_usable(out, at)
}

/// The condition that no job was judged by a later time.
fn push_is_usable<'b>(out: &mut AstPass<'_, 'b, Pg>, at: &'b DateTime<Utc>) -> QueryResult<()> {
    out.push_sql(" AND (SELECT judged_at FROM judgements WHERE name = 'health') <= ");
    out.push_bind_param::<Timestamptz, _>(at)
}

/// How many jobs there are of each health, of each group if there is one: all by what was judged, without those of
/// which that does not hold, which are judged. A group is a column that jobs and judgements have.
///
/// What was judged is counted along the index by status, which is asked for as an order: it is smaller than the table,
/// and its part for an organisation has nothing of others. Left to itself, PostgreSQL reads the whole table as soon as
/// it takes a good part of it for wanted. That is right only where all of it is wanted, and a column that the index
/// lacks.
pub(super) fn push_counts<'b>(
    out: &mut AstPass<'_, 'b, Pg>,
    conditions: &'b Conditions,
    now: &'b DateTime<Utc>,
    group: Option<&str>,
) -> QueryResult<()> {
    let of = |table: &str| group.map_or_else(String::new, |column| format!("{table}.{column}, "));
    let groups = if group.is_some() { "1, 2" } else { "1" };
    let own = group.map_or_else(String::new, |column| format!("{column}, "));
    out.push_sql("WITH unjudged AS MATERIALIZED (SELECT unjudged.* FROM ");
    conditions.push_each_tenant(out)?;
    out.push_sql(" AS tenant (organisation_id) CROSS JOIN LATERAL unjudged_jobs(tenant.organisation_id, ");
    out.push_bind_param::<Timestamptz, _>(now)?;
    out.push_sql(&format!(
        ") AS unjudged) SELECT {own}status, sum(jobs)::bigint FROM (SELECT {}judged.status, judged.jobs FROM ",
        of("judged")
    ));
    conditions.push_each_tenant(out)?;
    out.push_sql(&format!(
        " AS tenant (organisation_id) CROSS JOIN LATERAL (SELECT {0}judged.status, count(*) AS jobs FROM (\
         SELECT {0}judged.status FROM job_health AS judged WHERE ",
        of("judged")
    ));
    out.push_sql(if conditions.are_of_all() {
        "judged.judged_until >= '-infinity'"
    } else {
        "judged.organisation_id = tenant.organisation_id"
    });
    push_is_usable(out, now)?;
    if group.is_none() || !conditions.are_of_all() {
        out.push_sql(" ORDER BY judged.status, judged.sequence_number OFFSET 0");
    }
    out.push_sql(&format!(
        ") AS judged GROUP BY {groups}) AS judged UNION ALL SELECT {}unjudged.status, -count(*) FROM unjudged WHERE TRUE",
        of("unjudged")
    ));
    push_is_usable(out, now)?;
    out.push_sql(&format!(
        " GROUP BY {groups} UNION ALL SELECT {}judged.status, count(*) FROM unjudged CROSS JOIN LATERAL (SELECT {}(",
        of("judged"),
        of("jobs")
    ));
    monitoring::push_status(out, now)?;
    out.push_sql(")::smallint AS status FROM jobs");
    out.push_sql(monitoring::JOINED_TO_MANY);
    out.push_sql(&format!(
        " WHERE jobs.organisation_id = unjudged.organisation_id AND jobs.id = unjudged.job_id OFFSET 0) AS judged \
         GROUP BY {groups}) AS counted GROUP BY {groups} HAVING sum(jobs) <> 0"
    ));
    Ok(())
}
