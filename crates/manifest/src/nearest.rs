//! What was probably meant.

/// The candidate nearest to what was written, when one is near enough to be meant.
pub(crate) fn nearest<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this similarity (Jaro-Winkler) a hint would mislead.
    const NEAR_ENOUGH: f64 = 0.8;
    /// A longer text is no name.
    const LONGEST: usize = 100;
    if written.len() > LONGEST {
        return None;
    }
    let written = written.to_lowercase();
    let similar = candidates.map(|candidate| (strsim::jaro_winkler(&written, candidate), candidate));
    let near = similar.filter(|(similarity, _)| *similarity >= NEAR_ENOUGH);
    near.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, candidate)| candidate)
}
