//! What the tokens of an issuer have to say, by the options; and which options contradict each other. All that is wrong
//! is told at once.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::bail;
use prediction_identity::claims::ClaimRules;
use prediction_identity::organisations::{
    ClaimPath, GroupNames, MAX_TABLE_BYTES, OrganisationRules, OrganisationTable,
};
use prediction_identity::profile::TokenProfile;
use prediction_identity::scopes::ScopeClaim;

use crate::command_line::{IdentityOptions, IssuerOptions, Profile};

/// What stands before the id of a tenant in issuers of Entra ID's tokens of version 1.0.
const ENTRA_VERSION_1: &str = "https://sts.windows.net/";

/// Names of an issuer that stand for many tenants: no token names them.
const ENTRA_MANY_TENANTS: [&str; 5] = ["/common/", "/organizations/", "/consumers/", "{tenantid}", "{tid}"];

/// Fails when something was said of an issuer's tokens, but no issuer.
pub(super) fn check_local(options: &IssuerOptions) -> anyhow::Result<()> {
    let given = [
        ("--token-profile", options.token_profile.is_some()),
        ("--scope-claim", !options.scope_claim.is_empty()),
        ("--scope-prefix", options.scope_prefix.is_some()),
        ("--organisations-group-prefix", options.organisations_group_prefix.is_some()),
        ("--organisations-file", options.organisations_file.is_some()),
        ("--issuer-over-http", options.issuer_over_http),
    ];
    let wrong = given.into_iter().filter(|(_, is_given)| *is_given);
    refuse(
        &wrong
            .map(|(option, _)| format!("{option} is for the tokens of an --issuer, and there is none"))
            .collect::<Vec<_>>(),
    )
}

/// The profile, and what its tokens have to say.
pub(super) fn of_issuer(
    issuer: &str,
    options: &IssuerOptions,
    identity: &IdentityOptions,
) -> anyhow::Result<(TokenProfile, ClaimRules)> {
    let profile = options.token_profile.map(Profile::token_profile).unwrap_or_default();
    let mut wrong = Vec::new();
    if profile == TokenProfile::Entra {
        check_entra(issuer, &mut wrong);
    }
    let mut claims = profile.claims(issuer, options.audience.clone());
    if !options.scope_claim.is_empty() {
        let distinct: BTreeSet<_> = options.scope_claim.iter().collect();
        if distinct.len() < options.scope_claim.len() {
            wrong.push("--scope-claim names the same claim twice".to_owned());
        }
        claims.scopes.claims = options.scope_claim.iter().map(ScopeClaim::text_or_list).collect();
    }
    claims.scopes.prefix = options.scope_prefix.clone().unwrap_or_default();
    if let Some(rules) = organisations(profile, options, identity, &mut wrong) {
        claims.organisations = rules;
    }
    refuse(&wrong)?;
    Ok((profile, claims))
}

fn check_entra(issuer: &str, wrong: &mut Vec<String>) {
    if issuer.starts_with(ENTRA_VERSION_1) {
        wrong.push(
            "--issuer is that of tokens of version 1.0; of version 2.0 it is https://login.microsoftonline.com/TENANT/v2.0"
                .to_owned(),
        );
    }
    if ENTRA_MANY_TENANTS.iter().any(|many| issuer.contains(many)) {
        wrong.push(
            "--issuer stands for many tenants, and no token names it; it has to have the id of one tenant".to_owned(),
        );
    }
}

fn organisations(
    profile: TokenProfile,
    options: &IssuerOptions,
    identity: &IdentityOptions,
    wrong: &mut Vec<String>,
) -> Option<OrganisationRules> {
    let (prefix, file) = (&options.organisations_group_prefix, &options.organisations_file);
    let claim = identity.organisations_claim.as_deref().and_then(|claim| {
        let path = ClaimPath::parse(claim);
        path.inspect_err(|error| wrong.push(format!("--organisations-claim {error}"))).ok()
    });
    if file.is_some() && prefix.is_none() && identity.organisations_claim.is_some() {
        wrong.push(
            "--organisations-claim is not read beside --organisations-file, which names its claims itself".to_owned(),
        );
    }
    if prefix.is_none() && file.is_none() {
        return claim.map(OrganisationRules::Listed);
    }
    let groups = prefix.as_ref().map(|prefix| GroupNames {
        claim: claim.unwrap_or_else(|| ClaimPath::name(profile.groups_claim())),
        prefix: prefix.clone(),
    });
    let table = file.as_deref().map(table).transpose().unwrap_or_else(|error| {
        wrong.push(error);
        None
    });
    Some(OrganisationRules::Named { groups, table: table.unwrap_or_default() })
}

/// The table in a file. Of one that is too long no more is read than tells so.
fn table(path: &Path) -> Result<OrganisationTable, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_TABLE_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read the --organisations-file {}: {error}", path.display()))?;
    OrganisationTable::parse(&bytes)
        .map_err(|error| format!("cannot use the --organisations-file {}: {error}", path.display()))
}

fn refuse(wrong: &[String]) -> anyhow::Result<()> {
    if !wrong.is_empty() {
        bail!("the options for tokens cannot be meant so: {}", wrong.join("; "));
    }
    Ok(())
}
