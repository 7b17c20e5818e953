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
        .summary("List the inputs that can be bound to a role")
        .text(
            "Of an organisation, as far as they are registered: those in the unit of the role first, then those whose unit is \
             converted, then those of which not enough is known. A page may have few of them, or none, and be followed by others.",
        )
        .access(Access::Scope(Permission::InputsRead))
        .parameters(paged(vec![
            required("organisation_id", "Whose inputs.", ID.schema()),
            required("role", "The input role of the version.", WORD.schema()),
            query("q", "Only inputs with this in their name, without case.", NAME.schema()),
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
