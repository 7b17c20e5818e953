use prediction_domain::model::Permission;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema};

use super::{
    Access, Body, DELETION, Operation, Parameter, Request, dry_run, id_filter, if_match, if_none_match, name_filter,
    paged, query, text_schema,
};
use crate::problem::ProblemCode::{Conflict, InUse, NotTheOwner, OrganisationOutOfScope, WouldDeleteValues};

const SOURCES: &str = "sources";
const VERSIONS: &str = "source versions";
const CREATE: Access = Access::Scope(Permission::CatalogCreate);
const WRITE: Access = Access::Scope(Permission::CatalogWrite);

const CREATE_SOURCE: Request = Request {
    schema: "NewSource",
    examples: &[("tutorial", include_str!("../../../../../docs/examples/create-source.json"))],
};
const CHANGE_SOURCE: Request = Request {
    schema: "SourceChange",
    examples: &[("change", include_str!("../../../../../docs/examples/change-source.json"))],
};
const CREATE_VERSION: Request = Request {
    schema: "NewSourceVersion",
    examples: &[("tutorial", include_str!("../../../../../docs/examples/create-source-version.json"))],
};

/// What can be asked about sources and their versions.
pub(super) fn operations() -> Vec<Operation> {
    let mut operations = on_sources();
    operations.extend(on_versions());
    operations
}

fn owner_filter(text: &'static str) -> Parameter {
    let platform = ObjectBuilder::new().enum_values(Some(["null"]));
    let either = OneOfBuilder::new().item(text_schema(platform)).item(Parameter::uuid_schema());
    query("owner_organisation_id", text, RefOr::T(Schema::from(either.build())))
}

fn on_sources() -> Vec<Operation> {
    vec![
        Operation {
            method: "GET",
            path: "/api/v1/sources",
            id: "list_sources",
            tag: SOURCES,
            summary: "List sources",
            text: "In creation order.",
            access: Access::Token,
            parameters: paged(vec![
                name_filter("Only the one of that name, compared without case."),
                owner_filter("Only those of that organisation, or with null those of the platform."),
            ]),
            request: None,
            answers: vec![(200, "A page of sources", Body::List("Source"))],
            problems: &[],
        },
        Operation {
            method: "POST",
            path: "/api/v1/sources",
            id: "create_source",
            tag: SOURCES,
            summary: "Create a source",
            text: "It belongs to the organisation of the token, or to the platform if the token is for all organisations, unless \
                   owner_organisation_id says whose it is. Can be sent again safely: the same content answers 200 with what is \
                   stored, other content 409.",
            access: CREATE,
            parameters: vec![],
            request: Some(CREATE_SOURCE),
            answers: vec![
                (200, "It was there already", Body::One("Source")),
                (201, "It was created", Body::One("Source")),
            ],
            problems: &[Conflict, NotTheOwner, OrganisationOutOfScope],
        },
        Operation {
            method: "GET",
            path: "/api/v1/sources/{id}",
            id: "get_source",
            tag: SOURCES,
            summary: "Read a source",
            text: "",
            access: Access::Token,
            parameters: vec![if_none_match()],
            request: None,
            answers: vec![(200, "The source", Body::One("Source")), (304, "It has not changed", Body::None)],
            problems: &[],
        },
        Operation {
            method: "PUT",
            path: "/api/v1/sources/{id}",
            id: "change_source",
            tag: SOURCES,
            summary: "Change a source",
            text: "For its owner. What is left out stays, null clears. What GET returned can be sent back. A shorter retention \
                   that deletes values at once, of whoever has jobs of the source, is 409 without confirm_deletion: true; deletes \
                   says how many values of how many jobs.",
            access: WRITE,
            parameters: vec![dry_run(), if_match()],
            request: Some(CHANGE_SOURCE),
            answers: vec![(200, "The source as it is now", Body::One("SourceChanged"))],
            problems: &[Conflict, NotTheOwner, WouldDeleteValues],
        },
        Operation {
            method: "DELETE",
            path: "/api/v1/sources/{id}",
            id: "delete_source",
            tag: SOURCES,
            summary: "Delete a source",
            text: "For its owner. Refused while it has versions.",
            access: WRITE,
            parameters: vec![dry_run(), if_match()],
            request: Some(DELETION),
            answers: vec![
                (200, "With dry_run: what would be deleted", Body::One("Source")),
                (204, "It was deleted", Body::None),
            ],
            problems: &[InUse, NotTheOwner],
        },
    ]
}

fn on_versions() -> Vec<Operation> {
    vec![
        Operation {
            method: "GET",
            path: "/api/v1/source_versions",
            id: "list_source_versions",
            tag: VERSIONS,
            summary: "List source versions",
            text: "In the order in which they were published; without their roles, unless those are asked for.",
            access: Access::Token,
            parameters: {
                let mut parameters = paged(vec![id_filter("source_id", "Only those of that source.")]);
                let word = text_schema(ObjectBuilder::new().enum_values(Some(["contract"])));
                parameters.push(query("expand", "With contract: the roles of each version, too.", word));
                parameters
            },
            request: None,
            answers: vec![(200, "A page of source versions", Body::List("SourceVersionItem"))],
            problems: &[],
        },
        Operation {
            method: "POST",
            path: "/api/v1/source_versions",
            id: "create_source_version",
            tag: VERSIONS,
            summary: "Publish a source version",
            text: "For the owner of the source. Can be sent again safely: the same content answers 200 with what is stored, other \
                   content 409.",
            access: CREATE,
            parameters: vec![],
            request: Some(CREATE_VERSION),
            answers: vec![
                (200, "It was there already", Body::One("SourceVersion")),
                (201, "It was published", Body::One("SourceVersion")),
            ],
            problems: &[Conflict, NotTheOwner],
        },
        Operation {
            method: "GET",
            path: "/api/v1/source_versions/{id}",
            id: "get_source_version",
            tag: VERSIONS,
            summary: "Read a source version",
            text: "",
            access: Access::Token,
            parameters: vec![if_none_match()],
            request: None,
            answers: vec![
                (200, "The source version", Body::One("SourceVersion")),
                (304, "The reader has it already", Body::None),
            ],
            problems: &[],
        },
        Operation {
            method: "DELETE",
            path: "/api/v1/source_versions/{id}",
            id: "delete_source_version",
            tag: VERSIONS,
            summary: "Delete a source version",
            text: "For the owner of its source. Refused while a job uses it.",
            access: WRITE,
            parameters: vec![dry_run(), if_match()],
            request: Some(DELETION),
            answers: vec![
                (200, "With dry_run: what would be deleted", Body::One("SourceVersion")),
                (204, "It was deleted", Body::None),
            ],
            problems: &[InUse, NotTheOwner],
        },
    ]
}
