//! The organisations and callers that share the service with others.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;

use prediction_domain::model::{Caller, Scope};

/// A party that takes turns with others: an organisation, or the subject of a token that is for none or for several.
///
/// It is a hash with a key that is new in each process, so that it costs nothing to carry, and tells nothing where it
/// turns up. Two tenants that are one by chance would share their turns, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Tenant(pub(super) u64);

impl Tenant {
    /// The service itself, and callers that need not identify themselves.
    pub(crate) const SERVICE: Self = Self(0);

    /// Whose turn the questions of this caller take.
    pub(crate) fn of(caller: &Caller) -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let mut organisations = match &caller.scope {
            Scope::Organisations(organisations) => organisations.iter(),
            Scope::Platform => return Self(KEY.hash_one(("subject", &caller.subject))),
        };
        Self(match (organisations.next(), organisations.next()) {
            (Some(organisation), None) => KEY.hash_one(("organisation", organisation)),
            _ => KEY.hash_one(("subject", &caller.subject)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prediction_domain::model::OrganisationId;

    use super::*;

    #[test]
    fn a_token_of_one_organisation_is_its_organisation_and_any_other_its_subject() {
        let organisation =
            |digit: &str| OrganisationId::parse(&"00000000-0000-0000-0000-000000000000".replace('0', digit));
        let [first, second] = ["1", "2"].map(|digit| organisation(digit).unwrap());
        let tenant = |subject: &str, scope: Scope| {
            Tenant::of(&Caller { subject: subject.to_owned(), permissions: BTreeSet::new(), scope })
        };
        assert_eq!(tenant("a", Scope::of([first])), tenant("b", Scope::of([first])));
        assert_ne!(tenant("a", Scope::of([first])), tenant("a", Scope::of([second])));
        for of_subject in [Scope::Platform, Scope::of([first, second]), Scope::of([])] {
            assert_eq!(tenant("a", of_subject.clone()), tenant("a", Scope::Platform));
            assert_ne!(tenant("a", of_subject.clone()), tenant("b", of_subject));
        }
        assert_ne!(tenant(&first.to_string(), Scope::Platform), tenant("a", Scope::of([first])));
    }
}
