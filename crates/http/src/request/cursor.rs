//! Cursors: opaque to callers, good only for the list that gave them out.
//!
//! Any client can make one up. So its content is read like everything that comes from outside: by the constructors of
//! the model.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prediction_domain::model::{
    HealthStatus, InputId, InputPosition, OrganisationId, OutputId, Position, PredictionPosition, ReadingPosition,
    Revision, RoleName, RunId, RunNumber, RunPosition, Timestamp,
};
use prediction_domain::use_cases::{CandidateFit, CandidatePlace, CandidatePosition, ExportPosition, HealthPosition};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

const ID_BYTES: usize = 16;
const TIME_BYTES: usize = 8;
const NUMBER_BYTES: usize = 8;
const CHECK_BYTES: usize = 8;

/// A place in a list that a cursor can tell.
pub(crate) trait Place: Sized {
    /// As bytes.
    fn to_bytes(&self) -> Vec<u8>;

    /// Reads them; `None` when they are no such place.
    fn from_bytes(bytes: &[u8]) -> Option<Self>;
}

/// Things in creation order.
impl Place for Position {
    fn to_bytes(&self) -> Vec<u8> {
        self.number().to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        read_number(bytes).map(Self::behind)
    }
}

impl Place for Revision {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_i64().to_be_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::new(read_number(bytes)?)
    }
}

