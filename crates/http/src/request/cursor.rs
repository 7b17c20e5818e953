//! Cursors: opaque to callers, good only for the list that gave them out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prediction_domain::model::{Position, PredictionPosition, RoleName, Timestamp};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const ID_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const CHECK_BYTES: usize = 8;

/// Writes a position down. `list` says which list it is in: kind and filters.
pub(super) fn write(list: &str, position: &Position) -> String {
    let mut bytes = Vec::with_capacity(ID_BYTES + TIME_BYTES + CHECK_BYTES);
    bytes.extend_from_slice(position.id.as_bytes());
    bytes.extend_from_slice(&position.created_at.as_micros().to_be_bytes());
    seal(list, bytes)
}

/// Writes down a position in a list of values.
pub(super) fn write_prediction(list: &str, position: &PredictionPosition) -> String {
    let mut bytes = position.at.as_micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(position.role.as_str().as_bytes());
    seal(list, bytes)
}

/// Reads a position; `None` when the cursor is damaged or of another list.
pub(super) fn read(list: &str, cursor: &str) -> Option<Position> {
    let bytes = open(list, cursor)?;
    let (id, time) = bytes.split_at_checked(ID_BYTES)?;
    Some(Position { id: Uuid::from_slice(id).ok()?, created_at: read_time(time)? })
}

/// Reads a position in a list of values.
pub(super) fn read_prediction(list: &str, cursor: &str) -> Option<PredictionPosition> {
    let bytes = open(list, cursor)?;
    let (time, role) = bytes.split_at_checked(TIME_BYTES)?;
    let role = RoleName::restore(std::str::from_utf8(role).ok()?).ok()?;
    Some(PredictionPosition { role, at: read_time(time)? })
}

fn read_time(bytes: &[u8]) -> Option<Timestamp> {
    Timestamp::from_micros(i64::from_be_bytes(bytes.try_into().ok()?))
}

fn seal(list: &str, mut bytes: Vec<u8>) -> String {
    let check = check(list, &bytes);
    bytes.extend_from_slice(&check);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn open(list: &str, cursor: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let sum = bytes.split_off(bytes.len().checked_sub(CHECK_BYTES)?);
    (sum == check(list, &bytes)).then_some(bytes)
}

/// Not a secret: whoever makes up a cursor only chooses where to start in a list that they may read anyway.
fn check(list: &str, position: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(list.as_bytes()).chain_update([0]).chain_update(position).finalize();
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_only_in_its_own_list_and_undamaged() {
        let position = Position { id: Uuid::from_u128(7), created_at: Timestamp::from_micros(1_234_567).unwrap() };
        let cursor = write("jobs?active=true", &position);
        assert_eq!(read("jobs?active=true", &cursor), Some(position));
        assert_eq!(read("jobs?active=false", &cursor), None);
        for index in 0..cursor.len() {
            let mut damaged = cursor.clone().into_bytes();
            damaged[index] = if damaged[index] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(read("jobs?active=true", &damaged).is_none_or(|read| damaged == cursor && read == position));
        }
        for text in ["", "AAAA", "not base64!", &cursor[1..]] {
            assert_eq!(read("jobs?active=true", text), None, "{text}");
        }
    }
}
