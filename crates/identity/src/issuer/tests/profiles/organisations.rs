//! Where tokens say which organisations their bearer may see: the same of every profile.

use super::*;

const OTHER_ORGANISATION: &str = "88888888-8888-8888-8888-888888888888";

#[test]
fn organisations_are_in_any_claim() {
    let claim = "https://example.com/organisations";
    for profile in TokenProfile::ALL {
        for (path, claims) in [
            (claim, json!({ claim: [ORGANISATION] })),
            ("/https:~1~1example.com~1organisations", json!({ claim: [ORGANISATION] })),
            ("custom.organisations", json!({"custom.organisations": [ORGANISATION]})),
            ("/app/customers", json!({"app": {"customers": [ORGANISATION]}})),
            ("/app/0/a~0b", json!({"app": [{"a~b": [ORGANISATION]}]})),
        ] {
            let mut rules = rules(profile);
            rules.organisations = OrganisationRules::Listed(ClaimPath::parse(path).unwrap());
            let desk = Desk::by(profile, rules);
            assert_eq!(desk.scope(&claims), of(&[ORGANISATION]), "{path}");
            assert_eq!(desk.scope(&json!({"organisations": "*"})), of(&[]), "{path}: the usual claim is not read");
        }
    }
    let mut rules = rules(Entra);
    rules.organisations = OrganisationRules::Listed(ClaimPath::parse("groups").unwrap());
    Desk::by(Entra, rules).refuses_for("(_claim_names)", &json!({"_claim_names": {"groups": "src1"}}));
    assert!(ClaimPath::parse("/a~2").is_err() && ClaimPath::parse("/a~").is_err());
}

/// The administrator who names groups names no more than organisations: no name stands for all of them.
#[test]
fn organisations_are_in_the_names_of_groups() {
    for profile in TokenProfile::ALL {
        let (desk, claim) = (by_groups(profile), profile.groups_claim());
        let groups = |names: &[&str]| desk.scope(&json!({ claim: names }));
        let (one, two) = (format!("org:{ORGANISATION}"), format!("org:{OTHER_ORGANISATION}"));
        assert_eq!(groups(&[&one, "everyone", &two, "org:chart"]), of(&[ORGANISATION, OTHER_ORGANISATION]));
        let none = ["*", "org:*", "org:", "org:org:*", "org: *", "org:00000000-0000-0000-0000-000000000000"];
        for name in none {
            assert_eq!(groups(&[name]), of(&[]), "{name}");
        }
        assert_eq!(
            groups(&[ORGANISATION, &format!("ORG:{ORGANISATION}"), &format!(" {one}"), &format!("{one} ")]),
            of(&[])
        );
        assert_eq!(desk.scope(&json!({claim: null, "organisations": "*"})), of(&[]));
        for wrong in [json!("*"), json!(one), json!(7), json!([one, 7]), json!({"0": one})] {
            desk.refuses_for("groups", &json!({ claim: wrong }));
        }
        desk.refuses_for("_claim_names", &json!({claim: null, "_claim_names": {claim: "src1"}}));
    }
}

#[test]
fn organisations_are_what_a_table_says() {
    let table = json!({
        "tid": {TENANT: [ORGANISATION]},
        "azp": {"runner": "*"},
        "/app/groups": {"north": [OTHER_ORGANISATION], "all of them": "*"},
    });
    for profile in TokenProfile::ALL {
        let mut rules = rules(profile);
        let groups = GroupNames { claim: ClaimPath::name("groups"), prefix: "org:".to_owned() };
        let table = OrganisationTable::parse(table.to_string().as_bytes()).unwrap();
        rules.organisations = OrganisationRules::Named { groups: Some(groups), table };
        let desk = Desk::by(profile, rules);
        let scope = |changes: Value| desk.scope(&with(json!({"azp": "another program's"}), &changes));
        let tid = if profile == Entra { of(&[ORGANISATION]) } else { of(&[]) };
        assert_eq!(scope(json!({})), tid);
        assert_eq!(scope(json!({"azp": "runner"})), Scope::Platform);
        let both = json!({"app": {"groups": ["south", "north"]}, "tid": TENANT});
        assert_eq!(scope(both), of(&[ORGANISATION, OTHER_ORGANISATION]));
        assert_eq!(scope(json!({"app": {"groups": "all of them"}})), Scope::Platform);
        let named = json!({"tid": TENANT, "groups": [format!("org:{OTHER_ORGANISATION}"), "all of them", "*"]});
        assert_eq!(scope(named), of(&[ORGANISATION, OTHER_ORGANISATION]));
        for wrong in [json!(7), json!(["north", 7]), json!({"north": true})] {
            desk.refuses_for("organisations depend on", &json!({"app": {"groups": wrong}}));
        }
    }
}
