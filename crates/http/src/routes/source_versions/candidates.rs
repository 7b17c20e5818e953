use crate::document::{Access, Body, Operation, paged, query, required, tags};
use crate::problem::ProblemCode::{Invalid, OrganisationOutOfScope};
use crate::routes::Endpoint;
use prediction_domain::model::{NamePart, OrganisationId, Permission, RoleName, SourceVersionId};
use prediction_domain::use_cases::{CandidateQuestion, list_candidates};
use prediction_wire::{ID, NAME, WORD};

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    Operation::get("/api/v1/source_versions/{id}/candidates", "list_candidates")
        .tag(tags::SOURCE_VERSIONS)
        .summary("List what can be bound to a role")
        .text(
            "Inputs of an organisation, as far as they are registered; to a role of the kind `output`, outputs of its jobs, for which \
             the scope `jobs:read` is needed, too. What is in the unit of the role comes first, then what is converted, then that of \
             which not enough is known. A page may have few of them, or none, and be followed by others.",
        )
        .access(Access::Scope(Permission::InputsRead))
        .parameters(paged(vec![
            required("organisation_id", "Whose inputs, or jobs.", ID.schema()),
            required("role", "The input role of the version.", WORD.schema()),
            query("q", "Only inputs with this in their name, and outputs of jobs with it in theirs, without case.", NAME.schema()),
        ]))
        .answer(200, "A page of candidates", Body::Page("Candidate"))
        .problems(&[Invalid, OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let id = call.id(SourceVersionId::parse)?;
    let mut query = call.query();
    let organisation_id = query.require("organisation_id", OrganisationId::parse);
    let role = query.require("role", RoleName::restore);
    let name_part = query.read("q", NamePart::parse);
    let page = query.page(&format!("candidates of {id}"));
    let list = query.finish_list()?;
    let (Some(organisation_id), Some(role)) = (organisation_id, role) else {
        unreachable!("what is required was refused if it was not there")
    };
    let question = CandidateQuestion { organisation_id, role, name_part };

    let found = call.service().read(move |ports| list_candidates(ports, &caller, id, &question, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(wire::Candidate::from).collect();
    page_of(&call, wire::Page { items, next_cursor }).await
}