impl Place for RunPosition {
    fn to_bytes(&self) -> Vec<u8> {
        [&self.id.as_uuid().as_bytes()[..], &self.issued_at.as_micros().to_be_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (id, time) = bytes.split_at_checked(ID_BYTES)?;
        Some(Self { id: RunId::from_uuid(Uuid::from_slice(id).ok()?).ok()?, issued_at: read_time(time)? })
    }
}

impl Place for OrganisationId {
    fn to_bytes(&self) -> Vec<u8> {
        self.as_uuid().as_bytes().to_vec()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::from_uuid(Uuid::from_slice(bytes).ok()?).ok()
    }
}

impl Place for InputPosition {
    fn to_bytes(&self) -> Vec<u8> {
        [*self.organisation_id.as_uuid().as_bytes(), *self.id.as_uuid().as_bytes()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (organisation_id, id) = bytes.split_at_checked(ID_BYTES)?;
        let id = InputId::from_uuid(Uuid::from_slice(id).ok()?).ok()?;
        Some(Self { organisation_id: OrganisationId::from_bytes(organisation_id)?, id })
    }
}

impl Place for CandidatePosition {
    fn to_bytes(&self) -> Vec<u8> {
        let fit = CandidateFit::ALL.iter().position(|fit| *fit == self.fit).and_then(|place| u8::try_from(place).ok());
        [vec![fit.unwrap_or(u8::MAX)], self.after.as_ref().map(Place::to_bytes).unwrap_or_default()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (fit, after) = bytes.split_first()?;
        let fit = *CandidateFit::ALL.get(usize::from(*fit))?;
        let after = if after.is_empty() { None } else { Some(CandidatePlace::from_bytes(after)?) };
        Some(Self { fit, after })
    }
}

/// Told apart by their lengths.
impl Place for CandidatePlace {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Input(position) => position.to_bytes(),
            Self::Output { part, id } => {
                let id = id.map(|id| id.as_uuid().as_bytes().to_vec()).unwrap_or_default();
                let mut bytes = vec![u8::from(part.is_some())];
                bytes.extend(part.map_or(0, Position::number).to_be_bytes());
                bytes.extend(id);
                bytes
            }
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() == 2 * ID_BYTES {
            return InputPosition::from_bytes(bytes).map(Self::Input);
        }
        let (has_part, rest) = bytes.split_first()?;
        let (part, id) = rest.split_at_checked(NUMBER_BYTES)?;
        let part = read_number(part)?;
        let part = match (has_part, part) {
            (0, 0) => None,
            (1, part) => Some(Position::behind(part)),
            _ => return None,
        };
        let id = if id.is_empty() { None } else { Some(OutputId::from_uuid(Uuid::from_slice(id).ok()?).ok()?) };
        Some(Self::Output { part, id })
    }
}

/// The health, and the place among the jobs of it, if it is not before all of them.
impl Place for HealthPosition {
    fn to_bytes(&self) -> Vec<u8> {
        let status = self.status.number().to_be_bytes().to_vec();
        [status, self.after.as_ref().map(Place::to_bytes).unwrap_or_default()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (status, after) = bytes.split_first_chunk()?;
        let status = HealthStatus::of_number(i16::from_be_bytes(*status))?;
        let after = if after.is_empty() { None } else { Some(Position::from_bytes(after)?) };
        Some(Self { status, after })
    }
}

/// Kind and place, or the kind alone before all of it.
impl Place for ExportPosition {
    fn to_bytes(&self) -> Vec<u8> {
        let (kind, place) = match self {
            Self::Sources(after) => (0, after.as_ref().map(Place::to_bytes)),
            Self::SourceVersions(after) => (1, after.as_ref().map(Place::to_bytes)),
            Self::Inputs(after) => (2, after.as_ref().map(Place::to_bytes)),
            Self::Jobs(after) => (3, after.as_ref().map(Place::to_bytes)),
        };
        [vec![kind], place.unwrap_or_default()].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, place) = bytes.split_first()?;
        Some(match (kind, place.is_empty()) {
            (0, true) => Self::Sources(None),
            (1, true) => Self::SourceVersions(None),
            (2, true) => Self::Inputs(None),
            (3, true) => Self::Jobs(None),
            (0, false) => Self::Sources(Some(Position::from_bytes(place)?)),
            (1, false) => Self::SourceVersions(Some(Position::from_bytes(place)?)),
            (2, false) => Self::Inputs(Some(InputPosition::from_bytes(place)?)),
            (3, false) => Self::Jobs(Some(Position::from_bytes(place)?)),
            _ => return None,
        })
    }
}

/// Writes a place down. `list` says which list it is in: kind and filters.
pub(super) fn write(list: &str, place: &impl Place) -> String {
    seal(list, place.to_bytes())
}

/// Writes down where a reading of values goes on.
pub(super) fn write_reading(list: &str, position: &ReadingPosition) -> String {
    let mut bytes = position.after.at.as_micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(&position.last_run.as_i64().to_be_bytes());
    bytes.extend_from_slice(position.after.role.as_str().as_bytes());
    seal(&readings_of(list), bytes)
}

/// Reads a place; `None` when the cursor is damaged or of another list.
pub(super) fn read<P: Place>(list: &str, cursor: &str) -> Option<P> {
    P::from_bytes(&open(list, cursor)?)
}

/// Reads where a reading of values goes on.
pub(super) fn read_reading(list: &str, cursor: &str) -> Option<ReadingPosition> {
    let Some(bytes) = open(&readings_of(list), cursor) else { return read_place_only(list, cursor) };
    let (time, rest) = bytes.split_at_checked(TIME_BYTES)?;
    let (number, role) = rest.split_at_checked(NUMBER_BYTES)?;
    let last_run = RunNumber::new(i64::from_be_bytes(number.try_into().ok()?))?;
    Some(ReadingPosition { last_run, after: read_place(time, role)? })
}

/// A cursor of the release before knows of no runs. Its reading goes on as it began there: with all that there is.
fn read_place_only(list: &str, cursor: &str) -> Option<ReadingPosition> {
    let bytes = open(list, cursor)?;
    let (time, role) = bytes.split_at_checked(TIME_BYTES)?;
    Some(ReadingPosition { last_run: RunNumber::new(i64::MAX)?, after: read_place(time, role)? })
}

fn read_place(time: &[u8], role: &[u8]) -> Option<PredictionPosition> {
    let role = RoleName::restore(std::str::from_utf8(role).ok()?).ok()?;
    Some(PredictionPosition { role, at: read_time(time)? })
}

/// Another name than that of the list, so that no cursor of the release before is taken for one of these. No filter
/// ends like that.
fn readings_of(list: &str) -> String {
    format!("{list}&reading")
}

fn read_time(bytes: &[u8]) -> Option<Timestamp> {
    Timestamp::from_micros(read_number(bytes)?)
}

fn read_number(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
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

/// Not a secret: a client that makes up a cursor only chooses where to start in a list that it may read anyway.
fn check(list: &str, position: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(list.as_bytes()).chain_update([0]).chain_update(position).finalize();
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

#[cfg(test)]
mod tests {
    use prediction_domain_testkit::values::{
        at, fresh_input_id, fresh_organisation_id, fresh_output_id, fresh_run_id, revision, role_name,
    };

    use super::*;

    #[test]
    fn a_cursor_reads_back_only_in_its_own_list_and_undamaged() {
        let position = RunPosition { id: fresh_run_id(), issued_at: at("2026-06-01T12:00:00Z") };
        let cursor = write("runs?status=failed", &position);
        assert_eq!(read("runs?status=failed", &cursor), Some(position));
        assert_eq!(read::<RunPosition>("runs?status=succeeded", &cursor), None);
        for index in 0..cursor.len() {
            let mut damaged = cursor.clone().into_bytes();
            damaged[index] = if damaged[index] == b'A' { b'B' } else { b'A' };
            let damaged = String::from_utf8(damaged).unwrap();
            let read = read::<RunPosition>("runs?status=failed", &damaged);
            assert!(read.is_none_or(|read| damaged == cursor && read == position));
        }
        for text in ["", "AAAA", "not base64!", &cursor[1..]] {
            assert_eq!(read::<RunPosition>("runs?status=failed", text), None, "{text}");
        }
    }

    #[test]
    fn every_place_reads_back() {
        for number in [i64::MIN, -7, 0, 1, i64::MAX] {
            let position = Position::behind(number);
            assert_eq!(read("jobs", &write("jobs", &position)), Some(position));
        }
        assert_eq!(read("revisions", &write("revisions", &revision(7))), Some(revision(7)));
        let part = Position::behind(7);
        let places =
            [(None, None), (Some(part), None), (None, Some(fresh_output_id())), (Some(part), Some(fresh_output_id()))];
        let input = InputPosition { organisation_id: fresh_organisation_id(), id: fresh_input_id() };
        let places = places.map(|(part, id)| CandidatePlace::Output { part, id });
        for after in places.into_iter().chain([CandidatePlace::Input(input)]).map(Some).chain([None]) {
            let place = CandidatePosition { fit: CandidateFit::Convertible, after };
            assert_eq!(read("candidates", &write("candidates", &place)), Some(place));
        }
        let after = PredictionPosition { role: role_name("risk"), at: at("0000-01-01T00:00:00Z") };
        let reading = ReadingPosition { last_run: RunNumber::NONE, after };
        assert_eq!(read_reading("values", &write_reading("values", &reading)), Some(reading));
    }

    /// What is sealed rightly, but cannot be.
    #[test]
    fn made_up_places_are_refused() {
        let sealed = |bytes: &[u8]| seal("list", bytes.to_vec());
        let id = fresh_run_id().as_uuid();
        for micros in [i64::MIN, i64::MAX, -8_334_632_851_200_000_000, 253_402_300_800_000_000, -62_167_219_200_000_001]
        {
            let time = micros.to_be_bytes();
            assert_eq!(read::<RunPosition>("list", &sealed(&[&id.as_bytes()[..], &time].concat())), None);
            assert_eq!(read_reading("list", &sealed(&[&time[..], b"risk"].concat())), None);
        }
        let time = 0_i64.to_be_bytes();
        assert_eq!(
            read::<RunPosition>("list", &sealed(&[&[0; 16][..], &time].concat())),
            None,
            "no run has the nil UUID"
        );
        for role in [&b""[..], b"\xff", b"a\0b", &[b'a'; 101]] {
            assert_eq!(read_reading("list", &sealed(&[&time[..], role].concat())), None);
        }
        for number in [i64::MIN, -1, 0] {
            assert_eq!(read::<Revision>("list", &sealed(&number.to_be_bytes())), None);
        }
        for bytes in [&[][..], &[1; 7], &[1; 9], &[1; 24]] {
            assert_eq!(read::<Position>("list", &sealed(bytes)), None);
            assert_eq!(read::<Revision>("list", &sealed(bytes)), None);
        }
    }

    #[test]
    fn a_reading_goes_on_where_it_was_and_with_what_it_knew() {
        let at = Timestamp::from_micros(-1_234_567).unwrap();
        for role in ["risk", "Blattnässe, \"links\"", "temperature_of_the_soil"] {
            let after = PredictionPosition { role: RoleName::parse(role).unwrap(), at };
            for number in [0, 1, i64::MAX] {
                let last_run = RunNumber::new(number).unwrap();
                let position = ReadingPosition { last_run, after: after.clone() };
                let cursor = write_reading("predictions of 1", &position);
                assert_eq!(read_reading("predictions of 1", &cursor), Some(position));
                assert_eq!(read_reading("predictions of 2", &cursor), None);
            }
            // As the release before wrote it.
            let place = [&at.as_micros().to_be_bytes()[..], role.as_bytes()].concat();
            let before = seal("predictions of 1", place);
            let all = RunNumber::new(i64::MAX).unwrap();
            assert_eq!(read_reading("predictions of 1", &before), Some(ReadingPosition { last_run: all, after }));
            assert_eq!(read_reading("predictions of 2", &before), None);
        }
    }

    #[test]
    fn a_reading_that_was_made_up_is_judged_like_any_other_text() {
        let made_up = |time: i64, number: i64, role: &[u8]| {
            let bytes = [&time.to_be_bytes()[..], &number.to_be_bytes(), role].concat();
            read_reading("list", &seal(&readings_of("list"), bytes))
        };
        assert!(made_up(0, 0, b"risk").is_some());
        for (time, number, role) in [
            (0, -1, &b"risk"[..]),
            (0, i64::MIN, b"risk"),
            (i64::MAX, 0, b"risk"),
            (0, 0, b""),
            (0, 0, b"a\0b"),
            (0, 0, b"\xFF"),
            (0, 0, &[b'a'; 101]),
        ] {
            assert_eq!(made_up(time, number, role), None, "{time}, {number}, {role:?}");
        }
        for bytes in [&[][..], &[0; 7], &[0; 15]] {
            assert_eq!(read_reading("list", &seal(&readings_of("list"), bytes.to_vec())), None);
        }
    }
}
