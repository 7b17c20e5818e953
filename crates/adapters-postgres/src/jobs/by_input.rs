//! The jobs of an organisation that use an input, in creation order.
//!
//! The uses are walked through along an index, and each looks its job up, up to the end of the page: what an answer
//! costs follows neither from how many jobs use the input, nor from what others have.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::AstPass;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};

use super::conditions::{Conditions, Input, Part};
use crate::paging::push_unplanned;

/// The walk along the uses of an input by one organisation.
pub(super) struct InputWalk<'b> {
    pub(super) conditions: &'b Conditions,
    pub(super) input: &'b Input,
    pub(super) part: &'b Part,
}

impl<'b> InputWalk<'b> {
    /// `SELECT …` of the first of them behind the page's place.
    pub(super) fn push(
        &self,
        out: &mut AstPass<'_, 'b, Pg>,
        push_organisation: impl Fn(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql(
            "SELECT jobs.* FROM job_inputs AS used CROSS JOIN LATERAL (SELECT * FROM jobs \
             WHERE jobs.organisation_id = used.organisation_id AND jobs.sequence_number = used.sequence_number",
        );
        self.conditions.push_filters_apart(out)?;
        out.push_sql(" OFFSET 0) AS jobs WHERE used.organisation_id = ");
        push_organisation(out)?;
        out.push_sql(" AND used.input_id = ");
        push_unplanned::<SqlUuid, _>(out, &self.input.id)?;
        if let Some(after) = &self.part.after {
            out.push_sql(" AND used.sequence_number > ");
            push_unplanned::<BigInt, _>(out, after)?;
        }
        out.push_sql(" ORDER BY used.sequence_number LIMIT ");
        push_unplanned::<BigInt, _>(out, &self.part.limit)
    }
}

/// ` AND …`: that a job uses an input. Looked up for each that was found otherwise; without OFFSET, PostgreSQL might
/// read all uses first.
pub(super) fn push_uses<'b>(out: &mut AstPass<'_, 'b, Pg>, input: &'b Input) -> QueryResult<()> {
    out.push_sql(
        " AND EXISTS (SELECT FROM job_inputs AS used WHERE used.organisation_id = jobs.organisation_id \
         AND used.sequence_number = jobs.sequence_number AND used.input_id = ",
    );
    push_unplanned::<SqlUuid, _>(out, &input.id)?;
    out.push_sql(" OFFSET 0)");
    Ok(())
}
