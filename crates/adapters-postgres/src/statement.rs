//! What every hand-written statement needs beside its text, for diesel to run it.

/// Lets a [`QueryFragment`](diesel::query_builder::QueryFragment) be run on a connection.
///
/// A `cached` statement has one text, whatever its values: it is prepared once for each connection. The text of a
/// `varying` one depends on its values. With `=> …`, it gives rows of that SQL type. A type with a lifetime says what
/// it is called without: `cached Insert<'_> as Insert<'static>`.
macro_rules! statement {
    (cached $statement:ty $(=> $rows:ty)?) => {
        $crate::statement::statement! { cached $statement as $statement $(=> $rows)? }
    };
    (cached $statement:ty as $id:ty $(=> $rows:ty)?) => {
        impl diesel::query_builder::QueryId for $statement {
            type QueryId = $id;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $crate::statement::statement! { @run $statement $(=> $rows)? }
    };
    (varying $statement:ty $(=> $rows:ty)?) => {
        impl diesel::query_builder::QueryId for $statement {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        $crate::statement::statement! { @run $statement $(=> $rows)? }
    };
    (@run $statement:ty $(=> $rows:ty)?) => {
        $(
            impl diesel::query_builder::Query for $statement {
                type SqlType = $rows;
            }
        )?

        impl diesel::RunQueryDsl<diesel::PgConnection> for $statement {}
    };
}

pub(crate) use statement;
