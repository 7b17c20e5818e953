//! Large answers, handed over piece by piece.
//!
//! actix-http copies what a body gives into the buffer of the connection, and keeps it there until the client has taken
//! it. Whole, a large answer would be there once more for each client that does not read.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::web::Bytes;

/// How much of an answer is copied at a time.
const PIECE: usize = 16 * 1024;
/// What is not larger is copied whole.
const SMALL: u64 = 2 * PIECE as u64;

/// Bytes that may be shared with other answers, and what of them is still to be handed over.
struct Pieces(Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let length = self.0.len().min(PIECE);
        Poll::Ready((length > 0).then(|| Ok(self.0.split_to(length))))
    }
}

/// The same body, in pieces if it is large and there already.
pub(crate) fn in_pieces(body: BoxBody) -> BoxBody {
    match body.size() {
        BodySize::Sized(length) if length > SMALL => match body.try_into_bytes() {
            Ok(bytes) => BoxBody::new(Pieces(bytes)),
            Err(body) => body,
        },
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn pieces_of(length: usize) -> Vec<Bytes> {
        let bytes: Bytes = (0..length).map(|byte| u8::try_from(byte % 251).unwrap()).collect();
        let mut body = in_pieces(BoxBody::new(bytes.clone()));
        assert_eq!(body.size(), BodySize::Sized(length as u64));
        let mut pieces = Vec::new();
        while let Some(piece) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
            pieces.push(piece.unwrap());
        }
        assert_eq!(pieces.concat(), bytes);
        pieces
    }

    #[actix_web::test]
    async fn a_large_answer_is_handed_over_in_pieces_and_not_copied() {
        assert_eq!(pieces_of(2 * PIECE).await.len(), 1);
        let pieces = pieces_of(3 * PIECE + 1).await;
        assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [PIECE, PIECE, PIECE, 1]);
        let first = pieces[0].as_ptr();
        assert_eq!(pieces[1].as_ptr(), first.wrapping_add(PIECE), "they are parts of one");
    }
}
