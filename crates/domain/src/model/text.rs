//! Bounded text. Every kind of text has one constructor for what is new, and one for what is there already.

mod invisible;

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use smol_str::SmolStr;
use unicase::UniCase;
use unicode_normalization::UnicodeNormalization as _;

pub(super) use self::invisible::is_visible;
use super::from_text::from_text;
use super::id::SourceId;
use super::violation::{ValueProblem, ViolationCode};

/// The most characters (Unicode scalar values) in the name of a source or a job.
pub const MAX_NAME_CHARS: usize = 200;
/// The most characters in a role, kind, metric, unit or version.
pub const MAX_WORD_CHARS: usize = 100;
/// The most characters in a description.
pub const MAX_DESCRIPTION_CHARS: usize = 10_000;

// Nearly all of these are short, and a job has a dozen: held in place, they need no memory of their own.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $read:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks the text of something new, and brings it into the form that is stored.
            pub fn parse(text: &str) -> Result<Self, ValueProblem> {
                let read: fn(&str) -> Result<SmolStr, ValueProblem> = $read;
                read(text).map(Self)
            }

            /// The text of what is there already, stored or referred to, as it is. An earlier release may have taken
            /// what [`Self::parse`] refuses, or would bring into another form; what it took stays what it is.
            pub fn restore(text: &str) -> Result<Self, ValueProblem> {
                let check: fn(&str) -> Result<(), ValueProblem> = $check;
                check(text).map(|()| Self(text.into()))
            }

            /// The text as stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        from_text!($name, parse: Self::parse, restore: Self::restore);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// The name of a source, unique on the platform: 1 to [`MAX_NAME_CHARS`] characters after trimming, in NFC.
    SourceName, name, is_name
}
text! {
    /// The name of a job, unique in its organisation: 1 to [`MAX_NAME_CHARS`] characters after trimming, in NFC.
    JobName, name, is_name
}
text! {
    /// What people call an input: 1 to [`MAX_NAME_CHARS`] characters after trimming, in NFC.
    InputName, name, is_name
}
text! {
    /// What people call an organisation: 1 to [`MAX_NAME_CHARS`] characters after trimming, in NFC.
    OrganisationName, name, is_name
}
text! {
    /// What a set of things is called that are kept by one document: 1 to [`MAX_WORD_CHARS`] characters, in NFC.
    SetName, word, is_word
}
text! {
    /// A part of a name that is looked for: 1 to [`MAX_NAME_CHARS`] characters after trimming, in NFC.
    NamePart, name, is_name
}
text! {
    /// Free text of at most [`MAX_DESCRIPTION_CHARS`] characters; of control characters only tabs and line ends.
    Description, description, is_description
}
text! {
    /// What a version of a source is called, such as `1.0.0`: 1 to [`MAX_WORD_CHARS`] characters after trimming, in
    /// NFC.
    VersionLabel, version_label, is_label
}
text! {
    /// The name of an input or output role, compared exactly: 1 to [`MAX_WORD_CHARS`] characters, in NFC.
    RoleName, word, is_word
}
text! {
    /// The kind of thing that an input role takes, such as `sensor`, compared exactly.
    InputKind, word, is_word
}
text! {
    /// What is measured or predicted, compared exactly.
    Metric, word, is_word
}
text! {
    /// The unit of a metric, such as `°C`, compared exactly.
    Unit, word, is_word
}

impl SourceName {
    /// What makes two names the same name: they are compared without case, as Unicode's canonical caseless match does
    /// (D145): the full case folding of the decomposed text. It is the same in every language, so that `ı` is not `i`.
    #[must_use]
    pub fn key(&self) -> String {
        folded(&self.0)
    }

    /// What stands in for the key of a source whose name another one has: a store that was filled when fewer names were
    /// the same may have such. No name has it as its key, and no other source can.
    #[must_use]
    pub fn key_beside_another(&self, id: SourceId) -> String {
        format!("{}{BESIDE}{id}", self.key())
    }
}

/// The text for a comparison without case: see [`SourceName::key`].
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let decomposed: String = text.nfd().collect();
    UniCase::unicode(decomposed).to_folded_case().nfc().collect()
}

impl InputName {
    /// In what a [`NamePart`] is looked for: the name without case, as [`SourceName::key`] has it.
    #[must_use]
    pub fn key(&self) -> String {
        folded(&self.0)
    }
}

