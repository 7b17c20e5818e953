use std::fmt::Debug;
use std::io::Write as _;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Jsonb;
use prediction_domain::model::ValueProblem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The version of the format in which `jsonb` travels: one byte, then text.
const FORMAT: u8 = 1;

/// A list that is held in one `jsonb` value. It is read and written without a detour through `serde_json::Value`.
#[derive(Debug, Clone, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub(crate) struct JsonList<T: Debug>(pub(crate) Vec<T>);

impl<T: Debug> FromIterator<T> for JsonList<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: Debug + DeserializeOwned> FromSql<Jsonb, Pg> for JsonList<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(text_of(&value)?)?))
    }
}

impl<T: Debug + Serialize> ToSql<Jsonb, Pg> for JsonList<T> {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(&[FORMAT])?;
        serde_json::to_writer(out, &self.0)?;
        Ok(IsNull::No)
    }
}

/// Something of the domain that is held in `jsonb`.
pub(crate) trait ReadFromJson: Sized {
    /// How it is held.
    type Stored<'a>: Deserialize<'a>;

    /// Checks what was held.
    fn read(stored: Self::Stored<'_>) -> Result<Self, ValueProblem>;
}

/// A list that is held in one `jsonb` value, read to the end: nothing is copied between the row and the domain. What
/// breaks a rule is told when the row is, which knows its id.
#[derive(Debug, Clone, FromSqlRow)]
pub(crate) struct ReadList<T: Debug>(pub(crate) Result<Vec<T>, ValueProblem>);

impl<T: Debug + ReadFromJson> FromSql<Jsonb, Pg> for ReadList<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let stored: Vec<T::Stored<'_>> = serde_json::from_str(text_of(&value)?)?;
        Ok(Self(stored.into_iter().map(T::read).collect()))
    }
}

fn text_of<'a>(value: &'a PgValue<'_>) -> deserialize::Result<&'a str> {
    match value.as_bytes().split_first() {
        // As a whole, which is quicker than each text in it by itself.
        Some((&FORMAT, text)) => Ok(std::str::from_utf8(text)?),
        _ => Err("jsonb in an unknown format".into()),
    }
}
