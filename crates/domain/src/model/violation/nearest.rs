//! What was probably meant.

use std::borrow::Cow;

/// The longest text that is compared with others, in bytes: every name that there can be.
const MAX_COMPARED_BYTES: usize = 400;

/// The candidate nearest to what was written, when one is near enough to be meant.
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(&mut { usize::MAX }, written, candidates)
}

/// The same, while it costs no more than that: it takes off what it cost. What cannot be decided within is not hinted
/// at.
pub(super) fn nearest_within<'a>(
    work: &mut usize,
    written: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    /// Below this similarity (Jaro-Winkler) a hint would mislead.
    const NEAR_ENOUGH: f64 = 0.8;
    if written.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let lower = lowercase(written);
    let letters = Letters::of(&lower);
    let mut found: Option<(f64, &str)> = None;
    for candidate in candidates {
        *work = work.saturating_sub(candidate.len());
        if *work == 0 || candidate.len() > MAX_COMPARED_BYTES {
            continue;
        }
        let other = lowercase(candidate);
        let contained = lower.len() >= 3 && (other.starts_with(&*lower) || lower.starts_with(&*other));
        if !contained && letters.most_similar(&Letters::of(&other)) < NEAR_ENOUGH {
            continue;
        }
        *work = work.saturating_sub(lower.len() * other.len());
        let similarity = strsim::jaro_winkler(&lower, &other);
        let similarity = if contained { similarity.max(NEAR_ENOUGH) } else { similarity };
        let is_nearer = found
            .is_none_or(|(nearest, name)| similarity.total_cmp(&nearest).then_with(|| name.cmp(candidate)).is_gt());
        if similarity >= NEAR_ENOUGH && is_nearer {
            found = Some((similarity, candidate));
        }
    }
    // Not the nearest of a few, where others were not looked at.
    if *work == 0 { None } else { found.map(|(_, candidate)| candidate) }
}

fn lowercase(text: &str) -> Cow<'_, str> {
    let is_lowercase = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lowercase { text.into() } else { text.to_lowercase().into() }
}

/// How often each letter occurs in a text, letters that share a place counted as the same one: two texts never seem to
/// have less in common than they have. This gives a bound for their similarity in a fraction of the time that the
/// similarity takes.
struct Letters {
    counts: [u8; 32],
    total: u32,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self { counts: [0; 32], total: 0 };
        for letter in text.chars() {
            let count = &mut letters.counts[u32::from(letter) as usize % 32];
            *count = count.saturating_add(1);
            letters.total += 1;
        }
        letters
    }

    /// The highest similarity (Jaro-Winkler) that texts of these letters can have: when all letters that both have
    /// match in the right order, and the first four are the same.
    fn most_similar(&self, other: &Self) -> f64 {
        // Counts end at 255, and two empty texts are the same.
        if self.total.max(other.total) >= 255 || self.total + other.total == 0 {
            return 1.0;
        }
        let common: u32 = self.counts.iter().zip(other.counts).map(|(a, b)| u32::from((*a).min(b))).sum();
        let common = f64::from(common);
        let jaro = (common / f64::from(self.total.max(1)) + common / f64::from(other.total.max(1)) + 1.0) / 3.0;
        jaro + 0.4 * (1.0 - jaro)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_bound_for_similarity_holds(a in "[a-f_é]{0,12}", b in "[a-f_é]{0,12}") {
            let bound = Letters::of(&a).most_similar(&Letters::of(&b));
            let similarity = strsim::jaro_winkler(&a, &b);
            proptest::prop_assert!(similarity <= bound + 1e-9, "{similarity} > {bound}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let roles = ["temperature", "humidity", "leaf_wetness"];
        assert_eq!(nearest("temprature", roles), Some("temperature"));
        assert_eq!(nearest("temp", roles), Some("temperature"));
        assert_eq!(nearest("Humidity", roles), Some("humidity"));
        assert_eq!(nearest("wind", roles), None);
    }

    #[test]
    fn a_text_that_is_no_name_is_not_compared() {
        let mut work = 10;
        assert_eq!(nearest_within(&mut work, &"a".repeat(MAX_COMPARED_BYTES + 1), ["a"]), None);
        assert_eq!(work, 10);
    }
}
