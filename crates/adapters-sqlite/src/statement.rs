//! What diesel needs to run a hand-written statement, apart from its text.

/// Lets a [`QueryFragment`](diesel::query_builder::QueryFragment) be run on a connection.
///
/// A `cached` statement has one text, whatever its values: each connection prepares it once. The text of a `varying`
/// one depends on its values. With `=> …`, the statement gives rows of that SQL type. The parameters of a generic type
/// come first: `varying [Values] CountEach<Values>`. A type with a lifetime also gets its name without one: `cached
/// Insert<'_> as Insert<'static>`.
macro_rules! statement {
    (cached [$($generics:tt)*] $statement:ty as $id:ty $(=> $rows:ty)?) => {
        impl<$($generics)*> diesel::query_builder::QueryId for $statement {
            type QueryId = $id;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $crate::statement::statement! { @run [$($generics)*] $statement $(=> $rows)? }
    };
    (cached $statement:ty as $id:ty $(=> $rows:ty)?) => {
        $crate::statement::statement! { cached [] $statement as $id $(=> $rows)? }
    };
    (cached $statement:ty $(=> $rows:ty)?) => {
        $crate::statement::statement! { cached [] $statement as $statement $(=> $rows)? }
    };
    (varying [$($generics:tt)*] $statement:ty $(=> $rows:ty)?) => {
        impl<$($generics)*> diesel::query_builder::QueryId for $statement {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        $crate::statement::statement! { @run [$($generics)*] $statement $(=> $rows)? }
    };
    (varying $statement:ty $(=> $rows:ty)?) => {
        $crate::statement::statement! { varying [] $statement $(=> $rows)? }
    };
    (@run $generics:tt $statement:ty $(=> $rows:ty)?) => {
        $( $crate::statement::statement! { @rows $generics $statement => $rows } )?

        $crate::statement::statement! { @dsl $generics $statement }
    };
    (@rows [$($generics:tt)*] $statement:ty => $rows:ty) => {
        impl<$($generics)*> diesel::query_builder::Query for $statement {
            type SqlType = $rows;
        }
    };
    (@dsl [$($generics:tt)*] $statement:ty) => {
        impl<$($generics)*> diesel::RunQueryDsl<diesel::SqliteConnection> for $statement {}
    };
}

pub(crate) use statement;
