//! The schemas of members of requests.

use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

use super::{List, Part, ReadOnly, Schemas};

/// An object as it is described.
pub(super) struct Description {
    pub(super) object: ObjectBuilder,
    pub(super) schemas: Schemas,
}

impl Description {
    pub(super) fn add(&mut self, name: &str, is_required: bool, schema: impl Into<RefOr<Schema>>) {
        let mut object = std::mem::take(&mut self.object).property(name, schema);
        if is_required {
            object = object.required(name);
        }
        self.object = object;
    }
}

/// A reference to a schema.
pub(crate) fn reference(name: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(name))
}

pub(super) fn object_schema(name: &str, part: Part) -> RefOr<Schema> {
    let mut reference = Ref::from_schema_name(name);
    if !part.about.is_empty() {
        part.about.clone_into(&mut reference.description);
    }
    if part.is_required {
        return RefOr::Ref(reference);
    }
    let null = ObjectBuilder::new().schema_type(SchemaType::new(Type::Null));
    RefOr::T(Schema::from(OneOfBuilder::new().item(RefOr::Ref(reference)).item(null).build()))
}

pub(super) fn list_schema(item: RefOr<Schema>, list: List) -> RefOr<Schema> {
    let kind =
        if list.is_nullable { SchemaType::from_iter([Type::Array, Type::Null]) } else { SchemaType::new(Type::Array) };
    let array = ArrayBuilder::new().schema_type(kind).items(item).max_items(Some(list.limit.most));
    let array = array.min_items((list.least > 0).then_some(list.least));
    RefOr::T(Schema::from(array.description((!list.about.is_empty()).then_some(list.about)).build()))
}

pub(super) fn read_only_schema(what: ReadOnly) -> RefOr<Schema> {
    const ABOUT: &str = "What an answer has here can be sent back, and has no effect.";
    match what {
        ReadOnly::Value(rule) => rule.about(ABOUT).read_only().schema(),
        ReadOnly::One(name) => {
            let mut reference = Ref::from_schema_name(name);
            ABOUT.clone_into(&mut reference.description);
            reference.read_only = Some(true);
            RefOr::Ref(reference)
        }
        ReadOnly::List(name) => {
            let mut array = ArrayBuilder::new().items(reference(name)).description(Some(ABOUT)).build();
            // The library has the keyword for objects and references only.
            array.extensions = Some(Extensions::from_iter([("readOnly", true)]));
            RefOr::T(Schema::Array(array))
        }
    }
}

/// An object with members of any name.
pub(super) fn map_schema(value: RefOr<Schema>, list: List) -> RefOr<Schema> {
    let object = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Object, Type::Null]));
    let object = object.additional_properties(Some(AdditionalProperties::RefOr(value))).description(Some(list.about));
    RefOr::T(Schema::Object(object.max_properties(Some(list.limit.most)).build()))
}
