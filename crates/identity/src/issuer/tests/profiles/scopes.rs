//! Where tokens of each issuer say what is allowed.

use super::*;
use crate::scopes::ScopeClaim;

#[test]
fn scopes_are_where_each_issuer_writes_them() {
    let entra = Desk::of(Entra);
    let of_a_program = json!({"scp": null, "name": null, "preferred_username": null, "idtyp": "app", "roles": ["jobs:read", "predictions:write"]});
    assert_eq!(entra.permissions(&of_a_program), ["jobs:read", "predictions:write"]);
    // What a user may do is no reason to let a program do it that was allowed less.
    assert_eq!(entra.permissions(&json!({"scp": "jobs:read", "roles": ["catalog:write"]})), ["jobs:read"]);

    let okta = Desk::of(Okta);
    assert_eq!(
        okta.permissions(&json!({"scp": ["jobs:read", "jobs:write", "offline_access"]})),
        ["jobs:read", "jobs:write"]
    );
    assert_eq!(okta.permissions(&json!({"scp": ["jobs:read jobs:write"]})), [] as [&str; 0], "one name has no spaces");
    assert_eq!(okta.permissions(&json!({"scope": "catalog:write"})), ["jobs:read"]);

    let auth0 = Desk::of(Auth0);
    let with_roles = json!({"scope": "openid profile catalog:write", "permissions": ["predictions:read", "jobs:read"]});
    assert_eq!(auth0.permissions(&with_roles), ["jobs:read", "predictions:read"]);
    assert_eq!(auth0.permissions(&json!({"permissions": []})), [] as [&str; 0], "none were given");

    let cognito = Desk::of(Cognito);
    assert_eq!(cognito.permissions(&json!({"scope": "predictions/jobs:read jobs:write"})), ["jobs:write"]);
    let mut rules = rules(Cognito);
    rules.scopes.prefix = "predictions/".to_owned();
    let cognito = Desk::by(Cognito, rules);
    let scope =
        "openid predictions/jobs:read others/jobs:write catalog:write predictions/predictions/jobs:write predictions/";
    assert_eq!(cognito.permissions(&json!({ "scope": scope })), ["jobs:read"]);

    for (profile, name) in [(Entra, "scp"), (Okta, "scp"), (Auth0, "permissions")] {
        let desk = Desk::of(profile);
        for wrong in
            [json!(7), json!(true), json!({"jobs:read": true}), json!(["jobs:read", 7]), json!([["jobs:read"]])]
        {
            desk.refuses_for("scope", &json!({ name: wrong }));
        }
    }
    for profile in [Rfc9068, Keycloak, Auth0, Cognito] {
        Desk::of(profile).refuses_for("scope", &json!({"scope": ["jobs:read"]}));
    }
}

#[test]
fn another_claim_of_scopes_can_be_named() {
    for profile in TokenProfile::ALL {
        let mut rules = rules(profile);
        rules.scopes.claims = ["rights", "more"].map(ScopeClaim::text_or_list).into();
        let desk = Desk::by(profile, rules);
        assert_eq!(desk.permissions(&json!({"rights": "jobs:write x", "more": "jobs:read"})), ["jobs:write"]);
        assert_eq!(desk.permissions(&json!({"more": ["jobs:write", "x"]})), ["jobs:write"]);
        assert_eq!(desk.permissions(&json!({})), [] as [&str; 0], "its usual one is not read");
        desk.refuses_for("scope", &json!({"rights": 7, "more": "jobs:read"}));
    }
}
