//! The OpenAPI document (version 3.1), made from the list of operations and the wire types.

mod links;
mod operation;
mod parameter;

use serde_json::Value;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    Required, Server, tag::TagBuilder,
};

use prediction_wire::{ID, PROBLEM_MEDIA_TYPE, ProblemCode, Schemas};

pub use operation::{Access, Body, Examples, Operation, Request};
pub use parameter::Parameter;

pub(crate) use operation::tags;
pub(crate) use parameter::{
    dry_run, flag, id_filter, if_match, if_none_match, name_filter, number, paged, paged_by, query, required,
    set_filter, text_schema, time_filter, word, words,
};

/// The document of these operations.
pub(crate) fn document(operations: &[Operation]) -> OpenApi {
    let mut components = Components::new();
    components.schemas = schemas_of(operations);
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("An access token. Each operation says which scope it needs."))
                .build(),
        ),
    );
    let mut paths = PathsBuilder::new();
    for operation in operations {
        let method = match operation.method {
            "GET" => HttpMethod::Get,
            "POST" => HttpMethod::Post,
            "PUT" => HttpMethod::Put,
            _ => HttpMethod::Delete,
        };
        paths = paths.path(operation.path, PathItem::new(method, describe(operation)));
    }
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Prediction API")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Register predictive models, publish immutable versions of their contracts, and configure them as \
                     jobs for customers. Everything that is wrong with a request is told at once.",
                ))
                .license(Some(
                    LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
                ))
                .build(),
        )
        .servers(Some([Server::new("/")]))
        .tags(Some(tags::ALL.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build())))
        .paths(paths.build())
        .components(Some(components))
        .build()
}

fn describe(operation: &Operation) -> OperationBuilder {
    let mut described = OperationBuilder::new()
        .operation_id(Some(operation.id))
        .tag(operation.tag)
        .summary(Some(operation.summary))
        .description(Some(operation.description()));
    if operation.path.contains("{id}") {
        described = described.parameter(
            ParameterBuilder::new()
                .name("id")
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ID.schema()))
                .build(),
        );
    }
    if operation.path.contains("{run_id}") {
        described = described.parameter(
            ParameterBuilder::new()
                .name("run_id")
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ID.schema()))
                .build(),
        );
    }
    if operation.path.contains("{revision}") {
        // The largest whole number that every reader of JSON has (RFC 8259, section 6).
        let number = ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer)).minimum(Some(1));
        let number = number.maximum(Some(9_007_199_254_740_991_u64));
        described = described.parameter(
            ParameterBuilder::new()
                .name("revision")
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(number))
                .build(),
        );
    }
    if operation.path.contains("{code}") {
        let mut codes: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
        // One that has two statuses stands there twice, side by side.
        codes.dedup();
        described = described.parameter(
            ParameterBuilder::new()
                .name("code")
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(codes))))
                .build(),
        );
    }
    for parameter in &operation.parameters {
        described = described.parameter(parameter.describe());
    }
    if let Some(body) = &operation.request {
        let content = ContentBuilder::new()
            .schema(Some(reference(body.shape.name())))
            .examples_from_iter(body.examples.iter().map(|(name, json)| {
                let value: Value = serde_json::from_str(json).unwrap_or_else(|_| unreachable!("examples are JSON"));
                (*name, utoipa::openapi::example::ExampleBuilder::new().value(Some(value)).build())
            }))
            .build();
        let required = if operation.method == "DELETE" { Required::False } else { Required::True };
        described = described.request_body(Some(
            RequestBodyBuilder::new().content("application/json", content).required(Some(required)).build(),
        ));
    }
    for (status, text, body) in &operation.answers {
        described = described.response(status.to_string(), answer(operation, *status, text, body));
    }
    for (status, problems) in operation.problems_by_status() {
        described = described.response(status.to_string(), problem_response(status, &problems));
    }
    if operation.needs_token() {
        described = described.security(SecurityRequirement::new("bearer", Vec::<String>::new()));
    }
    described
}

fn answer(operation: &Operation, status: u16, text: &str, body: &Body) -> Response {
    let mut response = ResponseBuilder::new().description(text);
    match body {
        Body::None => {}
        Body::One(schema) | Body::Untagged(schema) => {
            response =
                response.content("application/json", ContentBuilder::new().schema(Some(reference(schema))).build());
        }
        Body::Page(_) | Body::PageOrCsv(..) => {
            let (_, page) = body.page().unwrap_or_default();
            response =
                response.content("application/json", ContentBuilder::new().schema(Some(reference(&page))).build());
            if let Body::PageOrCsv(_, about) = body {
                let rows = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).description(Some(*about));
                response = response.content("text/csv", ContentBuilder::new().schema(Some(rows)).build());
            }
        }
        Body::Text(media_type) => {
            let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
            response = response.content(*media_type, ContentBuilder::new().schema(Some(text)).build());
        }
        Body::AnyObject => {
            let object = ObjectBuilder::new()
                .schema_type(SchemaType::new(Type::Object))
                .additional_properties(Some(AdditionalProperties::FreeForm(true)));
            response = response.content("application/json", ContentBuilder::new().schema(Some(object)).build());
        }
    }
    if matches!(body, Body::One(_) | Body::Untagged(_)) {
        for (name, link) in links::of(operation.id) {
            response = response.link(name, link);
        }
    }
    if operation.has_entity_tag(status) {
        let of = if operation.answers.iter().any(|(_, _, body)| body.page().is_some()) {
            "The entity tag of the page: a digest of it. Rows of CSV have none."
        } else {
            "The entity tag: the revision in quotation marks."
        };
        response = response.header("ETag", text_header(of));
    }
    if status == 201 || status == 303 {
        response = response.header("Location", text_header("Where it is."));
    }
    response.build()
}

fn problem_response(status: u16, problems: &[ProblemCode]) -> Response {
    let titles: Vec<String> = problems.iter().map(|code| format!("`{}`: {}", code.as_str(), code.title())).collect();
    let mut response = ResponseBuilder::new()
        .description(titles.join("; "))
        .content(PROBLEM_MEDIA_TYPE, ContentBuilder::new().schema(Some(reference("Problem"))).build());
    match status {
        401 | 403 => response = response.header("WWW-Authenticate", text_header("RFC 6750, section 3.")),
        429 | 503 => response = response.header("Retry-After", text_header("Seconds to wait before trying again.")),
        _ => {}
    }
    response.build()
}

fn text_header(description: &str) -> utoipa::openapi::header::Header {
    HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(SchemaType::new(Type::String))))
        .description(Some(description))
        .build()
}

/// The schemas of all answers, and of all requests with what these consist of.
fn schemas_of(operations: &[Operation]) -> Schemas {
    let mut schemas = prediction_wire::schemas();
    for operation in operations {
        if let Some(request) = &operation.request {
            request.shape.describe(&mut schemas);
        }
        for (item, page) in operation.answers.iter().filter_map(|(_, _, body)| body.page()) {
            schemas.entry(page).or_insert_with(|| page_schema(item));
        }
    }
    schemas
}

fn page_schema(item: &str) -> RefOr<Schema> {
    let items = ArrayBuilder::new().items(reference(item)).description(Some("The items, in the order of the list."));
    let cursor = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    let page = ObjectBuilder::new()
        .description(Some("A page of a list."))
        .property("items", items)
        .required("items")
        .property("next_cursor", cursor.description(Some("Where the next page starts; null on the last one.")))
        .required("next_cursor");
    RefOr::T(Schema::from(page.build()))
}

fn reference(schema: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(schema))
}