impl JobName {
    /// Whether this is part of it, without case.
    #[must_use]
    pub fn has(&self, part: &NamePart) -> bool {
        self.key().contains(&part.key())
    }

    /// In what a [`NamePart`] is looked for: the name without case, as [`SourceName::key`] has it.
    #[must_use]
    pub fn key(&self) -> String {
        folded(&self.0)
    }
}

impl NamePart {
    /// What is looked for in the keys of names.
    #[must_use]
    pub fn key(&self) -> String {
        folded(&self.0)
    }
}

/// Is in no name.
const BESIDE: char = '\u{1f}';

impl InputKind {
    /// What an output of a job is called where it is bound as an input.
    pub const OUTPUT: &'static str = "output";

    /// Whether what is bound is an output of another job.
    #[must_use]
    pub fn is_output(&self) -> bool {
        self.0 == Self::OUTPUT
    }

    /// Whether it is the same in NFC.
    #[must_use]
    pub(crate) fn is_composed_as(&self, other: &Self) -> bool {
        self.0.nfc().eq(other.0.nfc())
    }
}

/// Finds which of some roles is meant by a name that is none of them: the first one that is the same in NFC. Roles are
/// in NFC, but for roles that an earlier release stored as they came.
pub(crate) struct ComposedRoles<'a, Roles> {
    roles: Roles,
    /// Made when the first one is looked for, which hardly ever happens: composing all roles for each name would be the
    /// work of all pairs.
    by_form: OnceCell<BTreeMap<String, &'a RoleName>>,
}

impl<'a, Roles: Iterator<Item = &'a RoleName> + Clone> ComposedRoles<'a, Roles> {
    pub(crate) fn among(roles: Roles) -> Self {
        Self { roles, by_form: OnceCell::new() }
    }

    pub(crate) fn find(&self, name: &RoleName) -> Option<&'a RoleName> {
        if name.0.is_ascii() {
            return None;
        }
        let by_form = self.by_form.get_or_init(|| {
            // Backwards, so that the first one of a form stays.
            let roles: Vec<&RoleName> = self.roles.clone().collect();
            roles.into_iter().rev().map(|role| (role.0.nfc().collect(), role)).collect()
        });
        by_form.get(&name.0.nfc().collect::<String>()).copied()
    }
}

impl VersionLabel {
    /// What makes two labels the same version: `v1.0.0` and `1.0.0` are.
    #[must_use]
    pub fn key(&self) -> &str {
        match self.0.strip_prefix(['v', 'V']) {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
            _ => &self.0,
        }
    }
}

fn name(text: &str) -> Result<SmolStr, ValueProblem> {
    seen(&in_nfc(text.trim(), MAX_NAME_CHARS), MAX_NAME_CHARS)
}

fn version_label(text: &str) -> Result<SmolStr, ValueProblem> {
    seen(&in_nfc(text.trim(), MAX_WORD_CHARS), MAX_WORD_CHARS)
}

fn word(text: &str) -> Result<SmolStr, ValueProblem> {
    seen(&in_nfc(text, MAX_WORD_CHARS), MAX_WORD_CHARS)
}

fn description(text: &str) -> Result<SmolStr, ValueProblem> {
    is_description(text).map(|()| text.into())
}

fn is_name(text: &str) -> Result<(), ValueProblem> {
    bounded(text.trim(), 1, MAX_NAME_CHARS, char::is_control)
}

fn is_label(text: &str) -> Result<(), ValueProblem> {
    bounded(text.trim(), 1, MAX_WORD_CHARS, char::is_control)
}

fn is_word(text: &str) -> Result<(), ValueProblem> {
    bounded(text, 1, MAX_WORD_CHARS, char::is_control)
}

