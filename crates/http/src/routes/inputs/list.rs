use crate::document::{Access, Body, Operation, Parameter, id_filter, paged, query, set_filter, tags};
use crate::problem::ProblemCode::OrganisationOutOfScope;
use crate::routes::Endpoint;
use prediction_domain::model::{InputKind, Metric, NamePart, OrganisationId, Permission, SetName};
use prediction_domain::ports::InputFilter;
use prediction_domain::use_cases::list_inputs;
use prediction_wire::{NAME, Rule, WORD};

use crate::request::{Call, Query};
use crate::routes::{Answer, page as page_of};
use prediction_wire as wire;

pub(in crate::routes) const ENDPOINT: Endpoint = Endpoint { describe, handler: |route| route.to(handle) };

fn describe() -> Operation {
    let filter = |name, about, rule: Rule| -> Parameter { query(name, about, rule.schema()) };
    Operation::get("/api/v1/inputs", "list_inputs")
        .tag(tags::INPUTS)
        .summary("List inputs")
        .text("Those of the token's organisations, ordered by organisation and id.")
        .access(Access::Scope(Permission::InputsRead))
        .parameters(paged(vec![
            id_filter("organisation_id", "Only inputs of this organisation."),
            filter("kind", "Only inputs of this kind.", WORD),
            filter("metric", "Only inputs that measure this.", WORD),
            set_filter(),
            filter("q", "Only inputs with this in their name, without case.", NAME),
        ]))
        .answer(200, "A page of inputs", Body::Page("Input"))
        .problems(&[OrganisationOutOfScope])
}

async fn handle(call: Call) -> Answer {
    let caller = call.caller().await?;
    let mut query = call.query();
    let filter = InputFilter {
        organisation_id: query.read("organisation_id", OrganisationId::parse),
        kind: query.read("kind", InputKind::parse),
        metric: query.read("metric", Metric::parse),
        name_part: query.read("q", NamePart::parse),
        managed_by: query.read("managed_by", SetName::restore),
    };
    let page = query.page("inputs");
    let list = query.finish_list()?;

    let found = call.service().read(move |ports| list_inputs(ports, &caller, &filter, &page)).await?;
    let next_cursor = Query::cursor(&list, found.next.as_ref());
    let items = found.items.into_iter().map(wire::Input::from).collect();
    page_of(&call, wire::Page { items, next_cursor }).await
}
