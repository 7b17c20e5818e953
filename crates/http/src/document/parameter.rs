//! The parameters of operations: in the query, or headers.

use prediction_domain::model::PageRequest;
use prediction_wire::{FLAG, ID, NAME, TIME, WORD, entity_tags};
use utoipa::openapi::path::{ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, Required};

/// A parameter in the query, or a header.
pub struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: ParameterIn,
    about: &'static str,
    schema: RefOr<Schema>,
    is_required: bool,
}

impl Parameter {
    pub(super) fn describe(&self) -> utoipa::openapi::path::Parameter {
        let described = ParameterBuilder::new()
            .name(self.name)
            .parameter_in(self.place.clone())
            .required(if self.is_required { Required::True } else { Required::False })
            .description(Some(self.about))
            .schema(Some(self.schema.clone()));
        let described = match &self.schema {
            // With commas between them.
            RefOr::T(Schema::Array(_)) => described.style(Some(ParameterStyle::Form)).explode(Some(false)),
            _ => described,
        };
        described.build()
    }
}

pub(crate) fn text_schema(builder: ObjectBuilder) -> RefOr<Schema> {
    RefOr::T(Schema::from(builder.schema_type(SchemaType::new(Type::String)).build()))
}

pub(crate) fn query(name: &'static str, about: &'static str, schema: RefOr<Schema>) -> Parameter {
    Parameter { name, place: ParameterIn::Query, about, schema, is_required: false }
}

/// A parameter that has to be there.
pub(crate) fn required(name: &'static str, about: &'static str, schema: RefOr<Schema>) -> Parameter {
    Parameter { is_required: true, ..query(name, about, schema) }
}

pub(crate) fn id_filter(name: &'static str, about: &'static str) -> Parameter {
    query(name, about, ID.schema())
}

pub(crate) fn set_filter() -> Parameter {
    query("managed_by", "Only what this set keeps.", WORD.schema())
}

pub(crate) fn name_filter(about: &'static str) -> Parameter {
    query("name", about, NAME.schema())
}

pub(crate) fn time_filter(name: &'static str, about: &'static str) -> Parameter {
    query(name, about, TIME.schema())
}

pub(crate) fn flag(name: &'static str, about: &'static str) -> Parameter {
    query(name, about, FLAG.schema())
}

/// A list of some of these words. One that stands twice says nothing more.
pub(crate) fn words(name: &'static str, about: &'static str, words: &[&'static str]) -> Parameter {
    let word = text_schema(ObjectBuilder::new().enum_values(Some(words.iter().copied())));
    let list = ArrayBuilder::new().items(word).min_items(Some(1)).build();
    query(name, about, RefOr::T(Schema::Array(list)))
}

/// One of these words.
pub(crate) fn word(
    name: &'static str,
    about: &'static str,
    words: &[&'static str],
    default: Option<&'static str>,
) -> Parameter {
    let word = ObjectBuilder::new().enum_values(Some(words.iter().copied())).default(default.map(Into::into));
    query(name, about, text_schema(word))
}

/// A whole number from 1 on.
pub(crate) fn number(name: &'static str, about: &'static str, most: usize, default: usize) -> Parameter {
    let number = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::Integer))
        .minimum(Some(1))
        .maximum(Some(most))
        .default(Some(default.into()))
        .build();
    query(name, about, RefOr::T(Schema::from(number)))
}

pub(crate) fn dry_run() -> Parameter {
    flag("dry_run", "Do and judge everything, answer as if it were done, and store nothing.")
}

pub(crate) fn if_match() -> Parameter {
    header("If-Match", "Only if it still has one of these entity tags.")
}

pub(crate) fn if_none_match() -> Parameter {
    header("If-None-Match", "Only if it has another entity tag by now.")
}

fn header(name: &'static str, about: &'static str) -> Parameter {
    let tags = ObjectBuilder::new().pattern(Some(entity_tags())).examples(["\"3\""]);
    Parameter { name, place: ParameterIn::Header, about, schema: text_schema(tags), is_required: false }
}

pub(crate) fn paged(filters: Vec<Parameter>) -> Vec<Parameter> {
    paged_by(filters, PageRequest::MAX_LIMIT.into(), PageRequest::DEFAULT_LIMIT.into())
}

pub(crate) fn paged_by(mut filters: Vec<Parameter>, most: usize, default: usize) -> Vec<Parameter> {
    filters.push(number("limit", "How many items at the most. A page of large items has fewer.", most, default));
    filters.push(query("cursor", "The next_cursor of the page before.", text_schema(ObjectBuilder::new())));
    filters
}