fn is_description(text: &str) -> Result<(), ValueProblem> {
    bounded(text, 0, MAX_DESCRIPTION_CHARS, |c| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// How many characters at the most become one in NFC: none decomposes into more (Unicode 16, UAX #15).
const MOST_COMPOSED: usize = 4;

/// ASCII is in NFC as it is. So is left, for its length to be refused, what is too long in every form: to compose a
/// megabyte takes many.
fn in_nfc(text: &str, most: usize) -> Cow<'_, str> {
    if text.is_ascii() || text.chars().nth(MOST_COMPOSED * most).is_some() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// Text that is told apart by looking at it.
fn seen(text: &str, most: usize) -> Result<SmolStr, ValueProblem> {
    bounded(text, 1, most, char::is_control)?;
    invisible::refuse(text)?;
    Ok(text.into())
}

fn bounded(text: &str, least: usize, most: usize, refused: fn(char) -> bool) -> Result<(), ValueProblem> {
    // Nearly all text, so it is looked through only once: printable ASCII, a byte for each character.
    if (least..=most).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    let length = text.chars().count();
    if length < least {
        return Err(
            ValueProblem::new(ViolationCode::TooShort, "is empty").expected(format!("{least} to {most} characters"))
        );
    }
    if length > most {
        return Err(ValueProblem::new(ViolationCode::TooLong, format!("has more than {most} characters"))
            .expected(format!("{least} to {most} characters"))
            .actual(format!("{length} characters")));
    }
    if let Some((position, character)) = text.chars().enumerate().find(|(_, character)| refused(*character)) {
        return Err(ValueProblem::new(ViolationCode::ControlCharacter, "contains a control character")
            .expected("text without control characters")
            .actual(format!("U+{:04X} at character {}", u32::from(character), position + 1)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_normalised() {
        assert_eq!(SourceName::parse("  Cafe\u{301} ").unwrap().as_str(), "Caf\u{e9}");
    }

    #[test]
    fn names_compare_without_case() {
        let key = |name: &str| SourceName::parse(name).unwrap().key();
        for same in [
            &["Mildew-Predictor", "mildew-predictor", " MILDEW-PREDICTOR "][..],
            &["STRASSE", "straße", "STRAẞE", "straẞe", "Strasse"],
            // The sigma at the end of a word is the same letter.
            &["ΟΔΥΣΣΕΥΣ", "οδυσσευς", "οδυσσευσ"],
            &["É", "e\u{301}", "\u{e9}", "E\u{301}"],
            &["ΐ", "Ϊ\u{301}", "\u{399}\u{308}\u{301}"],
            // Two Cherokee letters, of which the small ones are younger.
            &["ᏣᎳᎩ", "ꮳꮃꭹ"],
            &["ﬁeld", "FIELD", "field"],
            &["\u{212b}ngström", "ångstr\u{f6}m", "ÅNGSTRO\u{308}M"],
            &["İstanbul", "i\u{307}stanbul"],
            &["\u{1e9e}", "ss", "SS"],
            &["\u{1c5}", "\u{1c4}", "\u{1c6}"],
            &["ſ", "s", "S"],
            &["\u{10400}", "\u{10428}"],
        ] {
            for name in same {
                assert_eq!(key(name), key(same[0]), "{name}");
            }
        }
        // No language's own rules, and nothing that only resembles.
        for (one, other) in [
            ("mildew", "mildew-predictor"),
            ("ı", "i"),
            ("İ", "i"),
            ("x²", "x2"),
            ("ａ", "a"),
            ("а", "a"),
            ("é", "e"),
            ("\u{2126}hm", "ohm"),
        ] {
            assert_ne!(key(one), key(other), "{one} {other}");
        }
    }

    #[test]
    fn every_character_has_the_key_of_its_small_and_its_decomposed_form() {
        let key = |text: &str| SourceName(text.into()).key();
        for character in char::MIN..=char::MAX {
            let text = character.to_string();
            let folded = key(&text);
            for same in [folded.clone(), text.to_lowercase(), text.nfd().collect(), text.nfc().collect()] {
                assert_eq!(key(&same), folded, "{character:?}");
            }
        }
    }

    #[test]
    fn a_key_beside_another_is_the_key_of_no_name() {
        let name = SourceName::parse("Straße").unwrap();
        let key = name.key_beside_another(SourceId::parse("f0000000-0000-4000-8000-000000000001").unwrap());
        assert_ne!(key, name.key());
        assert_eq!(SourceName::restore(&key).unwrap_err().code, ViolationCode::ControlCharacter);
    }

    #[test]
    fn words_are_composed_and_otherwise_kept() {
        assert_eq!(RoleName::parse("cafe\u{301}").unwrap(), RoleName::parse("caf\u{e9}").unwrap());
        assert_eq!(VersionLabel::parse(" e\u{301} ").unwrap().as_str(), "\u{e9}");
        // The signs for Kelvin and Ohm are the letters; that for degrees Celsius only resembles two.
        assert_eq!(Unit::parse("\u{212a}").unwrap().as_str(), "K");
        assert_eq!(Unit::parse("\u{2126}").unwrap().as_str(), "\u{3a9}");
        assert_ne!(Unit::parse("\u{2103}").unwrap(), Unit::parse("°C").unwrap());
        assert_ne!(RoleName::parse("Rain").unwrap(), RoleName::parse("rain").unwrap());
        assert_eq!(RoleName::parse(" rain").unwrap().as_str(), " rain");
    }

    #[test]
    fn what_is_there_stays_as_it_is() {
        for text in ["e\u{301}", "\u{200b}", "a\u{202e}b"] {
            assert_eq!(RoleName::restore(text).unwrap().as_str(), text);
            assert_eq!(SourceName::restore(text).unwrap().as_str(), text);
        }
        assert_eq!(RoleName::restore(" ").unwrap().as_str(), " ");
        assert_eq!(SourceName::restore(" ").unwrap_err().code, ViolationCode::TooShort);
        for text in ["", "a\0b"] {
            assert!(RoleName::restore(text).is_err() && JobName::restore(text).is_err());
        }
        assert_eq!(RoleName::restore(&"a".repeat(MAX_WORD_CHARS + 1)).unwrap_err().code, ViolationCode::TooLong);
    }

    #[test]
    fn a_role_is_found_in_another_form() {
        let role = |text: &str| RoleName::restore(text).unwrap();
        let (composed, decomposed, other) = (role("\u{e9}"), role("e\u{301}"), role("e"));
        let find =
            |wanted: &RoleName, roles: &[&RoleName]| ComposedRoles::among(roles.iter().copied()).find(wanted).cloned();
        assert_eq!(find(&decomposed, &[&other, &composed]), Some(composed.clone()));
        assert_eq!(find(&composed, &[&other, &decomposed]), Some(decomposed.clone()));
        assert_eq!(find(&other, &[&composed, &decomposed]), None);
        let (one, two) = (role("\u{212b}"), role("A\u{30a}"));
        assert_eq!(find(&role("\u{c5}"), &[&one, &two]), Some(one), "the first one");
    }

    #[test]
    fn limits_count_characters_not_bytes() {
        assert!(JobName::parse(&"é".repeat(MAX_NAME_CHARS)).is_ok());
        assert_eq!(JobName::parse(&"é".repeat(MAX_NAME_CHARS + 1)).unwrap_err().code, ViolationCode::TooLong);
        // Four become one, and no more: see `MOST_COMPOSED`.
        let composed = "\u{3b1}\u{313}\u{300}\u{345}";
        assert_eq!(
            JobName::parse(&composed.repeat(MAX_NAME_CHARS)).unwrap().as_str(),
            "\u{1f82}".repeat(MAX_NAME_CHARS)
        );
        assert_eq!(JobName::parse(&composed.repeat(MAX_NAME_CHARS + 1)).unwrap_err().code, ViolationCode::TooLong);
        assert!((char::MIN..=char::MAX).all(|c| std::iter::once(c).nfd().count() <= MOST_COMPOSED));
        assert_eq!(JobName::parse(" \t ").unwrap_err().code, ViolationCode::TooShort);
    }

    #[test]
    fn control_characters_are_refused_but_descriptions_have_lines() {
        assert_eq!(RoleName::parse("a\0b").unwrap_err().code, ViolationCode::ControlCharacter);
        assert_eq!(Description::parse("a\0b").unwrap_err().code, ViolationCode::ControlCharacter);
        assert!(Description::parse("one\r\n\ttwo").is_ok());
    }

    #[test]
    fn a_leading_v_before_a_digit_does_not_make_another_version() {
        let key = |label: &str| VersionLabel::parse(label).unwrap().key().to_owned();
        assert_eq!(key("v1.0.0"), key("1.0.0"));
        assert_eq!(key("V1.0.0"), key("1.0.0"));
        assert_eq!(key("vintage"), "vintage");
        assert_ne!(key("1.0"), key("1.0.0"));
    }
}
